"""Kling: pictures, virtual try-on, and videos from words or pictures.

Files go as bare base64. An id is known only on the path it was made on, so the ticket keeps that.
Four shapes of a task are read: Kling's own, the gateway's wrapper, a short form, and OpenAI's video
object. Pure. `Request.options` it reads, all optional: model, ar, count, no, strength, seconds,
mode, camera, roles (which of the files is the `start` and which the `end` of a video).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

from core.errors import (
    BadInput,
    Busy,
    GatewayError,
    Moderated,
    NotThere,
    OutOfCredit,
    Refused,
    Spent,
    Unreachable,
)
from core.i18n import mark
from core.messages import Media
from core.providers.base import Offer, Remote, Request, Ticket, Values
from core.providers.fields import object_of, percent_of, text_of, url_of, whole
from core.providers.stages import Stage, stage_of
from core.providers.tasks import Seen, TaskFamily, by_role, files_of, first_id, wire_name
from core.wire import LOST, SAID_RATE, TOO_FAST, Answer, Blob, Json, said

FAMILY = "kling"
PICTURES = "/kling/v1/images/generations"
TRY_ON = "/kling/v1/images/kolors-virtual-try-on"
FROM_TEXT = "/kling/v1/videos/text2video"
FROM_IMAGE = "/kling/v1/videos/image2video"

RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9")
COUNTS = tuple(str(n) for n in range(1, 10))
MODES = ("std", "pro")
MOVES = ("down_back", "forward_up", "right_turn_forward", "left_turn_forward")
"""Camera moves by name."""
AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
"""Camera moves by axis, such as `zoom:5`; -10 to 10."""
FAR = (5, -5, *(n for n in range(-10, 11) if n not in (0, 5, -5)))
CAMERA = (*MOVES, *(f"{axis}:{far}" for far in FAR for axis in AXES))

LEAST_SIDE, STEEPEST, MOST_BYTES = 300, 2.5, 10_000_000
"""Pixels of a picture's shorter side, the most its longer one may have of that, and its bytes."""


def _picture(key: str, title: str, price: float) -> Offer:
    return Offer(
        key,
        FAMILY,
        "image",
        title,
        price,
        takes={"ar": RATIOS, "count": COUNTS, "no": (), "strength": ()},
        beside={"picture": {"no": ()}},
        media=(0, 1),
        longest=2500,
        times=("count",),
        typical=30.0,
        first_look=10.0,
        deadline=1800.0,
    )


def _video(
    key: str,
    title: str,
    price: float,
    *,
    model: str = "",
    media: tuple[int, int] = (0, 1),
    pro: float = 0.0,
    end: Mapping[str, Values] | None = None,
    camera: Values = (),
) -> Offer:
    """A model; `pro` is the factor of its professional mode where it has modes, `end` what a last
    picture needs where it takes one.
    """
    knobs: dict[str, Values] = {"ar": ("16:9", "9:16", "1:1"), "seconds": ("5", "10"), "no": ()}
    knobs |= {"mode": MODES} if pro else {}
    knobs |= {"camera": camera} if camera else {}
    return Offer(
        key,
        FAMILY,
        "video",
        title,
        price,
        model=model,
        takes=knobs,
        beside={"picture": {"ar": ()}, "end": end or {}},
        media=media,
        longest=2500,
        factors=(({"seconds": ("10",)}, 2.0), ({"mode": ("pro",)}, pro or 1.0)),
        typical=240.0,
        first_look=20.0,
        deadline=1800.0,
    )


ONLY_PRO: Mapping[str, Values] = {"mode": ("pro",)}

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
    _video("kling-v1-6", "Kling 1.6", 0.28, media=(0, 2), pro=1.75, end=ONLY_PRO),
    _video(
        "kling-v1",
        "Kling 1",
        0.14,
        media=(0, 2),
        pro=3.5,
        end={"seconds": ("5",)},
        camera=CAMERA,
    ),
    _video(
        "kling-v1-5-video",
        "Kling 1.5 video",
        0.28,
        model="kling-v1-5",
        media=(1, 2),
        pro=1.75,
        end=ONLY_PRO,
    ),
    _video(
        "kling-v2-1-video",
        "Kling 2.1 video",
        0.28,
        model="kling-v2-1",
        media=(1, 2),
        pro=1.75,
        end=ONLY_PRO,
    ),
    _video("kling-v2-5-turbo", "Kling 2.5 Turbo", 0.21, pro=5 / 3),
    _video("kling-v2-master", "Kling 2 Master", 1.4),
)
"""Prices are the vendor's own, a picture or five seconds in standard mode; the owner of a gateway
sets his own, and so does `[models]`."""

OWN_ACCOUNT = mark("The service has trouble with its own account at Kling just now.")
NO_CREDIT = mark(
    "The service has no credit left at Kling. Until its people change that, choose another model."
)
NOT_LET_IN = mark("Kling does not let the service in. Please choose another model.")
UPKEEP = mark("Kling is being worked on just now.")
SAID_NO = mark("Kling refused this: {reason}")
NOT_ALLOWED = mark("Kling turned this down for its content: {reason}")


def _code(first: int, last: int, error: GatewayError) -> tuple[range, GatewayError]:
    return range(first, last + 1), error


def _errors(reason: str) -> tuple[tuple[range, GatewayError], ...]:
    """What Kling's codes mean, whatever the status they come with."""
    return (
        _code(1000, 1004, Busy(OWN_ACCOUNT, retry_after=60.0)),
        _code(1100, 1103, OutOfCredit(NO_CREDIT)),
        _code(1200, 1201, Refused(SAID_NO, reason=reason)),
        _code(1202, 1203, NotThere()),
        _code(1300, 1301, Moderated(NOT_ALLOWED, reason=reason)),
        _code(1302, 1303, Busy(TOO_FAST, retry_after=SAID_RATE)),
        _code(1304, 1304, Refused(NOT_LET_IN)),
        _code(5000, 5000, Unreachable(LOST, spent=Spent.UNKNOWN)),
        _code(5001, 5001, Busy(UPKEEP, retry_after=60.0)),
        _code(5002, 5002, Unreachable(LOST, spent=Spent.UNKNOWN)),
    )


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
                person, garment = (_file(media) for media in request.media)
                model = wire_name(request)
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

    def refused(self, answer: Answer) -> GatewayError | None:
        """An error by Kling's own code where it has one: also a 200 may carry it."""
        body = object_of(answer.body)
        code = whole(body.get("code")) or whole(object_of(body.get("error")).get("code")) or 0
        error = super().refused(answer)
        if code < 1000:
            return error
        errors = _errors(said(answer) or "?")
        known = next((meaning for codes, meaning in errors if code in codes), None)
        if known is None:
            return error or Refused(SAID_NO, reason=said(answer) or "?")
        known.detail = f"HTTP {answer.status} {code} {said(answer)}"
        known.retry_after = answer.retry_after or known.retry_after
        return known

    def where(self, ticket: Ticket) -> str:
        """The path the task was made on."""
        return ticket.mode

    def seen(self, body: Json) -> Seen | None:
        """Read a task in any of its four shapes."""
        task = _task(body)
        if task is None:
            return None
        own = object_of(object_of(task.get("data")).get("data"))
        stage = stage_of(task.get("task_status") or task.get("status"))
        reasons = (
            task.get("task_status_msg"),
            task.get("fail_reason"),
            own.get("task_status_msg"),
            object_of(task.get("error")).get("message"),
        )
        return Seen(
            stage,
            percent_of(task.get("progress")),
            _files(task, own) if stage is Stage.SUCCESS else (),
            next((words for place in reasons if (words := text_of(place))), ""),
        )


# -- asking ----------------------------------------------------------------------------------------


def _drawing(request: Request) -> dict[str, Json]:
    options = request.options
    body = _common(request)
    body["n"] = int(options.get("count") or 1)
    if ar := options.get("ar"):
        body["aspect_ratio"] = ar
    if request.media:
        body["image"] = _file(request.media[0])
        if body["model_name"] == "kling-v1-5":  # which has to be told what the picture is for
            body["image_reference"] = "subject"
        if strength := options.get("strength"):
            body["image_fidelity"] = min(max(float(strength) / 100, 0.0), 1.0)
    return body


def _common(request: Request) -> dict[str, Json]:
    model = wire_name(request)
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
    files = by_role(request)
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
        body["image"] = _file(files["start"])
    if "end" in files:
        body["image_tail"] = _file(files["end"])
    return FROM_IMAGE, body


def _file(media: Media) -> Blob:
    """A picture as Kling takes it. Raises `BadInput` for one it certainly does not take."""
    short, long = sorted((media.width, media.height))
    if 0 < short < LEAST_SIDE:
        raise BadInput(
            mark("Kling needs pictures of at least {n} × {n} pixels; this one is {w} × {h}."),
            n=LEAST_SIDE,
            w=media.width,
            h=media.height,
        )
    if long > short * STEEPEST:
        raise BadInput(
            mark(
                "This picture is too long and thin for Kling: one side may be at most {n} times "
                "the other. Please crop it."
            ),
            n=STEEPEST,
        )
    return Blob(media, "base64", types=("image/jpeg", "image/png"), most=MOST_BYTES)


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
    outer = object_of(body)
    for found in (object_of(outer.get("data")), outer):
        for name in ("task_status", "status"):
            if name in found and isinstance(found[name], str | None):
                return found
    return None


def _files(task: Mapping[str, Json], own: Mapping[str, Json]) -> tuple[Remote, ...]:
    """Where the results are: in Kling's own list, or at the one address of a wrapper; older ones
    put that where the reason of a failure stands.
    """
    kinds: tuple[tuple[str, Literal["video", "image"]], ...] = (
        ("videos", "video"),
        ("images", "image"),
    )
    for holder in (task, own, object_of(task.get("data"))):
        result = object_of(holder.get("task_result"))
        for name, kind in kinds:
            if urls := _urls(result.get(name)):
                return tuple(Remote(url, kind) for url in urls)
    places = (
        task.get("result_url"),
        task.get("url"),
        object_of(task.get("metadata")).get("url"),
        task.get("fail_reason"),
    )
    return files_of(places)


def _urls(rows: Json) -> list[str]:
    entries: Iterable[Json] = rows if isinstance(rows, list) else ()
    return [url for row in entries if (url := url_of(object_of(row).get("url")))]
