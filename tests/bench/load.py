"""A full job life, a thousand and ten thousand times at once.

All jobs of a run are at the gateway together: people type over `SPREAD` seconds, and no job takes
less. Each has a chat of its own, so that no chat's limits hide the cost. The two runs differ in
nothing but the number, and go on at the same time, so that a busy moment of the machine hits both.
They take as long as it needs for the machine, which plays everybody, not to be what is waited for.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.kit import House, Row, house, mean
from tests.bench.policy import expected

SPREAD = 360.0
MEDIAN, SIGMA = 400.0, 0.06
FIRST = 30.0
"""Seconds to the first look."""
WARM = 400
"""Songs beforehand, so that idle is a bot that has worked: everything is loaded, and the store's
own memory is as full as it gets. No pictures: quick ones would teach it to expect quick ones.
"""
EXTRA = f"""
[jobs]
parallel = 100000
parallel_per_person = 100
[models]
mj_imagine.typical = {MEDIAN}
mj_imagine.first_look = {FIRST}
[log]
level = "warning"
"""


@dataclass(slots=True)
class Life:
    """What one run cost."""

    jobs: int
    cpu: float
    """Milliseconds of CPU a job, idle running taken off."""
    memory: float
    """Bytes a job over idle, at the highest."""
    delay: float
    """Seconds from the gateway's finish to the message, on average."""
    hoped: float
    """Seconds from the gateway's finish to the look that sees it, as the policy has it."""
    calls: float
    """Requests a job: the submit and its share of all looks."""
    plain: float
    """Requests a job of a client that looks every 5 s."""
    peak: int
    calls_seen: float
    """Telegram calls a job."""


async def life(run: House, jobs: int, spread: float = SPREAD, middle: float = MEDIAN) -> Life:
    """Let `jobs` people ask and wait until everybody has a picture."""
    await run.ask(run.gateway, "setup", {"median": 1.0, "least": 1.0})
    given = {"count": WARM, "rate": 30, "group": False, "texts": ["/song {name}"]}
    await run.ask(run.telegram, "type", given)
    await run.results(WARM, 120)
    await asyncio.sleep(10)
    setup = {"median": middle, "sigma": SIGMA, "least": spread * 1.05}
    await run.ask(run.gateway, "setup", setup)
    idle, still, begun = run.bot.rss, run.bot.cpu, time.time()
    await asyncio.sleep(5)
    rest = (run.bot.cpu - still) / (time.time() - begun)

    cpu, begun = run.bot.cpu, time.time()
    await run.ask(run.telegram, "type", {"count": jobs, "rate": jobs / spread, "group": False})
    memory = await run.results(jobs, 20 * middle, 2.0)
    await asyncio.sleep(3)
    used = run.bot.cpu - cpu - rest * (time.time() - begun)

    tasks = (report := await run.ask(run.gateway, "report"))["tasks"]
    seen = (await run.ask(run.telegram, "report"))["seen"]
    came = {text: at for at, method, _, text in seen if method == "sendPhoto"}
    ended = sorted((t["submitted"], 1) for t in tasks) + [(t["finish"], -1) for t in tasks]
    level = peak = 0
    for _, step in sorted(ended):
        level += step
        peak = max(peak, level)
    return Life(
        jobs,
        used / jobs * 1000,
        (max(memory) - idle) / jobs,
        mean(came[t["prompt"]] - t["finish"] for t in tasks),
        expected([(t["submitted"], t["finish"]) for t in tasks], middle, FIRST),
        report["calls"] / jobs,
        1 + mean(max(-(-(t["finish"] - t["submitted"]) // 5), 1) for t in tasks),
        peak,
        len(seen) / jobs,
    )


async def _whole(folder: Path, jobs: int) -> Life:
    async with house(folder / f"load{jobs}", ["telegram"], EXTRA, probe=False) as run:
        return await life(run, jobs)


async def bench(folder: Path) -> list[Row]:
    """The rows of the table."""
    small, big = await asyncio.gather(*(_whole(folder, jobs) for jobs in (1_000, 10_000)))
    ratio = big.cpu / small.cpu
    rows = [
        Row(
            f"CPU a job, {big.peak:,} at the gateway, against {small.peak:,}",
            "1.2 ×",
            f"{ratio:.2f} × ({big.cpu:.1f} ms against {small.cpu:.1f} ms)",
            ratio <= 1.2,
        )
    ]
    for one in (small, big):
        late, share = one.delay / one.hoped, one.calls / one.plain
        rows += [
            Row(
                f"Memory a job over idle, {one.jobs:,} jobs",
                "4 KB",
                f"{one.memory / 1024:.1f} KB",
                one.memory <= 4096,
            ),
            Row(
                f"Finish at the gateway to message, {one.jobs:,} jobs",
                "1.1 × what the looks allow, and 2.5 s",
                f"{late:.2f} × ({one.delay:.2f} s, allowed {one.hoped:.2f} s)",
                late <= 1.1 and one.delay <= 2.5,
            ),
            Row(
                f"Gateway requests a job, {one.jobs:,} jobs",
                "0.45 of looking every 5 s",
                f"{share:.2f} ({one.calls:.1f} against {one.plain:.1f})",
                share <= 0.45,
            ),
        ]
    return rows


async def _one(jobs: int, spread: float, middle: float) -> None:
    """One run on its own, for finding out where the time goes."""
    folder = Path(tempfile.mkdtemp(prefix="atelier-bench-"))
    extra = EXTRA.replace(str(MEDIAN), str(middle))
    async with house(folder, ["telegram"], extra, probe=False) as run:
        print(folder, await life(run, jobs, spread, middle))


if __name__ == "__main__":
    asyncio.run(_one(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
