"""What every step of a job shares: committing it, putting the next try off, ending a job.

A step is one method of `Submitting`, `Watching` or `Finishing`; each ends in one commit. Knows no
chat platform and does not decide when a step is due: that is the engine's.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from core import ledger
from core.errors import BadInput, BotError, GatewayError, StoreError, UserError
from core.i18n import mark
from core.jobs import LIVE, Action, Job, State, Verb, charged
from core.meters import JOBS
from core.outbox import Outbox
from core.pace import Pace
from core.providers.base import Offer, Provider, Request
from core.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")

BUSY = frozenset({State.SUBMITTING, State.RUNNING, State.WAITING})
"""States in which a job takes one of the places at the gateway."""
LAST_TRY = 15.0
"""Seconds before the end of a lease after which nothing new is begun under it."""


class Busy:
    """How many jobs are at the gateway, in all and by owner."""

    def __init__(self) -> None:
        """None are."""
        self.total = 0
        self._owners: dict[str, int] = {}

    def of(self, owner: str) -> int:
        """How many of one person."""
        return self._owners.get(owner, 0)

    def take(self, owner: str) -> None:
        """One more."""
        self.total += 1
        self._owners[owner] = self.of(owner) + 1

    def free(self, owner: str) -> None:
        """One less."""
        self.total -= 1
        left = self.of(owner) - 1
        if left > 0:
            self._owners[owner] = left
        else:
            self._owners.pop(owner, None)


@dataclass(slots=True, kw_only=True)
class Floor:
    """The parts steps work with, and the commits they end in."""

    store: Store
    outbox: Outbox
    pace: Pace
    providers: Mapping[str, Provider]
    """By family."""
    offers: Mapping[str, Offer]
    """By key."""
    clock: Callable[[], float]
    """Unix seconds."""
    scale: float
    """Multiplies every pause."""
    patience: float
    """Seconds a job keeps trying to reach a gateway that is away or busy."""
    launch: Callable[[Coroutine[None, None, None]], None]
    """Runs a side step in the background of the engine."""
    busy: Busy = field(default_factory=Busy)

    async def save(
        self,
        before: Job,
        after: Job,
        lines: Sequence[ledger.LedgerLine] = (),
        actions: Sequence[Action] = (),
    ) -> bool:
        """Commit a step and free the job; False when another worker has it now."""
        after = replace(after, lease="", lease_until=0.0)
        kept = await self.store.save(before, after, ledger=lines, actions=actions)
        if not kept:
            log.warning("another worker took over", extra={"job": before.id})
            return False
        if before.state in BUSY and after.state not in BUSY:
            self.busy.free(before.owner)
        if after.state is not before.state:
            log.info("%s -> %s", before.state, after.state, extra={"job": after.id})
            JOBS.moved(after)
        if after.state in LIVE:
            self.outbox.progress(after.place, after.id)
        return True

    def later(self, job: Job, error: BotError, floor: float, top: float) -> Job:
        """The job with its next try put off, longer after each failure in a row."""
        asked = getattr(error, "retry_after", None) or 0.0
        scale = self.scale
        pause = max(min(floor * 2.0**job.tries, top), asked) * scale
        return replace(
            job,
            tries=job.tries + 1,
            wake_at=self.clock() + pause,
            note=error.text,
            note_values={k: str(v) for k, v in error.values.items()},
        )

    def failed(self, job: Job, error: BotError, state: State = State.FAILED) -> Job:
        """The job at its end, with its reason; the person is told in the next step."""
        return replace(
            job,
            state=state,
            wake_at=self.clock(),
            tries=0,
            once_key=None if state is State.FAILED else job.once_key,
            finished_at=self.clock(),
            note=error.text,
            note_values={k: str(v) for k, v in error.values.items()},
        )

    async def save_news(self, before: Job, after: Job, actions: Sequence[Action] = ()) -> bool:
        """Commit what was paid for and cannot be asked for again: the upstream id.

        A store that does not take it (a full disk) is tried for as long as the lease lasts.
        """
        task = after.ticket.id if after.ticket else "?"
        return await self.surely(before, lambda: self.save(before, after, (), actions), task)

    async def surely(self, job: Job, write: Callable[[], Awaitable[T]], task: str = "") -> T:
        """Write what cannot be had again: again and again while the store or the archive does not
        take it, for as long as the job's lease lasts. `task` is the upstream id, for the log.
        """
        pause = 0.5
        while True:
            try:
                return await write()
            except StoreError:
                log.error("not stored yet, task %s", task or "?", extra={"job": job.id})
                if self.clock() + pause > job.lease_until - LAST_TRY:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10.0)

    async def refuse(
        self, job: Job, error: UserError | GatewayError, *, paid: bool = False
    ) -> None:
        """The gateway, or the provider before it, said no: money goes back unless it, or a first
        half of the job, was `paid` for.
        """
        after = self.failed(job, error)
        spent = paid or charged(job)
        lines = ledger.settle(job, "failed") if spent else ledger.refund(job, "refused")
        await self.save(job, after, lines, self.ending(after, paid=spent))

    async def doubt(self, job: Job, error: GatewayError) -> None:
        """The submit's answer is lost: say so, keep the hold, never send it again."""
        log.warning("unsure: %s", error.detail or error, extra={"job": job.id})
        after = replace(self.failed(job, error, State.UNSURE), note="", note_values={})
        await self.save(job, after, (), self.ending(after, paid=True))

    async def cancel(self, job: Job) -> None:
        """The person asked to stop: free before the gateway has it, paid for afterwards."""
        now = self.clock()
        after = replace(job, state=State.CANCELLED, wake_at=now, finished_at=now, once_key=None)
        paid = charged(job)
        lines = ledger.settle(job, "cancelled") if paid else ledger.refund(job, "cancelled")
        await self.save(job, after, lines, self.ending(after, paid=paid))

    def provider(self, request: Request) -> Provider:
        """The provider of a request's family. Raises `BadInput` where it is sold no more."""
        offer = self.offers.get(request.offer)
        if offer is None:
            raise BadInput(mark("This is not offered here."))
        return self.providers[offer.family]

    def offer(self, job: Job) -> Offer:
        """What a job asks for at present; the usual where the owner has taken it out since."""
        request = job.step or job.request
        family = job.ticket.family if job.ticket else ""
        known = self.offers.get(request.offer)
        return known or Offer(request.offer, family, request.kind, request.offer, 0.0)

    def price(self, job: Job, tokens: tuple[int, int] | None) -> int:
        """What a job cost, micro-USD: what the answer tells that it took, else what was held."""
        used = self.offer(job).used(tokens)
        return job.price if used is None else ledger.metered(used)

    def action(self, job: Job, verb: Verb, key: str, label: str, emoji: str = "") -> Action:
        """A new action of a job's, for its owner."""
        return Action(
            token=secrets.token_urlsafe(10),
            verb=verb,
            owner=job.owner,
            job=job.id,
            key=key,
            label=label,
            emoji=emoji,
            created_at=self.clock(),
        )

    def ending(self, job: Job, *, paid: bool) -> list[Action]:
        """The buttons under a job that ended without a result."""
        again = self.action(job, Verb.AGAIN, "again", mark("Run again"), "🔁")
        actions = [again]
        if job.state is State.UNSURE:
            actions.append(self.action(job, Verb.LEAVE, "leave", mark("Leave it")))
        if job.state is not State.UNSURE and paid and (job.ticket is not None or job.remotes):
            actions.append(self.action(job, Verb.RESUME, "resume", mark("Look again"), "🔎"))
        return actions
