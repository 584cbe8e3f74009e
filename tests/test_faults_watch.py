"""Trouble while a job runs: looks that fail change nothing, and every end is said once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import Sandbox
from tests.crash.inside import Inside, inside
from tests.crash.stages import Telegram, until

LOOK = "/task/"
PAID = [("hold", "settle")]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(Telegram(), tmp_path) as found:
        yield found


def page(status: int) -> dict[str, Any]:
    return {"status": status, "body": f"<html><body><h1>{status}</h1></body></html>"}


def error(status: int, words: str) -> dict[str, Any]:
    shape = {"message": words, "type": "new_api_error", "param": "", "code": ""}
    return {"status": status, "body": {"error": shape}}


BLIND: dict[str, dict[str, Any]] = {
    "401": error(401, "Invalid token"),
    "429": error(429, "Too many requests") | {"headers": {"Retry-After": "1"}},
    "500": error(500, "internal error"),
    "502 page": page(502),
    "404 page": page(404),
    "reset": {"drop": "before"},
    "half an answer": {"drop": "middle"},
    "empty": {"status": 200, "body": ""},
    "garbage": {"status": 200, "body": '{"status":"SUCC'},
    "null": {"status": 200, "body": "null"},
    "a list of nothing": {"status": 200, "body": []},
    "an empty object": {"status": 200, "body": {}},
    "unknown task": {"status": 400, "body": {"code": 4, "description": "task_no_found"}},
}


@pytest.mark.parametrize("how", BLIND)
async def test_a_look_that_fails_changes_nothing(house: Inside, how: str) -> None:
    """Three looks in a row go wrong; the result comes, paid once, and nobody is told of a fault."""
    fault = house.gateway.faults.add(LOOK, times=3, **BLIND[how])
    await house.imagine()
    await until(lambda: fault.met == 3, "third look")
    await house.result()
    assert len(house.submits) == 1
    assert house.money == PAID
    assert house.count("did not work") == 0


async def test_the_key_dies_while_a_job_runs(house: Inside) -> None:
    """The progress says why nothing moves, in plain words; a new key, and the result comes."""
    await house.imagine()
    await until(lambda: house.submits, "submit")
    house.gateway.faults.key_exhausted = True
    await house.sees("credit of this bot's key", "is used up")
    house.gateway.faults.key_exhausted = False
    await house.result()
    assert house.money == PAID


async def test_the_gateway_is_away_for_an_hour_while_a_job_runs(house: Inside) -> None:
    """The paid result is waited for."""
    await house.imagine()
    await until(lambda: house.gateway.submits, "submit")
    await house.gateway.unplug()
    await house.sees("cannot be reached")
    for _ in range(6):
        house.ahead += 600
        await asyncio.sleep(0.15)
    assert house.states == ["running"]
    await house.gateway.plug()
    house.ahead += 120
    await house.result()
    assert house.money == PAID


async def test_a_job_past_its_deadline_says_so_and_can_be_looked_for(tmp_path: Path) -> None:
    """The upstream number is named, nothing is given back, and looking again costs nothing."""
    deadline = {"mj_imagine": {"deadline": 60}}
    async with inside(Telegram(), tmp_path, models=deadline) as house:
        await house.imagine("a fox stall")
        await until(lambda: house.states == ["running"], "running job")
        house.ahead += 61
        told = await house.sees("has not finished this in 1 min")
        (task,) = house.gateway.tasks.values()
        assert told.says(task.id, "It cost $0.10")
        assert house.money == PAID
        await house.books.idle()
        task.words = frozenset()
        task.ending = type(task.ending)("SUCCESS")
        await house.press(told, "Look again")
        await house.result()
    assert len(house.submits) == 1
    assert house.money == PAID
    assert house.states == ["done"]


async def test_a_window_nobody_announced_is_asked_for(house: Inside) -> None:
    """A task that says MODAL while it is looked at waits for the person."""
    body = {"code": 1, "status": "MODAL", "action": "VARIATION", "prompt": "a fox", "progress": ""}
    await house.imagine()
    await house.result()
    grid = await house.sees("Imagine")
    fault = house.gateway.faults.add("/fetch", times=1, status=200, body=body)
    await house.press(grid, "V1")
    await until(lambda: fault.met, "look")
    await house.sees("V1", "needs an answer")


ENDS: dict[str, tuple[str, str, str]] = {
    "fail": ("had trouble with this", "Nothing was charged", "refund"),
    "moderated": ("stopped this picture", "Nothing was charged", "refund"),
    "cancelled": ("stopped at the image service", "It cost $0.10", "settle"),
}


@pytest.mark.parametrize("word", ENDS)
async def test_an_end_without_a_picture_is_said_once(house: Inside, word: str) -> None:
    """Also at 100 %: the reason in plain words, without links, and what it cost."""
    reason, cost, entry = ENDS[word]
    await house.imagine(f"a fox {word}")
    told = await house.sees(reason, cost)
    await house.books.idle()
    assert house.count(reason) == 1
    assert house.money == [("hold", entry)]
    assert "https://" not in told.text
    assert [label for label in told.buttons if "Run again" in label]


@pytest.mark.parametrize("word", ["nulls", "html", "unknownstatus", "queue", "numeric", "spaced"])
async def test_odd_answers_end_in_the_picture(house: Inside, word: str) -> None:
    """What gateways are known to say."""
    await house.imagine(f"a fox {word}")
    await house.result()
    assert len(house.submits) == 1
    assert house.money == PAID


async def test_a_gateway_that_lags_behind(tmp_path: Path) -> None:
    """For up to 15 s the gateway does not know its own task."""
    lagging = Sandbox(pace=0.05, image_size=64, fetch_lag=15)
    async with inside(Telegram(), tmp_path, sandbox=lagging) as house:
        await house.imagine()
        await house.result()
        assert len(house.submits) == 1
        assert house.money == PAID
