"""Suno: songs from an idea or from own words, their continuation, and lyrics, through `/suno`.

A task makes two takes; one may fail while the other is fine, and a finished task may still name a
take that is only being streamed, so a take counts when it is itself complete. Where the other one
never is, the finished one is taken when the time is over. Pure.
`Request.options` it reads, all optional: model, title, tags, lyrics (the prompt is the words to
sing), instrumental, clip, task, from and length (what to continue, from which second, of how many).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from core.errors import BadInput, Spent
from core.i18n import mark
from core.messages import Field, Form, Media
from core.providers.base import (
    Failed,
    Invite,
    Offer,
    Outcome,
    Progress,
    Remote,
    Request,
    Result,
    Ticket,
)
from core.providers.fields import list_of, object_of, percent_of, text_of, unfolded, url_of
from core.providers.stages import Stage, failure_of, stage_of
from core.providers.tasks import LOOK_SECONDS, Seen, TaskFamily, first_id
from core.wire import Answer, Call, Json, readable, refusal

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


OPTIONS = ("title", "tags", "lyrics", "instrumental", "clip", "task", "from")


def _song(key: str, title: str) -> Offer:
    return Offer(
        key,
        FAMILY,
        "song",
        title,
        0.1,
        takes=dict.fromkeys(OPTIONS, ()),
        longest=LONGEST[key][0],
        typical=120.0,
        first_look=30.0,
        deadline=1800.0,
    )


OFFERS: tuple[Offer, ...] = (
    _song("chirp-crow", "Suno 5"),
    _song("chirp-bluejay", "Suno 4.5+"),
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
        action = "LYRICS" if tickets and tickets[0].mode == LYRICS else "MUSIC"
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
        if isinstance(outcome, Result):
            return _song_result(request, task, outcome)
        if isinstance(outcome, Progress) and outcome.part is not None:
            return replace(outcome, part=_song_result(request, task, outcome.part))
        if stage_of(task.get("status")) is not Stage.SUCCESS:
            return outcome
        if request.kind == "lyrics":
            return _written(task) or outcome
        return _all_failed(task) or outcome

    def seen(self, body: Json) -> Seen | None:
        """Read a task; `UNKNOWN` is a failure here."""
        task = _task(body)
        if "status" not in task:
            return None
        word = text_of(task.get("status"))
        stage = Stage.FAILURE if word.strip().upper() == "UNKNOWN" else stage_of(word)
        takes = _takes(task)
        files = tuple(_remote(take) for take in takes if _file(take))
        coming = any(not _file(take) and not _failed(take) for take in takes)
        cover = next((url for take in takes if (url := url_of(take.get("image_url")))), "")
        percent = percent_of(task.get("progress"))
        reason = text_of(task.get("fail_reason")) or _reason(takes)
        whole, part = ((), files) if coming else (files, ())
        return Seen(stage, percent, whole, reason, cover, part=part)

    def invites(self, ticket: Ticket, request: Request, body: Json) -> tuple[Invite, ...]:
        """A button for each take that continues it."""
        if request.kind != "song":
            return ()
        takes = [take for take in _takes(_task(body)) if _file(take)]
        return tuple(
            _extend(ticket, request, take, number)
            for number, take in enumerate(takes, 1)
            if text_of(take.get("id"))
        )

    def fill(self, request: Request, values: Mapping[str, str | Media]) -> Request:
        """Merge the answers of the form that continues a take. Raises `BadInput`."""
        return _continued(request, values)


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
        raise BadInput(
            mark("The style is too long for this model: at most {n} characters."), n=style
        )
    if not (body["prompt"] or body["make_instrumental"] or "continue_clip_id" in body):
        raise BadInput(mark("Give the song some lyrics, or make it instrumental."))


# -- reading ---------------------------------------------------------------------------------------


def _task(body: Json) -> Mapping[str, Json]:
    whole = object_of(body)
    return object_of(whole.get("data")) or whole


def _takes(task: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """Each take once; of one that is told of twice, what is finished counts."""
    found: dict[str, Mapping[str, Json]] = {}
    for number, row in enumerate(list_of(unfolded(task.get("data")))):
        if not isinstance(row, dict):
            continue
        name = text_of(row.get("id")) or str(number)
        if name not in found or not _file(found[name]):
            found[name] = row
    return list(found.values())


def _file(take: Mapping[str, Json]) -> str:
    """The address of a take that is a finished file, not a stream that cannot be had again."""
    url = url_of(take.get("audio_url"))
    done = stage_of(take.get("status")) is Stage.SUCCESS
    return url if done and "audiopipe" not in url else ""


def _failed(take: Mapping[str, Json]) -> bool:
    return stage_of(take.get("status")) is Stage.FAILURE


def _seconds(take: Mapping[str, Json]) -> float:
    """How long a take plays; 0 where that is not known yet."""
    try:
        seconds = float(object_of(take.get("metadata")).get("duration") or 0.0)
    except (TypeError, ValueError):
        return 0.0
    return seconds if 0 < seconds < 86_400 else 0.0


def _remote(take: Mapping[str, Json]) -> Remote:
    return Remote(
        _file(take),
        "audio",
        text_of(take.get("title")),
        "Suno",
        url_of(take.get("image_large_url")) or url_of(take.get("image_url")),
        _seconds(take),
    )


def _reason(takes: Sequence[Mapping[str, Json]]) -> str:
    """Why a take failed, in the service's words, of the first that says so: its kind and more."""
    for about in (object_of(take.get("metadata")) for take in takes if _failed(take)):
        kind = text_of(about.get("error_type")).replace("_", " ")
        more = text_of(about.get("error_message"))
        if kind or more:
            return f"{kind}: {more}" if kind and more else kind or more
    return ""


TAKE_FAILED = mark("{n} of {of} takes failed: {reason}")
TAKE_FAILED_SILENTLY = mark("{n} of {of} takes failed; the service gave no reason.")
TAKE_MISSING = mark("{n} of {of} takes did not get finished in time, so it is not here.")
TAKES_MISSING = mark("{n} of {of} takes did not get finished in time, so they are not here.")


def _all_failed(task: Mapping[str, Json]) -> Failed | None:
    """A task that is a success by its own word, and of which no take can still come: unlike one
    that failed itself, nobody gives its money back.
    """
    takes = _takes(task)
    if not takes or not all(_failed(take) for take in takes):
        return None
    error = failure_of(Suno.title, _reason(takes))
    error.spent = Spent.YES
    return Failed(error)


def _song_result(request: Request, task: Mapping[str, Json], result: Result) -> Result:
    """The takes, a word about one that failed or is late, and the beginning of what is sung where
    the person does not know it.
    """
    takes = _takes(task)
    words = (text_of(object_of(take.get("metadata")).get("prompt")) for take in takes)
    sung = next((one.strip() for one in words if one.strip()), "")
    own = bool(request.options.get("lyrics"))
    return Result(
        result.media,
        text="" if own else _beginning(sung),
        invites=result.invites,
        facts={"lyrics": sung, "remarks": _remarks(takes)},
    )


def _remarks(takes: Sequence[Mapping[str, Json]]) -> list[Json]:
    """What is to be said of takes that are not there."""
    failed = sum(_failed(take) for take in takes)
    late = sum(not _failed(take) and not _file(take) for take in takes)
    found: list[Json] = []
    if failed:
        counts: dict[str, Json] = {"n": failed, "of": len(takes)}
        reason = readable(_reason(takes))
        told: list[Json] = [TAKE_FAILED_SILENTLY, counts]
        found.append([TAKE_FAILED, counts | {"reason": reason}] if reason else told)
    if late:
        found.append([TAKES_MISSING if late > 1 else TAKE_MISSING, {"n": late, "of": len(takes)}])
    return found


LINES = 6
"""Lines of the lyrics that are shown with a song."""


def _beginning(words: str) -> str:
    lines = [line for line in words.splitlines() if line.strip()]
    return "\n".join(lines[:LINES]) + ("\n…" if lines[LINES:] else "")


def _written(task: Mapping[str, Json]) -> Result | Failed | None:
    """The lyrics and the button that sings them; None while they are missing."""
    found = unfolded(task.get("data"))
    row = object_of(found[0] if isinstance(found, list) and found else found)
    words, title = text_of(row.get("text")).strip(), text_of(row.get("title")).strip()
    if not words and stage_of(row.get("status")) is Stage.FAILURE:
        error = failure_of(Suno.title, text_of(row.get("error_message")))
        error.spent = Spent.YES
        return Failed(error)
    if not words:
        return None
    options = {"lyrics": True, "title": title[:TITLE]}
    request = Request(OFFERS[0].key, "song", words[: OFFERS[0].longest], options=options)
    sing = Invite(
        "sing",
        request,
        mark("Make this a song"),
        "🎵",
        form=Form(
            mark("Make this a song"),
            (
                Field(
                    "tags",
                    mark("Style"),
                    hint=mark("such as dreamy pop, female voice"),
                    max_length=STYLE,
                ),
                Field(
                    "title", mark("Title"), value=title[:TITLE], required=False, max_length=TITLE
                ),
            ),
        ),
    )
    text = f"{title}\n\n{words}" if title else words
    return Result(text=text, invites=(sing,), facts={"title": title})


TITLE = 80
STYLE = 1000
"""Characters of a title and of a style, where a form asks for them."""


# -- continuing ------------------------------------------------------------------------------------


def _extend(ticket: Ticket, request: Request, take: Mapping[str, Json], number: int) -> Invite:
    """The button that goes on from a take, in the manner it was made."""
    seconds = int(_seconds(take))
    tags = text_of(object_of(take.get("metadata")).get("tags"))
    options: dict[str, Json] = {
        "model": request.options.get("model") or request.offer,
        "task": ticket.id,
        "clip": text_of(take.get("id")),
        "tags": tags,
        "title": text_of(take.get("title")),
        "instrumental": bool(request.options.get("instrumental")),
        "lyrics": True,
        "length": seconds,
    }
    form = Form(
        mark("Extend the song"),
        (
            Field(
                "from",
                mark("From which second"),
                value=str(seconds) if seconds else "",
                max_length=7,
            ),
            Field("lyrics", mark("What is sung next"), kind="text", required=False),
            Field("tags", mark("Style"), value=tags[:STYLE], required=False, max_length=STYLE),
        ),
    )
    again = Request(request.offer, "song", "", options=options)
    return Invite(f"extend:{number}", again, mark("Extend"), f"{number}\ufe0f\u20e3", form=form)


def _continued(request: Request, values: Mapping[str, str | Media]) -> Request:
    """A form's answers in the request of a song. Raises `BadInput`."""
    given = {k: v.strip() for k, v in values.items() if isinstance(v, str) and v.strip()}
    options: dict[str, Json] = {**request.options}
    options |= {k: given[k] for k in ("tags", "title") if k in given}
    if "from" in given:
        options["from"] = _second(given["from"], request.options.get("length") or 0)
    if "lyrics" in given:
        options["instrumental"] = False
    prompt = given.get("lyrics", request.prompt)
    return Request(request.offer, request.kind, prompt, request.media, options, request.parent)


_SECOND = re.compile(
    r"(?:(\d{1,3}):)?(\d{1,5}(?:[.,]\d{1,3})?)\s*(?:s|sec|seconds)?", re.IGNORECASE
)


def _second(text: str, length: float) -> float:
    """The second to go on from: `60`, `60 s`, `1:00`. Raises `BadInput`."""
    found = _SECOND.fullmatch(text.strip())
    if found is None:
        raise BadInput(
            mark("Give the second to go on from as a number, such as 60, not {value}."),
            value=text[:20],
        )
    second = 60 * int(found[1] or 0) + float(found[2].replace(",", "."))
    if length and second > length + 1:
        raise BadInput(
            mark("The song has only {length} seconds, so it cannot go on from {value}."),
            length=f"{length:g}",
            value=text[:20],
        )
    return second
