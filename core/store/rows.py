"""Rows and values: how a job, its money and its buttons are written down. No transactions here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, select, update

from core.jobs import Action, Entry, Job, State
from core.messages import Place, Ref
from core.store.schema import actions, events, ledger
from core.store.statements import add_new, changed, found

JOB: TypeAdapter[Job] = TypeAdapter(Job)
REF: TypeAdapter[Ref] = TypeAdapter(Ref)
ACTION: TypeAdapter[Action] = TypeAdapter(Action)

OWN = {"cancel", "asked", "status", "result", "lease", "lease_until"}
"""Fields that live in their columns only."""

Line = tuple[Entry, int, str]
"""A ledger line: kind, micro-USD, note."""


def ref_text(ref: Ref | None) -> str | None:
    """A Ref as its column holds it."""
    return REF.dump_json(ref).decode() if ref else None


def job_row(job: Job) -> dict[str, Any]:
    """A job as a row."""
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
        "status": ref_text(job.status),
        "result": ref_text(job.result),
        "lease": job.lease,
        "lease_until": job.lease_until,
        "body": JOB.dump_json(job, exclude=OWN).decode(),
        "shared": job.place.shared or None,
    }


def job_of(row: Any) -> Job:
    """A row as a job; where a column and the body differ, the column is the newer one."""
    job = JOB.validate_json(row.body)
    return replace(
        job,
        place=job.place if row.wake_at else _moved(job.place, row.shared),
        state=State(row.state),
        wake_at=row.wake_at,
        once_key=row.once_key,
        cancel=bool(row.cancel),
        asked=bool(row.asked),
        status=REF.validate_json(row.status) if row.status else None,
        result=REF.validate_json(row.result) if row.result else None,
        lease=row.lease,
        lease_until=row.lease_until,
    )


def _moved(place: Place, shared: str | None) -> Place:
    """The place of a job that is over, also where its chat has another id by now."""
    if not shared or not place.shared or shared == place.shared:
        return place
    return replace(place, chat=shared.removeprefix(f"{place.platform}:"))


_CLOSE = (
    update(events)
    .where(events.c.key == bindparam("event"), events.c.done_at.is_(None))
    .values(done_at=bindparam("now"), body="")
)


def close_event(c: Connection, key: str, at: float) -> bool:
    """Close an event; what it said is not needed any more. False when it is not there open."""
    return changed(c, _CLOSE, {"event": key, "now": at}) == 1


def book(c: Connection, job: Job, lines: Sequence[Line], at: float) -> None:
    """Write ledger lines; a job's second hold or second closing entry changes nothing."""
    rows = [
        {
            "job": job.id,
            "slot": "hold" if entry is Entry.HOLD else "close",
            "entry": entry,
            "owner": job.owner,
            "amount": amount,
            "note": note,
            "at": at,
        }
        for entry, amount, note in lines
    ]
    add_new(c, ledger, rows)


def add_buttons(c: Connection, made: Sequence[Action]) -> None:
    """Write actions in their order; one whose (job, key) is there already keeps its token."""
    rows = [
        {
            "token": action.token,
            "job": action.job,
            "key": action.key,
            "position": number,
            "body": ACTION.dump_json(action).decode(),
        }
        for number, action in enumerate(made)
    ]
    add_new(c, actions, rows)


_ACTIONS = (
    select(actions.c.body).where(actions.c.job == bindparam("key")).order_by(actions.c.position)
)


def actions_of(c: Connection, job_id: str) -> list[Action]:
    """A job's actions in their order."""
    return [ACTION.validate_json(row.body) for row in found(c, _ACTIONS, {"key": job_id})]
