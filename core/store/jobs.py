"""Jobs as people and steps see them: made, looked up, moved on, stopped; and their money."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from core.errors import StoreError
from core.jobs import LIVE, Action, Entry, Job, State
from core.messages import Ref
from core.store import rows
from core.store.base import Part
from core.store.schema import jobs, ledger
from core.store.statements import changed, first, found, is_new

BUSY = (State.SUBMITTING, State.RUNNING, State.WAITING)
"""States in which a job takes a place at the gateway."""
STOPPABLE = (*BUSY, State.QUEUED)
"""States in which a wish to stop is still heard."""
STEP_COLUMNS = (
    "state",
    "wake_at",
    "once_key",
    "submitted_at",
    "finished_at",
    "lease",
    "lease_until",
    "body",
)
"""What a step writes; the other columns belong to what happens beside it."""


class Jobs(Part):
    """The jobs and the ledger."""

    async def add_job(
        self,
        job: Job,
        buttons: Sequence[Action] = (),
        *,
        finish: str | None = None,
        ahead: bool = False,
    ) -> Job | None:
        """Commit a job with its hold and its buttons and close the event `finish`; or return the
        job of the same event or the same costly button that is there already.

        With `ahead` the event may be in the same commit. None when it is not in the store then, or
        was closed before: nothing is made of it.
        """
        now, row = self._clock(), rows.job_row(job)

        def op(c: Connection) -> Job | None:
            if finish is not None and not rows.close_event(c, finish, now) and ahead:
                return None
            if not is_new(c, jobs, row):
                return _existing(c, job)
            rows.book(c, job, ((Entry.HOLD, job.price, "held"),), now)
            rows.add_buttons(c, buttons)
            return job

        return await self._write(op)

    async def save(
        self,
        before: Job,
        after: Job,
        *,
        ledger: Sequence[rows.Line] = (),
        actions: Sequence[Action] = (),
        durable: bool = True,
    ) -> bool:
        """Commit a step; False when the job is not the worker's any more, and nothing changed."""
        before.check_move(after.state)
        step, now = _step(before, after, self._clock()), self._clock()

        def op(c: Connection) -> bool:
            if changed(c, *step) != 1:
                return False
            rows.book(c, after, ledger, now)
            rows.add_buttons(c, actions)
            return True

        return await self._write(op, durable=durable)

    async def save_many(self, changes: Sequence[tuple[Job, Job]]) -> list[bool]:
        """Commit the progress of many jobs at once."""
        for before, after in changes:
            before.check_move(after.state)
        steps = [_step(before, after, self._clock()) for before, after in changes]

        def op(c: Connection) -> list[bool]:
            return [changed(c, *step) == 1 for step in steps]

        return await self._write(op, durable=False) if steps else []

    async def request_cancel(
        self, job_id: str, now: float, *, finish: str | None = None
    ) -> Job | None:
        """Mark a job as to be stopped and close the event `finish`; returns the job as it then is,
        None when it is too late and nothing changed.
        """
        change = (
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.state.in_(STOPPABLE))
            .values(cancel=True, wake_at=now)
            .returning(jobs)
        )

        def op(c: Connection) -> Job | None:
            found = c.execute(change).first()
            if found and finish is not None:
                rows.close_event(c, finish, now)
            return rows.job_of(found) if found else None

        return await self._write(op)

    # -- what happens beside the steps -----------------------------------------------------------

    async def _set(self, job_id: str, **values: Any) -> None:
        change = _set_columns(tuple(values))

        def op(c: Connection) -> None:
            changed(c, change, {"b_id": job_id, **values})

        await self._write(op)

    async def set_status(self, job_id: str, ref: Ref) -> Job | None:
        """Remember where the progress message is; returns the job as it then is."""
        values = {"b_id": job_id, "status": rows.ref_text(ref)}

        def op(c: Connection) -> Job | None:
            row = first(c, _SET_STATUS, values)
            return rows.job_of(row) if row else None

        return await self._write(op)

    async def drop_status(self, job_id: str) -> None:
        """Remember that there is no progress message any more."""
        await self._set(job_id, status=None)

    async def set_result(self, job_id: str, ref: Ref | None) -> None:
        """Remember where the result, or the notice of the end, is."""
        await self._set(job_id, result=rows.ref_text(ref))

    async def set_asked(self, job_id: str) -> None:
        """Remember that the question was shown."""
        await self._set(job_id, asked=True)

    async def move_chat(self, old: str, new: str) -> None:
        """What was made where `Place.shared` was `old` belongs to `new` from now on."""
        await self._change(update(jobs).where(jobs.c.shared == old).values(shared=new))

    async def revive(self, job_id: str) -> None:
        """Forget that a job was stopped and that its end was shown: it goes on."""
        await self._set(job_id, cancel=False, result=None)

    # -- looking up ------------------------------------------------------------------------------

    async def _jobs(self, query: Any) -> list[Job]:
        def op(c: Connection) -> list[Job]:
            return [rows.job_of(row) for row in c.execute(query)]

        return await self._read(op)

    async def job(self, job_id: str) -> Job | None:
        """One job."""

        def op(c: Connection) -> Job | None:
            row = first(c, _BY_ID, {"key": job_id})
            return rows.job_of(row) if row else None

        return await self._read(op)

    async def with_actions(self, job_id: str) -> tuple[Job, list[Action]] | None:
        """One job and its actions in their order."""

        def op(c: Connection) -> tuple[Job, list[Action]] | None:
            row = first(c, _BY_ID, {"key": job_id})
            return (rows.job_of(row), rows.actions_of(c, job_id)) if row else None

        return await self._read(op)

    async def child(self, once_key: str) -> Job | None:
        """The job a costly button started."""
        return next(iter(await self._jobs(select(jobs).where(jobs.c.once_key == once_key))), None)

    async def jobs_of(
        self, owner: str, *, states: Collection[State] | None = None, limit: int = 20
    ) -> list[Job]:
        """A person's jobs, newest first."""
        query = select(jobs).where(jobs.c.owner == owner)
        if states is not None:
            query = query.where(jobs.c.state.in_(list(states)))
        return await self._jobs(query.order_by(jobs.c.created_at.desc()).limit(limit))

    async def live(self) -> list[Job]:
        """All live jobs, oldest first."""
        query = select(jobs).where(jobs.c.wake_at > 0, jobs.c.state.in_(list(LIVE)))
        return await self._jobs(query.order_by(jobs.c.created_at))

    async def children(self, parent: str) -> dict[str, str]:
        """Action keys of a job that were pressed, and the jobs they started."""

        def op(c: Connection) -> dict[str, str]:
            keys = [
                (row.once_key.partition(":"), row.id)
                for row in found(c, _CHILDREN, {"key": parent})
            ]
            return {key: child for (head, _, key), child in keys if head == parent}

        return await self._read(op)

    async def durations(self, offer: str, limit: int = 200) -> list[float]:
        """Seconds from submit to finish of an offer's finished jobs, the newest first."""
        query = (
            select(jobs.c.finished_at - jobs.c.submitted_at)
            .where(
                jobs.c.offer == offer,
                jobs.c.state == State.DONE,
                jobs.c.submitted_at > 0,
                jobs.c.finished_at > 0,
            )
            .order_by(jobs.c.finished_at.desc())
            .limit(limit)
        )

        def op(c: Connection) -> list[float]:
            return [float(row[0]) for row in c.execute(query)]

        return await self._read(op)

    async def counts(self) -> dict[State, int]:
        """Jobs per state."""
        query = select(jobs.c.state, func.count()).group_by(jobs.c.state)

        def op(c: Connection) -> dict[State, int]:
            return {State(row[0]): int(row[1]) for row in c.execute(query)}

        return await self._read(op)

    async def booked(self, since: float) -> dict[Entry, int]:
        """Micro-USD by kind of entry, of all that was booked since a time."""
        query = (
            select(ledger.c.entry, func.sum(ledger.c.amount))
            .where(ledger.c.at >= since)
            .group_by(ledger.c.entry)
        )

        def op(c: Connection) -> dict[Entry, int]:
            return {Entry(row[0]): int(row[1]) for row in c.execute(query)}

        return await self._read(op)

    async def held(self) -> tuple[int, int]:
        """What is held and neither spent nor given back: (jobs, micro-USD)."""
        closing = ledger.alias()
        closed = exists().where(closing.c.job == ledger.c.job, closing.c.slot == "close")
        query = select(func.count(), func.sum(ledger.c.amount)).where(
            ledger.c.slot == "hold", ~closed
        )

        def op(c: Connection) -> tuple[int, int]:
            count, amount = c.execute(query).one()
            return int(count), int(amount or 0)

        return await self._read(op)

    async def unsure(self, limit: int) -> list[Job]:
        """Jobs of which nobody knows whether they were paid for, the latest first."""
        query = (
            select(jobs)
            .where(jobs.c.state == State.UNSURE)
            .order_by(jobs.c.created_at.desc())
            .limit(limit)
        )

        def op(c: Connection) -> list[Job]:
            return [rows.job_of(row) for row in c.execute(query)]

        return await self._read(op)

    async def ledger(self, job_id: str) -> list[tuple[Entry, int, str, float]]:
        """A job's entries, the hold first: (kind, micro-USD, note, Unix time)."""
        query = select(ledger).where(ledger.c.job == job_id).order_by(ledger.c.slot.desc())

        def op(c: Connection) -> list[tuple[Entry, int, str, float]]:
            return [(Entry(r.entry), r.amount, r.note, r.at) for r in c.execute(query)]

        return await self._read(op)


@functools.cache
def _set_columns(names: tuple[str, ...]) -> Update:
    """The update of these columns of one job; made once."""
    return (
        update(jobs).where(jobs.c.id == bindparam("b_id")).values({n: bindparam(n) for n in names})
    )


_BY_ID = select(jobs).where(jobs.c.id == bindparam("key"))
_CHILDREN = select(jobs.c.once_key, jobs.c.id).where(
    jobs.c.parent == bindparam("key"), jobs.c.once_key.is_not(None)
)
_SET_STATUS = _set_columns(("status",)).returning(jobs)
_GUARDED = update(jobs).where(
    jobs.c.id == bindparam("b_id"),
    jobs.c.lease == bindparam("b_lease"),
    jobs.c.state == bindparam("b_state"),
)
_STEP = _GUARDED.values({name: bindparam(f"a_{name}") for name in STEP_COLUMNS})
_HEEDING = _STEP.values(
    wake_at=case(
        (jobs.c.cancel.is_(True), bindparam("a_now", type_=Float)),
        else_=bindparam("a_wake_at", type_=Float),
    )
)
"""The same, where a wish to stop that came while the step was under way is looked at now."""


def _step(before: Job, after: Job, now: float) -> tuple[Update, dict[str, Any]]:
    """The update of a step, guarded by the lease and the state it began with; and its values."""
    row = rows.job_row(after)
    values = {f"a_{name}": row[name] for name in STEP_COLUMNS}
    values |= {"b_id": before.id, "b_lease": before.lease, "b_state": before.state}
    if after.state in STOPPABLE and not before.cancel:
        return _HEEDING, values | {"a_now": min(after.wake_at, now)}
    return _STEP, values


def _existing(c: Connection, job: Job) -> Job:
    """The job that was in the way of `job`: of the same event, else of the same costly button, else
    itself.
    """
    itself = and_(jobs.c.id == job.id, jobs.c.owner == job.owner)
    same: list[ColumnElement[bool]] = [and_(itself, jobs.c.created_at == job.created_at)]
    same += [jobs.c.once_key == job.once_key] if job.once_key else []
    same += [jobs.c.event_key == job.event_key] if job.event_key else []
    found = c.execute(select(jobs).where(or_(*same))).all()
    if not found:
        raise StoreError
    return rows.job_of(min(found, key=lambda row: row.event_key != job.event_key))
