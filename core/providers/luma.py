"""Luma: videos from words, and from a first and a last picture, through `/luma/generations`.

Words are needed; pictures go as addresses. A finished task may come without its clean file for a
while; what is there is taken when nothing better comes. Pure. `Request.options` it reads, all
optional: model, ar, loop, roles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from core.errors import BadInput
from core.i18n import mark
from core.providers.base import Offer, Request, Ticket
from core.providers.fields import object_of, reason_of, text_of, url_of
from core.providers.stages import stage_of
from core.providers.tasks import (
    STILLS,
    Seen,
    TaskFamily,
    by_role,
    files_of,
    first_id,
    shape,
    unwrapped,
    wire_name,
)
from core.wire import Blob, Json

FAMILY = "luma"
PATH = "/luma/generations"
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")


def _offer(key: str, title: str, price: float, model: str = "") -> Offer:
    return Offer(
        key,
        FAMILY,
        "video",
        title,
        price,
        model=model,
        takes={"ar": RATIOS, "loop": ()},
        media=(0, 2),
        longest=2000,
        typical=120.0,
        first_look=20.0,
        deadline=1800.0,
    )


OFFERS: tuple[Offer, ...] = (
    _offer("ray-v2", "Luma Ray 2", 0.4),
    _offer("luma", "Luma", 0.25, model="ray-v1"),
)
"""Prices are guesses from resellers' lists, for five seconds; `[models]` sets the gateway's."""


class Luma(TaskFamily):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    title: ClassVar[str] = "Luma"
    offers: Sequence[Offer] = OFFERS

    def submit(self, request: Request) -> tuple[str, Mapping[str, Json]]:
        """Path and body of a submit. Raises `BadInput`."""
        options = request.options
        files = by_role(request)
        if "end" in files and "start" not in files:
            raise BadInput(mark("A last picture needs a first one as well."))
        if not request.prompt:
            raise BadInput(mark("Luma needs words as well: say what happens in the video."))
        body: dict[str, Json] = {
            "user_prompt": request.prompt,
            "expand_prompt": True,
            "aspect_ratio": shape(request, RATIOS),
            "model_name": wire_name(request),
        }
        if options.get("loop"):
            body["loop"] = True
        if "start" in files:
            body["image_url"] = Blob(files["start"], "url", STILLS)
        if "end" in files:
            body["image_end_url"] = Blob(files["end"], "url", STILLS)
        return PATH, body

    def task_id(self, body: Json) -> str:
        """The id in an object, or in a list with one object."""
        return first_id(_one(body).get("id"), object_of(_one(body).get("data")).get("id"))

    def where(self, ticket: Ticket) -> str:
        """The path of the tasks."""
        return PATH

    def seen(self, body: Json) -> Seen | None:
        """Read a task."""
        task = unwrapped(_one(body), "state")
        word = next((name for name in ("state", "status") if name in task), "")
        if not word:
            return None
        clean, others = _places(task)
        return Seen(
            stage_of(task[word]),
            None,
            files_of((clean, *others)),
            reason_of(task.get("failure_reason")) or text_of(task.get("fail_reason")),
            url_of(object_of(task.get("thumbnail")).get("url")),
            rough=not url_of(clean),
        )


def _one(body: Json) -> Mapping[str, Json]:
    return object_of(body[0]) if isinstance(body, list) and body else object_of(body)


def _places(task: Mapping[str, Json]) -> tuple[Json, tuple[Json, ...]]:
    """Where the clean file stands, and where others do: one that may have a mark in it, the raw
    one, or wherever a reseller puts it.
    """
    video = object_of(task.get("video"))
    artifact = object_of(object_of(task.get("artifact")).get("video"))
    raw = object_of(task.get("video_raw"))
    clean = url_of(video.get("download_url")) or url_of(artifact.get("download_url"))
    other = (task.get("video"), task.get("result_url"))
    return clean, (video.get("url"), raw.get("url"), artifact.get("url"), *other)
