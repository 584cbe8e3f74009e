"""What each session shows: its cards, kept over restarts, and the streams that follow them.

A card is on disk before `show` returns, so that a result is never lost. The one exception is a
change to a progress card, of which there are many and none matters for long: those are written when
the session rests. Knows no HTTP, and of cards only their key and their progress.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from adapters.web.render import Card
from core.errors import MessageGone, Offline, StoreError

KEPT = 120
"""Cards kept per session."""
DAYS = 365.0
"""How long a card is kept after it changed last."""
IDLE = 600.0
"""Seconds after which a session nobody looks at leaves memory."""


class Notes(Protocol):
    """Where cards are kept: the Desk's notes. Each of these may raise `StoreError`."""

    async def keep(self, key: str, value: str, *, days: float = 0.0) -> None:
        """Write a note, for ever or for so many days; it is on disk when this returns."""
        ...

    async def kept(self, key: str) -> str | None:
        """Read a note; None when there is none."""
        ...

    async def drop(self, key: str) -> bool:
        """Remove a note."""
        ...


class Stream:
    """One open page of a session: what has changed since it was last told."""

    def __init__(self) -> None:
        self.changes: dict[str, Card | None] = {}
        self.bell = asyncio.Event()

    def note(self, key: str, card: Card | None) -> None:
        """A card is new, changed or gone (None); only its latest form counts."""
        self.changes.pop(key, None)
        self.changes[key] = card
        self.bell.set()

    def take(self) -> list[tuple[str, Card | None]]:
        """What to tell now."""
        self.bell.clear()
        changes, self.changes = self.changes, {}
        return list(changes.items())


@dataclass(slots=True)
class _Session:
    cards: dict[str, Card]
    """In the order they are shown."""
    used: float
    unsaved: set[str] = field(default_factory=set)
    """Progress cards whose last change is not on disk."""
    streams: set[Stream] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Feed:
    """All sessions."""

    def __init__(self, notes: Notes, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._notes = notes
        self._clock = clock
        self._sessions: dict[str, _Session] = {}

    @property
    def in_memory(self) -> int:
        """How many sessions are."""
        return len(self._sessions)

    async def show(self, session: str, card: Card) -> None:
        """Show a card, or change the one with its key. Raises `Offline` when it cannot be kept."""
        shown = await self._open(session)
        async with shown.lock:
            key = card["key"]
            if key in shown.cards and card["progress"] >= 0:
                shown.unsaved.add(key)
            else:
                await self._keep(session, shown, card)
            shown.cards[key] = card
            _tell(shown, key, card)
            for old in list(shown.cards)[:-KEPT]:
                await self._forget(session, shown, old)

    async def add(self, session: str, card: Card) -> None:
        """Show a card unless one with its key is shown already."""
        if card["key"] not in (await self._open(session)).cards:
            await self.show(session, card)

    async def change(self, session: str, card: Card) -> None:
        """Change a card that is shown. Raises `MessageGone`."""
        if card["key"] not in (await self._open(session)).cards:
            raise MessageGone
        await self.show(session, card)

    async def remove(self, session: str, key: str) -> None:
        """Take a card away; one that is not there is fine."""
        shown = await self._open(session)
        async with shown.lock:
            if key in shown.cards:
                await self._forget(session, shown, key)

    async def cards(self, session: str) -> list[Card]:
        """All cards, oldest first."""
        return list((await self._open(session)).cards.values())

    @contextmanager
    def watch(self, session: str) -> Iterator[Stream]:
        """Follow the changes of a session that `cards` was asked for."""
        stream, shown = Stream(), self._sessions[session]
        shown.streams.add(stream)
        try:
            yield stream
        finally:
            shown.streams.discard(stream)
            shown.used = self._clock()

    def wake(self) -> None:
        """Ring every stream's bell, so that it looks whether it is to end."""
        for shown in self._sessions.values():
            for stream in shown.streams:
                stream.bell.set()

    async def rest(self, idle: float = IDLE) -> None:
        """Write what is unsaved of sessions nobody looked at for `idle` seconds; forget those."""
        for session, shown in list(self._sessions.items()):
            since = shown.used
            if shown.streams or self._clock() - since < idle:
                continue
            async with shown.lock:
                await self._save(session, shown)
            if not shown.streams and shown.used == since:
                self._sessions.pop(session, None)

    async def save(self) -> None:
        """Write everything unsaved."""
        for session, shown in list(self._sessions.items()):
            async with shown.lock:
                await self._save(session, shown)

    # -- on disk: one note per card, and one that lists them -------------------------------------

    async def _open(self, session: str) -> _Session:
        if session not in self._sessions:
            loaded = await self._load(session)
            # Another request may have read it meanwhile: there is one of each session.
            self._sessions.setdefault(session, _Session(loaded, self._clock()))
        shown = self._sessions[session]
        shown.used = self._clock()
        return shown

    async def _load(self, session: str) -> dict[str, Card]:
        try:
            listed = await self._notes.kept(_index(session))
            found = {}
            for key in json.loads(listed) if listed else ():
                if note := await self._notes.kept(_note(session, key)):
                    found[key] = json.loads(note)
        except StoreError as error:
            raise Offline from error
        return found

    async def _keep(self, session: str, shown: _Session, card: Card) -> None:
        key = card["key"]
        try:
            await self._notes.keep(
                _note(session, key), json.dumps(card, ensure_ascii=False), days=DAYS
            )
            if key not in shown.cards:
                await self._notes.keep(_index(session), json.dumps([*shown.cards, key]), days=DAYS)
        except StoreError as error:
            raise Offline from error
        shown.unsaved.discard(key)

    async def _forget(self, session: str, shown: _Session, key: str) -> None:
        left = [one for one in shown.cards if one != key]
        try:
            await self._notes.keep(_index(session), json.dumps(left), days=DAYS)
            await self._notes.drop(_note(session, key))
        except StoreError as error:
            raise Offline from error
        shown.cards.pop(key, None)
        shown.unsaved.discard(key)
        _tell(shown, key, None)

    async def _save(self, session: str, shown: _Session) -> None:
        for key in list(shown.unsaved):
            await self._keep(session, shown, shown.cards[key])


def _tell(shown: _Session, key: str, card: Card | None) -> None:
    for stream in shown.streams:
        stream.note(key, card)


def _index(session: str) -> str:
    return f"web:log:{session}"


def _note(session: str, key: str) -> str:
    return f"web:card:{session}:{key}"
