"""How components and embeds look when Discord gives them back: ids set, files turned into links.

Pure, but for the links. Components are lists of dicts as in the API; `walk` goes through all of
them in the order a person sees.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.servers.discord_files import Attachment, Files

Component = dict[str, Any]
_ATTACHED = "attachment://"
_CHILDREN = ("components",)
_SINGLE = ("accessory", "component")


def walk(components: list[Component]) -> Iterator[Component]:
    """All components, parents before their children."""
    for component in components:
        yield component
        for key in _CHILDREN:
            yield from walk(component.get(key) or [])
        for key in _SINGLE:
            if component.get(key):
                yield from walk([component[key]])


def media(component: Component) -> list[Component]:
    """The media objects (`{"url": ...}`) a component shows."""
    found = [component[key] for key in ("media", "file") if component.get(key)]
    return found + [item["media"] for item in component.get("items") or []]


def attached_names(components: list[Component]) -> set[str]:
    """Names of the attachments that components show."""
    urls = [item["url"] for component in walk(components) for item in media(component)]
    return {url.removeprefix(_ATTACHED) for url in urls if url.startswith(_ATTACHED)}


def with_ids(components: list[Component]) -> list[Component]:
    """A deep copy without nulls in which every component has an `id`, as Discord numbers them."""
    copied = [_pruned(component) for component in components]
    taken = {component["id"] for component in walk(copied) if component.get("id")}
    number = 1
    for component in walk(copied):
        if not component.get("id"):
            while number in taken:
                number += 1
            taken.add(number)
            component["id"] = number
    return copied


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_pruned(item) for item in value]
    return value


def render_components(
    components: list[Component], attachments: Mapping[str, Attachment], files: Files
) -> list[Component]:
    """The components of a message as the API returns them."""
    return [_rendered(component, attachments, files) for component in components]


def _rendered(value: Any, attachments: Mapping[str, Attachment], files: Files) -> Any:
    if isinstance(value, list):
        return [_rendered(item, attachments, files) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {key: _rendered(item, attachments, files) for key, item in value.items()}
    for key in ("media", "file"):
        if key in value:
            shown[key] = _unfurled(value[key]["url"], attachments, files)
    if value.get("type") == 13:
        attachment = attachments.get(value["file"]["url"].removeprefix(_ATTACHED))
        shown["name"] = attachment.filename if attachment else "file"
        shown["size"] = attachment.size if attachment else 0
    return shown


def _unfurled(url: str, attachments: Mapping[str, Attachment], files: Files) -> Component:
    attachment = attachments.get(url.removeprefix(_ATTACHED))
    if not url.startswith(_ATTACHED) or attachment is None:
        return {"id": "0", "url": url, "proxy_url": url}
    known = files.wire(attachment)
    shown = {key: known[key] for key in ("url", "proxy_url", "width", "height") if key in known}
    shown |= {"id": known["id"], "attachment_id": known["id"]}
    return shown | {"content_type": attachment.content_type}


def render_embed(
    embed: Component, attachments: Mapping[str, Attachment], files: Files
) -> Component:
    """An embed as the API returns it."""
    shown: Component = {**_pruned(embed), "type": embed.get("type") or "rich"}
    for key in ("image", "thumbnail"):
        if key in shown:
            unfurled = _unfurled(shown[key]["url"], attachments, files)
            kept = ("url", "proxy_url", "width", "height", "content_type")
            shown[key] = {name: unfurled[name] for name in kept if unfurled.get(name) is not None}
    if "fields" in shown:
        shown["fields"] = [{"inline": False, **pair} for pair in shown["fields"]]
    return shown


_USER_MENTION = re.compile(r"<@!?(\d+)>")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_CODE = re.compile(r"```.*?```|``.*?``|`[^`]*`", re.DOTALL)


def mentioned_users(text: str) -> list[int]:
    """Ids of the users a text mentions; not those within code or behind a backslash."""
    plain = _CODE.sub("", _ESCAPED.sub("", text))
    return [int(number) for number in dict.fromkeys(_USER_MENTION.findall(plain))]


def mentions_everyone(text: str) -> bool:
    """Whether a text holds a mass mention."""
    plain = _CODE.sub("", _ESCAPED.sub("", text))
    return "@everyone" in plain or "@here" in plain
