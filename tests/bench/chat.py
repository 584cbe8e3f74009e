"""Answers that grow: what one piece costs, and two hundred of them at once.

The cost of a piece is measured twice, each time against a plain aiohttp client that reads the same
answers from the same server: of what the bot reads with alone, and of the whole program, where the
same number of answers comes in many pieces and in few over the same time, so that what is shown of
them is the same.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.kit import House, Row, house, median, server, start
from tests.bench.words import END

ALONE = {"chunks": 250, "gap": 0.02}
ALONE_AT_ONCE, TURNS = 50, 3
ANSWERS, RATE, GROUPS = 200, 50.0, 25
"""Half of the people ask in chats of their own, half in groups, four in each."""
MANY = {"chunks": 500, "gap": 0.05}
FEW = {"chunks": 50, "gap": 0.5}
PRIVATE, GROUP = (5, 5.0), (20, 60.0)
"""Visible calls that a chat takes, and in how many seconds."""
EXTRA = """
[jobs]
parallel = 1000
parallel_per_person = 10
[log]
level = "warning"
"""


async def _read(how: str, url: str, answers: int, log: Path) -> float:
    """Microseconds of CPU a piece."""
    reader = await start("tests.bench.reader", how, url, str(answers), log=log)
    out, _ = await reader.process.communicate()
    return float(out)


async def _alone(folder: Path) -> Row:
    """Reading and putting together, in turns with the plain client."""
    gateway, log = await server("gateway", folder), folder / "reader.log"
    found: dict[str, list[float]] = {"plain": [], "ours": []}
    try:
        async with aiohttp.ClientSession() as http:
            await http.post(f"{gateway.url}/bench/setup", json={"words": ALONE})
        for _ in range(TURNS):
            for how, costs in found.items():
                costs.append(await _read(how, gateway.url, ALONE_AT_ONCE, log))
    finally:
        await gateway.stop()
    plain, own = median(found["plain"]), median(found["ours"])
    return Row(
        f"A streamed piece of an answer, {ALONE_AT_ONCE} at once: CPU to read it",
        "1.5 × plain aiohttp",
        f"{own / plain:.2f} × ({own:.0f} µs against {plain:.0f} µs)",
        own <= 1.5 * plain,
    )


async def _ask(run: House, words: dict[str, Any]) -> float:
    """Have everybody ask and wait for all answers; gives the CPU seconds of the bot."""
    await run.ask(run.gateway, "setup", {"words": words})
    given = {"count": ANSWERS, "rate": RATE, "groups": GROUPS, "keep_all": True}
    begun = run.bot.cpu
    await run.ask(run.telegram, "type", given | {"texts": ["/ask {name}"]})
    await run.results(ANSWERS, 180)
    await asyncio.sleep(2)
    return run.bot.cpu - begun


def _over(seen: Sequence[tuple[float, str, int, str]]) -> tuple[int, int, int]:
    """(chats, chats over their budget, most calls of one in its window)."""
    calls: defaultdict[int, list[float]] = defaultdict(list)
    for at, _, chat, _ in seen:
        calls[chat].append(at)
    over = most = 0
    for chat, times in calls.items():
        budget, window = PRIVATE if chat > 0 else GROUP
        busiest = max(sum(at <= t < at + window for t in times) for at in times)
        most = max(most, busiest if chat > 0 else 0)
        over += busiest > budget
    return len(calls), over, most


def _whole(seen: Sequence[tuple[float, str, int, str]]) -> int:
    """People who got their own answer with its end."""
    texts = [text for _, method, _, text in seen if method == "sendMessage" and "▌" not in text]
    ended = [text for text in texts if END in text]
    return len({found[1] for text in ended if (found := re.search(r"(bench \d+):", text))})


async def bench(folder: Path) -> list[Row]:
    """The rows of the table."""
    rows = [await _alone(folder)]
    async with house(folder / "chat", ["telegram"], EXTRA) as run:
        await _ask(run, {"chunks": 5})
        sparse = await _ask(run, FEW)
        await asyncio.sleep(10)  # the chats' budgets are whole again
        (run.folder / "lag.json").unlink()
        cost = await _ask(run, MANY)
        lag = run.lag
        seen = (await run.ask(run.telegram, "report"))["seen"]
        plain = await _read("plain", run.gateway.url, ANSWERS, folder / "reader.log")
    pieces = ANSWERS * (int(MANY["chunks"]) - int(FEW["chunks"]))
    own = (cost - sparse) / pieces * 1e6
    chats, over, most = _over(seen)
    edits = sum(method == "editMessageText" for _, method, *_ in seen)
    at_once = f"{ANSWERS} answers streaming at once"
    return [
        *rows,
        Row(
            f"{at_once}: CPU of a piece in the whole program",
            "1.5 × plain aiohttp",
            f"{own / plain:.2f} × ({own:.0f} µs against {plain:.0f} µs; an answer of "
            f"{FEW['chunks']} pieces {sparse / ANSWERS * 1e3:.0f} ms)",
            own <= 1.5 * plain,
        ),
        Row(
            f"{at_once}: longest standstill of the event loop",
            "50 ms",
            f"{lag['own']:.0f} ms ({lag['all']:.0f} ms with what other programs took)",
            lag["own"] <= 50,
        ),
        Row(
            f"{at_once}: chats over their edit budget",
            "0",
            f"{over} of {chats} ({edits} edits, at most {most} calls in 5 s in a private chat)",
            over == 0,
        ),
        Row(
            f"{at_once}: answers that arrived whole",
            str(ANSWERS),
            str(_whole(seen)),
            _whole(seen) == ANSWERS,
        ),
    ]
