"""Twenty results of 25 MB at once: what they hold in memory, and how long the loop stands still.

Ten go to Discord and ten to Telegram. Once as video files, which are passed on as they are; once as
pictures, which are looked through before they are shown and made smaller for Telegram.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.bench.kit import House, Row, house

COUNT, SIZE = 20, 25_000_000
EXTRA = """
[jobs]
parallel = 100
parallel_per_person = 100
[log]
level = "warning"
"""


async def _deliver(run: House, kind: str) -> tuple[float, float, float]:
    """(most MB over idle, longest standstill of the loop in ms, the same with other programs')."""
    await run.ask(run.gateway, "setup", {"median": 1.0})
    for platform in (run.telegram, run.discord):  # everything is loaded and used once
        await run.ask(platform, "type", {"count": 5, "rate": 10, "group": False})
    await run.results(10, 60)
    await asyncio.sleep(5)
    await run.ask(run.gateway, "setup", {"median": 8.0, "size": SIZE, "kind": kind})
    idle = run.bot.rss
    (run.folder / "lag.json").unlink()
    await asyncio.sleep(1)
    for platform in (run.telegram, run.discord):
        given = {"count": COUNT // 2, "rate": 50, "group": False}
        await run.ask(platform, "type", given)
    memory = await run.results(COUNT, 300, 0.05)
    await asyncio.sleep(1)
    return (max(memory) - idle) / 1e6, run.lag["own"], run.lag["all"]


async def bench(folder: Path) -> list[Row]:
    """The rows of the table."""
    rows = []
    for kind, label in (("mp4", "videos"), ("noise", "pictures")):
        async with house(folder / f"files-{kind}", ["telegram", "discord"], EXTRA) as run:
            held, still, wall = await _deliver(run, kind)
        rows += [
            Row(
                f"{COUNT} {label} of 25 MB at once, memory over idle",
                "40 MB",
                f"{held:.0f} MB",
                held <= 40,
            ),
            Row(
                f"{COUNT} {label} of 25 MB at once, longest standstill of the event loop",
                "50 ms",
                f"{still:.0f} ms ({wall:.0f} ms with what other programs took)",
                still <= 50,
            ),
        ]
    return rows
