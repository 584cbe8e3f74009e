"""Luma: what is asked, and how a task reads until its clean file is there."""

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
from core.providers.luma import PATH, Luma
from core.providers.tasks import STILLS
from core.wire import Answer, Blob
from tests.task_families import CLOTH, PERSON, asked, begun, looked, notes

luma = Luma()
FILM = asked(luma, "ray-v2", "a boat")
CLEAN, MARKED, RAW = (f"https://cdn.example/{name}.mp4" for name in ("clean", "marked", "raw"))


def task(state: Any, **more: Any) -> dict[str, Any]:
    """A task as Luma prints it."""
    return {
        "id": "33ace512-9a46-40ab-9d08-a05eff989831",
        "prompt": "a boat",
        "state": state,
        "queue_state": None,
        "created_at": "2024-09-01T10:00:00Z",
        "batch_id": "",
        "video": None,
        "video_raw": None,
        "liked": None,
        "estimate_wait_seconds": None,
        "thumbnail": None,
        "last_frame": None,
        **more,
    }


# -- asking ----------------------------------------------------------------------------------------


def test_a_film_from_words() -> None:
    """What is not used is not there: no `false` where an address is due."""
    path, body = luma.submit(asked(luma, "ray-v2", "a boat", ar="4:3"))
    assert path == PATH
    assert body == {
        "user_prompt": "a boat",
        "expand_prompt": True,
        "aspect_ratio": "4:3",
        "model_name": "ray-v2",
    }
    _, body = luma.submit(asked(luma, "luma", "a boat", loop="loop"))
    assert (body["model_name"], body["loop"], body["aspect_ratio"]) == ("ray-v1", True, "16:9")


def test_pictures_go_as_addresses() -> None:
    """The first, and the last where there is one."""
    _, body = luma.submit(asked(luma, "ray-v2", "a boat", PERSON))
    assert body["image_url"] == Blob(PERSON, "url", STILLS)
    assert body["aspect_ratio"] == "4:3"  # that of the picture
    assert "image_end_url" not in body
    _, body = luma.submit(asked(luma, "ray-v2", "a boat", PERSON, CLOTH))
    assert body["image_end_url"] == Blob(CLOTH, "url", STILLS)


def test_what_cannot_be_asked() -> None:
    """One sentence each, before anything is sent."""
    with pytest.raises(BadInput, match="needs words"):
        luma.call(asked(luma, "ray-v2", "", PERSON))
    with pytest.raises(BadInput, match="needs a first one"):
        luma.call(replace(FILM, media=(PERSON,), options={"roles": ["end"]}))
    with pytest.raises(BadInput, match="2000 characters"):
        asked(luma, "ray-v2", "x" * 2001)
    assert notes(luma, "ray-v2", seconds=10, camera="zoom:5") == [
        "Luma Ray 2 has no --seconds, --camera, so I left that out."
    ]


# -- submits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [task("pending"), [task("pending")], {"data": task(None)}, task(None)]
)
def test_the_id_of_a_submit(body: Any) -> None:
    """In an object, or in a list with one object."""
    ticket = begun(luma, FILM, body)
    assert ticket == Ticket("luma", "33ace512-9a46-40ab-9d08-a05eff989831", PATH)
    assert luma.look(ticket).path == f"{PATH}/33ace512-9a46-40ab-9d08-a05eff989831"


@pytest.mark.parametrize(
    ("status", "body", "kind", "spent"),
    [
        (400, {"detail": "image_url must be a URL"}, Refused, Spent.NO),
        (400, {"detail": "moderation: the prompt is not allowed"}, Moderated, Spent.NO),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, Refused, Spent.NO),
        (429, {"detail": "too many"}, Busy, Spent.NO),
        (500, {"detail": "oops"}, Unreachable, Spent.UNKNOWN),
        (200, [], Garbled, Spent.UNKNOWN),
        (200, {"state": "pending"}, Garbled, Spent.UNKNOWN),
    ],
)
def test_a_submit_that_is_not_taken(
    status: int, body: Any, kind: type[GatewayError], spent: Spent
) -> None:
    """Whether it cost anything is told truly."""
    with pytest.raises(GatewayError) as caught:
        luma.accept(FILM, Answer(status, body))
    assert isinstance(caught.value, kind)
    assert caught.value.spent is spent


# -- looks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (task("pending"), Progress(None, started=False)),
        (task(None), Progress(None, started=False)),
        (task("processing"), Progress(None)),
        (task("dreaming"), Progress(None)),
        ([task("dreaming")], Progress(None)),
        (task("completed"), Progress(99)),
        (task("completed", video={}), Progress(99)),
        (task("completed", video={"url": "", "download_url": ""}), Progress(99)),
    ],
)
def test_a_task_under_way(body: Any, expected: Progress) -> None:
    """Nothing is said of how far it is."""
    assert looked(luma, FILM, body) == expected


def test_a_finished_task_with_its_clean_file() -> None:
    """It counts more than one with a mark in it."""
    video = {"url": MARKED, "download_url": CLEAN, "width": 1280}
    assert looked(luma, FILM, task("completed", video=video)) == Result((Remote(CLEAN, "video"),))
    artifact = {"video": {"download_url": CLEAN, "url": MARKED}}
    found = looked(luma, FILM, task("completed", artifact=artifact))
    assert found == Result((Remote(CLEAN, "video"),))


@pytest.mark.parametrize(
    ("more", "url"),
    [
        ({"video": {"url": MARKED, "download_url": None}}, MARKED),
        ({"video": {"url": MARKED}, "video_raw": {"url": RAW}}, MARKED),
        ({"video": {"url": ""}, "video_raw": {"url": RAW, "duration": 5}}, RAW),
        ({"artifact": {"video": {"url": MARKED}}}, MARKED),
        ({"video": MARKED}, MARKED),
    ],
)
def test_a_finished_task_without_its_clean_file(more: dict[str, Any], url: str) -> None:
    """It is looked at a little longer; what is there is the rest that is taken then."""
    found = looked(luma, FILM, task("completed", **more))
    assert found == Progress(99, rest=Result((Remote(url, "video"),)))


@pytest.mark.parametrize(
    ("word", "raw", "more"),
    [
        ("SUCCESS", {"state": "completed", "video": {"url": MARKED}}, {}),
        ("IN_PROGRESS", {"state": "completed", "video": {"url": MARKED}}, {}),
        ("SUCCESS", None, {"result_url": MARKED}),
    ],
)
def test_a_finished_task_in_the_gateways_own_wrapper(
    word: str, raw: Any, more: dict[str, Any]
) -> None:
    """What stands inside counts; the wrapper's word where nothing does."""
    wrapper = {"task_id": "t", "status": word, "progress": "100%", "data": raw, **more}
    found = looked(luma, FILM, {"code": "success", "message": "", "data": wrapper})
    assert found == Progress(99, rest=Result((Remote(MARKED, "video"),)))


def test_a_failed_task() -> None:
    """It ends, its reason is told and its price comes back."""
    found = looked(luma, FILM, task("failed", failure_reason="it broke", video={"url": MARKED}))
    assert isinstance(found, Failed)
    assert "it broke" in str(found.reason)
    assert found.reason.spent is Spent.NO
    found = looked(luma, FILM, task("failed", failure_reason="NSFW content"))
    assert isinstance(found, Failed)
    assert isinstance(found.reason, Moderated)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"detail": "Not found"}, NotThere),
        (200, {"code": "task_not_exist", "message": "task_not_exist", "data": None}, NotThere),
        (200, [], Garbled),
        (200, {"id": "x"}, Garbled),
        (503, "", Unreachable),
    ],
)
def test_a_look_that_fails_is_not_the_job(status: int, body: Any, kind: type[GatewayError]) -> None:
    """It is looked at again."""
    with pytest.raises(GatewayError) as caught:
        looked(luma, FILM, body, status)
    assert isinstance(caught.value, kind)
    assert caught.value.again
