"""Telegram as an adapter: a durable update loop in, the outbox's messages out.

Owns the order of a chat's events, callback queries, albums and forms asked by reply. python-telegram-bot's own Updater is
not used: it moves the offset before an update is safe and can end without saying so.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, SecretStr, field_validator, model_validator
from telegram import Bot, ForceReply
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from adapters.telegram.commands import (
    caller_of,
    command_of,
    dump,
    invocation,
    menu,
    picture_of,
    place_of,
    ref_of,
)
from adapters.telegram.render import question
from adapters.telegram.sending import CAPTION, FILE_BYTES, PHOTO_BYTES, PHOTO_SIDES, TEXT, Sender
from adapters.telegram.sending import explained
from adapters.telegram.transport import AiohttpRequest
from core.desk import Desk
from core.errors import AdapterError, BadInput, StoreError, UserError
from core.i18n import mark
from core.messages import (
    Attachment,
    Caller,
    Filling,
    Form,
    Invocation,
    Limits,
    Message,
    Place,
    Press,
    Ref,
    escape,
)

log = logging.getLogger(__name__)

POLL = 50
"""Seconds of a long poll; Telegram's longest."""
ALBUM = 1.0
"""Seconds to wait for an album's next part."""
ANSWER = 0.3
"""Seconds a callback query may stay open for its words before it is answered without."""
DOWNLOAD = 20_000_000
"""Largest file the Bot API hands out."""
WANTED = ["message", "callback_query", "my_chat_member"]
QUESTION = "telegram:ask"


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
    """For `webhook`: the public https address that leads to `[web] listen`."""

    @field_validator("token")
    @classmethod
    def _bare(cls, token: SecretStr) -> SecretStr:
        """People copy blanks along."""
        return SecretStr(token.get_secret_value().strip())

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.mode == "webhook" and not self.webhook_url.startswith("https://"):
            raise ValueError('mode = "webhook" needs webhook_url = "https://…"')
        return self


class TelegramAdapter:
    """One bot."""

    platform = "telegram"

    def __init__(
        self, settings: TelegramSettings, desk: Desk, *, clock: Callable[[], float]
    ) -> None:
        """`clock` gives Unix seconds."""
        self._settings = settings
        self._desk = desk
        self._clock = clock
        token = settings.token.get_secret_value()
        root = settings.api_url.rstrip("/")
        self._files = f"{root}/file/bot{token}"
        self._bot = Bot(
            token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            request=AiohttpRequest(),
            get_updates_request=AiohttpRequest(read_timeout=POLL + 15, connections=2),
        )
        self._sender = Sender(self._bot, desk.path)
        self._secret = hashlib.sha256(f"atelier webhook {token}".encode()).hexdigest()
        self._commands = {command.name: command for command in desk.commands}
        self._lanes: dict[str, asyncio.Lock] = {}
        self._albums: dict[str, list[dict[str, Any]]] = {}
        self._queries: OrderedDict[str, bool] = OrderedDict()
        self._tasks: asyncio.TaskGroup | None = None
        self._name = ""
        self._id = 0
        self.ready = False
        self.problem = ""

    # -- running -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled; whatever Telegram answers is waited out."""
        await self._meet()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for key, body in await self._desk.pending("telegram"):
                self._dispatch(key, json.loads(body))
            await self._register()
            if self._settings.mode == "webhook":
                await self._hook()
                await asyncio.Event().wait()
            await self._poll()

    async def close(self) -> None:
        """Let go of the connections."""
        self.ready = False
        for request in self._bot._request:  # noqa: SLF001  (initialize and shutdown would call getMe)
            await request.shutdown()

    async def _meet(self) -> None:
        """Learn the bot's name, for as long as it takes."""
        pause = 1.0
        while True:
            try:
                me = await self._bot.get_me()
            except TelegramError as error:
                self._trouble(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 60.0)
            else:
                self._name, self._id = me.username or "", me.id
                self.problem = ""
                return

    def _trouble(self, error: TelegramError) -> None:
        match error:
            case InvalidToken():
                self.problem = "the token is not accepted: see [telegram] token"
            case Conflict():
                self.problem = "another program receives this bot's updates"
            case _:
                self.problem = "Telegram cannot be reached"
        log.warning("Telegram: %s", self.problem)

    async def _register(self) -> None:
        """Publish the command menu when it changed."""
        entries = menu(self._desk.commands, self._desk.say("en"))
        digest = hashlib.sha256(json.dumps([self._id, entries]).encode()).hexdigest()
        if await self._desk.kept("telegram:menu") == digest:
            return
        try:
            await self._bot.set_my_commands(entries)
        except TelegramError as error:
            log.warning("the command menu was not set: %s", type(error).__name__)
        else:
            await self._desk.keep("telegram:menu", digest)

    # -- updates in ----------------------------------------------------------------------------

    async def _poll(self) -> None:
        """Fetch updates; the offset moves only past what the store holds."""
        offset, pause, cleared = 0, 1.0, False
        while True:
            try:
                found = await self._bot.do_api_request(
                    "getUpdates",
                    api_kwargs={
                        "offset": offset,
                        "timeout": POLL if self.ready else 0,  # the first answer says that it works
                        "allowed_updates": WANTED,
                    },
                    read_timeout=POLL + 15,
                )
                self.ready, self.problem = True, ""
                offset = await self._take_in(found, offset)
                pause = 1.0
                continue
            except RetryAfter as error:
                wait = error.retry_after
                pause = wait if isinstance(wait, int | float) else wait.total_seconds()
            except Conflict as error:
                self._trouble(error)
                if not cleared:
                    cleared = await self._unhook()
            except TelegramError as error:
                self._trouble(error)
            except StoreError as error:
                log.error("updates wait at Telegram: %s", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 30.0)

    async def _unhook(self) -> bool:
        try:
            await self._bot.delete_webhook()
        except TelegramError:
            return False
        return True

    async def _take_in(self, found: Any, offset: int) -> int:
        """Store updates and hand on the new ones; returns the offset that confirms them."""
        updates = [u for u in found if isinstance(u, dict) and isinstance(u.get("update_id"), int)]
        rows = [(f"telegram:{self._id}:{u['update_id']}", dump(u)) for u in updates]
        for key, body in await self._desk.take_in("telegram", rows) if rows else []:
            self._dispatch(key, json.loads(body))
        return max([offset, *(u["update_id"] + 1 for u in updates)])

    def setup(self, app: web.Application) -> None:
        """Add the webhook's route, when that is the mode."""
        if self._settings.mode == "webhook":
            app.router.add_post(f"/telegram/{self._secret[:16]}", self._webhook)

    async def _hook(self) -> None:
        url = f"{self._settings.webhook_url.rstrip('/')}/telegram/{self._secret[:16]}"
        pause = 1.0
        while True:
            try:
                await self._bot.set_webhook(
                    url, secret_token=self._secret, allowed_updates=WANTED
                )
            except TelegramError as error:
                self._trouble(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 60.0)
            else:
                self.ready, self.problem = True, ""
                return

    async def _webhook(self, request: web.Request) -> web.Response:
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            raise web.HTTPForbidden
        try:
            await self._take_in([await request.json()], 0)
        except ValueError:
            raise web.HTTPBadRequest from None
        except StoreError:
            raise web.HTTPServiceUnavailable from None
        return web.Response()

    # -- one update ----------------------------------------------------------------------------

    def _dispatch(self, key: str, update: dict[str, Any]) -> None:
        if self._tasks is not None:
            self._tasks.create_task(self._safely(key, update))

    async def _safely(self, key: str, update: dict[str, Any]) -> None:
        """Handle an update in its sender's lane; one that cannot be read is closed, not repeated."""
        try:
            query = update.get("callback_query")
            if query:
                await self._press(key, query)
                return
            message = update.get("message")
            if not message or not message.get("from") or message["from"].get("is_bot"):
                await self._desk.finish(key)
                return
            lane = f"{message['chat']['id']}:{message['from']['id']}"
            lock = self._lanes.setdefault(lane, asyncio.Lock())
            async with lock:
                await self._message(key, message)
            if not lock.locked():
                self._lanes.pop(lane, None)
        except StoreError as error:
            log.error("an update waits for the next start: %s", error, extra={"event": key})
        except Exception:
            log.exception("an update could not be handled", extra={"event": key})
            await self._desk.finish(key)

    async def _message(self, key: str, message: dict[str, Any]) -> None:
        group = message.get("media_group_id")
        if group is not None:
            await self._album(key, str(group), message)
            return
        reply = message.get("reply_to_message")
        if reply and not command_of(message, self._name) and await self._answer(key, message, reply):
            return
        await self._say(key, [message])

    async def _album(self, key: str, group: str, message: dict[str, Any]) -> None:
        """Collect an album: its parts come as messages of their own, one of which carries the words."""
        parts = self._albums.setdefault(group, [])
        parts.append(message)
        if not command_of(message, self._name):
            await self._desk.finish(key)
            return
        if self._tasks is not None:
            self._tasks.create_task(self._close_album(key, group))

    async def _close_album(self, key: str, group: str) -> None:
        size = 0
        while size != len(self._albums.get(group, [])):
            size = len(self._albums.get(group, []))
            await asyncio.sleep(ALBUM)
        await self._say(key, self._albums.pop(group, []))

    async def _say(self, key: str, messages: list[dict[str, Any]]) -> None:
        event = invocation(key, messages, self._name, self._commands)
        first = messages[0]
        private = first["chat"].get("type") == "private"
        if event is None and private and len(messages) == 1:
            event = Invocation(
                key, caller_of(first["from"]), place_of(first), "help", ref=ref_of(first)
            )
        if event is None or (event.command not in self._commands and not private):
            await self._desk.finish(key)
            return
        await self._desk.handle(event)

    # -- buttons -------------------------------------------------------------------------------

    async def _press(self, key: str, query: dict[str, Any]) -> None:
        """Answer the press first, then do what the button means."""
        caller = caller_of(query["from"])
        message = query.get("message")
        data = str(query.get("data") or "")
        kind, _, token = data.partition(":")
        if message is None or kind not in ("b", "f") or not token:
            say = self._desk.say(caller.lang)
            await self._answer_query(query["id"], say(mark("This button is not one of mine.")))
            await self._desk.finish(key)
            return
        place, ref = place_of(message), ref_of(message)
        self._queries[query["id"]] = False
        while len(self._queries) > 2000:
            self._queries.popitem(last=False)
        if self._tasks is not None:
            self._tasks.create_task(self._answer_later(query["id"]))
        if kind == "f":
            await self._open(place, caller, token, query["id"])
            await self._desk.finish(key)
            return
        ack = Ref("telegram", place.chat, "", json.dumps({"query": query["id"], "thread": place.thread}))
        await self._desk.handle(Press(key, caller, place, token, ref, ack))

    async def _answer_later(self, query: str) -> None:
        await asyncio.sleep(ANSWER)
        await self._answer_query(query)

    async def _answer_query(self, query: str, text: str = "") -> bool:
        """Answer a callback query once; False when it was answered before."""
        if self._queries.get(query):
            return False
        self._queries[query] = True
        try:
            await self._bot.answer_callback_query(query, text[:200] or None, show_alert=bool(text))
        except TelegramError as error:
            log.info("a press was not answered: %s", type(error).__name__)
        return True

    # -- forms asked by reply ------------------------------------------------------------------

    async def _open(self, place: Place, caller: Caller, token: str, query: str) -> None:
        say = self._desk.say(caller.lang)
        try:
            form = await self._desk.form(token, caller)
        except UserError as error:
            await self._answer_query(query, say(error.text, **error.values))
            return
        try:
            await self._ask(place, caller, form, 0, {})
        except AdapterError as error:
            log.info("a question was not shown: %s", type(error).__name__)

    async def _ask(
        self,
        place: Place,
        caller: Caller,
        form: Form,
        index: int,
        values: Mapping[str, Any],
        lead: str = "",
        reply_to: Ref | None = None,
    ) -> Ref:
        """Ask one question of a form; the note beside it finds the answer, also after a restart."""
        say = self._desk.say(caller.lang)
        text = question(say, form, index, lead)
        force = ForceReply(selective=not place.private)
        ref = await self._sender.send(
            place, Message(text, mention=caller), reply_to, force=force
        )
        note = {"token": form.token, "owner": caller.key, "index": index, "values": dict(values)}
        await self._desk.keep(f"{QUESTION}:{ref.chat}:{ref.message}", json.dumps(note))
        return ref

    async def _answer(self, key: str, message: dict[str, Any], reply: dict[str, Any]) -> bool:
        """Take a reply to a question; False when the message replied to was none."""
        name = f"{QUESTION}:{message['chat']['id']}:{reply['message_id']}"
        note = await self._desk.kept(name)
        if note is None:
            return False
        caller, place = caller_of(message["from"]), place_of(message)
        say = self._desk.say(caller.lang)
        found = json.loads(note)
        if found.get("owner") not in (caller.key, None):
            await self._desk.finish(key)
            return True
        if found.get("done"):
            await self._sentence(place, say(mark("That was answered already.")), ref_of(message))
            await self._desk.finish(key)
            return True
        try:
            form = await self._desk.form(found["token"], caller)
            values = self._filled(form, found, message)
        except UserError as error:
            await self._sentence(place, say(error.text, **error.values), ref_of(message))
            await self._desk.finish(key)
            return True
        await self._desk.keep(name, json.dumps({"done": True, "owner": caller.key}))
        if found["index"] + 1 < len(form.fields):
            await self._ask(place, caller, form, found["index"] + 1, _plain(values))
            await self._desk.finish(key)
        else:
            await self._desk.handle(Filling(key, caller, place, form.token, _attached(values)))
        return True

    def _filled(self, form: Form, found: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
        field = form.fields[found["index"]]
        values: dict[str, Any] = dict(found["values"])
        if field.kind == "image":
            picture = picture_of(message)
            if picture is None and field.required:
                raise BadInput(mark("Reply to the question with a picture."))
            if picture is not None:
                values[field.name] = picture
            return values
        text = str(message.get("text") or "").strip()
        if text in ("-", "—", "–"):
            text = field.value
        if not text and field.required:
            raise BadInput(mark("Reply to the question with words."))
        if text:
            values[field.name] = text
        return values

    async def _sentence(self, place: Place, text: str, ref: Ref) -> None:
        try:
            await self._sender.send(place, Message(escape(text)), ref)
        except AdapterError as error:
            log.info("an answer was not shown: %s", type(error).__name__)

    # -- core's side (the Adapter port) --------------------------------------------------------

    def limits(self, place: Place) -> Limits:
        """Telegram's limits; groups have the smaller budget."""
        group = place.chat.startswith("-")
        return Limits(
            text=TEXT,
            caption=CAPTION,
            file_bytes=FILE_BYTES,
            photo_bytes=PHOTO_BYTES,
            photo_sides=PHOTO_SIDES,
            rows=12,
            per_row=8,
            budget=20 if group else 5,
            window=60.0 if group else 5.0,
            edit_gap=3.0 if group else 1.5,
            lossy=True,
        )

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        """Send a new message; Telegram knows no nonce."""
        del nonce
        if message.form is not None and message.mention is not None:
            return await self._ask(
                place, message.mention, message.form, 0, {}, message.text, reply_to
            )
        return await self._sender.send(place, message, reply_to)

    async def edit(self, ref: Ref, message: Message) -> Ref:
        """Change a message; an open callback query takes a short private sentence as its answer."""
        if not ref.message:
            return await self._use_slot(ref, message)
        return await self._sender.edit(ref, message)

    async def _use_slot(self, ref: Ref, message: Message) -> Ref:
        slot = json.loads(ref.door)
        place = Place("telegram", ref.chat, slot.get("thread", ""), not ref.chat.startswith("-"))
        plain = not (message.media or message.buttons or message.form)
        if message.private and plain and len(message.text) <= 200:
            text = message.text.replace("\\", "").replace("**", "").replace("`", "")
            if await self._answer_query(slot["query"], text):
                return ref
        else:
            await self._answer_query(slot["query"])
        return await self.send(place, message, nonce="")

    async def delete(self, ref: Ref) -> None:
        """Remove a message."""
        if ref.message:
            await self._sender.delete(ref)

    async def locate(self, attachment: Attachment) -> str:
        """Where a file can be fetched; the address holds the bot's token."""
        if attachment.size > DOWNLOAD:
            raise BadInput(mark("That file is too big: Telegram hands bots at most 20 MB."))
        try:
            file = await self._bot.get_file(attachment.id)
        except TelegramError as error:
            if "too big" in str(error).lower():
                text = mark("That file is too big: Telegram hands bots at most 20 MB.")
                raise BadInput(text) from None
            raise explained(error) from None
        path = file.file_path or ""
        return path if path.startswith("http") else f"{self._files}/{path}"


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Answers as they are kept between two questions."""
    return {
        k: {"id": v.id, "name": v.name, "size": v.size} if isinstance(v, Attachment) else v
        for k, v in values.items()
    }


def _attached(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: Attachment(**v) if isinstance(v, dict) else v for k, v in values.items()}
