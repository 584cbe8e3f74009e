"""Plain words to the bot in Discord, through the real discord.py: what is a question, and how often
it is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox import clips
from tests.crash.house import House
from tests.crash.stages import Discord
from tests.discord_house import Walk, grid, picture, says, world
from tests.servers.discord import Channel, Message
from tests.servers.discord_files import Attachment

SAYS = "/v1/chat/completions"


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        found.in_order()


async def answer(channel: Channel, *words: str) -> Message:
    """The finished answer that says all of these."""
    return await channel.wait_message(
        lambda m: says("tokens", *words)(m) and "▌" not in m.content, 30
    )


async def no_more(walk: Walk, calls: int) -> None:
    """Nothing further is asked of the gateway."""
    await asyncio.sleep(0.5)
    assert len(walk.paid) == calls


async def test_plain_words_in_direct_messages_are_a_question(walk: Walk) -> None:
    """Answered in reply, without a ping; a reply to the answer, and words alone, go on with it."""
    async with walk.bot():
        ann = walk.server.user("Ann")
        dm = ann.dm()
        asked = await ann.say(dm, "why is the sky blue?")
        first = await answer(dm, "question 1", "why is the sky blue?")
        assert first.reference is asked
        assert not first.pinged
        await ann.say(dm, "and at night?", reply_to=first)
        await answer(dm, "question 2")
        await ann.say(dm, "and on Mars?")
        await answer(dm, "question 3")
        await dm.world.watch.until(
            lambda: not any("▌" in m.content for m in dm.messages), 15, lambda: "an end to progress"
        )
    assert walk.paid == [SAYS] * 3


async def test_a_picture_or_a_voice_goes_along(walk: Walk) -> None:
    """The picture sent or replied to is seen, the voice message is heard; what is neither is
    refused before it costs anything, and a message of nothing is nobody's question.
    """
    async with walk.bot():
        ann = walk.server.user("Ann")
        dm = ann.dm()
        fox = Attachment(picture(), "fox.png", "image/png")
        shown = await ann.say(dm, "what is this?", fox)
        await answer(dm, "1 picture")
        await ann.say(dm, "and its colour?", reply_to=shown)
        await answer(dm, "and its colour?", "1 picture")
        voice = Attachment(clips.speech("hello there", 1, "opus"), "voice-message.ogg", "audio/ogg")
        await ann.say(dm, "", voice)
        await answer(dm, "1 sound")
        calls = len(walk.paid)
        await ann.say(dm, "read this", Attachment(b"PK\x03\x04", "x.zip", "application/zip"))
        await dm.wait_message(says("picture"), 15)
        await ann.say(dm, "")
        await no_more(walk, calls)


async def test_in_a_server_the_bot_answers_who_mentions_it(walk: Walk) -> None:
    """Without its name, and with other people's in their place; everything else there is none of
    its business.
    """
    async with walk.bot():
        ann, general = walk.people()
        bob = walk.person("Bob", general)
        await ann.say(general, "what is a fox?")
        await ann.say(general, f"{bob.mention} look, what is a fox?")
        asked = await ann.say(general, f"{walk.server.bot.mention} what does {bob.mention} like?")
        first = await answer(general, "question 1", "what does @\u2060Bob like?")
        assert first.reference is asked
        assert first.pinged == [ann]
        await no_more(walk, 1)

        await bob.say(general, "nice", reply_to=first)
        await ann.say(general, "quite", reply_to=first, quietly=True)
        four = await grid(walk, ann, general)
        await ann.say(general, "lovely", reply_to=four)
        await no_more(walk, 2)
        await ann.say(general, "and at night?", reply_to=first)
        await answer(general, "question 2", "and at night?")
    assert walk.paid.count(SAYS) == 2


async def test_other_bots_and_itself_are_not_answered(walk: Walk) -> None:
    """Nor is a webhook, nor what Discord itself says."""
    async with walk.bot():
        ann, general = walk.people()
        robot = walk.person("Robot", general)
        robot.is_bot = True
        await robot.say(general, f"{walk.server.bot.mention} hello")
        told = await ann.say(general, f"{walk.server.bot.mention} hello")
        await answer(general, "hello")
        hook = told.wire() | {"id": "1", "webhook_id": "2", "guild_id": str(general.guild.id)}
        pinned = told.wire() | {"id": "3", "type": 6, "guild_id": str(general.guild.id)}
        broken = {"id": "4", "type": 0, "author": "nobody", "mentions": 5}
        for message in (hook, pinned, broken):
            walk.server.gateway.push("MESSAGE_CREATE", message, intents=1 << 9)
        await ann.slash(general, "ask", prompt="are you there?")
        await answer(general, "are you there?")
        await no_more(walk, 2)


async def test_a_message_told_again_is_answered_once(walk: Walk) -> None:
    """At once, after a resumed session, and after a restart."""
    async with walk.bot():
        ann = walk.server.user("Ann")
        dm = ann.dm()
        asked = await ann.say(dm, "why is the sky blue?")
        walk.server.redeliver(asked)
        await answer(dm, "sky")
        walk.server.disconnect()
        missed = await ann.say(dm, "and the grass?")
        await answer(dm, "grass")
        assert walk.server.gateway.resumes == 1
        walk.server.redeliver(asked)
    async with walk.bot():
        for each in (asked, missed):
            walk.server.redeliver(each)
        await no_more(walk, 2)
        assert len([m for m in dm.messages if "tokens" in m.content]) == 2


async def test_only_chosen_servers_are_served(walk: Walk) -> None:
    """With guild_ids there is nothing in direct messages and elsewhere, as with the commands."""
    club = walk.server.guild("Club")
    async with walk.bot(guild_ids=[str(club.id)]):
        ann, general = walk.people()
        room = club.channel("room")
        await ann.say(general, f"{walk.server.bot.mention} one")
        await ann.say(ann.dm(), "two")
        await ann.say(room, f"{walk.server.bot.mention} three")
        await answer(room, "three")
        await no_more(walk, 1)


async def test_what_is_wrong_is_told_aside(walk: Walk) -> None:
    """A question without words gets its sentence where only its person reads it, or in reply where
    they take no direct messages.
    """
    async with walk.bot():
        ann, general = walk.people()
        await ann.say(general, walk.server.bot.mention)
        await ann.dm().wait_message(says("Ask something"), 15)
        bob = walk.person("Bob", general)
        bob.close_dms()
        asked = await bob.say(general, walk.server.bot.mention)
        told = await general.wait_message(says("Ask something"), 15)
        assert told.reference is asked
    assert walk.paid == []


@pytest.mark.parametrize("point", ["event stored:after", "job stored:before", "ref stored:before"])
async def test_killed_after_it_was_heard_it_answers_once(point: str, tmp_path: Path) -> None:
    """Discord tells a message once; what was stored of it is enough."""
    async with House(Discord(), tmp_path) as house:
        stage = house.stage
        assert isinstance(stage, Discord)
        await house.begin()
        dm = stage.ann.dm()
        house.bot.order(point)
        asked = await stage.ann.say(dm, "why is the sky blue?")
        await house.bot.died(point)
        await house.begin()
        shown = await answer(dm, "why is the sky blue?")
        await house.idle()
        assert shown.reference is asked
        assert len([m for m in dm.messages if "tokens" in m.content]) == 1
        assert len(house.gateway.submits) == 1
        assert stage.violations == []
