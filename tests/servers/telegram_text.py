"""The rules for text: lengths, entities, and what Telegram finds in it by itself.

Lengths are counted in code points, entity offsets and lengths in UTF-16 code units, as the Bot
API does. Knows nothing of chats or users beyond the user id inside an entity.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.servers import telegram_markup as markup
from tests.servers.telegram_wire import Params, bad, name_set

Entity = dict[str, Any]
"""A MessageEntity as on the wire: `type`, `offset`, `length` and what its type adds."""

MAX_TEXT = 4096
MAX_CAPTION = 1024

_FOUND_BY_SERVER = frozenset(
    {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"}
)
_STYLES = name_set(
    "bold italic underline strikethrough spoiler blockquote expandable_blockquote code pre "
    "text_link text_mention custom_emoji date_time"
)
_OPAQUE = frozenset({"code", "pre", "text_link", "text_mention", "custom_emoji", "url"})
"""Inside these nothing else is found: an @name in code notifies nobody."""

_LINK = re.compile(r"(https?|tg|mailto|tel):|[\w-]+\.\w")
_PATTERNS = (
    (
        "url",
        re.compile(r"https?://[^\s<>\"]+|(?<![\w@.])(?:[a-z0-9-]+\.)+(?:com|org|net|io)\b"),
    ),
    (
        "bot_command",
        re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])"),
    ),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z0-9_]{3,32}(?!\w)")),
    ("hashtag", re.compile(r"(?<!\w)#(?=\w*[^\W\d_])\w{1,256}")),
)


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def cut(text: str, entity: Entity) -> str:
    """The part of the text an entity covers."""
    start, end = entity["offset"] * 2, (entity["offset"] + entity["length"]) * 2
    return text.encode("utf-16-le")[start:end].decode("utf-16-le")


def read_text(params: Params, name: str, limit: int) -> tuple[str, list[Entity]]:
    """Takes text or caption from a call with its formatting, checked and completed.

    Args:
        params: The call's parameters.
        name: `text` or `caption`; entities are in `entities` or `caption_entities`.
        limit: Code points allowed after parsing.

    Returns:
        The trimmed text, and its entities: those given and those found by the server.

    Raises:
        ApiError: 400 for broken formatting or too much text.
    """
    key = "entities" if name == "text" else f"{name}_entities"
    return format_text(
        params.text(name),
        params.text("parse_mode"),
        params.json(key),
        limit,
        caption=name != "text",
    )


def format_text(
    text: str, mode: str, given: object, limit: int, *, caption: bool = False
) -> tuple[str, list[Entity]]:
    """Like `read_text`, from loose values: media of an album carry theirs inside."""
    if given is not None and not isinstance(given, list):
        raise bad("can't parse entities: expected an Array of MessageEntity")
    if mode:
        text, entities = markup.parse(text, mode)
    else:
        entities = [check_entity(text, entity) for entity in given or []]
    text, entities = _trim(text, entities)
    if len(text) > limit:
        raise bad("message caption is too long" if caption else "message is too long")
    return text, complete(text, entities)


def check_entity(text: str, entity: object) -> Entity:
    """Refuses an entity that does not lie inside the text or lacks what its type needs."""
    if not isinstance(entity, dict):
        raise bad("can't parse MessageEntity: expected an Object")
    kind, offset, length = (entity.get(key) for key in ("type", "offset", "length"))
    if kind not in _STYLES | _FOUND_BY_SERVER:
        raise bad(f"can't parse MessageEntity: unknown type {kind!r}")
    if type(offset) is not int or type(length) is not int or offset < 0:
        raise bad(f"receive an entity with incorrect offset {offset} or length {length}")
    if length < 1:
        raise bad(f"receive an entity with incorrect length {length}")
    if offset + length > units(text):
        raise bad(f"entity beginning at UTF-16 offset {offset} ends after the end of the text")
    try:
        cut(text, entity)
    except UnicodeDecodeError:
        raise bad(
            f"entity beginning at UTF-16 offset {offset} begins or ends in a middle of a symbol"
        ) from None
    if kind == "text_link" and not _LINK.match(str(entity.get("url"))):
        raise bad("wrong HTTP URL specified")
    user = entity.get("user")
    if kind == "text_mention" and not (isinstance(user, dict) and "id" in user):
        raise bad("can't parse MessageEntity: can't find field \"user\"")
    return dict(entity)


def complete(text: str, given: Sequence[Entity]) -> list[Entity]:
    """Adds what the server finds by itself; its kinds are ignored when a bot sends them."""
    kept = [_as_mention(entity) for entity in given if entity["type"] not in _FOUND_BY_SERVER]
    opaque = [_span(entity) for entity in kept if entity["type"] in _OPAQUE]
    found: list[Entity] = []
    for kind, offset, length in detect(text):
        if all(end <= offset or offset + length <= start for start, end in opaque):
            found.append({"type": kind, "offset": offset, "length": length})
            opaque.append((offset, offset + length))
    return sorted(kept + found, key=lambda entity: (entity["offset"], -entity["length"]))


def detect(text: str) -> Iterator[tuple[str, int, int]]:
    """Yields kind, offset and length (UTF-16) of links, commands, mentions and hashtags."""
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield kind, units(text[: match.start()]), units(match[0])


def leading_command(text: str) -> tuple[str, str] | None:
    """The command a message begins with, as (name, addressed bot or ""), lower-cased."""
    match = re.match(r"/([A-Za-z0-9_]{1,64})(?:@([A-Za-z0-9_]{3,32}))?(?![\w/])", text)
    return (match[1].lower(), (match[2] or "").lower()) if match else None


def _span(entity: Entity) -> tuple[int, int]:
    return entity["offset"], entity["offset"] + entity["length"]


def _as_mention(entity: Entity) -> Entity:
    """Turns a `tg://user?id=` link into the mention it is."""
    match = re.fullmatch(r"tg://user\?id=(\d+)", entity.get("url", ""))
    if not match:
        return dict(entity)
    place = {key: entity[key] for key in ("offset", "length")}
    return {"type": "text_mention", **place, "user": {"id": int(match[1])}}


def _trim(text: str, entities: Sequence[Entity]) -> tuple[str, list[Entity]]:
    """Drops white space around the text, moving and clipping the entities with it."""
    trimmed = text.strip()
    skipped, size = units(text) - units(text.lstrip()), units(trimmed)
    moved: list[Entity] = []
    for entity in entities:
        start = max(entity["offset"] - skipped, 0)
        end = min(entity["offset"] + entity["length"] - skipped, size)
        if start < end:
            moved.append({**entity, "offset": start, "length": end - start})
    return trimmed, moved
