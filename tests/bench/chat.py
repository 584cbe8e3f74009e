"""Answers that grow: what one piece costs, and two hundred of them at once.

A piece is measured against a plain aiohttp client that reads the same answers from the same server,
each in a process of its own, in turns. The two hundred are the whole program's, and half of them
are in groups, whose budgets are small.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import aiohttp

from tests.bench.kit import House, Row, house, median, server, start
from tests.bench.words import END

ALONE = {"chunks": 250, "gap": 0.02}
ALONE_AT_ONCE, TURNS = 50, 3
ANSWERS, RATE, GROUPS = 200, 50.0, 25
"""Half of the people ask in chats of their own, half in groups, four in each."""
WORDS = {"chunks": 600, "gap": 0.05}
BUDGETS = {"private": (5, 5.0), "group": (20, 60.0)}
"""Visible calls that a chat takes, and in how many seconds."""
EXTRA = """
[jobs]
parallel = 1000
parallel_per_person = 10
[log]
level = "warning"
"""

Call = tuple[float, str, int, str]
"""(time, method, chat, text) of a visible call."""


async def _read(how: str, url: str, log: Path) -> float:
    """Microseconds of CPU a piece."""
    reader = await start("tests.bench.reader", how, url, str(ALONE_AT_ONCE), log=log)
    out, _ = await reader.process.communicate()
    return float(out)


async def _alone(folder: Path) -> Row:
    """One piece."""
    gateway, log = await server("gateway", folder), folder / "reader.log"
    found: dict[str, list[float]] = {"plain": [], "ours": []}
    try:
        async with aiohttp.ClientSession() as http:
            await http.post(f"{gateway.url}/bench/setup", json={"words": ALONE})
        for _ in range(TURNS):
            for how, costs in found.items():
                costs.append(await _read(how, gateway.url, log))
    finally:
        await gateway.stop()
    plain, own = median(found["plain"]), median(found["ours"])
    return Row(
        f"A streamed piece of an answer, read, put together and shown, {ALONE_AT_ONCE} at once",
        "1.5 × the CPU of plain aiohttp",
        f"{own / plain:.2f} × ({own:.0f} µs against {plain:.0f} µs)",
        own <= 1.5 * plain,
    )


async def _ask(run: House, words: dict[str, float]) -> float:
    """Have everybody ask and wait for all answers; gives the CPU seconds of the bot."""
    await run.ask(run.gateway, "setup", {"words": words})
    given = {"count": ANSWERS, "rate": RATE, "groups": GROUPS, "keep_all": True}
    begun = run.bot.cpu
    await run.ask(run.telegram, "type", given | {"texts": ["/ask {name}"]})
    await run.results(ANSWERS, 240)
    await asyncio.sleep(1)
    return run.bot.cpu - begun


def _busiest(seen: Iterable[Call]) -> dict[int, float]:
    """How much of its budget each chat has used at most."""
    calls: defaultdict[int, list[float]] = defaultdict(list)
    for at, _, chat, _ in seen:
        calls[chat].append(at)
    used = {}
    for chat, times in calls.items():
        budget, window = BUDGETS["private" if chat > 0 else "group"]
        used[chat] = max(sum(at <= t < at + window for t in times) for at in times) / budget
    return used


def _whole(seen: Sequence[Call]) -> int:
    """People who got their own answer with its end."""
    texts = [text for _, method, _, text in seen if method == "sendMessage" and "▌" not in text]
    ended = [text for text in texts if END in text]
    return len({found[1] for text in ended if (found := re.search(r"(bench \d+):", text))})


async def bench(folder: Path) -> list[Row]:
    """The rows of the table."""
    rows = [await _alone(folder)]
    async with house(folder / "chat", ["telegram"], EXTRA) as run:
        await _ask(run, {"chunks": 5})
        (run.folder / "lag.json").unlink()
        cost = await _ask(run, WORDS)
        lag = run.lag
        seen = (await run.ask(run.telegram, "report"))["seen"]
    used = _busiest(seen)
    over = sum(share > 1 for share in used.values())
    edits = sum(method == "editMessageText" for _, method, *_ in seen)
    whole = _whole(seen)
    at_once = f"{ANSWERS} answers streaming at once"
    return [
        *rows,
        Row(
            f"{at_once}: longest standstill of the event loop",
            "50 ms",
            f"{lag['own']:.0f} ms (its own computing {lag['cpu']:.0f} ms; {lag['all']:.0f} ms with "
            "what other programs took)",
            lag["own"] <= 50,
        ),
        Row(
            f"{at_once}: chats over their budget of visible calls",
            "0",
            f"{over} of {len(used)} ({edits} edits; the busiest used "
            f"{max(used.values()):.0%} of its budget)",
            over == 0,
        ),
        Row(
            f"{at_once}: answers that arrived whole",
            str(ANSWERS),
            f"{whole} ({cost / ANSWERS * 1000:.0f} ms of CPU each)",
            whole == ANSWERS,
        ),
    ]
