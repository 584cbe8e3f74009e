"""Many jobs in one chat, under the platforms' limits: results first, progress fresh.

Ten people ask in one Discord channel (five calls of a kind in five seconds), five in one Telegram
group (twenty visible calls a minute). A result may come at most 1 s after its file was downloaded;
what a message says of a job may be at most 5 s behind what the bot has last seen of it.
"""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

from tests.bench.kit import House, Process, Row, house

CHATS: tuple[tuple[str, int, tuple[int, float]], ...] = (
    ("discord", 10, (5, 5.0)),
    ("telegram", 5, (20, 60.0)),
)
LIMIT_OF = {"discord": "5 calls of a kind in 5 s", "telegram": "20 calls a minute"}
RATE = 1.0
"""Commands a second."""
SETUP = {"median": 40.0, "sigma": 0.25, "size": 2_000_000}
EXTRA = """
[jobs]
parallel = 50
parallel_per_person = 50
[log]
level = "warning"
"""


def _stale(seen: list[Any], tasks: list[dict[str, Any]], ends: dict[str, float]) -> list[float]:
    """For every percent the bot has read: seconds until a message said it, or more, or the end."""
    shown: dict[str, list[tuple[float, int]]] = {}
    for at, _, _, text in seen:
        for prompt, percent in re.findall(r"(bench \d+)\D(?:(?!bench)[^%])*?(\d+) ?%", _flat(text)):
            shown.setdefault(prompt, []).append((at, int(percent)))
    late = []
    for task in tasks:
        for at, percent in task["read"]:
            if not 5 <= percent < 100:
                continue
            told = [t for t, p in shown.get(task["prompt"], []) if t >= at and p >= percent]
            late.append(min([*told, ends[task["prompt"]]]) - at)
    return late


def _flat(text: str) -> str:
    """The words of a message, however its platform writes them."""
    return text.encode().decode("unicode_escape", "replace") if "\\u" in text else text


async def _chat(run: House, name: str, count: int, limit: tuple[int, float]) -> list[Row]:
    platform: Process | None = getattr(run, name)
    await run.ask(run.gateway, "setup", SETUP)
    given = {"count": count, "rate": RATE, "group": True, "keep_all": True, "limit": limit}
    await run.ask(platform, "type", given)
    await run.results(count, 300)
    report = await run.ask(platform, "report")
    tasks = (await run.ask(run.gateway, "report"))["tasks"]
    seen, files = report["seen"], ("result", "sendPhoto", "sendDocument")
    ends: dict[str, float] = {}
    for at, what, _, text in seen:
        found = re.search(r"bench \d+", text)
        if what in files and found:
            ends.setdefault(found[0], at)
    lag = [ends[task["prompt"]] - task["served"] for task in tasks]
    stale = _stale(seen, tasks, ends)
    where = f"{count} jobs in one {name.title()} chat ({LIMIT_OF[name]})"
    return [
        Row(
            f"{where}: result after its download",
            "1 s",
            f"{max(lag):.2f} s (mean {statistics.fmean(lag):.2f} s)",
            max(lag) <= 1.0,
        ),
        Row(
            f"{where}: progress behind what was seen",
            "5 s",
            f"{max(stale):.1f} s (mean {statistics.fmean(stale):.1f} s, "
            f"{len(stale)} readings, {report['refused']} calls refused)",
            max(stale) <= 5.0,
        ),
    ]


async def bench(folder: Path) -> list[Row]:
    """The rows of the table."""
    rows = []
    for name, count, limit in CHATS:
        async with house(folder / f"crowd-{name}", [name], EXTRA) as run:
            rows += await _chat(run, name, count, limit)
    return rows
