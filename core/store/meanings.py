"""What results mean: a vector for each, by the model that gave it, and who may find which result.

A person finds what is theirs, and what anybody made where the people of a chat could see it.
Vectors are a copy of what a model said: they may be lost, and are then asked for again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Subquery,
    and_,
    delete,
    or_,
    select,
    union,
)

from core.jobs import Job, State
from core.store import rows
from core.store.base import Part
from core.store.schema import SHARED, jobs, meanings
from core.store.statements import add_new

REACH = 1000
"""Results, newest first, that are looked through: so many of one's own, and of the chats'."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search looks through."""

    owner: str
    """`Caller.key` of who searches."""
    shared: Collection[str]
    """`Place.shared` of the chats beside; none for nothing but one's own."""
    model: str
    """Whose vectors."""
    without: Collection[str] = ()
    """Offers whose results are none that anybody looks for."""


class Meanings(Part):
    """Vectors, and what they belong to."""

    async def unread(self, scope: Scope, most: int) -> tuple[list[Job], int, int]:
        """Results without a vector, at most so many, one's own and the newest first; how many of
        those there are in all, and how many results with and without.
        """
        found = _within(scope)
        mine = (found.c.owner == scope.owner).desc()
        query = (
            select(found.c.id, meanings.c.job.is_not(None).label("read"))
            .outerjoin(meanings, _of(found, scope))
            .order_by(mine, found.c.created_at.desc())
        )

        def op(c: Connection) -> tuple[list[Job], int, int]:
            every = c.execute(query).all()
            bare = [row.id for row in every if not row.read]
            return _jobs(c, bare[:most]), len(bare), len(every)

        return await self._read(op)

    async def keep_meanings(self, model: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors by their jobs' ids; those that have one keep it."""
        if not vectors:
            return
        made = [{"job": job, "model": model, "vector": v} for job, v in vectors.items()]

        await self._write(lambda c: add_new(c, meanings, made))

    async def forget_meanings(self, model: str, ids: Collection[str]) -> None:
        """Drop the vectors of these jobs, which cannot be compared with: they are read anew."""
        if ids:
            of = meanings.c.job.in_(list(ids))
            await self._change(delete(meanings).where(of, meanings.c.model == model))

    async def meanings(self, scope: Scope) -> list[tuple[str, bytes]]:
        """The vectors of what a search looks through, with their jobs' ids, the newest first."""
        found = _within(scope)
        query = (
            select(found.c.id, meanings.c.vector)
            .join(meanings, _of(found, scope))
            .order_by(found.c.created_at.desc())
        )

        def op(c: Connection) -> list[tuple[str, bytes]]:
            return [(row.id, bytes(row.vector)) for row in c.execute(query)]

        return await self._read(op)

    async def jobs_by_id(self, ids: Sequence[str]) -> list[Job]:
        """The jobs of these ids that there are, in this order."""
        return await self._read(lambda c: _jobs(c, ids))


def _jobs(c: Connection, ids: Sequence[str]) -> list[Job]:
    query = select(jobs).where(jobs.c.id.in_(ids))
    found = {row.id: rows.job_of(row) for row in c.execute(query)}
    return [found[one] for one in ids if one in found]


def _within(scope: Scope) -> Subquery:
    """Ids, owners and times of the results that a search looks through."""
    ways = [_newest(jobs.c.owner == scope.owner, scope)]
    if scope.shared:
        ways.append(_newest(and_(jobs.c.shared.in_(list(scope.shared)), SHARED), scope))
    return union(*ways).subquery()


def _newest(whose: ColumnElement[bool], scope: Scope) -> Any:
    """The newest results that are shown or about to be closed.

    The state is compared as an expression, so that no index of states, in which nearly every job is
    done, is taken for the one of whose they are.
    """
    state = jobs.c.state.concat("")
    shown = or_(state == State.DONE, and_(state == State.READY, jobs.c.result.is_not(None)))
    found = (
        select(jobs.c.id, jobs.c.owner, jobs.c.created_at)
        .where(whose, shown, jobs.c.offer.not_in(list(scope.without)))
        .order_by(jobs.c.created_at.desc())
        .limit(REACH)
        .subquery()
    )
    return select(found)


def _of(found: Subquery, scope: Scope) -> ColumnElement[bool]:
    """Which is a result's vector."""
    return and_(meanings.c.job == found.c.id, meanings.c.model == scope.model)
