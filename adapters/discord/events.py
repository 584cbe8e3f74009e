"""Discord's interactions read into core's events. Pure: payloads in, values out.

Payloads are raw JSON of INTERACTION_CREATE. Whatever is optional in Discord's documentation may be
missing. What is stored of one is `trimmed` and carries when it came and whether it is answered
hidden.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from adapters.discord.commands import MESSAGE_MENU, menus, slots
from adapters.discord.door import TOKEN_LIFE, Door
from adapters.discord.render import EPHEMERAL
from core.commands.spec import Command, Option
from core.messages import Attachment, Caller, Event, Filling, Invocation, Place, Press, Ref

PLATFORM = "discord"
COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
_IN_GUILD, _IN_DM = 0, 1
_THREADS = (10, 11, 12)
_ADMINISTRATOR, _VIEW, _SEND, _SEND_IN_THREAD = 1 << 3, 1 << 10, 1 << 11, 1 << 38
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif", ".heic")

Raw: TypeAlias = Mapping[str, Any]


def key_of(raw: Raw) -> str:
    """The event's unique key."""
    return f"{PLATFORM}:{raw['id']}"


def caller_of(raw: Raw) -> Caller:
    """Who did it."""
    user = raw.get("user") or (raw.get("member") or {}).get("user") or {}
    name = user.get("global_name") or user.get("username") or ""
    return Caller(PLATFORM, str(user.get("id", "")), str(name), str(raw.get("locale") or ""))


def channel_of(raw: Raw) -> str:
    """Where it happened."""
    return str(raw.get("channel_id") or (raw.get("channel") or {}).get("id") or "")


def door_of(raw: Raw, at: float) -> Door:
    """How to answer an interaction that came `at` (Unix seconds)."""
    dm = _is_dm(raw)
    return Door(
        app=str(raw["application_id"]),
        interaction=str(raw["id"]),
        token=str(raw["token"]),
        until=at + TOKEN_LIFE,
        user=caller_of(raw).id,
        guild=str(raw.get("guild_id") or ""),
        member=dm or _is_member(raw),
        dm=dm,
        limit=int(raw.get("attachment_size_limit") or 0),
    )


def place_of(raw: Raw, at: float) -> Place:
    """Where answers go."""
    door = door_of(raw, at)
    return Place(PLATFORM, channel_of(raw), private=door.dm, door=door.write())


def _slot_place(raw: Raw, at: float, answered: Answered) -> Place:
    """The same, once the first answer shows who sees answers here."""
    place = place_of(raw, at)
    unknown = not answered.message and not place.private and not _is_member(raw)
    return replace(place, alone=answered.hidden or unknown)


def _is_dm(raw: Raw) -> bool:
    """Whether this is a chat of one person and the bot (and not of two people who have the bot
    installed).
    """
    context = raw.get("context")
    return not raw.get("guild_id") if context is None else context == _IN_DM


def _is_member(raw: Raw) -> bool:
    """Whether the bot's own token can write here: it is installed to the server, and may."""
    if not raw.get("guild_id") or raw.get("context", _IN_GUILD) != _IN_GUILD:
        return False
    owners = raw.get("authorizing_integration_owners")
    if owners and "0" not in owners:
        return False
    if raw.get("app_permissions") is None:
        return True
    may = int(raw["app_permissions"])
    thread = (raw.get("channel") or {}).get("type") in _THREADS
    needed = _VIEW | (_SEND_IN_THREAD if thread else _SEND)
    return bool(may & _ADMINISTRATOR) or may & needed == needed


def open_channels(
    guild: str, roles: Iterable[Mapping[str, Any]], channels: Iterable[Mapping[str, Any]]
) -> list[str]:
    """The channels of a server that every member may read: nobody is shut out of them, and nothing
    in them is for adults alone.
    """
    allowed = sum(int(role.get("permissions") or 0) for role in roles if str(role["id"]) == guild)
    found = []
    for channel in channels:
        rules = channel.get("permission_overwrites") or ()
        invited = any(_may(rule, "allow") for rule in rules if str(rule.get("id")) == guild)
        shut = any(_may(rule, "deny") for rule in rules)
        if (allowed & _VIEW or invited) and not shut and not channel.get("nsfw"):
            found.append(str(channel["id"]))
    return found


def _may(rule: Mapping[str, Any], what: str) -> bool:
    return bool(int(rule.get(what) or 0) & _VIEW)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the first answer to an interaction left behind."""

    message: str = ""
    """The id of the message it made, empty if Discord did not say."""
    hidden: bool = False
    """One person alone sees it, because that was asked for or because Discord wants it so."""


def trimmed(raw: Raw, at: float, *, hidden: bool) -> str:
    """What is stored of an interaction: enough to handle it again after a restart."""
    kept = {k: raw[k] for k in _KEPT if k in raw}
    if raw.get("member"):
        kept["user"] = raw["member"].get("user")
    if raw.get("message"):
        kept["message"] = {k: raw["message"].get(k) for k in ("id", "flags", "attachments")}
    kept["channel"] = {k: v for k, v in (raw.get("channel") or {}).items() if k in ("id", "type")}
    note = {"raw": kept, "at": at, "hidden": hidden}
    return json.dumps(note, separators=(",", ":"))


# fmt: off
_KEPT = (
    "id", "application_id", "token", "type", "data", "guild_id", "channel_id", "context", "user",
    "authorizing_integration_owners", "locale", "app_permissions", "attachment_size_limit",
)
# fmt: on


class Reader:
    """Reads interactions by the commands there are."""

    def __init__(self, commands: Sequence[Command]) -> None:
        """`commands`: all of the Desk's."""
        self._commands = {command.name: command for command in commands}
        self._menus = menus(commands)

    def command(self, raw: Raw) -> Command | None:
        """The command an interaction runs or completes, None when it is registered no more."""
        data = raw.get("data") or {}
        name = str(data.get("name", ""))
        if data.get("type") == MESSAGE_MENU:
            return self._menus[name][0] if name in self._menus else None
        return self._commands.get(name)

    def event(self, raw: Raw, at: float, answered: Answered) -> Event | None:
        """Read an interaction that was answered for the first time."""
        match raw.get("type"):
            case 2:
                return self._invocation(raw, at, answered)
            case 3:
                return _press(raw, at)
            case 5:
                return _filling(raw, at, answered)
            case _:
                return None

    def values(self, raw: Raw) -> dict[str, Any] | None:
        """The typed options of a command; None for a menu of a message without such a file."""
        data, command = raw.get("data") or {}, self.command(raw)
        if command is None:
            return {}
        if data.get("type") == MESSAGE_MENU:
            name = self._menus[str(data["name"])][1].option
            option = command.option(name)
            file = target_file(data, option.accepts if option else ())
            return None if file is None else {name: file}
        given = {o["name"]: o.get("value") for o in data.get("options") or () if "value" in o}
        files = _files(data)
        return {o.name: v for o in command.options if (v := _value(o, given, files)) is not None}

    def _invocation(self, raw: Raw, at: float, answered: Answered) -> Invocation | None:
        command, values = self.command(raw), self.values(raw)
        if command is None or values is None:
            return None
        return Invocation(
            key_of(raw),
            caller_of(raw),
            _slot_place(raw, at, answered),
            command.name,
            values,
            ack=_slot(raw, at, answered),
        )


def focused(raw: Raw) -> tuple[str, str]:
    """The option a person is typing in and what stands there."""
    options = (raw.get("data") or {}).get("options") or ()
    found: Raw = next((o for o in options if o.get("focused")), {})
    return str(found.get("name", "")), str(found.get("value", ""))


def target_file(data: Raw, accepts: tuple[str, ...]) -> Attachment | None:
    """The first file of these types in a message that a menu was opened on; pictures may be
    embedded.
    """
    messages = (data.get("resolved") or {}).get("messages") or {}
    message: Raw = messages.get(str(data.get("target_id"))) or next(iter(messages.values()), {})
    for file in message.get("attachments") or ():
        kind = str(file.get("content_type") or "")
        if kind.startswith(accepts) or ("image/" in accepts and is_picture(file)):
            return attachment_of(file)
    if "image/" not in accepts:
        return None
    for embed in message.get("embeds") or ():
        for part in ("image", "thumbnail"):
            shown = embed.get(part) or {}
            if url := shown.get("proxy_url") or shown.get("url"):
                return Attachment(url=str(url))
    return None


def is_picture(file: Raw) -> bool:
    """Whether a file is one, as far as Discord tells."""
    kind = str(file.get("content_type") or "")
    return kind.startswith("image/") or (
        not kind and str(file.get("filename", "")).lower().endswith(_PICTURES)
    )


def _slot(raw: Raw, at: float, answered: Answered) -> Ref:
    """The open answer slot of a deferred reply."""
    door = replace(
        door_of(raw, at),
        kind="slot",
        original=True,
        hidden=answered.hidden,
        known=bool(answered.message),
    )
    return Ref(PLATFORM, channel_of(raw), answered.message or str(raw["id"]), door.write())


def _press(raw: Raw, at: float) -> Press:
    message: Raw = raw.get("message") or {}
    hidden = bool(int(message.get("flags") or 0) & EPHEMERAL)
    files = tuple((str(f["filename"]), str(f["id"])) for f in message.get("attachments") or ())
    base = door_of(raw, at)
    pressed = replace(base, kind="message", original=True, hidden=hidden, files=files)
    ack = replace(
        base, kind="press", known=False, source="" if hidden else str(message.get("id", ""))
    )
    channel, place = channel_of(raw), place_of(raw, at)
    return Press(
        key_of(raw),
        caller_of(raw),
        replace(place, alone=hidden and not place.private and not base.member),
        str(raw["data"]["custom_id"])[2:],
        Ref(PLATFORM, channel, str(message.get("id", "")), pressed.write()),
        Ref(PLATFORM, channel, str(raw["id"]), ack.write()),
    )


def _filling(raw: Raw, at: float, answered: Answered) -> Filling:
    data: Raw = raw["data"]
    files = _files(data)
    values: dict[str, Any] = {}
    for part in _answers(data.get("components") or ()):
        found = _answer(part, files)
        if found is not None:
            values[str(part["custom_id"])] = found
    return Filling(
        key_of(raw),
        caller_of(raw),
        _slot_place(raw, at, answered),
        str(data["custom_id"])[2:],
        values,
        _slot(raw, at, answered),
        _opened_on(raw),
    )


def _opened_on(raw: Raw) -> Ref | None:
    """The message whose button opened a window; none where only the person saw it."""
    message: Raw = raw.get("message") or {}
    if not message.get("id") or int(message.get("flags") or 0) & EPHEMERAL:
        return None
    return Ref(PLATFORM, channel_of(raw), str(message["id"]))


def _answers(components: Iterable[Raw]) -> Iterable[Raw]:
    """The answered questions of a window, under labels or in the rows of older clients."""
    for component in components:
        inside = (
            [component["component"]] if component.get("component") else component.get("components")
        )
        if inside:
            yield from _answers(inside)
        elif "custom_id" in component:
            yield component


def _answer(part: Raw, files: Mapping[str, Attachment]) -> str | Attachment | None:
    chosen = part.get("values")
    if chosen is None:
        return str(part.get("value") or "")
    first = next(iter(chosen), None)
    return None if first is None else files.get(str(first), str(first))


def _files(data: Raw) -> dict[str, Attachment]:
    found = (data.get("resolved") or {}).get("attachments") or {}
    return {str(key): attachment_of(file) for key, file in found.items()}


def attachment_of(file: Raw) -> Attachment:
    """A file of a message or an interaction."""
    return Attachment(
        url=str(file.get("url", "")),
        id=str(file.get("id", "")),
        name=str(file.get("filename", "")),
        size=int(file.get("size") or 0),
    )


def _value(option: Option, given: Mapping[str, Any], files: Mapping[str, Attachment]) -> Any:
    """One option's value: a picture or several by their ids, everything else as it came; None when
    not given.
    """
    names = [slot.name for slot in slots(option)]
    match option.kind:
        case "image" | "file":
            return files.get(str(given.get(option.name)))
        case "images":
            return [files[k] for n in names if (k := str(given.get(n))) in files] or None
        case _:
            return given.get(option.name)
