"""Telegram's groups: privacy mode, topics, strangers, migration, chats that close."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.house import done
from tests.servers.telegram_people import GroupChat, Person
from tests.telegram_house import (
    Walk,
    grid,
    labels,
    picture,
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
        found.in_order()


def people(walk: Walk, group: GroupChat, *names: str) -> list[Person]:
    """Members of a group."""
    found = [walk.server.user(name) for name in names]
    for person in found:
        group.members[person.id] = person
    return found


async def test_in_a_group_with_privacy_mode_the_result_calls_its_requester(walk: Walk) -> None:
    """Commands of others are left alone; the result mentions one person and answers the command."""
    async with walk.bot():
        group = walk.server.group("Studio")
        (ann,) = people(walk, group, "Ann")
        await ann.say(group, "/imagine@other_bot a cat")
        await ann.say(group, "/foo bar")
        asked = await ann.say(group, "/imagine@atelier_bot a fox")
        four = await group.wait_message(result("a fox"), timeout=15)
        assert four.pinged == [ann]
        assert four.styled("text_mention") == ["Ann"]
        assert four.reply_to is asked
        await ann.press(four, "V2")
        varied = await group.wait_message(result("V2"), timeout=15)
        assert varied.reply_to is four
        assert four.words.startswith("Ann, ")
        await four.wait(lambda m: m.button("V2").raw.get("style") == "primary", 10)
        assert four.words.startswith("Ann, ")
    assert len(walk.paid) == 2


async def test_a_question_in_a_group_is_for_one_person(walk: Walk) -> None:
    """It is selective, also after a restart; another person's reply does nothing."""
    group = walk.server.group("Studio")
    ann, ben = people(walk, group, "Ann", "Ben")
    async with walk.bot():
        await ann.say(group, "/imagine")
        asked = await group.wait_message(question("What shall I draw?"))
        assert asked.force_reply is not None
        assert asked.force_reply["selective"]
        assert asked.pinged == [ann]
    async with walk.bot():
        await ben.say(group, "a dog", reply_to=asked)
        await ann.say(group, "a fox", reply_to=asked)
        four = await group.wait_message(result("a fox"), timeout=15)
        assert four.pinged == [ann]
    assert len(walk.paid) == 1


async def test_a_strangers_press_is_answered_to_them_alone(walk: Walk) -> None:
    """The refusal is the press's own answer, and nothing is written in the group."""
    async with walk.bot():
        group = walk.server.group("Studio")
        ann, ben = people(walk, group, "Ann", "Ben")
        four = await grid(walk, ann, group)
        seen = len(group.history)
        answer = await (await ben.press(four, "U2")).wait_answer()
        assert answer.alert
        assert "belongs to the person who asked" in answer.text
        assert len(group.history) == seen
    assert len(walk.paid) == 1


async def test_a_busy_group_keeps_no_press_waiting(walk: Walk) -> None:
    """The answer in the press itself is no message: it needs no room in the group."""
    async with walk.bot():
        group = walk.server.group("Studio")
        ann, ben = people(walk, group, "Ann", "Ben")
        four = await grid(walk, ann, group)
        for number in range(24):
            await ann.say(group, f"/nonsense{number}@atelier_bot")
        await until(lambda: len([m for m in group.history if says("There is no command")(m)]) > 9)
        await asyncio.sleep(2)  # now the others wait for room
        answer = await (await ben.press(four, "U2")).wait_answer()
        assert "belongs to the person who asked" in answer.text
    assert len(walk.paid) == 1


async def test_everything_stays_in_its_topic(walk: Walk) -> None:
    """Progress, result, question and the answer to a press are in the topic they belong to."""
    async with walk.bot():
        group = walk.server.group("Forum", forum=True)
        (ann,) = people(walk, group, "Ann")
        topic, other = group.topic("Foxes"), group.topic("Boats")
        four = await grid(walk, ann, topic)
        await ann.press(four, "U1", inaccessible=True)
        one = await topic.wait_message(result("U1"), timeout=15)
        await ann.say(topic, "/imagine")
        asked = await topic.wait_message(question("What shall I draw?"))
        await ann.say(topic, "a hen", reply_to=asked)
        await topic.wait_message(result("a hen"), timeout=15)
        zoom = next(label for label in labels(one) if "Custom" in label)
        await ann.press(one, zoom)
        await topic.wait_message(question("Custom zoom"))
        assert other.messages == [other.opener]
        assert all(m.topic is topic for m in group.from_bot)
    assert len(walk.paid) == 3


async def test_a_group_that_becomes_a_supergroup_gets_its_result(walk: Walk) -> None:
    """The running job follows, and new commands work there."""
    async with walk.bot():
        group = walk.server.group("Studio", basic=True)
        (ann,) = people(walk, group, "Ann")
        await ann.say(group, "/imagine a fox slow")
        await group.wait_message(says("Imagine"), timeout=10)
        grown = group.migrate()
        four = await grown.wait_message(result("a fox"), timeout=20)
        assert four.pinged == [ann]
        await ann.press(four, "U3")
        await grown.wait_message(result("U3"), timeout=15)
    assert len(walk.paid) == 2


@pytest.mark.parametrize("how", ["kicked", "no rights"])
async def test_a_result_for_a_closed_group_goes_to_its_requester(walk: Walk, how: str) -> None:
    async with walk.bot():
        group = walk.server.group("Studio")
        (ann,) = people(walk, group, "Ann")
        own = walk.server.private(ann)
        await ann.say(group, "/imagine a fox slow")
        await group.wait_message(says("Imagine"), timeout=10)
        if how == "kicked":
            group.remove_bot(ann)
        else:
            group.forbidden |= {"text", "photo", "document"}
        four = await own.wait_message(result("a fox"), timeout=20)
        await ann.press(four, "U1")
        await own.wait_message(result("U1"), timeout=15)
    assert len(walk.paid) == 2


async def test_a_group_without_pictures_gets_the_words_and_buttons(walk: Walk) -> None:
    """Where nobody opened a private chat, the result says where its picture can be seen."""
    async with walk.bot():
        group = walk.server.group("Words only")
        (ann,) = people(walk, group, "Ann")
        group.forbidden |= {"photo", "document"}
        await ann.say(group, "/imagine a fox")
        told = await group.wait_message(says("a fox", "may not send pictures"), timeout=15)
        assert labels(told)[:4] == ["U1", "U2", "U3", "U4"]
    assert len(walk.paid) == 1


async def test_an_album_in_a_group_with_privacy_mode_is_explained(walk: Walk) -> None:
    """Telegram hides all of it but the captioned part; an administrator sees it whole."""
    async with walk.bot():
        group = walk.server.group("Studio")
        (ann,) = people(walk, group, "Ann")
        two = [picture("red"), picture("blue")]
        await ann.album(group, two, caption="/blend")
        await group.wait_message(says("only the first picture of an album"))
        group.bot_is_admin = True
        await ann.album(group, two, caption="/blend")
        await group.wait_message(result("Blend"), timeout=15)
    assert len(walk.paid) == 1


async def test_who_writes_as_the_group_is_asked_to_write_as_themselves(walk: Walk) -> None:
    """Nobody can be asked to pay for it."""
    async with walk.bot():
        ann, group = studio(walk)
        asked = await ann.say(group, "/imagine a fox")
        await group.wait_message(result("a fox"), timeout=15)
        anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
        update = asked.wire() | {"from": anonymous, "sender_chat": group.wire()}
        walk.server.feed.push("message", update)
        await group.wait_message(says("cannot tell who you are"))
    assert len(walk.paid) == 1


async def test_words_in_a_prompt_do_nothing_on_telegram(walk: Walk) -> None:
    """Mentions ping nobody and markup shows as typed."""
    async with walk.bot():
        group = walk.server.group("Studio")
        ann, _ = people(walk, group, "Ann", "Ben")
        await ann.say(group, "/imagine fox @ben_t [a](tg://user?id=1) `c` *d* ||e||")
        four = await group.wait_message(result("fox"), timeout=15)
        assert four.pinged == [ann]
        assert "[a](tg:" in four.words.replace("\u2060", "")
        assert "*d*" in four.words


async def test_what_is_ones_own_business_is_said_in_the_private_chat(walk: Walk) -> None:
    """Where it is not begun yet, the group is told the way there and nothing else; what is run
    again comes where that was asked for.
    """
    async with walk.bot():
        group = walk.server.group("Studio")
        (ann,) = people(walk, group, "Ann")
        four = await grid(walk, ann, group)
        asked = await ann.say(group, "/jobs")
        told = await group.wait_message(says("for your eyes only"))
        assert told.reply_to is asked
        assert told.button("💬 Open our private chat").raw["url"].startswith("https://t.me/")
        own = walk.server.private(ann)
        await ann.say(own, "/start hello")
        await own.wait_message(says("/imagine"))
        seen = len(group.history)
        for words, answer in (
            ("/jobs", "a fox"),
            ("/settings", "Version"),
            ("/help imagine", "Draw four pictures"),
            ("/cancel zzz", "no job"),
            ("/forget", "Forgotten"),
        ):
            await ann.say(group, words)
            await own.wait_message(says(answer), timeout=15)
        assert not [m for m in group.history[seen:] if m.author.is_bot]
        job = next(e for e in four.words.split() if len(e) == 7 and e.isalnum() and e.islower())
        await ann.say(group, f"/again {job}")
        offered = await group.wait_message(says("Imagine", "It cost"))
        await ann.press(offered, labels(offered)[0])
        await group.wait_message(lambda m: result("a fox")(m) and m is not four, timeout=15)
    assert len(walk.paid) == 2


async def test_what_was_private_is_run_again_in_private(walk: Walk) -> None:
    """Asked for in a group it is offered in the private chat, and neither what was asked nor the
    new answer is seen in the group.
    """
    async with walk.bot():
        ann, own = walk.ann()
        _, group = studio(walk)
        await ann.say(own, "/ask where is my secret garden?")
        first = await own.wait_message(says("secret", "tokens"), timeout=60)
        await until(lambda: done(walk.folder))
        await ann.say(group, "/again")
        offered = await own.wait_message(says("secret", "It cost"), timeout=60)
        await ann.press(offered, labels(offered)[0])
        await own.wait_message(lambda m: m is not first and says("secret", "tokens")(m), timeout=60)
        assert not [m for m in group.from_bot if "secret" in m.words]


async def test_a_conversation_is_forgotten_where_that_was_said(walk: Walk) -> None:
    """The one in the group, though the answer comes in the private chat; that one goes on."""
    async with walk.bot():
        ann, own = walk.ann()
        _, group = studio(walk)
        group.members[ann.id] = ann
        await ann.say(own, "why is the sky blue?")
        await own.wait_message(says("question 1", "tokens"), timeout=15)
        await ann.say(group, "/ask what is a fox?")
        first = await group.wait_message(says("question 1", "tokens"), timeout=15)
        await ann.say(group, "/forget")
        await own.wait_message(says("Forgotten"), timeout=15)
        await ann.say(group, "/ask what is a hen?")
        await group.wait_message(
            lambda m: says("question 1", "tokens", "hen")(m) and m is not first, timeout=15
        )
        await ann.say(own, "and at night?")
        await own.wait_message(says("question 2", "tokens"), timeout=15)
