"""The loop: claim what is due, take one step, save it. Nothing about a job lives only here.

The steps themselves, and with them the money rules, are in `core.steps`. Knows no chat platform:
what is to be seen goes to the outbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from pydantic import BaseModel, ConfigDict, Field

from core.delivery import Delivery
from core.errors import GatewayError, StoreError, Unreachable
from core.gateway import Gateway
from core.jobs import Job, State
from core.meters import JOBS
from core.outbox import Outbox
from core.pace import Pace
from core.providers.base import Offer, Provider, Request
from core.steps.finish import Chain, Finishing, Meaning
from core.steps.floor import BUSY, Floor
from core.steps.submit import Submitting
from core.steps.watch import Watching
from core.store import Store

log = logging.getLogger(__name__)

BREATH = 0.02
"""Seconds between two claims: steps that end together are followed by one."""
SHOWN_AFTER = 0.3
"""Seconds after which a job that is being submitted shows as that."""
HEARTBEAT = 10.0
"""Most seconds between two signs of life."""
STUMBLED = 10.0
"""Seconds until a step that could not be taken or saved is taken again."""
CLAIMS = 500
"""Most due jobs taken at once."""
TURNS = 64
"""Most queued jobs started at once."""
KEEP_EVENTS = 7 * 86400.0
"""Seconds a closed event is remembered, so that a platform may repeat it."""
DAY = 86400.0


class JobSettings(BaseModel):
    """`[jobs]`: how many at once, and how patient."""

    model_config = ConfigDict(extra="forbid")

    poll_scale: float = Field(1.0, gt=0, le=100)
    """Multiplies every poll interval."""
    parallel: int = Field(12, ge=1)
    """Jobs at the gateway at the same time, over all people."""
    parallel_per_person: int = Field(3, ge=1)
    """Jobs of one person at the gateway at the same time; the others wait their turn."""
    patience: float = Field(6 * 3600, gt=0)
    """Seconds a job keeps trying to reach a gateway that is away or busy before it fails and is
    refunded.
    """
    lease: float = Field(180.0, ge=30)
    """Seconds after which another process takes over a dead one's jobs."""


class Engine:
    """Moves every job from QUEUED to its end."""

    def __init__(
        self,
        *,
        store: Store,
        gateway: Gateway,
        providers: Mapping[str, Provider],
        offers: Mapping[str, Offer],
        outbox: Outbox,
        delivery: Delivery,
        pace: Pace,
        settings: JobSettings,
        clock: Callable[[], float],
        chain: Chain = lambda request, result: result.invites,
        meaning: Meaning | None = None,
    ) -> None:
        """Take the parts; `providers` by family, `offers` by key, `clock` gives Unix seconds,
        `chain` the ways on from a result, its family's own and others, `meaning` what vectors tell.
        """
        self._floor = Floor(
            store=store,
            outbox=outbox,
            pace=pace,
            providers=providers,
            offers=offers,
            clock=clock,
            scale=settings.poll_scale,
            patience=settings.patience,
            launch=self._launch,
        )
        self._finishing = Finishing(self._floor, delivery, chain, meaning)
        self._submitting = Submitting(self._floor, gateway, delivery, self._finishing)
        self._watching = Watching(self._floor, gateway, delivery, self._finishing)
        self._store = store
        self._outbox = outbox
        self._settings = settings
        self._clock = clock
        self._worker = secrets.token_hex(6)
        self._bell = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._busy = self._floor.busy
        self._stumbled: list[Job] = []
        self._held: set[str] = set()
        """Jobs whose step is under way; only their leases are kept."""
        self._storing: dict[str, asyncio.Future[bool]] = {}
        """New jobs whose first commit is on its way, by id: whether it took them."""
        self._queued = True
        self._steps = 0
        self._stopping = False
        self.problem = ""
        """Why nothing can be done just now."""

    @property
    def ready(self) -> bool:
        """The loop runs and the store answers."""
        return self._tasks is not None and not self.problem

    # -- the loop ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled; a store that is away is waited for."""
        await self._present()
        await self._recall()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._heartbeat())
            while not self._stopping:
                self._bell.clear()
                pause = await self._safe_tick()
                try:
                    async with asyncio.timeout(pause):
                        await self._bell.wait()
                except TimeoutError:
                    continue
                await asyncio.sleep(BREATH)

    async def stop(self, within: float = 8.0) -> None:
        """Claim nothing more and wait for the steps in hand, at most `within` seconds."""
        self._stopping = True
        self._bell.set()
        try:
            async with asyncio.timeout(within):
                while self._steps:
                    self._bell.clear()
                    await self._bell.wait()
        except TimeoutError:
            log.warning(
                "stopped with %d steps under way; they are taken up at the next start", self._steps
            )

    async def _recall(self) -> None:
        """Learn from finished jobs and tell the outbox about live ones."""
        for offer in self._floor.offers.values():
            for seconds in reversed(await self._store.durations(offer.key)):
                self._floor.pace.learn(offer.key, seconds)
        for job in await self._store.live():
            if job.state in BUSY:
                self._busy.take(job.owner)
            self._outbox.progress(job.place, job.id)
        JOBS.set_counts(await self._store.counts())

    async def _present(self) -> None:
        """Show that this worker lives, and take over from those that do not."""
        await self._store.stand(self._worker)
        if taken := await self._store.take_over(self._worker):
            log.info("took over %d jobs of a process that is gone", taken)
            self._bell.set()

    async def _heartbeat(self) -> None:
        tidied = 0.0
        while True:
            await asyncio.sleep(min(self._settings.lease / 4, HEARTBEAT))
            try:
                await self._present()
                until = self._clock() + self._settings.lease
                await self._store.extend(self._worker, until, list(self._held))
                JOBS.set_counts(await self._store.counts())
                if self._clock() - tidied > DAY:
                    tidied = self._clock()
                    await self._store.tidy(tidied - KEEP_EVENTS)
            except StoreError as error:
                log.error("the store does not answer: %s", error)

    async def _safe_tick(self) -> float:
        self._steps += 1  # what it claims must be launched before the end
        try:
            pause = await self._tick()
        except StoreError as error:
            self.problem = "the store does not answer"
            log.error("the store does not answer: %s", error)
        except Exception:
            log.exception("the engine stumbled")
        else:
            self.problem = ""
            return pause
        finally:
            self._steps -= 1
            if self._stopping:
                self._bell.set()
        return 1.0

    async def _tick(self) -> float:
        """Claim and launch what is due; returns seconds until more may be due."""
        now, lease = self._clock(), self._clock() + self._settings.lease
        scale = self._settings.poll_scale
        await self._release_stumbled(now)
        wake, self._queued = await self._store.outlook(now)
        due: list[Job] = []
        if wake is not None and wake <= now:
            due = await self._store.claim(
                self._worker, now=now, until=lease, limit=CLAIMS, ahead=1.0 * scale
            )
        running = [j for j in due if j.state is State.RUNNING and not j.cancel]
        for job in due:
            if job.state is not State.RUNNING or job.cancel:
                self._launch(self._step(job), [job])
        for batch in self._watching.batches(running):
            self._launch(self._watching.watch(batch), batch)
        fresh = await self._claim_queued(now, lease) if self._queued else []
        for job in fresh:
            self._launch(self._submitting.submit(job), [job])
        if due or fresh:
            return 0.0
        return 60.0 if wake is None else min(max(wake - self._clock(), 0.005), 60.0)

    async def _claim_queued(self, now: float, lease: float) -> list[Job]:
        free = self._settings.parallel - self._busy.total
        if free <= 0:
            return []
        fresh = await self._store.claim_queued(
            self._worker,
            now=now,
            until=lease,
            slots=min(free, TURNS),
            per_person=self._settings.parallel_per_person,
        )
        for job in fresh:
            self._busy.take(job.owner)
        return fresh

    def _launch(self, step: Coroutine[None, None, None], jobs: Sequence[Job] = ()) -> None:
        if self._tasks is None:
            raise RuntimeError("the engine is not running")
        self._steps += 1
        self._held.update(job.id for job in jobs)
        self._tasks.create_task(self._guard(step, jobs))

    async def _guard(self, step: Coroutine[None, None, None], jobs: Sequence[Job]) -> None:
        """Run a step of `jobs`; one that stumbles is taken again and leaves the others alone."""
        try:
            await step
        except StoreError as error:
            log.error("a step could not be saved, it is taken again: %s", error)
            self._stumbled += jobs
        except Exception:
            log.exception("a step stumbled, it is taken again")
            self._stumbled += jobs
        finally:
            self._steps -= 1
            self._held.difference_update(job.id for job in jobs)
            self._bell.set()

    async def _release_stumbled(self, now: float) -> None:
        """Free the jobs of steps that stumbled; what a step had committed is left as it is."""
        if self._stumbled:
            later = now + STUMBLED * self._settings.poll_scale
            jobs, self._stumbled = self._stumbled, []
            try:
                await self._store.save_many(
                    [(j, replace(j, lease="", lease_until=0.0, wake_at=later)) for j in jobs]
                )
            except StoreError:
                self._stumbled += jobs
                raise

    # -- the fast way in -----------------------------------------------------------------------

    def check(self, request: Request) -> None:
        """Raise the `BadInput` that its submit would, while it can still be told at once."""
        with contextlib.suppress(GatewayError):
            self._floor.provider(request).call(request)

    def reserve(self, job: Job) -> Job:
        """Let a new job skip the queue when nobody waits: it is stored as SUBMITTING in its first
        commit, and its submit is made ready meanwhile. `added` or `release` must follow.
        """
        room = (
            not self._queued
            and not self._stopping
            and self._tasks is not None
            and self._busy.total < self._settings.parallel
            and self._busy.of(job.owner) < self._settings.parallel_per_person
        )
        if not room:
            return job
        self._busy.take(job.owner)
        until = self._clock() + self._settings.lease
        job = replace(job, state=State.SUBMITTING, lease=self._worker, lease_until=until)
        stored = self._storing[job.id] = asyncio.get_running_loop().create_future()
        self._launch(self._first(job, stored), [job])
        return job

    def release(self, job: Job) -> None:
        """Give back what `reserve` took, if it did, for a job that was not stored."""
        if stored := self._storing.pop(job.id, None):
            stored.set_result(False)
            self._busy.free(job.owner)

    def added(self, job: Job) -> None:
        """Take up a job that was just stored."""
        if stored := self._storing.pop(job.id, None):
            stored.set_result(True)
            asyncio.get_running_loop().call_later(SHOWN_AFTER, self._show, job)
        else:
            self._outbox.progress(job.place, job.id)
            self._queued = True
            self._bell.set()

    async def _first(self, job: Job, stored: asyncio.Future[bool]) -> None:
        """Submit a new job."""
        await asyncio.sleep(0)  # its commit is on its way first
        await self._submitting.submit(job, stored)

    def _show(self, job: Job) -> None:
        """Show a job whose submit takes long; what comes of it is shown anyway, and that a job is
        over by then is for who draws it to see.
        """
        if job.id in self._held and not self._stopping:
            self._outbox.progress(job.place, job.id)

    def stopped(self, job: Job) -> None:
        """A person asked to stop a job; an answer that is growing ends at once."""
        if job.state is State.SUBMITTING and self._floor.offer(job).streams:
            self._submitting.stop(job.id)
        self._bell.set()

    def resumed(self, job: Job) -> None:
        """A job that had ended goes on."""
        if job.state in BUSY:
            self._busy.take(job.owner)
        self._outbox.progress(job.place, job.id)
        self._bell.set()

    def filled(self, job: Job) -> None:
        """A waiting job got its answers and is queued again."""
        self._busy.free(job.owner)
        self._queued = True
        self._outbox.progress(job.place, job.id)
        self._bell.set()

    # -- steps ---------------------------------------------------------------------------------

    async def _step(self, job: Job) -> None:
        """One step of a job that is neither queued nor to be looked at."""
        match job.state:
            case State.SUBMITTING:
                await self._floor.doubt(job, Unreachable(detail="stopped in mid-submit"))
            case State.QUEUED | State.RUNNING:
                await self._floor.cancel(job)
            case State.WAITING:
                await self._finishing.ask(job)
            case State.FETCHING:
                await self._finishing.fetch(job)
            case State.READY:
                await self._finishing.deliver(job)
            case State.FAILED | State.CANCELLED | State.UNSURE:
                await self._finishing.tell(job)
            case State.DONE:
                await self._floor.save(job, replace(job, wake_at=0.0))
            case _:
                assert_never(job.state)
