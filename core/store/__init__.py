"""What must survive a restart: events, jobs, buttons, money, notes. One set of SQL for SQLite and PostgreSQL.

Every method is one transaction. Writes that wait at the same moment share one commit.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import (
    and_,
    delete,
    event,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as lite_insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import StoreError
from core.jobs import LIVE, Action, Entry, Job, State
from core.messages import Ref
from core.store.schema import actions, events, jobs, ledger, metadata, notes, people

T = TypeVar("T")
Op = Callable[[AsyncConnection], Awaitable[Any]]

_JOB: TypeAdapter[Job] = TypeAdapter(Job)
_REF: TypeAdapter[Ref] = TypeAdapter(Ref)
_ACTION: TypeAdapter[Action] = TypeAdapter(Action)

BUSY = (State.SUBMITTING, State.RUNNING, State.WAITING)
ENGINE_COLUMNS = (
    "state",
    "wake_at",
    "once_key",
    "submitted_at",
    "finished_at",
    "lease",
    "lease_until",
    "body",
)
BATCH = 200
"""Most writes in one commit."""


class Store:
    """The database. Raises `StoreError` when it does not take a write or cannot be read."""

    def __init__(
        self, engine: AsyncEngine, lock: IO[str] | None, clock: Callable[[], float]
    ) -> None:
        """Use `Store.open`."""
        self._engine = engine
        self._lock = lock
        self._clock = clock
        self._lite = engine.dialect.name == "sqlite"
        self._queue: list[tuple[Op, asyncio.Future[Any], bool]] = []
        self._writing = asyncio.Lock()

    # -- opening -------------------------------------------------------------------------------

    @classmethod
    async def open(cls, url: str, *, clock: Callable[[], float] = time.time) -> Store:
        """Open the database, making its tables; one process alone may use a SQLite file."""
        made = make_url(url)
        lock: IO[str] | None = None
        if made.get_backend_name() == "sqlite":
            lock = _take_lock(made.database)
            made = made.set(drivername="sqlite+aiosqlite")
        else:
            made = made.set(drivername="postgresql+asyncpg")
        engine = create_async_engine(made)
        if made.get_backend_name() == "sqlite":
            event.listen(engine.sync_engine, "connect", _pragmas)
            event.listen(engine.sync_engine, "begin", _begin)
        store = cls(engine, lock, clock)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(metadata.create_all)
                if lock is not None:
                    await connection.execute(update(jobs).values(lease="", lease_until=0.0))
        except (SQLAlchemyError, OSError) as error:
            await store.close()
            raise StoreError(f"The store cannot be opened: {error}") from error
        return store

    @property
    def about(self) -> str:
        """The database and its version, such as `SQLite 3.45.1`."""
        dialect = self._engine.dialect
        version = ".".join(str(part) for part in dialect.server_version_info or ())
        return f"{'SQLite' if self._lite else 'PostgreSQL'} {version}"

    async def close(self) -> None:
        """Finish what is under way and let go of the file."""
        async with self._writing:
            await self._engine.dispose()
        if self._lock is not None:
            self._lock.close()

    # -- transactions --------------------------------------------------------------------------

    async def _write(
        self, op: Callable[[AsyncConnection], Awaitable[T]], *, durable: bool = True
    ) -> T:
        """Run `op` in the next commit, together with everything else that waits by then."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((op, done, durable))
        async with self._writing:
            if not done.done():
                batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
                await asyncio.shield(self._commit(batch))
        while not done.done():
            async with self._writing:
                if not done.done():
                    batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
                    await asyncio.shield(self._commit(batch))
        return done.result()

    async def _commit(self, batch: Sequence[tuple[Op, asyncio.Future[Any], bool]]) -> None:
        """Commit a batch; when it fails, each alone, so that only the culprit hears of it."""
        durable = any(d for _, _, d in batch)
        try:
            results = await self._transact([op for op, _, _ in batch], durable)
        except (SQLAlchemyError, OSError) as error:
            if len(batch) == 1:
                _fail(batch[0][1], error)
                return
            for one in batch:
                await self._commit([one])
            return
        for (_, done, _), result in zip(batch, results, strict=True):
            if not done.done():
                done.set_result(result)

    async def _transact(self, ops: Sequence[Op], durable: bool) -> list[Any]:
        async with self._engine.connect() as connection:
            if self._lite:
                level = "FULL" if durable else "NORMAL"
                raw = await connection.get_raw_connection()
                driver: Any = raw.driver_connection
                await driver.execute(f"PRAGMA synchronous={level}")
            async with connection.begin():
                return [await op(connection) for op in ops]

    async def _read(self, op: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        try:
            async with self._engine.connect() as connection:
                return await op(connection)
        except (SQLAlchemyError, OSError) as error:
            raise StoreError from error

    def _insert(self, table: Any) -> Any:
        return lite_insert(table) if self._lite else pg_insert(table)

    # -- inbox ---------------------------------------------------------------------------------

    async def take_in(
        self, platform: str, found: Sequence[tuple[str, str]]
    ) -> list[tuple[str, str]]:
        """Commit events; returns those never seen before."""
        now = self._clock()

        async def op(c: AsyncConnection) -> list[tuple[str, str]]:
            new = []
            for key, body in found:
                row = self._insert(events).values(key=key, platform=platform, body=body, at=now)
                got = await c.execute(row.on_conflict_do_nothing().returning(events.c.key))
                if got.first():
                    new.append((key, body))
            return new

        return await self._write(op)

    async def pending(self, platform: str) -> list[tuple[str, str]]:
        """Events taken in and not finished, oldest first."""
        query = (
            select(events.c.key, events.c.body)
            .where(events.c.platform == platform, events.c.done_at.is_(None))
            .order_by(events.c.at)
        )

        async def op(c: AsyncConnection) -> list[tuple[str, str]]:
            return [(row.key, row.body) for row in await c.execute(query)]

        return await self._read(op)

    async def finish(self, key: str) -> None:
        """Close an event."""

        async def op(c: AsyncConnection) -> None:
            await c.execute(self._finished(key))

        await self._write(op, durable=False)

    def _finished(self, key: str) -> Any:
        return update(events).where(events.c.key == key).values(done_at=self._clock(), body="")

    async def forget(self, before: float) -> int:
        """Remove closed events older than `before`."""

        async def op(c: AsyncConnection) -> int:
            gone = await c.execute(delete(events).where(events.c.done_at < before))
            return int(gone.rowcount)

        return await self._write(op, durable=False)

    # -- jobs ----------------------------------------------------------------------------------

    async def add_job(
        self, job: Job, buttons: Sequence[Action] = (), *, finish: str | None = None
    ) -> Job:
        """Commit a job with its hold and close its event, or return the job that is there already."""

        async def op(c: AsyncConnection) -> Job:
            row = self._insert(jobs).values(**_row(job)).on_conflict_do_nothing()
            made = (await c.execute(row.returning(jobs.c.id))).first()
            if finish is not None:
                await c.execute(self._finished(finish))
            if made is None:
                return await self._existing(c, job)
            await self._book(c, job, ((Entry.HOLD, job.price, "held"),))
            await self._buttons(c, buttons)
            return job

        return await self._write(op)

    async def _existing(self, c: AsyncConnection, job: Job) -> Job:
        same = [jobs.c.event_key == job.event_key] if job.event_key else []
        same += [jobs.c.once_key == job.once_key] if job.once_key else []
        found = (await c.execute(select(jobs).where(or_(*same)).limit(1))).first() if same else None
        if found is None:
            raise StoreError
        return _job(found)

    async def _book(
        self, c: AsyncConnection, job: Job, lines: Sequence[tuple[Entry, int, str]]
    ) -> None:
        for entry, amount, note in lines:
            slot = "hold" if entry is Entry.HOLD else "close"
            row = self._insert(ledger).values(
                job=job.id,
                slot=slot,
                entry=entry,
                owner=job.owner,
                amount=amount,
                note=note,
                at=self._clock(),
            )
            await c.execute(row.on_conflict_do_nothing())

    async def _buttons(self, c: AsyncConnection, made: Sequence[Action]) -> None:
        for number, action in enumerate(made):
            row = self._insert(actions).values(
                token=action.token,
                job=action.job,
                key=action.key,
                position=number,
                body=_ACTION.dump_json(action).decode(),
            )
            await c.execute(row.on_conflict_do_nothing())

    async def claim(
        self, worker: str, *, now: float, until: float, limit: int, ahead: float = 0.0
    ) -> list[Job]:
        """Lease due jobs that are not queued; running ones a little early when one is due anyway."""
        free = or_(jobs.c.lease == "", jobs.c.lease_until <= now)
        ours = and_(
            jobs.c.wake_at > 0, free, or_(jobs.c.state != State.QUEUED, jobs.c.cancel.is_(True))
        )
        due = and_(ours, jobs.c.wake_at <= now)
        soon = and_(ours, jobs.c.state == State.RUNNING, jobs.c.wake_at <= now + ahead)

        async def op(c: AsyncConnection) -> list[Job]:
            ids = await self._ids(c, due, limit)
            if not ids:
                return []
            if ahead:
                running = select(jobs.c.id).where(jobs.c.id.in_(ids), jobs.c.state == State.RUNNING)
                if (await c.execute(running.limit(1))).first():
                    ids += [i for i in await self._ids(c, soon, limit) if i not in set(ids)]
            taken = (
                update(jobs)
                .where(jobs.c.id.in_(ids[:limit]))
                .values(lease=worker, lease_until=until)
                .returning(jobs)
            )
            rows = (await c.execute(taken)).all()
            return sorted((_job(r) for r in rows), key=lambda j: j.wake_at)

        if await self._read(lambda c: self._any(c, due)):
            return await self._write(op, durable=False)
        return []

    async def _any(self, c: AsyncConnection, where: Any) -> bool:
        return (await c.execute(select(jobs.c.id).where(where).limit(1))).first() is not None

    async def _ids(self, c: AsyncConnection, where: Any, limit: int) -> list[str]:
        query = select(jobs.c.id).where(where).order_by(jobs.c.wake_at).limit(limit)
        if not self._lite:
            query = query.with_for_update(skip_locked=True)
        return [row.id for row in await c.execute(query)]

    def _fair(self, now: float, per_person: int) -> Any:
        """Queued jobs in the order they start: by how many of the same person come before."""
        busy = (
            select(jobs.c.owner, func.count().label("n"))
            .where(jobs.c.wake_at > 0, jobs.c.state.in_(BUSY))
            .group_by(jobs.c.owner)
            .subquery()
        )
        rank = (
            func.row_number().over(partition_by=jobs.c.owner, order_by=jobs.c.created_at)
            + func.coalesce(busy.c.n, 0)
        ).label("rank")
        queued = (
            select(jobs.c.id, jobs.c.created_at, rank)
            .select_from(jobs.outerjoin(busy, busy.c.owner == jobs.c.owner))
            .where(jobs.c.wake_at > 0, jobs.c.state == State.QUEUED, jobs.c.cancel.is_(False))
            .where(jobs.c.wake_at <= now)
            .subquery()
        )
        query = select(queued.c.id).order_by(queued.c.rank, queued.c.created_at)
        return query.where(queued.c.rank <= per_person) if per_person else query

    async def claim_queued(
        self, worker: str, *, now: float, until: float, slots: int, per_person: int
    ) -> list[Job]:
        """Move the next queued jobs to SUBMITTING, fairly over people."""
        query = self._fair(now, per_person).limit(slots)

        async def op(c: AsyncConnection) -> list[Job]:
            ids = [row.id for row in await c.execute(query)]
            moved = []
            for job_id in ids:
                found = (await c.execute(select(jobs).where(jobs.c.id == job_id))).first()
                if found is None or found.state != State.QUEUED or found.lease_until > now:
                    continue
                job = replace(_job(found), state=State.SUBMITTING, lease=worker, lease_until=until)
                values = {k: v for k, v in _row(job).items() if k in ENGINE_COLUMNS}
                await c.execute(update(jobs).where(jobs.c.id == job_id).values(**values))
                moved.append(job)
            return moved

        if not await self.any_queued():
            return []
        return await self._write(op)

    async def any_queued(self) -> bool:
        """Tell whether a job waits for its turn."""
        where = and_(jobs.c.wake_at > 0, jobs.c.state == State.QUEUED)
        return await self._read(lambda c: self._any(c, where))

    async def save(
        self,
        before: Job,
        after: Job,
        *,
        ledger: Sequence[tuple[Entry, int, str]] = (),
        actions: Sequence[Action] = (),
        durable: bool = True,
    ) -> bool:
        """Commit a step; False when the job is not the worker's any more."""
        before.check_move(after.state)
        change = self._change(before, after)

        async def op(c: AsyncConnection) -> bool:
            if (await c.execute(change)).rowcount != 1:
                return False
            await self._book(c, after, ledger)
            await self._buttons(c, actions)
            return True

        return await self._write(op, durable=durable)

    def _change(self, before: Job, after: Job) -> Any:
        values = {k: v for k, v in _row(after).items() if k in ENGINE_COLUMNS}
        guard = (
            jobs.c.id == before.id,
            jobs.c.lease == before.lease,
            jobs.c.state == before.state,
        )
        return update(jobs).where(*guard).values(**values)

    async def save_many(self, changes: Sequence[tuple[Job, Job]]) -> list[bool]:
        """Commit the progress of many jobs at once."""
        if not changes:
            return []

        async def op(c: AsyncConnection) -> list[bool]:
            return [(await c.execute(self._change(b, a))).rowcount == 1 for b, a in changes]

        return await self._write(op, durable=False)

    async def extend(self, worker: str, until: float) -> None:
        """Keep this worker's leases."""
        change = update(jobs).where(jobs.c.wake_at > 0, jobs.c.lease == worker)

        async def op(c: AsyncConnection) -> None:
            await c.execute(change.values(lease_until=until))

        await self._write(op, durable=False)

    async def request_cancel(self, job_id: str, now: float) -> Job | None:
        """Mark a job as to be stopped; returns it as it then is."""
        wanted = (*BUSY, State.QUEUED)
        change = (
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.state.in_(wanted))
            .values(cancel=True, wake_at=now)
            .returning(jobs)
        )

        async def op(c: AsyncConnection) -> Job | None:
            found = (await c.execute(change)).first()
            return _job(found) if found else None

        return await self._write(op)

    async def _set(self, job_id: str, **values: Any) -> None:
        async def op(c: AsyncConnection) -> None:
            await c.execute(update(jobs).where(jobs.c.id == job_id).values(**values))

        await self._write(op)

    async def set_status(self, job_id: str, ref: Ref | None) -> None:
        """Remember where the progress message is."""
        await self._set(job_id, status=_REF.dump_json(ref).decode() if ref else None)

    async def set_result(self, job_id: str, ref: Ref | None) -> None:
        """Remember where the result, or the notice of the end, is."""
        await self._set(job_id, result=_REF.dump_json(ref).decode() if ref else None)

    async def revive(self, job_id: str) -> None:
        """Forget that a job was stopped and that its end was shown: it goes on."""
        await self._set(job_id, cancel=False, result=None)

    async def set_asked(self, job_id: str) -> None:
        """Remember that the question was shown."""
        await self._set(job_id, asked=True)

    async def _jobs(self, query: Any) -> list[Job]:
        async def op(c: AsyncConnection) -> list[Job]:
            return [_job(row) for row in await c.execute(query)]

        return await self._read(op)

    async def job(self, job_id: str) -> Job | None:
        """One job."""
        found = await self._jobs(select(jobs).where(jobs.c.id == job_id))
        return found[0] if found else None

    async def jobs_of(
        self, owner: str, *, states: Collection[State] | None = None, limit: int = 20
    ) -> list[Job]:
        """A person's jobs, newest first."""
        query = select(jobs).where(jobs.c.owner == owner)
        if states is not None:
            query = query.where(jobs.c.state.in_(list(states)))
        return await self._jobs(query.order_by(jobs.c.created_at.desc()).limit(limit))

    async def live(self) -> list[Job]:
        """All live jobs."""
        query = select(jobs).where(jobs.c.wake_at > 0, jobs.c.state.in_(list(LIVE)))
        return await self._jobs(query.order_by(jobs.c.created_at))

    async def child(self, once_key: str) -> Job | None:
        """The job a costly button started."""
        found = await self._jobs(select(jobs).where(jobs.c.once_key == once_key))
        return found[0] if found else None

    async def children(self, parent: str) -> dict[str, str]:
        """Action keys of a job that were pressed, and the jobs they started."""
        query = select(jobs.c.once_key, jobs.c.id).where(
            jobs.c.once_key.startswith(f"{parent}:", autoescape=True)
        )

        async def op(c: AsyncConnection) -> dict[str, str]:
            return {row.once_key[len(parent) + 1 :]: row.id for row in await c.execute(query)}

        return await self._read(op)

    async def next_wake(self, *, queued: bool = True) -> float | None:
        """The least due time of a job with a free lease."""
        where = [jobs.c.wake_at > 0, jobs.c.lease == ""]
        if not queued:
            where.append(jobs.c.state != State.QUEUED)

        async def op(c: AsyncConnection) -> float | None:
            found = await c.execute(select(func.min(jobs.c.wake_at)).where(*where))
            return found.scalar()

        return await self._read(op)

    async def queue_place(self, job_id: str, per_person: int) -> tuple[int, int]:
        """(how many start before it, all queued)."""
        del per_person
        query = self._fair(9e12, 0)

        async def op(c: AsyncConnection) -> tuple[int, int]:
            ids = [row.id for row in await c.execute(query)]
            return (ids.index(job_id) if job_id in ids else 0), len(ids)

        return await self._read(op)

    async def durations(self, offer: str, limit: int = 200) -> list[float]:
        """Seconds from submit to finish of the newest finished jobs of an offer."""
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

        async def op(c: AsyncConnection) -> list[float]:
            return [float(row[0]) for row in await c.execute(query)]

        return await self._read(op)

    async def counts(self) -> dict[State, int]:
        """Jobs per state."""
        query = select(jobs.c.state, func.count()).group_by(jobs.c.state)

        async def op(c: AsyncConnection) -> dict[State, int]:
            return {State(row[0]): int(row[1]) for row in await c.execute(query)}

        return await self._read(op)

    # -- buttons -------------------------------------------------------------------------------

    async def add_actions(self, made: Sequence[Action]) -> list[Action]:
        """Keep actions; one that is there already keeps its token."""

        async def op(c: AsyncConnection) -> list[Action]:
            await self._buttons(c, made)
            kept = []
            for action in made:
                same = and_(actions.c.job == action.job, actions.c.key == action.key)
                token = (await c.execute(select(actions.c.token).where(same))).scalar_one()
                kept.append(replace(action, token=token))
            return kept

        return await self._write(op)

    async def action(self, token: str) -> Action | None:
        """What a button means."""
        query = select(actions.c.body).where(actions.c.token == token)

        async def op(c: AsyncConnection) -> Action | None:
            found = (await c.execute(query)).scalar()
            return _ACTION.validate_json(found) if found else None

        return await self._read(op)

    async def actions_of(self, job_id: str) -> list[Action]:
        """A job's actions in their order."""
        query = select(actions.c.body).where(actions.c.job == job_id).order_by(actions.c.position)

        async def op(c: AsyncConnection) -> list[Action]:
            return [_ACTION.validate_json(row.body) for row in await c.execute(query)]

        return await self._read(op)

    # -- people, notes, money ------------------------------------------------------------------

    async def person(self, key: str) -> dict[str, str]:
        """A person's settings."""

        async def op(c: AsyncConnection) -> dict[str, str]:
            found = await c.execute(select(people.c.settings).where(people.c.key == key))
            return json.loads(found.scalar() or "{}")

        return await self._read(op)

    async def set_person(self, key: str, values: Mapping[str, str]) -> None:
        """Merge settings; an empty string removes one."""

        async def op(c: AsyncConnection) -> None:
            found = await c.execute(select(people.c.settings).where(people.c.key == key))
            merged = {**json.loads(found.scalar() or "{}"), **values}
            kept = json.dumps({k: v for k, v in merged.items() if v})
            row = self._insert(people).values(key=key, settings=kept)
            await c.execute(
                row.on_conflict_do_update(index_elements=["key"], set_={"settings": kept})
            )

        await self._write(op)

    async def keep(self, key: str, value: str) -> None:
        """Keep a note."""
        now = self._clock()

        async def op(c: AsyncConnection) -> None:
            row = self._insert(notes).values(key=key, value=value, at=now)
            change = {"value": value, "at": now}
            await c.execute(row.on_conflict_do_update(index_elements=["key"], set_=change))

        await self._write(op)

    async def kept(self, key: str) -> str | None:
        """Read a note."""

        async def op(c: AsyncConnection) -> str | None:
            return (await c.execute(select(notes.c.value).where(notes.c.key == key))).scalar()

        return await self._read(op)

    async def drop(self, key: str) -> bool:
        """Remove a note; True for the one caller who did."""

        async def op(c: AsyncConnection) -> bool:
            return bool((await c.execute(delete(notes).where(notes.c.key == key))).rowcount)

        return await self._write(op)

    async def ledger(self, job_id: str) -> list[tuple[Entry, int, str, float]]:
        """A job's entries, the hold first."""
        query = select(ledger).where(ledger.c.job == job_id).order_by(ledger.c.slot.desc())

        async def op(c: AsyncConnection) -> list[tuple[Entry, int, str, float]]:
            return [(Entry(r.entry), r.amount, r.note, r.at) for r in await c.execute(query)]

        return await self._read(op)


# -- rows and values ---------------------------------------------------------------------------

_OWN = {"cancel", "asked", "status", "result", "lease", "lease_until"}


def _row(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "owner": job.owner,
        "place_key": job.place.key,
        "state": job.state,
        "wake_at": job.wake_at,
        "created_at": job.created_at,
        "event_key": job.event_key,
        "once_key": job.once_key,
        "parent": job.parent,
        "offer": job.request.offer,
        "submitted_at": job.submitted_at,
        "finished_at": job.finished_at,
        "cancel": job.cancel,
        "asked": job.asked,
        "status": _REF.dump_json(job.status).decode() if job.status else None,
        "result": _REF.dump_json(job.result).decode() if job.result else None,
        "lease": job.lease,
        "lease_until": job.lease_until,
        "body": _JOB.dump_json(job, exclude=_OWN).decode(),
    }


def _job(row: Any) -> Job:
    return replace(
        _JOB.validate_json(row.body),
        state=State(row.state),
        wake_at=row.wake_at,
        once_key=row.once_key,
        cancel=bool(row.cancel),
        asked=bool(row.asked),
        status=_REF.validate_json(row.status) if row.status else None,
        result=_REF.validate_json(row.result) if row.result else None,
        lease=row.lease,
        lease_until=row.lease_until,
    )


def _fail(done: asyncio.Future[Any], error: Exception) -> None:
    if not done.done():
        problem = error if isinstance(error, StoreError) else StoreError()
        problem.__cause__ = None if problem is error else error
        done.set_exception(problem)


def _take_lock(database: str | None) -> IO[str] | None:
    """Lock the file's neighbour for this process, or say who is in the way."""
    if not database or database == ":memory:":
        return None
    path = Path(f"{database}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise StoreError(
            "Another Atelier is running with {path}. Stop it first.", path=database
        ) from None
    return handle


def _pragmas(connection: Any, record: object) -> None:
    del record
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "busy_timeout=10000", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")
