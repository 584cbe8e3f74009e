"""Pika: what is asked, and how its first video tells how a task stands."""

from __future__ import annotations

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
from core.providers.pika import EFFECTS, LOOK, SUBMIT, Pika
from core.providers.tasks import STILLS
from core.wire import Answer, Blob
from tests.task_families import PERSON, asked, begun, looked, notes

pika = Pika()
FILM = asked(pika, "pika-1.5", "a boat")
MP4 = "https://cdn.pika.example/x.mp4"


def task(*videos: Any, **more: Any) -> dict[str, Any]:
    """A task as Pika prints it."""
    return {"id": "t1", "promptText": "a boat", "message": "", "videos": list(videos), **more}


def video(status: Any, **more: Any) -> dict[str, Any]:
    """A video of a task."""
    return {"id": "v1", "status": status, "seed": 1, "error": "", "progress": 45, **more}


# -- asking ----------------------------------------------------------------------------------------


def test_a_film_from_words() -> None:
    """The shape goes as a number, and there is no place for a picture."""
    path, body = pika.submit(asked(pika, "pika-1.5", "a boat", no="rain", seed=7))
    assert path == SUBMIT
    assert body == {
        "pikaffect": "",
        "promptText": "a boat",
        "model": "1.5",
        "options": {
            "aspectRatio": 1.7777777777777777,
            "frameRate": 24,
            "camera": {},
            "parameters": {"guidanceScale": 12, "motion": 1, "negativePrompt": "rain", "seed": 7},
            "extend": False,
        },
    }


@pytest.mark.parametrize(
    ("ar", "sent"),
    [("4:3", 1.3333333333333333), ("1:1", 1), ("3:4", 0.75), ("9:16", 0.5625), ("21:9", 16 / 9)],
)
def test_shapes_as_numbers(ar: str, sent: float) -> None:
    """The nearest there is."""
    _, body = pika.submit(asked(pika, "pika-2.0", "a boat", ar=ar))
    assert body["options"]["aspectRatio"] == sent
    assert body["model"] == "2.0"


def test_a_picture_with_an_effect() -> None:
    """It goes as an address, has its own shape, and needs no words."""
    _, body = pika.submit(asked(pika, "pika-1.5", "", PERSON, effect="melt", ar="1:1"))
    assert body["image"] == Blob(PERSON, "url", STILLS)
    assert (body["pikaffect"], body["promptText"]) == ("Melt", "")
    assert "aspectRatio" not in body["options"]
    assert "has no --ar" in notes(pika, "pika-1.5", PERSON, ar="1:1")[0]


def test_what_cannot_be_asked() -> None:
    """One sentence each, before anything is sent."""
    with pytest.raises(BadInput, match="effect needs a picture"):
        pika.call(asked(pika, "pika-1.5", "a boat", effect="Melt"))
    with pytest.raises(BadInput, match="Cake-ify"):
        asked(pika, "pika-1.5", "", PERSON, effect="Sing")
    with pytest.raises(BadInput, match="takes no last picture"):
        asked(pika, "pika-1.5", "", PERSON, PERSON)
    with pytest.raises(BadInput, match="start from"):
        pika.call(asked(pika, "pika-1.5", ""))
    assert len(EFFECTS) == 16


# -- submits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [{"id": "t1"}, {"id": "t1", "videos": []}, {"code": "success", "data": {"id": "t1"}}]
)
def test_the_id_of_a_submit(body: Any) -> None:
    """Bare or wrapped."""
    ticket = begun(pika, FILM, body)
    assert ticket == Ticket("pika", "t1", SUBMIT)
    assert pika.look(ticket).path == f"{LOOK}/t1"


@pytest.mark.parametrize(
    ("status", "body", "kind", "spent"),
    [
        (400, {"message": "unknown model", "code": 400}, Refused, Spent.NO),
        (429, {"message": "too many", "code": 429}, Busy, Spent.NO),
        (200, {"message": "bad shape", "code": 400}, Refused, Spent.NO),
        (500, {"message": "oops", "code": 500}, Unreachable, Spent.UNKNOWN),
        (200, {"videos": []}, Garbled, Spent.UNKNOWN),
    ],
)
def test_a_submit_that_is_not_taken(
    status: int, body: Any, kind: type[GatewayError], spent: Spent
) -> None:
    """Whether it cost anything is told truly."""
    with pytest.raises(GatewayError) as caught:
        pika.accept(FILM, Answer(status, body))
    assert isinstance(caught.value, kind)
    assert caught.value.spent is spent


# -- looks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (task(), Progress(None, started=False)),
        ({"id": "t1"}, Progress(None, started=False)),
        ({"id": "t1", "videos": None}, Progress(None, started=False)),
        (task(None), Progress(None, started=False)),
        (task(video("queued", progress=0)), Progress(0, started=False)),
        (task(video("pending")), Progress(45, started=False)),
        (task(video("rendering")), Progress(45)),
        (task(video("rendering", progress="45%")), Progress(45)),
        (task(video("rendering", progress=None)), Progress(None)),
        (task(video("rendering", progress=100)), Progress(99)),
        (task(video("finished")), Progress(99)),
        (task(video("finished", resultUrl="")), Progress(99)),
        ({"data": task(video("rendering"))}, Progress(45)),
    ],
)
def test_a_task_under_way(body: Any, expected: Progress) -> None:
    """Its videos may be missing at first, and its file at the end."""
    assert looked(pika, FILM, body) == expected


def test_a_preview_is_shown() -> None:
    """The still that comes with it."""
    body = task(video("rendering", imageThumb="https://cdn.example/t.jpg"))
    assert looked(pika, FILM, body) == Progress(45, True, "https://cdn.example/t.jpg")


@pytest.mark.parametrize(
    "body",
    [
        {"id": "t1", "status": "finished", "resultUrl": MP4},
        {"code": "success", "data": {"task_id": "t1", "status": "SUCCESS", "result_url": MP4}},
        {
            "code": "success",
            "data": {"status": "SUCCESS", "data": task(video("finished", resultUrl=MP4))},
        },
    ],
)
def test_a_finished_task_without_a_list_or_in_a_wrapper(body: Any) -> None:
    """Its one film all the same."""
    assert looked(pika, FILM, body) == Result((Remote(MP4, "video"),))


@pytest.mark.parametrize("word", ["finished", "FINISHED"])
def test_a_finished_task(word: str) -> None:
    """Its one film."""
    body = task(video(word, resultUrl=MP4, sharingUrl="https://x.example", progress=100))
    assert looked(pika, FILM, body) == Result((Remote(MP4, "video"),))


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (task(video("error", error="it broke")), Refused, "it broke"),
        (task(video("error", error=""), message="it broke"), Refused, "it broke"),
        (task(video("error", error=None)), Refused, "no reason"),
        (task(video("error", error="inappropriate prompt")), Moderated, "inappropriate"),
    ],
)
def test_a_failed_task(body: Any, kind: type[GatewayError], told: str) -> None:
    """Its reason is told and its price comes back."""
    found = looked(pika, FILM, body)
    assert isinstance(found, Failed)
    assert type(found.reason) is kind
    assert told in str(found.reason)
    assert found.reason.spent is Spent.NO


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"message": "not found", "code": 404}, NotThere),
        (400, {"code": "task_not_exist", "message": "task_not_exist", "data": None}, NotThere),
        (200, {}, Garbled),
        (200, [], Garbled),
        (502, "<html></html>", Unreachable),
    ],
)
def test_a_look_that_fails_is_not_the_job(status: int, body: Any, kind: type[GatewayError]) -> None:
    """It is looked at again."""
    with pytest.raises(GatewayError) as caught:
        looked(pika, FILM, body, status)
    assert isinstance(caught.value, kind)
    assert caught.value.again
