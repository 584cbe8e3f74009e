"""Pika: videos from words or a picture, with pikaffects, through `/pika`.

How a task stands is in its first video. A shape goes as a number. Pure. `Request.options` it reads,
all optional: model, ar, no, seed, effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from core.errors import BadInput
from core.i18n import mark
from core.providers.base import Offer, Remote, Request, Ticket
from core.providers.fields import list_of, object_of, percent_of, reason_of, text_of, url_of
from core.providers.stages import Stage, stage_of
from core.providers.tasks import STILLS, Seen, TaskFamily, first_id, unwrapped, wire_name
from core.wire import Blob, Json

FAMILY = "pika"
SUBMIT = "/pika/generate"
LOOK = "/pika/feed"
RATIOS: Mapping[str, float] = {"16:9": 16 / 9, "4:3": 4 / 3, "1:1": 1, "3:4": 0.75, "9:16": 0.5625}
EFFECTS = (
    "Cake-ify",
    "Crumble",
    "Crush",
    "Decapitate",
    "Deflate",
    "Dissolve",
    "Explode",
    "Eye-pop",
    "Inflate",
    "Levitate",
    "Melt",
    "Peel",
    "Poke",
    "Squish",
    "Ta-da",
    "Tear",
)


def _offer(key: str, title: str, model: str, price: float) -> Offer:
    return Offer(
        key,
        FAMILY,
        "video",
        title,
        price,
        model=model,
        takes={"ar": tuple(RATIOS), "no": (), "seed": (), "effect": EFFECTS},
        beside={"picture": {"ar": ()}},
        media=(0, 1),
        longest=1000,
        typical=120.0,
        first_look=20.0,
        deadline=1800.0,
    )


OFFERS: tuple[Offer, ...] = (
    _offer("pika-1.5", "Pika 1.5", "1.5", 0.3),
    _offer("pika-2.0", "Pika 2.0", "2.0", 0.4),
)
"""Prices are guesses from resellers' lists; `[models]` sets the gateway's."""


class Pika(TaskFamily):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    title: ClassVar[str] = "Pika"
    offers: Sequence[Offer] = OFFERS

    def submit(self, request: Request) -> tuple[str, Mapping[str, Json]]:
        """Path and body of a submit. Raises `BadInput`."""
        options = request.options
        effect = text_of(options.get("effect"))
        if effect and not request.media:
            raise BadInput(mark("An effect needs a picture: send one with the command."))
        if not request.prompt and not request.media:
            raise BadInput(mark("Say what the video shall show, or send a picture to start from."))
        knobs: dict[str, Json] = {
            "guidanceScale": 12,
            "motion": 1,
            "negativePrompt": text_of(options.get("no")),
        }
        if options.get("seed") is not None:
            knobs["seed"] = int(options["seed"])
        shape = {"frameRate": 24, "camera": {}, "parameters": knobs, "extend": False}
        body: dict[str, Json] = {
            "promptText": request.prompt,
            "pikaffect": effect,
            "model": wire_name(request),
            "options": shape,
        }
        if request.media:
            body["image"] = Blob(request.media[0], "url", STILLS)
        else:
            shape["aspectRatio"] = RATIOS.get(text_of(options.get("ar")), RATIOS["16:9"])
        return SUBMIT, body

    def task_id(self, body: Json) -> str:
        """The id, bare or wrapped."""
        whole = object_of(body)
        return first_id(whole.get("id"), object_of(whole.get("data")).get("id"))

    def where(self, ticket: Ticket) -> str:
        """The path of the tasks."""
        return LOOK

    def seen(self, body: Json) -> Seen | None:
        """Read a task; without a video yet it waits."""
        task = unwrapped(object_of(body), "videos")
        if not any(name in task for name in ("videos", "id", "status")):
            return None
        videos = list_of(task.get("videos"))
        if not videos and "status" not in task:
            return Seen(Stage.QUEUED)
        first = object_of(videos[0]) if videos else task
        url = url_of(first.get("resultUrl")) or url_of(task.get("result_url"))
        words = (reason_of(first.get("error")), task.get("fail_reason"), task.get("message"))
        return Seen(
            stage_of(first.get("status")),
            percent_of(first.get("progress")),
            (Remote(url, "video"),) if url else (),
            next(filter(None, map(text_of, words)), ""),
            url_of(first.get("imageThumb")),
        )
