"""A scripted chat platform, what jobs look like in it, and a stage for both in simulated time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.archive import Archive
from core.messages import Attachment, Caller, Limits, Message, Place, Ref
from core.outbox import Outbox
from tests.simulated import now, simulate

CHANNEL = Limits(budget=5, window=5.0, edit_gap=1.0)
"""As a Discord channel: five calls in five seconds."""
KINDS = replace(CHANNEL, apart=True)
"""The same, five of each kind."""
GROUP = Limits(budget=20, window=60.0, edit_gap=3.0)
"""As a Telegram group: twenty messages a minute."""


@dataclass
class Call:
    at: float
    kind: str
    chat: str
    what: str
    message: Message | None = None


class Chat:
    """A chat platform that takes everything, or what `faults` say for the next calls."""

    platform = "pretend"
    entrance = ""

    def __init__(self, limits: Limits, delay: float = 0.1) -> None:
        self._limits = limits
        self.delay = delay
        self.calls: list[Call] = []
        self.faults: defaultdict[str, list[Exception | None]] = defaultdict(list)
        """By chat, or by kind and chat: what the next calls raise."""

    def limits(self, place: Place) -> Limits:
        return self._limits

    async def reads(self, chat: Place, caller: Caller) -> bool:
        """Chats stand alone here."""
        del chat, caller
        return False

    async def around(self, place: Place) -> Sequence[str]:
        """None."""
        del place
        return ()

    def aside(self, place: Place, caller: Caller) -> Place:
        return place

    async def _do(self, kind: str, chat: str, what: str, message: Message | None = None) -> None:
        self.calls.append(Call(now(), kind, chat, what, message))
        await asyncio.sleep(self.delay)
        for key in (f"{kind} {chat}", chat):
            if self.faults[key] and (error := self.faults[key].pop(0)):
                raise error

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        await self._do("send", place.chat, nonce, message)
        return Ref(self.platform, place.chat, nonce)

    async def edit(self, ref: Ref, message: Message) -> Ref:
        await self._do("edit", ref.chat, ref.message, message)
        return ref

    async def whisper(self, ack: Ref, message: Message) -> bool:
        return False

    async def delete(self, ref: Ref) -> None:
        await self._do("delete", ref.chat, ref.message)

    async def locate(self, attachment: Attachment) -> str:
        raise NotImplementedError

    def what(self, *kinds: str) -> list[str]:
        return [call.what for call in self.calls if call.kind in kinds]


@dataclass
class Board:
    """What jobs look like: a text per job, by which the age of what is seen is known."""

    refs: dict[str, Ref] = field(default_factory=dict)
    boards: dict[str, Ref] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    late: list[Ref] = field(default_factory=list)
    frozen: bool = False
    drawing: Callable[[], Awaitable[None]] | None = None

    def text(self, job_id: str) -> str:
        return job_id if self.frozen else f"{job_id} {now():.2f}"

    async def status(
        self, job_id: str, *, listed: bool = False
    ) -> tuple[Message, Ref | None] | None:
        if self.drawing:
            await self.drawing()
        if job_id in self.ended:
            return None
        text = f"{job_id} is on the board" if listed else self.text(job_id)
        return Message(text), self.refs.get(job_id)

    async def shown(self, job_id: str, ref: Ref) -> None:
        self.refs[job_id] = ref
        if job_id in self.ended:
            self.late.append(ref)

    async def board(self, place: Place, job_ids: list[str]) -> Message | None:
        live = [job for job in job_ids if job not in self.ended]
        return Message("board: " + ", ".join(map(self.text, live))) if live else None

    async def board_ref(self, place: Place) -> Ref | None:
        return self.boards.get(place.key)

    async def board_nonce(self, place: Place) -> str:
        return f"board-{place.chat}"[:25]

    async def set_board_ref(self, place: Place, ref: Ref | None) -> None:
        if ref is None:
            self.boards.pop(place.key, None)
        else:
            self.boards[place.key] = ref


@dataclass
class Scene:
    chat: Chat
    board: Board
    outbox: Outbox
    place: Place = field(default_factory=lambda: Place("pretend", "one"))

    async def send(self, nonce: str, text: str = "result", chat: str = "one") -> Ref:
        place = replace(self.place, chat=chat)
        return await self.outbox.send(place, Message(text), nonce=nonce)

    def progress(self, *jobs: str, chat: str = "one") -> None:
        for job in jobs:
            self.outbox.progress(replace(self.place, chat=chat), job)

    def forget(self, *jobs: str, chat: str = "one") -> None:
        self.board.ended |= set(jobs)
        for job in jobs:
            self.outbox.forget(replace(self.place, chat=chat), job)

    async def tick(self, jobs: list[str], seconds: float, every: float = 0.5) -> None:
        """Have the jobs make progress all the time."""
        for _ in range(round(seconds / every)):
            self.progress(*(job for job in jobs if job not in self.board.ended))
            await asyncio.sleep(every)


def play(
    folder: Path,
    story: Callable[[Scene], Awaitable[None]],
    limits: Limits = CHANNEL,
    delay: float = 0.1,
) -> Chat:
    """Run a story with an outbox at work."""

    async def main() -> Chat:
        outbox = Outbox(Archive(folder), now)
        scene = Scene(Chat(limits, delay), Board(), outbox)
        outbox.attach(scene.chat)
        serving = asyncio.create_task(outbox.run(scene.board))
        await story(scene)
        await asyncio.sleep(0)
        assert not serving.done(), "whatever happens, the outbox goes on"
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        return scene.chat

    return simulate(main())


def most_in_a_window(chat: Chat, limits: Limits) -> int:
    """The most calls into one chat in any window, that count together."""
    by_chat: defaultdict[str, list[float]] = defaultdict(list)
    for call in chat.calls:
        by_chat[call.chat + (call.kind if limits.apart else "")].append(call.at)
    return max(
        sum(at <= other < at + limits.window for other in times)
        for times in by_chat.values()
        for at in times
    )
