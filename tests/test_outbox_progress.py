"""The outbox's progress messages: they come and go with their jobs, and a board stands for many."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from core.archive import Archive
from core.errors import MessageGone
from core.messages import Limits, Message, Ref
from core.outbox import Outbox
from tests.chats import CHANNEL, GROUP, KINDS, Board, Chat, Scene, most_in_a_window, play
from tests.simulated import now, simulate

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


def test_the_board_waits_for_more_news_where_calls_are_few(tmp_path: Path) -> None:
    """What four jobs tell within four seconds is one edit; no news is older than that."""

    async def story(scene: Scene) -> None:
        await scene.tick(list("abcd"), 1)
        await asyncio.sleep(30)
        before, begun = len(scene.chat.calls), now()
        for job in "abcd":
            scene.progress(job)
            await asyncio.sleep(1.2)
        (edit,) = scene.chat.calls[before:]
        assert edit.at - begun <= 4.1

    play(tmp_path, story, GROUP)


def test_the_board_stays_until_there_is_room_for_its_jobs_own_messages(tmp_path: Path) -> None:
    """With half the calls used up it goes on and tells of the two jobs left; later it goes."""

    async def story(scene: Scene) -> None:
        await scene.tick(list("abcd"), 20)
        await asyncio.gather(*(scene.send(f"r{n}") for n in range(6)))
        scene.forget("a", "b")
        await scene.tick(list("cd"), 8)
        assert scene.board.boards
        assert (scene.chat.calls[-1].message or Message()).text.startswith("board: c")
        await asyncio.sleep(60)
        assert not scene.board.boards

    play(tmp_path, story, GROUP)


@pytest.mark.parametrize("limits", [CHANNEL, KINDS])
def test_a_drawing_whose_room_went_into_results(tmp_path: Path, limits: Limits) -> None:
    """While it was asked what it looks like, answers used the budget up: it comes later."""

    async def story(scene: Scene) -> None:
        async def answers() -> None:
            scene.board.drawing = None
            ref = Ref("pretend", "one", "panel")
            edits = (scene.outbox.edit(scene.place, ref, Message("panel")) for _ in range(5))
            await asyncio.gather(*edits)

        scene.board.refs["a"] = Ref("pretend", "one", "slot")
        scene.board.drawing = answers
        scene.progress("a")
        await asyncio.sleep(10)

    chat = play(tmp_path, story, limits)
    assert chat.what("edit")[-1] == "slot"
    assert most_in_a_window(chat, limits) <= limits.budget


def test_own_messages_point_to_the_board(tmp_path: Path) -> None:
    """While there is one no job's own message shows an old state: each says once where to look, an
    open answer slot too, and a job without one gets none.
    """

    async def story(scene: Scene) -> None:
        scene.board.refs["d"] = Ref("pretend", "one", "slot")
        await scene.tick(list("abc"), 10)
        await asyncio.sleep(1)  # what is on its way arrives
        before = len(scene.chat.calls)
        await scene.tick(list("abcde"), 40)
        own = [c for c in scene.chat.calls[before:] if c.what in ("a-s", "b-s", "c-s", "slot")]
        assert sorted(c.what for c in own) == ["a-s", "b-s", "c-s", "slot"]
        assert all(c.message and "on the board" in c.message.text for c in own)
        assert "e-s" not in scene.chat.what("send")
        scene.forget("a", "b", "c")
        await scene.tick(list("de"), 20)
        assert "on the board" not in (scene.chat.calls[-1].message or Message()).text

    play(tmp_path, story)


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


def test_a_stop_begins_nothing_more(tmp_path: Path) -> None:
    """What becomes due while it stops, or afterwards, is no trouble."""

    async def main() -> None:
        scene = Scene(Chat(CHANNEL), Board(), Outbox(Archive(tmp_path), now))
        scene.outbox.attach(scene.chat)
        serving = asyncio.create_task(scene.outbox.run(scene.board))
        ticking = asyncio.create_task(scene.tick(list("abcdef"), 60, every=0.01))
        await asyncio.sleep(20)
        serving.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
            scene.progress("g", chat="two")
        with suppress(asyncio.CancelledError):
            await serving
        await ticking
        assert serving.cancelled()

    simulate(main())


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
