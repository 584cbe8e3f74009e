"""What happens to an interaction: its first answer and the store, then core.

Nothing comes before the first answer, so a slow or broken store costs nobody the three seconds. The
event is stored while that travels, so that hardly a moment is left in which a death takes it; a
restart asks Discord whether the answer arrived, and does nothing with an event of which the person
was told that the bot did not answer. What people write to the bot needs no first answer and is
stored at once. Knows nothing of how answers travel.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from adapters.discord import words
from adapters.discord.answer import Answerer
from adapters.discord.commands import INTEGER, NUMBER
from adapters.discord.deliver import Deliverer
from adapters.discord.door import TOKEN_LIFE
from adapters.discord.events import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    MODAL,
    PLATFORM,
    Answered,
    Raw,
    Reader,
    caller_of,
    focused,
    key_of,
    trimmed,
)
from adapters.discord.render import modal, text
from core.commands import TALK
from core.desk import Desk
from core.errors import AdapterError, StoreError, UserError
from core.i18n import mark
from core.messages import Event, Invocation, Message, escape

log = logging.getLogger(__name__)

UNSTORED = mark("I cannot write anything down right now, so nothing was started. Try again soon.")
AWAY = 5.0
"""Seconds between two questions to a Discord that is away."""
LOOK_UP = 1.5
"""Seconds the store may take while a window or suggestions are awaited: three are Discord's, and
some of them go to the way there and back.
"""


class Intake:
    """Takes interactions and messages. Nothing it does raises, whatever Discord sends."""

    def __init__(
        self, desk: Desk, answerer: Answerer, deliverer: Deliverer, clock: Callable[[], float]
    ) -> None:
        """`clock` gives Unix seconds."""
        self._desk = desk
        self._answerer = answerer
        self._deliverer = deliverer
        self._clock = clock
        self._reader = Reader(desk.commands)

    async def take(self, raw: Raw) -> None:
        """Deal with an interaction to the end."""
        try:
            await self._take(raw, self._clock())
        except Exception:
            log.exception("an interaction could not be handled")

    async def resume(self, key: str, body: str) -> None:
        """Deal with an interaction that an earlier life stored and did not finish."""
        try:
            note = json.loads(body)
            if said := note.get("said"):
                event: Event | None = self._question(said, str(note["me"]))
            else:
                event = await self._unfinished(note["raw"], float(note["at"]), bool(note["hidden"]))
            await (self._desk.finish(key) if event is None else self._desk.handle(event))
        except Exception:
            log.exception("a stored interaction could not be handled", extra={"event": key})

    async def _take(self, raw: Raw, at: float) -> None:
        match raw.get("type"):
            case kind if kind == COMMAND:
                await self._command(raw, at)
            case kind if kind == COMPONENT:
                await self._component(raw, at)
            case kind if kind == MODAL:
                await self._answers(raw, at)
            case kind if kind == AUTOCOMPLETE:
                await self._suggest(raw)
            case _:
                log.info("an interaction of unknown type %s was passed over", raw.get("type"))

    # -- what becomes an event -------------------------------------------------------------------

    async def _command(self, raw: Raw, at: float) -> None:
        command = self._reader.command(raw)
        if command is None:
            await self._say(raw, mark("There is no such command here any more. /help lists them."))
        elif (values := self._reader.values(raw)) is None:
            await self._say(raw, mark("There is nothing in that message that this can use."))
        else:
            hidden = command.private or values.get("private") is True
            answer = self._answerer.defer(raw, hidden=hidden)
            await self._store(raw, at, answer, hidden=hidden)

    async def _component(self, raw: Raw, at: float) -> None:
        kind, token = _custom_id(raw)
        if kind == "b":
            await self._store(raw, at, self._answerer.take(raw))
        elif kind == "f":
            await self._open(raw, token)
        else:
            await self._say(raw, mark("This button is not one of mine."))

    async def _answers(self, raw: Raw, at: float) -> None:
        if _custom_id(raw)[0] == "f":
            await self._store(raw, at, self._answerer.defer(raw))
        else:
            await self._say(raw, mark("This form is not one of mine."))

    async def _store(
        self,
        raw: Raw,
        at: float,
        answer: Coroutine[Any, Any, Answered | None],
        *,
        hidden: bool = False,
    ) -> None:
        """Store an interaction while its answer is on its way, and hand it on; one that could not
        be answered is Discord's to tell of, and nothing is done.
        """
        async with asyncio.TaskGroup() as tasks:
            storing = tasks.create_task(self._keep(raw, at, hidden))
            answered = await answer
        new = storing.result()
        event = self._reader.event(raw, at, answered) if answered else None
        if event is None:
            if new:
                await self._desk.finish(key_of(raw))
        elif new is None:
            await self._regret(event)
        elif new:
            await self._desk.handle(event)

    async def _keep(self, raw: Raw, at: float, hidden: bool) -> bool | None:
        """Whether an interaction is new; None when the store does not take it."""
        try:
            # Discord keeps nothing to be confirmed; a job's own commit makes its event durable too.
            row = (key_of(raw), trimmed(raw, at, hidden=hidden))
            return bool(await self._desk.take_in(PLATFORM, [row], durable=False))
        except StoreError as error:
            log.error("an interaction was not stored: %s", error)
            return None

    async def _unfinished(self, raw: Raw, at: float, hidden: bool) -> Event | None:
        """An interaction of an earlier life, once Discord has told that it was answered."""
        while self._clock() < at + TOKEN_LIFE:
            try:
                answered = await self._answerer.given(raw, hidden=hidden)
            except AdapterError:
                await asyncio.sleep(AWAY)
            else:
                return self._reader.event(raw, at, answered) if answered else None
        return self._reader.event(raw, at, Answered(hidden=hidden))

    async def _regret(self, event: Event) -> None:
        """Say that nothing was done because the store takes nothing."""
        told = self._desk.say(event.caller.lang)(UNSTORED)
        if event.ack is None:
            return
        try:
            await self._deliverer.edit(event.ack, Message(escape(told), private=True))
        except AdapterError as error:
            log.warning("a failure could not be told: %s", type(error).__name__)

    # -- what people write -----------------------------------------------------------------------

    async def hear(self, raw: Raw, me: str) -> None:
        """Deal with a message that may be to the bot, whose user id is `me`, to the end."""
        try:
            if words.is_direct(raw) or words.names(raw, me) or await self._goes_on(raw, me):
                await self._heard(raw, me)
        except Exception:
            log.exception("a message could not be handled")

    async def _goes_on(self, raw: Raw, me: str) -> bool:
        """Whether a person replies to the assistant's answer to them."""
        answered = words.answered(raw, me)
        caller = caller_of({"user": raw["author"]})
        return answered is not None and await self._desk.conversed(caller, answered)

    def _question(self, raw: Raw, me: str) -> Invocation | None:
        command = next((c for c in self._desk.commands if c.name == TALK), None)
        return words.question(raw, me, command) if command is not None else None

    async def _heard(self, raw: Raw, me: str) -> None:
        """Store a question and hand it on; told again, it is known."""
        event = self._question(raw, me)
        if event is None:
            return
        try:
            row = (event.key, words.noted(raw, me))
            new = await self._desk.take_in(PLATFORM, [row], durable=False)
        except StoreError as error:
            log.error("a message was not stored: %s", error)
            told = Message(escape(self._desk.say(event.caller.lang)(UNSTORED)), private=True)
            nonce = f"u{raw['id']}"
            await self._desk.post(event.place, told, nonce=nonce, reply_to=event.ref)
            return
        if new:
            await self._desk.handle(event)

    # -- what is answered at once ----------------------------------------------------------------

    async def _open(self, raw: Raw, token: str) -> None:
        """Open the window of a form button: it must be the first answer."""
        try:
            async with asyncio.timeout(LOOK_UP):
                form = await self._desk.form(token, caller_of(raw))
        except UserError as error:
            await self._say(raw, error.text, **error.values)
        except (StoreError, TimeoutError) as error:
            log.warning("a form was not opened: %s", type(error).__name__)
            await self._say(raw, mark("I could not look that up in time. Press it again, please."))
        else:
            await self._answerer.ask(raw, modal(form, token))

    async def _suggest(self, raw: Raw) -> None:
        """Offer values while a person types; none when they cannot be had in time."""
        command, (option, typed) = self._reader.command(raw), focused(raw)
        found: Sequence[tuple[str, str]] = ()
        try:
            async with asyncio.timeout(LOOK_UP):
                if command is not None:
                    caller = caller_of(raw)
                    found = await self._desk.suggest(command.name, option, typed, caller)
        except (StoreError, TimeoutError) as error:
            log.info("no suggestions: %s", type(error).__name__)
        kind = _focused_type(raw)
        await self._answerer.offer(raw, [c for pair in found if (c := _choice(kind, *pair))])

    async def _say(self, raw: Raw, told: str, **values: object) -> None:
        """Say a catalogue text to that person alone."""
        say = self._desk.say(caller_of(raw).lang)
        shown = {name: escape(str(value)) for name, value in values.items()}
        await self._answerer.say(raw, text(say(told, **shown)))


def _custom_id(raw: Raw) -> tuple[str, str]:
    """What is behind a button or window: (`b` or `f`, token), or ("", "") when not ours."""
    kind, _, token = str((raw.get("data") or {}).get("custom_id", "")).partition(":")
    return (kind, token) if kind in ("b", "f") and token else ("", "")


def _focused_type(raw: Raw) -> int:
    options = (raw.get("data") or {}).get("options") or ()
    return next((int(o.get("type", 0)) for o in options if o.get("focused")), 0)


def _choice(kind: int, value: str, label: str) -> dict[str, Any] | None:
    """One suggestion; None for a value Discord would not take."""
    if not 0 < len(value) <= 100:
        return None
    try:
        typed = int(value) if kind == INTEGER else float(value) if kind == NUMBER else value
    except ValueError:
        return None
    return {"name": (label or value)[:100], "value": typed}
