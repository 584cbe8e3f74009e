"""The loop: claim what is due, take one step, save it. Nothing about a job lives only here.

Money rules, in one place: a job is committed as SUBMITTING before its submit goes out and its upstream id on its own
before the first look; a submit goes out again only when it is certain that the last one cost nothing; a lost answer
makes the job UNSURE, which only its owner can end. Knows no chat platform: what is to be seen goes to the Outbox.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import assert_never

from pydantic import BaseModel, ConfigDict, Field

from core import ledger
from core.archive import Archive
from core.delivery import Delivery
from core.errors import (
    BadInput,
    BotError,
    Garbled,
    GatewayError,
    NotThere,
    Spent,
    StoreError,
    UserError,
)
from core.gateway import Gateway
from core.i18n import mark
from core.jobs import LIVE, Action, Entry, Job, State, Verb
from core.meters import JOBS
from core.outbox import Outbox
from core.pace import Pace
from core.providers.base import (
    Failed,
    Invite,
    Offer,
    Outcome,
    Progress,
    Provider,
    Request,
    Result,
    Ticket,
    Waiting,
)
from core.store import Store
from core.wire import Answer

log = logging.getLogger(__name__)

BUSY = frozenset({State.SUBMITTING, State.RUNNING, State.WAITING})


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
    """Seconds a job keeps trying to reach a gateway that is away or busy before it fails and is refunded."""
    lease: float = Field(180.0, ge=30)
    """Seconds after which another process takes over a dead one's jobs."""


class Engine:
    """Moves every job from QUEUED to its end."""

    def __init__(
        self,
        *,
        store: Store,
        gateway: Gateway,
        archive: Archive,
        providers: Mapping[str, Provider],
        offers: Mapping[str, Offer],
        outbox: Outbox,
        delivery: Delivery,
        pace: Pace,
        settings: JobSettings,
        clock: Callable[[], float],
    ) -> None:
        """Take the parts; `providers` by family, `offers` by key, `clock` gives Unix seconds."""
        self._store = store
        self._gateway = gateway
        self._archive = archive
        self._providers = providers
        self._offers = offers
        self._outbox = outbox
        self._delivery = delivery
        self._pace = pace
        self._settings = settings
        self._clock = clock
        self._worker = secrets.token_hex(6)
        self._bell = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._busy: Counter[str] = Counter()
        self._queued = True
        self._no_batch: set[str] = set()
        self._steps = 0
        self._stopping = False
        self.problem = ""
        """Why nothing can be done just now."""
        self._downloads = asyncio.Semaphore(4)
        self._sends = asyncio.Semaphore(64)
        self._submits = asyncio.Semaphore(32)

    @property
    def ready(self) -> bool:
        """The loop runs and the store answers."""
        return self._tasks is not None and not self.problem

    # -- the loop ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled; a store that is away is waited for."""
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

    def poke(self) -> None:
        """Say that something may be due now."""
        self._bell.set()

    async def stop(self, within: float = 8.0) -> None:
        """Claim nothing more and wait for the steps in hand, at most `within` seconds."""
        self._stopping = True
        self._bell.set()
        try:
            async with asyncio.timeout(within):
                while self._steps:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            log.warning("stopped with %d steps under way; they are taken up at the next start", self._steps)

    async def _recall(self) -> None:
        """Learn from finished jobs and tell the outbox about live ones."""
        for offer in self._offers.values():
            for seconds in reversed(await self._store.durations(offer.key)):
                self._pace.learn(offer.key, seconds)
        for job in await self._store.live():
            if job.state in BUSY:
                self._busy[job.owner] += 1
            self._outbox.progress(job.place, job.id)

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease / 4)
            try:
                if self._steps:
                    await self._store.extend(self._worker, self._clock() + self._settings.lease)
                JOBS.set_counts(await self._store.counts())
            except StoreError as error:
                log.error("the store does not answer: %s", error)

    async def _safe_tick(self) -> float:
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
        return 1.0

    async def _tick(self) -> float:
        """Claim and launch what is due; returns seconds until more may be due."""
        now, lease = self._clock(), self._clock() + self._settings.lease
        scale = self._settings.poll_scale
        due = await self._store.claim(
            self._worker, now=now, until=lease, limit=500, ahead=1.0 * scale
        )
        running = [j for j in due if j.state is State.RUNNING and not j.cancel]
        for job in due:
            if job.state is not State.RUNNING or job.cancel:
                self._launch(self._step(job))
        for batch in self._batches(running):
            self._launch(self._watch(batch))
        free = self._settings.parallel - sum(self._busy.values())
        fresh = await self._claim_queued(now, lease, free)
        for job in fresh:
            self._launch(self._submit(job))
        if len(due) == 500:
            return 0.0
        wake = await self._store.next_wake(queued=free > len(fresh))
        return 60.0 if wake is None else min(max(wake - self._clock(), 0.005), 60.0)

    async def _claim_queued(self, now: float, lease: float, free: int) -> list[Job]:
        if free <= 0:
            self._queued = True
            return []
        fresh = await self._store.claim_queued(
            self._worker,
            now=now,
            until=lease,
            slots=min(free, 64),
            per_person=self._settings.parallel_per_person,
        )
        self._queued = await self._store.any_queued()
        for job in fresh:
            self._busy[job.owner] += 1
        return fresh

    def _launch(self, step: asyncio.coroutines.Coroutine[None, None, None]) -> None:
        if self._tasks is None:
            raise RuntimeError("the engine is not running")
        self._steps += 1
        self._tasks.create_task(self._guard(step))

    async def _guard(self, step: asyncio.coroutines.Coroutine[None, None, None]) -> None:
        """Run a step; one that stumbles leaves its job to the lease and the others alone."""
        try:
            await step
        except StoreError as error:
            log.error("a step could not be saved, it is taken again: %s", error)
        except Exception:
            log.exception("a step stumbled; it is taken again when its lease ends")
        finally:
            self._steps -= 1
            self._bell.set()

    # -- the fast way in -----------------------------------------------------------------------

    def reserve(self, job: Job) -> Job:
        """Let a new job skip the queue when nobody waits: it is stored as SUBMITTING in its first commit."""
        room = (
            not self._queued
            and not self._stopping
            and self._tasks is not None
            and sum(self._busy.values()) < self._settings.parallel
            and self._busy[job.owner] < self._settings.parallel_per_person
        )
        if not room:
            return job
        self._busy[job.owner] += 1
        until = self._clock() + self._settings.lease
        return replace(job, state=State.SUBMITTING, lease=self._worker, lease_until=until)

    def release(self, job: Job) -> None:
        """Give back what `reserve` took for a job that was not stored."""
        if job.state is State.SUBMITTING:
            self._busy[job.owner] -= 1

    def added(self, job: Job) -> None:
        """Take up a job that was just stored."""
        self._outbox.progress(job.place, job.id)
        if job.state is State.SUBMITTING:
            self._launch(self._submit(job))
        else:
            self._queued = True
            self._bell.set()

    def filled(self, job: Job) -> None:
        """A waiting job got its answers and is queued again."""
        self._busy[job.owner] -= 1
        self._queued = True
        self._outbox.progress(job.place, job.id)
        self._bell.set()

    # -- saving --------------------------------------------------------------------------------

    async def _save(
        self,
        before: Job,
        after: Job,
        lines: Sequence[ledger.LedgerLine] = (),
        actions: Sequence[Action] = (),
    ) -> bool:
        """Commit a step and free the job; False when another worker has it now."""
        after = replace(after, lease="", lease_until=0.0)
        kept = await self._store.save(before, after, ledger=lines, actions=actions)
        if not kept:
            log.warning("another worker took over", extra={"job": before.id})
            return False
        if before.state in BUSY and after.state not in BUSY:
            self._busy[before.owner] -= 1
        if after.state is not before.state:
            log.info("%s -> %s", before.state, after.state, extra={"job": after.id})
            JOBS.moved(after)
        if after.state in LIVE:
            self._outbox.progress(after.place, after.id)
        return True

    def _later(self, job: Job, error: BotError, floor: float, top: float) -> Job:
        """The job with its next try put off, longer after each failure in a row."""
        asked = getattr(error, "retry_after", None) or 0.0
        scale = self._settings.poll_scale
        pause = max(min(floor * 2.0**job.tries, top), asked) * scale
        return replace(
            job,
            tries=job.tries + 1,
            wake_at=self._clock() + pause,
            note=error.text,
            note_values={k: str(v) for k, v in error.values.items()},
        )

    def _failed(self, job: Job, error: BotError, state: State = State.FAILED) -> Job:
        """The job at its end, with its reason; the person is told in the next step."""
        return replace(
            job,
            state=state,
            wake_at=self._clock(),
            tries=0,
            once_key=None if state is State.FAILED else job.once_key,
            finished_at=self._clock(),
            note=error.text,
            note_values={k: str(v) for k, v in error.values.items()},
        )

    # -- steps ---------------------------------------------------------------------------------

    async def _step(self, job: Job) -> None:
        """One step of a job that is neither queued nor to be looked at."""
        match job.state:
            case State.SUBMITTING:
                await self._doubt(job, Garbled())
            case State.QUEUED | State.RUNNING:
                await self._cancel(job)
            case State.WAITING:
                await self._ask(job)
            case State.FETCHING:
                await self._fetch(job)
            case State.READY:
                async with self._sends:
                    await self._deliver(job)
            case State.FAILED | State.CANCELLED | State.UNSURE:
                async with self._sends:
                    await self._tell(job)
            case State.DONE:
                await self._save(job, replace(job, wake_at=0.0))
            case _:
                assert_never(job.state)

    async def _submit(self, job: Job) -> None:
        """Send the submit, once, and commit what came of it."""
        request = job.step or job.request
        provider = self._provider(request)
        try:
            call = provider.call(request)
        except (UserError, GatewayError) as error:
            await self._refuse(job, error)
            return
        async with self._submits:
            try:
                outcome = provider.accept(request, await self._gateway.send(call))
            except (UserError, GatewayError) as error:
                await self._not_accepted(job, provider, request, error)
                return
            except Exception as error:
                log.exception("an answer could not be read", extra={"job": job.id})
                await self._not_accepted(job, provider, request, Garbled(detail=repr(error)))
                return
        await self._accepted(job, outcome)

    async def _accepted(self, job: Job, outcome: Ticket | Waiting | Result) -> None:
        now = self._clock()
        held = replace(job, submitted_at=now, tries=0, note="", note_values={}, step=None)
        if job.step is not None and job.ticket is not None:
            held = replace(held, answered=True)
        match outcome:
            case Ticket():
                wake = now + self._pace.first_look(self._offer(job))
                await self._save(
                    job, replace(held, state=State.RUNNING, ticket=outcome, wake_at=wake)
                )
            case Waiting():
                await self._wait(job, replace(held, ticket=outcome.ticket), outcome)
            case Result():
                await self._finish(job, held, outcome)
            case _:
                assert_never(outcome)

    async def _not_accepted(
        self, job: Job, provider: Provider, request: Request, error: UserError | GatewayError
    ) -> None:
        """Decide what a refused or lost submit means; it goes out again only if it certainly cost nothing."""
        log.info("submit: %s", getattr(error, "detail", error), extra={"job": job.id})
        if not isinstance(error, GatewayError):
            await self._refuse(job, error)
            return
        if error.spent is not Spent.NO:
            await self._doubt(job, error)
            return
        other = provider.instead(request, error)
        if other is not None:
            await self._save(
                job, replace(job, state=State.QUEUED, step=other, wake_at=self._clock())
            )
            return
        if error.again and self._clock() - job.created_at < self._settings.patience:
            await self._save(
                job, replace(self._later(job, error, 4.0, 120.0), state=State.QUEUED)
            )
            return
        await self._refuse(job, error)

    async def _refuse(self, job: Job, error: UserError | GatewayError) -> None:
        after = self._failed(job, error)
        spent = job.ticket is not None
        lines = ledger.settle(job, "failed") if spent else ledger.refund(job, "refused")
        await self._save(job, after, lines, self._ending(after, paid=spent))

    async def _doubt(self, job: Job, error: GatewayError) -> None:
        """The submit's answer is lost: say so, keep the hold, never send it again."""
        log.warning("unsure: %s", error.detail or error, extra={"job": job.id})
        after = replace(self._failed(job, error, State.UNSURE), note="", note_values={})
        await self._save(job, after, (), self._ending(after, paid=True))

    async def _cancel(self, job: Job) -> None:
        """The person asked to stop: free before the gateway has it, paid for afterwards."""
        now = self._clock()
        after = replace(job, state=State.CANCELLED, wake_at=now, finished_at=now, once_key=None)
        paid = job.ticket is not None
        lines = ledger.settle(job, "cancelled") if paid else ledger.refund(job, "cancelled")
        await self._save(job, after, lines, self._ending(after, paid=paid))

    # -- looking -------------------------------------------------------------------------------

    def _batches(self, jobs: list[Job]) -> list[list[Job]]:
        """Group due jobs into what one look can ask for."""

        def route(job: Job) -> tuple[str, str]:
            return (job.ticket.family, job.ticket.mode) if job.ticket else ("", "")

        batches: list[list[Job]] = []
        for (family, _), group in groupby(sorted(jobs, key=route), key=route):
            size = 1 if family in self._no_batch else self._providers[family].batch
            same = list(group)
            batches += [same[i : i + size] for i in range(0, len(same), size)]
        return batches

    async def _watch(self, jobs: list[Job]) -> None:
        """Look at jobs of one family and commit what was seen."""
        if len(jobs) == 1:
            await self._look(jobs[0])
            return
        tickets = [j.ticket for j in jobs if j.ticket is not None]
        provider = self._providers[tickets[0].family]
        try:
            answers = provider.read_many(await self._gateway.send(provider.look_many(tickets)))
        except NotThere:
            self._no_batch.add(provider.family)
            log.info("no batched looks at this gateway")
            for job in jobs:
                await self._look(job)
            return
        except GatewayError as error:
            await self._store.save_many([self._blind(job, error) for job in jobs])
            return
        seen: list[tuple[Job, Job]] = []
        for job in jobs:
            answer = answers.get(job.ticket.id) if job.ticket else None
            after = await self._judge(job, answer or Answer(404, None))
            if after is not None:
                seen.append((job, after))
        await self._note(seen)

    async def _look(self, job: Job) -> None:
        if job.ticket is None:
            await self._doubt(job, Garbled())
            return
        provider = self._providers[job.ticket.family]
        try:
            answer = await self._gateway.send(provider.look(job.ticket))
        except GatewayError as error:
            await self._store.save_many([self._blind(job, error)])
            return
        after = await self._judge(job, answer)
        if after is not None:
            await self._note([(job, after)])

    async def _note(self, seen: Sequence[tuple[Job, Job]]) -> None:
        """Commit progress of many jobs at once and mark their messages."""
        await self._store.save_many(seen)
        for before, after in seen:
            if (before.percent, before.started_at, before.note) != (
                after.percent,
                after.started_at,
                after.note,
            ):
                self._outbox.progress(after.place, after.id)
            if after.preview and after.preview != before.preview and self._tasks is not None:
                self._delivery.preview(self._tasks, after)

    def _blind(self, job: Job, error: GatewayError) -> tuple[Job, Job]:
        """A look that failed: the job is untouched, the next look comes later."""
        if job.tries == 0:
            log.info("look failed: %s", error.detail or error, extra={"job": job.id})
        after = self._later(job, error, 3.0, 60.0)
        self._outbox.progress(job.place, job.id)
        return job, replace(after, lease="", lease_until=0.0)

    async def _judge(self, job: Job, answer: Answer) -> Job | None:
        """Read one look. Progress is returned to be saved with others, anything else is committed here."""
        assert job.ticket is not None
        provider = self._providers[job.ticket.family]
        try:
            outcome: Outcome = provider.read(job.ticket, job.request, answer)
        except NotThere as error:
            return await self._missing(job, error)
        except GatewayError as error:
            return self._blind(job, error)[1]
        except Exception as error:
            log.exception("a look could not be read", extra={"job": job.id})
            return self._blind(job, Garbled(detail=repr(error)))[1]
        match outcome:
            case Progress():
                return await self._progress(job, outcome)
            case Waiting() if job.answered:
                return await self._progress(job, Progress(started=False))
            case Waiting():
                await self._wait(job, job, outcome)
            case Result():
                await self._finish(job, job, outcome)
            case Failed():
                after = self._failed(job, outcome.reason)
                paid = outcome.reason.spent is not Spent.NO
                log.info("failed: %s", outcome.reason.detail, extra={"job": job.id})
                lines = ledger.close(job, outcome.reason)
                await self._save(job, after, lines, self._ending(after, paid=paid))
            case _:
                assert_never(outcome)
        return None

    async def _progress(self, job: Job, seen: Progress) -> Job | None:
        now, offer = self._clock(), self._offer(job)
        if now - job.submitted_at > offer.deadline:
            await self._give_up(job)
            return None
        percent = job.percent if seen.percent is None else max(seen.percent, job.percent)
        started = job.started_at or (now if seen.started else 0.0)
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
        return replace(after, wake_at=now + self._pace.next_look(offer, after, now))

    async def _missing(self, job: Job, error: GatewayError) -> Job | None:
        """The gateway does not know the id: normal for a moment after the submit, not for long."""
        if job.tries < 8 or self._clock() - job.submitted_at < 60.0 * self._settings.poll_scale:
            return self._blind(job, error)[1]
        await self._give_up(job)
        return None

    async def _give_up(self, job: Job) -> None:
        """Its time is over: say so and keep its number; it can be looked for again."""
        text = mark(
            "The image service has not finished this in {n} min, so I stopped watching. "
            "It may still be working on it."
        )
        minutes = max(round((self._clock() - job.submitted_at) / 60), 1)
        after = self._failed(job, BotError(text, n=minutes))
        await self._save(
            job, after, ledger.settle(job, "gave up"), self._ending(after, paid=True)
        )

    # -- waiting for an answer -----------------------------------------------------------------

    async def _wait(self, before: Job, job: Job, waiting: Waiting) -> None:
        """The gateway wants more: ask the person, or go on at once when the answers are known."""
        now = self._clock()
        if waiting.form is None:
            after = replace(
                job, state=State.QUEUED, ticket=waiting.ticket, step=waiting.request, wake_at=now
            )
            await self._save(before, after)
            return
        after = replace(
            job, state=State.WAITING, ticket=waiting.ticket, step=waiting.request, wake_at=now
        )
        fill = self._action(job, Verb.FILL, "fill", mark("Answer"), "✍️")
        fill = replace(fill, request=waiting.request, form=waiting.form, style="primary")
        await self._save(before, after, (), (fill,))

    async def _ask(self, job: Job) -> None:
        """Show the question of a waiting job, once; give up when nobody answers for an hour."""
        if job.cancel:
            await self._cancel(job)
        elif not job.asked:
            await self._delivery.question(job)
            await self._store.set_asked(job.id)
            await self._save(job, replace(job, wake_at=self._clock() + 3600))
        else:
            error = BotError(mark("Nobody answered the question, so this was given up."))
            after = self._failed(job, error)
            lines = ledger.settle(job, "not answered")
            await self._save(job, after, lines, self._ending(after, paid=True))

    # -- the result ----------------------------------------------------------------------------

    async def _finish(self, before: Job, job: Job, result: Result) -> None:
        """Commit the result and what it costs; its files come next."""
        now = self._clock()
        if job.cancel:
            await self._cancel(before)
            return
        after = replace(
            job,
            state=State.FETCHING if result.media else State.READY,
            wake_at=now,
            finished_at=now,
            tries=0,
            note="",
            note_values={},
            percent=100,
            remotes=tuple(f"{m.kind} {m.url}" for m in result.media),
            text=result.text,
            final_prompt=result.prompt,
        )
        actions = [self._invite(job, invite) for invite in result.invites]
        if result.media:
            original = self._action(job, Verb.ORIGINAL, "original", mark("Full quality"), "💾")
            actions.append(replace(original, row=8))
        if await self._save(before, after, ledger.settle(job, "done"), actions):
            self._pace.learn(job.request.offer, now - job.submitted_at)

    async def _fetch(self, job: Job) -> None:
        """Bring the result's files into the archive before their links die."""
        media = list(job.media)
        try:
            async with self._downloads:
                for remote in job.remotes[len(media) :]:
                    media.append(await self._delivery.fetch(job, remote.partition(" ")[2]))
        except (BadInput, GatewayError, StoreError) as error:
            await self._not_fetched(job, error)
            return
        after = replace(job, state=State.READY, media=tuple(media), wake_at=self._clock(), tries=0)
        await self._save(job, replace(after, note="", note_values={}))

    async def _not_fetched(self, job: Job, error: BotError) -> None:
        log.warning("fetch: %s", getattr(error, "detail", "") or error, extra={"job": job.id})
        passing = isinstance(error, StoreError) or getattr(error, "again", False)
        if job.tries < (30 if passing else 3):
            await self._save(job, self._later(job, error, 2.0, 120.0))
            return
        after = self._failed(job, error)
        await self._save(job, after, (), self._ending(after, paid=True))

    async def _deliver(self, job: Job) -> None:
        """Show the result; a send that fails is tried again for as long as it takes."""
        pause = await self._delivery.deliver(job)
        if pause is not None:
            await self._save(
                job,
                replace(job, tries=job.tries + 1, wake_at=self._clock() + pause[0], note=pause[1]),
            )
            return
        await self._save(job, replace(job, state=State.DONE, wake_at=0.0, note=""))
        self._outbox.forget(job.place, job.id)

    async def _tell(self, job: Job) -> None:
        """Tell the person how a job ended, once."""
        pause = await self._delivery.tell(job, await self._closing(job))
        wake = 0.0 if pause is None else self._clock() + pause[0]
        tries = 0 if pause is None else job.tries + 1
        await self._save(job, replace(job, wake_at=wake, tries=tries))
        if pause is None:
            self._outbox.forget(job.place, job.id)

    async def _closing(self, job: Job) -> Entry | None:
        entries = [entry for entry, *_ in await self._store.ledger(job.id)]
        return next((e for e in entries if e is not Entry.HOLD), None)

    # -- small things --------------------------------------------------------------------------

    def _provider(self, request: Request) -> Provider:
        return self._providers[self._offers[request.offer].family]

    def _offer(self, job: Job) -> Offer:
        return self._offers[(job.step or job.request).offer]

    def _action(self, job: Job, verb: Verb, key: str, label: str, emoji: str = "") -> Action:
        return Action(
            token=secrets.token_urlsafe(10),
            verb=verb,
            owner=job.owner,
            job=job.id,
            key=key,
            label=label,
            emoji=emoji,
            created_at=self._clock(),
        )

    def _invite(self, job: Job, invite: Invite) -> Action:
        plain = self._action(job, Verb.CONTINUE, invite.key, invite.label, invite.emoji)
        return replace(
            plain, style=invite.style, row=invite.row, request=invite.request, form=invite.form
        )

    def _ending(self, job: Job, *, paid: bool) -> list[Action]:
        """The buttons under a job that ended without a result."""
        again = self._action(job, Verb.AGAIN, "again", mark("Run again"), "🔁")
        actions = [again]
        if job.state is State.UNSURE:
            actions.append(self._action(job, Verb.LEAVE, "leave", mark("Leave it")))
        if job.state is State.FAILED and paid and (job.ticket is not None or job.remotes):
            actions.append(self._action(job, Verb.RESUME, "resume", mark("Look again"), "🔎"))
        return actions
