"""A person in Telegram: types, watches, presses, on the strict pretend server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.telegram_house import Walk, grid, labels, picture, question, result, says, studio, world


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        found.in_order()


async def test_imagine_shows_progress_then_a_grid_with_midjourneys_buttons(walk: Walk) -> None:
    """The progress message has a Cancel button and goes; the grid answers the command."""
    async with walk.bot():
        ann, chat = walk.ann()
        asked = await ann.say(chat, "/imagine a fox slow --ar 3:2")
        progress = await chat.wait_message(says("%"), timeout=10)
        assert labels(progress) == ["✖️ Cancel"]
        four = await chat.wait_message(result("a fox"), timeout=15)
        assert four.labels[:2] == [["U1", "U2", "U3", "U4", "🔄"], ["V1", "V2", "V3", "V4"]]
        assert four.reply_to is asked
        assert four.photo is not None
        assert four.photo.startswith(b"\x89PNG")
        await progress.wait(lambda m: m.deleted)
    assert len(walk.paid) == 1


async def test_a_second_press_on_u2_pays_nothing(walk: Walk) -> None:
    """U2 brings the picture in reply to the grid and shows that it was used; again, the same."""
    async with walk.bot():
        ann, chat = walk.ann()
        four = await grid(walk, ann, chat)
        press = await ann.press(four, "U2")
        assert not (await press.wait_answer()).alert
        one = await chat.wait_message(result("U2"), timeout=15)
        assert one.reply_to is four
        await four.wait(lambda m: m.button("U2").raw.get("style") == "primary", 10)
        assert "style" not in four.button("U1").raw
        assert four.edits[-1].method == "editMessageCaption"

        await ann.press(four, "U2")
        twin = await chat.wait_message(result("You pressed U2 before"), timeout=15)
        assert twin.photo == one.photo
    assert len(walk.paid) == 2


async def test_full_quality_sends_the_untouched_file(walk: Walk) -> None:
    async with walk.bot():
        ann, chat = walk.ann()
        four = await grid(walk, ann, chat)
        await ann.press(four, "💾 Full quality")
        file = await chat.wait_message(lambda m: bool(m.document), timeout=10)
        assert file.document == four.photo
        assert file.reply_to is four


async def test_plain_imagine_asks_and_takes_the_reply(walk: Walk) -> None:
    """The question wants a reply; a text that replies to nothing counts in a private chat."""
    async with walk.bot():
        ann, chat = walk.ann()
        await ann.say(chat, "/imagine")
        asked = await chat.wait_message(question("What shall I draw?"))
        await ann.say(chat, "a fox --ar 3:2", reply_to=asked)
        await chat.wait_message(result("a fox"), timeout=15)

        await ann.say(chat, "/imagine")
        await chat.wait_message(lambda m: m.id > asked.id and question()(m))
        await ann.say(chat, "a boat")
        await chat.wait_message(result("a boat"), timeout=15)
        await ann.say(chat, "a castle", reply_to=asked)
        await chat.wait_message(says("answered already"))
    assert len(walk.paid) == 2


async def test_a_command_without_its_words_asks_for_them(walk: Walk) -> None:
    """What was sent along is kept until the answer comes; a tap in the menu is enough to begin."""
    async with walk.bot():
        ann, chat = walk.ann()
        await ann.send_photo(chat, picture(), caption="/edit")
        asked = await chat.wait_message(question("What shall be different"))
        await ann.say(chat, "a red hat", reply_to=asked)
        await chat.wait_message(result("Edit", "a red hat"), timeout=15)

        await ann.say(chat, "/complete")
        asked = await chat.wait_message(question("The beginning of a text"))
        await ann.say(chat, "once upon a time", reply_to=asked)
        await chat.wait_message(says("Complete", "once upon a time", "tokens"), timeout=15)
    assert len(walk.paid) == 2


async def test_a_file_of_no_use_is_told_so(walk: Walk) -> None:
    """No command is named that could do nothing with it."""
    async with walk.bot():
        ann, chat = walk.ann()
        await ann.send_document(chat, b"hello", filename="notes.txt", mime="text/plain")
        told = await chat.wait_message(says("of no use"))
        assert "reply to it" not in told.words
    assert not walk.paid


async def test_custom_zoom_asks_one_question_after_the_other(walk: Walk) -> None:
    """`-` keeps what is there; a value that cannot be is said, and all is asked again."""
    async with walk.bot():
        ann, chat = studio(walk)
        four = await grid(walk, ann, chat)
        await ann.press(four, "U1")
        one = await chat.wait_message(result("U1"), timeout=15)
        zoom = next(label for label in labels(one) if "Custom" in label)
        await (await ann.press(one, zoom)).wait_answer()
        first = await chat.wait_message(question("Custom zoom", "1/3"))
        await ann.say(chat, "9", reply_to=first)
        await ann.say(chat, "-", reply_to=await chat.wait_message(question("2/3")))
        await ann.say(chat, "-", reply_to=await chat.wait_message(question("3/3")))
        await chat.wait_message(says("from 1 to 2"))
        again = await chat.wait_message(lambda m: m is not first and question("1/3", "9")(m))
        await ann.say(chat, "1.5", reply_to=again)
        shape = await chat.wait_message(lambda m: m.id > again.id and question("2/3")(m))
        await ann.say(chat, "-", reply_to=shape)
        prompt = await chat.wait_message(lambda m: m.id > again.id and question("3/3")(m))
        await ann.say(chat, "-", reply_to=prompt)
        await chat.wait_message(result("Custom Zoom"), timeout=20)


async def test_pictures_come_with_captions_replies_and_albums(walk: Walk) -> None:
    """A caption, a reply to a picture, a file, and an album of three are all understood."""
    async with walk.bot():
        ann, chat = walk.ann()
        await ann.send_photo(chat, picture(), caption="/describe")
        told = await chat.wait_message(lambda m: len(labels(m)) >= 5, timeout=15)
        assert all(f"{n}" in told.words for n in (1, 2, 3, 4))

        sent = await ann.send_document(chat, picture("blue"))
        await chat.wait_message(says("What shall I do with it?"))
        await ann.say(chat, "/imagine a sea", reply_to=sent)
        await chat.wait_message(result("a sea"), timeout=15)
        assert walk.gateway.submits[-1].body["base64Array"]

        await ann.album(chat, [picture("red"), picture("green"), picture("blue")], caption="/blend")
        await chat.wait_message(result("Blend"), timeout=15)
        assert len(walk.gateway.submits[-1].body["base64Array"]) == 3
    assert len(walk.paid) == 3
