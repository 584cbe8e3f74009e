"""Files on Discord: sizes, masks, covers, what is uploaded twice and what is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.discord_house import Walk, grid, labels, picture, pressed, result, says, world
from tests.servers.discord import Attachment

MIB = 1024 * 1024


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        found.in_order()


async def test_a_picture_over_the_limit_is_shown_smaller_and_kept_whole(walk: Walk) -> None:
    """Ten MiB are Discord's usual limit; the message says that it is smaller than the file."""
    async with walk.bot():
        ann, general = walk.people()
        await ann.slash(general, "imagine", prompt="a fox big")
        four = await general.wait_message(result("a fox"), timeout=20)
        assert four.attachments[0].size <= 10 * MIB
        assert "smaller" in four.content


async def test_a_boosted_servers_limit_is_used(walk: Walk) -> None:
    """The limit is the one Discord names with the interaction, and the file goes untouched."""
    async with walk.bot():
        boosted = walk.server.guild("Boosted", tier=2).channel("general")
        ann = walk.person("Ann", boosted)
        await ann.slash(boosted, "imagine", prompt="a fox big")
        four = await boosted.wait_message(result("a fox"), timeout=20)
        assert four.attachments[0].size > 11 * MIB


async def test_a_persons_own_plan_is_no_limit_of_the_bots(walk: Walk) -> None:
    """The interaction allows more than the channel does to the bot: its token is the way."""
    async with walk.bot():
        ann, general = walk.people()
        ann.upload_limit = 50 * MIB
        await ann.slash(general, "imagine", prompt="a fox big")
        four = await general.wait_message(result("a fox"), timeout=20)
        assert four.attachments[0].size > 11 * MIB
        assert four.by_webhook


async def test_a_limit_that_was_promised_and_is_not_kept(walk: Walk) -> None:
    """A whole request may have 25 MiB whatever the file limit says: it is found out by trying."""
    async with walk.bot():
        boosted = walk.server.guild("Boosted", tier=3).channel("general")
        ann = walk.person("Ann", boosted)
        await ann.slash(boosted, "imagine", prompt="a fox 30mb")
        four = await boosted.wait_message(result("a fox"), timeout=30)
        assert 0 < four.attachments[0].size < 25 * MIB
    assert len(walk.paid) == 1


async def test_spoilers_are_covered_and_stay_covered(walk: Walk) -> None:
    """Where they were asked for, also under what comes of them."""
    async with walk.bot():
        ann, general = walk.people()
        await ann.slash(general, "imagine", prompt="a fox", spoiler=True)
        four = await general.wait_message(result("a fox"), timeout=15)
        assert four.attachments[0].filename.startswith("SPOILER_")
        one = await pressed(walk, ann, four, "U1")
        assert one.attachments[0].filename.startswith("SPOILER_")


async def test_a_button_in_use_shows_it_without_a_second_upload(walk: Walk) -> None:
    """Changing a message's buttons keeps its file."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        kept = four.attachments[0].id
        await pressed(walk, ann, four, "V1")
        assert four.button("V1").style == 1
        assert four.attachments[0].id == kept
        edits = [c for c in walk.server.calls if c.method == "PATCH"]
        assert not any(call.uploads for call in edits if "@original" not in call.path)


async def test_a_mask_is_uploaded_in_the_window(walk: Walk) -> None:
    """Vary (Region): the window takes a file and a prompt."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        one = await pressed(walk, ann, four, "U1")
        region = next(label for label in labels(one) if "Region" in label)
        opened = await (await ann.click(one, region)).wait_ack()
        assert opened.modal is not None
        assert opened.modal.field("mask").type == 19
        await ann.submit(opened.modal, {"mask": picture("white"), "prompt": "a hat"})
        await general.wait_message(result("Region"), timeout=15)
    assert len(walk.paid) == 3


@pytest.mark.parametrize(
    ("name", "data"),
    [("note.txt", b"hello"), ("cut.png", picture()[:60]), ("empty.png", b"")],
    ids=["text", "cut off", "empty"],
)
async def test_what_is_no_picture_costs_nothing(walk: Walk, name: str, data: bytes) -> None:
    """One sentence, to the person alone."""
    async with walk.bot():
        ann, general = walk.people()
        asked = await ann.slash(general, "describe", image=Attachment(data, name))
        reply = await asked.wait_reply(timeout=10)
        assert reply.ephemeral
        assert reply.content
    assert walk.paid == []


async def test_an_embedded_picture_is_a_picture(walk: Walk) -> None:
    """A message that only shows a link's picture can be described too."""
    async with walk.bot():
        ann, general = walk.people()
        ben = walk.person("Ben", general)
        source = await ben.say(general, "", picture())
        url = walk.server.world.files.wire(source.attachments[0])["url"]
        said = await ben.say(general, "look")
        said.embeds = [{"type": "image", "url": url, "thumbnail": {"url": url}}]
        await ann.menu(said, "Describe image")
        await general.wait_message(lambda m: len(m.buttons) >= 5, timeout=15)
    assert len(walk.paid) == 1


async def test_imagine_without_words_asks_for_them(walk: Walk) -> None:
    """The question is for the person alone; what was given besides is kept."""
    async with walk.bot():
        ann, general = walk.people()
        asked = await (await ann.slash(general, "imagine", ar="3:2")).wait_reply(timeout=10)
        assert asked.ephemeral
        opened = await (await ann.click(asked, labels(asked)[0])).wait_ack()
        assert opened.modal is not None
        await ann.submit(opened.modal, {"prompt": "a castle"})
        await general.wait_message(result("a castle", "3\\:2"), timeout=15)
        await general.wait_message(says("castle"))
    assert len(walk.paid) == 1
