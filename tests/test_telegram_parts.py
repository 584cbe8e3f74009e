"""Telegram's pure parts: what updates mean, how messages look, what refusals mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut

from adapters.telegram.door import MEDIA_STAYS, TEXT_STAYS, Slot, keeps, read_slot, shown
from adapters.telegram.events import command_of, invocation, picture_of, place_of
from adapters.telegram.faults import Failed, How, explained, gentler
from adapters.telegram.render import cut, keyboard, question, text_of, units
from adapters.telegram.transport import LostAnswerError, NotConnectedError, _status
from core.commands import COMMANDS
from core.errors import ChatGone, MaybeSent, MessageGone, Offline, SlowDown, TooBig
from core.i18n import translator
from core.messages import Button, Caller, Field, Form, Media, escape

KNOWN = {command.name: command for command in COMMANDS}


def message(text: str, **more: Any) -> dict[str, Any]:
    """A message in a private chat."""
    person = {"id": 7, "first_name": "Ann", "language_code": "en"}
    chat = {"id": 7, "type": "private"}
    return {"message_id": 3, "from": person, "chat": chat, "text": text, **more}


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("/imagine a fox", "imagine", "a fox"),
        ("/Imagine@Atelier_Bot\na fox\n--ar 3:2", "imagine", "a fox\n--ar 3:2"),
        ("/imagine", "imagine", ""),
        ("/start ref_1", "start", "ref_1"),
    ],
)
def test_a_command_is_what_stands_first(text: str, name: str, rest: str) -> None:
    found = command_of(message(text), "atelier_bot")
    assert found is not None
    assert (found.name, found.rest) == (name, rest)


@pytest.mark.parametrize(
    "text", ["/imagine@other a", "a /imagine b", "/", "/ımagine x", "/a-b c", ""]
)
def test_everything_else_is_none(text: str) -> None:
    assert command_of(message(text), "atelier_bot") is None


def test_a_link_that_starts_the_bot_asks_for_help_alone() -> None:
    """Whatever stands behind /start."""
    event = invocation("k", [message("/start --evil")], "b", KNOWN)
    assert event is not None
    assert (event.command, event.text) == ("help", "")


def photo(name: str) -> list[dict[str, Any]]:
    """A photo in two sizes."""
    return [
        {"file_id": f"{name}-small", "width": 1, "height": 1},
        {"file_id": name, "width": 9, "height": 9},
    ]


def files(event: Any) -> dict[str, Any]:
    """The ids of an invocation's files, by option."""

    def ids(value: Any) -> Any:
        return [v.id for v in value] if isinstance(value, list) else value.id

    assert event is not None
    return {name: ids(value) for name, value in event.values.items()}


@pytest.mark.parametrize(
    ("caption", "own", "replied", "found"),
    [
        ("/describe", ["a"], "r", {"image": "a"}),
        ("/describe", [], "r", {"image": "r"}),
        ("/describe", ["a", "b"], None, {"image": ["a", "b"]}),
        ("/imagine x", ["a", "b"], None, {"image": ["a", "b"]}),
        ("/tryon", ["a", "b"], None, {"person": "a", "garment": "b"}),
        ("/edit x", ["mask"], "r", {"image": "r", "mask": "mask"}),
        ("/transcribe", ["a"], None, {}),
    ],
)
def test_pictures_go_where_they_belong(
    caption: str, own: list[str], replied: str | None, found: dict[str, Any]
) -> None:
    """The message's own before the one replied to; one after the other where each has its name."""
    parts = [message("", photo=photo(name)) for name in own] or [message("")]
    parts[-1] |= {"caption": caption, "text": ""}
    if replied:
        parts[-1]["reply_to_message"] = message("", photo=photo(replied))
    assert files(invocation("k", parts, "b", KNOWN)) == found


def test_a_voice_message_is_written_down() -> None:
    voice = message("", voice={"file_id": "v"})
    event = invocation("k", [message("/transcribe", reply_to_message=voice)], "b", KNOWN)
    assert files(event) == {"sound": "v"}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"document": {"file_id": "d", "mime_type": "image/png"}}, "d"),
        ({"document": {"file_id": "d", "file_name": "a.png"}}, "d"),
        ({"document": {"file_id": "d", "mime_type": "application/octet-stream"}}, None),
        ({"document": {"file_id": "d", "mime_type": "video/mp4"}}, None),
        ({"sticker": {"file_id": "s"}}, "s"),
        ({"sticker": {"file_id": "s", "is_animated": True}}, None),
        ({"voice": {"file_id": "v"}}, None),
    ],
)
def test_pictures_come_in_several_shapes(content: dict[str, Any], found: str | None) -> None:
    picture = picture_of(message("", **content))
    assert (picture.id if picture else None) == found


def test_a_thread_counts_in_forums_alone() -> None:
    """Replies elsewhere carry a thread id nothing can be sent to."""
    assert place_of(message("", message_thread_id=5)).thread == ""
    assert place_of(message("", message_thread_id=5, is_topic_message=True)).thread == "5"


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (RetryAfter(7), SlowDown),
        (Forbidden("Forbidden: bot was blocked by the user"), ChatGone),
        (BadRequest("Chat not found"), ChatGone),
        (BadRequest("Topic_closed"), ChatGone),
        (BadRequest("Message to edit not found"), MessageGone),
        (BadRequest("File is too big"), TooBig),
        (NetworkError("Request Entity Too Large (413)"), TooBig),
        (BadRequest("Something new"), Offline),
        (NotConnectedError("refused"), Offline),
        (InvalidToken("Unauthorized"), Offline),
        (LostAnswerError("reset"), MaybeSent),
        (TimedOut(), MaybeSent),
        (NetworkError("Internal Server Error (500)"), Failed),
        (NetworkError("Bad Gateway"), Failed),
    ],
)
def test_errors_say_what_may_have_happened(error: Any, meaning: type[Exception]) -> None:
    """Only what certainly had no effect is `Offline`."""
    assert type(explained(error)) is meaning


def test_a_pause_is_taken_as_it_was_asked() -> None:
    found = explained(RetryAfter(7))
    assert isinstance(found, SlowDown)
    assert found.retry_after == 7.0


@pytest.mark.parametrize(
    ("words", "after"),
    [
        ("Image_process_failed", How(as_file=True)),
        ("Photo_invalid_dimensions", How(as_file=True)),
        ("Wrong type of the web page content", How(as_file=True)),
        ("Can't parse entities: offset beyond the end", How(plain=True)),
        ("Entity_mention_user_invalid", How(plain=True)),
        ("Button_url_invalid", How(buttons=1)),
        ("Message caption is too long", How(short=True)),
        ("Message thread not found", How(alone=True)),
        ("Message to be replied not found", How(alone=True)),
        ("Not enough rights to send photos to the chat", How(as_file=True)),
        ("Not enough rights to send text messages to the chat", None),
        ("Chat not found", None),
        ("Something new", How(as_file=True)),
    ],
)
def test_a_refusal_names_what_to_leave_out(words: str, after: How | None) -> None:
    assert gentler(How(), BadRequest(words)) == after


@given(st.lists(st.sampled_from(["image", "entities", "button", "too long", "reply", "?"])))
def test_refusals_end(words: list[str]) -> None:
    """Whatever is refused, at some point nothing is left to leave out."""
    how: How | None = How()
    steps = 0
    for word in [*words, *["?"] * 9]:
        how = gentler(how, BadRequest(word)) if how else None
        steps += how is not None
    assert how is None
    assert steps <= 6


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        (200, b'{"ok":true,"result":1}', 200),
        (200, b'{ "ok": true, "result": 1}', 200),
        (200, b'{"result":1,"ok":true}', 200),
        (200, b'{"ok":false,"error_code":429}', 429),
        (200, b'{"ok":false}', 502),
        (200, b"<html>", 502),
        (502, b"<html>", 502),
        (400, b'{"ok":false,"error_code":400}', 400),
    ],
)
def test_an_answer_means_what_its_body_says(status: int, body: bytes, meant: int) -> None:
    assert _status(status, body) == meant


@given(st.text(max_size=200), st.text(max_size=80), st.integers(5, 120))
def test_words_fit_and_their_marks_stay_inside(source: str, name: str, limit: int) -> None:
    """Any prompt and name, cut anywhere: every entity lies within the text."""
    text, entities = text_of(f"**{escape(source)}**", Caller("telegram", "7", name))
    text, entities = cut(text, entities, limit)
    assert len(text) <= limit
    assert all(0 < e.length and e.offset + e.length <= units(text) for e in entities)


def test_buttons_fold_into_rows_and_lose_what_is_refused() -> None:
    """Eight side by side; without colours and links when Telegram finds fault, then without all."""
    line = tuple(Button(label=str(n), token=f"t{n}", style="primary") for n in range(9))
    link = Button(label="web", url="https://a.example", row=1)
    full, bare = keyboard((*line, link)), keyboard((*line, link), 1)
    assert full is not None
    assert [len(row) for row in full.inline_keyboard] == [8, 1, 1]
    assert bare is not None
    assert [len(row) for row in bare.inline_keyboard] == [8, 1]
    assert all("style" not in b.to_dict() for row in bare.inline_keyboard for b in row)
    assert keyboard((*line, link), 0) is None


def test_a_question_says_what_is_kept() -> None:
    form = Form("Zoom", (Field("a", "How far", value="2"), Field("b", "Shape", required=False)))
    say = translator("en")
    assert "1/2 · How far" in question(say, form, 0)
    assert "> 2" in question(say, form, 0)
    assert "leave it out" in question(say, form, 1)


def test_an_edit_changes_a_picture_only_where_it_may() -> None:
    one, two = Media("a" * 64, "image/png", 1), Media("b" * 64, "image/png", 1)
    assert keeps(shown(one), one)
    assert not keeps(shown(one), two)
    assert not keeps("", one)
    assert keeps("", None)
    assert keeps(TEXT_STAYS, one)
    assert keeps(MEDIA_STAYS, two)


def test_a_press_travels_as_text() -> None:
    slot = Slot("1", "7", "5", "9")
    assert read_slot(slot.write()) == slot
    assert read_slot("m").query == ""
