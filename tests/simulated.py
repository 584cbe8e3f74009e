"""An event loop whose time is simulated: it jumps to the next timer instead of sleeping."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found and timeout:
            self.now += timeout
        return found if found or timeout is not None else super().select(None)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """`time()` is what has been slept so far."""

    def __init__(self) -> None:
        self._sleeps = _Selector()
        super().__init__(self._sleeps)

    def time(self) -> float:
        return self._sleeps.now


def simulate(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)


def now() -> float:
    """The simulated time, as Unix seconds."""
    return 1_700_000_000.0 + asyncio.get_running_loop().time()
