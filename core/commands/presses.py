"""What pressing a button or answering its form does: one small function per verb."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from core import cards, ledger
from core.commands import find
from core.commands.context import STOPPABLE, Context
from core.errors import Gone, StoreError
from core.i18n import mark
from core.jobs import LIVE, Action, Job, State, Verb
from core.messages import Media, Message
from core.providers.base import Provider, Request

Values = Mapping[str, str | Media]

PATIENCE = (0.0, 0.2, 0.5, 1.0, 2.0, *(5.0,) * 12)
"""Seconds between two looks whether a job is free to be moved."""
ALREADY = mark("That was answered already.")


def fingerprint(values: Values) -> str:
    """A short hash of a form's answers: the same answers make the same job."""
    plain = {k: v.hash if isinstance(v, Media) else v for k, v in sorted(values.items())}
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:12]


async def _job(ctx: Context, action: Action) -> Job:
    job = await ctx.studio.store.job(action.values.get("job") or action.job)
    if job is None:
        raise Gone(mark("That job is not here any more."))
    return job


def _filled(
    providers: Mapping[str, Provider], ctx: Context, request: Request, values: Values
) -> Request:
    if not values:
        return request
    offer = ctx.studio.offers.get(request.offer)
    if offer is None:
        raise Gone(mark("This is not offered here."))
    return providers[offer.family].fill(request, values)


async def proceed(
    ctx: Context, action: Action, values: Values, providers: Mapping[str, Provider]
) -> None:
    """CONTINUE: make the action's request a new job, once."""
    if action.request is None:
        raise Gone
    parent = await _job(ctx, action)
    ctx.command = parent.command
    once = f"{parent.id}:{action.key}"
    if values:
        once += f":{fingerprint(values)}"
    title = action.label or action.emoji
    prompts = action.request.options.get("each")
    spoiler = parent.place.spoiler
    ctx.place = replace(ctx.place, hidden=parent.place.hidden and not ctx.place.private)
    if isinstance(prompts, list):
        for number, prompt in enumerate(prompts, 1):
            one = replace(action.request, prompt=str(prompt), options={})
            await ctx.start(
                one,
                title=f"{title} {number}",
                parent=parent.id,
                once_key=f"{once}:{number}",
                spoiler=spoiler,
                more=number < len(prompts),
            )
        await ctx.show_used(parent)
        return
    request = _filled(providers, ctx, action.request, values)
    if await ctx.start(request, title=title, parent=parent.id, once_key=once, spoiler=spoiler):
        await ctx.show_used(parent)


async def again(
    ctx: Context, action: Action, values: Values, providers: Mapping[str, Provider]
) -> None:
    """AGAIN: the same request as a new job, once per button; an unsure job is answered by it.

    What one person alone saw stays for their eyes only.
    """
    del values, providers
    job = await _job(ctx, action)
    ctx.command = job.command
    ctx.place = replace(ctx.place, hidden=False)
    request = await _renewed(ctx, job.request)
    if request is None:
        return
    if ctx.place.shared and not job.place.shared:
        await ctx.step_aside()
    await ctx.start(
        request,
        title=job.title,
        parent=job.parent or job.id,
        once_key=f"{job.id}:{action.key}",
        spoiler=job.place.spoiler,
    )
    await _moved(ctx, job, State.UNSURE, _left, "unsure, and run again")


async def _renewed(ctx: Context, request: Request) -> Request | None:
    """A request as it is to be run again; None where that makes no sense, which was told. A search
    sees what its owner may see now, not what they could see then.
    """
    offer = ctx.studio.offers.get(request.offer)
    if request.kind != "embedding" or offer is None:
        return request
    return await find.as_of_now(ctx, request, offer.texts)


async def _moved(
    ctx: Context, job: Job, state: State, change: Callable[[Job], Job], cost: str = ""
) -> Job | None:
    """Move a job that a person decided about; None when it is in `state` no more.

    `cost` is the ledger's note where the decision closes the hold.
    """
    while (found := await _free(ctx, job, state)) is not None:
        lines = ledger.settle(found, cost) if cost else ()
        if await ctx.studio.store.save(found, change(found), ledger=lines):
            return found
    return None


async def _free(ctx: Context, job: Job, state: State) -> Job | None:
    """The job as it is when no step of it is under way; None when it is in `state` no more.

    The engine may be showing the very message that is answered here, at the chat's pace.
    """
    for pause in PATIENCE:
        await asyncio.sleep(pause)
        found = await ctx.studio.store.job(job.id)
        if found is None or found.state is not state:
            return None
        if not found.lease:
            return found
    raise StoreError


def _left(job: Job) -> Job:
    """An unsure job that its owner has answered."""
    return replace(job, state=State.FAILED, wake_at=0.0, once_key=None)


async def leave(
    ctx: Context, action: Action, values: Values, providers: Mapping[str, Provider]
) -> None:
    """LEAVE: close an unsure job; its hold becomes a cost, since it may have been one."""
    del values, providers
    job = await _moved(
        ctx,
        await _job(ctx, action),
        State.UNSURE,
        _left,
        "left unsure by its owner",
    )
    if job is None:
        await ctx.reply(Message(ctx.say(ALREADY), private=True))
        return
    text = ctx.say(
        "Left as it is. {price} stays counted, since it may have been spent.",
        price=ledger.money(job.price),
    )
    actions = await ctx.studio.store.actions_of(job.id)
    again = tuple(cards.button(ctx.say, one) for one in actions if one.verb is Verb.AGAIN)
    words = f"{cards.headline(ctx.say, job, 200)}\n{text}\n`{job.id}`"
    await ctx.reply_in_place(Message(words, buttons=again, private=job.place.hidden))


async def cancel(
    ctx: Context, action: Action, values: Values, providers: Mapping[str, Provider]
) -> None:
    """CANCEL: the progress message itself tells the outcome; a late press is answered."""
    del values, providers
    job = await _job(ctx, action)
    text = await ctx.cancel(job)
    if job.state not in STOPPABLE or ctx.ack is not None:
        await ctx.reply(Message(text, private=True))


async def show(
    ctx: Context, action: Action, values: Values, providers: Mapping[str, Provider]
) -> None:
    """SHOW: post the job again; one that was found, to the person alone."""
    del values, providers
    job = await _job(ctx, action)
    if action.values.get("job"):
        if not await _seen(ctx, job):
            raise Gone(mark("I found this where you may not look any more."))
        await ctx.step_aside()
    await ctx.show(job)


async def _seen(ctx: Context, job: Job) -> bool:
    """Whether the caller may see now what a search of theirs found."""
    if job.owner == ctx.caller.key:
        return True
    if not job.place.shared:
        return False
    adapter = ctx.studio.outbox.adapter(job.place.platform)
    return job.place.shared in await find.where(ctx) or await adapter.reads(job.place, ctx.caller)


async def original(
    ctx: Context, action: Action, values: Values, providers: Mapping[str, Provider]
) -> None:
    """ORIGINAL: the files untouched."""
    del values, providers
    job = await _job(ctx, action)
    await ctx.reply(ctx.studio.delivery.originals(job, ctx.place))


async def resume(
    ctx: Context, action: Action, values: Values, providers: Mapping[str, Provider]
) -> None:
    """RESUME: look again for a job that was given up or stopped, and paid for; costs nothing."""
    del values, providers
    job = await _job(ctx, action)
    if job.state not in (State.FAILED, State.CANCELLED):
        await ctx.show(job)
        return
    found = await _free(ctx, job, job.state)
    if found is not None:
        await ctx.studio.store.revive(job.id)
        now = ctx.studio.clock()
        state = State.FETCHING if found.remotes else State.RUNNING
        after = replace(
            found, state=state, wake_at=now, submitted_at=now, tries=0, note="", note_values={}
        )
        if await ctx.studio.store.save(found, after):
            ctx.studio.engine.resumed(after)
    await ctx.reply(Message(ctx.say("Looking again. This costs nothing."), private=True))


async def fill(
    ctx: Context, action: Action, values: Values, providers: Mapping[str, Provider]
) -> None:
    """FILL: give a waiting job its answers; only the first ones count."""
    job = await _job(ctx, action)
    if job.state is not State.WAITING or action.request is None:
        if job.state in LIVE:
            await ctx.reply(Message(ctx.say(ALREADY), private=True))
        else:
            await ctx.show(job)
        return
    step = _filled(providers, ctx, action.request, values)
    now = ctx.studio.clock()
    moved = await _moved(
        ctx,
        job,
        State.WAITING,
        lambda job: replace(job, state=State.QUEUED, step=step, wake_at=now),
    )
    if moved is None:
        await ctx.reply(Message(ctx.say(ALREADY), private=True))
        return
    ctx.studio.engine.filled(moved)
    await ctx.reply(Message(ctx.say("Thank you, it goes on."), private=True))


Act = Callable[[Context, Action, Values, Mapping[str, Provider]], Awaitable[None]]

ACTS: Mapping[Verb, Act] = {
    Verb.CONTINUE: proceed,
    Verb.AGAIN: again,
    Verb.LEAVE: leave,
    Verb.CANCEL: cancel,
    Verb.SHOW: show,
    Verb.ORIGINAL: original,
    Verb.RESUME: resume,
    Verb.FILL: fill,
}
"""Every verb but COMMAND, which the Desk runs like a typed command."""
