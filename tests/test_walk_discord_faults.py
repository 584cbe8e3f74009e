"""Discord in trouble: restarts, lost answers, refusals; nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.discord_house import Walk, forge, grid, picture, pressed, result, says, world
from tests.house import running
from tests.servers.discord import Channel, Message


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        assert found.server.violations == []


def pictures(channel: Channel) -> list[Message]:
    return [m for m in channel.messages if result()(m)]


async def test_the_same_interaction_twice_is_one_job(walk: Walk) -> None:
    async with walk.bot():
        ann, general = walk.people()
        asked = await ann.slash(general, "imagine", prompt="a fox")
        walk.server.redeliver(asked)
        await general.wait_message(result("a fox"), timeout=15)
        walk.server.redeliver(asked)
        await asyncio.sleep(0.3)
    assert len(walk.paid) == 1
    assert len(pictures(general)) == 1
    walk.in_order()


async def test_buttons_and_jobs_outlive_a_restart(walk: Walk) -> None:
    """A job goes on, old buttons work, and the commands are not registered again."""
    async with walk.bot():
        ann, general = walk.people()
        asked = await ann.slash(general, "imagine", prompt="a fox slow")
        await asked.wait_reply(timeout=10)
    async with walk.bot():
        four = await general.wait_message(result("a fox"), timeout=20)
        await pressed(walk, ann, four, "U4")
    assert len(walk.paid) == 2
    assert len(pictures(general)) == 2
    assert walk.server.commands.writes == 1
    walk.in_order()


async def test_an_interaction_stored_but_not_handled_is_taken_up_after_a_restart(
    walk: Walk,
) -> None:
    """The first life ended while it fetched the person's picture; by the next the token has run
    out, so the answer goes by the bot's own.
    """
    hung = walk.server.hang("/ephemeral-attachments/", method="GET")
    async with walk.bot():
        ann, general = walk.people()
        image = picture()
        asked = await (await ann.slash(general, "imagine", prompt="a fox", image=image)).wait_ack()
        await hung.wait_hit()
    asked.expired = True
    hung.cancel()
    async with walk.bot():
        await general.wait_message(result("a fox"), timeout=20)
    assert len(walk.paid) == 1
    assert len(pictures(general)) == 1


async def test_the_gateway_drops_and_resumes(walk: Walk) -> None:
    """What happened meanwhile comes with the resumed session, once."""
    async with walk.bot():
        ann, general = walk.people()
        walk.server.disconnect(resumable=True)
        asked = await ann.slash(general, "imagine", prompt="a fox")
        await general.wait_message(result("a fox"), timeout=20)
        assert asked.ack_type == 5
    assert walk.server.gateway.resumes
    assert len(walk.paid) == 1
    walk.in_order()


async def test_a_session_that_cannot_be_resumed_begins_anew(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.discord.link.IDENTIFY_GAP", 0.5)
    async with walk.bot():
        ann, general = walk.people()
        walk.server.gateway.invalidate(resumable=False)
        await walk.server.world.watch.until(
            lambda: walk.server.gateway.identifies > 1, 20, lambda: "a new session"
        )
        await walk.server.wait_connected()
        await grid(walk, ann, general)


@pytest.mark.parametrize("how", ["fail", "drop"])
async def test_a_lost_answer_to_the_result_shows_it_once(walk: Walk, how: str) -> None:
    """The message is there, the answer was lost: the nonce keeps it single."""
    async with walk.bot():
        ann, general = walk.people()
        lost = getattr(walk.server, how)(
            r"^/channels/\d+/messages$", method="POST", after_effect=True
        )
        await ann.slash(general, "imagine", prompt="a fox")
        await lost.wait_hit()
        await walk.server.wait_call(lambda c: c.method == "DELETE", timeout=15)
    assert len(pictures(general)) == 1


@pytest.mark.parametrize("body", [None, {}])
@pytest.mark.parametrize("after_effect", [True, False])
async def test_a_success_that_says_nothing_shows_the_result_once(
    walk: Walk, caplog: pytest.LogCaptureFixture, body: dict[str, Any] | None, after_effect: bool
) -> None:
    """A page or an empty object in the message's place is a lost answer like any other."""
    async with walk.bot():
        ann, general = walk.people()
        path = r"^/channels/\d+/messages$"
        lost = walk.server.fail(path, 200, method="POST", body=body, after_effect=after_effect)
        await ann.slash(general, "imagine", prompt="a fox")
        await lost.wait_hit()
        await walk.server.wait_call(lambda c: c.method == "DELETE", timeout=30)
    assert len(pictures(general)) == 1
    assert not [r for r in caplog.records if r.exc_info and r.name.startswith("core")]


async def test_a_follow_up_that_says_nothing_is_a_lost_answer(
    walk: Walk, caplog: pytest.LogCaptureFixture
) -> None:
    """Where only an interaction's token reaches nothing has a nonce: it comes twice at most."""
    async with walk.bot():
        strange = walk.server.guild("Strange", bot_is_member=False).channel("general")
        ann = walk.server.user("Ann", installed=True)
        path = r"^/webhooks/\d+/[^/]+$"
        lost = walk.server.fail(path, 200, method="POST", body={}, after_effect=True)
        await ann.slash(strange, "imagine", prompt="a fox")
        await lost.wait_hit()
        await walk.server.wait_call(lambda c: c.method == "DELETE", timeout=30)
    assert 1 <= len(pictures(strange)) <= 2
    assert not [r for r in caplog.records if r.exc_info and r.name.startswith("core")]


@pytest.mark.parametrize("status", [500, 503])
async def test_the_first_answer_is_repeated_in_time(walk: Walk, status: int) -> None:
    async with walk.bot():
        ann, general = walk.people()
        walk.server.fail("/callback", status, times=2)
        asked = await ann.slash(general, "imagine", prompt="a fox")
        await asked.wait_ack(timeout=3)
        await general.wait_message(result("a fox"), timeout=15)
    walk.in_order()


async def test_a_first_answer_whose_answer_was_lost_counts(walk: Walk) -> None:
    async with walk.bot():
        ann, general = walk.people()
        walk.server.drop("/callback", after_effect=True)
        await ann.slash(general, "imagine", prompt="a fox")
        await general.wait_message(result("a fox"), timeout=15)
    assert len(walk.paid) == 1
    assert len(pictures(general)) == 1


async def test_a_pause_discord_asks_for_is_kept(walk: Walk) -> None:
    """No call goes to the channel before the pause is over, and the result comes after it."""
    async with walk.bot():
        ann, general = walk.people()
        body = {"message": "You are being rate limited.", "retry_after": 1.0, "global": False}
        slowed = walk.server.fail(
            rf"^/channels/{general.id}/messages$",
            429,
            method="POST",
            body=body,
            headers={"Retry-After": "1", "Via": "1.1 google"},
        )
        await ann.slash(general, "imagine", prompt="a fox")
        await slowed.wait_hit()
        hit = time.monotonic()
        await general.wait_message(result("a fox"), timeout=15)
        assert time.monotonic() - hit > 0.9
    assert len(pictures(general)) == 1


async def test_a_channel_that_takes_no_pictures_from_the_bot(tmp_path: Path) -> None:
    """The interaction's token writes where the bot's own may not; without it, the DMs."""
    async with world(tmp_path, pace=0.03) as walk, walk.bot():
        ann, _ = walk.people()
        silent = walk.server.guild("Strict").channel("read-only", app_permissions=1 << 10)
        asked = await ann.slash(silent, "imagine", prompt="a fox")
        assert await asked.wait_reply(result("a fox"), timeout=15)

        other = walk.server.guild("Strict too").channel("read-only", app_permissions=1 << 10)
        late = await ann.slash(other, "imagine", prompt="a late boat slow")
        await late.wait_reply(timeout=10)
        late.expired = True
        four = await ann.dm().wait_message(result("a late boat"), timeout=30)
        assert four.attachments
        assert walk.server.violations == []


@pytest.mark.parametrize("custom_id", ["MJ::JOB::upsample::1::abc", "b:", "x:0", ""])
async def test_a_button_of_another_bot_is_answered_politely(walk: Walk, custom_id: str) -> None:
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        forge(four, "U1", custom_id)
        reply = await (await ann.click(four, "U1")).wait_reply()
        assert reply.ephemeral
        assert "not one of mine" in reply.content
    assert len(walk.paid) == 1


@pytest.mark.parametrize("custom_id", ["b:made-up-token", "f:made-up-token"])
async def test_a_made_up_token_is_answered_politely(walk: Walk, custom_id: str) -> None:
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        forge(four, "U1", custom_id)
        reply = await (await ann.click(four, "U1")).wait_reply()
        assert reply.ephemeral
        assert "not known here any more" in reply.content
    assert len(walk.paid) == 1


async def test_a_wrong_token_is_named_and_stops_nobody_else(walk: Walk) -> None:
    settings = {
        "token": "wrong",
        "api_url": walk.server.api_url,
        "gateway_url": walk.server.gateway_url,
    }

    async with (
        running(walk.folder, walk.gateway.url, discord=settings) as app,
        aiohttp.ClientSession() as session,
    ):
        parts: dict[str, str] = {}
        for _ in range(50):
            async with session.get(f"{app.address}/healthz") as answer:
                parts = (await answer.json())["parts"]
            if "token" in parts["discord"]:
                break
            await asyncio.sleep(0.05)
        assert "refuses the bot's token" in parts["discord"]
        assert parts["web"] == "ok"


async def test_the_end_comes_quickly(walk: Walk) -> None:
    async with walk.bot():
        ann, general = walk.people()
        asked = await ann.slash(general, "imagine", prompt="a fox stall")
        await asked.wait_reply(says("%"), timeout=10)
        began = time.monotonic()
    assert time.monotonic() - began < 2.5
