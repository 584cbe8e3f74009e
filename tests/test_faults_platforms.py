"""Trouble at the chat platforms: events that come twice, answers that get lost, wrong tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.inside import Inside, house_runs, inside
from tests.crash.stages import Discord, Telegram, until

PAID = ("hold", "settle")
BOTH = pytest.mark.parametrize("stage", [Telegram, Discord])
Kind = type[Telegram] | type[Discord]


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Inside]:
    """A bot in Telegram."""
    async with inside(Telegram(), tmp_path) as found:
        yield found


def results(house: Inside, title: str = "Imagine") -> int:
    return sum(s.picture and s.says(title) for s in house.stage.seen(house.chat))


# -- the same thing twice ------------------------------------------------------------------------


@BOTH
async def test_an_event_that_comes_again_does_nothing(stage: Kind, tmp_path: Path) -> None:
    """At once, after the result, and after a restart; the same for a press."""
    async with inside(stage(), tmp_path, asleep=True) as house:
        async with house_runs(house):
            asked = await house.imagine()
            house.stage.redeliver(asked)
            grid = await house.result()
            pressed = await house.press(grid, "U2")
            house.stage.redeliver(pressed)
            await house.result("U2")
            house.stage.redeliver(asked)
        async with house_runs(house):
            house.stage.redeliver(asked)
            house.stage.redeliver(pressed)
            await asyncio.sleep(0.4)
            await house.books.idle()
        assert len(house.submits) == 2
        assert house.money == [PAID, PAID]
        assert results(house, "Imagine") == results(house, "U2") == 1


async def test_a_command_that_is_edited_is_not_a_new_one(chat: Inside) -> None:
    """Telegram tells of edits; nobody wants to pay for a mended word."""
    stage = chat.stage
    assert isinstance(stage, Telegram)
    said = await chat.imagine()
    await stage.ann.edit(said, "/imagine a red fox")
    await chat.result()
    await stage.ann.edit(said, "/imagine a green fox")
    await asyncio.sleep(0.3)
    assert len(chat.submits) == 1


@BOTH
async def test_one_person_on_two_devices_presses_once(stage: Kind, tmp_path: Path) -> None:
    """Both presses at once make one job; the second is told of the first."""
    async with inside(stage(), tmp_path) as house:
        await house.imagine()
        grid = await house.result()
        await asyncio.gather(*(house.press(grid, "V3") for _ in range(4)))
        await house.result("V3")
        assert len(house.submits) == 2
        assert house.money == [PAID, PAID]


@BOTH
async def test_a_stranger_who_presses_at_the_same_time_pays_nothing(
    stage: Kind, tmp_path: Path
) -> None:
    """And is told politely whose button it is."""
    async with inside(stage(), tmp_path) as house:
        await house.imagine()
        grid = await house.result()
        await asyncio.gather(house.press(grid, "U1", other=True), house.press(grid, "U1"))
        await house.result("U1")
        await house.hears("belongs to the person who asked")
        assert len(house.submits) == 2


# -- the platform stumbles -----------------------------------------------------------------------


async def test_discord_drops_and_resumes_while_a_job_runs(tmp_path: Path) -> None:
    """The job goes on without it; what people did meanwhile comes with the resumed session."""
    stage = Discord()
    async with inside(stage, tmp_path) as house:
        await house.imagine("a fox slow")
        await until(lambda: house.submits, "submit")
        stage.server.disconnect(resumable=True)
        await house.imagine("a boat")
        await stage.wait(house.chat, lambda s: s.picture and s.says("a fox slow"))
        await stage.wait(house.chat, lambda s: s.picture and s.says("a boat"))
        await house.books.idle()
        assert stage.server.gateway.resumes
        assert house.money == [PAID, PAID]
        assert results(house) == 2


STUMBLES = {
    "asked to slow down": ("sendPhoto", 429, "Too Many Requests: retry after 1", 1),
    "a server error": ("sendPhoto", 500, "Internal Server Error", None),
    "a bad gateway": ("sendPhoto", 502, "Bad Gateway", None),
    "no progress": ("editMessageText|sendMessage", 500, "Internal Server Error", None),
    "no updates": ("getUpdates", 500, "Internal Server Error", None),
    "updates taken elsewhere": (
        "getUpdates",
        409,
        "Conflict: terminated by other getUpdates request",
        None,
    ),
}


@pytest.mark.parametrize("how", STUMBLES)
async def test_telegram_stumbles_while_a_job_runs(chat: Inside, how: str) -> None:
    """The result comes once, and no job is reported as failed."""
    methods, status, words, pause = STUMBLES[how]
    stage = chat.stage
    assert isinstance(stage, Telegram)
    stage.server.fail(methods, status, words, 2, retry_after=pause)
    await chat.imagine()
    await chat.result()
    assert results(chat) == 1
    assert len(chat.submits) == 1
    assert chat.money == [PAID]
    assert chat.count("did not work") == 0


async def test_telegram_loses_the_answer_to_the_result(chat: Inside) -> None:
    """It cannot be asked whether the message is there: it is sent at most once more."""
    stage = chat.stage
    assert isinstance(stage, Telegram)
    stage.server.drop("sendPhoto", None, after_effect=True)
    await chat.imagine()
    await until(lambda: chat.states == ["done"], "end", 20)
    assert results(chat) == 2
    assert chat.money == [PAID]


@BOTH
async def test_a_platform_that_is_away_gets_the_result_later(stage: Kind, tmp_path: Path) -> None:
    """It vanishes after the command and comes back after the picture is made."""
    found = stage()
    async with inside(found, tmp_path) as house:
        await house.imagine()
        await until(lambda: house.gateway.submits, "submit")
        await found.server.down()
        await until(lambda: house.states == ["ready"], "finished job")
        await asyncio.sleep(0.3)
        await found.server.up()
        await house.result()
        assert results(house) == 1
        assert house.money == [PAID]


# -- wrong tokens --------------------------------------------------------------------------------


async def test_a_wrong_discord_token_does_not_stop_telegram(tmp_path: Path) -> None:
    """And the other way round below."""
    async with Discord().server as discord:
        wrong = {
            "token": "wrong",
            "api_url": discord.api_url,
            "gateway_url": discord.gateway_url,
        }
        async with inside(Telegram(), tmp_path, discord=wrong) as house:
            await house.imagine()
            await house.result()
            assert house.money == [PAID]


async def test_a_wrong_telegram_token_does_not_stop_discord(tmp_path: Path) -> None:
    """The other way round."""
    async with Telegram().server as telegram:
        wrong = {"token": "1:wrong", "api_url": telegram.url}
        async with inside(Discord(), tmp_path, telegram=wrong) as house:
            await house.imagine()
            await house.result()
            assert house.money == [PAID]


@BOTH
async def test_a_wrong_gateway_key_is_said_to_the_person(stage: Kind, tmp_path: Path) -> None:
    """One sentence, nothing charged, nothing tried again; the bot goes on."""
    async with inside(stage(), tmp_path, gateway={"api_key": "wrong"}) as house:
        await house.imagine()
        told = await house.sees("does not accept this bot's key", "Nothing was charged")
        assert "wrong" not in told.text
        await house.books.idle()
        assert len(house.submits) == 1
        assert house.money == [("hold", "refund")]
