"""A strict pretend Telegram Bot API on localhost, and the people who use the bot.

Owns the HTTP side: tokens, routing, faults, the journal, the check against the published API;
and gives tests their people and chats. Knows nothing of the bot under test, which may run in
this process or another. The unmodified python-telegram-bot works with `base_url=url + "/bot"`
and `base_file_url=url + "/file/bot"`.

    async with TelegramServer(token="123:abc", username="atelier_bot") as server:
        ann = server.user("Ann", language_code="en")
        chat = server.private(ann)
        await ann.say(chat, "/imagine a fox")
        grid = await chat.wait_message(lambda message: message.photo)
        press = await ann.press(grid, "U1")
        await press.wait_answer()
        assert server.violations == []
"""

import asyncio
import itertools
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.servers.telegram_edits import EDITS
from tests.servers.telegram_faults import Fault, Faults, Kind
from tests.servers.telegram_files import Files
from tests.servers.telegram_flood import Flood
from tests.servers.telegram_people import GroupChat, Person, PrivateChat
from tests.servers.telegram_records import Chat, Message, Place, Press, User
from tests.servers.telegram_sends import SENDS, Handler
from tests.servers.telegram_settings import SETTINGS, menu
from tests.servers.telegram_spec import load_spec
from tests.servers.telegram_updates import Feed
from tests.servers.telegram_wire import ApiError, Call, Journal, Params, read_params
from tests.servers.telegram_world import Clock, World

TOKEN = "123456789:AAtest-token_for-the-pretend-server"
"""The token accepted unless a test wants its own."""

METHODS: dict[str, tuple[str, Handler]] = {
    name.lower(): (name, handler) for name, handler in {**SETTINGS, **SENDS, **EDITS}.items()
}

Where = Callable[[Call], bool]


class TelegramServer:
    """The server and its world.

    Args:
        token: The one bot token it accepts; the number before the colon is the bot's user id.
        username: The bot's username.
        name: The bot's first name.
        flood: The limits in force; `Flood(on=False)` for none.

    Attributes:
        calls: The journal of all calls, `getUpdates` and downloads (`file`) included.
        violations: What the published API would not allow, in sentences, and calls on which
            this server itself broke.
        clock: The server's time, to be moved on with `clock.advance(seconds)`.
        me: What getMe says besides the name.
    """

    def __init__(
        self,
        token: str = TOKEN,
        username: str = "atelier_bot",
        *,
        name: str = "Atelier",
        flood: Flood | None = None,
    ) -> None:
        self.token = token
        self.calls = Journal()
        self.violations: list[str] = []
        self.faults = Faults()
        self.clock = Clock()
        self.flood = flood or Flood()
        self._folder = Path(tempfile.mkdtemp(prefix="pretend-telegram-"))
        bot = User(int(token.partition(":")[0]), name, username, is_bot=True)
        self.world = World(bot, Files(self._folder), self.flood, self.clock)
        self.feed = self.world.feed = Feed(self.clock, self._execute_from_webhook)
        self.me = self.world.me
        self._spec = load_spec()
        self._user_ids = itertools.count(7_000_000_001)
        self._group_ids = itertools.count(1)
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._effects: set[asyncio.Task[web.StreamResponse]] = set()

    # -- life ----------------------------------------------------------------------------------

    async def start(self) -> str:
        """Listens on a free port of the loopback interface.

        Returns:
            The root URL, `http://127.0.0.1:PORT`.
        """
        await self.up()
        return self.url

    async def stop(self) -> None:
        """Ends everything and removes the files."""
        await self.down()
        self.faults.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def up(self) -> None:
        """Listens again after `down`, on the same port, knowing all it knew."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/file/bot{token}/{path:.+}", self._download)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_route("*", "/{rest:.*}", self._lost)
        self._runner = web.AppRunner(
            app, shutdown_timeout=0.1, access_log=None, handler_cancellation=True
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.feed.resume()

    async def down(self) -> None:
        """Vanishes: open connections break, new ones are refused. World and faults stay."""
        await self.feed.close()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
        await asyncio.gather(*self._effects, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The root, to which `/bot<token>` and `/file/bot<token>` are added."""
        return f"http://127.0.0.1:{self._port}"

    # -- people and chats ----------------------------------------------------------------------

    @property
    def bot(self) -> User:
        """The bot under test, as a user."""
        return self.world.bot

    def user(self, name: str, *, username: str | None = None, language_code: str = "en") -> Person:
        """Makes a person; the username is made from the name unless given ("" for none)."""
        nick = re.sub(r"\W", "", name).lower() + "_t" if username is None else username
        person = Person(
            next(self._user_ids),
            name,
            nick,
            language_code=language_code,
            world=self.world,
        )
        self.world.users[person.id] = person
        return person

    def private(self, person: User) -> PrivateChat:
        """The person's chat with the bot, opened (so the bot may write) when first asked for."""
        chat = self.world.chats.get(person.id)
        if chat is None:
            chat = PrivateChat(self.world, person.id, "private", person=person)
            chat.members[person.id] = person
            self.world.chats[person.id] = chat
        assert isinstance(chat, PrivateChat)
        return chat

    def group(
        self,
        title: str,
        *,
        privacy: bool = True,
        forum: bool = False,
        basic: bool = False,
        admin: bool = False,
    ) -> GroupChat:
        """Makes a group with the bot in it.

        Args:
            title: Its title.
            privacy: Whether the bot sees only commands, replies to it and service messages.
            forum: Whether it has topics.
            basic: A small group of the old kind, which can `migrate`.
            admin: Whether the bot is an administrator, who sees and deletes everything.
        """
        number = next(self._group_ids)
        chat_id = -4_000_000 - number if basic else -1_002_000_000_000 - number
        kind = "group" if basic else "supergroup"
        chat = GroupChat(
            self.world,
            chat_id,
            kind,
            title,
            is_forum=forum,
            privacy=privacy,
            bot_is_admin=admin,
        )
        self.world.chats[chat_id] = chat
        return chat

    @property
    def presses(self) -> list[Press]:
        """All presses, oldest first."""
        return list(self.world.presses.values())

    @property
    def unanswered(self) -> list[Press]:
        """The presses whose buttons still spin."""
        return [press for press in self.presses if press.answered is None]

    def menu(self, person: User, place: Place) -> list[tuple[str, str]]:
        """The commands a person is offered there: (name, description)."""
        return menu(self.world, person, place)

    def redeliver(self, what: Message | Press | dict[str, Any]) -> None:
        """Sends the bot an update again under its old update_id, confirmed or not."""
        update = what if isinstance(what, dict) else what.update
        assert update is not None, f"the bot was never told of {what}"
        self.feed.redeliver(update)

    def serve_url(self, url: str, data: bytes, mime: str = "image/png") -> None:
        """Makes an URL one that Telegram's own machines can fetch; no other is."""
        self.world.files.urls[url] = (data, mime)

    # -- faults --------------------------------------------------------------------------------

    def fail(
        self,
        methods: str,
        status: int = 500,
        description: str = "Internal Server Error",
        times: int | None = 1,
        *,
        retry_after: int | None = None,
        after_effect: bool = False,
        where: Where | None = None,
    ) -> Fault:
        """Answers with an error; see `Fault` for the arguments, here and below."""
        return self.faults.add(
            Fault(
                "error",
                methods,
                times,
                after_effect,
                status,
                description,
                retry_after,
                0.0,
                where,
            )
        )

    def drop(
        self,
        methods: str,
        times: int | None = 1,
        *,
        after_effect: bool = False,
        where: Where | None = None,
    ) -> Fault:
        """Cuts the connection instead of answering."""
        return self._order("drop", methods, times, after_effect, where)

    def hang(
        self,
        methods: str,
        times: int | None = 1,
        *,
        after_effect: bool = False,
        where: Where | None = None,
    ) -> Fault:
        """Does not answer until the fault is cancelled."""
        return self._order("hang", methods, times, after_effect, where)

    def garble(
        self,
        methods: str,
        times: int | None = 1,
        *,
        after_effect: bool = False,
        where: Where | None = None,
    ) -> Fault:
        """Answers with half a JSON document."""
        return self._order("garble", methods, times, after_effect, where)

    def html(
        self,
        methods: str,
        times: int | None = 1,
        *,
        after_effect: bool = False,
        where: Where | None = None,
    ) -> Fault:
        """Answers with a proxy's 502 page."""
        fault = self._order("html", methods, times, after_effect, where)
        fault.status = 502
        return fault

    def delay(
        self,
        methods: str,
        seconds: float,
        times: int | None = 1,
        *,
        after_effect: bool = False,
        where: Where | None = None,
    ) -> Fault:
        """Answers late."""
        fault = self._order("delay", methods, times, after_effect, where)
        fault.seconds = seconds
        return fault

    def _order(
        self,
        kind: Kind,
        methods: str,
        times: int | None,
        after: bool,
        where: Where | None,
    ) -> Fault:
        return self.faults.add(Fault(kind, methods, times, after, where=where))

    # -- HTTP ----------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.StreamResponse:
        asked = request.match_info["method"]
        name = METHODS.get(asked.lower(), (asked, None))[0]
        call = Call(name, {}, {}, self.clock.now())
        self.calls.append(call)
        self.world.watch.notify()
        try:
            self._check_token(request)
            params = await read_params(request, self._folder)
        except ApiError as error:
            return _refused(call, error)
        call.params, call.files = params.plain(), params.files
        if self._spec:
            self.violations += self._spec.check_call(name, params.values, params.files)
        if name == "getUpdates":
            # A poll whose caller is gone must not count as a delivery: it ends with the caller.
            return await self._under_faults(request, call, lambda: self._answer(call, params))
        return await self._under_faults(request, call, lambda: self._finish(call, params))

    async def _finish(self, call: Call, params: Params) -> web.StreamResponse:
        """Does what was asked to the end, even if the caller hangs up meanwhile."""
        task = asyncio.create_task(self._answer(call, params))
        self._effects.add(task)
        task.add_done_callback(self._effects.discard)
        return await asyncio.shield(task)

    async def _under_faults(
        self, request: web.Request, call: Call, work: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        fault = self.faults.take(call)
        if fault and not fault.after_effect:
            harm = await fault.strike(request, call)
            if harm is not None:
                return _noted(call, fault, harm)
        answer = await work()
        if fault and fault.after_effect:
            harm = await fault.strike(request, call)
            if harm is not None:
                return _noted(call, fault, harm)
        return answer

    async def _answer(self, call: Call, params: Params) -> web.StreamResponse:
        try:
            call.result = await self._execute(call.method, params)
        except ApiError as error:
            return _refused(call, error)
        except Exception as error:
            # The call met a rule nobody thought of: a finding, so it must not pass unseen.
            self.violations.append(f"{call.method}: the pretend server broke on it: {error!r}")
            return _refused(call, ApiError(500, "Internal Server Error"))
        call.status, call.executed = 200, True
        return web.json_response({"ok": True, "result": call.result})

    async def _execute(self, method: str, params: Params) -> Any:
        if ("logged out",) in self.world.settings:
            raise ApiError(400, "Logged out")
        if method.lower() not in METHODS:
            raise ApiError(404, "Not Found: method not found")
        return await METHODS[method.lower()][1](self.world, params)

    async def _execute_from_webhook(self, body: dict[str, Any]) -> None:
        params = Params({name: value for name, value in body.items() if name != "method"})
        call = Call(str(body["method"]), params.plain(), {}, self.clock.now())
        self.calls.append(call)
        if self._spec:
            self.violations += self._spec.check_call(call.method, params.values)
        await self._answer(call, params)

    def _check_token(self, request: web.Request) -> None:
        token = request.match_info["token"]
        if not re.fullmatch(r"\d{3,}:[\w-]{3,}", token):
            raise ApiError(404, "Not Found")
        if token != self.token:
            raise ApiError(401, "Unauthorized")

    async def _download(self, request: web.Request) -> web.StreamResponse:
        call = Call("file", {"path": request.match_info["path"]}, {}, self.clock.now())
        self.calls.append(call)

        async def work() -> web.StreamResponse:
            try:
                self._check_token(request)
                stored = self.world.files.at(request.match_info["path"], self.clock.now())
            except ApiError as error:
                return _refused(call, error)
            call.status, call.executed = 200, True
            headers = {"Content-Type": "application/octet-stream"}
            if stored.box:
                return web.Response(body=stored.render(), headers=headers)
            return web.FileResponse(stored.upload.path, headers=headers)

        return await self._under_faults(request, call, work)

    async def _lost(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(ApiError(404, "Not Found").body(), status=404)


def _refused(call: Call, error: ApiError) -> web.Response:
    call.status, call.error = error.code, error.description
    return web.json_response(error.body(), status=error.code)


def _noted(call: Call, fault: Fault, harm: web.StreamResponse) -> web.StreamResponse:
    call.status = 0 if fault.kind == "drop" else harm.status
    call.error = fault.description if fault.kind == "error" else fault.kind
    return harm


__all__ = ["Chat", "Fault", "Flood", "Message", "Person", "Press", "TelegramServer"]
