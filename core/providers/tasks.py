"""What families with tasks have in common: a submit gives an id, looks at it tell how it stands.

A family says where it is asked, where the id stands, and how a task reads; the rest is here. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

from core.errors import Garbled, GatewayError, NotThere, Refused, Spent, Unreachable
from core.i18n import mark
from core.messages import Media
from core.providers.base import (
    Failed,
    Family,
    Invite,
    Offer,
    Outcome,
    Progress,
    Remote,
    Request,
    Result,
    Ticket,
    Waiting,
)
from core.providers.fields import id_of, object_of, text_of, url_of
from core.providers.stages import Stage, failure_of, judged, stopped
from core.wire import Answer, Call, Json, refusal, said

SUBMIT_SECONDS = 90.0
LOOK_SECONDS = 30.0
NO_ID = mark(
    "The service took this but gave no number for it, so nobody can say whether it is being made."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a task, whatever its family's words."""

    stage: Stage
    percent: int | None = None
    media: tuple[Remote, ...] = ()
    reason: Json = ""
    """Why it failed, in the service's words."""
    preview: str = ""
    rough: bool = False
    """The files are there, but better ones are expected within moments."""
    part: tuple[Remote, ...] = ()
    """Files that are finished while others of the same task are not."""


class TaskFamily(Family):
    """A family whose submits give tasks. See `core.providers.base.Provider`."""

    family: str
    title: ClassVar[str]
    """What people call it, for sentences."""
    offers: Sequence[Offer]

    # -- what a family says --------------------------------------------------------------------

    def submit(self, request: Request) -> tuple[str, Mapping[str, Json]]:
        """Path and body of a submit. Raises `BadInput` when it cannot work."""
        raise NotImplementedError

    def task_id(self, body: Json) -> str:
        """The id in the answer of a submit, or empty."""
        raise NotImplementedError

    def where(self, ticket: Ticket) -> str:
        """The path of a look, up to the id."""
        raise NotImplementedError

    def seen(self, body: Json) -> Seen | None:
        """Read a task; None when the body holds none."""
        raise NotImplementedError

    def refused(self, answer: Answer) -> GatewayError | None:
        """The error in an answer; a refusal whose words speak of content is one for content."""
        error = refusal(answer)
        plain = type(error) is Refused
        return (judged(self.title, said(answer)) if plain else None) or error

    def invites(self, ticket: Ticket, request: Request, body: Json) -> tuple[Invite, ...]:
        """What a finished task can be continued with."""
        del ticket, request, body
        return ()

    # -- the port ------------------------------------------------------------------------------

    def call(self, request: Request) -> Call:
        """The submit call. Raises `BadInput`."""
        path, body = self.submit(request)
        keys = (request.offer,)
        return Call("POST", path, self.family, dict(body), SUBMIT_SECONDS, keys=keys)

    def accept(self, request: Request, answer: Answer) -> Ticket | Waiting | Result:
        """The ticket. Raises a `GatewayError`; a yes without an id leaves open what was spent."""
        if error := self.refused(answer):
            raise error
        task = self.task_id(answer.body)
        if not task:
            raise Garbled(NO_ID, spent=Spent.UNKNOWN, detail="accepted without an id")
        path, _ = self.submit(request)
        return Ticket(self.family, task, path)

    def look(self, ticket: Ticket) -> Call:
        """The call that fetches one task."""
        path = f"{self.where(ticket)}/{quote(ticket.id, safe='')}"
        return Call("GET", path, self.family, None, LOOK_SECONDS)

    def read(self, ticket: Ticket, request: Request, answer: Answer) -> Outcome:
        """Read one task. Raises a `GatewayError` when the look failed, not the task."""
        # The task first: one that failed may carry an `error`, which is not the look's.
        seen = self.seen(answer.body) if 200 <= answer.status < 300 else None
        if seen is None:
            raise _not_seen(self.refused(answer), answer)
        made = seen.media or seen.part
        result = Result(made, invites=self.invites(ticket, request, answer.body)) if made else None
        match seen.stage:
            case Stage.SUCCESS if seen.media and result:
                return Progress(99, rest=result) if seen.rough else result
            case Stage.SUCCESS:  # its files come a little later
                return Progress(99, part=result)
            case Stage.FAILURE:
                return Failed(failure_of(self.title, seen.reason))
            case Stage.CANCELLED:
                return Failed(stopped())
        part = result if seen.part else None
        return Progress(seen.percent, seen.stage is Stage.RUNNING, seen.preview, part=part)


def _not_seen(error: GatewayError | None, answer: Answer) -> GatewayError:
    """What a look without a task means: one that is not known yet, or trouble that passes."""
    if error is None:
        return Garbled(again=True, detail=f"HTTP {answer.status}: no task in the answer")
    if isinstance(error, NotThere):
        return NotThere(error.text, again=True, detail=error.detail)
    return error if error.again else Unreachable(error.text, again=True, detail=error.detail)


def unwrapped(body: Mapping[str, Json], word: str) -> Mapping[str, Json]:
    """A task that has this word, with what the wrappers around it say besides."""
    task = body
    while word not in task and (inner := object_of(task.get("data"))):
        task = {**task, "data": None, **inner}
    return task


PICTURES = (".png", ".jpg", ".jpeg", ".webp")
STILLS = ("image/jpeg", "image/png", "image/webp")
"""Pictures that models of films take, where nothing else is known."""


def files_of(places: Iterable[Json]) -> tuple[Remote, ...]:
    """The file at the first of several places that holds an address, a video unless its name is a
    picture's; none where no place does.
    """
    url = next((found for place in places if (found := url_of(place))), "")
    picture = url.lower().partition("?")[0].endswith(PICTURES)
    return (Remote(url, "image" if picture else "video"),) if url else ()


def wire_name(request: Request) -> str:
    """What the model is called on the wire."""
    return text_of(request.options.get("model")) or request.offer


def by_role(request: Request) -> dict[str, Media]:
    """The files of a video: the picture it begins with as `start`, the last one as `end`."""
    given = request.options.get("roles")
    roles = [str(role) for role in given] if isinstance(given, list) else ["start", "end"]
    return dict(zip(roles, request.media, strict=False))


def shape(request: Request, shapes: Iterable[str]) -> str:
    """The shape that was chosen, else the one nearest to the picture it starts from, else 16:9."""
    if chosen := text_of(request.options.get("ar")):
        return chosen
    start = by_role(request).get("start")
    if start is None or not start.width or not start.height:
        return "16:9"

    def far(name: str) -> float:
        wide, _, tall = name.partition(":")
        return abs(math.log(int(wide) / int(tall) * start.height / start.width))

    return min(shapes, key=far)


def first_id(*places: Json) -> str:
    """The first of several places that holds an id."""
    return next((found for place in places if (found := id_of(place))), "")
