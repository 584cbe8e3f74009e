"""The step that spends: a submit goes out once, and what came of it is committed.

Money rules: a job is committed as SUBMITTING before its submit goes out and its upstream id on its
own before the first look; a submit goes out again only when it is certain that the last one cost
nothing; a lost answer makes the job UNSURE.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import assert_never

from core import ledger
from core.delivery import Delivery
from core.errors import Garbled, GatewayError, Spent, Unreachable, UserError
from core.gateway import Gateway, Leave
from core.jobs import Job, State
from core.providers.base import Provider, Request, Result, Ticket, Waiting
from core.steps.finish import Finishing
from core.steps.floor import LAST_TRY, Floor
from core.turnstile import Turnstile
from core.wire import Answer, Call

log = logging.getLogger(__name__)

LATE = 0.2
"""Seconds a connection waits for a job to be stored; one that waits longer may die while a submit
is written to it.
"""


class _Late(Unreachable):
    """The store takes its time; nothing was said, and may be on a connection of its own."""


class Submitting:
    """Sends submits."""

    def __init__(
        self, floor: Floor, gateway: Gateway, delivery: Delivery, finishing: Finishing
    ) -> None:
        """Take what all steps share, the gateway, the growing answers' way out, what follows."""
        self._floor = floor
        self._gateway = gateway
        self._delivery = delivery
        self._finishing = finishing
        self._growing: dict[str, asyncio.Timeout] = {}
        """Answers that come in pieces just now, by job id: what ends them."""
        self._submits = asyncio.Semaphore(256)
        self._turnstile = Turnstile()
        """Many answers may end together, and each is taken apart then."""

    async def submit(self, job: Job, stored: asyncio.Future[bool] | None = None) -> None:
        """Send the submit, once, and commit what came of it.

        `stored` is of a new job whose first commit is on its way, and will tell whether that took
        it: the gateway is called meanwhile, and nothing is said to it before.
        """
        request = job.step or job.request
        try:
            provider = self._floor.provider(request)
            call = provider.call(request)
        except (UserError, GatewayError) as error:
            if await _is_there(stored):
                await self._floor.refuse(job, error)
            return
        async with self._submits:
            started = self._floor.clock()
            outcome = await self._outcome(job, provider, request, call, stored)
        if not await _is_there(stored):
            return
        match outcome:
            case _Late():
                await self._afresh(job)
            case UserError() | GatewayError():
                await self._not_accepted(job, provider, request, outcome)
            case _:
                await self._accepted(job, outcome, started)

    async def _afresh(self, job: Job) -> None:
        """Submit a job that was not before it was stored; where that took so long that somebody
        else may soon take it for dead, in its turn.
        """
        now = self._floor.clock()
        if now < job.lease_until - LAST_TRY:
            await self.submit(job)
        else:
            await self._floor.save(job, replace(job, state=State.QUEUED, wake_at=now))

    async def _outcome(
        self,
        job: Job,
        provider: Provider,
        request: Request,
        call: Call,
        stored: asyncio.Future[bool] | None,
    ) -> Ticket | Waiting | Result | UserError | GatewayError:
        """What comes of the call."""
        leave = partial(_leave, stored) if stored is not None else None
        try:
            answer = await self._answer(job, provider, request, call, leave)
            return provider.accept(request, answer)
        except (UserError, GatewayError) as error:
            return error
        except Exception as error:
            log.exception("an answer could not be read", extra={"job": job.id})
            return Garbled(detail=repr(error))

    async def _answer(
        self, job: Job, provider: Provider, request: Request, call: Call, leave: Leave | None
    ) -> Answer:
        """Make the call; an answer that comes in pieces is shown as it grows."""
        if not call.stream:
            return await self._gateway.send(call, leave=leave)
        stream = provider.stream(request)

        def take(data: bytes) -> bool:
            stream.add(data)
            self._delivery.said(job, stream)
            return True

        try:
            async with asyncio.timeout(None) as growing:
                self._growing[job.id] = growing
                answer = await self._gateway.stream(call, take, leave=leave)
        except TimeoutError:
            if not growing.expired():
                raise
            return Answer(200, stream.whole(cut=False, stopped=True))
        finally:
            self._growing.pop(job.id, None)
        await self._turnstile.wait()
        if isinstance(answer.body, bool):
            return replace(answer, body=stream.whole(cut=not answer.body))
        return answer

    def stop(self, job_id: str) -> None:
        """End an answer that is still growing; what there is of it is the result."""
        if growing := self._growing.pop(job_id, None):
            growing.reschedule(asyncio.get_running_loop().time())

    async def _accepted(self, job: Job, outcome: Ticket | Waiting | Result, started: float) -> None:
        now = self._floor.clock()
        held = replace(job, submitted_at=now, tries=0, note="", note_values={}, step=None)
        if job.step is not None and job.ticket is not None:
            more = ledger.answer_price(job, self._floor.offers)
            words = job.step.prompt or job.final_prompt
            held = replace(held, answered=True, price=job.price + more, final_prompt=words)
        match outcome:
            case Ticket():
                wake = now + self._floor.pace.first_look(self._floor.offer(job))
                await self._floor.save_news(
                    job, replace(held, state=State.RUNNING, ticket=outcome, wake_at=wake)
                )
            case Waiting():
                await self._finishing.wait(job, replace(held, ticket=outcome.ticket), outcome)
            case Result():
                await self._finishing.finish(job, replace(held, submitted_at=started), outcome)
            case _:
                assert_never(outcome)

    async def _not_accepted(
        self, job: Job, provider: Provider, request: Request, error: UserError | GatewayError
    ) -> None:
        """Decide what a refused or lost submit means; it goes out again only if it certainly cost
        nothing.
        """
        log.info("submit: %s", getattr(error, "detail", error), extra={"job": job.id})
        if not isinstance(error, GatewayError):
            await self._floor.refuse(job, error)
            return
        if error.spent is Spent.UNKNOWN:
            await self._floor.doubt(job, error)
            return
        if error.spent is Spent.YES:
            cost = self._floor.price(job, error.tokens)
            await self._floor.refuse(replace(job, price=cost), error, paid=True)
            return
        other = provider.instead(request, error)
        if other is not None:
            await self._floor.save(
                job, replace(job, state=State.QUEUED, step=other, wake_at=self._floor.clock())
            )
            return
        patient = self._floor.clock() - job.created_at < self._floor.patience
        if error.again and patient and (error.tries is None or job.tries < error.tries):
            await self._floor.save(
                job, replace(self._floor.later(job, error, 4.0, 120.0), state=State.QUEUED)
            )
            return
        await self._floor.refuse(job, error)


async def _is_there(stored: asyncio.Future[bool] | None) -> bool:
    """Whether a job is in the store, once that is known."""
    return stored is None or await asyncio.shield(stored)


async def _leave(stored: asyncio.Future[bool]) -> None:
    """Hold a submit until its job is stored; that of one that is not never leaves."""
    await asyncio.wait([stored], timeout=LATE)
    if not stored.done():
        raise _Late(spent=Spent.NO, detail="the store is slow")
    if not stored.result():
        raise Unreachable(spent=Spent.NO, detail="not stored")
