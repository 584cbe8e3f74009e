"""Telegram's patience: how many visible calls a chat may get, and what too many cost.

One budget per chat, shared by sends, edits, deletes and chat actions. Only times and counts live
here; whoever calls decides what counts.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import NoReturn

from tests.servers.telegram_wire import ApiError


@dataclass(frozen=True, slots=True)
class Refusal:
    """One call that came too soon: when, where, and how long it was told to wait (seconds)."""

    at: float
    chat_id: int
    method: str
    retry_after: int


@dataclass(slots=True)
class _Budget:
    tokens: float
    stamp: float
    recent: deque[float] = field(default_factory=deque)
    until: float = 0.0
    penalty: int = 0


@dataclass(slots=True)
class Flood:
    """Limits, all of which a test may change at any time, and who ran into them.

    Private chats: a bucket of `private_burst` calls refilled at `private_rate` a second. Groups:
    `group_limit` calls in any `group_window` seconds. A call during a penalty makes it longer by
    the factor `growth`, up to `longest` seconds.
    """

    on: bool = True
    private_rate: float = 1.0
    private_burst: int = 5
    group_limit: int = 20
    group_window: float = 60.0
    growth: float = 2.0
    longest: int = 3600
    refusals: list[Refusal] = field(default_factory=list)
    _budgets: dict[int, _Budget] = field(default_factory=dict)

    def admit(self, chat_id: int, method: str, now: float, *, group: bool, cost: int = 1) -> None:
        """Charges a call to a chat's budget.

        Raises:
            ApiError: 429 with `retry_after`, when the budget is spent or a penalty runs.
        """
        if not self.on:
            return
        budget = self._budgets.setdefault(chat_id, _Budget(self.private_burst, now))
        if now < budget.until:
            self._refuse(chat_id, method, now, budget, budget.penalty * self.growth)
        wait = self._wait_group(budget, now, cost) if group else self._wait(budget, now, cost)
        if wait > 0:
            self._refuse(chat_id, method, now, budget, wait)
        budget.penalty = 0
        budget.tokens -= cost
        budget.recent.extend([now] * cost)

    def _wait(self, budget: _Budget, now: float, cost: int) -> float:
        gained = (now - budget.stamp) * self.private_rate
        budget.tokens = min(budget.tokens + gained, float(self.private_burst))
        budget.stamp = now
        return (min(cost, self.private_burst) - budget.tokens) / self.private_rate

    def _wait_group(self, budget: _Budget, now: float, cost: int) -> float:
        while budget.recent and budget.recent[0] <= now - self.group_window:
            budget.recent.popleft()
        over = len(budget.recent) + cost - self.group_limit
        if over <= 0:
            return 0.0
        freed = min(over, len(budget.recent)) - 1
        return budget.recent[freed] + self.group_window - now if freed >= 0 else 0.0

    def _refuse(
        self, chat_id: int, method: str, now: float, budget: _Budget, wait: float
    ) -> NoReturn:
        seconds = min(max(math.ceil(wait), 1), self.longest)
        budget.penalty = seconds
        budget.until = now + seconds
        self.refusals.append(Refusal(now, chat_id, method, seconds))
        raise ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
