"""Midjourney through a gateway: requests to calls, answers to tickets, looks to results.

Two dialects are understood everywhere: a new-api gateway with a task table of its own (HTTP 400
refusals, fixed fields, rewritten codes) and midjourney-proxy answering through (HTTP 200 refusals,
nulls, more fields). Pure; knows no clock, no commands and no chat platform.

`Request.options` it reads, all optional:
    niji: true for the anime bot. speed: `fast`, `relax` or `turbo`. tag: echoed by the gateway as
    `state`. dimensions: of a blend, `SQUARE`, `PORTRAIT` or `LANDSCAPE`. custom_id, action, index:
    of a follow-up, the button's own id, its booking name, and its number in the grid; `index`
        is there only where the parent may be continued by number. route: `change` or `action`, once
        one was refused.
    window, filled, modal: see `midjourney_windows`; `modal` makes a request the answer to an open
    window.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from core.errors import BadInput, Garbled, GatewayError, NotThere, Unreachable
from core.i18n import mark
from core.messages import Media
from core.providers import midjourney_buttons as buttons
from core.providers import midjourney_reasons as reasons
from core.providers import midjourney_windows as windows
from core.providers.base import (
    Failed,
    Family,
    Kind,
    Offer,
    Outcome,
    Progress,
    Request,
    Result,
    Ticket,
    Waiting,
)
from core.providers.fields import (
    id_of,
    media_of,
    object_of,
    percent_of,
    text_of,
    url_of,
    whole,
)
from core.providers.midjourney_prompts import (
    TEN,
    check_length,
    check_one_job,
    choices,
    normalise,
    unmarked,
)
from core.wire import Answer, Blob, Call, Json, refusal, said

FAMILY = "midjourney"

SUBMIT_SECONDS = 90.0
"""The gateway gives its own upstream 60 s; an answer that comes after that still tells what became
of the job."""
LOOK_SECONDS = 30.0


class MidjourneySettings(BaseModel):
    """`[midjourney]`: what differs from gateway to gateway."""

    model_config = ConfigDict(extra="forbid")

    followups: Literal["change", "action"] = "change"
    """How U, V and 🔄 are asked for first: by number, or by the button's own id. The other way is
    tried when the
    gateway has no such address."""
    speed_prefix: bool = False
    """Send jobs with a speed to `/mj-fast/mj`, `/mj-relax/mj` or `/mj-turbo/mj`, for gateways that
    route by it."""


def _offer(
    key: str, kind: Kind, price: float, typical: float = 35.0, first_look: float = 10.0
) -> Offer:
    return Offer(
        key=key,
        family=FAMILY,
        kind=kind,
        title="Midjourney",
        flags=True,
        price=price,
        typical=typical,
        first_look=first_look,
        deadline=4200.0,  # the gateway itself gives up, and refunds, after an hour
    )


OFFERS: tuple[Offer, ...] = (
    _offer("mj_imagine", "image", 0.1),
    _offer("mj_blend", "blend", 0.1),
    _offer("mj_describe", "describe", 0.05, typical=15.0, first_look=5.0),
    _offer("mj_shorten", "shorten", 0.1, typical=15.0, first_look=5.0),
    _offer("mj_upscale", "continue", 0.05, typical=15.0, first_look=5.0),
    _offer("mj_variation", "continue", 0.1),
    _offer("mj_reroll", "continue", 0.1),
    _offer("mj_high_variation", "continue", 0.1),
    _offer("mj_low_variation", "continue", 0.1),
    _offer("mj_pan", "continue", 0.1),
    _offer("mj_zoom", "continue", 0.1),
    # The press that opens these two windows is free; what they make is booked as mj_modal, which
    # their buttons name.
    _offer("mj_custom_zoom", "continue", 0.0),
    _offer("mj_inpaint", "continue", 0.0),
    _offer("mj_modal", "continue", 0.1),
    _offer("mj_video", "continue", 0.8, typical=120.0, first_look=30.0),
)
"""Prices are new-api's defaults; the owner of a gateway sets his own, and so does `[models]`."""

ACCEPTED = frozenset({1, 21, 22})
"""Codes of a submit that went through: done, exists already or wants a window, queued."""
QUEUED = frozenset({"", "NOT_START", "SUBMITTED"})
STOPPED = frozenset({"CANCEL", "CANCELLED", "CANCELED"})
ENDED = frozenset({"SUCCESS", "FAILURE"}) | STOPPED
SHAPES = frozenset({"SQUARE", "PORTRAIT", "LANDSCAPE"})

_CONFIRM = re.compile(r"confirm|窗口|确认", re.IGNORECASE)
_UNKNOWN_TASK = re.compile(r"task_not?_found|not found|未找到|不存在", re.IGNORECASE)


class Midjourney(Family):
    """The Midjourney family. See `core.providers.base.Provider` for what each method owes."""

    family = FAMILY
    offers: Sequence[Offer] = OFFERS
    batch = 50

    def __init__(self, settings: MidjourneySettings | None = None) -> None:
        """Take the owner's settings."""
        self._settings = settings or MidjourneySettings()

    # -- asking --------------------------------------------------------------------------------

    def call(self, request: Request) -> Call:
        """The submit call. Raises `BadInput` when the request cannot work."""
        match request.kind:
            case "image":
                path, body = "imagine", self._imagine(request)
            case "blend":
                path, body = "blend", self._blend(request)
            case "describe":
                path, body = "describe", self._describe(request)
            case "shorten":
                path, body = "shorten", {"prompt": _prompt(request), **_bot(request)}
            case "continue":
                path, body = self._continue(request)
        if tag := request.options.get("tag"):
            body["state"] = str(tag)[:255]
        return self._call("POST", self._mode(request), f"submit/{path}", body, SUBMIT_SECONDS)

    def _call(
        self, method: Literal["GET", "POST"], mode: str, path: str, body: Json, timeout: float
    ) -> Call:
        root = f"/{mode}/mj" if mode else "/mj"
        reads = not path.startswith("submit/")
        return Call(method, f"{root}/{path}", self.family, body, timeout, reads=reads)

    def _mode(self, request: Request) -> str:
        """The path's speed prefix; a follow-up goes the way its parent went."""
        if request.parent is not None:
            return request.parent.mode
        speed = request.options.get("speed")
        known = speed in ("fast", "relax", "turbo")
        return f"mj-{speed}" if self._settings.speed_prefix and known else ""

    def _imagine(self, request: Request) -> dict[str, Json]:
        pictures = [Blob(media) for media in request.media]
        return {"prompt": _prompt(request), "base64Array": pictures, **_bot(request)}

    def _blend(self, request: Request) -> dict[str, Json]:
        if not 2 <= len(request.media) <= 5:
            raise BadInput(mark("A blend takes 2 to 5 pictures, not {n}."), n=len(request.media))
        shape = str(request.options.get("dimensions") or "SQUARE").upper()
        if shape not in SHAPES:
            raise BadInput(
                mark("A blend can be square, portrait or landscape, not {value}."), value=shape[:20]
            )
        pictures = [Blob(media) for media in request.media]
        return {"base64Array": pictures, "dimensions": shape, **_bot(request)}

    def _describe(self, request: Request) -> dict[str, Json]:
        if len(request.media) != 1:
            raise BadInput(
                mark("One picture is described at a time; {n} were given."), n=len(request.media)
            )
        return {"base64": Blob(request.media[0]), **_bot(request)}

    def _continue(self, request: Request) -> tuple[str, dict[str, Json]]:
        options, parent = request.options, request.parent
        if parent is None or not parent.id:
            raise BadInput(
                mark("This button does not know its picture any more. Start again with /imagine.")
            )
        if options.get("modal"):
            return "modal", _window_answer(request, parent)
        if self._route(request) == "change":
            body = {"taskId": parent.id, "action": options["action"], "index": options["index"]}
            return "change", body
        custom_id = options.get("custom_id")
        if not isinstance(custom_id, str) or not buttons.CUSTOM_ID.fullmatch(custom_id):
            raise BadInput(mark("This button cannot be used any more. Start again with /imagine."))
        return "action", {"taskId": parent.id, "customId": custom_id}

    def _route(self, request: Request) -> str:
        """`change` where the button has a number and no other way was chosen or forced."""
        options = request.options
        numbered = options.get("action") in buttons.CHANGES and options.get("index") in (1, 2, 3, 4)
        if numbered and not options.get("custom_id"):
            return "change"
        wanted = options.get("route") or self._settings.followups
        return "change" if numbered and wanted == "change" else "action"

    def instead(self, request: Request, error: GatewayError) -> Request | None:
        """U, V and 🔄 go the other way, once, when the gateway has no address for the first."""
        options = request.options
        both = options.get("custom_id") and options.get("index")
        if not isinstance(error, NotThere) or not both or options.get("route"):
            return None
        other = "action" if self._route(request) == "change" else "change"
        return replace(request, options={**options, "route": other})

    def fill(self, request: Request, values: Mapping[str, str | Media]) -> Request:
        """Merge a window's answers into a request. Raises `BadInput` with the fix."""
        return windows.fill(request, values)

    # -- what became of it ---------------------------------------------------------------------

    def accept(self, request: Request, answer: Answer) -> Ticket | Waiting:
        """Read the answer of a submit. Raises a `GatewayError` whose `spent` says what is certain.

        Whether it went through is told by the code and the task's id together. That a window is
        open is told by the words as well, since the gateway rewrites codes; a window nobody
        mentions shows itself at the first look.
        """
        body = answer.body
        code = whole(body.get("code")) if isinstance(body, dict) else None
        if not isinstance(body, dict) or not _ok(answer) or code not in ACCEPTED:
            raise self._not_accepted(request, answer, code)
        task = id_of(body.get("result"))
        if not task and request.options.get("modal") and request.parent is not None:
            task = request.parent.id  # a window's answer keeps the number of the task that asked
        if not task:
            raise reasons.accepted_without_id(body.get("description"))
        ticket = Ticket(self.family, task, self._mode(request))
        properties = object_of(body.get("properties"))
        if not request.options.get("modal") and _asks(request, code, body):
            return windows.waiting(ticket, request, text_of(properties.get("finalPrompt")))
        return ticket

    def _not_accepted(self, request: Request, answer: Answer, code: int | None) -> GatewayError:
        body = answer.body
        generic = not isinstance(body, dict) or "error" in body or answer.status in (401, 402, 403)
        if generic or code is None or code in ACCEPTED:
            early = reasons.early_refusal(said(answer)) if answer.status == 400 else None
            garbled = Garbled(detail=f"HTTP {answer.status}: {said(answer)}")
            return early or refusal(answer) or garbled
        error = reasons.refusal_of(
            code,
            body.get("description") or body.get("message"),
            status=answer.status,
            follow_up=request.kind == "continue",
            banned=text_of(object_of(body.get("properties")).get("bannedWord")),
        )
        error.retry_after = answer.retry_after or error.retry_after
        return error

    # -- looking -------------------------------------------------------------------------------

    def look(self, ticket: Ticket) -> Call:
        """The call that fetches one task."""
        path = f"task/{quote(ticket.id, safe='')}/fetch"
        return self._call("GET", ticket.mode, path, None, LOOK_SECONDS)

    def look_many(self, tickets: Sequence[Ticket]) -> Call:
        """The call that fetches many tasks of one mode."""
        ids = [ticket.id for ticket in tickets]
        return self._call(
            "POST", tickets[0].mode, "task/list-by-condition", {"ids": ids}, LOOK_SECONDS
        )

    def read_many(self, answer: Answer) -> Mapping[str, Answer]:
        """Split the list into one answer per task. Raises `NotThere` when this gateway has no such
        call.

        After a window a task has two rows under one id, one of which lags behind: the one that is
        further on counts.
        """
        if not isinstance(answer.body, list) or not _ok(answer):
            raise _no_list(answer)
        rows: dict[str, dict[str, Json]] = {}
        for row in answer.body:
            task = id_of(row.get("id")) if isinstance(row, dict) else ""
            if task and (task not in rows or _advance(row) >= _advance(rows[task])):
                rows[task] = row
        return {task: Answer(200, row) for task, row in rows.items()}

    def read(self, ticket: Ticket, request: Request, answer: Answer) -> Outcome:
        """Read one task.

        Raises:
            NotThere: The gateway does not know the id, with `again` set: right after the submit
                that passes. How long
                it may be borne is for the caller to say, who has a clock.
            GatewayError: The look itself failed; nothing is known about the task.
        """
        task = answer.body
        if not isinstance(task, dict) or not _ok(answer) or not _is_task(task):
            raise _no_look(answer)
        status = text_of(task.get("status")).strip().upper()
        if status == "SUCCESS":
            return self._finished(ticket, request, task)
        if status == "FAILURE":
            return Failed(reasons.failure_of(task.get("failReason")))
        if status in STOPPED:
            return Failed(reasons.cancelled())
        if status == "MODAL":
            final = text_of(object_of(task.get("properties")).get("finalPrompt"))
            return windows.waiting(ticket, request, final, text_of(task.get("action")))
        queued = status in QUEUED
        return Progress(
            percent_of(task.get("progress")),
            not queued,
            "" if queued else url_of(task.get("imageUrl")),
        )

    def _finished(
        self, ticket: Ticket, request: Request, task: Mapping[str, Json]
    ) -> Result | Progress:
        """The result; one that still lacks its substance is looked at again until the deadline."""
        if request.kind in ("describe", "shorten"):
            return _written(request, task) or Progress(99)
        media = media_of(task)
        if not media:
            return Progress(99)
        final = text_of(object_of(task.get("properties")).get("finalPrompt"))
        prompt = _prompt_since(request, normalise(final))
        action = text_of(task.get("action")).upper() or _action_of(request)
        found = buttons.invites(task.get("buttons"), ticket, prompt, action)
        if not found and action in buttons.GRIDS and media[0].kind == "image":
            found = buttons.standard(ticket, prompt)
        return Result(media, invites=found, prompt=normalise(final))


# -- parts of calls --------------------------------------------------------------------------------


def _prompt(request: Request) -> str:
    """The prompt as it goes out. Raises `BadInput` when it cannot."""
    prompt = normalise(request.prompt)
    if not prompt:
        raise BadInput(mark("Say what the picture shall show."))
    check_length(prompt)
    check_one_job(prompt)
    return prompt


def _bot(request: Request) -> dict[str, Json]:
    return {"botType": "NIJI_JOURNEY"} if request.options.get("niji") else {}


def _window_answer(request: Request, parent: Ticket) -> dict[str, Json]:
    body: dict[str, Json] = {"taskId": parent.id}
    if request.prompt:
        body["prompt"] = _prompt(request)
    if request.options.get("window") == windows.INPAINT:
        if not request.media:
            raise BadInput(
                mark("Send a mask with it: a picture of the same size, white where it may change.")
            )
        body["maskBase64"] = Blob(request.media[0])
    return body


# -- reading --------------------------------------------------------------------------------------


def _ok(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _asks(request: Request, code: int | None, body: Mapping[str, Json]) -> bool:
    """Tell whether an accepted submit waits for a window: its words say so, or its code 21 does not
    speak of an old task.
    """
    if _CONFIRM.search(text_of(body.get("description"))):
        return True
    properties = object_of(body.get("properties"))
    windowed = "remix" in properties or bool(request.options.get("window"))
    return code == 21 and windowed and not properties.get("status")


def _is_task(body: Mapping[str, Json]) -> bool:
    return "status" in body or "progress" in body


def _prompt_since(request: Request, final: str) -> str:
    """The prompt that goes on: the person's own, unless a window has made it another."""
    own = request.prompt
    changed = request.kind == "continue" and not final.startswith(own)
    return final if final and (changed or not own) else own


def _action_of(request: Request) -> str:
    """The action of a task that does not say its own."""
    kinds = {"image": "IMAGINE", "blend": "BLEND"}
    return kinds.get(request.kind) or text_of(request.options.get("action"))


def _written(request: Request, task: Mapping[str, Json]) -> Result | None:
    """What describe and shorten wrote, with a button for each prompt in it; None while there is no
    text. What counts in a prompt is marked by shorten, and stays so.
    """
    properties = object_of(task.get("properties"))
    texts = [properties.get("finalPrompt")]
    if request.kind == "describe":
        texts += [task.get("prompt"), task.get("promptEn")]
    text = next((t for value in texts if (t := text_of(value).strip())), "")
    prompts = choices(text)
    if not prompts:
        return None
    describing = request.kind == "describe"
    found = buttons.of_choices(prompts, everything=describing)
    if describing:
        found.append(buttons.once_more(request))
        text = "\n\n".join(f"{TEN[n]} {p}" if n < len(TEN) else p for n, p in enumerate(prompts))
        return Result(text=unmarked(text), invites=buttons.arrange(found))
    return Result(text=text, invites=buttons.arrange(found), markdown=True)


def _advance(task: Mapping[str, Json]) -> tuple[int, int]:
    """How far on a row is, for choosing between two of one task."""
    status = text_of(task.get("status")).strip().upper()
    stage = 3 if status in ENDED else 0 if status == "MODAL" else 1 if status in QUEUED else 2
    return stage, percent_of(task.get("progress")) or 0


def _no_look(answer: Answer) -> GatewayError:
    """What an answer that holds no task means."""
    body = answer.body
    words = text_of(body.get("description")) if isinstance(body, dict) else ""
    code = whole(body.get("code")) if isinstance(body, dict) else None
    detail = f"HTTP {answer.status}: {said(answer)}"
    unknown = code == 3 or (code == 4 and _UNKNOWN_TASK.search(words))
    silent = body in (None, "") and (_ok(answer) or answer.status == 404)
    if unknown or silent or (answer.status == 404 and isinstance(body, dict)):
        return NotThere(
            mark("The image service does not know this job yet."), again=True, detail=detail
        )
    error = refusal(answer)
    if error is None or isinstance(
        error, NotThere
    ):  # a page of a proxy, or no channel: nothing about the task
        return Unreachable(again=True, detail=detail)
    return error


def _no_list(answer: Answer) -> GatewayError:
    """What an answer that holds no list means: a gateway without the call, or one in trouble."""
    passing = answer.status in (401, 402, 403, 408, 429) or answer.status >= 500
    strange = isinstance(answer.body, dict) or 400 <= answer.status < 500
    if strange and not passing:
        return NotThere(detail=f"HTTP {answer.status}: {said(answer)}")
    return refusal(answer) or Garbled(again=True, detail=f"HTTP {answer.status}: {said(answer)}")
