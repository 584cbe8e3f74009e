"""Suno: what it is asked, and every state of its tasks and takes, as the contract prints them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import (
    BadInput,
    Busy,
    GatewayError,
    Moderated,
    NotThere,
    OutOfCredit,
    Refused,
    Spent,
)
from core.providers.base import Failed, Progress, Remote, Request, Result, Ticket
from core.providers.suno import LYRICS, MUSIC, Suno
from core.wire import Answer

suno = Suno()
IDEA = Request("chirp-v3-5", "song", "a cheerful song about a pig")
ABOUT = Request("suno-lyrics", "lyrics", "a pig")
TICKET = Ticket("suno", "task-1", MUSIC)
STREAM = "https://audiopipe.suno.ai/?item_id=c1"
FILE = "https://cdn1.suno.ai/c1.mp3"
COVER = "https://cdn1.suno.ai/image_c1.png"
SUNG = "[Verse]\nPig\n\n[Chorus]\nOh\nno\nthe\npig\nis\ngone"


def take(
    status: str = "complete", url: str = FILE, *, name: str = "c1", **about: Any
) -> dict[str, Any]:
    return {
        "id": name,
        "title": "Pig",
        "status": status,
        "audio_url": url,
        "video_url": "",
        "image_url": COVER,
        "image_large_url": None,
        "model_name": "chirp-v3",
        "metadata": {
            "tags": "pop",
            "prompt": SUNG,
            "duration": 120.4 if status == "complete" else None,
            "error_type": None,
            "error_message": None,
            **about,
        },
    }


BROKEN = take(
    "error", "", name="c2", error_type="moderation_failure", error_message="lyrics held back"
)


def task(status: str, data: Any = None, **more: Any) -> dict[str, Any]:
    inner = {
        "task_id": "task-1",
        "notify_hook": "",
        "action": "MUSIC",
        "status": status,
        "fail_reason": "",
        "submit_time": 1716191749,
        "start_time": 1716191786,
        "finish_time": 0,
        "progress": "0%",
        "data": data,
        **more,
    }
    return {"code": "success", "message": "", "data": inner}


def read(body: Any, request: Request = IDEA, status: int = 200) -> Any:
    return suno.read(TICKET, request, Answer(status, body))


def asked(prompt: str, **options: Any) -> Any:
    return suno.call(Request("chirp-v3-5", "song", prompt, options=options)).json


# -- asking ----------------------------------------------------------------------------------------


def test_an_idea_is_one_field() -> None:
    """Lyrics, style and title come by themselves."""
    assert asked("a cheerful song about a pig") == {
        "gpt_description_prompt": "a cheerful song about a pig",
        "make_instrumental": False,
        "mv": "chirp-v3-5",
    }
    assert asked("a pig", instrumental=True)["make_instrumental"] is True


def test_own_words_have_style_and_title() -> None:
    """And no idea besides."""
    assert asked("[Verse]\nPig", lyrics=True, tags="pop, happy", title="Pig") == {
        "prompt": "[Verse]\nPig",
        "tags": "pop, happy",
        "title": "Pig",
        "make_instrumental": False,
        "mv": "chirp-v3-5",
    }
    assert asked("", tags="pop", instrumental=True)["prompt"] == ""


def test_a_continuation_names_task_clip_and_second() -> None:
    """Always all three."""
    body = asked("[Verse 2]", clip="c1", task="t1", tags="pop", title="Pig 2", **{"from": 61.5})
    assert (body["task_id"], body["continue_clip_id"], body["continue_at"]) == ("t1", "c1", 61.5)
    assert (body["prompt"], body["tags"], body["title"]) == ("[Verse 2]", "pop", "Pig 2")


def test_lyrics_are_asked_for_by_their_subject() -> None:
    """On a path of their own."""
    call = suno.call(ABOUT)
    assert (call.path, call.json) == (LYRICS, {"prompt": "a pig"})


@pytest.mark.parametrize(
    ("prompt", "options"),
    [
        (" ", {}),
        ("", {"tags": "pop"}),
        ("x" * 3001, {"lyrics": True, "tags": "pop"}),
        ("words", {"lyrics": True, "tags": "p" * 201}),
    ],
)
def test_what_cannot_be_sung_is_refused_before_money_moves(
    prompt: str, options: dict[str, Any]
) -> None:
    """Nothing to sing, or more than this model takes."""
    with pytest.raises(BadInput):
        asked(prompt, **options)


def test_newer_models_take_more() -> None:
    """5,000 characters of words, 1,000 of style."""
    options = {"lyrics": True, "tags": "p" * 1000}
    assert suno.call(Request("chirp-crow", "song", "x" * 5000, options=options))


# -- the submit's answer ---------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["task_9", {"task_id": "task_9"}])
def test_the_id_is_a_text_or_in_an_object(data: Any) -> None:
    """The path it was made on goes with it."""
    answer = Answer(200, {"code": "success", "message": "", "data": data})
    assert suno.accept(IDEA, answer) == Ticket("suno", "task_9", MUSIC)
    assert suno.accept(ABOUT, answer) == Ticket("suno", "task_9", LYRICS)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "spent"),
    [
        (400, "invalid_request", "prompt_empty", Refused, Spent.NO),
        (400, "invalid_request", "task id is empty", Refused, Spent.NO),
        (400, "invalid_action", "invalid_action", Refused, Spent.NO),
        (403, "quota_not_enough", "quota_not_enough", OutOfCredit, Spent.NO),
        (429, "x", "当前分组上游负载已饱和，请稍后再试", Busy, Spent.NO),
        (400, "sensitive_words_detected", "sensitive words", Moderated, Spent.NO),
        (500, "do_request_failed", "do_request_failed", GatewayError, Spent.UNKNOWN),
        (200, "success", "", GatewayError, Spent.UNKNOWN),
        (200, "fail", "no accounts", Refused, Spent.NO),
    ],
)
def test_refusals(
    status: int, code: str, message: str, kind: type[GatewayError], spent: Spent
) -> None:
    """Shape C; a yes without an id leaves open what was spent."""
    with pytest.raises(kind) as caught:
        suno.accept(IDEA, Answer(status, {"code": code, "message": message, "data": None}))
    assert caught.value.spent is spent


# -- looking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "percent", "started"),
    [
        (task("NOT_START"), 0, False),
        (task("SUBMITTED", progress=""), None, False),
        (task("QUEUED", progress=None), None, False),
        (task("IN_PROGRESS", progress="45%"), 45, True),
        (task("IN_PROGRESS", [take("submitted", ""), take("queued", "", name="c2")]), 0, True),
        (task("IN_PROGRESS", [take("streaming", STREAM)], progress="100%"), 99, True),
        (task("SOMETHING_NEW"), 0, True),
        (task("SUCCESS", None), 99, True),
        (task("SUCCESS", []), 99, True),
        (task("SUCCESS", [take("streaming", STREAM)] * 2), 99, True),
        (task("SUCCESS", [take(), take("streaming", STREAM, name="c2")]), 99, True),
        (task("SUCCESS", [take(), take("complete", STREAM, name="c2")]), 99, True),
        (task("SUCCESS", [take(), take("complete", "", name="c2")]), 99, True),
        (task("SUCCESS", [BROKEN, take("streaming", STREAM)]), 99, True),
    ],
)
def test_under_way(body: Any, percent: int | None, started: bool) -> None:
    """A finished task is still under way while a take is only a stream."""
    outcome = read(body)
    assert isinstance(outcome, Progress)
    assert (outcome.percent, outcome.started) == (percent, started)


def test_both_takes_with_all_that_is_known_of_them() -> None:
    """File, title, cover and length; and a button each that goes on from it."""
    result = read(task("SUCCESS", [take(), {**take(name="c2"), "image_large_url": COVER + "L"}]))
    assert isinstance(result, Result)
    assert result.media == (
        Remote(FILE, "audio", "Pig", "Suno", COVER, 120.4),
        Remote(FILE, "audio", "Pig", "Suno", COVER + "L", 120.4),
    )
    assert [invite.key for invite in result.invites] == ["extend:1", "extend:2"]
    assert not result.facts["remarks"]


def test_takes_are_shown_once_and_in_the_order_they_came() -> None:
    """One that is told of twice counts as what it is when it is finished."""
    second = {**take(name="c2"), "title": "Pig 2"}
    rows = [second, take("streaming", STREAM), None, take(), second]
    result = read(task("SUCCESS", rows))

    assert isinstance(result, Result)
    assert [one.title for one in result.media] == ["Pig 2", "Pig"]


@pytest.mark.parametrize("name", ["c1", None])
def test_takes_printed_as_a_text(name: str | None) -> None:
    """Some gateways hand on what they have stored; without its number no take can be continued."""
    result = read(task("SUCCESS", json.dumps([{**take(), "id": name}])))

    assert isinstance(result, Result)
    assert [one.url for one in result.media] == [FILE]
    assert len(result.invites) == (1 if name else 0)


def test_the_beginning_of_the_lyrics_is_shown_and_all_of_them_kept() -> None:
    """Not where they are the person's own: those stand above already."""
    result = read(task("SUCCESS", [take(), take()]))
    assert result.text.splitlines()[-1] == "…"
    assert len(result.text.splitlines()) == 7
    assert result.facts["lyrics"] == SUNG
    own = Request("chirp-v3-5", "song", SUNG, options={"lyrics": True})
    assert read(task("SUCCESS", [take(), take()]), own).text == ""


def told(result: Result) -> str:
    ((text, values),) = result.facts["remarks"]
    return str(text.format(**values))


def test_one_take_failed_and_that_is_explained() -> None:
    """The other is the result."""
    result = read(task("SUCCESS", [BROKEN, take()]))
    assert len(result.media) == len(result.invites) == 1
    assert told(result) == "1 of 2 takes failed: moderation failure: lyrics held back"
    silent = take("error", "", name="c2")
    assert "gave no reason" in told(read(task("SUCCESS", [take(), silent])))
    by_type = take("error", "", name="c2", error_type="moderation_failure")
    assert told(read(task("SUCCESS", [by_type, take()]))).endswith("moderation failure")


@pytest.mark.parametrize(
    ("body", "kind", "words", "spent"),
    [
        (task("FAILURE", fail_reason="no more credits", progress="100%"), Refused, "credits", "no"),
        (task("FAILURE"), Refused, "no reason", "no"),
        (task("FAILURE", [BROKEN, BROKEN]), Moderated, "content", "no"),
        (task("UNKNOWN"), Refused, "no reason", "no"),
        (task("unknown", fail_reason="lost"), Refused, "lost", "no"),
        (task("SUCCESS", [BROKEN, BROKEN]), Moderated, "content", "yes"),
        (task("SUCCESS", [take("error", "")] * 2), Refused, "no reason", "yes"),
        (task("FAILURE", fail_reason="任务超时"), GatewayError, "lost track", "unknown"),
    ],
)
def test_failures(body: Any, kind: type[GatewayError], words: str, spent: str) -> None:
    """Failed tasks are refunded; one that is a success by its own word is not."""
    outcome = read(body)
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.reason, kind)
    assert words in str(outcome.reason)
    assert outcome.reason.spent.value == spent


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"code": "task_not_exist", "message": "task_not_exist", "data": None}, NotThere),
        (200, {"code": "success", "message": "", "data": None}, GatewayError),
        (500, {"code": "fail_to_fetch_task", "message": "x", "data": None}, GatewayError),
        (502, "<html></html>", GatewayError),
        (429, "", GatewayError),
    ],
)
def test_a_look_that_failed_says_nothing_of_the_job(
    status: int, body: Any, kind: type[GatewayError]
) -> None:
    """It is tried again."""
    with pytest.raises(kind) as caught:
        read(body, status=status)
    assert caught.value.again


def test_many_tasks_are_asked_for_at_once() -> None:
    """Those that the list leaves out are left out; an empty list may be null."""
    call = suno.look_many([TICKET, Ticket("suno", "task-2", MUSIC)])
    assert (call.path, call.reads) == ("/suno/fetch", True)
    assert call.json == {"ids": ["task-1", "task-2"], "action": "MUSIC"}
    assert suno.look_many([Ticket("suno", "x", LYRICS)]).json["action"] == "LYRICS"
    rows = [task("SUCCESS", [take(), take()])["data"], {"status": "QUEUED"}, None]
    found = suno.read_many(Answer(200, {"code": "success", "message": "", "data": rows}))
    assert list(found) == ["task-1"]
    assert isinstance(suno.read(TICKET, IDEA, found["task-1"]), Result)
    for empty in (None, []):
        assert suno.read_many(Answer(200, {"code": "success", "data": empty})) == {}


# -- lyrics ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["IN_PROGRESS", "SUCCESS"])
def test_what_is_finished_is_there_when_the_time_is_over(status: str) -> None:
    """A take that stays a stream keeps nobody from the other one; it is said that it is missing,
    and only the one that is there can be continued.
    """
    found = read(task(status, [take(), take("streaming", STREAM, name="c2")]))
    assert isinstance(found, Progress)
    assert found.rest is None
    assert found.part is not None
    assert [one.url for one in found.part.media if isinstance(one, Remote)] == [FILE]
    ((words, counts),) = found.part.facts["remarks"]
    assert "not get finished in time" in words
    assert counts == {"n": 1, "of": 2}
    assert [invite.key for invite in found.part.invites] == ["extend:1"]


def test_of_takes_that_are_all_streams_or_broken_nothing_is_there() -> None:
    """Also not when the time is over."""
    for takes in ([take("streaming", STREAM)] * 2, [BROKEN, take("streaming", STREAM)], None):
        found = read(task("IN_PROGRESS", takes))
        assert isinstance(found, Progress)
        assert found.part is None


WORDS = {"id": "l1", "text": SUNG, "title": "Pig", "status": "complete"}


@pytest.mark.parametrize("data", [WORDS, [WORDS], json.dumps(WORDS)])
def test_lyrics_and_the_button_that_sings_them(data: Any) -> None:
    """An object, or a list of one; the form asks for a style and knows the title."""
    result = read(task("SUCCESS", data, action="LYRICS"), ABOUT)
    assert result.text == f"Pig\n\n{SUNG}"
    (sing,) = result.invites
    assert [(field.name, field.value) for field in sing.form.fields] == [
        ("tags", ""),
        ("title", "Pig"),
    ]
    filled = suno.fill(sing.request, {"tags": "pop", "title": ""})
    body = suno.call(filled).json
    assert (body["prompt"], body["tags"], body["title"]) == (SUNG, "pop", "Pig")


@pytest.mark.parametrize("data", [None, [], {}, {"status": "complete", "text": ""}])
def test_lyrics_that_are_not_there_yet(data: Any) -> None:
    """Another look."""
    assert isinstance(read(task("SUCCESS", data), ABOUT), Progress)


def test_lyrics_that_failed() -> None:
    """By their own word, although the task is a success."""
    outcome = read(task("SUCCESS", {"text": "", "status": "error"}), ABOUT)
    assert isinstance(outcome, Failed)
    assert outcome.reason.spent is Spent.YES


# -- continuing ------------------------------------------------------------------------------------


def extended(**values: str) -> Any:
    (invite,) = read(task("SUCCESS", [take(), BROKEN])).invites
    return suno.call(suno.fill(invite.request, values)).json


def test_a_take_is_continued_where_it_ends() -> None:
    """The form knows second and style; empty words are left to the service."""
    (invite,) = read(task("SUCCESS", [take(), BROKEN])).invites
    values = {field.name: field.value for field in invite.form.fields}
    assert values == {"from": "120", "lyrics": "", "tags": "pop"}
    body = suno.call(suno.fill(invite.request, values)).json
    assert body == {
        "mv": "chirp-v3-5",
        "make_instrumental": False,
        "task_id": "task-1",
        "continue_clip_id": "c1",
        "continue_at": 120.0,
        "prompt": "",
        "tags": "pop",
        "title": "Pig",
    }


def test_music_without_words_goes_on_without() -> None:
    """Unless words are given now."""
    plain = Request("chirp-v3-5", "song", "", options={"tags": "pop", "instrumental": True})
    (invite,) = read(task("SUCCESS", [take(), BROKEN]), plain).invites
    assert suno.call(suno.fill(invite.request, {"from": "9"})).json["make_instrumental"] is True
    sung = suno.fill(invite.request, {"from": "9", "lyrics": "la la"})
    assert suno.call(sung).json["make_instrumental"] is False


@pytest.mark.parametrize(
    ("typed", "second"),
    [("60", 60), ("60s", 60), ("60 s", 60), ("1:00", 60), ("12,5", 12.5), ("0", 0), ("121", 121)],
)
def test_seconds_as_people_type_them(typed: str, second: float) -> None:
    """With a unit, as minutes and seconds, with a comma."""
    assert extended(**{"from": typed})["continue_at"] == second


@pytest.mark.parametrize("typed", ["the end", "-5", "nan", "1e9", "500", "inf"])
def test_seconds_that_are_none(typed: str) -> None:
    """Also those beyond the end."""
    with pytest.raises(BadInput):
        extended(**{"from": typed})
