"""The first answer comes within three seconds whatever the store is doing."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.discord_house import Walk, grid, labels, pressed, result, says, world
from tests.servers.discord import Interaction

SOON = 1.0
"""Seconds; Discord waits for three."""


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        found.in_order()


@contextlib.contextmanager
def locked(walk: Walk) -> Iterator[None]:
    """Hold the database's one right to write, as another program could."""
    other = sqlite3.connect(walk.folder / "atelier.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextlib.contextmanager
def broken(walk: Walk, *tables: str) -> Iterator[None]:
    """Take tables away for a while, so that every call that needs them fails."""
    other = sqlite3.connect(walk.folder / "atelier.db", isolation_level=None, timeout=10)
    for table in tables:
        other.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        for table in tables:
            other.execute(f"ALTER TABLE {table}_away RENAME TO {table}")
        other.close()


def prompt(asked: Interaction) -> float:
    """Seconds until the first answer."""
    assert asked.acked_at is not None
    return asked.acked_at - asked.created_at


async def test_a_store_that_is_held_up_delays_no_first_answer(walk: Walk) -> None:
    """Everything waits in its slot until the store takes it, and then happens once."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        club = walk.server.guild("Club").channel("club")
        with locked(walk):
            asked = await ann.slash(club, "imagine", prompt="a boat")
            used = await ann.click(four, "U1")
            listed = await ann.slash(club, "jobs")
            for each in (asked, used, listed):
                await each.wait_ack(timeout=3)
                assert prompt(each) < SOON
            await asyncio.sleep(1.5)
            assert len(walk.paid) == 1
        await club.wait_message(result("a boat"), timeout=20)
        await general.wait_message(result("U1"), timeout=20)
        assert "a fox" in (await listed.wait_reply(timeout=10)).content
    assert len(walk.paid) == 3


async def test_a_window_opens_although_nothing_can_be_written(walk: Walk) -> None:
    """Looking a form up needs no right to write."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        one = await pressed(walk, ann, four, "U1")
        with locked(walk):
            opened = await (await ann.click(one, "Custom Zoom")).wait_ack(timeout=3)
            assert opened.modal is not None
            offered = await ann.autocomplete(general, "show", "job", "")
            assert len(offered) == 2


async def test_a_store_that_fails_is_said_after_the_first_answer(walk: Walk) -> None:
    """One sentence to the person alone; nothing is started, nothing is paid."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        one = await pressed(walk, ann, four, "U1")
        with broken(walk, "events", "actions", "jobs"):
            asked = await (await ann.slash(general, "imagine", prompt="b")).wait_ack()
            assert prompt(asked) < SOON
            told = await asked.wait_reply(says("nothing was started"), timeout=10)
            assert told.ephemeral
            used = await (await ann.click(four, "U2")).wait_ack()
            assert prompt(used) < SOON
            assert (await used.wait_reply(timeout=10)).ephemeral
            opened = await (await ann.click(one, "Custom Zoom")).wait_reply(timeout=10)
            assert opened.ephemeral
            assert await ann.autocomplete(general, "show", "job", "") == []
        assert labels(four)
        await pressed(walk, ann, four, "U2")
    assert len(walk.paid) == 3
