"""Late answers, and places where the bot is no member: which way every message takes.

An interaction's token opens every place for 15 minutes; after that the bot's own token works where
it is a member, and elsewhere only the person's direct messages do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.discord_house import Walk, grid, labels, picture, pressed, result, says, world
from tests.servers.discord import Channel, Interaction, Message, Person
from tests.servers.discord_records import EXTERNAL_APPS, USUAL_PERMISSIONS

LATE = 16 * 60.0
"""Seconds after which an interaction's token is no good."""


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path, pace=0.05) as found:
        yield found
        found.in_order()


def hooks(walk: Walk, since: int) -> list[str]:
    """Calls with an interaction's token."""
    return [c.method for c in walk.server.calls[since:] if c.template.startswith("/webhooks")]


async def late(walk: Walk, ann: Person, room: Channel, prompt: str) -> tuple[Interaction, int]:
    """Ask for a slow picture, see it begin, and let the token run out; returns the calls so far."""
    asked = await ann.slash(room, "imagine", prompt=f"{prompt} slow")
    await asked.wait_reply(timeout=10)
    walk.server.clock.advance(LATE)
    return asked, len(walk.server.calls)


async def test_a_late_result_for_members_goes_by_the_bots_own_token(walk: Walk) -> None:
    """Progress goes on, the result mentions its requester, the progress message goes."""
    async with walk.bot():
        ann, general = walk.people()
        asked, before = await late(walk, ann, general, "a fox")
        progress = await asked.wait_reply(says("%"), timeout=10)
        four = await general.wait_message(result("a fox"), timeout=15)
        assert four.pinged == [ann]
        await walk.server.wait_call(lambda c: c.method == "DELETE" and "/channels/" in c.path)
        assert progress.deleted
        assert hooks(walk, before) == []
        assert (await pressed(walk, ann, four, "U1")).reference is four
    assert len(walk.paid) == 2


async def test_a_late_result_in_direct_messages(walk: Walk) -> None:
    """The bot's own token works there for ever."""
    async with walk.bot():
        ann = walk.server.user("Ann")
        _, before = await late(walk, ann, ann.dm(), "a fox")
        four = await ann.dm().wait_message(result("a fox"), timeout=15)
        assert four.pinged == []
        assert hooks(walk, before) == []


async def test_a_late_result_where_the_bot_is_no_member_comes_as_a_direct_message(
    walk: Walk,
) -> None:
    """The only way left; nothing but the result comes that way, and its buttons work there."""
    async with walk.bot():
        ann = walk.server.user("Ann", installed=True)
        outside = walk.server.outside()
        _, before = await late(walk, ann, outside, "a fox")
        four = await ann.dm().wait_message(result("a fox"), timeout=15)
        assert [m for m in ann.dm().messages if m is not four] == []
        assert hooks(walk, before) == []
        await pressed(walk, ann, four, "U2")
    assert len(walk.paid) == 2


async def test_a_late_result_with_no_way_left_is_kept(walk: Walk) -> None:
    """Direct messages closed, token gone: the job is done, and /show brings it anywhere."""
    async with walk.bot():
        ann = walk.server.user("Ann", installed=True)
        ann.close_dms()
        outside = walk.server.outside()
        await late(walk, ann, outside, "a fox")
        await walk.server.wait_call(lambda c: c.code == 50007, timeout=15)
        elsewhere = walk.server.outside("Elsewhere yet")
        (offered,) = await ann.autocomplete(elsewhere, "show", "job", "")
        shown = await (await ann.slash(elsewhere, "show", job=offered["value"])).wait_reply(
            result("a fox"), timeout=10
        )
        assert shown.attachments
    assert len(walk.paid) == 1


async def test_a_group_of_friends(walk: Walk) -> None:
    """Everybody in it sees the result; presses work for the person who asked."""
    async with walk.bot():
        ann = walk.server.user("Ann", installed=True)
        ben = walk.server.user("Ben")
        group = walk.server.group(ann, ben)
        four = await grid(walk, ann, group)
        assert ben.sees(four)
        assert four.content.startswith(ann.mention)
        await pressed(walk, ann, four, "U1")
        stranger = await (await ben.click(four, "U2")).wait_reply(timeout=10)
        assert stranger.ephemeral
    assert len(walk.paid) == 2


async def test_a_server_that_hides_foreign_apps(walk: Walk) -> None:
    """Every answer is seen by the person alone; all of it works all the same."""
    async with walk.bot():
        ann = walk.server.user("Ann", installed=True)
        guild = walk.server.guild("Quiet", bot_is_member=False)
        quiet = guild.channel("general", app_permissions=USUAL_PERMISSIONS & ~EXTERNAL_APPS)
        four = await grid(walk, ann, quiet)
        assert four.ephemeral
        await ann.click(four, "V1")
        varied = await quiet.wait_message(result("V1"), timeout=15)
        assert varied.ephemeral


async def test_more_answers_than_one_interaction_may_have(walk: Walk) -> None:
    """Four pictures from one press are more than five messages: the rest come directly."""
    async with walk.bot():
        ann = walk.server.user("Ann", installed=True)
        outside = walk.server.outside()
        await ann.slash(outside, "describe", image=picture("green"))
        told = await outside.wait_message(lambda m: len(m.buttons) >= 5, timeout=15)
        every = next(label for label in labels(told) if "ll" in label)
        await ann.click(told, every)

        def pictures() -> list[Message]:
            seen = [*outside.messages, *ann.dm().messages]
            return [m for m in seen if m.attachments and "U1" in labels(m)]

        await walk.server.world.watch.until(
            lambda: len(pictures()) == 4, 40, lambda: f"four pictures, not {pictures()}"
        )
    assert len(walk.paid) == 5


async def test_a_private_answer_that_waited_for_a_restart_too_long(walk: Walk) -> None:
    """An old press on an ephemeral panel: the token is gone, so a new one is needed, and works."""
    async with walk.bot():
        ann, general = walk.people()
        panel = await (await ann.slash(general, "settings")).wait_reply(timeout=10)
    walk.server.clock.advance(LATE)
    async with walk.bot():
        await ann.click(panel, "6.1")
        await walk.server.world.watch.until(
            lambda: panel.button("6.1").style == 3, 10, lambda: "the panel to show 6.1"
        )
