"""What only the owner of the bot may ask: the models as the keys see them, and the money."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import Field

from core import cards
from core.commands.context import Context
from core.commands.spec import Command, Options
from core.commands.work import NoOptions
from core.errors import GatewayError
from core.gateway.account import UNLIMITED, account, ask, left_on, models_of
from core.i18n import Say, mark
from core.jobs import Entry, Job, Verb
from core.ledger import micro, money
from core.messages import Button, Message, escape
from core.providers.base import Offer

PAGE = 20
"""Models on a page."""
UNSURE = 10
"""Unsure jobs that are named."""


class ModelsOptions(Options):
    """What `/models` takes."""

    page: int = Field(1, ge=1, le=99, description=mark("Which page of the list"))


async def models(ctx: Context, options: ModelsOptions) -> None:
    """The catalogue, with what the keys lack."""
    say, offers = ctx.say, list(ctx.studio.offers.values())
    keys = ["", *ctx.studio.gateway.keyed]
    answers = await asyncio.gather(*(_allowed(ctx, whose) for whose in keys))
    allowed = dict(zip(keys, answers, strict=True))
    pages = max(1, -(-len(offers) // PAGE))
    page = min(options.page, pages)
    lines = [f"**{say('Models')}** · {say('page {page} of {pages}', page=page, pages=pages)}"]
    lines += _told(say, allowed)
    lines += [_line(say, o, allowed) for o in offers[(page - 1) * PAGE : page * PAGE]]
    lines.append(say("[models] in config.toml adds, changes and hides them."))
    buttons = await _turns(ctx, page, pages)
    await ctx.reply_in_place(Message("\n".join(lines), buttons=buttons, private=True))


Allowed = Mapping[str, set[str] | None]
"""What each key may use, by whose it is (`""` for the one of all): empty where that is not told,
None where the key is not accepted or the service not reached.
"""


async def _allowed(ctx: Context, whose: str) -> set[str] | None:
    try:
        answer = await ask(ctx.studio.gateway, whose, "/v1/models")
    except GatewayError:
        return None
    return None if answer.status in (401, 403) else models_of(answer)


def _told(say: Say, allowed: Allowed) -> Iterator[str]:
    """What there is to say of the keys themselves."""
    for whose, names in allowed.items():
        key = _named(say, whose)
        if names is None:
            yield "❌ " + say("{key}: not accepted, or the service cannot be reached.", key=key)
        elif not names:
            yield "❔ " + say("{key}: the service does not tell what it may use.", key=key)
        else:
            yield say("{key}: models it may use: {n}.", key=key, n=len(names))


def _named(say: Say, whose: str) -> str:
    """A key in words."""
    return say("The key for {name}", name=escape(whose)) if whose else say("The key")


def _line(say: Say, offer: Offer, allowed: Allowed) -> str:
    """A model with its price, and whether anybody can use it."""
    names = allowed[_whose(offer, allowed)]
    missing = names and offer.wire not in names
    sign = "🚫" if offer.hidden else "⚠️" if missing or names is None else "✅" if names else "❔"
    parts = (
        f"`{offer.key}`",
        escape(offer.title),
        offer.kind,
        money(micro(offer.price)),
        say("hidden") if offer.hidden else "",
        say("not in the key's list") if missing else "",
    )
    return f"{sign} {cards.dotted(*parts)}"


def _whose(offer: Offer, allowed: Allowed) -> str:
    """Which key a model is asked with: its own, its maker's, its family's, else the one of all."""
    own = [name for name in allowed if name and offer.wire.startswith(name)]
    wanted = (offer.key, offer.wire, *own, offer.family)
    return next((name for name in wanted if name in allowed), "")


async def _turns(ctx: Context, page: int, pages: int) -> tuple[Button, ...]:
    """The buttons to the pages before and after."""
    wanted = [
        ctx.action(
            Verb.COMMAND,
            job=f"models:{ctx.caller.key}",
            key=str(number),
            label=label,
            values={"command": "models", "page": str(number)},
        )
        for number, label in ((page - 1, mark("Back")), (page + 1, mark("Next")))
        if 1 <= number <= pages
    ]
    kept = await ctx.studio.store.add_actions(wanted)
    labels = {action.key: action.label for action in wanted}
    return tuple(cards.button(ctx.say, replace(a, label=labels[a.key])) for a in kept)


async def balance(ctx: Context, options: NoOptions) -> None:
    """What is left at the service, and what this bot has booked."""
    del options
    say = ctx.say
    keys = ["", *ctx.studio.gateway.keyed]
    left = await asyncio.gather(*(_left(ctx, whose) for whose in keys))
    parts = [f"**{say('At the service')}**", *left, *await _account(ctx)]
    blocks = ["\n".join(parts), await _booked(ctx)]
    unsure = await ctx.studio.store.unsure(UNSURE)
    if unsure:
        lines = [f"**{say('Unsure, and still held')}**", *(_doubt(job) for job in unsure)]
        blocks.append("\n".join(lines))
    await ctx.reply(Message("\n\n".join(blocks), private=True))


async def _left(ctx: Context, whose: str) -> str:
    """What is left on a key, in words."""
    say, key = ctx.say, _named(ctx.say, whose)
    try:
        left = await left_on(ctx.studio.gateway, whose)
    except GatewayError:
        return say("{key}: the service cannot be reached just now.", key=key)
    if left is None:
        return say("{key}: the service does not tell what is left.", key=key)
    if left >= UNLIMITED / 2:
        return say("{key}: has no limit of its own.", key=key)
    return say("{key}: {usd} left.", key=key, usd=f"${left:,.2f}")


async def _account(ctx: Context) -> list[str]:
    """The account, where the owner has set its key."""
    try:
        found = await account(ctx.studio.gateway)
    except GatewayError:
        found = None
    if found is None:
        return []
    left, used = (f"${usd:,.2f}" for usd in found)
    return [ctx.say("The account: {left} left, {used} used so far.", left=left, used=used)]


async def _booked(ctx: Context) -> str:
    """The ledger: today, this month, and what is held now."""
    say, store = ctx.say, ctx.studio.store
    day = datetime.fromtimestamp(ctx.studio.clock(), UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    lines = [f"**{say('Booked here')}**"]
    for title, since in ((mark("Today"), day), (mark("This month"), day.replace(day=1))):
        booked = await store.booked(since.timestamp())
        sums = {entry: money(booked.get(entry, 0)) for entry in Entry}
        lines.append(
            say(
                "{when} (UTC): {held} held, {settled} spent, {refunded} given back.",
                when=say(title),
                held=sums[Entry.HOLD],
                settled=sums[Entry.SETTLE],
                refunded=sums[Entry.REFUND],
            )
        )
    count, amount = await store.held()
    lines.append(say("Held just now: {amount} (jobs: {n}).", amount=money(amount), n=count))
    return "\n".join(lines)


def _doubt(job: Job) -> str:
    """An unsure job in one line."""
    when = datetime.fromtimestamp(job.created_at, UTC).strftime("%Y-%m-%d %H:%M")
    name = escape(job.owner_name or job.owner)
    return f"- {cards.dotted(f'`{job.id}`', name, job.request.offer, money(job.price), when)}"


COMMANDS: Sequence[Command] = (
    Command(
        "models",
        mark("The models with their prices, and which of them the keys may use"),
        ModelsOptions,
        models,
        private=True,
        owner=True,
        example="/models",
    ),
    Command(
        "balance",
        mark("What is left at the service, and what was booked here"),
        NoOptions,
        balance,
        private=True,
        owner=True,
        example="/balance",
    ),
)
