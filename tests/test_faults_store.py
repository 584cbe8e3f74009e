"""The disk is full or the store is held: what was paid for is kept, and nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.house import House
from tests.crash.stages import Discord, Shown, Telegram, until

PAID = ["hold", "settle"]
FULL = 1
"""Bytes that files may grow to."""


class Room:
    """A house whose disk can be full, and the one chat in it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.bot = house.bot
        self.chat: Any = house.stage.enter("room")

    async def imagine(self, prompt: str = "a fox") -> None:
        await self.house.stage.use(self.chat, "imagine", prompt=prompt)

    def results(self) -> list[Shown]:
        return [s for s in self.house.stage.seen(self.chat) if s.picture and len(s.buttons) > 3]

    async def result_comes_once(self) -> None:
        """One picture, paid once, however long the disk was full."""
        await until(lambda: self.bot.jobs(0), lambda: f"job; {self.bot.log}")
        await self.house.idle()
        ((job, state, _),) = self.bot.jobs(0)
        assert state == "done", self.bot.log
        assert [kind for kind, _ in self.bot.ledger(job)] == PAID
        assert len(self.results()) == 1, self.house.stage.seen(self.chat)
        assert len(self.house.gateway.submits) == 1
        assert self.house.stage.violations == []


@pytest.fixture(params=[Telegram, Discord])
async def room(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Room]:
    async with House(request.param(), tmp_path) as house:
        await house.begin()
        yield Room(house)


async def test_the_disk_is_full_while_a_job_runs(room: Room) -> None:
    """Neither progress nor result nor picture can be stored; with room again all of it is."""
    await room.imagine("a fox slow")
    await until(lambda: [s for _, s, _ in room.bot.jobs(0) if s == "running"], "running job")
    room.bot.room(FULL)
    await asyncio.sleep(1.5)
    room.bot.room()
    await room.result_comes_once()


async def test_the_disk_is_full_when_the_gateway_has_taken_the_job(room: Room) -> None:
    """The upstream number is held until it can be stored: the job does not become unsure."""
    gateway = room.house.gateway
    fault = gateway.faults.add("/submit/", delay=0.3)
    await room.imagine()
    await until(lambda: fault.met, "submit")
    room.bot.room(FULL)
    await until(lambda: gateway.submits, "task")
    await asyncio.sleep(0.8)
    room.bot.room()
    await room.result_comes_once()


async def test_the_disk_is_full_when_the_result_is_shown(room: Room) -> None:
    """Where the message is cannot be stored: it is not sent again all the same."""
    sent = room.house.stage.swallow_result()
    await room.imagine()
    await until(sent, "result")
    room.bot.room(FULL)
    room.house.calm()
    await asyncio.sleep(1.5)
    room.bot.room()
    await room.result_comes_once()


async def test_the_disk_is_full_when_a_person_asks(room: Room) -> None:
    """Nothing is started: Telegram keeps the message for later, in Discord the person is told."""
    room.bot.room(FULL)
    await room.imagine()
    if room.house.stage.nonces:
        await room.house.stage.wait(room.chat, lambda s: s.says("nothing was started"))
        room.bot.room()
        assert room.house.gateway.journal == []
        await room.imagine()
    else:
        await asyncio.sleep(0.5)
        assert room.house.gateway.journal == []
        room.bot.room()
    await room.result_comes_once()


@pytest.mark.parametrize("held", [0.4, 1.6], ids=["a moment", "longer than a connection waits"])
async def test_the_store_is_slow_to_take_a_job(room: Room, held: float) -> None:
    """Whatever is made ready meanwhile: nothing is said to the gateway before the job is stored."""
    other = sqlite3.connect(room.bot.folder / "atelier.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await room.imagine()
    await asyncio.sleep(held)
    assert room.house.gateway.journal == []
    other.execute("ROLLBACK")
    other.close()
    await room.result_comes_once()


async def test_the_store_is_held_by_another_program_for_long(room: Room) -> None:
    """Longer than a write is waited for, in the moment the gateway takes the job."""
    fault = room.house.gateway.faults.add("/submit/", delay=0.3)
    await room.imagine()
    await until(lambda: fault.met, "submit")
    other = sqlite3.connect(room.bot.folder / "atelier.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(10.5)
    other.execute("ROLLBACK")
    other.close()
    await room.result_comes_once()
