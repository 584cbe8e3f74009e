"""Messages out: sends, edits and deletions through python-telegram-bot's Bot.

Knows which way a message goes when the straight one is closed. Does not know what messages are
about, nor the pace of a chat.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from telegram import (
    Bot,
    ForceReply,
    LinkPreviewOptions,
    MessageEntity,
    ReplyParameters,
)
from telegram.error import BadRequest, ChatMigrated, TelegramError

from adapters.telegram.door import MEDIA_STAYS, TEXT_STAYS, has_media, keeps, shown
from adapters.telegram.events import PLATFORM
from adapters.telegram.faults import (
    GONE,
    OTHERWISE,
    Failed,
    How,
    explained,
    gentler,
    says,
)
from adapters.telegram.files import Shelf, albums
from adapters.telegram.render import cut, keyboard, text_of
from core.errors import ChatGone, MaybeSent, Offline
from core.halves import Halves, Notes
from core.i18n import Say, mark
from core.messages import Media, Message, Place, Ref

log = logging.getLogger(__name__)

TEXT, CAPTION = 4096, 1024
"""Characters Telegram takes, after formatting."""
UPLOAD_WAIT = 100.0
"""Seconds to wait for the answer to an upload."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
NO_PICTURES = mark("I may not send pictures in this chat. /show in our private chat brings it.")

Entities = Sequence[MessageEntity]


@contextlib.asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turn Telegram's errors into core's; an answer nobody can read may have had its effect."""
    try:
        yield
    except TelegramError as error:
        raise explained(error) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        log.exception("an answer of Telegram's could not be read")
        raise MaybeSent from error
    except OSError as error:
        log.error("a file of the archive cannot be read: %s", error)
        raise Offline from error


class Sender:
    """Shows messages in chats."""

    def __init__(
        self,
        bot: Bot,
        path: Callable[[Media], Path],
        say: Callable[[str], Say],
        notes: Notes | None = None,
    ) -> None:
        """`path` tells where an archived file lies, `say` gives a language's texts; with `notes`
        files that were sent are not sent again after a restart either.
        """
        self._bot = bot
        self._shelf = Shelf(path)
        self._say = say
        self._moved: dict[str, str] = {}
        self._doubt = False
        self._albums = Halves(notes, "telegram:album")
        self._failed: set[str] = set()

    def moved(self, old: str, new: str) -> None:
        """A group became a supergroup, which has another id."""
        self._moved[old] = new

    def _chat(self, place: Place) -> str:
        return self._moved.get(place.chat, place.chat)

    # -- new messages --------------------------------------------------------------------------

    async def send(
        self,
        place: Place,
        message: Message,
        reply_to: Ref | None,
        *,
        nonce: str = "",
        force: ForceReply | None = None,
    ) -> Ref:
        """Send a new message; where the chat is closed, to the person it is for."""
        await self._reassured()
        try:
            return await self._into(place, message, reply_to, nonce, force)
        except ChatGone:
            person = message.mention
            ours = person is not None and person.platform == PLATFORM
            if place.private or person is None or not ours or message.progress >= 0:
                raise
        log.info("a chat is closed to the bot; trying the person's own")
        own = Place(PLATFORM, person.id, private=True, spoiler=place.spoiler)
        try:
            return await self._into(own, message, None, nonce, force)
        except ChatGone:
            if not message.media:
                raise
        note = self._say(person.lang)(NO_PICTURES)
        words = replace(message, text=f"{message.text}\n\n{note}", media=())
        return await self._into(place, words, reply_to, nonce, force)

    async def _reassured(self) -> None:
        """After a lost answer, send nothing before Telegram answers something harmless.

        So an outage costs one doubtful message at most, however long it lasts.
        """
        if not self._doubt:
            return
        try:
            async with translated():
                await self._bot.get_me(read_timeout=10.0)
        except MaybeSent:
            raise Offline from None
        self._doubt = False

    async def _into(
        self,
        place: Place,
        message: Message,
        reply_to: Ref | None,
        nonce: str,
        force: ForceReply | None,
    ) -> Ref:
        """Send into one chat, with less and less as Telegram refuses parts.

        A message that Telegram says it failed on is in doubt once; as often as it says so again,
        the message is taken not to be there.
        """
        how = _all_of(message)
        try:
            async with translated():
                while True:
                    try:
                        return await self._attempt(place, message, reply_to, nonce, force, how)
                    except ChatMigrated as error:
                        if str(error.new_chat_id) == self._chat(place):
                            raise
                        self.moved(place.chat, str(error.new_chat_id))
                    except BadRequest as error:
                        how = self._after(how, error)
        except MaybeSent as error:
            self._doubt = True
            if isinstance(error, Failed) and nonce in self._failed:
                raise Offline from None
            self._failed |= {nonce} - {""}
            raise

    def _after(self, how: How, error: BadRequest) -> How:
        """What to leave out next. Raises the error when that cannot help."""
        after = None if says(error, "too big", "too large") else gentler(how, error)
        if after is None:
            raise error
        log.warning("Telegram refused a message (%s), trying it as %s", error, after)
        return after

    async def _attempt(
        self,
        place: Place,
        message: Message,
        reply_to: Ref | None,
        nonce: str,
        force: ForceReply | None,
        how: How,
    ) -> Ref:
        room = CAPTION if len(message.media) == 1 else TEXT
        text, entities = _words(message, how, room, private=place.private)
        markup = force or keyboard(message.buttons, how.buttons)
        where = self._where(place, reply_to, how)
        if len(message.media) == 1:
            shape = {"caption": text, "caption_entities": entities, "reply_markup": markup}
            return await self._file(message.media[0], message, how, {**shape, **where})
        if message.media:
            await self._files(message, how, nonce, where)
        sent = await self._bot.send_message(
            text=text or "…",
            entities=entities,
            reply_markup=markup,
            link_preview_options=NO_PREVIEW,
            **where,
        )
        self._albums.whole(f"{where['chat_id']}:{nonce}")
        door = TEXT_STAYS if message.media else ""
        return Ref(PLATFORM, str(sent.chat_id), str(sent.message_id), door)

    def _where(self, place: Place, reply_to: Ref | None, how: How) -> dict[str, Any]:
        chat = self._chat(place)
        where: dict[str, Any] = {"chat_id": int(chat)}
        if how.alone:
            return where
        if place.thread:
            where["message_thread_id"] = int(place.thread)
        if reply_to is not None and reply_to.message and reply_to.chat == chat:
            where["reply_parameters"] = ReplyParameters(
                int(reply_to.message), allow_sending_without_reply=True
            )
        return where

    async def _file(self, media: Media, message: Message, how: How, common: dict[str, Any]) -> Ref:
        """Send one file."""
        with self._shelf.call(media, message, how) as (method, values):
            send = getattr(self._bot, method)
            sent = await send(read_timeout=UPLOAD_WAIT, **values, **common)
        return Ref(PLATFORM, str(sent.chat_id), str(sent.message_id), shown(media))

    async def _files(self, message: Message, how: How, nonce: str, where: dict[str, Any]) -> None:
        """Send several files; once, though the words and buttons after them are tried again."""
        name = f"{where['chat_id']}:{nonce}"
        sent = await self._albums.sent(name) if nonce else 0
        for part in albums(replace(message, media=message.media[sent:]), how):
            if len(part) == 1:
                await self._file(part[0], message, how, where)
            else:
                with self._shelf.album(part, message, how) as media:
                    await self._bot.send_media_group(media=media, read_timeout=UPLOAD_WAIT, **where)
            sent += len(part)
            if nonce:
                await self._albums.add(name, sent)

    # -- changing messages ---------------------------------------------------------------------

    async def edit(self, ref: Ref, message: Message) -> Ref:
        """Change a message; made twice it is the same edit, so a lost answer means no effect."""
        try:
            async with translated():
                return await self._edited(ref, message)
        except MaybeSent:
            raise Offline from None

    async def _edited(self, ref: Ref, message: Message) -> Ref:
        how, door = _all_of(message), ref.door
        other = TEXT_STAYS if has_media(door) else MEDIA_STAYS
        while True:
            try:
                return await self._rewrite(replace(ref, door=door), message, how)
            except ChatMigrated:
                raise BadRequest("message to edit not found") from None
            except BadRequest as error:
                if says(error, "not modified"):
                    return replace(ref, door=_door(door, message, how))
                if says(error, *GONE):
                    raise
                if says(error, *OTHERWISE) and door != other:
                    door = other
                else:
                    how = self._after(how, error)

    async def _rewrite(self, ref: Ref, message: Message, how: How) -> Ref:
        """Give a message new words and buttons, and another picture where it shows another one."""
        new = _new_picture(ref.door, message, how)
        room = CAPTION if new or has_media(ref.door) else TEXT
        private = not ref.chat.startswith("-")
        text, entities = _words(message, how, room, private=private)
        target: dict[str, Any] = {
            "chat_id": int(ref.chat),
            "message_id": int(ref.message),
            "reply_markup": keyboard(message.buttons, how.buttons),
        }
        if new:
            with self._shelf.album(
                (new,), message, how, caption=text, caption_entities=entities
            ) as (media,):
                await self._bot.edit_message_media(media=media, read_timeout=UPLOAD_WAIT, **target)
        elif has_media(ref.door):
            await self._bot.edit_message_caption(caption=text, caption_entities=entities, **target)
        else:
            await self._bot.edit_message_text(
                text=text or "…", entities=entities, link_preview_options=NO_PREVIEW, **target
            )
        return replace(ref, door=_door(ref.door, message, how))

    async def delete(self, ref: Ref) -> None:
        """Remove a message; one that is gone, moved or too old is left."""
        async with translated():
            try:
                await self._bot.delete_message(int(ref.chat), int(ref.message))
            except (BadRequest, ChatMigrated) as error:
                log.info("a message stays: %s", error)


def _all_of(message: Message) -> How:
    """Everything a message has."""
    pictures = bool(message.media) and not message.as_file
    return How(as_file=not pictures, buttons=2 if message.buttons else 0)


def _words(message: Message, how: How, room: int, *, private: bool) -> tuple[str, Entities]:
    """The text as it is shown in `room` characters, led by the person it is for in a group."""
    mention = None if private else message.mention
    text, entities = text_of(message.text, mention)
    text, entities = cut(text, entities, room // 2 if how.short else room)
    return text, () if how.plain else entities


def _new_picture(door: str, message: Message, how: How) -> Media | None:
    """The picture an edit brings that the message does not show yet."""
    media = message.media[0] if message.media else None
    return None if how.as_file or keeps(door, media) else media


def _door(door: str, message: Message, how: How) -> str:
    """The note of a message after an edit."""
    new = _new_picture(door, message, how)
    return shown(new) if new else door
