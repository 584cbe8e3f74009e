"""Two thousand jobs of every kind against as many pictures: what a job costs.

Both runs go on at the same time, so that a busy moment of the machine hits both; people type over
the same time, each in a chat of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.kit import House, Row, house

JOBS, SPREAD = 2_000, 75.0
IMAGE, ASK, VIDEO, SONG = "/imagine {name}", "/ask {name}", "/video {name}", "/song {name}"
PICTURES = (IMAGE,)
MIXED = (IMAGE, IMAGE, ASK, IMAGE, VIDEO, IMAGE, IMAGE, ASK, IMAGE, SONG)
SHARES = {"mj": 0.6, "v1": 0.2, "luma": 0.1, "suno": 0.1}
"""What each family has of the mixed jobs."""
SETUP = {"median": 15.0, "sigma": 0.1, "words": {"chunks": 100, "gap": 0.03}}
EXTRA = """
[jobs]
parallel = 100000
parallel_per_person = 100
[models]
mj_imagine = { typical = 15, first_look = 10 }
ray-v2 = { typical = 30, first_look = 20, default = true }
chirp-crow = { typical = 22, first_look = 15 }
[log]
level = "warning"
"""


async def _cost(run: House, texts: Sequence[str]) -> tuple[float, dict[str, Any]]:
    """(milliseconds of CPU a job, what the gateway saw)."""
    await run.ask(run.gateway, "setup", {"median": 1.0, "words": {"chunks": 20}})
    await run.ask(run.telegram, "type", {"count": 20, "rate": 10, "texts": texts})
    await run.results(20, 120)
    await asyncio.sleep(5)
    await run.ask(run.gateway, "setup", SETUP)
    begun = run.bot.cpu
    await run.ask(run.telegram, "type", {"count": JOBS, "rate": JOBS / SPREAD, "texts": texts})
    await run.results(JOBS, 600, 1.0)
    await asyncio.sleep(3)
    return (run.bot.cpu - begun) / JOBS * 1000, await run.ask(run.gateway, "report")


async def _whole(folder: Path, texts: Sequence[str]) -> tuple[float, dict[str, Any]]:
    async with house(folder, ["telegram"], EXTRA) as run:
        return await _cost(run, texts)


async def bench(folder: Path) -> list[Row]:
    """The rows of the table."""
    (plain, _), (mixed, seen) = await asyncio.gather(
        _whole(folder / "pictures", PICTURES), _whole(folder / "mixed", MIXED)
    )
    calls = {name: seen["asked"][name] / (share * JOBS) for name, share in SHARES.items()}
    told = ", ".join(
        f"{what} {calls[name]:.2f}"
        for name, what in (("mj", "pictures"), ("suno", "songs"), ("luma", "videos"))
    )
    return [
        Row(
            f"CPU a job, {JOBS:,} jobs: 60 % pictures, 20 % chat, 10 % videos, 10 % songs",
            "1.3 × pictures alone",
            f"{mixed / plain:.2f} × ({mixed:.1f} ms against {plain:.1f} ms)",
            mixed <= 1.3 * plain,
        ),
        Row(
            "Gateway requests a job in it; pictures and songs are looked at in lists",
            "songs 2, the submit among them",
            told,
            calls["suno"] <= 2,
        ),
    ]
