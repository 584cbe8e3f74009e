"""The submit goes wrong: what may have cost money is never sent again by itself, the rest is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.inside import Inside, house_runs, inside
from tests.crash.stages import Telegram, until

SUBMIT = "/submit/"
PAGE = "<html><body><h1>{}</h1><hr>nginx</body></html>"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inside]:
    """Impatient with an answer that does not come."""
    async with inside(Telegram(), tmp_path, gateway={"timeout": 1.0}) as found:
        yield found


def page(status: int) -> dict[str, Any]:
    """A proxy's page in place of the answer, while the gateway works on."""
    return {"status": status, "body": PAGE.format(status), "effect": True}


LOST: dict[str, dict[str, Any]] = {
    "reset before it was read": {"drop": "before"},
    "reset after it was taken": {"drop": "after"},
    "half an answer": {"drop": "middle"},
    "no answer in time": {"hang": True, "effect": True},
    "502": page(502),
    "503 of a proxy": page(503),
    "504": page(504),
    "524": page(524),
    "empty": {"status": 200, "body": "", "effect": True},
    "garbage": {"status": 200, "body": '{"code":1,"resu', "effect": True},
    "another page": {"status": 200, "body": PAGE.format("hello"), "effect": True},
    "null": {"status": 200, "body": "null", "effect": True},
    "accepted without an id": {
        "status": 200,
        "body": {"code": 1, "description": "Submit success", "properties": {}, "result": ""},
        "effect": True,
    },
    "its own call lost": {
        "status": 500,
        "body": {"description": "do_request_failed ", "type": "upstream_error", "code": 5},
    },
    "the same as a refusal": {
        "status": 400,
        "body": {"description": "do_request_failed ", "type": "upstream_error", "code": 5},
    },
}


@pytest.mark.parametrize("how", LOST)
async def test_a_lost_answer_is_said_and_nothing_is_sent_again(house: Inside, how: str) -> None:
    """The job is unsure, says so once in plain words, and its money stays held."""
    house.gateway.faults.add(SUBMIT, method="POST", **LOST[how])
    await house.imagine()
    told = await house.sees("answer was lost")
    assert told.says("may or may not", "will not send it again by myself", "may have cost $0.10")
    assert [label for label in told.buttons if "Run again" in label or "Leave it" in label]
    await house.books.idle()
    await asyncio.sleep(0.3)
    assert len(house.submits) == 1
    assert house.states == ["unsure"]
    assert house.money == [("hold",)]
    assert house.count("answer was lost") == 1
    assert house.count("Cancel") == 0


async def test_run_again_pressed_twice_pays_once(house: Inside) -> None:
    """Both presses at once; the first job's question is answered by it."""
    house.gateway.faults.add(SUBMIT, method="POST", drop="after")
    await house.imagine()
    told = await house.sees("answer was lost")
    await house.books.idle()
    await asyncio.gather(house.press(told, "Run again"), house.press(told, "Run again"))
    await house.result()
    await house.press(told, "Run again")
    await until(lambda: house.count("Midjourney · ") == 2, "same result shown again")
    await house.books.idle()
    assert len(house.submits) == 2
    assert house.states == ["failed", "done"]
    assert house.money == [("hold", "settle"), ("hold", "settle")]


async def test_leave_it_closes_the_job_as_possibly_paid(house: Inside) -> None:
    """The message says so and asks no more; twice too; and then it can be run again."""
    house.gateway.faults.add(SUBMIT, method="POST", drop="after")
    await house.imagine()
    told = await house.sees("answer was lost")
    async with asyncio.TaskGroup() as presses:
        for _ in range(2):
            presses.create_task(house.press(told, "Leave it"))
    left = await house.sees("Left as it is", "$0.10 stays counted")
    assert [label for label in left.buttons if "Leave it" in label] == []
    assert house.count("answer was lost") == 0
    await house.books.idle()
    assert house.money == [("hold", "settle")]
    await house.press(left, "Run again")
    await house.result()
    assert len(house.submits) == 2
    assert house.money == [("hold", "settle"), ("hold", "settle")]


def business(code: int, words: str, status: int = 200, **more: Any) -> dict[str, Any]:
    """A refusal in the gateway's own shape."""
    return {"status": status, "body": {"code": code, "description": words, **more}}


def complaint(status: int, words: str, code: str = "") -> dict[str, Any]:
    """A refusal in the shape of `/v1`."""
    error = {"message": words, "type": "new_api_error", "param": "", "code": code}
    return {"status": status, "body": {"error": error}}


FINAL: dict[str, tuple[dict[str, Any], str]] = {
    "401": (complaint(401, "Invalid token"), "does not accept this bot's key"),
    "402": (complaint(402, "Insufficient balance"), "account at the image service is empty"),
    "403": (complaint(403, "Forbidden"), "does not accept this bot's key"),
    "quota": (business(4, "quota_not_enough", 403), "account at the image service is empty"),
    "code 24": (
        business(24, "可能包含敏感词", properties={"bannedWord": "nude"}),
        "does not allow the word “nude”",
    ),
    "a wrong field": (business(4, "prompt参数错误", 400), "refused this"),
    "404 page": ({"status": 404, "body": PAGE.format(404)}, "no such function"),
}


async def test_a_model_without_a_channel_is_asked_for_a_few_times(house: Inside) -> None:
    """All channels may be down for a moment; then it is said, and nothing is charged."""
    fault = complaint(503, "No available channel for model mj_imagine", "model_not_found")
    house.gateway.faults.add(SUBMIT, method="POST", times=None, **fault)
    await house.imagine()
    told = await house.sees("Nothing was charged")
    assert "nothing that serves this model" in told.text
    assert 2 <= len(house.submits) <= 5
    assert house.money == [("hold", "refund")]


@pytest.mark.parametrize("how", FINAL)
async def test_a_refusal_is_said_and_given_back(house: Inside, how: str) -> None:
    """One clear sentence with the reason, nothing charged, not tried again."""
    fault, words = FINAL[how]
    house.gateway.faults.add(SUBMIT, method="POST", times=None, **fault)
    await house.imagine()
    told = await house.sees("Nothing was charged")
    assert words in told.text, told.text
    assert [label for label in told.buttons if "Run again" in label]
    await house.books.idle()
    await asyncio.sleep(0.2)
    assert len(house.submits) == 1
    assert house.states == ["failed"]
    assert house.money == [("hold", "refund")]
    assert not house.gateway.submits


SOON: dict[str, dict[str, Any]] = {
    "429 with Retry-After": complaint(429, "Too many requests") | {"headers": {"Retry-After": "1"}},
    "429 with nothing": {"status": 429, "body": ""},
    "code 23": business(23, "Queue full, please try later"),
    "code 3": business(3, "无可用的账号实例"),
    "code 9": business(9, "系统异常，请稍后重试"),
    "code 30": business(30, "当前分组负载已饱和，请稍后再试，或升级账户以提升服务质量。", 429),
}


@pytest.mark.parametrize("how", SOON)
async def test_what_certainly_cost_nothing_is_tried_again(house: Inside, how: str) -> None:
    """Twice refused for now, then taken: paid once."""
    fault = house.gateway.faults.add(SUBMIT, method="POST", times=2, **SOON[how])
    await house.imagine()
    await until(lambda: fault.met, "first try")
    await house.result()
    assert len(house.submits) == 3
    assert len(house.gateway.submits) == 1
    assert house.states == ["done"]
    assert house.money == [("hold", "settle")]


async def test_a_job_says_why_it_waits(house: Inside) -> None:
    """As long as it does."""
    fault = house.gateway.faults.add(SUBMIT, method="POST", times=None, **SOON["code 23"])
    await house.imagine()
    await house.sees("Midjourney's queue is full")
    fault.times = 0
    await house.result()
    assert house.money == [("hold", "settle")]


async def test_a_gateway_that_is_away_for_an_hour_is_waited_for(house: Inside) -> None:
    """The job says why it waits; when the gateway is back it goes on, and is paid once."""
    await house.gateway.unplug()
    await house.imagine()
    await house.sees("cannot be reached")
    for _ in range(6):
        house.ahead += 600
        await asyncio.sleep(0.2)
    await until(lambda: house.states == ["queued"], lambda: f"queued, not {house.states}")
    await house.gateway.plug()
    house.ahead += 600
    await house.result()
    assert len(house.gateway.submits) == 1
    assert house.money == [("hold", "settle")]


async def test_a_gateway_that_stays_away_fails_the_job_and_gives_back(tmp_path: Path) -> None:
    """Patience is a setting."""
    async with inside(Telegram(), tmp_path, jobs={"patience": 0.5}) as house:
        await house.gateway.unplug()
        await house.imagine()
        await house.sees("cannot be reached", "Nothing was charged")
        await house.books.idle()
        assert house.money == [("hold", "refund")]
        assert house.submits == []


async def test_a_job_waits_for_the_gateway_across_a_restart(tmp_path: Path) -> None:
    """What was queued is submitted in the next life."""
    async with inside(Telegram(), tmp_path, asleep=True) as house:
        await house.gateway.unplug()
        async with house_runs(house):
            await house.imagine()
            await house.sees("cannot be reached")
        await house.gateway.plug()
        async with house_runs(house):
            await house.result()
        assert len(house.gateway.submits) == 1
        assert house.money == [("hold", "settle")]


async def test_what_cannot_be_stored_takes_nobodys_place(tmp_path: Path) -> None:
    """A name of half a character cannot be written down: that is told, and others go on."""
    async with inside(Telegram(), tmp_path, jobs={"parallel": 1}) as house:
        stage: Any = house.stage
        stage.ann.first_name = "half \ud83e"
        await house.imagine()
        await house.sees("Something went wrong")
        stage.ann.first_name = "Ann"
        await house.imagine()
        await house.result()
        assert len(house.submits) == 1
        assert house.states == ["done"]
