"""What pressing a button or answering its form does: one small function per verb."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from core import cards, ledger
from core.commands.context import STOPPABLE, Context
from core.errors import BadInput, Gone
from core.i18n import mark
from core.jobs import LIVE, Action, Job, State, Verb
from core.messages import Media, Message
from core.providers.base import Provider, Request

Values = Mapping[str, str | Media]

ALREADY = mark("That was answered already.")


def fingerprint(values: Values) -> str:
    """A short hash of a form's answers: the same answers make the same job."""
    plain = {k: v.hash if isinstance(v, Media) else v for k, v in sorted(values.items())}
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:12]


async def _job(ctx: Context, action: Action) -> Job:
    job = await ctx.studio.store.job(action.job)
    if job is None:
        raise Gone(mark("That job is not here any more."))
    return job


def _filled(
    providers: Mapping[str, Provider], ctx: Context, request: Request, values: Values
) -> Request:
    if not values:
        return request
    family = ctx.studio.offers[request.offer].family
    return providers[family].fill(request, values)


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
    await ctx.start(request, title=title, parent=parent.id, once_key=once, spoiler=spoiler)
    await ctx.show_used(parent)


async def again(
    ctx: Context, action: Action, values: Values, providers: Mapping[str, Provider]
) -> None:
    """AGAIN: the same request as a new job, once per button."""
    del values, providers
    job = await _job(ctx, action)
    ctx.command = job.command
    await ctx.start(
        job.request,
        title=job.title,
        parent=job.parent or job.id,
        once_key=f"{job.id}:{action.key}",
        spoiler=job.place.spoiler,
    )


async def leave(
    ctx: Context, action: Action, values: Values, providers: Mapping[str, Provider]
) -> None:
    """LEAVE: close an unsure job; its hold becomes a cost, since it may have been one."""
    del values, providers
    job = await _job(ctx, action)
    if job.state is not State.UNSURE:
        await ctx.reply(Message(ctx.say(ALREADY), private=True))
        return
    after = replace(job, state=State.FAILED, wake_at=0.0, once_key=None)
    lines = ledger.settle(job, "left unsure by its owner")
    if not await ctx.studio.store.save(job, after, ledger=lines):
        await ctx.reply(Message(ctx.say(ALREADY), private=True))
        return
    text = ctx.say(
        "Left as it is. {price} stays counted, since it may have been spent.",
        price=ledger.money(job.price),
    )
    await ctx.reply(Message(f"{cards.headline(ctx.say, job, 80)}\n{text}", private=True))


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
    """SHOW: post the job again."""
    del values, providers
    await ctx.show(await _job(ctx, action))


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
    """RESUME: look again for a job that was given up; costs nothing."""
    del values, providers
    job = await _job(ctx, action)
    if job.state is not State.FAILED:
        await ctx.show(job)
        return
    now = ctx.studio.clock()
    state = State.FETCHING if job.remotes else State.RUNNING
    after = replace(
        job, state=state, wake_at=now, submitted_at=now, tries=0, note="", note_values={}
    )
    await ctx.studio.store.set_result(job.id, None)
    if await ctx.studio.store.save(job, after):
        ctx.studio.outbox.progress(job.place, job.id)
        ctx.studio.engine.poke()
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
    after = replace(job, state=State.QUEUED, step=step, wake_at=now, lease="", lease_until=0.0)
    if not await ctx.studio.store.save(job, after):
        await ctx.reply(Message(ctx.say(ALREADY), private=True))
        return
    ctx.studio.engine.filled(job)
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


def needs_answer(action: Action, values: Values) -> bool:
    """Tell whether a press must open the action's form first."""
    return action.form is not None and not values


def check(action: Action | None, owner: str) -> Action:
    """The action, if this person may press it. Raises `Gone` or `NotYours` (through `BadInput`'s
    tree).
    """
    if action is None:
        raise Gone(mark("This button is not known here any more. /show brings the job back."))
    if action.owner and action.owner != owner:
        raise BadInput(mark("That button belongs to somebody else."))
    return action
