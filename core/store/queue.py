"""Who works on which job: leases, due times, and the order in which queued jobs start.

Several processes may do this on one PostgreSQL: a job is claimed by one of them at a time, and a
dead one's jobs are free when their lease is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    text,
    update,
)

from core.jobs import Job, State
from core.store.base import Part
from core.store.jobs import BUSY
from core.store.postgres import FALLEN
from core.store.rows import job_of
from core.store.schema import jobs
from core.store.statements import first, found

MANY = 500
"""Most ids in one statement."""
TURNSTILE = 2025_0001
"""PostgreSQL's advisory lock under which queued jobs are claimed, one process at a time: only so
are the bounds per person exact.
"""


class Queue(Part):
    """Leases and turns."""

    async def claim(
        self, worker: str, *, now: float, until: float, limit: int, ahead: float = 0.0
    ) -> list[Job]:
        """Lease due jobs that are not queued, the longest due first.

        Running ones are taken up to `ahead` seconds early when a running one is due anyway, so that
        one look serves many.
        """
        times = {"now": now, "soon": now + ahead, "most": limit}

        def op(c: Connection) -> list[Job]:
            due = self._locked(c, _DUE, times)
            if ahead and any(state == State.RUNNING for state in due.values()):
                due |= self._locked(c, _SOON, times)
            return _lease(c, list(due)[:limit], lease=worker, lease_until=until)

        return await self._write(op, durable=False)

    async def claim_queued(
        self, worker: str, *, now: float, until: float, slots: int, per_person: int
    ) -> list[Job]:
        """Move the next queued jobs to SUBMITTING, fairly over people; durable, for a submit
        follows.
        """
        ranked = _ranked(jobs.c.wake_at <= now)
        query = select(ranked.c.id).order_by(ranked.c.rank, ranked.c.created_at).limit(slots)
        if per_person:
            query = query.where(ranked.c.rank <= per_person)

        def op(c: Connection) -> list[Job]:
            if not self._writer.lite:
                c.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": TURNSTILE})
            ids = list(c.execute(query).scalars())
            free = or_(jobs.c.lease == "", jobs.c.lease_until <= now)
            still = and_(jobs.c.state == State.QUEUED, jobs.c.cancel.is_(False), free)
            return _lease(c, ids, still, state=State.SUBMITTING, lease=worker, lease_until=until)

        return await self._write(op)

    async def extend(self, worker: str, until: float, ids: Sequence[str]) -> None:
        """Keep this worker's leases of these jobs."""
        for at in range(0, len(ids), MANY):
            some = jobs.c.id.in_(ids[at : at + MANY])
            held = update(jobs).where(some, jobs.c.lease == worker)
            await self._change(held.values(lease_until=until), durable=False)

    async def take_over(self, worker: str) -> int:
        """Free the jobs of workers whose process is gone, before their leases are over; returns how
        many.

        Not those being submitted: the answer may still reach a worker that has merely lost its
        database.
        """

        def op(c: Connection) -> int:
            held = and_(jobs.c.wake_at > 0, jobs.c.lease != "", jobs.c.state != State.SUBMITTING)
            others = select(jobs.c.lease).distinct().where(held, jobs.c.lease != worker)
            gone = [w for w in c.execute(others).scalars() if c.scalar(FALLEN, {"worker": w})]
            free = update(jobs).where(held, jobs.c.lease.in_(gone))
            return c.execute(free.values(lease="", lease_until=0.0)).rowcount if gone else 0

        return 0 if self._writer.lite else await self._write(op)

    async def outlook(self, now: float) -> tuple[float | None, bool]:
        """When the next job is due: at its time, or when the lease it is under is over; and whether
        any is queued.

        Queued jobs whose time has come are not due: they wait for a place, not for a time.
        """

        def op(c: Connection) -> tuple[float | None, bool]:
            rows = [first(c, query, {"now": now}) for query in (_FIRST_FREE, _FIRST_HELD)]
            times = [row[0] for row in rows if row is not None and row[0] is not None]
            return min(times, default=None), first(c, _ANY_QUEUED, {}) is not None

        return await self._read(op)

    async def queue_place(self, job_id: str) -> tuple[int, int]:
        """(how many start before it, all queued)."""
        ranked = _ranked()
        mine = select(ranked.c.rank, ranked.c.created_at).where(ranked.c.id == job_id).subquery()
        before = or_(
            ranked.c.rank < mine.c.rank,
            and_(ranked.c.rank == mine.c.rank, ranked.c.created_at < mine.c.created_at),
        )
        query: Select[Any] = select(
            func.count(ranked.c.id), func.coalesce(func.sum(case((before, 1), else_=0)), 0)
        ).select_from(ranked.outerjoin(mine, before))

        def op(c: Connection) -> tuple[int, int]:
            every, ahead = c.execute(query).one()
            return int(ahead), int(every)

        return await self._read(op)

    def _locked(self, c: Connection, query: Select[Any], times: dict[str, float]) -> dict[str, str]:
        """Ids and states of jobs that no other process is claiming."""
        if not self._writer.lite:
            query = query.with_for_update(skip_locked=True)
        return {row.id: row.state for row in found(c, query, times)}


_NOW = bindparam("now", type_=Float)
_FREE = and_(jobs.c.wake_at > 0, or_(jobs.c.lease == "", jobs.c.lease_until <= _NOW))
"""The engine has something to do with it, and no worker is doing it."""
_MOST = bindparam("most", type_=Integer)
_DUE = (
    select(jobs.c.id, jobs.c.state)
    .where(_FREE, or_(jobs.c.state != State.QUEUED, jobs.c.cancel.is_(True)))
    .where(jobs.c.wake_at <= _NOW)
    .order_by(jobs.c.wake_at)
    .limit(_MOST)
)
_SOON = (
    select(jobs.c.id, jobs.c.state)
    .where(_FREE, jobs.c.state == State.RUNNING)
    .where(jobs.c.wake_at <= bindparam("soon", type_=Float))
    .order_by(jobs.c.wake_at)
    .limit(_MOST)
)
_ANY_QUEUED = select(jobs.c.id).where(jobs.c.wake_at > 0, jobs.c.state == State.QUEUED).limit(1)
_TIMED = or_(jobs.c.state != State.QUEUED, jobs.c.cancel.is_(True), jobs.c.wake_at > _NOW)
_FIRST_FREE = (
    select(jobs.c.wake_at)
    .where(jobs.c.wake_at > 0, jobs.c.lease == "", _TIMED)
    .order_by(jobs.c.wake_at)
    .limit(1)
)
_FIRST_HELD = select(
    func.min(case((jobs.c.lease_until > jobs.c.wake_at, jobs.c.lease_until), else_=jobs.c.wake_at))
).where(jobs.c.lease != "", _TIMED)
"""Asked many times a second, so made once: making a statement is dearer than running it."""


def _lease(c: Connection, ids: list[str], *still: ColumnElement[bool], **values: Any) -> list[Job]:
    """Change these jobs as far as they are `still` so; returns them in the order of `ids`."""
    if not ids:
        return []
    change = update(jobs).where(jobs.c.id.in_(ids), *still).values(**values).returning(jobs)
    found = [job_of(row) for row in c.execute(change)]
    return sorted(found, key=lambda job: ids.index(job.id))


def _ranked(*also: ColumnElement[bool]) -> Subquery:
    """Queued jobs with their rank: how many of the same person are at the gateway or come before,
    and itself. The least rank starts first, then the oldest.
    """
    busy = (
        select(jobs.c.owner, func.count().label("n"))
        .where(jobs.c.wake_at > 0, jobs.c.state.in_(BUSY))
        .group_by(jobs.c.owner)
        .subquery()
    )
    turn = func.row_number().over(
        partition_by=jobs.c.owner, order_by=(jobs.c.created_at, jobs.c.id)
    )
    return (
        select(jobs.c.id, jobs.c.created_at, (turn + func.coalesce(busy.c.n, 0)).label("rank"))
        .select_from(jobs.outerjoin(busy, busy.c.owner == jobs.c.owner))
        .where(jobs.c.wake_at > 0, jobs.c.state == State.QUEUED, jobs.c.cancel.is_(False), *also)
        .subquery()
    )
