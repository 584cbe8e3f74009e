"""Messages that people write to the bot, read as questions to the assistant. Pure.

No privileged intent is needed for these: Discord hands over the content of direct messages and of
messages that mention the bot, and empties all others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from adapters.discord.door import Door
from adapters.discord.events import PLATFORM, Raw, attachment_of, caller_of, is_picture, key_of
from core.commands.spec import FILES, Command
from core.messages import Attachment, Invocation, Place, Ref

_WRITTEN = (0, 19)
"""Types of messages that people write: plain ones and replies."""
_MENTION = re.compile(r"<@!?(\d+)>")
_KEPT = ("id", "channel_id", "guild_id", "content", "mentions", "attachments")


def concerns(raw: Raw, me: str) -> bool:
    """Whether a person may have written this to the bot, whose user id is `me`."""
    author: Raw = raw.get("author") or {}
    if author.get("bot") or raw.get("webhook_id") or raw.get("type") not in _WRITTEN:
        return False
    return is_direct(raw) or me in _mentioned(raw)


def is_direct(raw: Raw) -> bool:
    """Whether nobody but the bot reads it."""
    return not raw.get("guild_id")


def names(raw: Raw, me: str) -> bool:
    """Whether its words mention the bot; a reply does without words."""
    return me in _MENTION.findall(str(raw.get("content") or ""))


def answered(raw: Raw, me: str) -> Ref | None:
    """The bot's message that this one replies to."""
    message: Raw = raw.get("referenced_message") or {}
    if str((message.get("author") or {}).get("id")) != me:
        return None
    return Ref(PLATFORM, str(raw["channel_id"]), str(message["id"]))


def noted(raw: Raw, me: str) -> str:
    """What is stored of a message: enough to read it again after a restart."""
    kept: dict[str, Any] = {k: raw[k] for k in _KEPT if k in raw}
    kept["author"] = {k: raw["author"].get(k) for k in ("id", "username", "global_name")}
    replied: Raw = raw.get("referenced_message") or {}
    kept["referenced_message"] = {"attachments": replied.get("attachments") or []}
    return json.dumps({"said": kept, "me": me}, separators=(",", ":"))


def place_of(raw: Raw) -> Place:
    """Where it was said; there is no interaction, so the bot's own token has to do."""
    dm = is_direct(raw)
    door = Door(user=str(raw["author"]["id"]), dm=dm)
    return Place(PLATFORM, str(raw["channel_id"]), private=dm, door=door.write())


def ref_of(raw: Raw) -> Ref:
    """The message itself, to reply to."""
    return Ref(PLATFORM, str(raw["channel_id"]), str(raw["id"]))


def question(raw: Raw, me: str, command: Command) -> Invocation | None:
    """The message as the main option of a command and its files; None where it holds nothing."""
    words, files = _words(raw, me), _files(raw)
    if is_direct(raw) and not (words or files):
        return None  # a sticker, a poll
    values = _placed(command, files)
    for option in command.options:
        if option.main and words:
            values[option.name] = words
    return Invocation(
        key_of(raw),
        caller_of({"user": raw["author"]}),
        place_of(raw),
        command.name,
        values,
        ref=ref_of(raw),
    )


def _mentioned(raw: Raw) -> list[str]:
    return [str(user.get("id")) for user in raw.get("mentions") or ()]


def _words(raw: Raw, me: str) -> str:
    """What was written, with people's names for their numbers and without the bot's."""
    people = {
        str(user.get("id")): f"@{user.get('global_name') or user.get('username') or ''}"
        for user in raw.get("mentions") or ()
    }
    known = people | {me: ""}
    words = _MENTION.sub(lambda found: known.get(found[1], found[0]), str(raw.get("content") or ""))
    return words.strip()


def _files(raw: Raw) -> Sequence[Raw]:
    """The files sent along, else the pictures of the message replied to."""
    own: Sequence[Raw] = raw.get("attachments") or ()
    replied: Raw = raw.get("referenced_message") or {}
    return own or [file for file in replied.get("attachments") or () if is_picture(file)]


def _placed(command: Command, files: Sequence[Raw]) -> dict[str, Any]:
    """Which option takes which file: the first of its type, else the first for core to refuse."""
    options = [option for option in command.options if option.kind in FILES]
    found: dict[str, list[Attachment]] = {}
    for file in files:
        kind = str(file.get("content_type") or ("image/" if is_picture(file) else ""))
        fit = [option for option in options if kind and kind.startswith(option.accepts)]
        for option in (fit or options)[:1]:
            found.setdefault(option.name, []).append(attachment_of(file))
    several = {option.name for option in options if option.kind == "images"}
    return {k: v if k in several or len(v) > 1 else v[0] for k, v in found.items()}
