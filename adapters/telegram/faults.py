"""What Telegram's refusals mean: core's errors, and what to leave out of a message instead.

Pure. The words are those of tdlib and the Bot API server, looked for in any case, since
python-telegram-bot capitalises them.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from datetime import timedelta

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from adapters.telegram.transport import NotConnectedError
from core.errors import AdapterError, ChatGone, MaybeSent, MessageGone, Offline, SlowDown, TooBig

log = logging.getLogger(__name__)

FILE_BYTES = 50_000_000
"""Largest file a bot may upload."""

GONE = ("message to edit not found", "message_id_invalid", "can't be edited", "to delete not found")
OTHERWISE = ("no text in the message", "no caption in the message")
"""The message is words where a picture was taken for granted, or the other way round."""
CLOSED = (
    "chat not found",
    "not enough rights",
    "no rights",
    "topic_closed",
    "topic_deleted",
    "user not found",
    "user_is_blocked",
    "peer_id_invalid",
    "_forbidden",
    "restricted",
    "deactivated",
    "chat_id is empty",
)
BIG = ("too big", "too large", "(413)", "file_parts_invalid")


_SERVER_ERROR = re.compile(r"\(5\d\d\)|internal server error|bad gateway", re.IGNORECASE)


class Failed(MaybeSent):
    """Telegram says that it failed, which it may have done after the effect."""


def seconds(pause: int | float | timedelta) -> float:
    """A pause Telegram asked for, in seconds."""
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)


def says(error: TelegramError, *words: str) -> bool:
    """Whether Telegram's sentence has any of these in it."""
    text = str(error).lower()
    return any(word in text for word in words)


def explained(error: TelegramError) -> AdapterError:
    """python-telegram-bot's error as core's; what may have had an effect is `MaybeSent`."""
    match error:
        case RetryAfter():
            return SlowDown(retry_after=seconds(error.retry_after))
        case BadRequest() | NetworkError() if says(error, *BIG):
            return TooBig(limit=FILE_BYTES)
        case BadRequest() if says(error, *GONE):
            return MessageGone()
        case BadRequest() if says(error, *CLOSED):
            return ChatGone()
        case BadRequest():
            log.error("Telegram finds fault with a call: %s", error)
            return Offline()
        case Forbidden():
            return ChatGone()
        case NotConnectedError() | InvalidToken() | Conflict() | ChatMigrated():
            return Offline()
        case NetworkError() if _SERVER_ERROR.search(str(error)):
            return Failed()
        case _:
            return MaybeSent()


@dataclass(frozen=True, slots=True)
class How:
    """How much of a message is shown; less and less of it as Telegram refuses parts."""

    as_file: bool = False
    """Pictures, videos and sounds go as files; an edit leaves them as they are."""
    plain: bool = False
    """Text without formatting, mention included."""
    short: bool = False
    """Half the text, for servers that count another way."""
    buttons: int = 2
    """2: all of them; 1: without colours and links; 0: none."""
    alone: bool = False
    """Not in reply, not in a topic."""


_SHOWN = ("photo", "media", "video", "animation", "music", "audio", "voice")
"""Kinds that a chat or a person may not take, while it takes files."""
_PICTURE = ("photo", "image", "wrong file", "wrong type", "media", "webpage")
_WORDS = ("entit", "parse", "user_invalid")
_LENGTH = ("too long", "too_long")
_BUTTONS = ("button", "markup", "keyboard")
_WHERE = ("repl", "thread", "topic")


def gentler(how: How, error: TelegramError) -> How | None:
    """What to try after a refusal; None when nothing is left to leave out.

    The words name the culprit; after words that name none, parts go one after the other, those
    first whose loss costs a person least.
    """
    file, plain = replace(how, as_file=True), replace(how, plain=True)
    short, fewer = replace(how, short=True), replace(how, buttons=max(how.buttons - 1, 0))
    alone = replace(how, alone=True)
    if says(error, *CLOSED):
        return file if says(error, *_SHOWN) and not how.as_file else None
    by_words = (
        (_LENGTH, short),
        (_WORDS, plain),
        (_BUTTONS, fewer),
        (_WHERE, alone),
        (_PICTURE, file),
    )
    named = [after for words, after in by_words if says(error, *words)]
    return next((one for one in (*named, file, plain, fewer, alone, short) if one != how), None)
