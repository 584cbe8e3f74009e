"""Suno: songs from an idea or from own words, their continuation, and lyrics, through `/suno`.

A task makes two takes; one may fail while the other is fine, and a finished task may still name a
take that is only being streamed, so a take counts when it is itself complete. Pure.
`Request.options` it reads, all optional: model, title, tags, lyrics (the prompt is the words to
sing), instrumental, clip, task and from (what to continue, and from which second).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from core.errors import BadInput
from core.i18n import mark
from core.messages import Field, Form, Media
from core.providers.base import (
    Failed,
    Invite,
    Kind,
    Offer,
    Outcome,
    Progress,
    Remote,
    Request,
    Result,
    Ticket,
)
from core.providers.fields import object_of, percent_of, text_of, url_of
from core.providers.stages import Stage, failure_of, stage_of
from core.providers.tasks import LOOK_SECONDS, Seen, TaskFamily, first_id
from core.wire import Answer, Call, Json, refusal

FAMILY = "suno"
MUSIC, LYRICS, FETCH = "/suno/submit/music", "/suno/submit/lyrics", "/suno/fetch"
LONGEST: Mapping[str, tuple[int, int]] = {
    "chirp-v3-5": (3000, 200),
    "chirp-v4": (3000, 200),
    "chirp-auk": (5000, 1000),
    "chirp-bluejay": (5000, 1000),
    "chirp-crow": (5000, 1000),
}
"""Characters of lyrics and of the style, by model."""


def _song(key: str, title: str) -> Offer:
    return Offer(
        key,
        FAMILY,
        "song",
        title,
        0.1,
        takes={
            "title": (),
            "tags": (),
            "lyrics": (),
            "instrumental": (),
            "clip": (),
            "task": (),
            "from": (),
        },
        longest=LONGEST[key][0],
        typical=120.0,
        first_look=30.0,
        deadline=1800.0,
    )


OFFERS: tuple[Offer, ...] = (
    _song("chirp-crow", "Suno 5"),
    _song("chirp-auk", "Suno 4.5"),
    _song("chirp-v4", "Suno 4"),
    _song("chirp-v3-5", "Suno 3.5"),
    Offer(
        "suno-lyrics",
        FAMILY,
        "lyrics",
        "Suno lyrics",
        0.01,
        longest=1000,
        typical=20.0,
        first_look=5.0,
        deadline=900.0,
    ),
)
"""Prices are new-api's defaults; `[models]` sets the gateway's."""

BATCH = 30


class Suno(TaskFamily):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    title: ClassVar[str] = "Suno"
    offers: Sequence[Offer] = OFFERS
    batch = BATCH

    def submit(self, request: Request) -> tuple[str, Mapping[str, Json]]:
        """Path and body of a submit. Raises `BadInput`."""
        if request.kind == "lyrics":
            if not request.prompt.strip():
                raise BadInput(mark("Say what the words shall be about."))
            return LYRICS, {"prompt": request.prompt}
        return MUSIC, _music(request)

    def task_id(self, body: Json) -> str:
        """The id, as a text or in an object."""
        inner = object_of(body).get("data")
        return first_id(inner, object_of(inner).get("task_id"), object_of(inner).get("id"))

    def where(self, ticket: Ticket) -> str:
        """The path of the tasks."""
        return FETCH

    def look_many(self, tickets: Sequence[Ticket]) -> Call:
        """The call that fetches many tasks."""
        action = "LYRICS" if tickets[0].mode == LYRICS else "MUSIC"
        body = {"ids": [ticket.id for ticket in tickets], "action": action}
        return Call("POST", FETCH, FAMILY, body, LOOK_SECONDS, reads=True)

    def read_many(self, answer: Answer) -> Mapping[str, Answer]:
        """Split the list into one answer a task."""
        if error := refusal(answer):
            raise error
        found = object_of(answer.body).get("data")
        rows = [object_of(row) for row in found] if isinstance(found, list) else []
        return {
            task: Answer(200, {"code": "success", "data": row})
            for row in rows
            if (task := first_id(row.get("task_id"), row.get("id")))
        }

    def read(self, ticket: Ticket, request: Request, answer: Answer) -> Outcome:
        """Read one task. What the words of a song are is read here; all else is as usual."""
        outcome = super().read(ticket, request, answer)
        task = _task(answer.body)
        if request.kind == "lyrics" and stage_of(task.get("status")) is Stage.SUCCESS:
            return _written(task) or Progress(99)
        if isinstance(outcome, Result):
            return _song_result(task, outcome)
        if stage_of(task.get("status")) is Stage.SUCCESS and (reason := _all_failed(task)):
            return Failed(failure_of(self.title, reason))
        return outcome

    def seen(self, body: Json) -> Seen | None:
        """Read a task; `UNKNOWN` is a failure here."""
        task = _task(body)
        if "status" not in task:
            return None
        word = text_of(task.get("status"))
        stage = Stage.FAILURE if word.upper() == "UNKNOWN" else stage_of(word)
        takes = _takes(task)
        under_way = [take for take in takes if stage_of(take.get("status")) not in _ENDED]
        media = tuple(_remote(take) for take in _complete(task))
        if under_way:
            media = ()
        cover = next((url for take in takes if (url := url_of(take.get("image_url")))), "")
        percent = percent_of(task.get("progress"))
        return Seen(stage, percent, media, task.get("fail_reason"), cover)

    def invites(self, ticket: Ticket, request: Request, body: Json) -> tuple[Invite, ...]:
        """A button for each take that continues it."""
        if request.kind != "song":
            return ()
        return tuple(
            _extend(ticket, request, take, n) for n, take in enumerate(_complete(_task(body)), 1)
        )

    def fill(self, request: Request, values: Mapping[str, str | Media]) -> Request:
        """Merge the answers of the form that continues a take. Raises `BadInput`."""
        return _continued(request, values)


_ENDED = (Stage.SUCCESS, Stage.FAILURE)


# -- asking ----------------------------------------------------------------------------------------


def _music(request: Request) -> dict[str, Json]:
    options = request.options
    model = text_of(options.get("model")) or request.offer
    body: dict[str, Json] = {"mv": model, "make_instrumental": bool(options.get("instrumental"))}
    if options.get("clip"):
        body |= {
            "task_id": options.get("task"),
            "continue_clip_id": options["clip"],
            "continue_at": float(options.get("from") or 0),
        }
    if options.get("clip") or options.get("lyrics") or options.get("tags"):
        body |= {
            "prompt": request.prompt,
            "tags": text_of(options.get("tags")),
            "title": text_of(options.get("title")),
        }
        _check(model, body)
        return body
    if not request.prompt.strip():
        raise BadInput(mark("Say what the song shall be about."))
    return {**body, "gpt_description_prompt": request.prompt}


def _check(model: str, body: Mapping[str, Json]) -> None:
    words, style = LONGEST.get(model, (3000, 200))
    if len(str(body["prompt"])) > words:
        raise BadInput(mark("The lyrics are too long: at most {n} characters."), n=words)
    if len(str(body["tags"])) > style:
        raise BadInput(mark("The style is too long: at most {n} characters."), n=style)
    if not (body["prompt"] or body["make_instrumental"] or "continue_clip_id" in body):
        raise BadInput(mark("Give the song some lyrics, or make it instrumental."))


# -- reading ---------------------------------------------------------------------------------------


def _task(body: Json) -> Mapping[str, Json]:
    whole = object_of(body)
    return object_of(whole.get("data")) or whole


def _takes(task: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    rows = task.get("data")
    return [object_of(row) for row in rows] if isinstance(rows, list) else []


def _complete(task: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """The takes that are finished files, not streams that cannot be had again."""
    return [
        take
        for take in _takes(task)
        if stage_of(take.get("status")) is Stage.SUCCESS and url_of(take.get("audio_url"))
    ]


def _remote(take: Mapping[str, Json]) -> Remote:
    about = object_of(take.get("metadata"))
    seconds = about.get("duration")
    return Remote(
        url_of(take.get("audio_url")),
        "audio",
        text_of(take.get("title")),
        "Suno",
        url_of(take.get("image_large_url")) or url_of(take.get("image_url")),
        float(seconds) if isinstance(seconds, int | float) else 0.0,
    )


def _reason(take: Mapping[str, Json]) -> str:
    about = object_of(take.get("metadata"))
    return text_of(about.get("error_message")) or text_of(about.get("error_type"))


def _all_failed(task: Mapping[str, Json]) -> str:
    """Why, when no take can still come."""
    takes = _takes(task)
    if not takes or any(stage_of(take.get("status")) is not Stage.FAILURE for take in takes):
        return ""
    return next((reason for take in takes if (reason := _reason(take))), "error")


HALF_FAILED = mark("One of the two takes failed: {reason}")


def _song_result(task: Mapping[str, Json], result: Result) -> Result:
    """The takes with their titles and lengths, and a word about one that failed."""
    failed = [take for take in _takes(task) if stage_of(take.get("status")) is Stage.FAILURE]
    words = next((text_of(object_of(t.get("metadata")).get("prompt")) for t in _takes(task)), "")
    return Result(
        result.media,
        text=words,
        invites=result.invites,
        facts={"failed": _reason(failed[0]) or "error"} if failed else {},
    )


def _written(task: Mapping[str, Json]) -> Result | None:
    """The lyrics and the button that sings them; None while they are missing."""
    found = task.get("data")
    row = object_of(found[0] if isinstance(found, list) and found else found)
    words, title = text_of(row.get("text")).strip(), text_of(row.get("title"))
    if not words:
        return None
    options = {"lyrics": True, "title": title, "tags": ""}
    request = Request(OFFERS[0].key, "song", words, options=options)
    sing = Invite(
        "sing",
        request,
        mark("Make this a song"),
        "🎵",
        form=Form(
            mark("Make this a song"),
            (
                Field("tags", mark("Style"), hint=mark("such as dreamy pop, female voice")),
                Field("title", mark("Title"), value=title[:80], required=False, max_length=80),
            ),
        ),
    )
    text = f"{title}\n\n{words}" if title else words
    return Result(text=text, invites=(sing,), facts={"title": title})


# -- continuing ------------------------------------------------------------------------------------


def _extend(ticket: Ticket, request: Request, take: Mapping[str, Json], number: int) -> Invite:
    about = object_of(take.get("metadata"))
    kind: Kind = "song"
    options = {
        "model": request.options.get("model") or request.offer,
        "task": ticket.id,
        "clip": text_of(take.get("id")),
        "tags": text_of(about.get("tags")),
        "title": text_of(take.get("title")),
        "lyrics": True,
    }
    seconds = about.get("duration")
    end = str(int(seconds)) if isinstance(seconds, int | float) and seconds > 0 else ""
    form = Form(
        mark("Extend the song"),
        (
            Field("from", mark("From which second"), value=end, max_length=6),
            Field("lyrics", mark("What is sung next"), kind="text", required=False),
            Field(
                "tags",
                mark("Style"),
                value=text_of(about.get("tags"))[:200],
                required=False,
                max_length=1000,
            ),
        ),
    )
    again = Request(request.offer, kind, "", options=options)
    return Invite(f"extend:{number}", again, mark("Extend"), f"{number}\ufe0f\u20e3", form=form)


def _continued(request: Request, values: Mapping[str, str | Media]) -> Request:
    """A form's answers in the request of a song. Raises `BadInput`."""
    given = {k: v.strip() for k, v in values.items() if isinstance(v, str) and v.strip()}
    options: dict[str, Json] = {**request.options}
    options |= {k: given[k] for k in ("tags", "title") if k in given}
    if "from" in given:
        try:
            options["from"] = max(float(given["from"].lower().rstrip("s").replace(",", ".")), 0.0)
        except ValueError:
            raise BadInput(
                mark("Give the second to go on from as a number, such as 60, not {value}."),
                value=given["from"][:20],
            ) from None
    prompt = given.get("lyrics", request.prompt)
    return Request(request.offer, request.kind, prompt, request.media, options, request.parent)
