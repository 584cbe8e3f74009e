"""The one object adapters talk to: events in, everything visible out through the Adapter port.

Owns how an event becomes a command, a press or an answer, and how errors are told to people. Knows
no platform.
"""

from __future__ import annotations

import asyncio
import logging
import pathlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

from pydantic import ValidationError

from core import cards
from core.adapter import Adapter
from core.archive import Archive
from core.commands import COMMANDS, painting
from core.commands.checks import asking, check_types, explained, lacking, shaped
from core.commands.context import Context, NotTaken, Studio
from core.commands.grammar import parse
from core.commands.presses import ACTS, Values, fingerprint
from core.commands.spec import Command
from core.commands.values import OWN, packed, unpack
from core.errors import (
    BadInput,
    BotError,
    GatewayError,
    Gone,
    NotYours,
    Refused,
    StoreError,
    UserError,
)
from core.gateway import Gateway
from core.i18n import Say, mark, pick, translator
from core.jobs import Action, Verb
from core.messages import (
    Attachment,
    Caller,
    Event,
    Filling,
    Form,
    Invocation,
    Media,
    Message,
    Place,
    Press,
    Ref,
    Stored,
    escape,
    shorten,
    spoken,
)
from core.outbox.insist import insist
from core.providers.base import Offer, Provider

log = logging.getLogger(__name__)

INPUT_BYTES = 25_000_000
"""Largest picture a person may send."""
NOT_YOURS = mark(
    "That button belongs to the person who asked for the picture. "
    "Send your own /imagine to get buttons of your own."
)


class Desk:
    """Takes events, answers them. Every method may be called from any task."""

    def __init__(
        self,
        studio: Studio,
        *,
        gateway: Gateway,
        archive: Archive,
        providers: Mapping[str, Provider],
        commands: Sequence[Command] = COMMANDS,
    ) -> None:
        """Take the parts."""
        self.commands = commands
        self._by_name = {command.name: command for command in commands}
        self._studio = studio
        self._store = studio.store
        self._gateway = gateway
        self._archive = archive
        self._providers = providers

    def attach(self, adapter: Adapter) -> None:
        """Register a chat platform for outgoing messages."""
        self._studio.outbox.attach(adapter)

    def offered(self, caller: Caller | None = None) -> list[Command]:
        """The commands that a person, or everybody, is to be told of."""
        owned = caller is not None and self._studio.owned_by(caller)
        return [command for command in self.commands if owned or not command.owner]

    # -- durable intake ------------------------------------------------------------------------

    async def take_in(
        self,
        platform: str,
        events: Sequence[tuple[str, str]],
        *,
        durable: bool = True,
        ahead: bool = False,
    ) -> set[str]:
        """Commit (key, body) events; returns the keys never seen before. Raises `StoreError`.

        `durable` where the platform forgets them as soon as this returns; `ahead` where `handle`
        has this as its `stored`.
        """
        new = await self._store.take_in(platform, events, durable=durable, ahead=ahead)
        return {key for key, _ in new}

    async def pending(self, platform: str) -> list[tuple[str, str]]:
        """Events taken in and not finished, oldest first: what a restart has to take up."""
        return await self._store.pending(platform)

    async def finish(self, key: str) -> None:
        """This event needs nothing more."""
        await self._store.finish(key)

    # -- events --------------------------------------------------------------------------------

    async def handle(self, event: Event, stored: Stored | None = None) -> BotError | None:
        """Deal with an event to the end; gives what the person was told went wrong, if so.

        Never raises; the same key twice does its work once. `stored` is the `take_in` of an event
        that may not be in the store yet: what only reads goes ahead, and nothing is done with one
        that was there before or is not taken.
        """
        if stored is not None:
            await asyncio.sleep(0)  # it is on its way before anything that is to follow it
        ctx = await self._context(event, stored)
        try:
            problem = await self._answer(ctx, event)
        except NotTaken:
            return None
        if not ctx.closed:
            await self._finish(event.key)
        return problem

    def ahead(self, command: str) -> bool:
        """Whether a call of a command may begin while it is being stored."""
        found = self._by_name.get(command)
        return found is not None and found.ahead

    async def _answer(self, ctx: Context, event: Event) -> BotError | None:
        problem: BotError | None = None
        try:
            match event:
                case Invocation():
                    await self._invoke(ctx, event)
                case Press():
                    await ctx.admit()
                    await self._press(ctx, event)
                case Filling():
                    await ctx.admit()
                    await self._fill(ctx, event)
                case _:
                    assert_never(event)
        except NotTaken:
            raise
        except BotError as error:
            problem = error
        except Exception:
            log.exception("an event could not be handled", extra={"event": event.key})
            problem = BotError(
                mark("Something went wrong here, and it has been noted. Please try again.")
            )
        if problem is not None:
            await self._tell(ctx, problem)
        return problem

    async def _finish(self, key: str) -> None:
        try:
            await self._store.finish(key)
        except StoreError as error:
            log.error("an event could not be closed: %s", error, extra={"event": key})

    async def _tell(self, ctx: Context, error: BotError) -> None:
        """Answer with one clear sentence; foreign words in it are escaped."""
        if not isinstance(error, UserError):
            detail = getattr(error, "detail", "") or type(error).__name__
            log.warning("answered with an error: %s", detail, extra={"event": ctx.key})
        await ctx.admit()
        try:
            await ctx.reply(Message(text=sentence(ctx.say, error), private=True))
        except Exception:
            log.exception("an error could not be told", extra={"event": ctx.key})

    async def _context(self, event: Event, stored: Stored | None) -> Context:
        caller = event.caller
        try:
            person: Mapping[str, str] = await self._store.person(caller.key)
        except StoreError:
            person = {}
        return Context(
            studio=self._studio,
            key=event.key,
            caller=caller,
            place=event.place,
            lang=person.get("language") or pick(caller.lang),
            person=person,
            origin=event.ref,
            ack=event.ack,
            panel=event.ref if isinstance(event, Press) else None,
            stored=stored,
        )

    async def _invoke(self, ctx: Context, event: Invocation) -> None:
        command = self._by_name.get(event.command)
        if command is None:
            raise BadInput(
                mark("There is no command {name}. /help lists them."), name=f"/{event.command}"
            )
        values: dict[str, Any] = dict(event.values)
        if event.text is not None:
            values |= parse(command, event.text)
        await self._run(ctx, command, values)

    async def _run(self, ctx: Context, command: Command, values: Mapping[str, Any]) -> None:
        """Fetch what was sent, check the options, run the handler."""
        if command.private:
            ctx.answer_aside()
        if command.owner and not ctx.is_owner:
            name = f"/{command.name}"
            raise BadInput(mark("Sorry, {name} is for the owner of this bot."), name=name)
        ctx.command = command.name
        if not command.ahead:
            await ctx.admit()
        given = {name: await self._resolve(ctx, value) for name, value in values.items()}
        fitting = shaped(command, given)
        try:
            options = command.model.model_validate(fitting)
        except ValidationError as error:
            words = lacking(command, error)
            if words is None or ctx.apart is not None:  # what is asked elsewhere is done elsewhere
                raise explained(command, error) from error
            form = asking(ctx.say, command, words)
            await ctx.ask(form, packed(fitting), form.fields[0].label)
            return
        await command.handler(ctx, options)

    async def _resolve(self, ctx: Context, value: Any) -> Any:
        """Fetch attachments into the archive, wherever they stand; only pictures are of use."""
        match value:
            case Attachment():
                await ctx.admit()
                return await self._resolve(ctx, await self._fetch(ctx, value))
            case list():
                return [await self._resolve(ctx, one) for one in value]
            case _:
                return value

    async def _fetch(self, ctx: Context, attachment: Attachment) -> Media:
        name = shorten(attachment.name or ctx.say("The file"), 60)
        if attachment.size > INPUT_BYTES:
            raise BadInput(
                mark("{name} is too big: {size} MB, at most {limit} MB can be used."),
                name=name,
                size=attachment.size // 1_000_000,
                limit=INPUT_BYTES // 1_000_000,
            )
        adapter = self._studio.outbox.adapter(ctx.place.platform)
        url = attachment.url or await adapter.locate(attachment)
        try:
            media = await self._gateway.fetch(url, limit=INPUT_BYTES, deadline=60.0)
        except Refused as error:
            raise BadInput(
                mark("{name} cannot be had from that address. Please send the picture itself."),
                name=name,
            ) from error
        except GatewayError as error:
            raise BadInput(
                mark("{name} could not be fetched. Please send it again."), name=name
            ) from error
        return replace(media, name=attachment.name or media.name)

    # -- buttons and forms ---------------------------------------------------------------------

    async def _action(self, token: str, caller: Caller) -> Action:
        action = await self._store.action(token)
        if action is None:
            raise Gone(mark("This button is not known here any more. /show brings a job back."))
        if action.owner and action.owner != caller.key:
            raise NotYours(NOT_YOURS)
        return action

    async def form(self, token: str, caller: Caller) -> Form:
        """The form a button opens. Raises a `UserError` to show to that person alone."""
        action = await self._action(token, caller)
        if action.form is None:
            raise Gone(mark("There is nothing to fill in here any more."))
        say = translator(
            (await self._store.person(caller.key)).get("language") or pick(caller.lang)
        )
        return cards.form(say, replace(action.form, token=token))

    async def _press(self, ctx: Context, event: Press) -> None:
        action = await self._action(event.token, event.caller)
        if action.form is not None:
            form = cards.form(ctx.say, replace(action.form, token=action.token))
            await ctx.reply(Message(text=form.title, form=form, mention=ctx.caller, private=True))
            await ctx.lend_brush(form)
            return
        await self._act(ctx, action, {})

    def page(self, token: str) -> str:
        """The path of the page where a button's form can be painted."""
        return self._studio.links.page(token)

    async def canvas(self, token: str) -> painting.Canvas:
        """What is to be painted for a button. Raises a `BotError`."""
        return await painting.canvas(self._store, token)

    async def painted(
        self, asked: painting.Canvas, mask: Media, values: Mapping[str, str]
    ) -> BotError | None:
        """Take what was painted as the form's answer; gives what the person was told went wrong."""
        try:
            event = await painting.filling(self._archive, asked, mask, values)
        except BotError as error:
            return error
        return await self.handle(event)

    async def _fill(self, ctx: Context, event: Filling) -> None:
        action = await self._action(event.token, event.caller)
        if action.form is None:
            raise Gone(mark("There is nothing to fill in here any more."))
        asked = {field.name for field in action.form.fields}
        given = {name: value for name, value in event.values.items() if name in asked}
        values = {name: await self._resolve(ctx, value) for name, value in given.items()}
        for value in values.values():
            check_types(("image/",), value)
        await self._act(ctx, action, values)

    async def _act(self, ctx: Context, action: Action, values: Values) -> None:
        if action.verb is not Verb.COMMAND:
            await ACTS[action.verb](ctx, action, values, self._providers)
            return
        stored = {
            k: await self._stored(action, v) for k, v in action.values.items() if k not in OWN
        }
        command = self._by_name.get(action.values["command"])
        if command is None:
            raise Gone(mark("This button's command is not offered here any more."))
        job = await self._store.job(action.job) if action.job else None
        if job is not None:
            ctx.place = replace(
                ctx.place,
                spoiler=ctx.place.spoiler or job.place.spoiler,
                hidden=job.place.hidden and not ctx.place.private,
            )
        ctx.once, ctx.source = _once(action, values), action.job
        await self._run(ctx, command, {**stored, **values})

    async def _stored(self, action: Action, value: str) -> Any:
        """A stored value of a command; `file:0` is the first file of the action's job, `text:` what
        it says, `prompt:` what was asked, `job:` its id.
        """
        if value == "job:":
            return action.job
        head, _, number = value.partition(":")
        if value not in ("text:", "prompt:") and (head != "file" or not number.isdecimal()):
            return unpack(value)
        job = await self._store.job(action.job)
        if value == "text:":
            return spoken(job.text) if job is not None else ""
        if value == "prompt:":
            return cards.bare_prompt(job.request.prompt) if job is not None else ""
        if job is None or len(job.media) <= int(number):
            raise Gone(mark("That file is not there any more."))
        return job.media[int(number)]

    # -- small services ------------------------------------------------------------------------

    async def post(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> None:
        """Send a message of an adapter's own in the chat's pace, as often as an answer is."""
        outbox = self._studio.outbox
        await insist(lambda: outbox.send(place, message, nonce=nonce, reply_to=reply_to))

    async def suggest(
        self, command: str, option: str, text: str, caller: Caller
    ) -> list[tuple[str, str]]:
        """Values to offer while a person types: (value, label), at most 25."""
        found = self._by_name.get(command)
        spec = found.option(option) if found else None
        if spec is None:
            return []
        if spec.lookup == "jobs":
            jobs = await self._store.jobs_of(caller.key, limit=25)
            say = translator(pick(caller.lang))
            rows = [(j.id, _plain_brief(say, j)) for j in jobs]
        elif spec.lookup.startswith("models:"):
            kind = spec.lookup.removeprefix("models:")
            rows = [(o.key, o.title) for o in self._models(kind)]
        elif spec.lookup.startswith("values:"):
            _, kind, name = spec.lookup.split(":")
            rows = _values([o for o in self._models(kind) if o.takes.get(name)], name)
        elif spec.lookup == "commands":
            rows = [(one.name, f"/{one.name}") for one in self.offered(caller)]
        else:
            rows = [(value, value) for value in spec.suggest]
        wanted = text.strip().lower()
        return [row for row in rows if wanted in row[0].lower() or wanted in row[1].lower()][:25]

    def _models(self, kind: str) -> list[Offer]:
        """The models of a kind that are offered."""
        return [o for o in self._studio.offers.values() if o.kind == kind and not o.hidden]

    async def conversed(self, caller: Caller, ref: Ref) -> bool:
        """Whether a message is an answer that a language model gave to this person lately."""
        jobs = await self._store.jobs_of(caller.key, limit=40)
        return any(
            job.result is not None
            and (job.result.chat, job.result.message) == (ref.chat, ref.message)
            and job.request.kind == "chat"
            for job in jobs
        )

    async def moved(self, platform: str, old: str, new: str) -> None:
        """A chat has another id: what was made there is found there. Raises `StoreError`."""
        await self._store.move_chat(Place(platform, old).shared, Place(platform, new).shared)

    async def keep(self, key: str, value: str, *, days: float = 0.0) -> None:
        """Keep a small note of an adapter, for ever or for so many days."""
        await self._store.keep(key, value, days=days)

    async def kept(self, key: str) -> str | None:
        """Read a note."""
        return await self._store.kept(key)

    async def drop(self, key: str) -> bool:
        """Remove a note; True for the one caller who did."""
        return await self._store.drop(key)

    async def store_file(
        self, chunks: AsyncIterator[bytes], *, name: str = "", limit: int = 50_000_000
    ) -> Media:
        """Put uploaded bytes into the archive. Raises `BadInput`."""
        return await self._archive.put(chunks, name=name, limit=limit)

    def path(self, media: Media) -> pathlib.Path:
        """Where an archived file lies."""
        return self._archive.path(media)

    def say(self, lang: str) -> Say:
        """The translator for a platform's language tag."""
        return translator(pick(lang))

    async def person(self, caller: Caller) -> Mapping[str, str]:
        """A person's settings."""
        return await self._store.person(caller.key)


def sentence(say: Say, error: BotError) -> str:
    """An error as CommonMark in a person's language."""
    values = {k: escape(shorten(str(v), 300)) for k, v in error.values.items()}
    return say(error.text, **values)


def _once(action: Action, values: Values) -> str | None:
    """What makes a press that starts something do so once: a job's button, and each different
    answer to its form; a question's answer.
    """
    if action.job:
        return f"{action.job}:{action.key}" + (f":{fingerprint(values)}" if values else "")
    return f"form:{action.token}" if action.form is not None else None


def _values(offers: Sequence[Offer], name: str) -> list[tuple[str, str]]:
    """What models take for an option, and whose it is where not all of them take it."""
    takers: dict[str, list[str]] = {}
    for offer in offers:
        for value in offer.takes[name]:
            takers.setdefault(value, []).append(offer.title)
    return [
        (value, value if len(own) == len(offers) else shorten(f"{value} · {', '.join(own)}", 100))
        for value, own in takers.items()
    ]


def _plain_brief(say: Say, job: Any) -> str:
    """A job in a list of suggestions: plain text, at most 100 characters."""
    name = job.title or say(cards.COMMAND_NAMES.get(job.command, job.command))
    return shorten(f"{job.id} · {name} · {job.request.prompt}".replace("\n", " "), 100)
