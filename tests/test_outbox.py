"""The outbox: results first, budgets kept, one chat's trouble its own; in simulated time, with a
scripted chat platform.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from core.archive import Archive
from core.errors import (
    AdapterError,
    ChatGone,
    MaybeSent,
    MessageGone,
    Offline,
    SlowDown,
    TooBig,
)
from core.messages import Attachment, Limits, Media, Message, Place, Ref
from core.outbox import Outbox
from tests.simulated import now, simulate
from tests.test_archive import picture, put

CHANNEL = Limits(budget=5, window=5.0, edit_gap=1.0)
"""As a Discord channel: five calls in five seconds."""
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

    def __init__(self, limits: Limits, delay: float = 0.1) -> None:
        self._limits = limits
        self.delay = delay
        self.calls: list[Call] = []
        self.faults: defaultdict[str, list[Exception | None]] = defaultdict(list)
        """By chat, or by kind and chat: what the next calls raise."""

    def limits(self, place: Place) -> Limits:
        return self._limits

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

    async def status(self, job_id: str) -> tuple[Message, Ref | None] | None:
        if self.drawing:
            await self.drawing()
        if job_id in self.ended:
            return None
        return Message(self.text(job_id)), self.refs.get(job_id)

    async def shown(self, job_id: str, ref: Ref) -> None:
        self.refs[job_id] = ref
        if job_id in self.ended:
            self.late.append(ref)

    async def board(self, place: Place, job_ids: list[str]) -> Message | None:
        live = [job for job in job_ids if job not in self.ended]
        return Message("board: " + ", ".join(map(self.text, live))) if live else None

    async def board_ref(self, place: Place) -> Ref | None:
        return self.boards.get(place.key)

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
    """The most calls into one chat in any window."""
    by_chat: defaultdict[str, list[float]] = defaultdict(list)
    for call in chat.calls:
        by_chat[call.chat].append(call.at)
    return max(
        sum(at <= other < at + limits.window for other in times)
        for times in by_chat.values()
        for at in times
    )


# -- results first -----------------------------------------------------------------------------


@pytest.mark.parametrize(("jobs", "limits"), [(10, CHANNEL), (5, GROUP)])
def test_a_busy_chat(tmp_path: Path, jobs: int, limits: Limits) -> None:
    """Ten jobs in a channel, five in a group: a result is shown within a second of being ready,
    what is seen of a running job is never older than five, and the budget is never exceeded.
    """
    dice, waited, ages = random.Random(7), list[float](), list[float]()

    async def one(scene: Scene, job: str, seconds: float) -> None:
        await scene.tick([job], seconds)
        ready = now()
        await scene.send(f"{job}-r")
        waited.append(now() - ready - scene.chat.delay)
        scene.forget(job)
        if ref := scene.board.refs.pop(job, None):
            await scene.outbox.delete(scene.place, ref)

    async def watch(scene: Scene) -> None:
        while True:
            await asyncio.sleep(0.5)
            drawn = [c.at for c in scene.chat.calls if c.message and "board: " in c.message.text]
            if len(scene.board.ended) < jobs - 4 and drawn:
                ages.append(now() - drawn[-1])

    async def story(scene: Scene) -> None:
        scene.board.refs = {f"j{n}": Ref("pretend", "one", f"ack-{n}") for n in range(jobs)}
        watching = asyncio.create_task(watch(scene))
        ends = [20 + 4 * n + dice.random() for n in range(jobs)]
        await asyncio.gather(*(one(scene, f"j{n}", end) for n, end in enumerate(ends)))
        await asyncio.sleep(90)
        watching.cancel()
        assert not scene.board.boards, "the board goes when few are left"

    chat = play(tmp_path, story, limits)
    filled = {c.what for c in chat.calls if c.kind == "edit" and c.what.startswith("ack")}
    assert len(waited) == jobs
    assert max(waited) <= 1.0
    assert not ages or max(ages) <= 5.0
    assert most_in_a_window(chat, limits) <= limits.budget
    assert len(filled) >= jobs // 2, "open answer slots are filled beside the board"


def test_a_quarter_is_kept_for_results(tmp_path: Path) -> None:
    """Progress alone never takes the whole budget of a window."""

    async def story(scene: Scene) -> None:
        await scene.tick(["a", "b", "c"], 30, every=0.1)

    chat = play(tmp_path, story)
    assert most_in_a_window(chat, CHANNEL) == 3


def test_the_stalest_is_drawn_first(tmp_path: Path) -> None:
    """No job is forgotten over one that changes faster."""

    async def story(scene: Scene) -> None:
        scene.progress("slow")
        for _ in range(300):
            scene.progress("a", "b")
            await asyncio.sleep(0.1)
            scene.progress("slow")

    chat = play(tmp_path, story)
    shares = [sum(job in what for what in chat.what("send", "edit")) for job in ("slow", "a", "b")]
    assert max(shares) - min(shares) <= 1


def test_an_unchanged_text_is_never_sent(tmp_path: Path) -> None:
    """Neither as a job's own message nor as a board."""

    async def story(scene: Scene) -> None:
        scene.board.frozen = True
        await scene.tick(["a"], 10)
        await scene.tick(["a", "b", "c", "d"], 20)

    chat = play(tmp_path, story)
    texts = [(c.what, c.message.text) for c in chat.calls if c.message]
    assert len(texts) == len(set(texts)) == 2


def test_a_result_does_not_wait_for_a_drawing(tmp_path: Path) -> None:
    """Nor for a deletion: an edit may hang for a minute, a result goes out at once."""

    async def story(scene: Scene) -> None:
        scene.chat.delay = 60.0
        scene.progress("a")
        await asyncio.sleep(1)
        for n in range(9):
            asyncio.create_task(scene.outbox.delete(scene.place, Ref("pretend", "one", f"d{n}")))  # noqa: RUF006
        result = asyncio.create_task(scene.send("r"))
        await asyncio.sleep(0.5)
        assert "r" in scene.chat.what("send")
        await result

    play(tmp_path, story)


# -- trouble -----------------------------------------------------------------------------------


def test_a_pause_is_kept_by_its_chat_alone(tmp_path: Path) -> None:
    """Nothing goes into it before the time, and everything afterwards, once; others go on."""

    async def story(scene: Scene) -> None:
        scene.chat.faults["one"] = [SlowDown(retry_after=30.0)]
        begun = now()
        one, two = asyncio.create_task(scene.send("r1")), asyncio.create_task(scene.send("r2"))
        await asyncio.sleep(1)
        scene.progress("a")
        await scene.send("other", chat="two")
        assert now() - begun < 2
        await asyncio.gather(one, two)
        await asyncio.sleep(5)

    chat = play(tmp_path, story, delay=0.5)
    times = [call.at for call in chat.calls if call.chat == "one"]
    begun = times[0]
    assert not [at for at in times if begun + 0.6 < at < begun + 30.4]
    assert chat.what("send").count("r1") + chat.what("send").count("r2") == 3


def test_a_long_pause_is_told_to_everybody_who_waits(tmp_path: Path) -> None:
    """So that nobody holds on to what others need; whoever comes meanwhile hears it too."""

    async def story(scene: Scene) -> None:
        scene.chat.faults["one"] = [SlowDown(retry_after=3000.0)]
        got = await asyncio.gather(*(scene.send(f"r{n}") for n in range(8)), return_exceptions=True)
        refused = [one for one in got if isinstance(one, SlowDown)]
        assert len(refused) == 6, "two were on their way already"
        with pytest.raises(SlowDown) as found:
            await scene.send("late")
        assert 2900 < found.value.retry_after <= 3000
        await asyncio.sleep(3001)
        await scene.send("after")

    chat = play(tmp_path, story)
    assert "late" not in chat.what("send")


def test_a_chat_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """Twenty results for a chat where every call takes a minute; another chat's goes at once."""

    async def story(scene: Scene) -> None:
        scene.chat.delay = 60
        hung = [asyncio.create_task(scene.send(f"h{n}", chat="slow")) for n in range(20)]
        await asyncio.sleep(1)
        scene.chat.delay, begun = 0.1, now()
        await scene.send("quick")
        assert now() - begun < 1
        for one in hung:
            one.cancel()

    play(tmp_path, story)


@pytest.mark.parametrize(
    "error", [Offline(), ChatGone(), MaybeSent(), RuntimeError("a bug"), OSError("no file")]
)
def test_an_error_goes_to_its_caller_and_the_lane_goes_on(tmp_path: Path, error: Exception) -> None:
    """Nothing is tried again behind the caller's back."""

    async def story(scene: Scene) -> None:
        scene.chat.faults["one"] = [error]
        with pytest.raises(type(error)):
            await scene.send("r1")
        await scene.send("r2")

    assert play(tmp_path, story).what("send") == ["r1", "r2"]


def test_progress_that_is_not_taken_is_tried_less_and_less(tmp_path: Path) -> None:
    """And never holds a result up."""

    async def story(scene: Scene) -> None:
        scene.chat.faults["edit one"] = [Offline()] * 100
        scene.board.refs["a"] = Ref("pretend", "one", "ack")
        ticking = asyncio.create_task(scene.tick(["a"], 120))
        await asyncio.sleep(60)
        begun = now()
        await scene.send("r")
        assert now() - begun < 1
        await ticking

    assert len(play(tmp_path, story).what("edit")) <= 8


def test_a_caller_who_gives_up_is_not_served(tmp_path: Path) -> None:
    """What waited is not sent."""

    async def story(scene: Scene) -> None:
        waiting = [asyncio.create_task(scene.send(f"r{n}")) for n in range(8)]
        await asyncio.sleep(0.05)
        for one in waiting[5:]:
            one.cancel()
        await asyncio.sleep(30)

    assert play(tmp_path, story).what("send") == [f"r{n}" for n in range(5)]


def test_what_was_asked_for_before_the_start_is_sent(tmp_path: Path) -> None:
    """And a platform that is not there says so."""

    async def main() -> None:
        outbox, chat = Outbox(Archive(tmp_path), now), Chat(CHANNEL)
        with pytest.raises(Offline):
            await outbox.send(Place("pretend", "one"), Message("x"), nonce="n")
        outbox.attach(chat)
        early = asyncio.create_task(outbox.send(Place("pretend", "one"), Message("x"), nonce="n"))
        await asyncio.sleep(1)
        assert outbox.lanes == {"pretend:one:": 1}
        serving = asyncio.create_task(outbox.run(Board()))
        await early
        serving.cancel()

    simulate(main())


# -- messages in parts -------------------------------------------------------------------------

SMALL = replace(CHANNEL, text=100, budget=50)
LONG = " ".join(f"word{n}" for n in range(40))


@pytest.mark.parametrize("error", [Offline(), MaybeSent(), SlowDown(retry_after=100.0)])
def test_a_message_in_parts_goes_on_where_it_broke_off(tmp_path: Path, error: AdapterError) -> None:
    """The parts that arrived are not sent again, only the one that may not have."""

    async def story(scene: Scene) -> None:
        scene.chat.faults["one"] = [None, error]
        with pytest.raises(type(error)):
            await scene.send("n", LONG)
        await asyncio.sleep(200)
        await scene.send("n", LONG)
        await scene.send("n", LONG)

    sent = play(tmp_path, story, SMALL).what("send")
    assert sent[:6] == ["n", "n-1", "n-1", "n-2", "n", "n-1"]
    assert sent[-3:] == ["n", "n-1", "n-2"], "a new message with an old nonce is whole"


def test_only_so_many_half_sent_messages_are_remembered(tmp_path: Path) -> None:
    """What nobody comes back for takes no memory."""

    async def story(scene: Scene) -> None:
        for n in range(600):
            scene.chat.faults[f"c{n}"] = [None, Offline()]
            with suppress(Offline):
                await scene.send(f"n{n}", LONG, chat=f"c{n}")
        await scene.send("last", LONG)
        assert len(scene.outbox._sent) == 500
        await asyncio.sleep(60)
        assert scene.outbox._lanes == {}, "lanes are freed"

    play(tmp_path, story, SMALL)


# -- files that are too big --------------------------------------------------------------------


class Narrow(Chat):
    """Takes files of at most `most` bytes, whatever it said."""

    most = 20_000

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        ref = await super().send(place, message, nonce=nonce)
        if any(media.size > self.most for media in message.media):
            raise TooBig
        return ref


@pytest.mark.parametrize("as_file", [False, True])
async def test_a_file_the_chat_does_not_take(tmp_path: Path, as_file: bool) -> None:
    """A picture is sent smaller until it fits; what is to be untouched, or is no picture, is not
    uploaded again and again.
    """
    archive = Archive(tmp_path)
    media = await put(archive, picture(size=(500, 400)))
    video = Media("b" * 64, "video/mp4", 90_000)
    outbox, chat = Outbox(archive, now), Narrow(CHANNEL, 0)
    outbox.attach(chat)
    place = Place("pretend", "one")
    serving = asyncio.create_task(outbox.run(Board()))
    message = Message("x", media=(media,), as_file=as_file)
    if as_file:
        with pytest.raises(TooBig):
            await outbox.send(place, message, nonce="n")
    else:
        await outbox.send(place, message, nonce="n")
        last = chat.calls[-1].message
        assert last is not None
        assert last.media[0].size <= 20_000
        assert archive.has(media), "the archive keeps the original"
    uploads = len(chat.calls)
    assert uploads == 1 if as_file else uploads <= 4
    with pytest.raises(TooBig):
        await outbox.send(place, Message("x", media=(video,)), nonce="v")
    assert len(chat.calls) == uploads + 1
    serving.cancel()


# -- progress messages that come and go --------------------------------------------------------


def test_a_job_that_ends_while_it_is_drawn(tmp_path: Path) -> None:
    """Between asking what it looks like and sending that: nothing is sent. While it is sent: the
    message is handed over as late, and the lane keeps nothing of the job.
    """

    async def story(scene: Scene) -> None:
        async def ends() -> None:
            scene.forget("a")
            scene.board.ended.clear()

        scene.board.drawing = ends
        scene.progress("a")
        await asyncio.sleep(1)
        assert scene.chat.calls == []
        scene.board.drawing = None
        scene.chat.delay = 5
        scene.progress("b")
        await asyncio.sleep(1)
        scene.forget("b")
        await asyncio.sleep(10)
        assert [ref.message for ref in scene.board.late] == ["b-s"]
        await asyncio.sleep(60)
        assert scene.outbox._lanes == {}

    play(tmp_path, story)


def test_a_progress_message_somebody_took_away_stays_away(tmp_path: Path) -> None:
    """The job's other news are not shown; its result is."""

    async def story(scene: Scene) -> None:
        scene.chat.faults["edit one"] = [MessageGone()]
        await scene.tick(["a"], 20)
        await scene.send("r")

    chat = play(tmp_path, story)
    assert [call.kind for call in chat.calls] == ["send", "edit", "send"]


def test_a_board_that_is_taken_away_comes_again(tmp_path: Path) -> None:
    """Posted anew with the next drawing."""

    async def story(scene: Scene) -> None:
        scene.chat.faults["edit one"] = [MessageGone()]
        await scene.tick(list("abcd"), 20)

    boards = [what for what in play(tmp_path, story).what("send") if what.startswith("board")]
    assert len(boards) == 2


def test_the_board_comes_and_goes(tmp_path: Path) -> None:
    """From the fourth job on, until two are left; these have their own messages again."""

    async def story(scene: Scene) -> None:
        await scene.tick(list("abc"), 10)
        assert not scene.board.boards
        await scene.tick(list("abcd"), 10)
        assert len(scene.board.boards) == 1
        scene.forget("a")
        await scene.tick(list("bcd"), 10)
        assert len(scene.board.boards) == 1
        scene.forget("b")
        await scene.tick(list("cd"), 20)
        assert not scene.board.boards

    chat = play(tmp_path, story)
    board = next(what for what in chat.what("send") if what.startswith("board"))
    assert chat.what("delete") == [board]
    assert {"c-s", "d-s"} <= {call.what for call in chat.calls[-5:]}


def test_a_board_of_an_earlier_life_is_cleared_away(tmp_path: Path) -> None:
    """After a restart with few jobs left; with many it goes on."""

    async def story(scene: Scene) -> None:
        scene.board.boards["pretend:one:"] = Ref("pretend", "one", "old")
        scene.board.boards["pretend:two:"] = Ref("pretend", "two", "kept")
        scene.progress("a")
        await asyncio.sleep(10)
        assert "pretend:one:" not in scene.board.boards
        scene.progress(*"vwxyz", chat="two")
        await asyncio.sleep(10)

    chat = play(tmp_path, story)
    assert chat.what("delete") == ["old"]
    assert "kept" in chat.what("edit")


def test_many_chats_share_a_pace(tmp_path: Path) -> None:
    """Two hundred chats with progress all the time: at most twenty edits a second, everyone's turn
    comes, and a result does not wait.
    """

    async def story(scene: Scene) -> None:
        async def busy(n: int) -> None:
            for _ in range(60):
                scene.progress(f"j{n}", chat=f"c{n}")
                await asyncio.sleep(1)

        everyone = [asyncio.create_task(busy(n)) for n in range(200)]
        await asyncio.sleep(30)
        begun = now()
        await scene.send("r", chat="c7")
        assert now() - begun < 0.5
        await asyncio.gather(*everyone)

    chat = play(tmp_path, story)
    edits = [call for call in chat.calls if call.kind == "edit"]
    assert len({call.chat for call in edits}) == 200
    assert len([c for c in edits if 30 <= c.at - edits[0].at < 40]) <= 205


def test_forgetting_and_coming_back_keeps_the_budget(tmp_path: Path) -> None:
    """A lane that is let go and made anew, many times over, is still one."""

    async def story(scene: Scene) -> None:
        for n in range(60):
            scene.progress(f"j{n}")
            scene.forget(f"j{n}")
            await asyncio.sleep(0.3 if n % 7 else 5.1)
            await scene.send(f"r{n}")
            scene.board.ended.clear()

    assert most_in_a_window(play(tmp_path, story), CHANNEL) <= CHANNEL.budget
