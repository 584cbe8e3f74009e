"""Earlier results found on Discord and Telegram: for one's own eyes, and in a shared chat."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from typing import Any

import pytest

from adapters.discord.events import open_channels
from tests import discord_house, telegram_house
from tests.both import discord, telegram
from tests.servers.discord_records import EXTERNAL_APPS, USUAL_PERMISSIONS
from tests.telegram_house import says, until

__all__ = ["discord", "telegram"]

FOX, BOAT = "a red fox in deep snow", "a sailing boat at night"
SECRET, VOICE = "a fox in my secret garden", "Good evening, dear foxes"
LATER = "Good night, dear foxes"


def sent(walk: Any) -> list[Any]:
    """What was asked for meanings, search by search."""
    return [s.body["input"] for s in walk.gateway.submits if s.path == "/v1/embeddings"]


def told(*words: str) -> Any:
    """A message of Discord's that says all of `words` and is no progress any more."""
    return lambda m: all(w in m.content for w in words) and "Cancel" not in str(m.rows)


def hidden(*words: str) -> Any:
    """The same, which one person alone sees."""
    return lambda m: m.ephemeral and told(*words)(m)


async def test_a_search_on_discord(discord: discord_house.Walk) -> None:
    """One's own and the server's results, for one's own eyes; another person's are to be looked at,
    what can be made of them is theirs.
    """
    async with discord.bot():
        ann, general = discord.people()
        ben = discord.person("Ben", general)
        staff, hall = general.guild.channel("staff"), general.guild.channel("hall")
        shut = {"id": str(general.guild.id), "type": 0, "allow": "0", "deny": str(1 << 10)}
        staff.overwrites.append(shut)
        await ben.slash(general, "imagine", prompt=FOX, model="flux-schnell")
        fox = await general.wait_message(told(FOX, "Schnell"), timeout=60)
        await ben.slash(general, "ask", prompt=f"why {SECRET}?", private=True)
        await general.wait_message(hidden("secret", "tokens"), timeout=60)
        await ben.slash(staff, "speak", text=SECRET)
        await staff.wait_message(told(SECRET, "GPT voice"), timeout=60)
        await ben.slash(hall, "speak", text=VOICE)
        await hall.wait_message(told(VOICE, "GPT voice"), timeout=60)
        await ann.slash(general, "imagine", prompt=BOAT, model="flux-schnell")
        await general.wait_message(told(BOAT, "Schnell"), timeout=60)

        await ann.slash(general, "find", words="a fox in the snow")
        found = await general.wait_message(hidden("Search", "tokens"), timeout=60)
        assert ann.sees(found)
        assert not ben.sees(found)
        assert sent(discord) == [["a fox in the snow", BOAT, VOICE, FOX]]
        assert "Ben" in found.content
        assert "secret" not in found.content

        await ann.click(found, "1")
        shown = await general.wait_message(hidden("Ben made this", FOX), timeout=60)
        assert ann.sees(shown)
        assert not ben.sees(shown)
        assert shown.attachments
        assert shown.buttons == []
        assert f"<@{ben.id}>" not in shown.content
        number = re.findall(r"`(\w{7})`", fox.content)[-1]
        await ann.slash(general, "show", job=number)
        await general.wait_message(hidden("You have no job"), timeout=60)

        await ann.slash(general, "find", words="good evening")
        evening = await general.wait_message(hidden("Search", VOICE, "tokens"), timeout=60)
        hall.overwrites.append(shut)
        await ann.click(evening, "1")
        await general.wait_message(hidden("not look any more"), timeout=60)


async def test_a_server_that_tells_nothing_of_itself(discord: discord_house.Walk) -> None:
    """Only one's own and the channel's results are found where the bot is no member."""
    async with discord.bot():
        outside = discord.server.outside()
        ann, ben = discord.person("Ann", outside), discord.person("Ben", outside)
        ann.installed = ben.installed = True
        await ben.slash(outside, "speak", text=VOICE)
        await outside.wait_message(told(VOICE, "GPT voice"), timeout=60)
        await ann.slash(outside, "find", words="foxes")
        await outside.wait_message(hidden("Search", VOICE, "by Ben"), timeout=60)


async def test_what_a_server_showed_to_one_person_alone(discord: discord_house.Walk) -> None:
    """Nobody else finds it, nor what its buttons made, though nobody asked for it to be hidden."""
    async with discord.bot():
        guild = discord.server.guild("Quiet", bot_is_member=False)
        quiet = guild.channel("general", app_permissions=USUAL_PERMISSIONS & ~EXTERNAL_APPS)
        ann, ben = discord.person("Ann", quiet), discord.person("Ben", quiet)
        ann.installed = ben.installed = True
        await ann.slash(quiet, "imagine", prompt=FOX)
        four = await quiet.wait_message(discord_house.result("Imagine", FOX), timeout=60)
        assert not ben.sees(four)
        await ann.click(four, "V1")
        await quiet.wait_message(discord_house.result("V1"), timeout=60)
        await ben.slash(quiet, "find", words="fox")
        await quiet.wait_message(hidden("nothing to find yet"), timeout=60)
        await ann.slash(quiet, "find", words="fox")
        await quiet.wait_message(hidden("Search", FOX), timeout=60)


OPEN, SHUT = str(1 << 10), "0"


@pytest.mark.parametrize(
    ("everyone", "rules", "more", "reads"),
    [
        (OPEN, [], {}, True),
        (SHUT, [], {}, False),
        (SHUT, [("1", OPEN, "0")], {}, True),
        (OPEN, [("1", "0", OPEN)], {}, False),
        (OPEN, [("9", "0", OPEN)], {}, False),
        (OPEN, [("9", OPEN, "0")], {}, True),
        (SHUT, [("9", OPEN, "0")], {}, False),
        (OPEN, [], {"nsfw": True}, False),
        (OPEN, None, {}, True),
    ],
)
def test_which_channels_everybody_reads(
    everyone: str, rules: Any, more: dict[str, Any], reads: bool
) -> None:
    """Those that nobody is shut out of; one that is for some alone, or for adults, is none."""
    found = rules and [dict(zip(("id", "allow", "deny"), rule, strict=True)) for rule in rules]
    roles = [{"id": "1", "permissions": everyone}, {"id": "9", "permissions": OPEN}]
    channel = {"id": "5", "permission_overwrites": found, **more}
    assert open_channels("1", roles, [channel]) == (["5"] if reads else [])


async def test_ones_own_results_come_back_with_their_buttons_on_discord(
    discord: discord_house.Walk,
) -> None:
    """Wherever they were made; to nobody but oneself, until /show."""
    async with discord.bot():
        ann, general = discord.people()
        aside = general.guild.channel("aside")
        await discord_house.grid(discord, ann, general, FOX)
        await ann.slash(aside, "find", words="fox")
        found = await aside.wait_message(hidden("Search", FOX), timeout=60)
        await ann.click(found, "1")
        shown = await aside.wait_message(
            lambda m: bool(m.attachments) and hidden("Imagine", FOX)(m), timeout=60
        )
        assert "U1" in discord_house.labels(shown)
        assert "made this" not in shown.content
        assert len(discord.paid) == 2


async def test_a_search_in_a_private_chat_on_telegram(telegram: telegram_house.Walk) -> None:
    """The list comes with a button each; a press brings the picture."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        await ann.say(chat, "/find a fox")
        await chat.wait_message(says("nothing to find yet"), timeout=60)
        await telegram_house.grid(telegram, ann, chat, FOX)
        await ann.say(chat, "/find a fox in the snow")
        found = await chat.wait_message(says("Search", FOX, "tokens"), timeout=60)
        before = len(telegram_house.pictures(chat))
        await ann.press(found, telegram_house.labels(found)[0])
        await until(lambda: len(telegram_house.pictures(chat)) == before + 1, 60)
        assert sent(telegram) == [["a fox in the snow", FOX]]


async def test_a_search_run_again_sees_what_may_be_seen_now(discord: discord_house.Walk) -> None:
    """Not what could be seen where it was first run: elsewhere only one's own results are found,
    and what was made here since is found here.
    """
    async with discord.bot():
        ann, general = discord.people()
        ben = discord.person("Ben", general)
        await ben.slash(general, "speak", text=VOICE)
        await general.wait_message(told(VOICE, "GPT voice"), timeout=60)
        await ann.slash(general, "speak", text=BOAT)
        await general.wait_message(told(BOAT, "GPT voice"), timeout=60)
        await ann.slash(general, "find", words="foxes")
        found = await general.wait_message(hidden("Search", VOICE, "by Ben"), timeout=60)
        number = re.findall(r"`(\w{7})`", found.content)[-1]
        await ben.slash(general, "speak", text=LATER)
        await general.wait_message(told(LATER, "GPT voice"), timeout=60)

        dm = ann.dm()
        await ann.slash(dm, "again", job=number)
        offered = await dm.wait_message(told("Search", "It cost"), timeout=60)
        await ann.click(offered, discord_house.labels(offered)[0])
        alone = await dm.wait_message(told("Search", "tokens"), timeout=60)
        assert "Ben" not in alone.content
        await ann.slash(general, "again", job=number)
        offered = await general.wait_message(hidden("Search", "It cost"), timeout=60)
        await ann.click(offered, discord_house.labels(offered)[0])
        await general.wait_message(hidden("Search", LATER, "by Ben", "tokens"), timeout=60)
        assert sent(discord) == [["foxes", BOAT, VOICE], ["foxes"], ["foxes", LATER]]


async def test_a_search_in_a_group_on_telegram(telegram: telegram_house.Walk) -> None:
    """It is answered in the private chat; what Ben made in his own is not found."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        _, group = telegram_house.studio(telegram)
        ben = telegram.server.user("Ben")
        group.members[ben.id] = ben
        his = telegram.server.private(ben)
        await ben.say(his, f"/speak {SECRET}")
        await his.wait_message(lambda m: m.author.is_bot and bool(m.file), timeout=60)
        await ben.say(group, f"/imagine {FOX} --model flux-schnell")
        await group.wait_message(lambda m: bool(m.photo) and says(FOX)(m), timeout=60)

        await ann.say(group, "/find a fox in the snow")
        found = await chat.wait_message(says("Search", FOX, "by Ben"), timeout=60)
        assert sent(telegram) == [["a fox in the snow", FOX]]
        assert [m.words for m in group.from_bot if "Search" in m.words] == []
        await ann.press(found, telegram_house.labels(found)[0])
        shown = await chat.wait_message(lambda m: bool(m.photo), timeout=60)
        assert "Ben made this" in shown.words
        assert telegram_house.labels(shown) == []
        del group.members[ann.id]
        refused = await ann.press(found, telegram_house.labels(found)[0])
        assert "not look any more" in str((await refused.wait_answer()).text)
        group.members[ann.id] = ann

        await ann.say(chat, "/find a fox in the snow")
        await chat.wait_message(says("nothing to find yet"), timeout=60)


def made_in(walk: telegram_house.Walk, group: Any) -> int:
    """How many jobs the store has of a group."""
    with contextlib.closing(sqlite3.connect(walk.folder / "atelier.db")) as store:
        query = "SELECT count(*) FROM jobs WHERE shared = ?"
        return int(store.execute(query, [f"telegram:{group.id}"]).fetchone()[0])


async def test_a_group_that_becomes_a_supergroup_keeps_what_it_made(
    telegram: telegram_house.Walk,
) -> None:
    """Its id is another one; its people find their results all the same."""
    async with telegram.bot():
        ann, chat = telegram.ann()
        group = telegram.server.group("Studio", basic=True)
        ben = telegram.server.user("Ben")
        group.members |= {ann.id: ann, ben.id: ben}
        await ben.say(group, f"/imagine {FOX} --model flux-schnell")
        await group.wait_message(lambda m: bool(m.photo) and says(FOX)(m), timeout=60)
        grown = group.migrate()
        await until(lambda: made_in(telegram, grown), 60)
        await ann.say(grown, "/find a fox in the snow")
        await chat.wait_message(says("Search", FOX, "by Ben"), timeout=60)
