"""From a person's command to the submit at the gateway, against a bare handler.

Both programs are asked at the same rate, one after the other, by the same pretend platform; what
counts is the time from the platform's event to the arrival of the POST.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.kit import House, Process, Row, house, mean, median, server, start

RATE, COUNT, WARM = 20.0, 300, 40
EXTRA = """
[jobs]
parallel = 100000
parallel_per_person = 100
[models]
mj_imagine.first_look = 3000
[log]
level = "warning"
"""
"""No job ends while this is measured: what follows a submit is measured elsewhere."""


async def _delays(run: Any, platform: Process) -> list[float]:
    """Milliseconds from event to POST of `COUNT` commands."""
    for count in (WARM, COUNT):
        await run.ask(run.gateway, "setup", {"median": 9000.0})
        await run.ask(platform, "type", {"count": count, "rate": RATE, "group": False})
        await asyncio.sleep(count / RATE + 1)
        for _ in range(30):
            tasks = (await run.ask(run.gateway, "report"))["tasks"]
            if len(tasks) >= count:
                break
            await asyncio.sleep(1)
    said = (await run.ask(platform, "report"))["said"]
    came = {task["prompt"]: task["submitted"] for task in tasks}
    assert len(came) == COUNT, f"{len(came)} of {COUNT} arrived"
    return [(came[prompt] - at) * 1000 for prompt, at in said.items()]


class _Bare:
    """A bare handler and the servers it talks to."""

    def __init__(self, gateway: Process, http: aiohttp.ClientSession) -> None:
        self.gateway, self.http = gateway, http

    ask = House.ask


async def _bare(folder: Path, name: str) -> list[float]:
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  (before anything runs)
    gateway, platform = await server("gateway", folder), await server(name, folder)
    bot = await start("tests.bench.bare", name, platform.url, gateway.url, log=folder / "bare.log")
    try:
        assert bot.process.stdout is not None
        await asyncio.wait_for(bot.process.stdout.readline(), 30)
        async with aiohttp.ClientSession() as http:
            return await _delays(_Bare(gateway, http), platform)
    finally:
        for one in (bot, platform, gateway):
            await one.stop()


async def bench(folder: Path) -> list[Row]:
    """The rows of the table."""
    rows = []
    for name, label in (("telegram", "python-telegram-bot"), ("discord", "discord.py")):
        ours: list[float] = []
        bare: list[float] = []
        for turn in range(2):  # both in turns, so that a busy moment of the machine hits both
            bare += await _bare(folder / f"bare-{name}{turn}", name)
            async with house(folder / f"path-{name}{turn}", [name], EXTRA, probe=False) as run:
                platform = run.telegram or run.discord
                assert platform is not None
                ours += await _delays(run, platform)
        ratio = median(ours) / median(bare)
        rows.append(
            Row(
                f"Command to gateway, {name.title()}, median at {RATE:.0f}/s",
                f"1.5 × a bare {label} handler",
                f"{ratio:.2f} × ({median(ours):.1f} ms against {median(bare):.1f} ms; "
                f"means {mean(ours):.1f} and {mean(bare):.1f})",
                ratio <= 1.5,
            )
        )
    return rows
