"""Buttons, people's settings, and small notes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, and_, bindparam, delete, select

from core.jobs import Action
from core.store import rows
from core.store.base import Part
from core.store.schema import actions, events, notes, people
from core.store.statements import add_new, insert
from core.store.writer import Writer


class Buttons(Part):
    """What buttons mean."""

    async def add_actions(self, made: Sequence[Action]) -> list[Action]:
        """Keep actions; one whose (job, key) is there already keeps its token."""

        def op(c: Connection) -> list[Action]:
            rows.add_buttons(c, made)
            return [replace(action, token=_token(c, action)) for action in made]

        return await self._write(op)

    async def action(self, token: str) -> Action | None:
        """What a button means."""
        found = await self._scalar(_ACTION, {"token": token})
        return rows.ACTION.validate_json(found) if found else None

    async def actions_of(self, job_id: str) -> list[Action]:
        """A job's actions in their order."""
        return await self._read(lambda c: rows.actions_of(c, job_id))


def _token(c: Connection, action: Action) -> str:
    same = and_(actions.c.job == action.job, actions.c.key == action.key)
    return str(c.execute(select(actions.c.token).where(same)).scalar_one())


KNOWN = 5000
"""People whose settings are kept at hand, where nobody else changes them."""


class People(Part):
    """Settings and notes; and clearing away what nobody needs."""

    def __init__(self, writer: Writer, clock: Callable[[], float]) -> None:
        """See `Part`."""
        super().__init__(writer, clock)
        self._settings: dict[str, dict[str, str]] = {}
        self._all = False
        """Whether who is not at hand has no settings."""
        self._changes = 0

    async def meet(self) -> None:
        """Have everybody's settings at hand, where they are few and nobody else changes them."""
        if not self._writer.lite:
            return
        query = select(people.c.key, people.c.settings).limit(KNOWN + 1)

        def op(c: Connection) -> dict[str, dict[str, str]]:
            return {row.key: _parsed(row.settings) for row in c.execute(query)}

        found = await self._read(op)
        if len(found) <= KNOWN:
            self._settings, self._all = found, True

    async def person(self, key: str) -> dict[str, str]:
        """A person's settings."""
        if self._all or key in self._settings:
            return dict(self._settings.get(key, {}))
        changes = self._changes
        found: str | None = await self._scalar(_SETTINGS, {"person": key})
        if changes == self._changes:
            self._know(key, _parsed(found))
        return _parsed(found)

    def _know(self, key: str, settings: dict[str, str]) -> None:
        if not self._writer.lite:
            return
        if not self._all and len(self._settings) >= KNOWN:
            self._settings.clear()
        self._settings[key] = settings

    async def set_person(self, key: str, values: Mapping[str, str]) -> None:
        """Merge settings; an empty string removes one."""

        def op(c: Connection) -> dict[str, str]:
            add_new(c, people, [{"key": key, "settings": "{}"}])
            found = c.execute(_SETTINGS.with_for_update(), {"person": key}).scalar()
            kept = {k: v for k, v in {**_parsed(found), **values}.items() if v}
            same = people.update().where(people.c.key == key)
            c.execute(same.values(settings=json.dumps(kept)))
            return kept

        kept = await self._write(op)
        self._changes += 1
        self._know(key, kept)

    async def keep(self, key: str, value: str, *, days: float = 0.0) -> None:
        """Keep a note, for ever or for so many days."""
        now = self._clock()
        change = {"value": value, "at": now, "until": now + days * 86400 if days else 0.0}

        def op(c: Connection) -> None:
            row = insert(c, notes).values(key=key, **change)
            c.execute(row.on_conflict_do_update(index_elements=["key"], set_=change))

        await self._write(op)

    async def kept(self, key: str) -> str | None:
        """Read a note."""
        found: str | None = await self._scalar(_NOTE, {"note": key})
        return found

    async def drop(self, key: str) -> bool:
        """Remove a note; True for the one caller who did."""
        return bool(await self._change(delete(notes).where(notes.c.key == key)))

    async def tidy(self, closed_before: float) -> int:
        """Remove events closed before a time, and notes whose time is over; returns how many."""
        old = await self._change(delete(events).where(events.c.done_at < closed_before))
        over = and_(notes.c.until > 0, notes.c.until < self._clock())
        return old + await self._change(delete(notes).where(over))


_ACTION = select(actions.c.body).where(actions.c.token == bindparam("token"))
_NOTE = select(notes.c.value).where(notes.c.key == bindparam("note"))
_SETTINGS = select(people.c.settings).where(people.c.key == bindparam("person"))


def _parsed(settings: str | None) -> dict[str, str]:
    found: dict[str, str] = json.loads(settings or "{}")
    return found
