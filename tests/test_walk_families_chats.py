"""Several pictures and songs on the chat platforms: an album, then the words and the buttons."""

from __future__ import annotations

from pathlib import Path

from tests import discord_house, telegram_house
from tests.telegram_house import labels, question, says

THREE = "/imagine a fox --model ideogram --count 3"


async def test_telegram_gets_an_album_and_one_message_with_the_buttons(tmp_path: Path) -> None:
    """Three pictures of one group, and the words with what can be pressed once."""
    async with telegram_house.world(tmp_path) as walk:
        async with walk.bot():
            ann, chat = walk.ann()
            await ann.say(chat, THREE)
            card = await chat.wait_message(says("Ideogram 3", "$0.18"), timeout=15)
            await chat.wait(lambda c: sum(bool(m.photo) for m in c.from_bot) == 3, 15)
            photos = [m for m in chat.from_bot if m.photo]
            assert len({m.media_group_id for m in photos}) == 1
            assert photos[0].media_group_id
            shown = [m for m in chat.from_bot if "💾 Full quality" in labels(m)]
            assert len(shown) == 1
            assert card in chat.from_bot
        walk.in_order()
        assert len(walk.paid) == 1


async def test_telegram_asks_where_a_song_goes_on(tmp_path: Path) -> None:
    """One question after the other; `-` keeps what the form knows."""
    async with telegram_house.world(tmp_path) as walk:
        async with walk.bot():
            ann, chat = telegram_house.studio(walk)
            await ann.say(chat, "/song a cheerful song about rain")
            card = await chat.wait_message(
                lambda m: any("Extend" in label for label in labels(m)), timeout=20
            )
            extend = next(label for label in labels(card) if "Extend" in label)
            await (await ann.press(card, extend)).wait_answer()
            first = await chat.wait_message(question("From which second", "12"))
            await ann.say(chat, "8", reply_to=first)
            for part in ("2/3", "3/3"):
                asked = await chat.wait_message(question(part))
                await ann.say(chat, "-", reply_to=asked)
            await chat.wait(lambda c: len(walk.paid) == 2, 15)
            assert walk.gateway.submits[-1].body["continue_at"] == 8.0
        walk.in_order()


async def test_discord_gets_all_pictures_in_one_message(tmp_path: Path) -> None:
    """Ten fit; the buttons stand below them."""
    async with discord_house.world(tmp_path) as walk:
        async with walk.bot():
            ann, general = walk.people()
            words = THREE.removeprefix("/imagine ")
            await ann.slash(
                general, "imagine", prompt=words.partition(" --")[0], model="ideogram", count=3
            )
            card = await general.wait_message(discord_house.says("Ideogram 3"), timeout=15)
            assert len(card.attachments) == 3
            assert discord_house.labels(card)
        walk.in_order()
        assert len(walk.paid) == 1
