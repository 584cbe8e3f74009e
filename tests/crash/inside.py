"""One bot in the test's own process, for faults that need no death: its stage, gateway, books."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.app import App
from bot.sandbox import Sandbox, Seen
from tests.crash.house import Books
from tests.crash.stages import PATIENCE, Shown, Stage, until
from tests.house import running


class Inside:
    """What a fault test looks at."""

    def __init__(self, stage: Stage, gateway: Sandbox, folder: Path) -> None:
        self.stage = stage
        self.gateway = gateway
        self.books = Books(folder)
        self.chat: Any = None
        self.ahead = 0.0
        """Seconds the bot's clock is ahead."""

    def clock(self) -> float:
        """The bot's clock."""
        return time.time() + self.ahead

    async def imagine(self, prompt: str = "a fox") -> Any:
        """The person asks for a picture; returns the event."""
        return await self.stage.use(self.chat, "imagine", prompt=prompt)

    async def sees(self, *words: str) -> Shown:
        """Wait for a message that says all of the words."""
        return await self.stage.wait(self.chat, lambda shown: shown.says(*words))

    async def result(self, title: str = "Imagine") -> Shown:
        """Wait for a finished picture."""
        shown = await self.stage.wait(
            self.chat, lambda s: s.picture and len(s.buttons) > 3 and s.says(title)
        )
        await self.books.idle()
        return shown

    async def press(self, shown: Shown, label: str, *, other: bool = False) -> Any:
        """Press the button whose label has these words; returns the event."""
        return await self.stage.press(self.chat, shown, label, other=other)

    async def hears(self, *words: str) -> None:
        """Wait for words said to the person, in the chat or in answer to a press."""
        stage, chat = self.stage, self.chat
        await until(
            lambda: any(
                all(word in text for word in words)
                for text in [*stage.toasts(), *(shown.text for shown in stage.seen(chat))]
            ),
            lambda: f"{words}; there is {stage.toasts()} and {stage.seen(chat)}",
        )

    def count(self, *words: str) -> int:
        """Messages that are there and say all of the words."""
        return sum(shown.says(*words) for shown in self.stage.seen(self.chat))

    @property
    def submits(self) -> list[Seen]:
        """Every submitting request the gateway got."""
        return [seen for seen in self.gateway.journal if seen.is_submit]

    @property
    def money(self) -> list[tuple[str, ...]]:
        """The ledger, job by job: what was booked."""
        jobs = self.books.jobs(0)
        return [tuple(kind for kind, _ in self.books.ledger(job)) for job, *_ in jobs]

    @property
    def states(self) -> list[str]:
        """The jobs' states, oldest first."""
        return [state for _, state, _ in self.books.jobs(0)]


@asynccontextmanager
async def inside(
    stage: Stage,
    folder: Path,
    *,
    sandbox: Sandbox | None = None,
    asleep: bool = False,
    **sections: dict[str, Any],
) -> AsyncIterator[Inside]:
    """Run everything until the block ends; `sections` go over the usual settings.

    With `asleep` the bot itself is left to `house_runs`.
    """
    gateway = sandbox or Sandbox(pace=0.015, image_size=64)
    await gateway.start()
    await stage.start()
    house = Inside(stage, gateway, folder)
    try:
        async with contextlib.AsyncExitStack() as stack:
            if not asleep:
                await stack.enter_async_context(house_runs(house, **sections))
            yield house
        assert stage.violations == []
    finally:
        await stage.stop()
        await gateway.stop()


@asynccontextmanager
async def house_runs(house: Inside, **sections: dict[str, Any]) -> AsyncIterator[App]:
    """One life of the bot."""
    given: dict[str, Any] = {"jobs": {"poll_scale": 0.02}} | house.stage.settings()
    for name, values in sections.items():
        given[name] = {**given.get(name, {}), **values}
    base = {"base_url": house.gateway.url, "api_key": "sandbox", **given.pop("gateway", {})}
    house.stage.expect()
    async with running(
        house.books.folder, house.gateway.url, clock=house.clock, gateway=base, **given
    ) as app:
        await house.stage.ready()
        if house.chat is None:
            house.chat = house.stage.enter("room")
        yield app


__all__ = ["PATIENCE", "Inside", "house_runs", "inside"]
