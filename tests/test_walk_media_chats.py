"""Videos, songs and voices on Discord and Telegram: native, and made to fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import aiohttp
import av
import pytest

from tests import discord_house, telegram_house
from tests.both import discord, telegram
from tests.servers.telegram import Message
from tests.telegram_house import says, until

__all__ = ["discord", "telegram"]


def of(kind: str) -> Callable[[Message], bool]:
    """A message of the bot's that shows a file of a kind."""
    return lambda m: m.author.is_bot and m.media is not None and m.media.kind == kind


async def test_a_video_on_telegram(telegram: telegram_house.Walk) -> None:
    """It streams: its size, length and thumbnail are told with it."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        await ann.say(chat, "/video a boat on a river --model kling-v1-6 --seconds 5")
        meta = (await chat.wait_message(of("video"), timeout=20)).media.meta
        assert meta["duration"] == 5
        assert meta["width"] > meta["height"] > 0
        assert max(meta["thumbnail"]["width"], meta["thumbnail"]["height"]) <= 320


async def test_a_song_on_telegram(telegram: telegram_house.Walk) -> None:
    """Both takes are songs with name, artist, length and cover; their buttons follow."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        await ann.say(chat, "/song a cheerful song about rain")
        await chat.wait_message(lambda m: "Extend" in str(m.labels), timeout=20)
        songs = [m.media for m in chat.from_bot if of("audio")(m)]
        assert len(songs) == 2
        for song in songs:
            assert song.meta["title"]
            assert song.meta["performer"]
            assert song.meta["duration"] > 1
            assert song.meta["thumbnail"]["width"] > 0
            with av.open(str(song.upload.path)) as container:
                assert container.metadata["title"] == song.meta["title"]


async def test_spoken_words_on_telegram(telegram: telegram_house.Walk) -> None:
    """They come as a voice message, with their length."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        await ann.say(chat, "/speak Good evening!")
        voice = await chat.wait_message(of("voice"), timeout=20)
        assert voice.media.meta["duration"] >= 1


async def test_a_voice_message_on_telegram_is_written_down(telegram: telegram_house.Walk) -> None:
    """A reply to it with the command is enough."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        await ann.say(chat, "/speak Good evening!")
        voice = await chat.wait_message(of("voice"), timeout=20)
        data = voice.media.upload.data
        mine = await ann.send_voice(chat, data)
        await until(lambda: not telegram.server.feed.pending)
        await ann.say(chat, "/transcribe", reply_to=mine)
        await chat.wait_message(says("Transcript"), timeout=20)
        assert any("transcriptions" in path for path in telegram.paid)


def told(*words: str) -> Callable[[Any], bool]:
    """A finished answer on Discord that says all of `words`."""
    return lambda m: all(w in m.content for w in words) and "Cancel" not in str(m.rows)


async def test_a_video_over_discords_limit_comes_smaller(discord: discord_house.Walk) -> None:
    """As long as before, saying so; the untouched file is too big, and it is told where it is."""
    discord.server.world.limits.file_bytes = 60_000
    async with discord.bot():
        ann, general = discord.people()
        ann.upload_limit = 0
        await ann.slash(general, "video", prompt="a boat", model="kling-v1-6", seconds=5)
        shown = await general.wait_message(told("Video", "Shown smaller"), timeout=20)
        assert shown.attachments[0].filename.endswith(".mp4")
        assert shown.attachments[0].size <= 60_000
        await ann.click(shown, "Full quality")
        await general.wait_message(told("too big for this chat", "public_url"), timeout=10)


@pytest.mark.parametrize("public_url", ["", "https://atelier.example"])
async def test_a_video_that_would_be_worthless_when_smaller_comes_in_parts(
    discord: discord_house.Walk, public_url: str
) -> None:
    """Playable ones, one a message, the last with the buttons; a link is better than many."""
    most = discord.server.world.limits.file_bytes = 60_000
    async with discord.bot(public_url=public_url):
        ann, general = discord.people()
        ann.upload_limit = 0
        await ann.slash(general, "video", prompt="a boat", model="kling-v1-6", seconds=10)
        if public_url:
            await general.wait_message(told("too big for this chat", "Open it here"), timeout=30)
            return
        last = await general.wait_message(told("comes in parts"), timeout=30)
        parts = [m for m in general.messages if m.attachments]
        count = len(parts)
        assert 5 < count <= 10
        assert [m.content for m in parts[:-1]] == [f"Part {n} of {count}" for n in range(1, count)]
        assert f"Part {count} of {count}" in last.content
        assert parts[-1] is last
        assert last.pinged == [ann]
        length = 0.0
        for part in parts:
            assert part.attachments[0].size <= most
            with av.open(str(part.attachments[0].content), format="mp4") as film:
                length += (film.duration or 0) / 1e6
        assert length == pytest.approx(10, abs=0.5)
        await ann.click(last, "Full quality")
        await general.wait_message(told("too big for this chat", "public_url"), timeout=20)


async def test_what_cannot_be_made_to_fit_comes_as_a_link(discord: discord_house.Walk) -> None:
    """It leads to the file itself, for whoever has it."""
    discord.server.world.limits.file_bytes = 5_000
    async with discord.bot(public_url="https://atelier.example") as app:
        ann, general = discord.people()
        ann.upload_limit = 0
        await ann.slash(general, "video", prompt="a boat", model="kling-v1-6")
        shown = await general.wait_message(told("too big for this chat"), timeout=20)
        assert not shown.attachments
        path = re.search(r"https://atelier\.example(/files/[^)>]+)", shown.content)
        assert path is not None
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{app.address}{path[1]}") as answer,
        ):
            assert answer.headers["Content-Type"] == "video/mp4"
            assert len(await answer.read()) > 60_000
