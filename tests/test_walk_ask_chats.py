"""Questions to language models in Telegram and Discord, on the strict pretend servers."""

from __future__ import annotations

import re

import pytest

from bot.sandbox import clips
from tests import discord_house, telegram_house
from tests.both import discord, telegram
from tests.house import done
from tests.servers.discord_files import Attachment
from tests.servers.telegram_faults import Fault

__all__ = ["discord", "telegram"]


def says(*words: str) -> object:
    """A message of the bot's that is no progress any more."""
    return lambda m: telegram_house.says(*words)(m) and "▌" not in m.words


async def test_plain_words_in_a_private_chat_are_a_question(telegram: telegram_house.Walk) -> None:
    """The next ones know of the first; the answer is a new message, the growing one goes."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        await ann.say(chat, "why is the sky blue?")
        first = await chat.wait_message(says("question 1", "tokens"), timeout=15)
        await ann.say(chat, "and at night?")
        await chat.wait_message(says("question 2"), timeout=15)

        assert first.labels
        await chat.wait(lambda c: not any("▌" in m.words for m in c.from_bot), 15)
    assert telegram.paid == ["/v1/chat/completions"] * 2


async def test_a_picture_with_words_in_a_private_chat_is_a_question_about_it(
    telegram: telegram_house.Walk,
) -> None:
    """Several as well; a file it cannot use is refused before anything costs."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        fox = telegram_house.picture()
        await ann.send_photo(chat, fox, caption="what is this?")
        await chat.wait_message(says("what is this?", "1 picture"), timeout=15)
        await ann.album(chat, [fox, telegram_house.picture("blue")], caption="and these?")
        await chat.wait_message(says("and these?", "2 picture"), timeout=15)
        await ann.send_document(chat, b"PK", filename="x.zip", caption="read this")
        await chat.wait_message(telegram_house.says("of no use to me"), timeout=10)
    assert len(telegram.paid) == 2


async def test_in_a_group_only_a_reply_to_the_answer_goes_on(telegram: telegram_house.Walk) -> None:
    """Words among people are none of the bot's business, and cost nothing."""
    async with telegram.bot():
        ann, group = telegram_house.studio(telegram)
        asked = await ann.say(group, "/ask why is the sky blue?")
        answer = await group.wait_message(says("question 1", "tokens"), timeout=15)
        await ann.say(group, "nice!", reply_to=asked)
        await ann.say(group, "and at night?", reply_to=answer)
        await group.wait_message(says("question 2", "and at night?"), timeout=15)
    assert len(telegram.paid) == 2


async def test_an_answer_for_ones_own_eyes_comes_in_the_private_chat(
    telegram: telegram_house.Walk,
) -> None:
    """The group reads neither the question's answer nor its progress."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        _, group = telegram_house.studio(telegram)
        group.members[ann.id] = ann
        await ann.say(group, "/ask --private what shall I give her?")
        await chat.wait_message(says("You asked", "tokens"), timeout=15)

        assert [m.words for m in group.from_bot if "You asked" in m.words] == []
        assert any("private chat" in m.words for m in group.from_bot)


async def test_a_voice_message_is_written_down_in_reply(telegram: telegram_house.Walk) -> None:
    """A voice note is called `.oga` by Telegram, which the service would refuse."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        voice = await ann.send_voice(chat, clips.speech("hello there", 1, "opus"))
        await chat.wait_message(telegram_house.says("What shall I do with it"), timeout=10)
        await ann.say(chat, "/transcribe", reply_to=voice)
        await chat.wait_message(says("This is what was said"), timeout=15)


@pytest.mark.parametrize("asked", ["/speak Good evening!", "/ask --voice yes Good evening!"])
async def test_what_is_said_aloud_is_a_voice_message(
    telegram: telegram_house.Walk, asked: str
) -> None:
    """Telegram gets opus, which it plays as a voice."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        await ann.say(chat, asked)
        said = await chat.wait_message(lambda m: m.author.is_bot and bool(m.file), timeout=15)
        assert said.media is not None
        assert said.media.kind == "voice"
        assert said.media.upload.data.startswith(b"OggS")


async def test_the_answer_comes_also_after_flood_waits(telegram: telegram_house.Walk) -> None:
    """Telegram asks for pauses while it grows and when it is done: it comes once, and whole."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        wait = {"status": 429, "description": "Too Many Requests: retry after 1", "retry_after": 1}
        telegram.server.faults.add(Fault("error", "editMessageText", times=2, **wait))
        await ann.say(chat, "/ask a slow story")
        await chat.wait_message(says("Ask"), timeout=15)
        telegram.server.faults.add(Fault("error", "sendMessage", times=2, **wait))
        await chat.wait_message(says("made in the sandbox", "tokens"), timeout=30)

        assert len([m for m in chat.from_bot if "tokens" in m.words]) == 1


async def test_a_long_answer_comes_whole(telegram: telegram_house.Walk) -> None:
    """In as many messages as it takes, also in a group's slower pace, and as a file."""
    async with telegram.bot():
        ann, group = telegram_house.studio(telegram)
        await ann.say(group, "/ask an essay please")
        await group.wait_message(says("Part 63", "tokens"), timeout=60)

        shown = "\n".join(m.words for m in group.from_bot if not m.deleted)
        assert all(f"print({n})" in shown for n in range(1, 64))
        assert any(m.document for m in group.from_bot)


async def test_a_private_answer_is_seen_by_its_person_alone(discord: discord_house.Walk) -> None:
    """Its progress too."""
    async with discord.bot():
        ann, general = discord.people()
        bob = discord.person("Bob", general)
        await ann.slash(general, "ask", prompt="what shall I give him?", private=True)
        answer = await general.wait_message(
            lambda m: "You asked" in m.content and "tokens" in m.content, timeout=15
        )

        assert answer.ephemeral
        opened = await ann.click(answer, "Continue")
        await opened.wait_ack()
        await ann.submit(opened, {"prompt": "and for her?"})
        more = await general.wait_message(
            lambda m: "question 2" in m.content and "tokens" in m.content, timeout=15
        )
        assert more.ephemeral
        assert not any("You asked" in m.content for m in general.log if bob.sees(m))


async def test_what_was_private_is_run_again_for_ones_own_eyes(discord: discord_house.Walk) -> None:
    """A question of the private chat, run again on a server."""
    async with discord.bot():
        ann, general = discord.people()
        dm = ann.dm()
        await ann.slash(dm, "ask", prompt="where is my secret garden?")
        first = await dm.wait_message(discord_house.says("secret", "tokens"), timeout=60)
        await telegram_house.until(lambda: done(discord.folder))
        number = re.findall(r"`(\w{7})`", first.content)[-1]
        await ann.slash(general, "again", job=number)
        offered = await general.wait_message(discord_house.says("secret", "It cost"), timeout=60)
        await ann.click(offered, discord_house.labels(offered)[0])
        answer = await general.wait_message(discord_house.says("secret", "tokens"), timeout=60)
        assert offered.ephemeral
        assert answer.ephemeral


async def test_a_sound_is_written_down_from_its_menu(discord: discord_house.Walk) -> None:
    """Apps > Transcribe on somebody's voice message; on a text it says that there is none."""
    async with discord.bot():
        ann, general = discord.people()
        voice = Attachment(clips.speech("hello there", 1, "opus"), "voice-message.ogg", "audio/ogg")
        heard = await ann.say(general, "", voice)
        await ann.menu(heard, "Transcribe")
        await general.wait_message(discord_house.says("This is what was said"), timeout=15)

        words = await ann.say(general, "hello")
        press = await ann.menu(words, "Transcribe")
        await general.wait_message(discord_house.says("nothing in that message"), timeout=10)
        assert press
    assert discord.paid == ["/v1/audio/transcriptions"]


async def test_a_long_answer_comes_whole_in_discord(discord: discord_house.Walk) -> None:
    """No code block is broken, nothing is cut off, and it is there as a file."""
    async with discord.bot():
        ann, general = discord.people()
        await ann.slash(general, "ask", prompt="an essay please")
        await general.wait_message(discord_house.says("Part 63", "tokens"), timeout=60)

        parts = [m for m in general.log if not m.deleted and "print(" in m.content]
        shown = "\n".join(m.content for m in parts)
        assert all(f"print({n})" in shown for n in range(1, 64))
        assert all(m.content.count("```") % 2 == 0 for m in parts)
        assert any(a.filename.endswith(".md") for m in general.log for a in m.attachments)
