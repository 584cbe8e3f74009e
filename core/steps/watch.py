"""The step that looks: running jobs are asked for, many in one request where the family can."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import assert_never

from core import ledger
from core.delivery import Delivery
from core.errors import BotError, Garbled, GatewayError, NotThere, Spent
from core.gateway import Gateway
from core.i18n import mark
from core.jobs import Job
from core.providers.base import Failed, Outcome, Progress, Result, Ticket, Waiting
from core.steps.finish import Finishing
from core.steps.floor import Floor
from core.wire import Answer

log = logging.getLogger(__name__)

ROUGH = 97
"""Percent at which an ended job stands whose better files are still awaited: each look adds one,
and after the last one what there is is taken.
"""


class Watching:
    """Looks at running jobs and commits what was seen."""

    def __init__(
        self, floor: Floor, gateway: Gateway, delivery: Delivery, finishing: Finishing
    ) -> None:
        """Take what all steps share, the gateway, the previews' way in, and what follows."""
        self._floor = floor
        self._gateway = gateway
        self._delivery = delivery
        self._finishing = finishing
        self._no_batch: set[str] = set()

    def batches(self, jobs: list[Job]) -> list[list[Job]]:
        """Group due jobs into what one look can ask for."""

        def route(job: Job) -> tuple[str, str]:
            return (job.ticket.family, job.ticket.mode) if job.ticket else ("", "")

        batches: list[list[Job]] = []
        for (family, _), group in groupby(sorted(jobs, key=route), key=route):
            size = 1 if family in self._no_batch else self._floor.providers[family].batch
            same = list(group)
            batches += [same[i : i + size] for i in range(0, len(same), size)]
        return batches

    async def watch(self, jobs: list[Job]) -> None:
        """Look at jobs of one family and commit what was seen.

        What a list leaves out, or a list that fails, is looked at one by one; where that fails too
        the gateway is away, and the others are spared.
        """
        left = jobs
        if len(jobs) > 1:
            try:
                left = await self._look_together(jobs)
            except NotThere:
                log.info("no lists at this gateway: jobs are looked at one by one")
                self._no_batch |= {job.ticket.family for job in jobs if job.ticket}
            except GatewayError as error:
                first, *others = jobs
                if not await self._look(first):
                    await self._note([(job, await self._blind(job, error)) for job in others])
                    return
                left = others
        for job in left:
            await self._look(job)

    async def _look_together(self, jobs: Sequence[Job]) -> list[Job]:
        """Look at many jobs with one request; returns those it says nothing about."""
        tickets = [job.ticket for job in jobs if job.ticket is not None]
        provider = self._floor.providers[tickets[0].family]
        answers = provider.read_many(await self._gateway.send(provider.look_many(tickets)))
        looks: list[tuple[Job, Job | None]] = []
        left: list[Job] = []
        for job in jobs:
            if job.ticket is not None and job.ticket.id in answers:
                looks.append((job, await self._judge(job, job.ticket, answers[job.ticket.id])))
            else:
                left.append(job)
        await self._note(looks)
        return left

    async def _look(self, job: Job) -> bool:
        """Look at one job; False when the gateway did not answer."""
        if job.ticket is None:
            await self._floor.doubt(job, Garbled())
            return True
        provider = self._floor.providers[job.ticket.family]
        try:
            answer = await self._gateway.send(provider.look(job.ticket))
        except GatewayError as error:
            await self._note([(job, await self._blind(job, error))])
            return False
        await self._note([(job, await self._judge(job, job.ticket, answer))])
        return True

    async def _note(self, looks: Sequence[tuple[Job, Job | None]]) -> None:
        """Commit progress of many jobs at once and mark their messages (None: nothing to do)."""
        seen = [(before, after) for before, after in looks if after is not None]
        await self._floor.store.save_many(seen)
        for before, after in seen:
            if (before.percent, before.started_at, before.note) != (
                after.percent,
                after.started_at,
                after.note,
            ):
                self._floor.outbox.progress(after.place, after.id)
            if after.preview and after.preview != before.preview:
                self._delivery.preview(self._floor.launch, after)

    async def _blind(self, job: Job, error: GatewayError) -> Job | None:
        """A look that failed: the job is untouched and the next look comes later, up to a point."""
        age = self._floor.clock() - job.submitted_at
        if age > max(self._floor.offer(job).deadline, self._floor.patience):
            await self._give_up(job)
            return None
        if job.tries == 0:
            log.warning("look failed: %s", error.detail or error, extra={"job": job.id})
        return replace(self._floor.later(job, error, 3.0, 60.0), lease="", lease_until=0.0)

    async def _judge(self, job: Job, ticket: Ticket, answer: Answer) -> Job | None:
        """Read one look. Progress is returned to be saved with others, anything else is committed
        here.
        """
        try:
            provider = self._floor.providers[ticket.family]
            outcome: Outcome = provider.read(ticket, job.request, answer)
        except NotThere as error:
            return await self._missing(job, error)
        except GatewayError as error:
            return await self._blind(job, error)
        except Exception as error:
            log.exception("a look could not be read", extra={"job": job.id})
            return await self._blind(job, Garbled(detail=repr(error)))
        match outcome:
            case Progress(rest=Result() as rest) if job.percent >= 99:
                await self._finishing.finish(job, job, rest)
            case Progress():
                return await self._progress(job, outcome)
            case Waiting() if job.answered:
                return await self._progress(job, Progress(started=False))
            case Waiting():
                await self._finishing.wait(job, job, outcome)
            case Result():
                await self._finishing.finish(job, job, outcome)
            case Failed():
                after = self._floor.failed(job, outcome.reason)
                paid = outcome.reason.spent is not Spent.NO
                log.info("failed: %s", outcome.reason.detail, extra={"job": job.id})
                lines = ledger.close(job, outcome.reason)
                await self._floor.save(job, after, lines, self._floor.ending(after, paid=paid))
            case _:
                assert_never(outcome)
        return None

    async def _progress(self, job: Job, seen: Progress) -> Job | None:
        now, offer = self._floor.clock(), self._floor.offer(job)
        if now - job.submitted_at > offer.deadline:
            if best := seen.rest or seen.part:
                await self._finishing.finish(job, job, best)
            else:
                await self._give_up(job)
            return None
        percent = job.percent if seen.percent is None else max(seen.percent, job.percent)
        if seen.rest is not None:
            percent = max(ROUGH, job.percent + 1)
        began = now if job.looks else job.submitted_at  # seen at work at the first look: all along
        started = job.started_at or (began if seen.started else 0.0)
        after = replace(
            job,
            percent=percent,
            started_at=started,
            preview=seen.preview or job.preview,
            looks=job.looks + 1,
            tries=0,
            note="",
            note_values={},
            lease="",
            lease_until=0.0,
        )
        return replace(after, wake_at=now + self._floor.pace.next_look(offer, after, now))

    async def _missing(self, job: Job, error: GatewayError) -> Job | None:
        """The gateway does not know the id: normal for a moment after the submit, not for long."""
        if job.tries < 8 or self._floor.clock() - job.submitted_at < 60.0 * self._floor.scale:
            return await self._blind(job, error)
        await self._give_up(job)
        return None

    async def _give_up(self, job: Job) -> None:
        """Its time is over: say so and keep its number; it can be looked for again."""
        text = mark(
            "The image service has not finished this in {n} min, so I stopped watching. "
            "It may still be working on it."
        )
        minutes = max(round((self._floor.clock() - job.submitted_at) / 60), 1)
        after = self._floor.failed(job, BotError(text, n=minutes))
        await self._floor.save(
            job, after, ledger.settle(job, "gave up"), self._floor.ending(after, paid=True)
        )
