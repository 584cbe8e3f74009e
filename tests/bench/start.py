"""Start and rest: seconds until the program is ready, and what it holds when nothing happens."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.bench.kit import Row, house, median

STARTS = 3


async def bench(folder: Path) -> list[Row]:
    """The rows of the table."""
    took, worked, held = [], [], []
    for number in range(STARTS + 1):
        # The same folder again: the store is there already, as on every start but the first.
        async with house(folder / "start", ["telegram", "discord"]) as run:
            if number:  # the first start of all compiles the program
                took.append(run.ready_after)
                worked.append(run.bot.cpu)
            await asyncio.sleep(3)
            held.append(run.bot.rss / 1e6)
    return [
        Row(
            "Start to ready, Discord, Telegram and playground on",
            "2.5 s",
            f"{median(took):.2f} s ({median(worked):.2f} s of CPU)",
            median(took) <= 2.5,
        ),
        Row("Memory at rest, everything on", "130 MB", f"{max(held):.0f} MB", max(held) <= 130),
    ]
