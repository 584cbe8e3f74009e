"""Runway: what is asked, and how a task reads bare and wrapped."""

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
    Refused,
    Spent,
    Unreachable,
)
from core.providers.base import Failed, Progress, Remote, Result, Ticket
from core.providers.runway import LOOK, SUBMIT, Runway
from core.providers.tasks import STILLS
from core.wire import Answer, Blob
from tests.task_families import CLOTH, PERSON, asked, begun, looked, notes

runway = Runway()
FILM = asked(runway, "gen4_turbo", "zoom in", PERSON)
MP4 = "https://cdn.example/x.mp4?_jwt=a.b"


def task(status: Any, **more: Any) -> dict[str, Any]:
    """A task as Runway prints it."""
    return {
        "id": "17f20503-6c24-4c16-946b-35dbbce2af2f",
        "status": status,
        "createdAt": "2024-06-27T19:49:32.334Z",
        "failure": None,
        "failureCode": None,
        **more,
    }


def wrapped(status: Any, raw: Any = None, **more: Any) -> dict[str, Any]:
    """A task in a gateway's wrapper."""
    data = {"task_id": "t1", "action": "x", "status": status, "progress": "0%", "data": raw}
    return {"code": "success", "message": "", "data": data | more}


# -- asking ----------------------------------------------------------------------------------------


def test_a_film_from_a_picture() -> None:
    """The picture as a data URI, the shape in pixels, the length as a number."""
    request = asked(runway, "gen4_turbo", "zoom in", PERSON, ar="9:16", seconds=10, seed=7)
    path, body = runway.submit(request)
    assert path == SUBMIT
    assert body == {
        "model": "gen4_turbo",
        "promptImage": Blob(PERSON, "data_uri", types=STILLS, most=3_500_000),
        "promptText": "zoom in",
        "duration": 10,
        "ratio": "720:1280",
        "seed": 7,
        "watermark": False,
    }
    assert type(body["duration"]) is int


@pytest.mark.parametrize(
    ("key", "ar", "sent"),
    [
        ("gen3a_turbo", "16:9", "1280:768"),
        ("gen3a_turbo", "9:16", "768:1280"),
        ("gen3a_turbo", "1:1", "1280:768"),
        ("gen4_turbo", "1:1", "960:960"),
        ("gen4_turbo", "4:3", "1104:832"),
        ("gen4_turbo", "3:4", "832:1104"),
        ("gen4_turbo", "21:9", "1584:672"),
        ("gen4_turbo", None, "1104:832"),
    ],
)
def test_shapes_are_those_of_the_model(key: str, ar: str | None, sent: str) -> None:
    """The nearest one it has; that of the picture where none was chosen."""
    options = {"ar": ar} if ar else {}
    assert runway.submit(asked(runway, key, "", PERSON, **options))[1]["ratio"] == sent


def test_only_the_older_model_takes_a_last_picture() -> None:
    """It goes in a list that names both; elsewhere one sentence says so."""
    _, body = runway.submit(asked(runway, "gen3a_turbo", "", PERSON, CLOTH))
    assert [(p["uri"].media, p["position"]) for p in body["promptImage"]] == [
        (PERSON, "first"),
        (CLOTH, "last"),
    ]
    assert "promptText" not in body
    with pytest.raises(BadInput, match="takes no last picture"):
        asked(runway, "gen4_turbo", "", PERSON, CLOTH)


def test_what_cannot_be_asked() -> None:
    """One sentence each, before anything is sent."""
    with pytest.raises(BadInput, match="needs a picture"):
        asked(runway, "gen4_turbo", "a boat")
    with pytest.raises(BadInput, match="1000 characters"):
        asked(runway, "gen4_turbo", "x" * 1001, PERSON)
    with pytest.raises(BadInput, match="whole number"):
        asked(runway, "gen4_turbo", "", PERSON, seed="4294967296")
    with pytest.raises(BadInput, match="needs a picture to start from"):
        runway.call(replace(FILM, media=(PERSON,), options={"roles": ["end"]}))
    assert notes(runway, "gen4_turbo", PERSON, seconds=7, mode="pro", no="rain") == [
        "Runway Gen-4 Turbo has no --mode, --no, so I left that out.",
        "Runway Gen-4 Turbo does not film 7 seconds; I took 5.",
    ]


def test_ten_seconds_cost_twice() -> None:
    """The price is known before."""
    offer = next(o for o in runway.offers if o.key == "gen4_turbo")
    assert offer.cost({"seconds": "10"}) == 2 * offer.cost({})


# -- submits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ({"id": "17f2-a"}, "17f2-a"),
        ({"code": "success", "data": {"task_id": "t1"}}, "t1"),
        ({"code": "success", "data": "t2"}, "t2"),
        ({"code": "success", "data": 17306218260534551}, "17306218260534551"),
        ({"id": "33ace512", "state": "pending", "video": None}, "33ace512"),
    ],
)
def test_the_id_of_a_submit(body: Any, number: str) -> None:
    """Bare, wrapped, or in an answer that looks like Luma's."""
    ticket = begun(runway, FILM, body)
    assert ticket == Ticket("runway", number, SUBMIT)
    assert runway.look(ticket).path == f"{LOOK}/{number}"


@pytest.mark.parametrize(
    ("status", "body", "kind", "spent"),
    [
        (400, {"error": "ratio is not supported"}, Refused, Spent.NO),
        (400, {"error": "promptImage failed the safety check"}, Moderated, Spent.NO),
        (429, {"error": "too many"}, Busy, Spent.NO),
        (429, "", Busy, Spent.NO),
        (500, {"error": "oops"}, Unreachable, Spent.UNKNOWN),
        (524, "<html>timeout</html>", Unreachable, Spent.UNKNOWN),
        (200, {"code": "success", "data": None}, Garbled, Spent.UNKNOWN),
        (200, "<html>hello</html>", Garbled, Spent.UNKNOWN),
    ],
)
def test_a_submit_that_is_not_taken(
    status: int, body: Any, kind: type[GatewayError], spent: Spent
) -> None:
    """Whether it cost anything is told truly."""
    with pytest.raises(GatewayError) as caught:
        runway.accept(FILM, Answer(status, body))
    assert type(caught.value) is kind
    assert caught.value.spent is spent


# -- looks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (task("PENDING"), Progress(None, started=False)),
        (task("THROTTLED"), Progress(None, started=False)),
        (task("RUNNING", progress=0.456), Progress(46)),
        (task("RUNNING", progress=1), Progress(99)),
        (task("RUNNING", progress=1.0), Progress(99)),
        (task("RUNNING", progress=0), Progress(0)),
        (task("RUNNING", progress=True), Progress(None)),
        (task("RUNNING", progress=45), Progress(45)),
        (task("running"), Progress(None)),
        (task("DANCING"), Progress(None)),
        (task(None), Progress(None, started=False)),
        (task("SUCCEEDED"), Progress(99)),
        (task("SUCCEEDED", output=[]), Progress(99)),
        (task("SUCCEEDED", output=[None, ""]), Progress(99)),
        (wrapped("QUEUED"), Progress(0, started=False)),
        (wrapped("NOT_START", {}), Progress(0, started=False)),
        (wrapped("IN_PROGRESS", progress="45%"), Progress(45)),
        (wrapped("IN_PROGRESS", task("RUNNING", progress=0.6)), Progress(60)),
        (wrapped("SUCCESS", task("RUNNING")), Progress(99)),
    ],
)
def test_a_task_under_way(body: Any, expected: Progress) -> None:
    """Progress is a share or a text; a finished one without its file is looked at again."""
    assert looked(runway, FILM, body) == expected


@pytest.mark.parametrize(
    "body",
    [
        task("SUCCEEDED", progress=0.5, output=[MP4]),
        task("succeeded", output=[MP4]),
        wrapped("SUCCESS", task("SUCCEEDED", output=[MP4])),
        wrapped("SUCCESS", task("RUNNING", output=[MP4])),
        wrapped("SUCCESS", None, result_url=MP4),
        wrapped("SUCCESS", {}, fail_reason=MP4),
        task("SUCCEEDED", output=MP4),
        task("SUCCEEDED", output=[{"url": MP4}]),
    ],
)
def test_a_finished_task(body: Any) -> None:
    """Wherever its file stands; the wrapper's word counts."""
    assert looked(runway, FILM, body) == Result((Remote(MP4, "video"),))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (task("FAILED", failure="it broke", failureCode="INTERNAL.BAD_OUTPUT.CODE01"), Refused),
        (task("FAILED", failure="no", failureCode="SAFETY.INPUT.TEXT"), Moderated),
        (task("FAILED", failure="no", failureCode="INPUT_PREPROCESSING.SAFETY.TEXT"), Moderated),
        (task("FAILED"), Refused),
        (task("FAILED", failure={"message": "not allowed by our safety policy"}), Moderated),
        (wrapped("FAILURE", fail_reason="it broke", progress="100%"), Refused),
        (wrapped("FAILURE", task("FAILED", failure="it broke")), Refused),
    ],
)
def test_a_failed_task(body: Any, kind: type[GatewayError]) -> None:
    """The gateway gives its price back."""
    found = looked(runway, FILM, body)
    assert isinstance(found, Failed)
    assert type(found.reason) is kind
    assert found.reason.spent is Spent.NO


def test_a_cancelled_task_may_have_cost() -> None:
    """Nobody says what became of its price."""
    found = looked(runway, FILM, task("CANCELLED"))
    assert isinstance(found, Failed)
    assert found.reason.spent is Spent.UNKNOWN


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"code": "task_not_exist", "message": "task_not_exist", "data": None}, NotThere),
        (200, {"code": "task_not_exist", "message": "task_not_exist", "data": None}, NotThere),
        (404, {"error": "task not found"}, NotThere),
        (429, "", Busy),
        (200, {}, Garbled),
        (502, "<html></html>", Unreachable),
    ],
)
def test_a_look_that_fails_is_not_the_job(status: int, body: Any, kind: type[GatewayError]) -> None:
    """A new task may not be known for a moment."""
    with pytest.raises(GatewayError) as caught:
        looked(runway, FILM, body, status)
    assert isinstance(caught.value, kind)
    assert caught.value.again
