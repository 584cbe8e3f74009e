"""Telegram refuses, fails and loses answers: every result arrives, and nothing is paid twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.telegram_house import (
    Walk,
    labels,
    picture,
    pictures,
    result,
    says,
    until,
    world,
)


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        assert found.server.violations == []


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ("Bad Request: IMAGE_PROCESS_FAILED", "document"),
        ("Bad Request: something nobody has ever seen", "document"),
        ("Bad Request: can't parse entities: offset beyond the end", "photo"),
    ],
)
async def test_a_refused_picture_goes_another_way(walk: Walk, refusal: str, kind: str) -> None:
    async with walk.bot():
        ann, chat = walk.ann()
        walk.server.fail("sendPhoto", 400, refusal)
        await ann.say(chat, "/imagine a fox")
        four = await chat.wait_message(lambda m: bool(m.file) and says("a fox")(m), timeout=15)
        assert four.media is not None
        assert four.media.kind == kind
        assert labels(four)[:4] == ["U1", "U2", "U3", "U4"]
    walk.in_order()


async def test_a_result_refused_for_unknown_reasons_is_sent_later(walk: Walk) -> None:
    """No refusal makes it disappear: it comes when Telegram takes it."""
    async with walk.bot():
        ann, chat = walk.ann()
        harm = walk.server.fail("sendPhoto|sendDocument", 400, "Bad Request: no", times=None)
        await ann.say(chat, "/imagine a fox")
        await harm.wait_hit()
        await asyncio.sleep(0.5)
        harm.cancel()
        await chat.wait_message(result("a fox"), timeout=15)
    assert len(pictures(chat)) == 1


async def test_a_pause_telegram_asks_for_is_kept(walk: Walk) -> None:
    """No call goes to the chat before it is over."""
    async with walk.bot():
        ann, chat = walk.ann()
        slowed = walk.server.fail(
            "sendPhoto", 429, "Too Many Requests: retry after 2", retry_after=2
        )
        await ann.say(chat, "/imagine a fox")
        hit = await slowed.wait_hit()
        await chat.wait_message(result("a fox"), timeout=15)
        later = [c for c in walk.server.calls if c.at > hit.at and "chat_id" in c.params]
        assert min(c.at for c in later) - hit.at > 1.9
    walk.in_order()


async def test_a_lost_answer_repeats_a_result_at_most_once(walk: Walk) -> None:
    async with walk.bot():
        ann, chat = walk.ann()
        walk.server.drop("sendPhoto", after_effect=True)
        await ann.say(chat, "/imagine a fox")
        await until(lambda: len(pictures(chat)) == 2, 15)
    assert len(walk.paid) == 1
    assert len(pictures(chat)) == 2


async def test_a_result_telegram_fails_on_again_and_again_is_sent_when_it_can(walk: Walk) -> None:
    async with walk.bot():
        ann, chat = walk.ann()
        walk.server.fail("sendPhoto", 500, times=2)
        await ann.say(chat, "/imagine a fox")
        await chat.wait_message(result("a fox"), timeout=25)
    assert len(pictures(chat)) == 1


async def test_a_result_lost_twice_is_told_of_and_one_press_away(walk: Walk) -> None:
    """It is not sent a third time by itself, since it may be there."""
    async with walk.bot():
        ann, chat = walk.ann()
        lost = walk.server.drop("sendPhoto", times=2)
        await ann.say(chat, "/imagine a fox")
        told = await chat.wait_message(says("may or may not have arrived"), timeout=20)
        assert len(lost.hits) == 2
        await chat.wait(lambda c: c.from_bot == [told], 10)
        await asyncio.sleep(0.3)
        await ann.press(told, "🖼️ Show it")
        await chat.wait_message(result("a fox"), timeout=10)
    assert len(walk.paid) == 1
    assert len(pictures(chat)) == 1


async def test_an_outage_that_begins_with_a_lost_answer_doubles_nothing_more(walk: Walk) -> None:
    """Nothing is sent before Telegram answers something harmless; then the result comes."""
    async with walk.bot():
        ann, chat = walk.ann()
        lost = walk.server.drop("sendPhoto")
        await ann.say(chat, "/imagine a fox")
        await lost.wait_hit()
        down = walk.server.html("(?!getUpdates).*", times=None)
        await down.wait_hit()
        await asyncio.sleep(3)
        assert "sendPhoto" not in {call.method for call in down.hits}
        down.cancel()
        await chat.wait_message(result("a fox"), timeout=20)
    assert len(pictures(chat)) == 1


async def test_telegram_away_for_a_while_costs_nothing(walk: Walk) -> None:
    """Commands wait at Telegram, results here."""
    async with walk.bot():
        ann, chat = walk.ann()
        await ann.say(chat, "/imagine a fox slow")
        await chat.wait_message(says("a fox"), timeout=10)
        await walk.server.down()
        await asyncio.sleep(2)
        await walk.server.up()
        await ann.say(chat, "/imagine a boat")
        await chat.wait_message(result("a fox"), timeout=25)
        await chat.wait_message(result("a boat"), timeout=25)
    assert len(walk.paid) == 2
    assert len(pictures(chat)) == 2


async def test_a_file_telegram_does_not_hand_out_is_explained(walk: Walk) -> None:
    async with walk.bot():
        ann, chat = walk.ann()
        big = picture() + bytes(21_000_000)
        await ann.send_document(chat, big, caption="/describe")
        await chat.wait_message(says("at most 20 MB"))
        gone = walk.server.fail("getFile", 400, "Bad Request: file is temporarily unavailable")
        await ann.send_photo(chat, picture(), caption="/describe")
        await gone.wait_hit()
        await chat.wait_message(says("send it again"))
    assert not walk.paid
