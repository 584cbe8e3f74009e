"""Bringing results in and showing them: the archive on one side, the outbox on the other.

Delivery is not generation: a send that fails is never reported as a failed job. Nothing here moves
a job's state or its money; the engine does, by what is returned.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from core import cards
from core.archive import Archive
from core.buttons import under_result
from core.copies import Copies
from core.errors import (
    AdapterError,
    BadInput,
    BotError,
    ChatGone,
    Gone,
    MaybeSent,
    MessageGone,
    Offline,
    SlowDown,
    StoreError,
    TooBig,
)
from core.fetching import Fetching
from core.gateway import Gateway
from core.i18n import Say, mark, translator
from core.jobs import LIVE, Action, Entry, Job, State, Verb
from core.ledger import answer_price, money
from core.messages import Media, Message, Place, Ref, ending, shorten
from core.outbox import Outbox
from core.pace import Pace
from core.pictures import fitted
from core.providers.base import Offer, Remote, Stream, Written
from core.store import Store
from core.turnstile import Turnstile

log = logging.getLogger(__name__)

PREVIEW_BYTES = 20_000_000
PREVIEW_SIDES = 1280
"""Width plus height of a preview as it is shown."""
PREVIEW_STEP = 25
"""Percent between two previews of one job."""
MAYBE = mark("The chat's answer was lost; sending it once more.")
"""Note of a job whose result may have been shown: it is sent at most once more."""

FEW_PARTS, MANY_PARTS = 5, 10
"""Most messages that one file may become: where there are links to files, and where there are none.
"""
BOARD = "board-"
"""What the nonce of a board begins with; kept in place of its ref until there is one."""
_REF: TypeAdapter[Ref] = TypeAdapter(Ref)

Pause = tuple[float, str]
"""Seconds until the next try, and the note to keep."""


@dataclass(slots=True)
class _Previews:
    """The previews of one running job."""

    percent: int
    """Where the job stood at the last one that was asked for."""
    media: list[Media] = field(default_factory=list)
    """What was shown, the newest last."""


class Delivery:
    """Fetches result files, shows results and ends, and draws progress for the outbox."""

    def __init__(
        self,
        *,
        store: Store,
        gateway: Gateway,
        archive: Archive,
        offers: Mapping[str, Offer],
        outbox: Outbox,
        pace: Pace,
        clock: Callable[[], float],
        parallel: int,
        link: Callable[[Media], str] = lambda media: "",
        paints: bool = False,
    ) -> None:
        """`parallel` is the engine's, for honest estimates; `link` gives a file's passing public
        address, or nothing where there is none; `paints`: there is a public page to paint on.
        """
        self._paints = paints
        self._link = link
        self._store = store
        self._gateway = gateway
        self._archive = archive
        self._fetching = Fetching(gateway, archive)
        self._copies = Copies(archive)
        self._turnstile = Turnstile()
        self._offers = offers
        self._outbox = outbox
        self._pace = pace
        self._clock = clock
        self._parallel = parallel
        self._previews: dict[str, _Previews] = {}
        self._said: dict[str, Stream] = {}
        """Growing answers, by job id."""
        self._placed: dict[str, Ref] = {}
        """Messages of results and ends that are sent and not stored yet, by job id."""
        self._doubted: set[str] = set()
        """Jobs of which the end may have been told; it is told at most once more."""

    # -- bringing files in ---------------------------------------------------------------------

    async def kept(self, part: Remote | Media | Written) -> Remote | Media:
        """A result's file as it is stored with the job: one that the answer itself holds goes into
        the archive first. Raises `BadInput` and `StoreError`.
        """
        if isinstance(part, Written):
            return await self._archive.write(part.text, part.ending)
        if isinstance(part, Media) or not part.url.startswith("data:"):
            return part
        return replace(await self._archive.put(_decoded(part.url)), voice=part.voice)

    async def fetch(self, job: Job, number: int) -> Media:
        """Bring one of a result's files into the archive. Raises `BadInput` or a `GatewayError`."""
        remote = job.remotes[number]
        media = await (
            self._fetching.dressed(remote)
            if isinstance(remote, Media)
            else self._fetching.bring(remote)
        )
        words = re.sub(r"[^a-z0-9]+", "-", job.request.prompt.lower()).strip("-")
        ending = media.name.rpartition(".")[2] or "bin"
        alt = shorten(" ".join(job.request.prompt.split()), 400)
        if job.title:
            alt = f"{job.title}: {alt}" if alt else job.title
        which = f"-{number + 1}" if len(job.remotes) > 1 else ""
        stem = f"{words[:40].strip('-') or 'atelier'}-{job.id}{which}"
        return replace(media, name=f"{stem}.{ending}", alt=alt)

    def said(self, job: Job, stream: Stream) -> None:
        """Show an answer that is still growing, as often as the chat allows."""
        self._said[job.id] = stream
        self._outbox.progress(job.place, job.id)

    def preview(self, launch: Callable[[Coroutine[None, None, None]], None], job: Job) -> None:
        """Bring a running job's preview in, in the background, when enough has changed since the
        last.
        """
        seen = self._previews.get(job.id)
        if seen is None or job.percent - seen.percent >= PREVIEW_STEP:
            self._previews.setdefault(job.id, _Previews(0)).percent = job.percent
            launch(self._bring_preview(job))

    async def _bring_preview(self, job: Job) -> None:
        try:
            whole = await self._gateway.fetch(
                job.preview, limit=PREVIEW_BYTES, deadline=10.0, passing=True
            )
            small = await fitted(
                self._archive, whole, max_bytes=300_000, max_sides=PREVIEW_SIDES, passing=True
            )
            await self._archive.discard(whole)
        except (BotError, OSError) as error:
            log.debug("no preview: %s", error, extra={"job": job.id})
            return
        seen = self._previews.get(job.id)
        if seen is None:  # it ended meanwhile
            await self._archive.discard(small)
            return
        alt = shorten(" ".join(job.request.prompt.split()), 400)
        seen.media.append(replace(small, alt=alt))
        self._outbox.progress(job.place, job.id)

    # -- showing results -----------------------------------------------------------------------

    async def card(self, job: Job, most: int | None = None) -> Message:
        """The result of a finished job with its current buttons, its files as they fit into `most`
        bytes each; the chat's own limit where that is not given, and no files at 0.
        """
        say = translator(job.lang)
        limits = self._outbox.adapter(job.place.platform).limits(job.place)
        actions = await self._store.actions_of(job.id)
        used = await self._store.children(job.id)
        person = await self._store.person(job.owner)
        most = limits.file_bytes if most is None else most
        shown, left = await self._fitting(say, job.media, most) if most else ((), job.media)
        await self._turnstile.wait()
        top = min(limits.photo_bytes, limits.file_bytes)
        shrunk = any(m.size > top or m not in job.media for m in shown if not m.caption)
        buttons = under_result(
            say,
            job,
            actions,
            used.keys(),
            self._offers,
            person,
            original=limits.lossy or shrunk or any(m.caption for m in shown),
            windows=self._paints and limits.windows,
        )
        offer = self._offers.get(job.request.offer)
        model = offer.title if offer else job.request.offer
        message = cards.result(say, job, model, buttons, shrunk=shrunk)
        apart = cards.parted(say, shown) + self._apart(say, left)
        covered = tuple(replace(m, spoiler=m.spoiler or job.place.spoiler) for m in shown)
        return replace(message, media=covered, text=message.text + apart)

    async def redrawn(self, job: Job) -> Message:
        """What the message of a finished job shows now. Raises `Offline` without the store."""
        try:
            return ending(await self.card(job))
        except StoreError as error:
            raise Offline from error

    async def _fitting(
        self, say: Say, media: Sequence[Media], most: int
    ) -> tuple[tuple[Media, ...], tuple[Media, ...]]:
        """Files as a chat takes them, and those it cannot take: where a link leads to those, it is
        better than many parts.
        """
        linked = any(self._link(one) for one in media)
        return await self._copies.fitting(say, media, most, FEW_PARTS if linked else MANY_PARTS)

    def _apart(self, say: Say, media: Sequence[Media]) -> str:
        """How to get files that a chat does not take."""
        return "".join(f"\n\n{cards.apart(say, m, self._link(m))}" for m in media)

    async def deliver(self, job: Job) -> Pause | None:
        """Show a result as a new message, remove the progress message; None when that is done."""
        if job.result is None:
            try:
                await self._show_result(job)
            except MaybeSent:
                if job.note != MAYBE:
                    return 5.0, MAYBE
                await self._doubtful(job)
            except AdapterError as error:
                return self._again(job, error)
        await self._retire(job)
        return None

    async def _doubtful(self, job: Job) -> None:
        """Say that a result may not have arrived, with a button that shows it."""
        log.warning("a result may not have arrived", extra={"job": job.id})
        say = translator(job.lang)
        show = Action(
            token=secrets.token_urlsafe(10),
            verb=Verb.SHOW,
            owner=job.owner,
            job=job.id,
            key="doubtful",
            label=mark("Show it"),
            emoji="🖼️",
            created_at=self._clock(),
        )
        (show,) = await self._store.add_actions([show])
        words = say("The chat's answer was lost twice, so this may or may not have arrived.")
        message = Message(
            f"{cards.headline(say, job, 80)}\n{words}",
            buttons=(cards.button(say, show),),
            mention=cards.requester(job),
            private=job.place.hidden,
        )
        try:
            await self._outbox.send(job.place, message, nonce=f"{job.id}-d", reply_to=job.origin)
        except AdapterError as error:
            log.warning("that was not said: %s", type(error).__name__, extra={"job": job.id})

    async def _show_result(self, job: Job) -> None:
        """Send the result; without its files where they are lost or no chat of this kind takes
        them, and saying so.
        """
        say, card = translator(job.lang), await self.card(job)
        if not all(self._archive.has(media) for media in job.media):
            log.error("a result's file is not in the archive", extra={"job": job.id})
            card = _bare(card, say("The file itself is not in the archive any more."))
        try:
            await self._place(job, card, f"{job.id}-r")
        except TooBig as error:
            # Smaller pictures were tried; another nonce, for parts of the card may be there.
            most = 0 if any(m.mime.startswith("image/") for m in job.media) else error.limit
            try:
                await self._place(job, await self.card(job, most), f"{job.id}-l")
            except TooBig:
                await self._place(job, await self.card(job, 0), f"{job.id}-b")

    async def _place(
        self, job: Job, message: Message, nonce: str, instead: Ref | None = None
    ) -> None:
        """Send a message, or change `instead` to it, and store where it is.

        While the store does not take that, this life remembers it and does not send again.
        """
        if job.id not in self._placed:
            self._placed[job.id] = (
                await self._outbox.edit(job.place, instead, message)
                if instead is not None
                else await self._outbox.send(job.place, message, nonce=nonce, reply_to=job.origin)
            )
        await self._store.set_result(job.id, self._placed[job.id])
        self._placed.pop(job.id, None)

    async def tell(self, job: Job, closing: Entry | None) -> Pause | None:
        """Tell a person how a job ended without a result; None when that is done."""
        say = translator(job.lang)
        actions = await self._store.actions_of(job.id)
        message = cards.ended(say, job, actions, cards.cost(say, job, closing))
        try:
            if job.result is None:
                await self._show_end(job, message)
        except MaybeSent:
            if job.id not in self._doubted:
                self._doubted.add(job.id)
                return 5.0, MAYBE
        except AdapterError as error:
            return self._again(job, error)
        await self._retire(job)
        return None

    async def _show_end(self, job: Job, message: Message) -> None:
        """A cancelled job's own message says so; other ends come as new messages, since edits
        notify nobody.
        """
        fresh = await self._store.job(job.id)
        status = fresh.status if fresh and job.state is State.CANCELLED else None
        try:
            await self._place(job, message, f"{job.id}-e{job.looks}", status)
        except MessageGone:
            return
        if status is not None:
            await self._store.drop_status(job.id)

    async def question(self, job: Job) -> None:
        """Ask the person what a waiting job needs; the progress message has the button as well."""
        say = translator(job.lang)
        actions = [a for a in await self._store.actions_of(job.id) if a.verb is Verb.FILL]
        lines = [cards.headline(say, job, 200), say("This needs an answer from you to go on.")]
        if more := answer_price(job, self._offers):
            lines.append(say("Answering costs another {price}.", price=money(more)))
        limits = self._outbox.adapter(job.place.platform).limits(job.place)
        windows = self._paints and limits.windows
        buttons = tuple(cards.button(say, a, windows=windows) for a in actions)
        words = "\n".join(lines)
        message = Message(words, buttons=buttons, mention=cards.requester(job))
        try:
            await self._outbox.send(job.place, message, nonce=f"{job.id}-q", reply_to=job.origin)
        except AdapterError as error:
            log.warning("a question was not shown: %s", type(error).__name__, extra={"job": job.id})

    def _again(self, job: Job, error: AdapterError) -> Pause | None:
        """When to try a failed send again; None when it never can."""
        if isinstance(error, ChatGone):
            log.warning("the chat is closed; /show brings it elsewhere", extra={"job": job.id})
            return None
        if isinstance(error, SlowDown):
            return error.retry_after, job.note
        log.info("not sent yet: %s", type(error).__name__, extra={"job": job.id})
        return min(2.0 ** min(job.tries, 9), 300.0), job.note

    async def _retire(self, job: Job) -> None:
        """Remove the progress message and the previews."""
        self._outbox.forget(job.place, job.id)
        self._doubted.discard(job.id)
        self._said.pop(job.id, None)
        for preview in self._previews.pop(job.id, _Previews(0)).media:
            await self._archive.discard(preview)
        fresh = await self._store.job(job.id)
        if fresh is None or fresh.status is None:
            return
        try:
            if fresh.result is None or fresh.result.message != fresh.status.message:
                await self._outbox.delete(job.place, fresh.status)
        except AdapterError as error:
            log.info("a progress message stays: %s", type(error).__name__, extra={"job": job.id})
        await self._store.drop_status(job.id)

    # -- drawing progress (the outbox's Painter) -----------------------------------------------

    async def status(
        self, job_id: str, *, listed: bool = False
    ) -> tuple[Message, Ref | None] | None:
        """The progress message of a live job, drawn from its row as it is now."""
        found = await self._store.with_actions(job_id)
        if found is None:
            return None
        job, actions = found
        if job.state not in LIVE or job.result is not None:
            return None
        if job.status is None and job.state in (State.FETCHING, State.READY):
            return None  # its result is about to come: a new message would come after it
        say = translator(job.lang)
        seen = self._previews.get(job.id, _Previews(0)).media
        preview = seen[-1] if seen else None
        stream = self._said.get(job.id)
        said = stream.text if stream is not None else ""
        standing = replace(await self.standing(job), said=said, listed=listed)
        return cards.status(say, job, standing, actions, preview), job.status

    async def shown(self, job_id: str, ref: Ref) -> None:
        """Remember where a progress message is; one that came too late is removed."""
        job = await self._store.set_status(job_id, ref)
        if job is None:
            return
        if job.result is not None or (job.state not in LIVE and not job.wake_at):
            await self._retire(replace(job, status=ref))

    async def board(self, place: Place, job_ids: list[str]) -> Message | None:
        """The list of all live jobs of a chat."""
        rows: list[tuple[Job, cards.Standing]] = []
        actions: list[Action] = []
        for job_id in job_ids:
            job, offered = await self._store.with_actions(job_id) or (None, ())
            if job is not None and job.state in LIVE and not (job.shown or job.place.hidden):
                rows.append((job, await self.standing(job)))
                actions += offered
        return cards.board(translator(rows[0][0].lang), rows, actions) if rows else None

    async def board_ref(self, place: Place) -> Ref | None:
        """Where the chat's board is."""
        note = await self._store.kept(f"board:{place.key}")
        return None if not note or note.startswith(BOARD) else _REF.validate_json(note)

    async def board_nonce(self, place: Place) -> str:
        """The nonce of the chat's next board: the same until its ref is set, over restarts too."""
        note = await self._store.kept(f"board:{place.key}")
        if note and note.startswith(BOARD):
            return note
        nonce = f"{BOARD}{secrets.token_hex(6)}"
        await self._store.keep(f"board:{place.key}", nonce)
        return nonce

    async def set_board_ref(self, place: Place, ref: Ref | None) -> None:
        """Remember or forget where the board is."""
        if ref is None:
            await self._store.drop(f"board:{place.key}")
        else:
            await self._store.keep(f"board:{place.key}", _REF.dump_json(ref).decode())

    async def standing(self, job: Job) -> cards.Standing:
        """Place in the queue and time left."""
        offer = self._offers.get(job.request.offer)
        bar = self._outbox.adapter(job.place.platform).limits(job.place).bar
        if offer is None:
            return cards.Standing(bar=bar)
        now = self._clock()
        if job.state is State.QUEUED:
            ahead, _ = await self._store.queue_place(job.id)
            left = self._pace.wait(offer, ahead, self._parallel)
            return cards.Standing(ahead, left, bar=bar)
        if job.state is State.SUBMITTING and offer.sync:
            typical = self._pace.quantile(offer, 0.5)
            left = typical - (now - job.created_at)
            return cards.Standing(0, max(left, 0.0), left < -typical, bar)
        if job.state is State.RUNNING and job.submitted_at:
            left, late = self._pace.left(offer, job, now), self._pace.late(offer, job, now)
            return cards.Standing(0, left, late, bar)
        return cards.Standing(bar=bar)

    # -- showing again -------------------------------------------------------------------------

    async def again(self, job: Job, place: Place, lead: str = "") -> Message:
        """A finished job's card for any chat, with its current buttons. Raises `Gone` when its
        files are lost.
        """
        for media in job.media:
            if not self._archive.has(media):
                raise Gone(mark("The picture of {job} is not in the archive any more."), job=job.id)
        message = await self.card(replace(job, place=place))
        return replace(message, text=f"{lead}\n\n{message.text}") if lead else message

    def originals(self, job: Job, place: Place) -> Message:
        """A job's files, untouched; links to those that are too big for the chat."""
        most = self._outbox.adapter(place.platform).limits(place).file_bytes
        media = tuple(replace(m, spoiler=m.spoiler or place.spoiler) for m in job.media)
        left = [m for m in media if m.size > most]
        text = f"`{job.id}`{self._apart(translator(job.lang), left)}"
        return Message(text, tuple(m for m in media if m.size <= most), as_file=True)


async def _decoded(url: str) -> AsyncIterator[bytes]:
    """The bytes of a `data:` address. Raises `BadInput` for one that is broken."""
    _, _, data = url.partition(",")
    try:
        yield await asyncio.to_thread(base64.b64decode, data.encode("ascii", "replace"))
    except ValueError:
        raise BadInput(mark("The image service sent a broken file.")) from None


def _bare(card: Message, note: str) -> Message:
    """A card without its files, saying why."""
    return replace(card, media=(), text=f"{card.text}\n\n{note}")
