"""Discord's gateway in every mood: sessions, drops, refusals, silence, and the way out of each."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.discord_house import Walk, grid, pressed, result, world
from tests.house import running
from tests.servers.discord import DiscordServer


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        assert found.server.violations == []


async def parts(address: str) -> dict[str, str]:
    async with aiohttp.ClientSession() as http, http.get(f"{address}/healthz") as answer:
        found: dict[str, str] = (await answer.json())["parts"]
        return found


async def said(address: str, check: Callable[[str], bool], timeout: float = 10) -> str:
    """Wait for what the health page says of Discord."""
    for _ in range(int(timeout / 0.05)):
        if check(text := (await parts(address))["discord"]):
            return text
        await asyncio.sleep(0.05)
    raise AssertionError(f"Discord is {text!r}")


def settings(server: DiscordServer) -> dict[str, Any]:
    return {
        "token": server.token,
        "api_url": server.api_url,
        "gateway_url": server.gateway_url,
    }


async def test_a_gateway_of_few_words_is_enough(walk: Walk) -> None:
    """No advice on shards, no compression, nothing optional in READY or in interactions, and no
    answer in a callback's answer.
    """
    walk.server.gateway.shard_count = 0
    walk.server.gateway.compresses = False
    walk.server.gateway.lean = walk.server.world.lean = True
    walk.server.world.answers_callbacks = False
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        assert (await pressed(walk, ann, four, "U1")).reference is four
        helped = await (await ann.slash(general, "help")).wait_reply(timeout=10)
        assert helped.ephemeral
        told = await (await ann.slash(general, "describe", image=b"no picture")).wait_reply(
            timeout=10
        )
        assert told.ephemeral
        await ann.slash(ann.dm(), "imagine", prompt="a boat")
        assert (await ann.dm().wait_message(result("a boat"), timeout=15)).pinged == []
    walk.in_order()


async def test_two_shards_share_the_work(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second session keeps its distance from the first, and both hear."""
    monkeypatch.setattr("adapters.discord.link.IDENTIFY_GAP", 1.0)
    walk.server.gateway.shard_count = 2
    walk.server.gateway.identify_gap = 0.95
    async with walk.bot():
        await walk.server.wait_connected(2)
        ann = walk.server.user("Ann")
        await ann.slash(ann.dm(), "imagine", prompt="a boat")
        await ann.dm().wait_message(result("a boat"), timeout=15)
        for name in ("Even", "Odd"):
            room = walk.server.guild(name).channel("general")
            await ann.slash(room, "imagine", prompt="a fox")
            await room.wait_message(result("a fox"), timeout=15)
    assert walk.server.gateway.identifies == 2


async def test_a_session_is_moved_when_discord_asks_for_it(walk: Walk) -> None:
    """Op 7: the session goes on elsewhere, and what happened meanwhile comes once."""
    async with walk.bot():
        ann, general = walk.people()
        walk.server.gateway.reconnect()
        await ann.slash(general, "imagine", prompt="a fox")
        await general.wait_message(result("a fox"), timeout=15)
        walk.server.gateway.invalidate(resumable=True)
        await ann.slash(general, "imagine", prompt="a boat")
        await general.wait_message(result("a boat"), timeout=15)
    assert walk.server.gateway.resumes >= 2
    assert walk.server.gateway.identifies == 1
    assert len(walk.paid) == 2
    walk.in_order()


async def test_everything_told_again_after_a_resume_is_done_once(walk: Walk) -> None:
    """Commands, presses and answers."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        await pressed(walk, ann, four, "U1")
        for each in walk.server.interactions:
            walk.server.redeliver(each)
        await asyncio.sleep(0.5)
        shown = [m for m in general.messages if result()(m)]
    assert len(walk.paid) == len(shown) == 2


async def test_a_heart_that_beats_is_heard(tmp_path: Path) -> None:
    """At an interval that leaves no room for a pause."""
    async with world(tmp_path) as walk:
        walk.server.gateway._heartbeat = 0.3
        async with walk.bot():
            ann, general = walk.people()
            await grid(walk, ann, general, "a fox slow")
        assert walk.server.gateway.identifies == 1
        walk.in_order()


async def test_a_refused_token_at_the_gateway_is_named(walk: Walk) -> None:
    """4004: said with the fix; the playground goes on, and the end comes at once."""
    walk.server.gateway.refuses = 4004
    async with running(walk.folder, walk.gateway.url, discord=settings(walk.server)) as app:
        text = await said(app.address, lambda t: "token" in t)
        assert "Reset Token" in text
        assert walk.server.token not in text
        assert (await parts(app.address))["web"] == "ok"


@pytest.mark.parametrize("code", [4013, 4014])
async def test_other_refusals_name_their_code_or_cause(walk: Walk, code: int) -> None:
    walk.server.gateway.refuses = code
    async with running(walk.folder, walk.gateway.url, discord=settings(walk.server)) as app:
        text = await said(app.address, lambda t: str(code) in t or "intent" in t)
        assert text


async def test_a_long_absence_ends_by_itself(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A gateway that is away longer than discord.py's patience should last is called anew, no
    traceback is written, and what was asked before is still delivered.
    """
    monkeypatch.setattr("adapters.discord.link.STUCK", 1.0)
    monkeypatch.setattr("adapters.discord.link.IDENTIFY_GAP", 0.5)
    async with walk.bot() as app:
        ann, general = walk.people()
        asked = await ann.slash(general, "imagine", prompt="a fox slow")
        await asked.wait_reply(timeout=10)
        await walk.server.down()
        assert await said(app.address, lambda t: "cannot be reached" in t, 20)
        await walk.server.up()
        await general.wait_message(result("a fox"), timeout=30)
        await said(app.address, lambda t: t == "ok", 30)
        await grid(walk, ann, general, "a boat")
    assert len(walk.paid) == 2
    assert [r for r in caplog.records if r.exc_info] == []


# -- the end, from everywhere ------------------------------------------------------------------


def _login_hangs(server: DiscordServer) -> None:
    server.hang("^/users/@me$", None)


def _advice_hangs(server: DiscordServer) -> None:
    server.hang("^/gateway/bot$", None)


def _gateway_is_mute(server: DiscordServer) -> None:
    server.gateway.mute = True


def _sessions_are_invalid(server: DiscordServer) -> None:
    server.gateway.identify_gap = 1e9


def _login_fails(server: DiscordServer) -> None:
    server.fail("^/users/@me$", 503, None)


def _registration_hangs(server: DiscordServer) -> None:
    server.hang("/commands$", None, method="PUT")


@pytest.mark.parametrize(
    "trouble",
    [
        _login_hangs,
        _advice_hangs,
        _gateway_is_mute,
        _sessions_are_invalid,
        _login_fails,
        _registration_hangs,
    ],
)
async def test_the_end_comes_quickly_in_every_phase(
    walk: Walk, trouble: Callable[[DiscordServer], None]
) -> None:
    trouble(walk.server)
    async with running(walk.folder, walk.gateway.url, discord=settings(walk.server)):
        await asyncio.sleep(0.7)
        began = time.monotonic()
    assert time.monotonic() - began < 4
    walk.server.api.faults.clear()


async def test_the_end_comes_quickly_while_a_lost_session_is_looked_for(walk: Walk) -> None:
    async with walk.bot():
        await walk.server.down()
        await asyncio.sleep(0.7)
        began = time.monotonic()
    assert time.monotonic() - began < 4


async def test_discord_pys_lines_are_single_lines(walk: Walk) -> None:
    """Its errors are everyday; a traceback for each would bury what matters."""
    from adapters.discord.link import quiet

    quiet()
    quiet()
    for name in ("gateway", "shard"):
        logger = logging.getLogger(f"discord.{name}")
        record = logger.makeRecord(
            logger.name, logging.ERROR, "x", 1, "lost %s", ("one",), (OSError, OSError("y"), None)
        )
        assert logger.filter(record)
        assert record.getMessage() == "lost one (OSError)"
        assert record.exc_info is None
