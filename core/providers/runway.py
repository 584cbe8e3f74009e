"""Runway: videos from a picture, through `/runwayml/v1`.

A picture is needed, and goes as a data URI; the older model also takes a last one. A task is read
bare or in a gateway's wrapper, whose word counts more. Pure. `Request.options` it reads, all
optional: model, ar, seconds, seed, roles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from core.errors import BadInput
from core.i18n import mark
from core.messages import Media
from core.providers.base import Offer, Remote, Request, Ticket
from core.providers.fields import object_of, percent_of, reason_of, text_of, urls_of
from core.providers.stages import Stage, stage_of
from core.providers.tasks import (
    STILLS,
    Seen,
    TaskFamily,
    by_role,
    files_of,
    first_id,
    shape,
    wire_name,
)
from core.wire import Blob, Json

FAMILY = "runway"
SUBMIT = "/runwayml/v1/image_to_video"
LOOK = "/runwayml/v1/tasks"

RATIOS: Mapping[str, Mapping[str, str]] = {
    "gen4_turbo": {
        "16:9": "1280:720",
        "9:16": "720:1280",
        "4:3": "1104:832",
        "3:4": "832:1104",
        "1:1": "960:960",
        "21:9": "1584:672",
    },
    "gen3a_turbo": {"16:9": "1280:768", "9:16": "768:1280"},
}


MOST_BYTES = 3_500_000
"""Bytes of a picture: its data URI may have 5 MB."""


def _offer(key: str, title: str, price: float, most: int) -> Offer:
    return Offer(
        key,
        FAMILY,
        "video",
        title,
        price,
        takes={"ar": tuple(RATIOS[key]), "seconds": ("5", "10"), "seed": ()},
        media=(1, most),
        longest=1000,
        factors=(({"seconds": ("10",)}, 2.0),),
        typical=60.0,
        first_look=15.0,
        deadline=1800.0,
    )


OFFERS: tuple[Offer, ...] = (
    _offer("gen4_turbo", "Runway Gen-4 Turbo", 0.25, most=1),
    _offer("gen3a_turbo", "Runway Gen-3 Turbo", 0.25, most=2),
)
"""Prices are the vendor's own for five seconds; `[models]` sets the gateway's."""


class Runway(TaskFamily):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    title: ClassVar[str] = "Runway"
    offers: Sequence[Offer] = OFFERS

    def submit(self, request: Request) -> tuple[str, Mapping[str, Json]]:
        """Path and body of a submit. Raises `BadInput`."""
        options = request.options
        older = "gen3" in wire_name(request)
        ratios = RATIOS["gen3a_turbo" if older else "gen4_turbo"]
        body: dict[str, Json] = {
            "model": wire_name(request),
            "promptImage": _pictures(request),
            "duration": int(options.get("seconds") or 5),
            "ratio": ratios.get(shape(request, ratios), ratios["16:9"]),
            "watermark": False,
        }
        if request.prompt:
            body["promptText"] = request.prompt
        if options.get("seed") is not None:
            body["seed"] = int(options["seed"])
        return SUBMIT, body

    def task_id(self, body: Json) -> str:
        """The id, bare or wrapped."""
        whole = object_of(body)
        inner = whole.get("data")
        return first_id(
            whole.get("id"), object_of(inner).get("task_id"), object_of(inner).get("id"), inner
        )

    def where(self, ticket: Ticket) -> str:
        """The path of the tasks."""
        return LOOK

    def seen(self, body: Json) -> Seen | None:
        """Read a task; progress is a number from 0 to 1, or a text such as `45%` in a wrapper."""
        outer = object_of(body)
        wrapper = object_of(outer.get("data")) or outer
        task = object_of(wrapper.get("data")) or wrapper
        if not any(isinstance(one.get("status", 0), str | None) for one in (wrapper, task)):
            return None
        stage = stage_of(wrapper.get("status") or task.get("status"))
        progress = _percent(task.get("progress"))
        return Seen(
            stage,
            _percent(wrapper.get("progress")) if progress is None else progress,
            _films(task, wrapper) if stage is Stage.SUCCESS else (),
            _reason(task, wrapper),
        )


def _pictures(request: Request) -> Json:
    """The first picture by itself, or a list that names the first and the last."""
    files = by_role(request)
    if "start" not in files:
        raise BadInput(
            mark(
                "Runway needs a picture to start from: send one with the command, or reply to one."
            )
        )
    if "end" not in files:
        return _file(files["start"])
    return [
        {"uri": _file(files["start"]), "position": "first"},
        {"uri": _file(files["end"]), "position": "last"},
    ]


def _file(media: Media) -> Blob:
    return Blob(media, types=STILLS, most=MOST_BYTES)


def _films(task: Mapping[str, Json], wrapper: Mapping[str, Json]) -> tuple[Remote, ...]:
    """The output, or the one address of a wrapper."""
    films = tuple(Remote(url, "video") for url in urls_of(task.get("output")))
    return films or files_of((wrapper.get("result_url"), wrapper.get("fail_reason")))


def _reason(task: Mapping[str, Json], wrapper: Mapping[str, Json]) -> str:
    """Why it failed, with the code, which tells a picture or words that are not allowed."""
    reason = reason_of(task.get("failure")) or text_of(wrapper.get("fail_reason"))
    code = text_of(task.get("failureCode"))
    return f"{reason} ({code})" if reason and code else reason or code


def _percent(value: Json) -> int | None:
    """Percent of a share from 0 to 1, or of a text such as `45%`."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        value = value * 100
    return percent_of(value)
