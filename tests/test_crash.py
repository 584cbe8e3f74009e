"""The crash table: killed at every commit point, nothing is lost and nothing is paid twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.crash.house import House
from tests.crash.stages import Discord, Stage, Telegram
from tests.crash.table import ROWS, Row, play

STAGES: Mapping[str, Callable[[], Stage]] = {"telegram": Telegram, "discord": Discord}
HOUSES = 5
"""Programs that live and die at the same time; most of the time they wait."""
PATIENCE = 900.0
"""Seconds for the cells that other processes of the same run play."""
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
    base = tmp_path_factory.getbasetemp()
    board = Board(base.parent if hasattr(request.config, "workerinput") else base)
    return asyncio.run(_play_all(wanted, board, tmp_path_factory.mktemp("crash")))


class _None:
    params: Mapping[str, object] = {}


class Board:
    """Who plays which cell, among all processes of a run, and what came of it: as files."""

    def __init__(self, base: Path) -> None:
        self._folder = base / "crash-table"
        self._folder.mkdir(exist_ok=True)

    def take(self, cells: Sequence[tuple[str, Row]]) -> tuple[str, Row] | None:
        """The first cell that nobody has taken, which is then this caller's."""
        for cell in cells:
            try:
                (self._folder / f"{CELLS.index(cell)}.taken").open("x").close()
            except FileExistsError:
                continue
            return cell
        return None

    def note(self, cell: tuple[str, Row], outcome: tuple[str, str, float]) -> None:
        """Write an outcome down."""
        place = self._folder / f"{CELLS.index(cell)}.json"
        draft = place.with_suffix(".draft")
        draft.write_text(json.dumps(outcome))
        draft.replace(place)

    async def outcome(self, cell: tuple[str, Row]) -> tuple[str, str, float]:
        """Wait for the outcome of a cell, whoever plays it."""
        place = self._folder / f"{CELLS.index(cell)}.json"
        end = time.monotonic() + PATIENCE
        while not place.exists():
            if time.monotonic() > end:
                return "", "it was not played to its end", PATIENCE
            await asyncio.sleep(0.1)
        seen, wrong, seconds = json.loads(place.read_text())
        return seen, wrong, seconds


async def _play_all(cells: list[tuple[str, Row]], board: Board, folder: Path) -> Outcomes:
    by_stage = {name: [cell for cell in cells if cell[0] == name] for name in STAGES}

    async def work(number: int) -> None:
        for name in sorted(STAGES, key=lambda n: len(by_stage[n]), reverse=True):
            if (cell := board.take(by_stage[name])) is None:
                continue
            async with House(STAGES[name](), folder / f"{number}-{name}") as house:
                while cell is not None:
                    outcome = await _one(house, cell[1])
                    board.note(cell, outcome)
                    print(_line(cell_id(cell), outcome), flush=True)
                    cell = board.take(by_stage[name])

    async with asyncio.TaskGroup() as tasks:
        for number in range(HOUSES):
            tasks.create_task(work(number))
    return {cell_id(cell): await board.outcome(cell) for cell in cells}


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
