"""Finding earlier results by what they mean: one's own, and those made where a chat could see them.

A search is one job. Its one call takes the words and the texts of results that have no vector yet;
out of its answer the vectors are kept and the nearest results become what the job shows. So nothing
is read before somebody looks for it, and nothing twice.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import mul

from pydantic import Field

from core import cards
from core.commands.context import Context
from core.commands.fit import request_for
from core.commands.spec import Command, Options
from core.i18n import Say, mark, translator
from core.jobs import Job
from core.messages import Message, escape, shorten, spoken
from core.providers.base import Invite, Offer, Request, Result
from core.store import Scope, Store
from core.wire import Json

SHOWN = 5
"""Results that are shown."""
NEAR = 40
"""Nearest results that are looked at for those: several may say the same."""
FAR = 0.2
"""Of the nearest one's nearness; what has less is about something else."""
TEXT = 400
"""Characters of a result that are compared."""

PRESS = mark("Press a number to see it again.")
NOTHING = mark("I found nothing that is near this.")
UNREAD = mark("{n} older results are not read yet: search again, and I read on.")


class FindOptions(Options):
    """What `/find` takes."""

    words: str = Field(
        description=mark("What the result was about, in your own words"),
        min_length=1,
        max_length=500,
        json_schema_extra={"main": True},
    )
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who compares"),
        json_schema_extra={"suggest": "models:embedding"},
    )


async def find(ctx: Context, options: FindOptions) -> None:
    """Look for earlier results; free where there are none."""
    offer = ctx.offer("embedding", options.model)
    request, notes = request_for(offer, options.words, {})
    request = ctx.with_options(ctx.noted(request, notes), besides=ctx.source)
    search = await as_of_now(ctx, request, offer.texts)
    if search is not None:
        await ctx.step_aside()
        await ctx.start(search)


async def as_of_now(ctx: Context, request: Request, texts: int) -> Request | None:
    """A search through what the caller may see here and now, whatever it looked through before;
    None where there is nothing to find, which the caller was told.
    """
    request = ctx.with_options(request, where=await where(ctx))
    scope = scope_of(ctx.studio.offers, ctx.caller.key, request)
    jobs, unread, total = await ctx.studio.store.unread(scope, texts)
    if not total:
        text = ctx.say("There is nothing to find yet: you have made nothing. Start with /imagine.")
        await ctx.reply(Message(text, private=True))
        return None
    return ctx.with_options(request, index=index_of(jobs), unread=unread - len(jobs))


def scope_of(offers: Mapping[str, Offer], owner: str, request: Request) -> Scope:
    """What a search looks through: everything but searches."""
    searches = [offer.key for offer in offers.values() if offer.kind == request.kind]
    shared, model = request.options.get("where") or (), str(request.options["model"])
    return Scope(owner, shared, model, searches)


async def where(ctx: Context) -> list[Json]:
    """Whose people share what is found: this chat, and those that all of them may read."""
    here = replace(ctx.place, hidden=False, alone=False)
    around = await ctx.studio.outbox.adapter(here.platform).around(here)
    return [key for key in dict.fromkeys([here.shared, *around]) if key]


def index_of(jobs: Sequence[Job]) -> list[Json]:
    """The texts of results, each once, with the ids of the jobs that it is of."""
    texts: dict[str, list[str]] = {}
    for job in jobs:
        texts.setdefault(about(job), []).append(job.id)
    return [{"text": text, "jobs": ids} for text, ids in texts.items()]


def about(job: Job) -> str:
    """What a result is about: what was asked and what was answered, or at least what it is."""
    said = spoken(job.text) if job.markdown else job.text
    asked = (job.answered and job.final_prompt) or job.request.prompt
    words = " ".join(f"{cards.bare_prompt(asked)} {said}".split())
    return words[:TEXT] or job.title or job.command


# -- what a search finds ---------------------------------------------------------------------------


async def found(store: Store, offers: Mapping[str, Offer], job: Job, result: Result) -> Result:
    """Keep the vectors of a search's answer, and tell what is nearest. Raises `StoreError`."""
    words, *vectors = result.vectors
    scope = scope_of(offers, job.owner, job.request)
    index = job.request.options.get("index") or []
    read = {one: v for entry, v in zip(index, vectors, strict=True) for one in entry["jobs"]}
    await store.keep_meanings(scope.model, read)
    known = await store.meanings(scope)
    others = [one for one, vector in known if len(vector) != len(words)]
    await store.forget_meanings(scope.model, others)
    near = await asyncio.to_thread(nearest, words, known, NEAR)
    near = [one for one in near if one != job.request.options.get("besides")]
    hits = _distinct(await store.jobs_by_id(near))[:SHOWN]
    say, unread = translator(job.lang), int(job.request.options.get("unread") or 0)
    lines = [_line(say, n, hit, job, offers) for n, hit in enumerate(hits, 1)]
    return replace(
        result,
        text="\n\n".join(["\n".join(lines), say(PRESS)]) if hits else say(NOTHING),
        markdown=True,
        invites=tuple(
            Invite(f"found:{n}", label=str(n), emoji="🖼️", shows=hit.id)
            for n, hit in enumerate(hits, 1)
        ),
        facts={
            "found": [hit.id for hit in hits],
            "remarks": [(UNREAD, {"n": unread})] * (unread > 0),
        },
    )


def nearest(words: bytes, known: Sequence[tuple[str, bytes]], most: int) -> list[str]:
    """The ids whose vectors point most nearly where that of the words does, the nearest first.

    Of equally near ones the first comes first; what is far from all others is left out. Takes
    some 20 µs a vector, so it is for a thread.
    """
    wanted = _numbers(words)
    length = math.hypot(*wanted)
    scored = []
    for place, (one, vector) in enumerate(known):
        if len(vector) == len(words):
            numbers = _numbers(vector)
            size = length * math.sqrt(sum(map(mul, numbers, numbers)))
            score = sum(map(mul, wanted, numbers)) / size if size else 0.0
            scored.append((score, -place, one))
    best = heapq.nlargest(most, scored)
    return [one for score, _, one in best if score > 0 and score >= best[0][0] * FAR]


def _numbers(vector: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(vector) // 4}f", vector)


def _distinct(jobs: Sequence[Job]) -> list[Job]:
    """Of results that say the same the nearest, which is the newest."""
    said: dict[tuple[str, str], Job] = {}
    for job in jobs:
        said.setdefault((job.owner, about(job)), job)
    return list(said.values())


def _line(say: Say, number: int, hit: Job, search: Job, offers: Mapping[str, Offer]) -> str:
    """A result in a list: what it is, who made it when with what, and its id."""
    words = cards.headline(say, hit, cards.PROMPT_BRIEF)
    if not hit.request.prompt:
        words += f" · {escape(shorten(about(hit), cards.PROMPT_BRIEF))}"
    offer = offers.get(hit.request.offer)
    made = datetime.fromtimestamp(hit.created_at, UTC).strftime("%Y-%m-%d")
    whose = say("by {name}", name=escape(shorten(hit.owner_name, 24)))
    facts = cards.dotted(
        "" if hit.owner == search.owner else whose,
        escape(offer.title if offer else hit.request.offer),
        made,
        f"`{hit.id}`",
    )
    return f"{number}. {words}\n   {facts}"


COMMANDS = (
    Command(
        "find",
        mark("Find your earlier results, and those made here, by what they are about"),
        FindOptions,
        find,
        private=True,
        example="/find a red fox in snow",
    ),
)
