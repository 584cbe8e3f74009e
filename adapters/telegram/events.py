"""Telegram's updates as core's values. Pure: parsed JSON in, values out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.telegram.door import MEDIA_STAYS, TEXT_STAYS
from core.commands.spec import Command
from core.messages import Attachment, Caller, Invocation, Place, Ref

Json = Mapping[str, Any]

PLATFORM = "telegram"
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?=\s|$)")
_MEDIA = ("photo", "document", "video", "animation", "audio", "voice", "sticker", "video_note")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A command as it was typed."""

    name: str
    rest: str
    addressed: bool
    """The bot was named: `/imagine@atelier_bot`."""


def dump(update: Json) -> str:
    """An update as it is stored."""
    return json.dumps(update, ensure_ascii=False, separators=(",", ":"))


def caller_of(user: Json) -> Caller:
    """The person in a `User` object."""
    name = " ".join(p for p in (user.get("first_name"), user.get("last_name")) if p)
    return Caller(PLATFORM, str(user["id"]), name, str(user.get("language_code") or ""))


def place_of(message: Json) -> Place:
    """Where a message is: chat and, in a forum, topic.

    Replies outside forums carry a thread id too, which no message can be sent to.
    """
    chat = message["chat"]
    thread = message.get("message_thread_id") if message.get("is_topic_message") else None
    return Place(
        PLATFORM,
        str(chat["id"]),
        str(thread) if thread else "",
        private=chat.get("type", "private") == "private" and not str(chat["id"]).startswith("-"),
    )


def ref_of(message: Json) -> Ref:
    """The address of a message somebody wrote."""
    return Ref(PLATFORM, str(message["chat"]["id"]), str(message["message_id"]))


def pressed(message: Json) -> Ref:
    """The address of the bot's own message whose button was pressed: it keeps what it shows.

    Of an old message Telegram tells no more than chat and number; an edit finds out then.
    """
    media = any(message.get(kind) for kind in _MEDIA)
    door = MEDIA_STAYS if media else TEXT_STAYS
    return Ref(PLATFORM, str(message["chat"]["id"]), str(message["message_id"]), door)


def words_of(message: Json) -> str:
    """A message's text or caption."""
    return str(message.get("text") or message.get("caption") or "")


def command_of(message: Json, username: str) -> Spoken | None:
    """The command a message begins with, when it is not for another bot."""
    text = words_of(message)
    found = _COMMAND.match(text)
    if found is None or (found[2] and found[2].lower() != username.lower()):
        return None
    return Spoken(found[1].lower(), text[found.end() :].strip(), bool(found[2]))


def picture_of(message: Json) -> Attachment | None:
    """The picture a message carries: a photo's largest size, or a file that is one."""
    photos = message.get("photo") or []
    if photos:
        best = max(photos, key=lambda p: (p.get("width") or 0) * (p.get("height") or 0))
        return Attachment(id=best["file_id"], name="photo.jpg", size=best.get("file_size") or 0)
    file = message.get("document") or {}
    if file.get("file_id") and str(file.get("mime_type") or "image/").startswith("image/"):
        name = file.get("file_name") or "picture"
        return Attachment(id=file["file_id"], name=name, size=file.get("file_size") or 0)
    file = message.get("sticker") or {}
    if file.get("file_id") and not file.get("is_video") and not file.get("is_animated"):
        return Attachment(id=file["file_id"], name="sticker.webp", size=file.get("file_size") or 0)
    return None


def invocation(
    key: str, messages: Sequence[Json], username: str, known: Mapping[str, Command]
) -> Invocation | None:
    """The command in a message (or an album, one part of which carries the words); None for none.

    Pictures of the message itself count first, then the message it replies to.
    """
    spoken = next((m for m in messages if command_of(m, username)), None)
    found = command_of(spoken, username) if spoken is not None else None
    if spoken is None or found is None:
        return None
    name, rest = found.name, found.rest
    if name == "start":  # what stands behind it is a link's own word
        name, rest = "help", ""
    command = known.get(name)
    values: dict[str, Any] = {}
    takes = picture_option(command)
    if takes and (pictures := _pictures(messages, spoken)):
        values[takes] = pictures
    return Invocation(
        key=key,
        caller=caller_of(spoken["from"]),
        place=place_of(spoken),
        command=name,
        values=values,
        text=rest,
        ref=ref_of(spoken),
    )


def picture_option(command: Command | None) -> str:
    """The name of the option that takes the pictures of a message; empty without one."""
    options = command.options if command else ()
    return next((o.name for o in options if o.kind in ("image", "images")), "")


def _pictures(messages: Sequence[Json], spoken: Json) -> list[Attachment]:
    own = [p for m in messages if (p := picture_of(m))]
    answered = spoken.get("reply_to_message") or spoken.get("external_reply") or {}
    replied = picture_of(answered)
    return own or ([replied] if replied else [])
