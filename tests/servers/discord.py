"""A strict pretend Discord on localhost, and the people who use the bot.

Owns the one port that API, gateway and CDN share, and gives tests their people and places. Knows
nothing of the bot under test. The unmodified discord.py works with `Route.BASE = server.api_url`
and `DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(server.gateway_url)`.

    async with DiscordServer() as server:
        ann = server.user("Ann")
        general = server.guild("Studio").channel("general")
        await server.wait_connected()
        asked = await ann.slash(general, "imagine", prompt="a fox")
        grid = await asked.wait_reply(lambda message: message.attachments)
        pressed = await ann.click(grid, "U1")
        await pressed.wait_ack()
        assert server.violations == []
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.servers.discord_commands import Commands
from tests.servers.discord_faults import Fault
from tests.servers.discord_files import Attachment, Files
from tests.servers.discord_gateway import UNKNOWN_ERROR, Gateway
from tests.servers.discord_http import PREFIX, Api, Call
from tests.servers.discord_interactions import Interaction, Modal
from tests.servers.discord_message import Message
from tests.servers.discord_people import Person
from tests.servers.discord_records import GROUP_DM, Channel, Guild, User
from tests.servers.discord_routes import Routes
from tests.servers.discord_webhooks import Webhooks
from tests.servers.discord_world import Clock, Limits, World

TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAwMQ.pretend.discord-token"
"""The token accepted unless a test wants its own."""
APPLICATION_ID = 1_000_000_000_000_000_001


class DiscordServer:
    """The server and its world.

    Args:
        token: The one bot token it accepts.
        name: The bot's name.
        application_id: The app's id, which is the bot's user id too.
        limits: Rates and sizes; `Limits(on=False)` for no rate limits.
        heartbeat: Seconds between the gateway's heartbeats.

    Attributes:
        clock: The server's time, to be moved on with `clock.advance(seconds)`.
        gateway: The sessions: `identifies`, `resumes`, `identify_gap`, `shard_count`.
        commands: What the bot registered: `all()`, `writes`.
    """

    def __init__(
        self,
        token: str = TOKEN,
        name: str = "Atelier",
        *,
        application_id: int = APPLICATION_ID,
        limits: Limits | None = None,
        heartbeat: float = 41.25,
    ) -> None:
        self.token = token
        self.clock = Clock()
        self._folder = Path(tempfile.mkdtemp(prefix="pretend-discord-"))
        files = Files(self._folder, self.clock.now)
        self.world = world = World(application_id, files, self.clock, limits or Limits())
        world.bot = User(world, application_id, name, is_bot=True)
        world.users[application_id] = world.bot
        found: list[str] = []
        self.gateway = world.feed = Gateway(world, token, found, heartbeat=heartbeat)
        self.commands = Commands(world)
        parts = (self.commands, Webhooks(world), Routes(world, self.gateway))
        routes = [route for part in parts for route in part.routes()]
        self.api = Api(world, token, routes)
        self.api.violations = found
        self._port = 0
        self._runner: web.AppRunner | None = None

    # -- life ------------------------------------------------------------------------------------

    async def start(self) -> str:
        """Listens on a free port of the loopback interface; returns `url`."""
        await self.up()
        return self.url

    async def stop(self) -> None:
        """Ends everything and removes the files."""
        self.api.faults.clear()
        await self.down()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def up(self) -> None:
        """Listens again after `down`, on the same port, knowing all it knew."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/gateway", self.gateway.handle)
        app.router.add_route("*", PREFIX + "/{rest:.*}", self.api.handle)
        for root in ("", "/proxy"):
            for kind in ("attachments", "ephemeral-attachments"):
                path = f"{root}/{kind}/{{channel}}/{{id:\\d+}}/{{name}}"
                app.router.add_get(path, self._download)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.world.files.root, self.gateway.url = self.url, self.gateway_url

    async def down(self) -> None:
        """Vanishes: open connections break, new ones are refused. World and sessions stay."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        for site in list(runner.sites):
            await site.stop()
        await self.gateway.close()
        await runner.cleanup()

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
        """The root, without a slash at its end; links to files begin with it."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def api_url(self) -> str:
        """For `Route.BASE`."""
        return self.url + PREFIX

    @property
    def gateway_url(self) -> str:
        """For `DiscordWebSocket.DEFAULT_GATEWAY`."""
        return f"ws://127.0.0.1:{self._port}/gateway"

    # -- people and places -----------------------------------------------------------------------

    @property
    def bot(self) -> User:
        """The bot under test, as a user."""
        return self.world.bot

    def user(self, name: str, *, locale: str = "en-US", installed: bool = False) -> Person:
        """Makes a person; `installed` when they installed the app for themselves."""
        person = Person(
            self.world,
            self.world.new_id(),
            name,
            locale=locale,
            installed=installed,
            commands=self.commands,
        )
        self.world.users[person.id] = person
        return person

    def guild(self, name: str, *, bot_is_member: bool = True, tier: int = 0) -> Guild:
        """Makes a guild; people join it when they first do something there."""
        guild = Guild(self.world, self.world.new_id(), name, bot_is_member, tier)
        self.world.guilds[guild.id] = guild
        if bot_is_member:
            guild.add_bot()
        return guild

    def outside(self, name: str = "Elsewhere") -> Channel:
        """A channel of a guild without the bot: only people with the app installed reach it."""
        return self.guild(name, bot_is_member=False).channel("general")

    def group(self, *people: User) -> Channel:
        """A group of people, where the bot can never be; the app needs to be installed."""
        channel = Channel(
            self.world, self.world.new_id(), GROUP_DM, "group", recipients=list(people)
        )
        self.world.channels[channel.id] = channel
        return channel

    # -- what happened ---------------------------------------------------------------------------

    @property
    def calls(self) -> list[Call]:
        """The journal of all requests, downloads included."""
        return self.api.calls

    @property
    def violations(self) -> list[str]:
        """What the published API or the gateway's protocol does not allow."""
        return self.api.violations

    @property
    def interactions(self) -> list[Interaction]:
        """Everything people did with the app, oldest first."""
        return list(self.world.interactions.values())

    @property
    def unanswered(self) -> list[Interaction]:
        """Interactions that got no answer in time: their people read that the app failed."""
        return [each for each in self.interactions if each.failed]

    async def wait_connected(self, shards: int = 1, timeout: float = 10.0) -> None:
        """Waits for the bot at the gateway; see `Gateway.wait_connected`."""
        await self.gateway.wait_connected(shards, timeout)

    async def wait_commands(self, timeout: float = 10.0) -> None:
        """Waits until the bot has registered commands.

        Raises:
            AssertionError: It has not in time.
        """
        await self.world.watch.until(
            lambda: self.commands.writes > 0, timeout, lambda: "commands to be registered"
        )

    async def wait_call(self, check: Callable[[Call], object], timeout: float = 5.0) -> Call:
        """Waits for a request that fits; one that was made already does.

        Raises:
            AssertionError: None came in time.
        """
        return await self.world.watch.until(
            lambda: next((call for call in self.calls if check(call)), None),
            timeout,
            lambda: f"a request; the last were {self.calls[-5:]}",
        )

    # -- trouble ---------------------------------------------------------------------------------

    def fail(
        self,
        path: str,
        status: int = 500,
        times: int | None = 1,
        *,
        method: str = "*",
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        after_effect: bool = False,
    ) -> Fault:
        """Answers with an error; see `Fault` for the arguments, here and below."""
        return self.api.faults.add(
            Fault("error", method, path, times, after_effect, status, body, headers or {})
        )

    def drop(
        self, path: str, times: int | None = 1, *, method: str = "*", after_effect: bool = False
    ) -> Fault:
        """Cuts the connection instead of answering."""
        return self.api.faults.add(Fault("drop", method, path, times, after_effect))

    def hang(
        self, path: str, times: int | None = 1, *, method: str = "*", after_effect: bool = False
    ) -> Fault:
        """Does not answer until the fault is cancelled."""
        return self.api.faults.add(Fault("hang", method, path, times, after_effect))

    def delay(
        self,
        path: str,
        seconds: float,
        times: int | None = 1,
        *,
        method: str = "*",
        after_effect: bool = False,
    ) -> Fault:
        """Answers late."""
        return self.api.faults.add(
            Fault("delay", method, path, times, after_effect, seconds=seconds)
        )

    def disconnect(self, *, resumable: bool = True, code: int = UNKNOWN_ERROR) -> None:
        """Cuts the gateway's connections; see `Gateway.disconnect`."""
        self.gateway.disconnect(resumable=resumable, code=code)

    def redeliver(self, told: Interaction | Message) -> None:
        """Tells the bot of an interaction or a message once more, under the same id."""
        if isinstance(told, Message):
            told.announce("MESSAGE_CREATE")
        else:
            told.send()

    # -- files -----------------------------------------------------------------------------------

    async def _download(self, request: web.Request) -> web.StreamResponse:
        call = self.api.open(request)
        fault = self.api.faults.take(call.method, call.path)
        if fault and (struck := await fault.strike(request)) is not None:
            return struck
        response = self.world.files.answer(request)
        call.status = response.status
        return response


__all__ = [
    "TOKEN",
    "Attachment",
    "Call",
    "Channel",
    "DiscordServer",
    "Fault",
    "Guild",
    "Interaction",
    "Limits",
    "Message",
    "Modal",
    "Person",
    "User",
]
