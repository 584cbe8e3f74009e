"""The steps after the gateway's answer: a question, the result, its files, showing it, telling how
a job ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from core import ledger
from core.delivery import Delivery
from core.errors import BadInput, BotError, GatewayError, StoreError
from core.i18n import mark
from core.jobs import Action, Entry, Job, State, Verb, charged
from core.messages import Media
from core.providers.base import Invite, Remote, Request, Result, Waiting, Written
from core.steps.floor import Floor
from core.wire import Json

log = logging.getLogger(__name__)

UNUSABLE = mark("What the service made has arrived broken, or is nothing that can be shown.")

LONG = 6000
"""Characters of a result's text that comes as a file as well."""
ANSWER = 3600.0
"""Seconds a waiting job waits for the person's answer."""
WITH_OTHERS = 8
"""Tries of a file, some five minutes, while others of the same result wait to be shown."""
NOT_HERE = mark("{n} of {of} files did not arrive, or arrived broken.")

Chain: TypeAlias = Callable[[Request, Result], Sequence[Invite]]
"""The ways on from a result: its own, and what else it can be made into."""
Meaning: TypeAlias = Callable[[Job, Result], Awaitable[Result]]
"""What a result that is vectors tells a person. Raises `StoreError`."""


class Finishing:
    """Brings jobs from the gateway's answer to the person."""

    def __init__(
        self, floor: Floor, delivery: Delivery, chain: Chain, meaning: Meaning | None = None
    ) -> None:
        """Take what all steps share and the way to the chats; `chain` gives the ways on from a
        result, `meaning` makes words of vectors.
        """
        self._meaning = meaning
        self._chain = chain
        self._floor = floor
        self._delivery = delivery
        self._downloads = asyncio.Semaphore(4)

    async def wait(self, before: Job, job: Job, waiting: Waiting) -> None:
        """The gateway wants more: ask the person, or go on at once when the answers are known."""
        now = self._floor.clock()
        if waiting.form is None:
            after = replace(
                job, state=State.QUEUED, ticket=waiting.ticket, step=waiting.request, wake_at=now
            )
            await self._floor.save_news(before, after)
            return
        after = replace(
            job, state=State.WAITING, ticket=waiting.ticket, step=waiting.request, wake_at=now
        )
        fill = self._floor.action(job, Verb.FILL, "fill", mark("Answer"), "✍️")
        fill = replace(fill, request=waiting.request, form=waiting.form, style="primary")
        await self._floor.save_news(before, after, (fill,))

    async def ask(self, job: Job) -> None:
        """Show the question of a waiting job, once; give up when nobody answers in time."""
        end = job.submitted_at + ANSWER
        if job.cancel:
            await self._floor.cancel(job)
        elif not job.asked:
            await self._delivery.question(job)
            await self._floor.store.set_asked(job.id)
            await self._floor.save(job, replace(job, wake_at=end))
        elif self._floor.clock() < end:
            await self._floor.save(job, replace(job, wake_at=end))
        else:
            error = BotError(mark("Nobody answered the question, so this was given up."))
            after = self._floor.failed(job, error)
            paid = charged(job)
            close = ledger.settle if paid else ledger.refund
            lines = close(job, "not answered")
            await self._floor.save(job, after, lines, self._floor.ending(after, paid=paid))

    async def finish(self, before: Job, job: Job, result: Result) -> None:
        """Commit the result and what it costs; its files come next."""
        now = self._floor.clock()
        if job.cancel and job.ticket is not None:  # without a ticket it could not be had again
            await self._floor.cancel(before)
            return
        if result.vectors and self._meaning is not None:
            result = await self._floor.surely(before, partial(self._meaning, job, result))
        try:
            remotes, broken = await self._kept(before, result)
        except BadInput as error:
            after = self._floor.failed(job, error)
            lines = ledger.settle(job, "unusable result")
            await self._floor.save(before, after, lines, self._floor.ending(after, paid=True))
            return
        after = replace(
            job,
            state=State.FETCHING if remotes else State.READY,
            wake_at=now,
            finished_at=now,
            tries=0,
            note="",
            note_values={},
            percent=100,
            remotes=tuple(remotes),
            text=result.text,
            markdown=result.markdown,
            facts=_told(result, broken),
            price=self._floor.price(job, result.tokens),
            final_prompt=(job.answered and job.final_prompt) or result.prompt,
        )
        actions = [self._invite(job, one) for one in self._chain(job.request, result)]
        if any(not isinstance(part, Written) for part in result.media):
            original = self._floor.action(
                job, Verb.ORIGINAL, "original", mark("Full quality"), "💾"
            )
            actions.append(replace(original, row=8))
        if await self._floor.save(before, after, ledger.settle(after, "done"), actions):
            self._floor.pace.learn(job.request.offer, now - job.submitted_at)

    async def _kept(self, job: Job, result: Result) -> tuple[list[Remote | Media], int]:
        """A result's files as they are stored with the job, and how many of them are broken. What
        the answer itself held goes into the archive first: nobody has it a second time.

        Raises `BadInput` where nothing else is left.
        """
        parts = list(result.media)
        if len(result.text) > LONG:
            parts.append(Written(result.text, "md" if result.markdown else "txt"))
        remotes: list[Remote | Media] = []
        broken: list[BadInput] = []
        for part in parts:
            try:
                remotes += [await self._floor.surely(job, partial(self._delivery.kept, part))]
            except BadInput as error:
                broken.append(error)
        if broken and not remotes and not result.text:
            raise broken[0]
        return remotes, len(broken)

    async def fetch(self, job: Job) -> None:
        """Bring the result's files into the archive before their links die; one that cannot be had
        keeps nobody from the others, which are not fetched again while it is waited for.
        """
        parts = list(job.remotes)
        missing: list[BotError] = []
        tries = 0
        async with self._downloads:
            for number in range(len(parts)):
                try:
                    parts[number] = await self._delivery.fetch(job, number)
                except (BadInput, GatewayError, StoreError) as error:
                    missing.append(self._missed(job, error))
                    tries = max(tries, _tries(error))
        media = [part for part in parts if isinstance(part, Media)]
        if job.tries < min(tries, WITH_OTHERS if media else tries):
            held = replace(job, remotes=tuple(parts))
            await self._floor.save(job, self._floor.later(held, missing[0], 2.0, 120.0))
            return
        if missing and not media:
            after = self._floor.failed(job, missing[0])
            await self._floor.save(job, after, (), self._floor.ending(after, paid=True))
            return
        after = replace(
            job, state=State.READY, media=tuple(media), wake_at=self._floor.clock(), tries=0
        )
        facts = _without(job.facts, len(parts) - len(media), len(parts))
        after = replace(after, facts=facts, note="", note_values={})
        await self._floor.save(job, after)

    def _missed(self, job: Job, error: BotError) -> BotError:
        log.warning("fetch: %s", getattr(error, "detail", "") or error, extra={"job": job.id})
        # The words of a `BadInput` are for people who sent a file themselves.
        return BotError(UNUSABLE) if isinstance(error, BadInput) else error

    async def deliver(self, job: Job) -> None:
        """Show the result; a send that fails is tried again for as long as it takes."""
        pause = await self._delivery.deliver(job)
        if pause is not None:
            await self._floor.save(
                job,
                replace(
                    job, tries=job.tries + 1, wake_at=self._floor.clock() + pause[0], note=pause[1]
                ),
            )
            return
        await self._floor.save(job, replace(job, state=State.DONE, wake_at=0.0, note=""))
        self._floor.outbox.forget(job.place, job.id)

    async def tell(self, job: Job) -> None:
        """Tell the person how a job ended, once."""
        pause = await self._delivery.tell(job, await self._closing(job))
        wake = 0.0 if pause is None else self._floor.clock() + pause[0]
        tries = 0 if pause is None else job.tries + 1
        await self._floor.save(job, replace(job, wake_at=wake, tries=tries))
        if pause is None:
            self._floor.outbox.forget(job.place, job.id)

    async def _closing(self, job: Job) -> Entry | None:
        entries = [entry for entry, *_ in await self._floor.store.ledger(job.id)]
        return next((e for e in entries if e is not Entry.HOLD), None)

    def _invite(self, job: Job, invite: Invite) -> Action:
        verb = Verb.COMMAND if invite.command else Verb.SHOW if invite.shows else Verb.CONTINUE
        plain = self._floor.action(job, verb, invite.key, invite.label, invite.emoji)
        values = {"url": invite.url} if invite.url else {}
        if invite.command:
            values = {"command": invite.command, **invite.values}
        if invite.shows:
            values = {"job": invite.shows}
        return replace(
            plain,
            style=invite.style,
            row=invite.row,
            request=invite.request,
            form=invite.form,
            values=values,
        )


def _tries(error: BotError) -> int:
    """How often a file is asked for again: long where what is wrong may pass."""
    passing = isinstance(error, StoreError) or getattr(error, "again", False)
    return 30 if passing else 3


def _told(result: Result, broken: int) -> dict[str, Json]:
    """What is kept of a result besides its text and files."""
    facts = {**result.facts, **({"tokens": result.tokens} if result.tokens else {})}
    return _without(facts, broken, len(result.media))


def _without(facts: Mapping[str, Json], missing: int, of: int) -> dict[str, Json]:
    """What is known of a result, with a word on those of its files that are not there."""
    if not missing:
        return {**facts}
    told = (NOT_HERE, {"n": missing, "of": of})
    return {**facts, "remarks": [*(facts.get("remarks") or ()), told]}
