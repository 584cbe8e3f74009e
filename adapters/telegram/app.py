"""Telegram as an adapter: its settings, and how updates, intake and sending work together."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Literal, Self
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import BaseModel, ConfigDict, SecretStr, field_validator, model_validator
from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from adapters.telegram.answers import ALERT, Answers
from adapters.telegram.asking import Asking
from adapters.telegram.commands import fingerprint, menus
from adapters.telegram.door import read_slot
from adapters.telegram.events import PLATFORM, Json
from adapters.telegram.faults import FILE_BYTES, explained, says, seconds
from adapters.telegram.files import PHOTO_BYTES, PHOTO_SIDES
from adapters.telegram.intake import Intake
from adapters.telegram.render import NAME, PER_ROW, ROWS, length, plain
from adapters.telegram.sending import CAPTION, TEXT, Sender
from adapters.telegram.transport import AiohttpRequest
from adapters.telegram.updates import LONGEST_PAUSE, POLL, SILENCE, Updates
from core.desk import Desk
from core.errors import BadInput, ChatGone, StoreError
from core.i18n import mark
from core.messages import Attachment, Caller, Limits, Message, Place, Ref, Stored

log = logging.getLogger(__name__)

DOWNLOAD = 20_000_000
"""Largest file the Bot API hands out."""
TOO_BIG = mark("That file is too big: Telegram hands bots at most 20 MB.")
NOT_THERE = mark("That file is not there any more. Please send it again.")
MENU_NOTE = "telegram:menu"
RETRY = 60.0
"""Seconds before what could not be set or stored is tried again."""
MARGIN = NAME + 10
"""Characters kept free for the name that leads a message."""
PRIVATE = Limits(
    text=TEXT - MARGIN,
    caption=CAPTION - MARGIN,
    file_bytes=FILE_BYTES,
    photo_bytes=PHOTO_BYTES,
    photo_sides=PHOTO_SIDES,
    rows=ROWS,
    per_row=PER_ROW,
    budget=5,
    window=5.0,
    each=True,
    edit_gap=1.5,
    restyles=True,
    measure=length,
    voice="opus",
    lossy=True,
)
GROUP = replace(PRIVATE, budget=20, window=60.0, edit_gap=3.0)


class TelegramSettings(BaseModel):
    """`[telegram]`: off without a token."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = SecretStr("")
    """What @BotFather gave: `123456:ABC…`."""
    api_url: str = "https://api.telegram.org"
    """The Bot API server's root; `/bot<token>` and `/file/bot<token>` are added."""
    mode: Literal["polling", "webhook"] = "polling"
    """`polling` needs no public address."""
    webhook_url: str = ""
    """For `webhook`: the public https address that leads to `[web] listen`. A Bot API server of
    one's own takes http too.
    """

    @field_validator("token")
    @classmethod
    def _bare(cls, token: SecretStr) -> SecretStr:
        """People copy blanks along."""
        return SecretStr(token.get_secret_value().strip())

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        own = urlsplit(self.api_url).hostname != "api.telegram.org"
        schemes = ("https://", "http://") if own else ("https://",)
        if self.mode == "webhook" and not self.webhook_url.startswith(schemes):
            raise ValueError('mode = "webhook" needs webhook_url = "https://…"')
        return self


class TelegramAdapter:
    """One bot."""

    platform = PLATFORM

    def __init__(
        self, settings: TelegramSettings, desk: Desk, *, clock: Callable[[], float]
    ) -> None:
        """`clock` gives Unix seconds."""
        self._settings = settings
        self._desk = desk
        token = settings.token.get_secret_value()
        root = settings.api_url.rstrip("/")
        self._files = f"{root}/file/bot{token}"
        logging.getLogger("telegram").setLevel(logging.INFO)  # what it says below has the token
        polls = AiohttpRequest(read_timeout=POLL + SILENCE, connections=2)
        self._requests = (AiohttpRequest(), polls)
        self._bot = Bot(
            token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            request=self._requests[0],
            get_updates_request=polls,
        )
        self._sender = Sender(self._bot, desk.path, desk.say, desk)
        self._answers = Answers(self._bot, self._launch)
        self._asking = Asking(desk, self._sender, clock)
        self._updates = Updates(desk, self._bot, polls, self, clock=clock)
        self._intake = Intake(
            desk,
            self._answers,
            self._asking,
            self._launch,
            flowing=lambda: self._updates.ready,
            moved=self._moved,
        )
        self._tasks: asyncio.TaskGroup | None = None
        self._flow: asyncio.Task[None] | None = None

    # -- running -------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether updates arrive."""
        return self._updates.ready

    @property
    def problem(self) -> str:
        """What the owner of the bot should look at, in words; empty when all is well."""
        return self._updates.problem

    async def run(self) -> None:
        """Work until closed or cancelled; whatever Telegram answers is waited out."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._flow = tasks.create_task(self._work())
            try:
                await asyncio.wait({self._flow})
            finally:
                self._updates.stop()

    async def close(self) -> None:
        """Take no more updates; what is stored and not finished waits for the next start."""
        self._updates.stop()
        if self._flow is not None:
            self._flow.cancel()
        for request in self._requests:
            await request.shutdown()

    async def _work(self) -> None:
        """Go on with what an earlier life left, then take updates."""
        await self._meet()
        for key, body in await self._desk.pending(PLATFORM):
            self._launch(self._intake.resume(key, json.loads(body)))
        self._launch(self._keep_registering())
        if self._settings.mode == "webhook":
            await self._updates.serve(self._settings.webhook_url)
        else:
            await self._updates.poll()

    async def _meet(self) -> None:
        """Learn the bot's name, for as long as it takes."""
        pause = 1.0
        while True:
            try:
                me = await self._bot.get_me()
            except TelegramError as error:
                self._updates.trouble(error)
                asked = seconds(error.retry_after) if isinstance(error, RetryAfter) else 0.0
                await asyncio.sleep(max(asked, pause))
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._intake.username = me.username or ""
                self._updates.well()
                return

    def _launch(self, work: Coroutine[None, None, None]) -> None:
        """Run something beside; once the bot is closing, not any more."""
        try:
            if self._tasks is not None:
                self._tasks.create_task(work)
                return
        except RuntimeError:  # the task group is shutting down
            log.debug("closing")
        work.close()

    def setup(self, app: web.Application) -> None:
        """Add the webhook's route, when that is the mode."""
        if self._settings.mode == "webhook":
            self._updates.setup(app)

    # -- updates -------------------------------------------------------------------------------

    def heard(self, update: Json) -> None:
        """A press is answered soon, whatever the store is doing."""
        query = update.get("callback_query")
        if isinstance(query, dict) and query.get("id"):
            self._answers.heard(str(query["id"]))

    def dispatch(self, key: str, update: Json, stored: Stored) -> None:
        """Handle an update that is being stored."""
        self._launch(self._intake.take(key, update, stored))

    async def _moved(self, old: str, new: str) -> None:
        """A group has another id; known as soon as the store takes it."""
        self._sender.moved(old, new)
        while True:
            try:
                await self._desk.moved(PLATFORM, old, new)
            except StoreError as error:
                log.warning("a group's new id is not stored yet: %s", error)
                await asyncio.sleep(RETRY)
            else:
                return

    # -- commands ------------------------------------------------------------------------------

    async def _keep_registering(self) -> None:
        """Set the command menus, again and again until Telegram has them."""
        while True:
            if await self._register():
                return
            await asyncio.sleep(RETRY)

    async def _register(self) -> bool:
        """Set the command menus when they changed; False when it must be tried again."""
        found = menus(self._desk.offered())
        wanted = fingerprint(self._bot.token, found)
        try:
            if await self._desk.kept(MENU_NOTE) == wanted:
                return True
            for language, entries in found.items():
                await self._bot.set_my_commands(entries, language_code=language or None)
            await self._desk.keep(MENU_NOTE, wanted)
        except (TelegramError, StoreError) as error:
            log.warning("the command menu is not set yet: %s", type(error).__name__)
            return False
        log.info("set the menu of %d commands", len(found[""]))
        return True

    # -- core's side (the Adapter port) --------------------------------------------------------

    def limits(self, place: Place) -> Limits:
        """Telegram's limits; groups have the smaller budget."""
        return GROUP if place.chat.startswith("-") else PRIVATE

    def aside(self, place: Place, caller: Caller) -> Place:
        """The private chat, whose number is the person's own."""
        return place if place.private else Place(PLATFORM, caller.id, private=True)

    async def around(self, place: Place) -> Sequence[str]:
        """Chats stand alone here."""
        del place
        return ()

    async def reads(self, chat: Place, caller: Caller) -> bool:
        """As Telegram says; where it tells nobody, they read it when they asked there."""
        try:
            member = await self._bot.get_chat_member(chat.chat, int(caller.id))
        except (BadRequest, Forbidden) as error:
            return says(error, "admin") or says(error, "inaccessible")
        except ChatMigrated as error:
            return await self.reads(replace(chat, chat=str(error.new_chat_id)), caller)
        except InvalidToken:
            return True
        except TelegramError:
            return False
        return bool(getattr(member, "is_member", member.status not in ("left", "kicked")))

    @property
    def entrance(self) -> str:
        """A link to the private chat that has a Start button."""
        name = self._intake.username
        return f"https://t.me/{name}?start=hello" if name else ""

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        """Send a new message; Telegram itself knows no nonce."""
        if message.form is not None and message.mention is not None:
            form, lead = message.form, message.text
            return await self._asking.ask(place, message.mention, form, lead, reply_to, nonce)
        return await self._sender.send(place, message, reply_to, nonce=nonce)

    async def edit(self, ref: Ref, message: Message) -> Ref:
        """Change a message; a press is answered by a message of its own."""
        if ref.message:
            return await self._sender.edit(ref, message)
        return await self._answer(ref, message)

    async def whisper(self, ack: Ref, message: Message) -> bool:
        """Give a short private sentence as the answer to a press that is still open."""
        if ack.message or not _alone(message):
            return False
        words = plain(message.text)
        return 0 < len(words) <= ALERT and await self._answers.give(
            read_slot(ack.door).query, words
        )

    async def _answer(self, ref: Ref, message: Message) -> Ref:
        """Answer a press by a message: to the person alone where it is for nobody else."""
        slot = read_slot(ref.door)
        group = ref.chat.startswith("-")
        place = Place(PLATFORM, ref.chat, slot.thread, private=not group)
        pressed = Ref(PLATFORM, ref.chat, slot.message) if slot.message else None
        self._answers.close(slot.query)
        if _alone(message) and group and slot.user:
            own = Place(PLATFORM, slot.user, private=True)
            try:
                return await self._sender.send(own, message, None, nonce=f"a{slot.query}")
            except ChatGone:
                log.info("a private answer goes to the group: no private chat is open")
        return await self.send(place, message, nonce=f"a{slot.query}", reply_to=pressed)

    async def delete(self, ref: Ref) -> None:
        """Remove a message."""
        if ref.message:
            await self._sender.delete(ref)

    async def locate(self, attachment: Attachment) -> str:
        """Where a file can be fetched; the address holds the bot's token."""
        if attachment.size > DOWNLOAD:
            raise BadInput(TOO_BIG)
        try:
            file = await self._bot.get_file(attachment.id)
        except BadRequest as error:
            raise BadInput(TOO_BIG if says(error, "too big") else NOT_THERE) from None
        except TelegramError as error:
            raise explained(error) from None
        if not file.file_path:
            raise BadInput(NOT_THERE)
        return self._address(file.file_path)

    def _address(self, path: str) -> str:
        """The address of a file; a Bot API server of one's own may give its path on disk."""
        inner = path.removeprefix(f"{self._files}/")
        if inner.startswith("/"):
            inner = inner.rpartition(f"/{self._bot.token}/")[2].lstrip("/")
        return f"{self._files}/{inner}"


def _alone(message: Message) -> bool:
    """Whether a message is words for one person and nothing besides."""
    return message.private and not (message.media or message.buttons or message.form)
