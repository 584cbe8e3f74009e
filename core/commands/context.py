"""What a command's handler and a button's press may use: who asked, where, and how to start, reply
and show.

Every start is one commit that holds the job, its money and the end of the platform event.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from core import cards
from core.archive import Archive
from core.commands.fit import find, takes_files
from core.commands.mjprompt import Note
from core.commands.values import pack_event
from core.delivery import Delivery
from core.engine import Engine, JobSettings
from core.errors import AdapterError, BadInput, ChatGone, MessageGone, StoreError
from core.gateway import Gateway
from core.i18n import Say, mark, translator
from core.jobs import LIVE, Action, Entry, Job, State, Verb, charged
from core.ledger import money
from core.links import Links
from core.messages import (
    Button,
    Caller,
    Filling,
    Form,
    Message,
    Place,
    Ref,
    Stored,
    escape,
)
from core.outbox import Outbox
from core.outbox.insist import insist
from core.providers.base import Kind, Offer, Request
from core.store import Store
from core.wire import Json

log = logging.getLogger(__name__)

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Letters of job ids: none that are mistaken for another."""


STOPPABLE = frozenset({State.QUEUED, State.SUBMITTING, State.RUNNING, State.WAITING})
"""States in which cancelling means something."""


def new_id() -> str:
    """A short id that people can type."""
    return "".join(secrets.choice(ALPHABET) for _ in range(7))


class NotTaken(Exception):
    """The event was in the store before, or could not be stored: nothing is to be done with it."""


@dataclass(frozen=True, slots=True)
class Studio:
    """The parts of the house that commands work with."""

    store: Store
    engine: Engine
    outbox: Outbox
    delivery: Delivery
    offers: Mapping[str, Offer]
    jobs: JobSettings
    clock: Callable[[], float]
    archive: Archive
    gateway: Gateway
    links: Links
    owners: Collection[str] = ()
    """Who the bot belongs to: `discord:123`, or a platform on which everybody is the owner."""

    def owned_by(self, caller: Caller) -> bool:
        """Whether the bot belongs to this person."""
        return caller.key in self.owners or caller.platform in self.owners


@dataclass(slots=True)
class Context:
    """One event being answered."""

    studio: Studio
    key: str
    caller: Caller
    place: Place
    lang: str
    person: Mapping[str, str] = field(default_factory=dict)
    """The caller's own defaults."""
    command: str = ""
    origin: Ref | None = None
    """What results reply to."""
    ack: Ref | None = None
    """The open answer slot, until it is used."""
    apart: Place | None = None
    """Where answers go instead of `place`: nobody but the caller reads there."""
    panel: Ref | None = None
    """The message whose button was pressed; a settings panel is redrawn in place."""
    once: str | None = None
    """Makes everything this event starts happen once, whatever other event asks for it too."""
    stored: Stored | None = None
    """Of an event that may not be in the store yet, or may have been there before."""
    closed: bool = False
    """Whether the event was closed together with what it did to a job."""
    source: str = ""
    """The job whose button runs this command."""
    started: int = 0
    onces: int = 0
    """How many jobs were begun that `once` is about."""

    @property
    def say(self) -> Say:
        """The caller's language."""
        return translator(self.lang)

    @property
    def is_owner(self) -> bool:
        """Whether the bot belongs to the caller."""
        return self.studio.owned_by(self.caller)

    async def admit(self) -> None:
        """Wait until the event is in the store. Raises `NotTaken`."""
        if self.stored is None:
            return
        try:
            new = await asyncio.shield(self.stored)
        except StoreError:
            raise NotTaken from None
        if self.key not in new:
            raise NotTaken
        self.stored = None

    # -- answering -----------------------------------------------------------------------------

    async def reply(self, message: Message) -> None:
        """Answer the event; an answer that cannot be shown is tried again, then logged."""
        await self.admit()
        nonce = hashlib.sha256(f"{self.key}/{self.started}".encode()).hexdigest()[:20]
        self.started += 1
        ack, self.ack = self.ack, None
        await insist(lambda: self._reply(ack, message, nonce))

    async def _reply(self, ack: Ref | None, message: Message, nonce: str) -> None:
        outbox = self.studio.outbox
        if ack is not None:
            if await outbox.adapter(ack.platform).whisper(ack, message):
                return
            try:
                await outbox.edit(self.place, ack, message)
            except MessageGone:
                ack = None
            else:
                return
        if self.apart is None:
            await outbox.send(self.place, message, nonce=nonce, reply_to=self.origin)
            return
        try:
            await outbox.send(self.apart, message, nonce=nonce)
        except ChatGone:
            text = self.say("That is for your eyes only. Ask me again in our private chat.")
            asked = Message(text, buttons=self.entrance())
            await outbox.send(self.place, asked, nonce=nonce, reply_to=self.origin)

    def aside(self) -> Place:
        """Where the caller alone reads what is said to them here."""
        return self.studio.outbox.adapter(self.place.platform).aside(self.place, self.caller)

    def answer_aside(self) -> None:
        """Answer where the caller alone reads; where that is another chat that they have not begun,
        they are asked to.
        """
        aside = self.aside()
        if self.ack is None and aside.chat != self.place.chat:
            self.apart = aside

    def entrance(self) -> tuple[Button, ...]:
        """A button that leads to where the caller alone reads, where that is another chat."""
        url = self.studio.outbox.adapter(self.place.platform).entrance
        return (Button(self.say("Open our private chat"), "💬", url=url),) if url else ()

    async def reply_in_place(self, message: Message) -> None:
        """Redraw the message whose button was pressed; without one, answer as usual."""
        if self.panel is None:
            await self.reply(message)
            return
        try:
            await self.studio.outbox.edit(self.place, self.panel, message)
        except AdapterError:
            await self.reply(message)

    async def ask(self, form: Form, values: Mapping[str, str], lead: str) -> None:
        """Ask for what a command lacks; the answers run it with `values` besides."""
        await self.admit()
        caller = replace(self.caller, lang=self.lang)
        event = Filling(self.key, caller, self.place, "", ref=self.origin)
        at = {"at": pack_event(event)} if cards.painted(form) else {}
        stored = {"command": self.command, **at, **values}
        action = self.action(Verb.COMMAND, values=stored, form=form)
        (kept,) = await self.studio.store.add_actions([action])
        form = replace(form, token=kept.token)
        await self.reply(Message(text=lead, form=form, mention=self.caller, private=True))
        await self.lend_brush(form)

    async def step_aside(self) -> None:
        """Go on where the caller alone reads; where that is another chat, say so here."""
        aside, self.apart = self.aside(), None
        if aside.chat != self.place.chat:
            words = self.say(
                "I answer you in our private chat. If nothing comes there, press Start in it and "
                "ask again."
            )
            await self.reply(Message(words, buttons=self.entrance(), mention=self.caller))
            self.origin = None
        self.place = aside

    async def lend_brush(self, form: Form) -> None:
        """Give the person alone the address of the page where a form can be painted, where others
        reach it: whoever has it answers for them.
        """
        url = self.studio.links.public(self.studio.links.page(form.token))
        if not url or cards.painted(form) is None:
            return
        words = self.say("Or paint what shall change on a page of mine, and write the rest there:")
        link = Button(self.say("Paint it"), "🖌️", url=url)
        place = self.aside()
        message = Message(words, buttons=(link,), private=True)
        nonce = hashlib.sha256(f"{self.key}/brush".encode()).hexdigest()[:20]
        await insist(lambda: self.studio.outbox.send(place, message, nonce=nonce))

    def action(
        self,
        verb: Verb,
        *,
        job: str = "",
        key: str = "",
        label: str = "",
        emoji: str = "",
        values: Mapping[str, str] | None = None,
        form: Form | None = None,
        request: Request | None = None,
        row: int = 0,
    ) -> Action:
        """A new action of the caller's."""
        token = secrets.token_urlsafe(10)
        return Action(
            token=token,
            verb=verb,
            owner=self.caller.key,
            job=job,
            key=key or token,
            label=label,
            emoji=emoji,
            row=row,
            request=request,
            form=form,
            values=dict(values or {}),
            created_at=self.studio.clock(),
        )

    # -- starting ------------------------------------------------------------------------------

    def price(self, request: Request) -> int:
        """What a request costs, micro-USD. Raises `BadInput` for what is not sold here."""
        self._offer(request)
        return cards.price_of(request, self.studio.offers)

    def offer(
        self,
        kind: Kind,
        name: str | None,
        *,
        files: int | None = None,
        options: Collection[str] = (),
    ) -> Offer:
        """The model a person named, else their own default, else the first; where none is named,
        one that takes as many `files`, and these `options` where one does. Raises `BadInput`.
        """
        offers = self.studio.offers
        own = offers.get(self.person.get(kind, ""))
        able = own and not own.hidden and (files is None or takes_files(own, files))
        if own and able and not name and set(options) <= own.takes.keys():
            return own
        return find(offers.values(), kind, name or "", files, options)

    def with_options(self, request: Request, **more: Json) -> Request:
        """The request with further options."""
        return replace(request, options={**request.options, **more})

    def noted(self, request: Request, notes: Sequence[Note]) -> Request:
        """The request with what was changed in it, in words for the person."""
        told = [self.say(text, **values) for text, values in notes]
        return replace(request, options={**request.options, "notes": told}) if told else request

    def _offer(self, request: Request) -> Offer:
        offer = self.studio.offers.get(request.offer)
        if offer is None or offer.hidden:
            raise BadInput(mark("This is not offered here."))
        return offer

    async def start(
        self,
        request: Request,
        *,
        title: str = "",
        parent: str = "",
        once_key: str | None = None,
        spoiler: bool = False,
        more: bool = False,
    ) -> bool:
        """Commit a new job with its hold and let it run; False when it was there already, which is
        shown then.

        Args:
            request: What to ask the provider for.
            title: What was pressed, for people.
            parent: The job this one comes from.
            once_key: A second start with the same key finds the first one's job instead of paying
                again.
            spoiler: Cover the result.
            more: The event starts further jobs after this one.
        """
        job = self._new_job(request, title, parent, once_key or self._once(), spoiler)
        self.studio.engine.check(request)
        stop = self.action(
            Verb.CANCEL,
            job=job.id,
            key="cancel",
            label=mark("Stop") if self._offer(request).streams else mark("Cancel"),
            emoji="✖️",
        )
        job = self.studio.engine.reserve(job)
        try:
            kept = await self._keep(job, stop, more)
        except BaseException:
            self.studio.engine.release(job)
            raise
        if kept.id == job.id:
            self.ack = None
            self.studio.engine.added(job)
            return True
        self.studio.engine.release(job)
        if kept.event_key != job.event_key:
            await self.show(kept, again=title)
        return False

    async def _keep(self, job: Job, stop: Action, more: bool) -> Job:
        """Commit a job, together with its event where that waits to be stored."""
        if more or (self.stored is not None and self.stored.done()):
            await self.admit()
        add, finish = self.studio.store.add_job, None if more else self.key
        try:
            kept = await add(job, (stop,), finish=finish, ahead=self.stored is not None)
        except StoreError:
            await self.admit()
            raise
        if kept is None:
            await self.admit()
            return await self._keep(job, stop, more)
        self.stored, self.closed = None, not more
        return kept

    def _once(self) -> str | None:
        """The key of the next job that `once` is about; of several each has its own."""
        self.onces += 1
        return self.once if self.onces == 1 or self.once is None else f"{self.once}:{self.onces}"

    def _new_job(
        self, request: Request, title: str, parent: str, once_key: str | None, spoiler: bool
    ) -> Job:
        now = self.studio.clock()
        self.started += 1
        return Job(
            id=new_id(),
            owner=self.caller.key,
            owner_name=self.caller.name,
            place=replace(self.place, spoiler=self.place.spoiler or spoiler),
            lang=self.lang,
            command=self.command,
            request=request,
            price=self.price(request),
            created_at=now,
            wake_at=now,
            event_key=f"{self.key}#{self.started}",
            once_key=once_key,
            parent=parent,
            title=title,
            origin=self.origin,
            status=self.ack,
        )

    # -- showing -------------------------------------------------------------------------------

    async def show_used(self, job: Job) -> None:
        """Redraw the result whose button was pressed, so that the button shows it is in use."""
        adapter = self.studio.outbox.adapter(self.place.platform)
        on_result = self.panel and job.result and self.panel.message == job.result.message
        if self.panel is None or not on_result or not adapter.limits(self.place).restyles:
            return
        redrawn = partial(self.studio.delivery.redrawn, job)
        try:
            await self.studio.outbox.redraw(self.place, self.panel, redrawn)
        except AdapterError as error:
            log.info("a used button does not show it: %s", type(error).__name__)

    async def own(self, job_id: str) -> Job:
        """A job of the caller's. Raises `BadInput`, the same for a foreign job as for none."""
        wanted = job_id.strip().strip("`").lower()
        job = await self.studio.store.job(wanted)
        if job is None or job.owner != self.caller.key:
            raise BadInput(
                mark("You have no job “{job}”. /jobs lists yours."), job=wanted[:20] or "?"
            )
        return job

    async def show(self, job: Job, *, again: str = "") -> None:
        """Show a job as it stands: its result with live buttons, its progress, or how it ended.

        `again` names the button whose second press led here.
        """
        say = self.say
        if job.shown:
            lead = say("You pressed {button} before; here is what it made.", button=again)
            await self._repost(job, lead if again else "")
            return
        if job.state in LIVE:
            standing = await self.studio.delivery.standing(job)
            lead = say("That is already on its way:") if again else ""
            text = "\n".join(t for t in (lead, cards.brief(say, job, standing)) if t)
            await self.reply(Message(text=text, private=True))
            return
        actions = await self.studio.store.actions_of(job.id)
        await self.reply(cards.ended(say, job, actions, await self.cost(job)))

    async def _repost(self, job: Job, lead: str) -> None:
        """Post a finished job here; the answer slot becomes the post where there is one."""
        self.place = replace(self.place, spoiler=self.place.spoiler or job.place.spoiler)
        if job.owner != self.caller.key:
            await self._lend(job)
            return
        message = await self.studio.delivery.again(job, self.place, lead)
        buttons = list(message.buttons)
        upscaled = job.request.options.get("action") == "UPSCALE"
        if lead and job.request.kind == "continue" and not upscaled:
            label = self.say("Another {title} · {price}", title=job.title, price=money(job.price))
            more = self.action(Verb.AGAIN, job=job.id, label=label, emoji="➕", row=9)
            (more,) = await self.studio.store.add_actions([more])
            buttons.append(cards.button(self.say, more))
        await self.reply(replace(message, buttons=tuple(buttons)))

    async def _lend(self, job: Job) -> None:
        """Show another person's result to look at; what can be made of it is its owner's."""
        lead = self.say("{name} made this:", name=escape(job.owner_name))
        shown = replace(job, lang=self.lang)
        message = await self.studio.delivery.again(shown, self.place, lead)
        await self.reply(replace(message, buttons=(), mention=self.caller))

    async def cost(self, job: Job) -> str:
        """What a job cost or may cost, in words."""
        entries = [entry for entry, *_ in await self.studio.store.ledger(job.id)]
        closing = next((e for e in entries if e is not Entry.HOLD), None)
        return cards.cost(self.say, job, closing)

    async def cancel(self, job: Job) -> str:
        """Ask the engine to stop a job; returns what the person should know. A press is closed with
        that: the job's own message tells the outcome, and nothing is told again after a kill.
        """
        if job.state not in STOPPABLE:
            return self.say("Too late to stop: it is finished.")
        finish = self.key if self.panel is not None else None
        after = await self.studio.store.request_cancel(job.id, self.studio.clock(), finish=finish)
        self.closed |= finish is not None and after is not None
        self.studio.engine.stopped(job)
        if after is None or after.state not in STOPPABLE:
            return self.say("Too late to stop: it is finished.")
        offer = self.studio.offers.get(job.request.offer)
        if after.state is State.SUBMITTING and offer and offer.streams:
            return self.say("Stopped. What there is of the answer stays.")
        if after.state in (State.QUEUED, State.WAITING) and not charged(after):
            return self.say("Stopped before it began. Nothing was charged.")
        return self.say(
            "Stopped watching it. The image service had it already, so it still costs {price}.",
            price=money(job.price),
        )

    def brief(self, jobs: Sequence[Job], standings: Sequence[cards.Standing]) -> str:
        """Several jobs as a list."""
        return "\n".join(
            f"- {cards.brief(self.say, job, standing)}"
            for job, standing in zip(jobs, standings, strict=True)
        )
