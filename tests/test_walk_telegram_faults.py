"""Telegram in trouble: restarts, lost answers, refusals; nothing is lost or paid twice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.house import running
from tests.servers.telegram_people import tell
from tests.telegram_house import (
    TOKEN,
    Walk,
    confirmed,
    grid,
    health,
    labels,
    locked,
    noted,
    picture,
    pictures,
    question,
    result,
    says,
    studio,
    until,
    world,
)


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        assert found.server.violations == []


# -- updates ---------------------------------------------------------------------------------------


async def test_an_update_delivered_again_and_an_edited_one_pay_once(walk: Walk) -> None:
    async with walk.bot():
        ann, chat = walk.ann()
        said = await ann.say(chat, "/imagine a boat")
        walk.server.redeliver(said)
        await ann.edit(said, "/imagine a big boat")
        await chat.wait_message(result("a boat"), timeout=15)
        walk.server.redeliver(said)
        await confirmed(walk)
    async with walk.bot():
        await confirmed(walk)
    assert len(walk.paid) == 1
    assert len(pictures(chat)) == 1


@pytest.mark.parametrize("how", ["drop", "html", "401", "429"])
async def test_polling_goes_on_after_trouble(walk: Walk, how: str) -> None:
    async with walk.bot():
        ann, chat = walk.ann()
        await ann.say(chat, "/help")
        await chat.wait_message(says("/imagine"))
        if how.isdigit():
            pause = 1 if how == "429" else None
            harm = walk.server.fail("getUpdates", int(how), "Trouble", retry_after=pause)
        else:
            harm = getattr(walk.server, how)("getUpdates")
        await ann.say(chat, "/jobs")
        await harm.wait_hit()
        await chat.wait_message(says("no jobs"), timeout=10)
    walk.in_order()


async def test_a_webhook_in_the_way_is_taken_off(walk: Walk) -> None:
    """Somebody sets one while the bot polls; what came meanwhile is not lost."""
    async with walk.bot():
        ann, chat = walk.ann()
        await ann.say(chat, "/jobs")
        await chat.wait_message(says("no jobs"))
        hook = {"url": "https://other.example/hook"}
        async with aiohttp.ClientSession() as session:
            await session.post(f"{walk.server.url}/bot{TOKEN}/setWebhook", json=hook)
        await ann.say(chat, "/help")
        await chat.wait_message(says("/imagine"), timeout=10)


async def test_another_program_with_the_token_is_named(walk: Walk) -> None:
    async with walk.bot() as app:
        conflict = walk.server.fail(
            "getUpdates",
            409,
            "Conflict: terminated by other getUpdates request; make sure that only one bot "
            "instance is running",
            times=2,
        )
        ann, chat = walk.ann()
        await ann.say(chat, "/jobs")
        await conflict.wait_hit()
        assert "another program receives" in await health(app, "another program")
        await chat.wait_message(says("no jobs"), timeout=10)
        assert await health(app, "ok") == "ok"
    assert "deleteWebhook" not in [call.method for call in walk.server.calls]


UNREADABLE: list[tuple[str, Any]] = [
    ("message", {"chat": {"id": 5}}),
    ("message", {"message_id": 1, "chat": {"id": 5}, "from": {"id": "x"}, "text": 7}),
    ("callback_query", {"id": 7, "from": {}}),
    ("callback_query", {"message": {"chat": {"id": 5}}, "from": {"id": 5}}),
    ("something_new", {"chat": {"id": 5}}),
    ("channel_post", {"message_id": 1, "chat": {"id": -5}, "text": "/imagine a fox"}),
    ("my_chat_member", {"chat": {"id": 5}, "new_chat_member": None}),
]


async def test_updates_nobody_can_read_are_closed(walk: Walk) -> None:
    """They are fetched once, and what comes behind them is heard."""
    async with walk.bot():
        ann, chat = walk.ann()
        await ann.say(chat, "/jobs")
        await chat.wait_message(says("no jobs"))
        walk.server.feed.allowed = []
        for kind, payload in UNREADABLE:
            walk.server.feed.push(kind, payload)
        await ann.say(chat, "/help")
        await chat.wait_message(says("/imagine"))
        await confirmed(walk)
        polls = len([c for c in walk.server.calls if c.method == "getUpdates"])
        await asyncio.sleep(0.3)
        assert len([c for c in walk.server.calls if c.method == "getUpdates"]) <= polls + 2
    with contextlib.closing(sqlite3.connect(walk.folder / "atelier.db")) as store:
        assert store.execute("SELECT count(*) FROM events WHERE done_at IS NULL").fetchone() == (0,)
    assert not walk.paid


async def test_a_server_that_does_not_wait_is_not_asked_without_end(walk: Walk) -> None:
    """Neither when it has nothing, nor when it gives the same again and again."""
    async with walk.bot():
        ann, chat = walk.ann()
        said = await ann.say(chat, "/jobs")
        await chat.wait_message(says("no jobs"))
        for answer in ([], [said.update]):

            async def hasty(*_: Any, answer: list[Any] = answer) -> list[Any]:
                return answer

            walk.server.feed.poll = hasty  # type: ignore[method-assign]
            await ann.say(chat, "wakes the poll that is open")
            seen = len(walk.server.calls)
            await asyncio.sleep(1.5)
            assert len(walk.server.calls) - seen < 10
    assert len([m for m in chat.from_bot if says("no jobs")(m)]) == 1


async def test_after_long_silence_update_numbers_may_start_anywhere(walk: Walk) -> None:
    """The old offset, which would confirm lower numbers unseen, is forgotten."""
    ahead = 0.0
    settings = {"token": TOKEN, "api_url": walk.server.url}
    house = running(
        walk.folder, walk.gateway.url, clock=lambda: time.time() + ahead, telegram=settings
    )
    async with house:
        ann, chat = walk.ann()
        await ann.say(chat, "/jobs")
        await chat.wait_message(says("no jobs"))
        await confirmed(walk)
        ahead = 8 * 86_400.0
        walk.server.drop("getUpdates")
        await walk.server.down()
        await walk.server.up()
        await until(lambda: walk.server.calls[-1].params.get("offset") == 0)


# -- albums ----------------------------------------------------------------------------------------


async def test_an_album_is_whole_in_any_order(walk: Walk) -> None:
    """Its parts come backwards and the words with the last of them."""
    async with walk.bot():
        ann, chat = walk.ann()
        colours = [picture(c) for c in ("red", "green", "blue")]
        await ann.album(chat, colours, caption="/blend", captioned=2, told=[1, 2, 0])
        await chat.wait_message(result("Blend"), timeout=15)
    assert len(walk.gateway.submits[0].body["base64Array"]) == 3
    assert len(walk.paid) == 1


@pytest.mark.parametrize("first", [[0], [1, 2]])
async def test_an_album_goes_on_after_a_restart(walk: Walk, first: list[int]) -> None:
    """Some parts are in the store when the program ends, the others come later."""
    ann, chat = walk.ann()
    async with walk.bot():
        colours = [picture(c) for c in ("red", "green", "blue")]
        parts = await ann.album(chat, colours, caption="/blend", told=first)
        await confirmed(walk)
    async with walk.bot():
        for number in {0, 1, 2} - set(first):
            tell(parts[number])
        await chat.wait_message(result("Blend"), timeout=20)
    async with walk.bot():
        await confirmed(walk)
        await asyncio.sleep(0.3)
    assert len(walk.gateway.submits[0].body["base64Array"]) == 3
    assert len(walk.paid) == 1
    assert len(pictures(chat)) == 1


async def test_a_part_that_comes_too_late_is_let_be(walk: Walk) -> None:
    """Its album was handled: it is neither asked about nor handled again after a restart."""
    async with walk.bot():
        ann, chat = walk.ann()
        colours = [picture(c) for c in ("red", "green", "blue")]
        parts = await ann.album(chat, colours, caption="/blend", told=[0, 1])
        await chat.wait_message(result("Blend"), timeout=15)
        tell(parts[2])
        await confirmed(walk)
        await asyncio.sleep(0.3)
    async with walk.bot():
        await confirmed(walk)
        await asyncio.sleep(0.3)
        assert [m for m in chat.from_bot if not m.media] == []
    assert len(walk.paid) == 1


# -- presses ---------------------------------------------------------------------------------------


async def test_presses_are_answered_while_the_store_is_stuck(walk: Walk) -> None:
    """Each within about a second; what they ask for comes once the store is free."""
    async with walk.bot():
        ann, chat = studio(walk)
        four = await grid(walk, ann, chat)
        with locked(walk):
            for label in ("U1", "U2"):
                press = await ann.press(four, label)
                answer = await press.wait_answer(3)
                assert answer.at - press.at < 1.6
        await chat.wait_message(result("U1"), timeout=20)
        await chat.wait_message(result("U2"), timeout=20)
    assert len(walk.paid) == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("MJ::JOB::upsample::1::abc", "not one of mine"),
        ("x:0", "not one of mine"),
        ("b:", "not one of mine"),
        ("b:made-up-token", "not known here any more"),
        ("f:made-up-token", "not known here any more"),
    ],
)
async def test_a_foreign_button_is_answered_politely(walk: Walk, data: str, words: str) -> None:
    async with walk.bot():
        ann, chat = walk.ann()
        await ann.say(chat, "/jobs")
        said = await chat.wait_message(says("no jobs"))
        answer = await (await ann.press(said, data, forged=True)).wait_answer()
        assert answer.alert
        assert words in answer.text
    assert not walk.paid


async def test_the_form_of_a_button_outlives_a_restart(walk: Walk) -> None:
    """Answers given before it count."""
    ann, chat = studio(walk)
    async with walk.bot():
        four = await grid(walk, ann, chat)
        await ann.press(four, "U1")
        one = await chat.wait_message(result("U1"), timeout=15)
        zoom = next(label for label in labels(one) if "Custom" in label)
        await ann.press(one, zoom)
        await ann.say(chat, "1.5", reply_to=await chat.wait_message(question("1/3")))
        shape = await chat.wait_message(question("2/3"))
        await confirmed(walk)
        await asyncio.sleep(0.3)
    async with walk.bot():
        await ann.say(chat, "16:9", reply_to=shape)
        await ann.say(chat, "-", reply_to=await chat.wait_message(question("3/3")))
        await chat.wait_message(result("Custom Zoom"), timeout=20)
        paid = len(walk.paid)
        await ann.say(chat, "3:2", reply_to=shape)
        await chat.wait_message(says("answered already"))
    assert len(walk.paid) == paid


async def test_words_long_after_a_question_are_not_its_answer(walk: Walk) -> None:
    """A greeting is none of a question left open last week; a reply still counts."""
    ahead = 0.0
    settings = {"token": TOKEN, "api_url": walk.server.url}
    house = running(
        walk.folder, walk.gateway.url, clock=lambda: time.time() + ahead, telegram=settings
    )
    async with house:
        ann, chat = walk.ann()
        await ann.say(chat, "/imagine")
        asked = await chat.wait_message(question("What shall I draw?"))
        await until(lambda: noted(walk, f"telegram:ask:{chat.id}:{asked.id}"))
        ahead = 3600.0
        await ann.say(chat, "hello")
        await chat.wait_message(says("hello", "made in the sandbox"), timeout=15)
        await ann.say(chat, "a fox", reply_to=asked)
        await chat.wait_message(result("a fox"), timeout=15)
    assert walk.paid == ["/v1/chat/completions", "/mj/submit/imagine"]


# -- the program -----------------------------------------------------------------------------------


async def test_a_wrong_token_is_named_but_never_written_down(
    walk: Walk, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody else stops for it, and it is in no log."""
    caplog.set_level(logging.DEBUG)
    wrong = "123456:wrongwrongwrongwrongwrongwrongwrong"
    async with walk.bot(token=wrong) as app:
        assert "token is not accepted" in await health(app, "token")
        assert await health(app, "ok", part="web") == "ok"
    assert wrong not in caplog.text


async def test_commands_are_published_when_they_changed(walk: Walk) -> None:
    """Once for every language; a link's start parameter is no harm."""
    ann, chat = walk.ann()
    ben = walk.server.user("Ben", language_code="de")
    published = []
    for _ in range(2):
        async with walk.bot():
            await ann.say(chat, "/start ref_42")
            await chat.wait_message(says("/imagine"))
            await until(lambda: noted(walk, "telegram:menu"))
        published.append([call.method for call in walk.server.calls].count("setMyCommands"))
    assert published == [2, 2]
    ours, theirs = walk.server.menu(ann, chat), walk.server.menu(ben, walk.server.private(ben))
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    assert ours != theirs
    assert "deleteWebhook" not in [call.method for call in walk.server.calls]


async def test_the_end_comes_quickly(walk: Walk) -> None:
    """An open poll holds nobody up."""
    async with walk.bot():
        ann, chat = walk.ann()
        await ann.say(chat, "/jobs")
        await chat.wait_message(says("no jobs"))
        began = time.monotonic()
    assert time.monotonic() - began < 2
