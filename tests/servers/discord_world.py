"""What everything in the pretend Discord shares: time, ids, settings, and who and what exists.

Holds the registries; the things in them are in `discord_records` and `discord_interactions`.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tests.servers.discord_files import MIB, Files

if TYPE_CHECKING:
    from tests.servers.discord_interactions import Interaction
    from tests.servers.discord_message import Message
    from tests.servers.discord_records import Channel, Guild, User

DISCORD_EPOCH = 1_420_070_400_000
"""Milliseconds; ids count from here (docs, "Snowflakes")."""

Found = TypeVar("Found")

SLOW = 8.0
"""How many times slower than a quick machine this one may be."""


def iso(moment: float) -> str:
    """A time in epoch seconds as Discord writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


class Clock:
    """The server's time, which a test can move on."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Epoch seconds."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Lets time pass: tokens and links expire. Rate limits follow real time."""
        self._ahead += seconds


class Watch:
    """Wakes tests that wait for something to become true."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Something happened."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(
        self, check: Callable[[], Found | None], timeout: float, what: Callable[[], str]
    ) -> Found:
        """Waits for a value that is true.

        Raises:
            AssertionError: It took longer than `timeout` seconds of a quick machine; `what` says
                for what one waited.
        """
        deadline = time.monotonic() + timeout * SLOW
        while not (found := check()):
            changed = self._changed
            try:
                # Woken now and then in any case: some conditions depend on time alone.
                left = min(0.25, deadline - time.monotonic())
                await asyncio.wait_for(changed.wait(), max(left, 0))
            except TimeoutError:
                if time.monotonic() >= deadline:
                    raise AssertionError(f"waited {timeout} s for {what()}") from None
        return found


@dataclass(slots=True)
class Limits:
    """The limits in force. A pair is so many requests in so many seconds.

    Discord does not publish the rates of its routes; these are what its clients see. Sends and
    edits of one channel share a bucket here, which is the stricter reading, unless `edits` has one.
    """

    on: bool = True
    messages: tuple[int, float] = (5, 5.0)
    edits: tuple[int, float] | None = None
    deletes: tuple[int, float] = (5, 1.0)
    webhooks: tuple[int, float] = (5, 5.0)
    overall: tuple[int, float] = (50, 1.0)
    file_bytes: int = 10 * MIB
    request_bytes: int = 25 * MIB
    followups_without_bot: int = 5


class Feed(Protocol):
    """Where events for the bot go."""

    def push(
        self,
        event: str,
        data: dict[str, Any],
        *,
        guild_id: int | None = None,
        intents: int = 0,
    ) -> int:
        """Sends an event to every session that asked for one of the intents, 0 for all.

        Returns:
            How many sessions got it.
        """
        ...


@dataclass(eq=False)
class World:
    """All that exists.

    Attributes:
        bot: The bot's own user.
        ack_seconds: How long an interaction may stay unanswered.
        token_seconds: How long an interaction's token lives.
        answers_callbacks: Whether a callback's `with_response` is heeded; else it gets 204.
        lean: Whether interactions come without everything that the docs mark as optional.
    """

    application_id: int
    files: Files
    clock: Clock
    limits: Limits
    ack_seconds: float = 3.0
    token_seconds: float = 15 * 60.0
    answers_callbacks: bool = True
    lean: bool = False
    watch: Watch = field(default_factory=Watch)
    bot: "User" = field(init=False)
    feed: Feed = field(init=False)
    users: dict[int, "User"] = field(default_factory=dict)
    guilds: dict[int, "Guild"] = field(default_factory=dict)
    channels: dict[int, "Channel"] = field(default_factory=dict)
    messages: dict[int, "Message"] = field(default_factory=dict)
    interactions: dict[int, "Interaction"] = field(default_factory=dict)
    emojis: dict[int, str] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def new_id(self) -> int:
        """A fresh snowflake; later ones are greater."""
        milliseconds = int(self.clock.now() * 1000) - DISCORD_EPOCH
        return (milliseconds << 22) | (next(self._numbers) & 0x3FFFFF)
