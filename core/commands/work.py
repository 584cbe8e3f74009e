"""Commands about jobs: show, jobs, cancel and again."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from core import cards
from core.commands.context import STOPPABLE, Context
from core.commands.spec import Command, Options
from core.errors import BadInput
from core.i18n import mark
from core.jobs import LIVE, Job, State, Verb
from core.ledger import money
from core.messages import Button, Message


class JobOptions(Options):
    """A command about one job."""

    job: str = Field(
        description=mark("The job's id, as it stands under its result"),
        max_length=40,
        json_schema_extra={"main": True, "suggest": "jobs"},
    )


class MaybeJobOptions(Options):
    """A command about one job, the latest when none is named."""

    job: str = Field(
        "",
        description=mark("The job's id; your latest when you leave it out"),
        max_length=40,
        json_schema_extra={"main": True, "suggest": "jobs"},
    )


class NoOptions(Options):
    """A command without options."""


async def show(ctx: Context, options: JobOptions) -> None:
    """Post an old job again, with its current buttons."""
    await ctx.show(await ctx.own(options.job))


async def jobs(ctx: Context, options: NoOptions) -> None:
    """List what is queued, running or unsure, and the latest that ended."""
    del options
    say, store = ctx.say, ctx.studio.store
    found = await store.jobs_of(ctx.caller.key, states=LIVE, limit=15)
    live = [job for job in found if not job.shown]
    unsure = await store.jobs_of(ctx.caller.key, states={State.UNSURE}, limit=5)
    past = await store.jobs_of(ctx.caller.key, states=ENDED | {State.READY}, limit=5 + len(live))
    past = [job for job in past if job.shown or job.state in ENDED][:5]
    sections = ((say("Under way"), live), (say("Unsure"), unsure), (say("Lately"), past))
    parts = [f"**{title}**\n{await _list(ctx, found)}" for title, found in sections if found]
    if not parts:
        await ctx.reply(Message(say("You have no jobs yet. Start with /imagine."), private=True))
        return
    parts.append(say("Bring one back with /show and its id; stop one with /cancel."))
    buttons = [one for row, job in enumerate(unsure) for one in await _doubts(ctx, job, row)]
    await ctx.reply(Message("\n\n".join(parts), buttons=tuple(buttons), private=True))


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})


async def _doubts(ctx: Context, job: Job, row: int) -> list[Button]:
    """What can be done about an unsure job; its buttons name it, since there may be several."""
    actions = await ctx.studio.store.actions_of(job.id)
    drawn = [cards.button(ctx.say, a) for a in actions if a.verb in (Verb.AGAIN, Verb.LEAVE)]
    return [replace(one, label=cards.dotted(one.label, job.id), row=row) for one in drawn]


async def _list(ctx: Context, found: list[Job]) -> str:
    standings = [await ctx.studio.delivery.standing(job) for job in found]
    return ctx.brief(found, standings)


async def cancel(ctx: Context, options: MaybeJobOptions) -> None:
    """Stop a job, saying what that can and cannot take back."""
    if options.job:
        job = await ctx.own(options.job)
    else:
        live = await ctx.studio.store.jobs_of(ctx.caller.key, states=STOPPABLE, limit=2)
        if not live:
            raise BadInput(mark("You have nothing under way."))
        if len(live) > 1:
            raise BadInput(mark("You have several jobs under way: say which. /jobs lists them."))
        job = live[0]
    await ctx.reply(Message(await ctx.cancel(job), private=True))


async def again(ctx: Context, options: MaybeJobOptions) -> None:
    """Offer to run the same request again, after saying what the first one cost."""
    if options.job:
        job = await ctx.own(options.job)
    else:
        latest = await ctx.studio.store.jobs_of(ctx.caller.key, limit=1)
        if not latest:
            raise BadInput(mark("You have no jobs yet. Start with /imagine."))
        job = latest[0]
    if job.state in LIVE and not job.shown:
        await ctx.show(job, again="/again")
        return
    say = ctx.say
    price = money(ctx.price(job.request))
    action = ctx.action(
        Verb.AGAIN, job=job.id, label=say("Run again · {price}", price=price), emoji="🔁"
    )
    (action,) = await ctx.studio.store.add_actions([action])
    text = f"{cards.headline(say, job, 200)}\n{await ctx.cost(job)}"
    if job.place.shared:
        ctx.apart = None  # where the button is pressed the result comes
    await ctx.reply(Message(text, buttons=(cards.button(say, action),), private=True))


COMMANDS = (
    Command(
        "show",
        mark("Post one of your jobs again, with live buttons"),
        JobOptions,
        show,
        example="/show k7f3q2x",
    ),
    Command(
        "jobs",
        mark("List your jobs: queued, running, unsure and lately done"),
        NoOptions,
        jobs,
        private=True,
    ),
    Command(
        "cancel",
        mark("Stop one of your jobs"),
        MaybeJobOptions,
        cancel,
        private=True,
        example="/cancel k7f3q2x",
    ),
    Command(
        "again",
        mark("Run one of your jobs again"),
        MaybeJobOptions,
        again,
        private=True,
        example="/again k7f3q2x",
    ),
)
