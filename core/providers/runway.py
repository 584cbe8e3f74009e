"""Runway: videos from a picture, through `/runwayml/v1`.

A picture is needed, and goes as a data URI; the older model also takes a last one. A task is read
bare or in a gateway's wrapper. Pure. `Request.options` it reads, all optional: model, ar, seconds,
seed, roles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from core.errors import BadInput
from core.i18n import mark
from core.providers.base import Offer, Remote, Request, Ticket
from core.providers.fields import object_of, percent_of, text_of, url_of
from core.providers.stages import stage_of
from core.providers.tasks import Seen, TaskFamily, first_id
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


def _offer(key: str, title: str, price: float) -> Offer:
    return Offer(
        key,
        FAMILY,
        "video",
        title,
        price,
        takes={"ar": tuple(RATIOS[key]), "seconds": ("5", "10"), "seed": ()},
        media=(1, 2),
        longest=1000,
        factors=(({"seconds": ("10",)}, 2.0),),
        typical=60.0,
        first_look=15.0,
        deadline=1800.0,
    )


OFFERS: tuple[Offer, ...] = (
    _offer("gen4_turbo", "Runway Gen-4 Turbo", 0.25),
    _offer("gen3a_turbo", "Runway Gen-3 Turbo", 0.25),
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
        model = text_of(options.get("model")) or request.offer
        ratios = RATIOS.get(request.offer) or RATIOS["gen4_turbo"]
        body: dict[str, Json] = {
            "model": model,
            "promptImage": _pictures(request),
            "duration": int(options.get("seconds") or 5),
            "ratio": ratios.get(text_of(options.get("ar")), ratios["16:9"]),
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
        wrapper = object_of(outer.get("data"))
        task = object_of(wrapper.get("data")) or wrapper or outer
        word = task.get("status") or wrapper.get("status")
        if word is None and "status" not in outer:
            return None
        output = task.get("output")
        urls = [url_of(one) for one in output] if isinstance(output, list) else []
        reason = text_of(task.get("failure")) or text_of(wrapper.get("fail_reason"))
        code = text_of(task.get("failureCode"))
        return Seen(
            stage_of(word or outer.get("status")),
            _percent(task.get("progress", wrapper.get("progress"))),
            tuple(Remote(url, "video") for url in urls if url),
            " ".join(part for part in (reason, code) if part),
        )


def _pictures(request: Request) -> Json:
    """The first picture by itself, or a list that names the first and the last."""
    given = request.options.get("roles")
    roles = given if isinstance(given, list) else ["start", "end"]
    files = dict(zip(roles, request.media, strict=False))
    if "start" not in files:
        raise BadInput(
            mark(
                "Runway needs a picture to start from: send one with the command, or reply to one."
            )
        )
    if "end" not in files:
        return Blob(files["start"])
    if request.offer != "gen3a_turbo":
        raise BadInput(mark("This Runway model takes no last picture; Gen-3 Turbo does."))
    return [
        {"uri": Blob(files["start"]), "position": "first"},
        {"uri": Blob(files["end"]), "position": "last"},
    ]


def _percent(value: Json) -> int | None:
    if isinstance(value, float) or value == 1:
        return min(int(float(value) * 100), 99)
    return percent_of(value)
