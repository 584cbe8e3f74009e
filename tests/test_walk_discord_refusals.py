"""What Discord says no to, and what becomes of the picture then: it is shown, once, or kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.discord_house import Walk, grid, pressed, result, rows, world
from tests.servers.discord import Channel, Message

SEND = r"^/channels/\d+/messages$"
EDIT = r"^/channels/\d+/messages/\d+$"
HOOK = r"^/webhooks/\d+/[^/]+$"
ORIGINAL = r"@original$"
CALLBACK = r"/callback$"


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        assert found.server.violations == []


def pictures(*channels: Channel) -> list[Message]:
    return [m for channel in channels for m in channel.messages if result()(m)]


@dataclass(frozen=True)
class Case:
    """A refusal: which call, what it gets, how often, and where the picture is in the end."""

    path: str
    status: int
    code: int = 0
    method: str = "POST"
    times: int | None = 1
    after_effect: bool = False
    where: str = "general"
    more: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


CASES = {
    "no access": Case(SEND, 403, 50001, times=None),
    "no permission": Case(SEND, 403, 50013, times=None),
    "no channel": Case(SEND, 404, 10003, times=None),
    "too big": Case(SEND, 413, 40005),
    "no reply to that": Case(SEND, 400, 160002),
    "a faulty body": Case(SEND, 400, 50035),
    "unauthorized for a moment": Case(SEND, 401, 0),
    "slow down": Case(SEND, 429, more={"retry_after": 0.3, "global": False}),
    "slow down, all": Case(
        SEND, 429, more={"retry_after": 0.3, "global": True}, headers={"Via": "1.1 google"}
    ),
    "slow down, by header": Case(SEND, 429, headers={"Retry-After": "1"}),
    "unavailable": Case(SEND, 503, times=2),
    "unavailable after the effect": Case(SEND, 502, after_effect=True),
    "the slot is gone": Case(ORIGINAL, 404, 10008, method="PATCH", times=None),
    "the token is refused": Case(ORIGINAL, 401, 50027, method="PATCH", times=None),
    "the slot is slow": Case(ORIGINAL, 429, method="PATCH", more={"retry_after": 0.3}, times=2),
    "the progress message is old": Case(EDIT, 400, 30046, method="PATCH", times=None),
    "the progress message stays": Case(ORIGINAL, 403, 50013, method="DELETE", times=None),
    "answered already": Case(CALLBACK, 400, 40060, after_effect=True),
    "first answer slowed": Case(CALLBACK, 429, more={"retry_after": 0.2}),
    "first answer failed twice": Case(CALLBACK, 500, times=2),
    "first answer failed after its effect": Case(CALLBACK, 502, after_effect=True, times=2),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_picture_comes_once_whatever_is_refused(walk: Walk, name: str) -> None:
    """In the channel by either token, else as a direct message; paid once, never shown twice."""
    case = CASES[name]
    async with walk.bot():
        ann, general = walk.people()
        body = {"message": "no", "code": case.code, **case.more}
        fault = walk.server.fail(
            case.path,
            case.status,
            case.times,
            method=case.method,
            body=body,
            headers=case.headers,
            after_effect=case.after_effect,
        )
        await ann.slash(general, "imagine", prompt="a fox")
        four = await general.wait_message(result("a fox"), timeout=20)
        assert four.attachments
        await walk.server.wait_call(lambda c: c.method == "DELETE", timeout=15)
        await asyncio.sleep(0.1)
        assert len(pictures(general, ann.dm())) == 1
        assert fault.hits or case.path == EDIT
    assert len(walk.paid) == 1


async def test_a_person_who_is_too_late_for_the_first_answer_pays_nothing(walk: Walk) -> None:
    """They read that the app did not respond; doing it all the same would be a surprise."""
    async with walk.bot():
        ann, general = walk.people()
        body = {"message": "Unknown interaction", "code": 10062}
        refused = walk.server.fail(CALLBACK, 404, None, body=body)
        await ann.slash(general, "imagine", prompt="a fox")
        await refused.wait_hit()
        await asyncio.sleep(0.5)
        refused.cancel()
        assert walk.paid == []
        await grid(walk, ann, general, "a boat")
    assert len(walk.paid) == 1


async def test_nothing_left_but_the_archive(walk: Walk) -> None:
    """Thrown out of the server, direct messages closed, token refused: /show brings it later."""
    async with walk.bot():
        ann, general = walk.people()
        ann.close_dms()
        asked = await ann.slash(general, "imagine", prompt="a fox slow")
        await asked.wait_reply(timeout=10)
        assert general.guild is not None
        general.guild.remove_bot()
        asked.expired = True
        await walk.server.wait_call(lambda c: c.code == 50007, timeout=20)
        club = walk.server.guild("Club").channel("general")
        (offered,) = await ann.autocomplete(club, "show", "job", "fox")
        shown = await ann.slash(club, "show", job=offered["value"])
        four = await shown.wait_reply(result("a fox"), timeout=10)
        assert rows(four)[0][0] == "U1"
    assert len(walk.paid) == 1


async def test_a_discord_that_is_slow(walk: Walk) -> None:
    """Nothing is asked for twice, nothing is shown twice."""
    async with walk.bot():
        ann, general = walk.people()
        walk.server.delay(CALLBACK, 1.7, after_effect=True)
        walk.server.delay(SEND, 1.0, after_effect=True)
        asked = await ann.slash(general, "imagine", prompt="a fox")
        await asked.wait_ack(timeout=3)
        await general.wait_message(result("a fox"), timeout=15)
        await walk.server.wait_call(lambda c: c.method == "DELETE", timeout=15)
        assert len(pictures(general)) == 1
    assert len(walk.paid) == 1


async def test_an_emoji_discord_does_not_know_costs_no_picture(walk: Walk) -> None:
    """The message is sent once more with words on its buttons."""
    async with walk.bot():
        ann, general = walk.people()
        errors = {"components": {"0": {"_errors": [{"code": "BUTTON_COMPONENT_INVALID_EMOJI"}]}}}
        body = {"message": "Invalid Form Body", "code": 50035, "errors": errors}
        walk.server.fail(SEND, 400, 1, method="POST", body=body)
        await ann.slash(general, "imagine", prompt="a fox")
        four = await general.wait_message(result("a fox"), timeout=15)
        assert all(button.label and not button.emoji for button in four.buttons)
        await pressed(walk, ann, four, "🔄")


async def test_a_progress_message_that_a_moderator_took_away(tmp_path: Path) -> None:
    """It is not put back, and the result comes all the same."""
    async with world(tmp_path, pace=0.05) as walk, walk.bot():
        ann, general = walk.people()
        asked = await ann.slash(general, "imagine", prompt="a fox slow")
        progress = await asked.wait_reply(timeout=10)
        progress.delete()
        await general.wait_message(result("a fox"), timeout=20)
        assert len([m for m in general.log if m.author is walk.server.bot]) == 2


async def test_a_grid_that_was_deleted_while_its_button_worked(walk: Walk) -> None:
    """The result comes without a reply, and nothing is said of the lost message."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        await (await ann.click(four, "U1")).wait_ack()
        four.delete()
        one = await general.wait_message(result("U1"), timeout=15)
        assert one.reference in (None, four)
    assert len(walk.paid) == 2


async def test_a_front_door_that_turns_everybody_away_is_left_alone(walk: Walk) -> None:
    """A 429 page from in front of Discord means a ban: no call follows it."""
    async with walk.bot():
        ann, general = walk.people()
        banned = walk.server.fail(SEND, 429, 1, method="POST")
        await ann.slash(general, "imagine", prompt="a fox")
        await banned.wait_hit()
        await asyncio.sleep(0.3)
        before = len(walk.server.calls)
        await ann.slash(general, "imagine", prompt="a boat")
        await asyncio.sleep(0.6)
        assert walk.server.calls[before:] == []
