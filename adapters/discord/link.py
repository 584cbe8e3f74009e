"""The connection to Discord's gateway: discord.py under a supervisor that never gives up.

Owns discord.py's client. Hands raw events on and knows nothing of what they mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route

from adapters.discord.events import Raw

log = logging.getLogger(__name__)

SLEEP_LIMIT = 30.0
"""Longest pause discord.py may sleep through for a rate limit before it says so, in seconds."""
IDENTIFY_GAP = 5.0
"""Seconds between two sessions begun, by Discord's rule for bots with few shards."""
BACKOFF = 60.0
"""Longest pause before connecting again."""
WRONG_TOKEN_PAUSE = 300.0
"""Pause after a refused token: the owner may restore it, and refused calls count against the bot.
"""
STUCK = 120.0
"""Seconds without a session, besides those of the gap, until a client is replaced: discord.py's own
pauses between two tries grow to 17 minutes.
"""
_REFUSED_TOKEN = 4004


def point(api_url: str, gateway_url: str) -> None:
    """Point discord.py at another server, for the whole process; empty leaves it at Discord.

    A session that begins anew goes to the default gateway whatever `/gateway/bot` said, hence both.
    """
    if api_url:
        Route.BASE = api_url.rstrip("/")
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


class _Brief(logging.Filter):
    """Tells in one line what discord.py tells with a traceback: connections break every day."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the kind of the error in the place of its traceback."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.msg, record.args = f"{record.getMessage()} ({type(error).__name__})", None
            record.exc_info = record.exc_text = None
        return True


_BRIEF = _Brief()


def quiet() -> None:
    """Keep discord.py from logging whole events and addresses, which hold tokens."""
    for name in ("client", "gateway", "http", "shard", "state", "webhook.async_"):
        logger = logging.getLogger(f"discord.{name}")
        if logger.getEffectiveLevel() < logging.INFO:
            logger.setLevel(logging.INFO)
    for name in ("gateway", "shard"):
        logging.getLogger(f"discord.{name}").addFilter(_BRIEF)
    for name in ("client", "state"):  # they only warn of voice and intents, which are left out
        logging.getLogger(f"discord.{name}").setLevel(logging.ERROR)


INTENTS = discord.Intents(guild_messages=True, dm_messages=True)
"""What people write; without the privileged intent only what is written to the bot has content."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Who takes what Discord tells. None of them may raise, for discord.py does not survive it."""

    interaction: Callable[[Raw], None]
    message: Callable[[Raw], None]
    """Every message that anybody writes where the bot is, its own too."""
    logged_in: Callable[[Client], None]
    """Told before the gateway connects."""


class Client(discord.AutoShardedClient):
    """discord.py's client, reduced to what this bot needs: few intents, no caches, raw events.

    An exception in one of discord.py's event parsers ends the client, and it raises for payloads
    that lack a field; so none of them is left, and events are handed on as they came.
    """

    def __init__(self, ears: Ears) -> None:
        """`ears` take the events."""
        super().__init__(
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            max_ratelimit_timeout=SLEEP_LIMIT,
            guild_ready_timeout=0,
        )
        parsers = self._connection.parsers
        parsers.clear()
        parsers.update(INTERACTION_CREATE=ears.interaction, MESSAGE_CREATE=ears.message)
        parsers.update(READY=self._begun, RESUMED=self._resumed)
        self._logged_in = ears.logged_in
        self._identified = -IDENTIFY_GAP
        self.up: set[int] = set()

    async def setup_hook(self) -> None:
        """Tell that the token works."""
        self._logged_in(self)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Keep the gap between two sessions; discord.py would wait even when none came before."""
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(self._identified + IDENTIFY_GAP - clock(), 0))
        self._identified = clock()

    async def launch_shards(self) -> None:
        """Begin as many sessions as Discord advises, or one where nobody gives advice."""
        try:
            await super().launch_shards()
        except (discord.GatewayNotFound, KeyError) as error:
            if not isinstance(error.__cause__, discord.NotFound | None):
                raise
            self.shard_count = 1
            await super().launch_shards()

    async def launch_shard(
        self, gateway: yarl.URL, shard_id: int, *, initial: bool = False
    ) -> None:
        """Begin one session where the settings say, as discord.py does it when it begins anew: a
        proxy of the interface may hand Discord's own address on, and the token would go there.
        """
        del gateway
        await super().launch_shard(DiscordWebSocket.DEFAULT_GATEWAY, shard_id, initial=initial)

    def _begun(self, ready: Raw) -> None:
        """A session began; without a word on shards it is the only one."""
        self.up.add(int((ready.get("shard") or (0,))[0]))

    def _resumed(self, resumed: Raw) -> None:
        """A session goes on; discord.py notes in the event whose it is."""
        self.up.add(int(resumed["__shard_id__"]))

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """A session broke off."""
        self.up.discard(shard_id)

    @property
    def connected(self) -> bool:
        """Whether every shard has its session."""
        return bool(self.shard_count) and len(self.up) == self.shard_count


class Link:
    """Keeps a client connected until closed."""

    def __init__(self, token: str, ears: Ears) -> None:
        """See `Client`."""
        self._token = token
        self._ears = ears
        self._client: Client | None = None
        self._started: asyncio.Task[Exception | None] | None = None
        self._closed = asyncio.Event()
        self._authorized = False
        self._trouble = ""

    @property
    def ready(self) -> bool:
        """Whether events arrive."""
        return self._client is not None and self._client.connected

    @property
    def problem(self) -> str:
        """Why events do not arrive, in words; empty when they do or the first try goes on."""
        return "" if self.ready else self._trouble

    @property
    def http(self) -> HTTPClient | None:
        """discord.py's HTTP client while it is logged in."""
        return self._client.http if self._client is not None and self._authorized else None

    @property
    def me(self) -> str:
        """The bot's own user id; empty before it has logged in."""
        user = self._client.user if self._client is not None else None
        return str(user.id) if user is not None else ""

    async def run(self) -> None:
        """Connect, and connect again after every failure, until `close` or cancelled."""
        pause = 1.0
        while not self._closed.is_set():
            began = asyncio.get_running_loop().time()
            error = await self._live()
            if self._closed.is_set():
                return
            lived = asyncio.get_running_loop().time() - began
            pause = 1.0 if lived > BACKOFF else min(pause * 2, BACKOFF)
            await self._rest_after(error, pause)

    async def _rest_after(self, error: Exception | None, pause: float) -> None:
        self._trouble = _sentence(error)
        if _is_wrong_token(error):
            pause = WRONG_TOKEN_PAUSE
        log.error("%s Trying again in %.0f s.", self._trouble, pause)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause * random.uniform(0.8, 1.2)):  # noqa: S311  (no secret)
                await self._closed.wait()

    async def _live(self) -> Exception | None:
        """One client's life; returns what ended it."""
        client = self._client = Client(replace(self._ears, logged_in=self._entered))
        async with asyncio.TaskGroup() as tasks:
            self._started = tasks.create_task(_start(client, self._token))
            stuck = tasks.create_task(_stuck(client))
            try:
                await asyncio.wait({self._started, stuck}, return_when=asyncio.FIRST_COMPLETED)
                if stuck.done():
                    return TimeoutError()
            finally:
                stuck.cancel()
                await self._end()
        return None if self._started.cancelled() else self._started.result()

    def _entered(self, client: Client) -> None:
        self._authorized = True
        self._trouble = self._trouble and "Discord is connecting again."
        self._ears.logged_in(client)

    async def _end(self) -> None:
        """End the client; a task of it that is only cancelled may go on, so it is closed first."""
        client, started = self._client, self._started
        self._client, self._authorized = None, False
        if client is not None:
            try:
                async with asyncio.timeout(2):
                    await client.close()
            except (TimeoutError, AttributeError, aiohttp.ClientError, OSError) as error:
                log.debug("Discord's connection did not close in order: %s", type(error).__name__)
                await client.http.close()
        if started is not None:
            started.cancel()

    async def close(self) -> None:
        """End the connection for good."""
        self._closed.set()
        await self._end()


async def _start(client: Client, token: str) -> Exception | None:
    """Run a client; its failure is its result, so that a supervisor can look at it."""
    try:
        await client.start(token)
    except Exception as error:
        return error
    return None


async def _stuck(client: Client) -> None:
    """Return when a client has had no session for too long; a big one begins many, one by one."""
    clock = asyncio.get_running_loop().time
    seen, since = 0, clock()
    while clock() - since < STUCK + IDENTIFY_GAP * (client.shard_count or 1):
        await asyncio.sleep(STUCK / 24)
        if client.connected or len(client.up) > seen:
            since = clock()
        seen = len(client.up)


def _is_wrong_token(error: Exception | None) -> bool:
    return isinstance(error, discord.LoginFailure) or (
        isinstance(error, discord.ConnectionClosed) and error.code == _REFUSED_TOKEN
    )


def _sentence(error: Exception | None) -> str:
    """What ended a connection, for the owner of the bot; holds no secret."""
    if _is_wrong_token(error):
        return (
            "Discord refuses the bot's token. Copy it again from the Developer Portal "
            "(Bot > Reset Token) into [discord] token."
        )
    match error:
        case None:
            return "Discord closed the connection."
        case discord.PrivilegedIntentsRequired():
            return (
                "Discord asks for a privileged intent; the bot needs none. "
                "Check the application's settings."
            )
        case discord.ConnectionClosed():
            return f"Discord closed the connection with code {error.code}."
        case discord.HTTPException():
            return f"Discord answered with status {error.status}."
        case aiohttp.ClientError() | OSError():
            return f"Discord cannot be reached ({type(error).__name__})."
        case _:
            return f"The connection to Discord failed ({type(error).__name__}: {str(error)[:200]})."
