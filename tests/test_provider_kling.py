"""Kling: what is asked, and how its four shapes of a task and its own codes read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.errors import (
    BadInput,
    Busy,
    Garbled,
    GatewayError,
    Moderated,
    NotThere,
    OutOfCredit,
    Refused,
    Spent,
    Unreachable,
)
from core.messages import Media
from core.providers.base import Failed, Progress, Remote, Result, Ticket
from core.providers.kling import FROM_IMAGE, FROM_TEXT, PICTURES, TRY_ON, Kling
from core.wire import Answer, Blob
from tests.task_families import CLOTH, PERSON, asked, begun, looked, notes

kling = Kling()
FILM = asked(kling, "kling-v1-6", "a boat")
ALIVE = asked(kling, "kling-v1-6", "a boat", PERSON)
DRAWN = asked(kling, "kling-v2-1", "a boat", kind="image")
WORN = asked(kling, "kolors-virtual-try-on-v1-5", "", PERSON, CLOTH, kind="tryon")
MP4 = "https://cdn.klingai.example/x.mp4?sign=1"
PNG = "https://cdn.klingai.example/x.png"


def own(status: str, words: str = "", **result: Any) -> dict[str, Any]:
    """A task as Kling prints it."""
    data = {
        "task_id": "t1",
        "task_status": status,
        "task_status_msg": words,
        "created_at": 1722769557708,
        "updated_at": 1722769588000,
    }
    if result:
        data["task_result"] = result
    return {"code": 0, "message": "SUCCEED", "request_id": "r1", "data": data}


def wrapped(status: Any, **more: Any) -> dict[str, Any]:
    """A task as the gateway wraps it."""
    data = {
        "task_id": "t1",
        "action": "generate",
        "status": status,
        "progress": "100%" if status == "SUCCESS" else "30%",
        "fail_reason": "",
        "submit_time": 1722769557,
        **more,
    }
    return {"code": "success", "message": "", "data": data}


# -- asking ----------------------------------------------------------------------------------------


def test_a_film_from_words() -> None:
    """Both names of the model, and the length as a text."""
    path, body = kling.submit(
        asked(kling, "kling-v1-6", "a boat", seconds=10, mode="std", no="rain", ar="9:16")
    )
    assert path == FROM_TEXT
    assert body == {
        "model": "kling-v1-6",
        "model_name": "kling-v1-6",
        "prompt": "a boat",
        "negative_prompt": "rain",
        "mode": "std",
        "duration": "10",
        "aspect_ratio": "9:16",
    }


def test_a_film_from_a_picture_has_the_pictures_shape() -> None:
    """No shape is sent, that is told, and the bytes go bare."""
    request = asked(kling, "kling-v1-6", "a boat", PERSON, ar="1:1")
    path, body = kling.submit(request)
    assert path == FROM_IMAGE
    assert "aspect_ratio" not in body
    assert body["image"] == Blob(
        PERSON, "base64", types=("image/jpeg", "image/png"), most=10_000_000
    )
    assert notes(kling, "kling-v1-6", PERSON, ar="1:1") == [
        "With a picture, Kling 1.6 has no --ar, so I left that out."
    ]


def test_kling_2_master_has_no_modes() -> None:
    """Whatever was chosen, none is sent, and that is told."""
    request = asked(kling, "kling-v2-master", "a boat", mode="pro")
    assert "mode" not in kling.submit(request)[1]
    assert "mode" in notes(kling, "kling-v2-master", mode="pro")[0]


def test_a_picture_from_words_and_one_from_a_picture() -> None:
    """Beside a picture nothing may be unwanted, which is told."""
    request = asked(kling, "kling-v2-1", "a boat", kind="image", count=3, no="rain", ar="21:9")
    path, body = kling.submit(request)
    assert (path, body["n"], body["negative_prompt"]) == (PICTURES, 3, "rain")
    assert body["aspect_ratio"] == "21:9"

    request = asked(kling, "kling-v2-1", "a boat", PERSON, kind="image", no="rain", strength=40)
    _, body = kling.submit(request)
    assert "negative_prompt" not in body
    assert body["image_fidelity"] == 0.4
    assert "--no, so I left that out" in notes(kling, "kling-v2-1", PERSON, no="rain")[0]


@pytest.mark.parametrize(
    ("key", "media", "sent"),
    [
        ("kling-v1-5", (PERSON,), "subject"),
        ("kling-v1-5", (), None),
        ("kling-v2-1", (PERSON,), None),
    ],
)
def test_the_older_model_is_told_what_a_picture_is_for(
    key: str, media: tuple[Media, ...], sent: str | None
) -> None:
    """Without that it refuses every picture."""
    _, body = kling.submit(asked(kling, key, "a boat", *media, kind="image"))
    assert body.get("image_reference") == sent


def test_a_try_on_names_the_person_first() -> None:
    """Both pictures go bare, on a path of their own."""
    path, body = kling.submit(WORN)
    assert path == TRY_ON
    assert (body["human_image"].media, body["cloth_image"].media) == (PERSON, CLOTH)
    assert body["model_name"] == "kolors-virtual-try-on-v1-5"


@pytest.mark.parametrize(
    ("key", "options", "sent"),
    [
        ("kling-v1", {}, {"duration": "5"}),
        ("kling-v1", {"mode": "pro"}, {"mode": "pro", "duration": "5"}),
        ("kling-v1-6", {}, {"mode": "pro", "duration": "5"}),
        ("kling-v1-6", {"seconds": 10}, {"mode": "pro", "duration": "10"}),
        ("kling-v1-5-video", {"mode": "pro"}, {"model_name": "kling-v1-5", "mode": "pro"}),
        ("kling-v2-1-video", {}, {"model_name": "kling-v2-1", "mode": "pro"}),
    ],
)
def test_a_last_picture_goes_with_what_the_model_can(
    key: str, options: dict[str, Any], sent: dict[str, Any]
) -> None:
    """What it needs besides is taken, where nothing else was chosen."""
    _, body = kling.submit(asked(kling, key, "a boat", PERSON, CLOTH, **options))
    assert (body["image"].media, body["image_tail"].media) == (PERSON, CLOTH)
    assert sent.items() <= body.items()


def test_a_mode_taken_for_a_last_picture_is_told_and_paid() -> None:
    """It costs more, so nobody is surprised; what costs nothing more is not told."""
    request = asked(kling, "kling-v1-6", "a boat", PERSON, CLOTH)
    offer = next(o for o in kling.offers if o.key == "kling-v1-6")
    assert notes(kling, "kling-v1-6", PERSON, CLOTH) == [
        "With a last picture, Kling 1.6 needs mode pro, so I took that."
    ]
    assert offer.cost(request.options) == pytest.approx(0.49)
    assert notes(kling, "kling-v1", PERSON, CLOTH) == []


@pytest.mark.parametrize(
    ("key", "options", "told"),
    [
        ("kling-v1", {"seconds": 10}, "takes 5 for seconds, not 10"),
        ("kling-v1-6", {"mode": "std"}, "takes pro for mode, not std"),
        ("kling-v2-1-video", {"mode": "std"}, "takes pro for mode, not std"),
        ("kling-v2-master", {}, "takes no last picture"),
        ("kling-v2-5-turbo", {}, "takes no last picture"),
        ("kling-v1", {"camera": "zoom:5"}, "do not go together"),
    ],
)
def test_what_excludes_a_last_picture_is_refused(
    key: str, options: dict[str, Any], told: str
) -> None:
    """One sentence before anything is sent."""
    with pytest.raises(BadInput, match=told):
        kling.call(asked(kling, key, "a boat", PERSON, CLOTH, **options))


def test_the_camera_moves_along_one_axis_or_by_name() -> None:
    """Exactly one value differs from zero; only the first model has a camera."""
    _, body = kling.submit(asked(kling, "kling-v1", "a boat", camera="zoom:-7"))
    config = body["camera_control"]["config"]
    assert body["camera_control"]["type"] == "simple"
    assert {axis: far for axis, far in config.items() if far} == {"zoom": -7}
    assert len(config) == 6

    _, body = kling.submit(asked(kling, "kling-v1", "a boat", camera="forward_up"))
    assert body["camera_control"] == {"type": "forward_up"}
    with pytest.raises(BadInput, match="down_back"):
        asked(kling, "kling-v1", "a boat", camera="zoom:11")
    assert "camera" in notes(kling, "kling-v1-6", camera="zoom:5")[0]


@pytest.mark.parametrize(
    ("width", "height", "told"),
    [(299, 800, "at least 300"), (800, 299, "at least 300"), (1000, 399, "long and thin")],
)
def test_a_picture_kling_would_not_take_is_not_sent(width: int, height: int, told: str) -> None:
    """Too small or too thin, with the limit in the sentence."""
    with pytest.raises(BadInput, match=told):
        kling.call(asked(kling, "kling-v1-6", "", replace(PERSON, width=width, height=height)))


# -- submits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (own("submitted"), "t1"),
        ({"code": 0, "message": "", "data": {"task_id": 831467890123456789}}, "831467890123456789"),
        ({"task_id": "t2", "status": "queued"}, "t2"),
        ({"id": "video_3", "object": "video", "status": "queued", "progress": 0}, "video_3"),
        ({"id": "x", "task_id": "t4", "object": "video", "status": "queued"}, "t4"),
        ({"code": "success", "message": "", "data": "t5"}, "t5"),
        ({"code": "success", "message": "", "data": 17306218260534551}, "17306218260534551"),
    ],
)
def test_the_id_stands_in_many_places(body: Any, number: str) -> None:
    """It is a text, however it is printed, and is kept with the path it was made on."""
    assert begun(kling, FILM, body) == Ticket("kling", number, FROM_TEXT)


def test_a_look_is_on_the_path_of_the_submit() -> None:
    """With every sign of the id encoded."""
    ticket = replace(begun(kling, WORN, own("submitted")), id="Cl6-_=/x")
    assert kling.look(ticket).path == f"{TRY_ON}/Cl6-_%3D%2Fx"


@pytest.mark.parametrize("body", [own("submitted") | {"data": {}}, {"code": 0}, [], {}])
def test_a_yes_without_an_id_leaves_the_money_open(body: Any) -> None:
    """It may be made, and nobody can look at it."""
    with pytest.raises(Garbled) as caught:
        kling.accept(FILM, Answer(200, body))
    assert caught.value.spent is Spent.UNKNOWN


@pytest.mark.parametrize("status", [200, None])
@pytest.mark.parametrize(
    ("code", "usual", "kind", "spent", "again"),
    [
        (1000, 401, Busy, Spent.NO, True),
        (1004, 401, Busy, Spent.NO, True),
        (1100, 429, OutOfCredit, Spent.NO, False),
        (1101, 429, OutOfCredit, Spent.NO, False),
        (1102, 429, OutOfCredit, Spent.NO, False),
        (1103, 429, OutOfCredit, Spent.NO, False),
        (1200, 400, Refused, Spent.NO, False),
        (1201, 400, Refused, Spent.NO, False),
        (1202, 404, NotThere, Spent.NO, False),
        (1203, 404, NotThere, Spent.NO, False),
        (1300, 400, Moderated, Spent.NO, False),
        (1301, 400, Moderated, Spent.NO, False),
        (1302, 429, Busy, Spent.NO, True),
        (1303, 429, Busy, Spent.NO, True),
        (1304, 429, Refused, Spent.NO, False),
        (5000, 500, Unreachable, Spent.UNKNOWN, True),
        (5001, 503, Busy, Spent.NO, True),
        (5002, 504, Unreachable, Spent.UNKNOWN, True),
    ],
)
def test_klings_own_codes(
    code: int,
    usual: int,
    status: int | None,
    kind: type[GatewayError],
    spent: Spent,
    again: bool,
) -> None:
    """They mean the same with a 200 in front of them."""
    body = {"code": code, "message": "it says no", "request_id": "r1"}
    with pytest.raises(GatewayError) as caught:
        kling.accept(FILM, Answer(status or usual, body))
    assert type(caught.value) is kind
    assert (caught.value.spent, caught.value.again) == (spent, again)
    assert str(code) in caught.value.detail
    with pytest.raises(kind):
        kling.accept(FILM, Answer(usual, {"error": {"code": str(code), "message": "it says no"}}))


def test_a_code_without_words_is_a_refusal_all_the_same() -> None:
    """Nothing was begun."""
    with pytest.raises(Refused):
        kling.accept(FILM, Answer(200, {"code": 1201, "message": None, "data": None}))
    with pytest.raises(Refused):
        kling.accept(FILM, Answer(400, {"code": 1299, "message": "new"}))


def test_the_gateway_refuses_in_its_own_shape() -> None:
    """Errors of the gateway itself are not Kling's."""
    body = {"error": {"message": "当前分组 x 下对于模型 kling-v1 无可用渠道", "code": ""}}
    with pytest.raises(NotThere):
        kling.accept(FILM, Answer(503, body))
    with pytest.raises(Unreachable) as caught:
        kling.accept(FILM, Answer(504, "<html>Gateway Time-out</html>"))
    assert caught.value.spent is Spent.UNKNOWN


def test_a_pause_that_is_asked_for_is_kept() -> None:
    """Of several, the one the gateway said."""
    with pytest.raises(Busy) as caught:
        kling.accept(FILM, Answer(429, {"code": 1303, "message": "busy"}, 7.0))
    assert caught.value.retry_after == 7.0


# -- looks -----------------------------------------------------------------------------------------

VIDEO = (Remote(MP4, "video"),)


@pytest.mark.parametrize(
    "body",
    [
        own("succeed", videos=[{"id": "v", "url": MP4, "duration": "5.1"}]),
        wrapped("SUCCESS", result_url=MP4),
        wrapped("SUCCESS", data=own("succeed", videos=[{"id": "v", "url": MP4}])),
        wrapped("SUCCESS", fail_reason=MP4),
        {"task_id": "t1", "status": "succeeded", "url": MP4, "format": "mp4", "error": None},
        {"task_id": "t1", "status": "completed", "url": MP4, "metadata": {"duration": 5}},
        {"id": "t1", "object": "video", "status": "completed", "metadata": {"url": MP4}},
        {"code": "success", "data": {"task_id": "t1", "status": "succeeded", "url": MP4}},
    ],
)
def test_a_finished_film_in_every_shape(body: Any) -> None:
    """Wherever its address stands."""
    assert looked(kling, FILM, body) == Result(VIDEO)


@pytest.mark.parametrize("request_", [DRAWN, WORN])
def test_finished_pictures(request_: Any) -> None:
    """All of them, in their order."""
    rows = [{"index": 0, "url": PNG}, {"index": 1, "url": PNG + "?2"}]
    expected = Result((Remote(PNG), Remote(PNG + "?2")))
    assert looked(kling, request_, own("succeed", images=rows)) == expected
    assert looked(kling, request_, wrapped("SUCCESS", result_url=PNG)) == Result((Remote(PNG),))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (own("submitted"), Progress(None, started=False)),
        (own("processing"), Progress(None)),
        (own("a new word"), Progress(None)),
        (wrapped("NOT_START"), Progress(30, started=False)),
        (wrapped("SUBMITTED"), Progress(30, started=False)),
        (wrapped("QUEUED"), Progress(30, started=False)),
        (wrapped(None), Progress(30, started=False)),
        (wrapped("IN_PROGRESS"), Progress(30)),
        (wrapped("UNKNOWN"), Progress(30)),
        ({"task_id": "t1", "status": "queued"}, Progress(None, started=False)),
        ({"task_id": "t1", "status": "in_progress"}, Progress(None)),
        ({"task_id": "t1", "status": "processing", "url": MP4}, Progress(None)),
        ({"id": "t1", "object": "video", "status": "in_progress", "progress": 41}, Progress(41)),
        (own("succeed"), Progress(99)),
        (own("succeed", videos=[]), Progress(99)),
        (own("succeed", videos=[{"id": "v", "url": ""}]), Progress(99)),
        (own("succeed", videos=[None]), Progress(99)),
        (wrapped("SUCCESS", result_url=None, fail_reason=None), Progress(99)),
        ({"task_id": "t1", "status": "succeeded", "url": None}, Progress(99)),
    ],
)
def test_a_film_under_way_in_every_shape(body: Any, expected: Progress) -> None:
    """One that has ended without its address is looked at again."""
    assert looked(kling, FILM, body) == expected


@pytest.mark.parametrize(
    "body",
    [
        own("failed", "the renderer gave up"),
        wrapped("FAILURE", fail_reason="the renderer gave up", progress="100%"),
        wrapped("FAILURE", data=own("failed", "the renderer gave up")),
        {
            "task_id": "t1",
            "status": "failed",
            "error": {"code": 400, "message": "the renderer gave up"},
        },
        {
            "id": "t1",
            "object": "video",
            "status": "failed",
            "progress": 100,
            "error": {"code": "x", "message": "the renderer gave up"},
        },
    ],
)
def test_a_failed_film_in_every_shape(body: Any) -> None:
    """Its reason is told and its price comes back."""
    found = looked(kling, FILM, body)
    assert isinstance(found, Failed)
    assert found.reason.spent is Spent.NO
    assert "the renderer gave up" in str(found.reason)


def test_a_film_that_was_not_allowed() -> None:
    """The words say so."""
    found = looked(kling, FILM, own("failed", "Failure to pass the risk control system"))
    assert isinstance(found, Failed)
    assert isinstance(found.reason, Moderated)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"code": 1203, "message": "task not found"}, NotThere),
        (200, {"code": 1203, "message": "task not found"}, NotThere),
        (404, {"code": 1202, "message": "method not found"}, NotThere),
        (400, {"code": "task_not_exist", "message": "task_not_exist", "data": None}, NotThere),
        (429, {"code": 1302, "message": "too fast"}, Busy),
        (500, {"code": 5000, "message": "internal"}, Unreachable),
        (401, {"error": {"message": "该令牌额度已用尽", "code": ""}}, Unreachable),
        (502, "<html>Bad Gateway</html>", Unreachable),
        (200, "<html>hello</html>", Unreachable),
        (200, {"code": 0, "message": "SUCCEED", "data": None}, Garbled),
        (200, [], Garbled),
    ],
)
def test_a_look_that_fails_is_not_the_job(status: int, body: Any, kind: type[GatewayError]) -> None:
    """It is looked at again."""
    with pytest.raises(GatewayError) as caught:
        looked(kling, ALIVE, body, status)
    assert isinstance(caught.value, kind)
    assert caught.value.again
