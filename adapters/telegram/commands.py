"""Telegram updates to events, and commands to Telegram's menu. Pure: parsed JSON in, values out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.commands.spec import Command
from core.i18n import Say
from core.messages import Attachment, Caller, Invocation, Place, Ref, shorten

Json = Mapping[str, Any]

PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")


def menu(commands: Sequence[Command], say: Say) -> list[tuple[str, str]]:
    """(name, description) pairs of the bot's command menu."""
    return [(c.name, shorten(say(c.summary), 256)) for c in commands]


def caller_of(user: Json) -> Caller:
    """The person in a `User` object."""
    name = " ".join(p for p in (user.get("first_name"), user.get("last_name")) if p)
    return Caller("telegram", str(user["id"]), name, str(user.get("language_code") or ""))


def place_of(message: Json) -> Place:
    """Where a message is: chat and, in a forum, topic."""
    chat = message["chat"]
    thread = message.get("message_thread_id") if message.get("is_topic_message") else None
    return Place(
        "telegram",
        str(chat["id"]),
        str(thread) if thread else "",
        private=chat.get("type") == "private",
    )


def ref_of(message: Json) -> Ref:
    """A message's address; its door says whether it has media, since edits differ then."""
    media = any(message.get(k) for k in ("photo", "document", "video", "animation", "audio"))
    return Ref(
        "telegram", str(message["chat"]["id"]), str(message["message_id"]), "m" if media else ""
    )


def command_of(message: Json, username: str) -> tuple[str, str] | None:
    """(command, rest of the text) when the message begins with a command meant for this bot."""
    text = message.get("text") or message.get("caption") or ""
    entities = message.get("entities") or message.get("caption_entities") or []
    first = next((e for e in entities if e.get("type") == "bot_command"), None)
    if first is None or first.get("offset") != 0:
        return None
    head = text[: first["length"]]
    match = re.fullmatch(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?", head)
    if match is None or (match[2] and match[2].lower() != username.lower()):
        return None
    return match[1].lower(), text[first["length"] :].strip()


def picture_of(message: Json) -> Attachment | None:
    """The picture a message carries: a photo's largest size, or a file that is one."""
    photos = message.get("photo") or []
    if photos:
        best = max(photos, key=lambda p: (p.get("width") or 0) * (p.get("height") or 0))
        return Attachment(id=best["file_id"], name="photo.jpg", size=best.get("file_size") or 0)
    for kind in ("document", "sticker"):
        file = message.get(kind) or {}
        mime = file.get("mime_type") or ("image/webp" if kind == "sticker" else "")
        if file.get("file_id") and not file.get("is_video") and not file.get("is_animated"):
            if kind == "document" and mime and not mime.startswith("image/"):
                continue
            name = file.get("file_name") or "picture"
            return Attachment(id=file["file_id"], name=name, size=file.get("file_size") or 0)
    return None


def invocation(
    key: str, messages: Sequence[Json], username: str, known: Mapping[str, Command]
) -> Invocation | None:
    """The command in a message (or in an album, of which one carries the words), or None when there is none.

    Pictures of the message itself count first, then the message it replies to.
    """
    spoken = next((m for m in messages if command_of(m, username)), None)
    if spoken is None:
        return None
    found = command_of(spoken, username)
    assert found is not None
    name, rest = found
    if name == "start":  # what stands behind it is a link's own word
        name, rest = "help", ""
    command = known.get(name)
    values: dict[str, Any] = {}
    pictures = [p for m in messages if (p := picture_of(m))]
    reply = spoken.get("reply_to_message")
    if not pictures and reply and (replied := picture_of(reply)):
        pictures = [replied]
    option = next((o for o in command.options if o.kind in ("image", "images")), None) if command else None
    if option is not None and pictures:
        values[option.name] = pictures
    return Invocation(
        key=key,
        caller=caller_of(spoken["from"]),
        place=place_of(spoken),
        command=name,
        values=values,
        text=rest,
        ref=ref_of(spoken),
    )


def dump(update: Json) -> str:
    """An update as it is stored."""
    return json.dumps(update, ensure_ascii=False, separators=(",", ":"))
