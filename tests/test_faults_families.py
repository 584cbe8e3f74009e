"""The same troubles with other families: a task (a song), a call whose answer is the result
(pictures), and an answer that comes in pieces.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.crash.inside import Inside, inside
from tests.crash.stages import Shown, Telegram, until
from tests.families_kit import drawn


@dataclass(frozen=True)
class Wish:
    """Something to ask for, where the gateway is asked, and what only its result says."""

    name: str
    command: str
    options: dict[str, Any]
    submit: str
    credit: str
    price: str
    streams: bool = False
    """Its answer goes out as it is made, so nothing can be put in its place afterwards."""

    async def ask(self, house: Inside) -> None:
        """Ask for it in a chat of its own."""
        house.chat = house.stage.enter("room")
        await house.stage.use(house.chat, self.command, **self.options)

    async def result(self, house: Inside) -> Shown:
        """Wait for it."""
        shown = await house.sees(self.credit)
        await house.books.idle()
        return shown


SONG = Wish("song", "song", {"idea": "a tune"}, "/suno/submit/", "Suno 5 ·", "$0.10")
PICTURES = Wish(
    "pictures",
    "imagine",
    {"prompt": "a fox", "model": "ideogram-v3", "count": 2},
    "/ideogram/",
    "Ideogram 3 ·",
    "$0.12",
)
ANSWER = Wish("answer", "ask", {"prompt": "a why"}, "/v1/chat/", "tokens ·", "$0.004", True)
WISHES = pytest.mark.parametrize("wish", [SONG, PICTURES, ANSWER], ids=lambda wish: wish.name)
LOOK = "/suno/fetch"
PAID, OPEN, BACK = ("hold", "settle"), ("hold",), ("hold", "refund")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inside]:
    """Impatient with an answer that does not come."""
    async with inside(Telegram(), tmp_path, gateway={"timeout": 1.5}) as found:
        yield found


def page(status: int, *, effect: bool = True) -> dict[str, Any]:
    """A proxy's page in place of the answer."""
    body = f"<html><body><h1>{status}</h1><hr>nginx</body></html>"
    return {"status": status, "body": body, "effect": effect}


def error(status: int, words: str, code: str = "") -> dict[str, Any]:
    """A refusal in the shape of `/v1`."""
    shape = {"message": words, "type": "new_api_error", "param": "", "code": code}
    return {"status": status, "body": {"error": shape}}


# -- the submit ------------------------------------------------------------------------------------

LOST: dict[str, dict[str, Any]] = {
    "reset before it was read": {"drop": "before"},
    "no answer in time": {"hang": True},
    "524": page(524),
    "empty": {"status": 200, "body": "", "effect": True},
    "garbage": {"status": 200, "body": '{"code":"succ', "effect": True},
    "a page where JSON is due": page(200),
    "null": {"status": 200, "body": "null", "effect": True},
    "its own call lost": error(500, "do_request_failed", "do_request_failed"),
}


@WISHES
async def test_a_lost_answer_is_said_and_nothing_is_sent_again(house: Inside, wish: Wish) -> None:
    """Whatever came instead: unsure, said once in plain words, the money held."""
    for number, (how, fault) in enumerate(LOST.items(), 1):
        effect = fault.get("effect", False) and not wish.streams
        house.gateway.faults.add(wish.submit, method="POST", **{**fault, "effect": effect})
        await wish.ask(house)
        told = await house.sees("answer was lost")
        assert told.says("may or may not", f"may have cost {wish.price}"), (how, told.text)
        assert any("Run again" in label for label in told.buttons), how
        await house.books.idle()
        await asyncio.sleep(0.1)
        assert len(house.submits) == number, how
        assert house.count("answer was lost") == 1, how
        assert house.count("Cancel") == 0, how
        assert house.states == ["unsure"] * number, how
        assert house.money == [OPEN] * number, how


FINAL: dict[str, tuple[dict[str, Any], str]] = {
    "401": (error(401, "Invalid token"), "does not accept this bot's key"),
    "402": (error(402, "Insufficient balance"), "account at the image service is empty"),
    "404 page": (page(404, effect=False), "no such function"),
}


@WISHES
async def test_a_refusal_is_said_and_given_back(house: Inside, wish: Wish) -> None:
    """One clear sentence, nothing charged, not tried again."""
    for number, (how, (fault, words)) in enumerate(FINAL.items(), 1):
        house.gateway.faults.add(wish.submit, method="POST", **fault)
        await wish.ask(house)
        told = await house.sees("Nothing was charged")
        assert words in told.text, (how, told.text)
        await house.books.idle()
        assert len(house.submits) == number, how
        assert house.money == [BACK] * number, how
    assert not house.gateway.submits


@WISHES
async def test_a_key_of_another_group_is_explained(house: Inside, wish: Wish) -> None:
    """After a few tries; and nothing is charged."""
    fault = error(503, f"No available channel for {wish.name}", "model_not_found")
    house.gateway.faults.add(wish.submit, method="POST", times=None, **fault)
    await wish.ask(house)
    told = await house.sees("Nothing was charged")
    assert "nothing that serves this model" in told.text
    await house.books.idle()
    assert 2 <= len(house.submits) <= 5
    assert house.money == [BACK]


SOON: dict[str, dict[str, Any]] = {
    "429 with Retry-After": error(429, "Too many requests") | {"headers": {"Retry-After": "1"}},
    "full": error(429, "当前分组上游负载已饱和，请稍后再试"),
}


@WISHES
async def test_what_certainly_cost_nothing_is_tried_again(house: Inside, wish: Wish) -> None:
    """Twice refused for now, then taken: paid once."""
    for number, fault in enumerate(SOON.values(), 1):
        met = house.gateway.faults.add(wish.submit, method="POST", times=2, **fault)
        await wish.ask(house)
        await until(lambda met=met: met.met == 2, "second try")
        await wish.result(house)
        assert len(house.submits) == 3 * number
        assert len(house.gateway.submits) == number
        assert house.money == [PAID] * number


@WISHES
async def test_a_gateway_that_is_away_for_an_hour_is_waited_for(house: Inside, wish: Wish) -> None:
    """The job says why it waits; when the gateway is back it goes on, and is paid once."""
    await house.gateway.unplug()
    await wish.ask(house)
    await house.sees("cannot be reached")
    for _ in range(6):
        house.ahead += 600
        await asyncio.sleep(0.1)
    await until(lambda: house.states == ["queued"], lambda: f"queued, not {house.states}")
    await house.gateway.plug()
    house.ahead += 600
    await wish.result(house)
    assert len(house.gateway.submits) == 1
    assert house.money == [PAID]


# -- the looks -------------------------------------------------------------------------------------

BLIND: dict[str, dict[str, Any]] = {
    "401": error(401, "Invalid token"),
    "429": error(429, "Too many requests") | {"headers": {"Retry-After": "1"}},
    "500": error(500, "internal error"),
    "a page where JSON is due": page(200, effect=False),
    "reset": {"drop": "before"},
    "garbage": {"status": 200, "body": '{"code":"succ'},
    "null": {"status": 200, "body": "null"},
    "nothing in it": {"status": 200, "body": {"code": "success", "message": "", "data": None}},
    "not known": {"status": 400, "body": {"code": "task_not_exist", "message": "", "data": None}},
}


async def test_a_look_that_fails_changes_nothing(house: Inside) -> None:
    """Two looks in a row go wrong; the song comes, paid once, and nobody is told of a fault."""
    for number, (how, fault) in enumerate(BLIND.items(), 1):
        met = house.gateway.faults.add(LOOK, times=2, **fault)
        await SONG.ask(house)
        await until(lambda met=met: met.met == 2, f"second look ({how})")
        await SONG.result(house)
        assert len(house.submits) == number, how
        assert house.money == [PAID] * number, how
        assert house.count("did not work") == 0, how


async def test_the_key_dies_while_a_song_is_made(house: Inside) -> None:
    """The progress says why nothing moves; a new key, and the song comes."""
    await SONG.ask(house)
    await until(lambda: house.gateway.submits, "submit")
    house.gateway.faults.key_exhausted = True
    await house.sees("credit of this bot's key", "is used up")
    house.gateway.faults.key_exhausted = False
    await SONG.result(house)
    assert house.money == [PAID]


async def test_the_gateway_is_away_for_an_hour_while_a_song_is_made(house: Inside) -> None:
    """The paid song is waited for."""
    await SONG.ask(house)
    await until(lambda: house.states == ["running"], "running job")
    await house.gateway.unplug()
    await house.sees("cannot be reached")
    for _ in range(6):
        house.ahead += 600
        await asyncio.sleep(0.1)
    assert house.states == ["running"]
    await house.gateway.plug()
    house.ahead += 120
    await SONG.result(house)
    assert len(house.submits) == 1
    assert house.money == [PAID]


NO_FILE = {"id": "c1", "title": "A tune", "status": "complete", "audio_url": "", "metadata": {}}
WITHOUT = {"status": "SUCCESS", "progress": "100%", "fail_reason": "", "data": [NO_FILE, NO_FILE]}


async def test_a_success_without_an_address_is_given_up_and_can_be_looked_for(
    tmp_path: Path,
) -> None:
    """It is waited for until the model's time is over; looking again is free and finds it."""
    deadline = {"chirp-crow": {"deadline": 60}}
    async with inside(Telegram(), tmp_path, models=deadline) as house:
        found = {"status": 200, "body": {"code": "success", "message": "", "data": WITHOUT}}
        fault = house.gateway.faults.add(LOOK, times=None, **found)
        await SONG.ask(house)
        await until(lambda: fault.met > 1, "second look")
        assert house.states == ["running"]
        house.ahead += 61
        told = await house.sees("has not finished this in 1 min", "It cost $0.10")
        await house.books.idle()
        house.gateway.faults.clear()
        await house.press(told, "Look again")
        await SONG.result(house)
        assert len(house.submits) == 1
        assert house.money == [PAID]
        assert house.states == ["done"]


# -- the files -------------------------------------------------------------------------------------

WHOLE = base64.b64encode(drawn()).decode()
FILE = r"^/sandbox/files/.*\.(mp3|png)$"
AWAY: dict[str, Callable[[], dict[str, Any]]] = {
    "404": lambda: page(404, effect=False),
    "403": lambda: {"status": 403, "body": "<Error><Code>AccessDenied</Code></Error>"},
}


@pytest.mark.parametrize("wish", [SONG, PICTURES], ids=lambda wish: wish.name)
async def test_a_file_whose_link_is_dead_is_said_and_can_be_looked_for(
    house: Inside, wish: Wish
) -> None:
    """What it cost and why it is not there; once the file is back, looking again brings it."""
    for number, (how, fault) in enumerate(AWAY.items(), 1):
        house.gateway.faults.add(FILE, times=None, **fault())
        await wish.ask(house)
        told = await house.sees("link is dead")
        assert told.says(f"It cost {wish.price}"), (how, told.text)
        await house.books.idle()
        house.gateway.faults.clear()
        await house.press(told, "Look again")
        await wish.result(house)
        assert len(house.submits) == number, how
        assert house.money == [PAID] * number, how


async def test_bytes_that_are_broken_keep_nobody_from_the_others(house: Inside) -> None:
    """A picture that came whole, in the same answer, is the result."""
    rows = [{"url": f"data:image/png;base64,{data}"} for data in ("!", WHOLE)]
    house.gateway.faults.add("/ideogram/", body={"data": rows}, status=200, effect=True)
    await PICTURES.ask(house)
    shown = await PICTURES.result(house)

    assert shown.says("1 of 2 files did not arrive")
    assert house.states == ["done"]
    assert house.money == [PAID]


TWO = [
    pytest.param(SONG, r"^/sandbox/files/.*\.mp3$", id="song"),
    pytest.param(PICTURES, r"^/sandbox/files/.*\.png$", id="pictures"),
]
"""Who makes two files, and where those are."""


@pytest.mark.parametrize(("wish", "files"), TWO)
async def test_a_file_that_is_gone_keeps_nobody_from_the_others(
    house: Inside, wish: Wish, files: str
) -> None:
    """What came is the result, with a word on what did not; it is paid for once."""
    for status, times in ((404, 1), (0, 1), (404, None)):  # the second of two is there, once
        house.gateway.faults.add(files, times=times, status=status)
    await wish.ask(house)
    shown = await wish.result(house)

    assert shown.says("1 of 2 files did not arrive")
    assert house.states == ["done"]
    assert len(house.submits) == 1
    assert house.money == [PAID]


@pytest.mark.parametrize(("wish", "files"), TWO)
async def test_what_has_come_is_not_fetched_again(house: Inside, wish: Wish, files: str) -> None:
    """A file that comes later is waited for alone."""
    house.gateway.faults.add(files, status=503)
    fetched = house.gateway.faults.add(files, times=None)
    await wish.ask(house)
    shown = await wish.result(house)

    assert not shown.says("did not arrive")
    assert fetched.met == 2
    assert house.money == [PAID]
