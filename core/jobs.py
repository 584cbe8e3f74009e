"""The job record, its states and its legal moves. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.messages import Form, Media, Place, Ref, Style
from core.providers.base import Remote, Request, Ticket


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    """Accepted and held for; nothing sent to the gateway."""
    SUBMITTING = "submitting"
    """Committed before the submit goes out: from here on it is never sent again."""
    RUNNING = "running"
    """The gateway has it; its upstream id is stored."""
    WAITING = "waiting"
    """The gateway waits for the person's answer."""
    FETCHING = "fetching"
    """Finished at the gateway and settled; the files are still to be archived."""
    READY = "ready"
    """The result is archived; it is still to be shown."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNSURE = "unsure"
    """The submit's answer was lost: it may or may not run and cost."""


LIVE = frozenset(
    {State.QUEUED, State.SUBMITTING, State.RUNNING, State.WAITING, State.FETCHING, State.READY}
)
"""States the engine still has work in."""

MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SUBMITTING, State.CANCELLED, State.FAILED}),
    State.SUBMITTING: frozenset(
        {
            State.QUEUED,
            State.RUNNING,
            State.WAITING,
            State.FETCHING,
            State.READY,
            State.FAILED,
            State.UNSURE,
        }
    ),
    State.RUNNING: frozenset(
        {
            State.QUEUED,
            State.WAITING,
            State.FETCHING,
            State.READY,
            State.FAILED,
            State.CANCELLED,
        }
    ),
    State.WAITING: frozenset({State.QUEUED, State.RUNNING, State.CANCELLED, State.FAILED}),
    State.FETCHING: frozenset({State.READY, State.FAILED}),
    State.READY: frozenset({State.DONE}),
    State.DONE: frozenset(),
    State.FAILED: frozenset({State.RUNNING, State.FETCHING}),
    State.CANCELLED: frozenset({State.RUNNING}),
    State.UNSURE: frozenset({State.FAILED}),
}


class IllegalMoveError(AssertionError):
    """A job was moved along no arrow of `MOVES`: a bug."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing a person asked for. Times are Unix seconds, money is micro-USD."""

    id: str
    """Short and public: people type it after /show."""
    owner: str
    """`Caller.key` of the requester."""
    owner_name: str
    place: Place
    lang: str
    command: str
    request: Request
    price: int
    """What is held for it, micro-USD."""
    created_at: float
    state: State = State.QUEUED
    wake_at: float = 0.0
    """When the engine looks at it next."""
    event_key: str | None = None
    """The platform event it came from: one event makes one job."""
    once_key: str | None = None
    """`parent job:action key` of a costly follow-up, so that a second press finds the first one's
    job. Cleared when the job fails.
    """
    parent: str = ""
    """Id of the job this one continues or repeats."""
    step: Request | None = None
    """What is submitted next when that is not `request` itself: another route, or the second half
    of a two-step submit.
    """
    title: str = ""
    """What was pressed or asked, for people: `U2`, `Zoom Out 2x`; empty for a plain command."""
    ticket: Ticket | None = None
    percent: int = -1
    preview: str = ""
    submitted_at: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0
    tries: int = 0
    """Failed attempts at the present step in a row."""
    looks: int = 0
    cancel: bool = False
    """The person asked to stop it."""
    note: str = ""
    """A catalogue text for people about the present state or the failure."""
    note_values: dict[str, str] = field(default_factory=dict)
    remotes: tuple[Remote | Media, ...] = ()
    """The result's files before they are all archived: where they are, or what the answer itself
    brought.
    """
    media: tuple[Media, ...] = ()
    text: str = ""
    """Text of the result: plain, or CommonMark where `markdown` says so."""
    markdown: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    """What else is known of the result: tokens used, ids to continue from."""
    final_prompt: str = ""
    asked: bool = False
    """The window a waiting job needs has been shown."""
    answered: bool = False
    """The window was answered and the answer accepted: a look that still shows it is only late."""
    origin: Ref | None = None
    """The message the result replies to."""
    status: Ref | None = None
    """The progress message."""
    result: Ref | None = None
    """The result message."""
    lease: str = ""
    """Owner token of the worker that holds it, empty when free."""
    lease_until: float = 0.0

    @property
    def shown(self) -> bool:
        """The person has the result; what was there before it may still be being cleared away."""
        return self.state is State.DONE or (self.state is State.READY and self.result is not None)

    def check_move(self, state: State) -> None:
        """Raise `IllegalMoveError` unless the job may go to `state` (staying is always allowed)."""
        if state is not self.state and state not in MOVES[self.state]:
            raise IllegalMoveError(f"job {self.id}: {self.state} -> {state}")


def charged(job: Job) -> bool:
    """Tell whether the gateway has taken money for a job: from the moment it has a number there.

    A window may cost nothing to open. Its answer is then what the job's own offer pays for, and
    until that is accepted nothing was taken.
    """
    opened = job.step is not None and not job.answered and job.step.offer == job.request.offer
    return job.ticket is not None and not opened


class Verb(StrEnum):
    """What pressing a button means."""

    CONTINUE = "continue"
    """Make the action's request a new job, once."""
    AGAIN = "again"
    """Make the job's own request a new job, after saying what the first cost."""
    LEAVE = "leave"
    """Close an unsure job as it is."""
    CANCEL = "cancel"
    SHOW = "show"
    """Post the job again with its current buttons."""
    ORIGINAL = "original"
    """Send the job's files untouched."""
    RESUME = "resume"
    """Look again for a job that was given up or stopped while its money is spent."""
    FILL = "fill"
    """Open or take the form a waiting job needs."""
    COMMAND = "command"
    """Run a command with stored values."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a button means: one row, known by its token."""

    token: str
    """14 random characters; what a platform's button carries."""
    verb: Verb
    owner: str
    """`Caller.key` of the person who may press it, or empty for anyone at their own cost."""
    job: str
    """The job it belongs to, or empty."""
    key: str
    """Unique within the job."""
    label: str = ""
    emoji: str = ""
    style: Style = "plain"
    row: int = 0
    request: Request | None = None
    """What CONTINUE and FILL ask for."""
    form: Form | None = None
    """Asked before it acts."""
    values: dict[str, str] = field(default_factory=dict)
    """Stored values of COMMAND (and `command` itself); the `url` of a CONTINUE that only links; the
    `job` of a SHOW that shows another one than its own."""
    created_at: float = 0.0


class Entry(StrEnum):
    """A kind of ledger entry. One HOLD and at most one of the others per job."""

    HOLD = "hold"
    SETTLE = "settle"
    REFUND = "refund"
