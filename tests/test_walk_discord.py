"""A person in Discord: asks, watches, presses, fills in, on the strict pretend server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.discord_house import Walk, grid, labels, picture, pressed, result, rows, says, world


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        found.in_order()


async def test_imagine_shows_progress_then_a_grid_with_midjourneys_buttons(
    tmp_path: Path,
) -> None:
    """The answer slot shows progress and goes; the grid is a new message naming its requester."""
    async with world(tmp_path, strict=True, pace=0.08) as walk:
        async with walk.bot():
            ann, general = walk.people()
            asked = await ann.slash(general, "imagine", prompt="a fox slow --ar 3:2")
            await asked.wait_ack()
            assert asked.ack_type == 5
            progress = await asked.wait_reply(says("%"), timeout=10)
            assert labels(progress) == ["Cancel"]

            picture = await general.wait_message(result("a fox"), timeout=15)
            assert rows(picture)[:2] == [["U1", "U2", "U3", "U4", "🔄"], ["V1", "V2", "V3", "V4"]]
            assert picture.pinged == [ann]
            assert picture.content.startswith(ann.mention)
            assert picture.attachments[0].data.startswith(b"\x89PNG")
            assert "a fox" in (picture.attachments[0].description or "")
            await walk.server.wait_call(lambda c: c.method == "DELETE")
        assert progress.deleted
        assert len(walk.paid) == 1
        walk.in_order()


async def test_a_second_press_on_u2_pays_nothing(walk: Walk) -> None:
    """U2 brings the picture in reply to the grid; again, the same picture."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        click = await (await ann.click(four, "U2")).wait_ack()
        assert click.ack_type == 6
        one = await general.wait_message(result("U2"), timeout=15)
        assert one.reference is four
        await walk.server.world.watch.until(
            lambda: four.button("U2").style == 1, 10, lambda: "U2 to show that it is in use"
        )
        assert four.button("U1").style == 2
        assert four.attachments

        await ann.click(four, "U2")
        twin = await general.wait_message(result("You pressed U2 before"), timeout=15)
        assert [a.data for a in twin.attachments] == [a.data for a in one.attachments]
    assert len(walk.paid) == 2


async def test_reroll_and_variation(walk: Walk) -> None:
    """🔄 and V3 each bring another grid."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        await pressed(walk, ann, four, "🔄")
        varied = await pressed(walk, ann, four, "V3")
        assert rows(varied)[1] == ["V1", "V2", "V3", "V4"]
    assert len(walk.paid) == 3


async def test_custom_zoom_is_a_window_and_its_answers_count_once(walk: Walk) -> None:
    """The window opens as the first answer; the same answers given twice pay once."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        one = await pressed(walk, ann, four, "U1")
        opened = await (await ann.click(one, "Custom Zoom")).wait_ack()
        assert opened.modal is not None
        assert opened.modal.title == "Custom zoom"
        assert opened.modal.field("zoom").value == "2"
        await ann.submit(opened.modal, {"zoom": "1.5"})
        zoomed = await general.wait_message(result("Custom Zoom"), timeout=20)
        assert zoomed.reference is one
        paid = len(walk.paid)
        again = await ann.submit(opened.modal, {"zoom": "1.5"})
        reply = await again.wait_reply(timeout=10)
        assert "before" in reply.content
    assert paid == len(walk.paid)


async def test_a_strangers_press_is_answered_to_them_alone(walk: Walk) -> None:
    """Buttons and forms belong to the person who asked."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        ben = walk.person("Ben", general)
        reply = await (await ben.click(four, "U2")).wait_reply(timeout=10)
        assert reply.ephemeral
        assert "belongs to the person who asked" in reply.content
    assert len(walk.paid) == 1


async def test_blend_takes_pictures_and_describe_gives_prompts(walk: Walk) -> None:
    """Attachments reach the gateway; four prompts come with a button each and one for all."""
    async with walk.bot():
        ann, general = walk.people()
        await ann.slash(general, "blend", image=picture(), image2=picture("blue"))
        mixed = await general.wait_message(result("Blend"), timeout=15)
        assert "U4" in labels(mixed)

        studio = walk.server.guild("Other").channel("studio")
        await ann.slash(studio, "describe", image=picture("green"))
        told = await studio.wait_message(lambda m: len(m.buttons) >= 5, timeout=15)
        assert all(f"{n}" in told.content for n in (1, 2, 3, 4))
    assert len(walk.paid) == 2


async def test_message_menus(walk: Walk) -> None:
    """A picture of somebody's message is described, imagined with or changed, or it has none."""
    async with walk.bot():
        ann, general = walk.people()
        ben = walk.person("Ben", general)
        said = await ben.say(general, "look", picture())
        await ann.menu(said, "Describe image")
        await general.wait_message(lambda m: len(m.buttons) >= 5, timeout=15)

        asked = await (await ann.menu(said, "Imagine with this image")).wait_reply(timeout=10)
        opened = await (await ann.click(asked, labels(asked)[0])).wait_ack()
        assert opened.modal is not None
        await ann.submit(opened.modal, {"prompt": "a castle"})
        await general.wait_message(result("a castle"), timeout=20)

        asked = await (await ann.menu(said, "Edit this image")).wait_reply(timeout=10)
        opened = await (await ann.click(asked, labels(asked)[0])).wait_ack()
        assert opened.modal is not None
        await ann.submit(opened.modal, {"prompt": "a red hat"})
        await general.wait_message(result("Edit", "a red hat"), timeout=20)

        plain = await ben.say(general, "only words")
        reply = await (await ann.menu(plain, "Describe image")).wait_reply()
        assert reply.ephemeral
        assert "nothing in that message" in reply.content
    assert len(walk.paid) == 3


async def test_show_jobs_again_cancel_help_and_settings(walk: Walk) -> None:
    """The small commands: private where they are about one's own things."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general)
        job = four.content.rpartition("`")[0].rpartition("`")[2]

        elsewhere = walk.server.guild("Other").channel("other")
        offered = await ann.autocomplete(elsewhere, "show", "job", "")
        assert [c["value"] for c in offered] == [job]
        shown = await (await ann.slash(elsewhere, "show", job=job)).wait_reply(timeout=10)
        assert rows(shown) == rows(four), shown.content

        third = walk.server.guild("Third").channel("third")
        listed = await (await ann.slash(third, "jobs")).wait_reply(timeout=10)
        assert listed.ephemeral
        assert job in listed.content
        helped = await (await ann.slash(third, "help")).wait_reply(timeout=10)
        assert helped.ephemeral
        assert "/imagine" in helped.content
        nothing = await (await ann.slash(third, "cancel")).wait_reply(timeout=10)
        assert nothing.ephemeral

        fourth = walk.server.guild("Fourth").channel("fourth")
        offer = await (await ann.slash(fourth, "again")).wait_reply(timeout=10)
        assert "$0.10" in labels(offer)[0]
        panel = await (await ann.slash(fourth, "settings", version="7")).wait_reply(timeout=10)
        assert panel.ephemeral
        assert panel.button("7").style == 3
        await ann.click(panel, "6.1")
        await walk.server.world.watch.until(
            lambda: panel.button("6.1").style == 3, 10, lambda: "the panel to show 6.1"
        )
    assert len(walk.paid) == 1


async def test_what_was_shown_is_done_though_something_is_left_to_clear(walk: Walk) -> None:
    """While the progress message still stands, /jobs and /again know that the result is there."""
    async with walk.bot():
        ann, general = walk.people()
        stuck = walk.server.hang("@original$", method="DELETE")
        await ann.slash(general, "imagine", prompt="a fox")
        await general.wait_message(result("a fox"), timeout=15)
        await stuck.wait_hit()
        third = walk.server.guild("Third").channel("third")
        listed = await (await ann.slash(third, "jobs")).wait_reply(timeout=10)
        assert "— done" in listed.content
        assert "Under way" not in listed.content
        offer = await (await ann.slash(third, "again")).wait_reply(timeout=10)
        assert "$0.10" in labels(offer)[0]
        stuck.cancel()
    assert len(walk.paid) == 1


async def test_cancel_button(walk: Walk) -> None:
    """The progress message's button stops a job, and the message says so."""
    async with walk.bot():
        ann, general = walk.people()
        asked = await ann.slash(general, "imagine", prompt="a fox stall")
        progress = await asked.wait_reply(says("%"), timeout=10)
        await ann.click(progress, "Cancel")
        await walk.server.world.watch.until(
            lambda: "ancelled" in progress.content or "topped" in progress.content,
            15,
            lambda: f"the end of it, not {progress.content!r}",
        )


async def test_in_direct_messages(walk: Walk) -> None:
    """A chat with the bot alone works the same and needs no mention."""
    async with walk.bot():
        ann = walk.server.user("Ann")
        await ann.slash(ann.dm(), "imagine", prompt="a boat")
        four = await ann.dm().wait_message(result("a boat"), timeout=15)
        assert ann.mention not in four.content


async def test_installed_by_a_person_where_the_bot_is_no_member(walk: Walk) -> None:
    """Everything goes by the interaction's token."""
    async with walk.bot():
        ann = walk.server.user("Ann", installed=True)
        four = await grid(walk, ann, walk.server.outside())
        await pressed(walk, ann, four, "U3")
    assert len(walk.paid) == 2


async def test_words_in_a_prompt_do_nothing_on_discord(walk: Walk) -> None:
    """Mentions ping nobody and markup shows as typed."""
    async with walk.bot():
        ann, general = walk.people()
        four = await grid(walk, ann, general, "fox")
        ben = walk.person("Ben", general)
        prompt = f"fail {ben.mention} @everyone ||x|| [a](https://b.example) `c` # d"
        await ann.slash(general, "imagine", prompt=prompt)
        sorry = await general.wait_message(says("fail", "charged"), timeout=20)
        assert sorry.pinged == [ann]
    assert four.pinged == [ann]
