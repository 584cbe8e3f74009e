"""Messages out: sends, edits and deletions through python-telegram-bot's Bot, and its errors in core's words."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from telegram import (
    Bot,
    ForceReply,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from adapters.telegram.render import cut, keyboard, text_of
from adapters.telegram.transport import LostAnswerError, NotConnectedError
from core.errors import (
    AdapterError,
    ChatGone,
    MaybeSent,
    MessageGone,
    Offline,
    SlowDown,
    TooBig,
)
from core.messages import Media, Message, Place, Ref

log = logging.getLogger(__name__)

TEXT, CAPTION = 4096, 1024
PHOTO_BYTES = 10_000_000
PHOTO_SIDES = 10_000
FILE_BYTES = 50_000_000
UPLOAD_WAIT = 110.0
"""Seconds to wait for the answer to an upload."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
GONE = ("message to edit not found", "message_id_invalid", "message can't be edited")
CLOSED = ("chat not found", "not enough rights", "topic_closed", "have no rights", "user not found")


def explained(error: TelegramError) -> AdapterError:
    """python-telegram-bot's error as core's; what may have had an effect is `MaybeSent`."""
    words = str(error).lower()
    match error:
        case RetryAfter():
            pause = error.retry_after
            seconds = pause if isinstance(pause, int | float) else pause.total_seconds()
            return SlowDown(retry_after=float(seconds))
        case Forbidden():
            return ChatGone()
        case BadRequest() if any(mark in words for mark in GONE):
            return MessageGone()
        case BadRequest() if any(mark in words for mark in CLOSED):
            return ChatGone()
        case BadRequest() if "too big" in words or "too large" in words:
            return TooBig(limit=FILE_BYTES)
        case BadRequest():
            log.error("Telegram refused a call: %s", words)
            return ChatGone()
        case NotConnectedError() | InvalidToken() | Conflict():
            return Offline()
        case TimedOut() | LostAnswerError():
            return MaybeSent()
        case NetworkError() if "(413)" in words or "too large" in words:
            return TooBig(limit=FILE_BYTES)
        case _:
            return Offline()


@contextlib.asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except TelegramError as error:
        raise explained(error) from None


class Sender:
    """Shows messages in chats."""

    def __init__(self, bot: Bot, path: Callable[[Media], Path]) -> None:
        """`path` tells where an archived file lies."""
        self._bot = bot
        self._path = path
        self._moved: dict[str, str] = {}

    def chat(self, place_or_ref: Place | Ref) -> int:
        """The chat's present id: groups that became supergroups have a new one."""
        return int(self._moved.get(place_or_ref.chat, place_or_ref.chat))

    async def send(
        self,
        place: Place,
        message: Message,
        reply_to: Ref | None,
        force: ForceReply | None = None,
    ) -> Ref:
        """Send a new message; albums get their buttons in a message of their own."""
        async with _translated():
            try:
                return await self._send(place, message, reply_to, force)
            except ChatMigrated as error:
                self._moved[place.chat] = str(error.new_chat_id)
                return await self._send(place, message, None, force)
            except BadRequest as error:
                if "thread not found" not in str(error).lower():
                    raise
                bare = Place("telegram", place.chat, "", place.private, place.spoiler)
                return await self._send(bare, message, None, force)

    def _where(self, place: Place, reply_to: Ref | None) -> dict[str, Any]:
        where: dict[str, Any] = {"chat_id": self.chat(place)}
        if place.thread:
            where["message_thread_id"] = int(place.thread)
        if reply_to is not None and reply_to.message and reply_to.chat == place.chat:
            where["reply_parameters"] = ReplyParameters(
                int(reply_to.message), allow_sending_without_reply=True
            )
        return where

    async def _send(
        self, place: Place, message: Message, reply_to: Ref | None, force: ForceReply | None
    ) -> Ref:
        mention = None if place.private else message.mention
        text, entities = text_of(message.text, mention)
        where = self._where(place, reply_to)
        markup = force or keyboard(message.buttons)
        if not message.media:
            text, entities = cut(text or "…", entities, TEXT)
            sent = await self._bot.send_message(
                text=text,
                entities=entities,
                reply_markup=markup,
                link_preview_options=NO_PREVIEW,
                **where,
            )
            return Ref("telegram", str(sent.chat_id), str(sent.message_id))
        text, entities = cut(text, entities, CAPTION)
        if len(message.media) == 1:
            return await self._send_file(message, text, entities, markup, where)
        album = [self._album_part(m, message) for m in message.media[:10]]
        await self._bot.send_media_group(media=album, read_timeout=UPLOAD_WAIT, **where)
        sent = await self._bot.send_message(
            text=text or "…", entities=entities, reply_markup=markup, **where
        )
        return Ref("telegram", str(sent.chat_id), str(sent.message_id))

    def _as_photo(self, media: Media, message: Message) -> bool:
        sides = media.width + media.height
        flat = max(media.width, media.height) <= 20 * max(min(media.width, media.height), 1)
        return (
            not message.as_file
            and media.mime in ("image/png", "image/jpeg", "image/webp")
            and media.size <= PHOTO_BYTES
            and sides <= PHOTO_SIDES
            and flat
        )

    def _album_part(self, media: Media, message: Message) -> Any:
        file = InputFile(
            self._path(media).open("rb"), filename=media.name, attach=True, read_file_handle=False
        )
        if self._as_photo(media, message):
            return InputMediaPhoto(file, has_spoiler=media.spoiler)
        return InputMediaDocument(file)

    async def _send_file(
        self,
        message: Message,
        text: str,
        entities: Any,
        markup: InlineKeyboardMarkup | ForceReply | None,
        where: dict[str, Any],
    ) -> Ref:
        media = message.media[0]
        common: dict[str, Any] = {
            "caption": text,
            "caption_entities": entities,
            "reply_markup": markup,
            "read_timeout": UPLOAD_WAIT,
            **where,
        }
        with self._path(media).open("rb") as stream:
            file = InputFile(stream, filename=media.name or "file", read_file_handle=False)
            if self._as_photo(media, message):
                sent = await self._bot.send_photo(photo=file, has_spoiler=media.spoiler, **common)
            else:
                sent = await self._bot.send_document(
                    document=file, disable_content_type_detection=message.as_file, **common
                )
        return Ref("telegram", str(sent.chat_id), str(sent.message_id), "m")

    async def edit(self, ref: Ref, message: Message) -> Ref:
        """Change a message; unchanged content is no error."""
        try:
            async with _translated():
                try:
                    return await self._edit(ref, message)
                except BadRequest as error:
                    if "not modified" in str(error).lower():
                        return ref
                    raise
        except MaybeSent:
            return ref  # an edit made twice is the same edit

    async def _edit(self, ref: Ref, message: Message) -> Ref:
        text, entities = text_of(message.text)
        where: dict[str, Any] = {"chat_id": self.chat(ref), "message_id": int(ref.message)}
        markup = keyboard(message.buttons)
        if message.media:
            media = message.media[0]
            text, entities = cut(text, entities, CAPTION)
            with self._path(media).open("rb") as stream:
                file = InputFile(stream, filename=media.name, attach=True, read_file_handle=False)
                shown = InputMediaPhoto(
                    file, caption=text, caption_entities=entities, has_spoiler=media.spoiler
                )
                await self._bot.edit_message_media(
                    media=shown, reply_markup=markup, read_timeout=UPLOAD_WAIT, **where
                )
            return Ref("telegram", ref.chat, ref.message, "m")
        if ref.door == "m":
            text, entities = cut(text, entities, CAPTION)
            await self._bot.edit_message_caption(
                caption=text, caption_entities=entities, reply_markup=markup, **where
            )
            return ref
        text, entities = cut(text or "…", entities, TEXT)
        await self._bot.edit_message_text(
            text=text,
            entities=entities,
            reply_markup=markup,
            link_preview_options=NO_PREVIEW,
            **where,
        )
        return ref

    async def delete(self, ref: Ref) -> None:
        """Remove a message; one that is gone or too old is left."""
        with contextlib.suppress(BadRequest):
            async with _translated():
                try:
                    await self._bot.delete_message(self.chat(ref), int(ref.message))
                except BadRequest as error:
                    log.debug("not deleted: %s", error)


Call = Callable[[], Awaitable[Ref]]
