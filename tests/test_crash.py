"""The crash table: killed at every commit point, nothing is lost and nothing is paid twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.crash.house import House
from tests.crash.stages import Discord, Stage, Telegram
from tests.crash.table import ROWS, Row, play

STAGES: Mapping[str, Callable[[], Stage]] = {"telegram": Telegram, "discord": Discord}
HOUSES = 5
"""Programs that live and die at the same time; most of the time they wait."""
CELLS = [(platform, row) for row in ROWS for platform in STAGES if row.only in ("", platform)]


def cell_id(cell: tuple[str, Row]) -> str:
    platform, row = cell
    return f"{platform}: {row.id}"


Outcomes = dict[str, tuple[str, str, float]]
"""By cell: what was seen, what was wrong, seconds."""


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """All chosen cells, played a few at a time; `pytest -s` shows the table."""
    wanted = [
        item.callspec.params["cell"]
        for item in request.session.items
        if item.path == request.path and "cell" in getattr(item, "callspec", _None).params
    ]
    return asyncio.run(_play_all(wanted, tmp_path_factory.mktemp("crash")))


class _None:
    params: Mapping[str, object] = {}


async def _play_all(cells: list[tuple[str, Row]], folder: Path) -> Outcomes:
    found: Outcomes = {}
    waiting = {name: [row for p, row in cells if p == name] for name in STAGES}

    async def work(number: int) -> None:
        for name in sorted(STAGES, key=lambda n: len(waiting[n]), reverse=True):
            if waiting[name]:
                async with House(STAGES[name](), folder / f"{number}-{name}") as house:
                    while waiting[name]:
                        row = waiting[name].pop(0)
                        cell = cell_id((name, row))
                        found[cell] = await _one(house, row)
                        print(_line(cell, found[cell]), flush=True)

    async with asyncio.TaskGroup() as tasks:
        for number in range(HOUSES):
            tasks.create_task(work(number))
    return found


async def _one(house: House, row: Row) -> tuple[str, str, float]:
    began = time.monotonic()
    before = len(house.bot.log)
    try:
        await house.ready()
        seen, wrong = await play(house, row), ""
        if house.stage.violations:
            wrong = str(house.stage.violations)
    except Exception as error:  # whatever it is, the other rows are played
        seen, wrong = "", f"{error!r}\n{house.bot.log[before:]}"
        await house.anew()
    return seen, wrong, time.monotonic() - began


def _line(cell: str, outcome: tuple[str, str, float]) -> str:
    seen, wrong, seconds = outcome
    said = seen or wrong.partition("\n")[0][:200]
    return f"{'FAIL' if wrong else 'ok':4} {seconds:5.1f} s  {cell:80} {said}"


@pytest.mark.parametrize("cell", CELLS, ids=cell_id)
def test_killed_and_started_again(cell: tuple[str, Row], outcomes: Outcomes) -> None:
    """At most one submit, no lost result, no result twice, money closed once."""
    _, wrong, _ = outcomes[cell_id(cell)]
    assert not wrong, wrong
