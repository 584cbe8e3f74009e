"""Kling: pictures, virtual try-on, and videos from words or pictures.

Files go as bare base64. An id is known only on the path it was made on, so the ticket keeps that.
Four shapes of a task are read: Kling's own, the gateway's wrapper, a short form, and OpenAI's video
object. Pure. `Request.options` it reads, all optional: model, ar, count, no, strength, seconds,
mode, camera, roles (which of the files is the `start` and which the `end` of a video).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from core.errors import BadInput
from core.i18n import mark
from core.providers.base import Offer, Remote, Request, Ticket
from core.providers.fields import object_of, percent_of, text_of, url_of
from core.providers.stages import Stage, stage_of
from core.providers.tasks import Seen, TaskFamily, first_id
from core.wire import Blob, Json

FAMILY = "kling"
PICTURES = "/kling/v1/images/generations"
TRY_ON = "/kling/v1/images/kolors-virtual-try-on"
FROM_TEXT = "/kling/v1/videos/text2video"
FROM_IMAGE = "/kling/v1/videos/image2video"

RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9")
COUNTS = tuple(str(n) for n in range(1, 10))
MOVES = ("down_back", "forward_up", "right_turn_forward", "left_turn_forward")
"""Camera moves by name."""
AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
"""Camera moves by axis, such as `zoom:5`; -10 to 10."""
CAMERA = (*MOVES, *(f"{axis}:{way}" for axis in AXES for way in ("5", "-5")))


def _picture(key: str, title: str, price: float) -> Offer:
    takes = {"ar": RATIOS, "count": COUNTS, "no": (), "strength": ()}
    return Offer(
        key,
        FAMILY,
        "image",
        title,
        price,
        takes=takes,
        media=(0, 1),
        longest=2500,
        times=("count",),
        typical=30.0,
        first_look=10.0,
        deadline=1800.0,
    )


def _video(key: str, title: str, price: float, **more: tuple[str, ...]) -> Offer:
    takes = {"ar": ("16:9", "9:16", "1:1"), "seconds": ("5", "10"), "no": (), **more}
    return Offer(
        key,
        FAMILY,
        "video",
        title,
        price,
        takes=takes,
        media=(0, 2),
        longest=2500,
        factors=(({"seconds": ("10",)}, 2.0), ({"mode": ("pro",)}, 1.75)),
        typical=240.0,
        first_look=20.0,
        deadline=1800.0,
    )


OFFERS: tuple[Offer, ...] = (
    _picture("kling-v2-1", "Kling 2.1", 0.014),
    _picture("kling-v1-5", "Kling 1.5", 0.014),
    Offer(
        "kolors-virtual-try-on-v1-5",
        FAMILY,
        "tryon",
        "Kolors try-on",
        0.07,
        media=(2, 2),
        typical=20.0,
        first_look=8.0,
        deadline=1800.0,
    ),
    _video("kling-v1-6", "Kling 1.6", 0.28, mode=("std", "pro")),
    _video("kling-v1", "Kling 1", 0.14, mode=("std", "pro"), camera=CAMERA),
    _video("kling-v2-master", "Kling 2 Master", 1.4),
    _video("kling-v2-5-turbo", "Kling 2.5 Turbo", 0.35, mode=("std", "pro")),
)
"""Prices are the vendor's own, a picture or five seconds in standard mode; the owner of a gateway
sets his own, and so does `[models]`."""


class Kling(TaskFamily):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    title: ClassVar[str] = "Kling"
    offers: Sequence[Offer] = OFFERS

    def submit(self, request: Request) -> tuple[str, Mapping[str, Json]]:
        """Path and body of a submit. Raises `BadInput`."""
        match request.kind:
            case "image":
                return PICTURES, _drawing(request)
            case "tryon":
                person, garment = (Blob(media, "base64") for media in request.media)
                model = text_of(request.options.get("model")) or request.offer
                return TRY_ON, {
                    "model_name": model,
                    "model": model,
                    "human_image": person,
                    "cloth_image": garment,
                }
            case _:
                return _film(request)

    def task_id(self, body: Json) -> str:
        """The first of `data.task_id`, `task_id`, `id` and `data`."""
        whole = object_of(body)
        inner = whole.get("data")
        return first_id(
            object_of(inner).get("task_id"), whole.get("task_id"), whole.get("id"), inner
        )

    def where(self, ticket: Ticket) -> str:
        """The path the task was made on."""
        return ticket.mode

    def seen(self, body: Json) -> Seen | None:
        """Read a task in any of its four shapes."""
        task = _task(body)
        if task is None:
            return None
        word = task.get("task_status") or task.get("status")
        stage = stage_of(word)
        media = _files(task)
        reason = text_of(task.get("task_status_msg")) or text_of(task.get("fail_reason"))
        if stage is Stage.SUCCESS and not media and (url := url_of(reason)):
            media = (Remote(url, "video"),)  # older wrappers put the address there
        return Seen(
            stage,
            percent_of(task.get("progress")),
            media,
            reason or text_of(object_of(task.get("error")).get("message")),
        )


# -- asking ----------------------------------------------------------------------------------------


def _drawing(request: Request) -> dict[str, Json]:
    options = request.options
    body = _common(request)
    body["n"] = int(options.get("count") or 1)
    if ar := options.get("ar"):
        body["aspect_ratio"] = ar
    if request.media:
        body.pop("negative_prompt", None)  # not allowed beside a picture
        body["image"] = Blob(request.media[0], "base64")
        if strength := options.get("strength"):
            body["image_fidelity"] = min(max(float(strength) / 100, 0.0), 1.0)
    return body


def _common(request: Request) -> dict[str, Json]:
    model = text_of(request.options.get("model")) or request.offer
    body: dict[str, Json] = {"model_name": model, "model": model}
    if request.prompt:
        body["prompt"] = request.prompt
    if no := request.options.get("no"):
        body["negative_prompt"] = no
    return body


def _film(request: Request) -> tuple[str, dict[str, Json]]:
    options = request.options
    body = _common(request)
    body["duration"] = str(options.get("seconds") or "5")
    if mode := options.get("mode"):
        body["mode"] = mode
    camera = text_of(options.get("camera"))
    files = dict(zip(_roles(request), request.media, strict=False))
    if camera and "end" in files:
        raise BadInput(
            mark("A last picture and a camera move do not go together. Leave one of them out.")
        )
    if camera:
        body["camera_control"] = _camera(camera)
    if not files:
        if not request.prompt:
            raise BadInput(mark("Say what the video shall show, or send a picture to start from."))
        return FROM_TEXT, {**body, "aspect_ratio": options.get("ar") or "16:9"}
    if "start" in files:
        body["image"] = Blob(files["start"], "base64")
    if "end" in files:
        body["image_tail"] = Blob(files["end"], "base64")
    return FROM_IMAGE, body


def _roles(request: Request) -> list[str]:
    given = request.options.get("roles")
    return [str(role) for role in given] if isinstance(given, list) else ["start", "end"]


def _camera(move: str) -> dict[str, Json]:
    """A named move, or one axis and how far: exactly one may differ from zero."""
    if move in MOVES:
        return {"type": move}
    axis, _, amount = move.partition(":")
    try:
        far = min(max(float(amount or 5), -10.0), 10.0)
    except ValueError:
        far = 0.0
    if axis not in AXES or not far:
        raise BadInput(
            mark("{move} is no camera move. There is {moves}."),
            move=move[:40],
            moves=", ".join(CAMERA),
        )
    return {"type": "simple", "config": {name: far if name == axis else 0 for name in AXES}}


# -- reading ---------------------------------------------------------------------------------------


def _task(body: Json) -> Mapping[str, Json] | None:
    """The object that says how the task stands, whatever is wrapped around it."""
    whole = object_of(body)
    inner = object_of(whole.get("data"))
    for found in (inner, whole):
        if "task_status" in found or "status" in found:
            return found
    return None


def _files(task: Mapping[str, Json]) -> tuple[Remote, ...]:
    """Where the results are: in Kling's own list, or at the one address of a wrapper."""
    raw = object_of(object_of(object_of(task.get("data")).get("data")))
    holders = (task, raw, object_of(task.get("data")))
    for holder in holders:
        result = object_of(holder.get("task_result"))
        for name, kind in (("videos", "video"), ("images", "image")):
            rows = result.get(name)
            urls = [url_of(object_of(r).get("url")) for r in rows] if isinstance(rows, list) else []
            if any(urls):
                found = [Remote(url, kind) for url in urls if url]  # type: ignore[arg-type]
                return tuple(found)
    one = next(
        (
            url
            for place in (
                task.get("result_url"),
                task.get("url"),
                object_of(task.get("metadata")).get("url"),
            )
            if (url := url_of(place))
        ),
        "",
    )
    video = not one.lower().partition("?")[0].endswith((".png", ".jpg", ".jpeg", ".webp"))
    return (Remote(one, "video" if video else "image"),) if one else ()
