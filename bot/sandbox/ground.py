"""What all fakes stand on: the settings, the clock, the money, the record of what was asked.

Owns the state of one sandbox. It knows no family; families are given it and keep their tasks in it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, Protocol

from aiohttp import web

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.files import Files
from bot.sandbox.journal import Journal, Seen

DialectName = Literal["stock", "raw"]


class Work(Protocol):
    """A task of any family."""

    @property
    def id(self) -> str:
        """As the family's own answers spell it."""

    def refunded(self, now: float) -> bool:
        """Whether what it cost has been given back."""

    def summary(self, now: float) -> dict[str, Any]:
        """For `GET /sandbox/tasks`."""


class Family(Protocol):
    """One fake: the endpoints of one upstream family."""

    submit: re.Pattern[str]
    """Paths on which a POST asks for paid work."""
    public: re.Pattern[str]
    """Paths that need no key."""
    prices: Mapping[str, float]
    """USD per call, by the model name the gateway bills under."""

    def routes(self) -> Iterable[web.RouteDef]:
        """Its endpoints."""


@dataclass(slots=True)
class Account:
    """The one account behind all keys. Amounts are USD."""

    granted: float
    refunded: Callable[[str], bool]
    """Whether the task of this id gave its money back."""
    gross: float = 0.0
    charges: list[tuple[str, float]] = field(default_factory=list)

    @property
    def used(self) -> float:
        """All charges less those given back."""
        back = sum(amount for task, amount in self.charges if amount and self.refunded(task))
        return self.gross - back

    def can_pay(self, amount: float) -> bool:
        """Whether `amount` is left."""
        # Adding up refunds is slow with many tasks, so only where they could make the difference.
        return self.granted - self.gross >= amount or self.granted - self.used >= amount

    def charge(self, task: str, amount: float) -> None:
        """Take `amount` for a task."""
        self.gross += amount
        self.charges.append((task, amount))


@dataclass(slots=True)
class Ground:
    """Settings and state of one sandbox. All durations are in seconds, before `pace`."""

    dialect: DialectName
    pace: float
    fetch_lag: float
    clock: Callable[[], float]
    image_size: int
    has_change: bool
    has_list: bool
    has_modal: bool
    balance: float
    epoch: float = 0.0
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    files: Files = field(default_factory=Files)
    tasks: dict[str, Any] = field(default_factory=dict)
    dice: Random = field(default_factory=Random)
    account: Account = field(init=False)

    def __post_init__(self) -> None:
        self.epoch = self.clock()
        self.account = Account(self.balance, self._was_refunded)

    def _was_refunded(self, task: str) -> bool:
        work: Work | None = self.tasks.get(task)
        return work is not None and work.refunded(self.clock())

    def table_time(self, cycles: int = 0) -> float:
        """The moment of the gateway's own table: it is refreshed only every `fetch_lag` seconds.

        `cycles` more refreshes back, for rows that lag further behind.
        """
        now, period = self.clock(), self.fetch_lag * self.pace
        if period <= 0:
            return now
        return self.epoch + ((now - self.epoch) // period - cycles) * period

    def charge(self, request: web.Request, task: str, price: float, *, starts: bool) -> None:
        """Charge a request; `starts` when it started paid work."""
        self.account.charge(task, price)
        self.journal.charge(request[VISIT].seen, task, price, starts=starts)


@dataclass(slots=True)
class Visit:
    """One request as it came, for whoever handles it."""

    seen: Seen
    fault: Fault
    json: Any = None
    """The body if it is JSON, uncut; None otherwise."""
    too_large: bool = False


VISIT = web.RequestKey("visit", Visit)


def base_of(request: web.Request) -> str:
    """The sandbox's root as the client sees it, without a slash at the end."""
    return f"{request.scheme}://{request.host}"
