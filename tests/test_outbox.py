"""The outbox: results first, budgets kept, one chat's trouble its own; in simulated time, with a
scripted chat platform.
"""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from core.archive import Archive
from core.errors import (
    AdapterError,
    ChatGone,
    MaybeSent,
    Offline,
    SlowDown,
    TooBig,
)
from core.messages import Limits, Media, Message, Place, Ref
from core.outbox import Outbox
from tests.chats import CHANNEL, GROUP, KINDS, Board, Chat, Scene, most_in_a_window, play
from tests.pictures import picture, put
from tests.simulated import now, simulate

# -- results first -----------------------------------------------------------------------------


@pytest.mark.parametrize(("jobs", "limits"), [(10, CHANNEL), (10, KINDS), (5, GROUP)])
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
    filled = [c.what for c in chat.calls if c.message and "on the board" in c.message.text]
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


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("jobs", "limits"), [(10, KINDS), (5, GROUP)])
def test_what_is_read_is_shown_within_five_seconds(
    tmp_path: Path, jobs: int, limits: Limits, seed: int
) -> None:
    """From the first look at a job to its last, as looks come, however the jobs are mixed."""
    dice = random.Random(seed)
    read: dict[str, int] = {}
    looks: list[tuple[float, str, int]] = []
    ends: dict[str, float] = {}

    async def one(scene: Scene, job: str, start: float, lasts: float) -> None:
        await asyncio.sleep(start)
        begun, look, read[job] = now(), 10.0, 0
        scene.progress(job)
        while look < lasts:
            await asyncio.sleep(begun + look - now())
            read[job] = int(look / lasts * 100)
            looks.append((now(), job, read[job]))
            scene.progress(job)
            look += 15.0 if lasts - look > 18 else 3.5
        await asyncio.sleep(begun + look - now())
        await scene.send(f"{job}-r")
        ends[job] = now()
        scene.forget(job)
        if ref := scene.board.refs.pop(job, None):
            await scene.outbox.delete(scene.place, ref)

    async def story(scene: Scene) -> None:
        scene.board.text = lambda job: f"<{job} {read[job]}>"  # type: ignore[method-assign]
        spans = [40 * dice.lognormvariate(0, 0.25) for _ in range(jobs)]
        await asyncio.gather(*(one(scene, f"j{n}", n, span) for n, span in enumerate(spans)))

    chat = play(tmp_path, story, limits)
    shown = [(c.at, c.message.text) for c in chat.calls if c.message]
    for at, job, percent in looks:
        told = (
            when
            for when, text in shown
            if when >= at and any(int(p) >= percent for p in re.findall(rf"<{job} (\d+)>", text))
        )
        assert min(next(told, ends[job]), ends[job]) - at <= 5.0
    assert most_in_a_window(chat, limits) <= limits.budget


def test_kinds_of_calls_that_stand_apart_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Where sends have used their budget up, an edit and a deletion are made at once."""

    async def story(scene: Scene) -> None:
        await scene.tick(["a"], 3)
        sixth = [asyncio.create_task(scene.send(f"r{n}")) for n in range(6)][-1]
        await asyncio.sleep(1)
        begun = now()
        await scene.outbox.edit(scene.place, scene.board.refs["a"], Message("edited"))
        await scene.outbox.delete(scene.place, scene.board.refs["a"])
        assert now() - begun < 0.5
        assert not sixth.done()
        await sixth

    chat = play(tmp_path, story, KINDS)
    assert most_in_a_window(chat, KINDS) == KINDS.budget


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
    assert len(texts) == len(set(texts)) == 3


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


def test_an_album_takes_a_call_for_each_of_its_files(tmp_path: Path) -> None:
    """Where the platform counts so: what follows an album and its words waits for room."""
    four = tuple(Media(str(n), "image/png", 1) for n in range(4))

    async def story(scene: Scene) -> None:
        album = Message("four", media=four)
        await scene.outbox.send(scene.place, album, nonce="album")
        await scene.send("next")

    first, after = play(tmp_path, story, limits=replace(CHANNEL, each=True)).calls
    assert after.at - first.at > CHANNEL.window - 1
    first, after = play(tmp_path, story, limits=CHANNEL).calls
    assert after.at - first.at < 1


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
        assert 400 < len(scene.outbox._halves) <= 500
        await asyncio.sleep(60)
        assert scene.outbox._lanes == {}, "lanes are freed"

    play(tmp_path, story, SMALL)


# -- redrawing and clearing away ---------------------------------------------------------------


def test_what_is_redrawn_often_is_drawn_once_and_as_it_is_then(tmp_path: Path) -> None:
    """What is asked for while a redrawing waits needs no other; later on it does."""
    ref = Ref("pretend", "one", "grid")
    used: list[str] = []

    async def story(scene: Scene) -> None:
        async def drawn() -> Message:
            return Message(" ".join(used))

        async def press(label: str) -> None:
            used.append(label)
            await scene.outbox.redraw(scene.place, ref, drawn)

        await asyncio.gather(*(scene.send(f"n{n}") for n in range(5)))
        await asyncio.gather(*map(press, ("U1", "U2", "U3", "U4")))
        await press("V1")

    chat = play(tmp_path, story)
    drawn = [c.message.text for c in chat.calls if c.kind == "edit" and c.message]
    assert drawn == ["U1 U2 U3 U4", "U1 U2 U3 U4 V1"]


def test_a_quiet_chat_is_cleared_soon(tmp_path: Path) -> None:
    """Where no job is under way any more, what is over goes at the pace that progress had."""

    async def story(scene: Scene) -> None:
        old = [Ref("pretend", "one", f"old-{n}") for n in range(6)]
        await asyncio.gather(*(scene.outbox.delete(scene.place, ref) for ref in old))

    chat = play(tmp_path, story)
    assert chat.calls[-1].at - chat.calls[0].at < 6.0
    assert most_in_a_window(chat, CHANNEL) <= 3


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


async def test_a_limit_above_the_file_that_was_refused_is_no_help(tmp_path: Path) -> None:
    """Some servers take less than they say: the picture is made smaller than it was."""

    class Boasting(Narrow):
        """Says that it takes 50 MB."""

        async def send(
            self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
        ) -> Ref:
            try:
                return await super().send(place, message, nonce=nonce)
            except TooBig:
                raise TooBig(limit=50_000_000) from None

    archive = Archive(tmp_path)
    media = await put(archive, picture(size=(500, 400)))
    outbox, chat = Outbox(archive, now), Boasting(CHANNEL, 0)
    outbox.attach(chat)
    serving = asyncio.create_task(outbox.run(Board()))
    await outbox.send(Place("pretend", "one"), Message("x", media=(media,)), nonce="n")
    last = chat.calls[-1].message
    assert last is not None
    assert last.media[0].size <= 20_000
    serving.cancel()
