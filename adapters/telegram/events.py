"""Telegram's updates as core's values. Pure: parsed JSON in, values out."""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.telegram.door import MEDIA_STAYS, TEXT_STAYS
from core.commands.spec import FILES, Command, Option
from core.messages import Attachment, Caller, Invocation, Place, Ref

Json = Mapping[str, Any]

PLATFORM = "telegram"
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?=\s|$)")
_MEDIA = ("photo", "document", "video", "animation", "audio", "voice", "sticker", "video_note")


_FILES = {
    "document": ("", "file"),
    "video": ("video/mp4", "video.mp4"),
    "animation": ("video/mp4", "animation.mp4"),
    "video_note": ("video/mp4", "video.mp4"),
    "voice": ("audio/ogg", "voice.ogg"),
    "audio": ("audio/mpeg", "sound.mp3"),
}
"""Kinds of file, with the type and name where Telegram gives none."""


@dataclass(frozen=True, slots=True)
class File:
    """A file somebody sent, and its type as far as Telegram knows."""

    mime: str
    attachment: Attachment


@dataclass(frozen=True, slots=True)
class Spoken:
    """A command as it was typed."""

    name: str
    rest: str
    addressed: bool
    """The bot was named: `/imagine@atelier_bot`."""


def dump(update: Json) -> str:
    """An update as it is stored."""
    return json.dumps(update, separators=(",", ":"))


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


def file_of(message: Json) -> File | None:
    """The file a message carries: of a photo its largest size."""
    photos = message.get("photo") or []
    if photos:
        best = max(photos, key=lambda p: (p.get("width") or 0) * (p.get("height") or 0))
        return _file(best, "image/jpeg", "photo.jpg")
    sticker = message.get("sticker") or {}
    if sticker and not (sticker.get("is_video") or sticker.get("is_animated")):
        return _file(sticker, "image/webp", "sticker.webp")
    for kind, (mime, name) in _FILES.items():
        if found := message.get(kind):
            return _file(found, mime, name)
    return None


def _file(found: Json, mime: str, name: str) -> File | None:
    """One file as Telegram describes it; `mime` and `name` count where it says nothing of use."""
    if not found.get("file_id"):
        return None
    name = str(found.get("file_name") or name)
    said = str(found.get("mime_type") or "")
    if said in ("", "application/octet-stream"):
        said = mimetypes.guess_type(name)[0] or mime
    size = int(found.get("file_size") or 0)
    return File(said, Attachment(id=str(found["file_id"]), name=name, size=size))


def picture_of(message: Json) -> Attachment | None:
    """The picture a message carries."""
    found = file_of(message)
    return found.attachment if found and found.mime.startswith("image/") else None


def invocation(
    key: str, messages: Sequence[Json], username: str, known: Mapping[str, Command]
) -> Invocation | None:
    """The command in a message (or an album, one part of which carries the words); None for none.

    `known` are the commands by name.
    """
    spoken = next((m for m in messages if command_of(m, username)), None)
    found = command_of(spoken, username) if spoken is not None else None
    if spoken is None or found is None:
        return None
    name, rest = found.name, found.rest
    if name == "start":  # what stands behind it is a link's own word
        name, rest = "help", ""
    command = known.get(name)
    files = _files(messages, spoken, command)
    return Invocation(
        key=key,
        caller=caller_of(spoken["from"]),
        place=place_of(spoken),
        command=name,
        values=placed(command, files) if command else {},
        text=rest,
        ref=ref_of(spoken),
    )


def file_options(command: Command | None) -> list[Option]:
    """The options of a command that take files, in their order."""
    return [o for o in command.options if o.kind in FILES] if command else []


def placed(command: Command, files: Sequence[File]) -> dict[str, Any]:
    """Which option takes which file: the first that takes its type and has none yet.

    What is too much stays with the last option that takes it, for core to refuse.
    """
    options = file_options(command)
    found: dict[str, list[Attachment]] = {}
    for file in files:
        fit = [o for o in options if file.mime.startswith(o.accepts)]
        free = [o for o in fit if o.kind == "images" or o.name not in found]
        for option in (free or fit[-1:])[:1]:
            found.setdefault(option.name, []).append(file.attachment)
    several = {o.name for o in options if o.kind == "images"}
    return {k: v if k in several or len(v) > 1 else v[0] for k, v in found.items()}


def _files(messages: Sequence[Json], spoken: Json, command: Command | None) -> list[File]:
    """The files that belong to a command: its message's own, else the one replied to.

    Where a command takes several one by one, the one replied to comes before those sent along.
    """
    own = [f for m in messages if (f := file_of(m))]
    answered = spoken.get("reply_to_message") or spoken.get("external_reply") or {}
    replied = [f] if (f := file_of(answered)) else []
    return [*replied, *own] if len(file_options(command)) > 1 else own or replied
