"""Delivery: results shown at least once and at most once more, ends told, messages cleared away."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.archive import Archive
from core.delivery import MAYBE, Delivery
from core.errors import (
    AdapterError,
    ChatGone,
    MaybeSent,
    MessageGone,
    Offline,
    SlowDown,
    StoreError,
    TooBig,
)
from core.gateway import Gateway, GatewaySettings
from core.jobs import Entry, Job, State
from core.messages import Limits, Media, Message, Place, Ref
from core.outbox import Outbox
from core.pace import Pace
from core.store import Store
from tests.chats import Chat
from tests.making import START, Clock, make_action, make_job
from tests.pictures import picture, put
from tests.test_clips import film as film_of

FULL = """
CREATE TRIGGER full BEFORE UPDATE OF result ON jobs
BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END
"""
WIDE = Limits(budget=1000, window=1.0, edit_gap=0.0)
STATUS = Ref("pretend", "one", "progress")


@dataclass
class Studio:
    store: Store
    archive: Archive
    chat: Chat
    outbox: Outbox
    delivery: Delivery

    async def job(self, state: State = State.READY, **values: object) -> Job:
        """A stored job with a picture and a progress message."""
        media = replace(await put(self.archive, picture()), name="fox.png")
        job = make_job(
            state=state,
            place=Place("pretend", "one"),
            media=(media,),
            submitted_at=START,
            finished_at=START + 34,
            status=STATUS,
            **values,
        )
        await self.store.add_job(job, [make_action(job.id, "cancel", f"t-{job.id}")])
        return job

    async def again(self, job: Job) -> Job:
        """The job as the engine has it at the next try."""
        found = await self.store.job(job.id)
        assert found is not None
        return found

    def sent(self) -> list[Message]:
        return [c.message for c in self.chat.calls if c.kind == "send" and c.message]


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    clock, archive = Clock(), Archive(tmp_path / "archive")
    store = await Store.open(f"sqlite:///{tmp_path}/a.db", clock=clock)
    async with alive(store, archive, Chat(WIDE, 0), clock) as studio:
        yield studio
    await store.close()


@asynccontextmanager
async def alive(store: Store, archive: Archive, chat: Chat, clock: Clock) -> AsyncIterator[Studio]:
    """One life of the program, with what an earlier one left."""
    outbox = Outbox(archive, clock, store)
    outbox.attach(chat)
    delivery = Delivery(
        store=store,
        gateway=Gateway(GatewaySettings(), archive),
        archive=archive,
        offers={},
        outbox=outbox,
        pace=Pace(),
        clock=clock,
        parallel=12,
    )
    serving = asyncio.create_task(outbox.run(delivery))
    yield Studio(store, archive, chat, outbox, delivery)
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


# -- results -----------------------------------------------------------------------------------


async def test_a_result_is_a_new_message_and_the_progress_goes(studio: Studio) -> None:
    """It mentions its requester, carries the picture, is remembered, and is not shown again."""
    job = await studio.job()
    assert await studio.delivery.deliver(job) is None
    (message,) = studio.sent()
    assert message.mention is not None
    assert message.mention.key == job.owner
    assert message.media[0].hash == job.media[0].hash
    assert studio.chat.what("delete") == ["progress"]
    found = await studio.again(job)
    assert (found.result, found.status) == (Ref("pretend", "one", f"{job.id}-r"), None)
    assert await studio.delivery.deliver(found) is None
    assert len(studio.sent()) == 1


async def test_a_lost_answer_is_repeated_once(studio: Studio) -> None:
    """With the same nonce; when it is lost again the person is told, and can have it shown."""
    job = await studio.job()
    studio.chat.faults["send one"] = [MaybeSent(), MaybeSent()]
    pause = await studio.delivery.deliver(job)
    assert pause == (5.0, MAYBE)
    assert await studio.delivery.deliver(replace(job, note=MAYBE)) is None
    assert studio.chat.what("send") == [f"{job.id}-r", f"{job.id}-r", f"{job.id}-d"]
    (button,) = studio.sent()[-1].buttons
    action = await studio.store.action(button.token)
    assert action is not None
    assert (action.verb, action.job) == ("show", job.id)


@pytest.mark.parametrize(
    ("error", "tries", "pause"),
    [
        (Offline(), 0, (1.0, "")),
        (Offline(), 5, (32.0, "")),
        (Offline(), 500, (300.0, "")),
        (SlowDown(retry_after=900.0), 3, (900.0, "")),
        (ChatGone(), 0, None),
    ],
)
async def test_a_failed_send_is_tried_again(
    studio: Studio, error: AdapterError, tries: int, pause: tuple[float, str] | None
) -> None:
    """Less and less often, or when the platform says; never where the chat is closed for good."""
    job = await studio.job(tries=tries)
    studio.chat.faults["send one"] = [error]
    assert await studio.delivery.deliver(job) == pause
    assert (await studio.again(job)).result is None


async def test_a_result_the_chat_finds_too_big_is_told(studio: Studio) -> None:
    """Without the file, with its size; the person is not left without an answer."""
    job = await studio.job()
    studio.chat.faults["send one"] = [TooBig(limit=10)] * 4
    assert await studio.delivery.deliver(job) is None
    last = studio.sent()[-1]
    assert last.media == ()
    assert "too big for this chat" in last.text
    assert (await studio.again(job)).result is not None


async def test_a_video_is_made_smaller_when_the_chat_takes_less_than_it_said(
    studio: Studio,
) -> None:
    """The limit that counts is the one the chat names when it refuses; then it is a link's turn."""
    job = await studio.job()
    film = await put(studio.archive, film_of((320, 180)), name="boat.mp4")
    job = replace(job, media=(film,))
    most = film.size // 2
    studio.chat.faults["send one"] = [TooBig(limit=most)]
    assert await studio.delivery.deliver(job) is None
    (shown,) = studio.sent()[-1].media
    assert shown.hash != film.hash
    assert shown.size <= most
    assert shown.seconds > 1


async def test_a_video_that_cannot_be_smaller_comes_in_parts(studio: Studio) -> None:
    """Each in a message of its own that says which it is; the last has the buttons and is the
    result. What was sent is not sent again after a pause, and a second chat gets the same files.
    """
    job = await studio.job()
    film = await put(studio.archive, film_of((160, 90), 6, gop=12), name="boat.mp4")
    studio.chat._limits = replace(WIDE, file_bytes=film.size * 2 // 5)
    studio.delivery._copies._smaller = nothing  # type: ignore[method-assign]  # as if it took too long
    job = replace(job, media=(film,))
    studio.chat.faults["send one"] = [None, Offline()]
    assert await studio.delivery.deliver(job) == (1.0, "")
    assert await studio.delivery.deliver(job) is None
    names = [f"{job.id}-r", *[f"{job.id}-r-1"] * 2, f"{job.id}-r-2"]
    assert studio.chat.what("send") == names
    first, _, second, last = studio.sent()
    assert [m.text for m in (first, second)] == ["Part 1 of 3", "Part 2 of 3"]
    assert "Part 3 of 3" in last.text
    assert "comes in parts" in last.text
    assert last.mention is not None
    assert first.buttons == second.buttons == ()
    shown = [m.media[0] for m in (first, second, last)]
    assert sum(m.seconds for m in shown) == pytest.approx(6, abs=0.3)
    assert [m.name for m in shown] == [f"boat-part{n}.mp4" for n in (1, 2, 3)]
    found = await studio.again(job)
    assert found.result == Ref("pretend", "one", f"{job.id}-r-2")
    again = await studio.delivery.again(job, Place("pretend", "two"))
    assert [m.hash for m in again.media] == [m.hash for m in shown]


async def test_what_is_too_big_is_told_once(studio: Studio) -> None:
    """One file is too big from the start; of the other the chat says so only when it is sent."""
    small = await put(studio.archive, film_of((160, 90)), name="small.mp4")
    large = await put(studio.archive, film_of((320, 180)), name="large.mp4")
    studio.chat._limits = replace(WIDE, file_bytes=small.size)
    studio.delivery._copies._smaller = nothing  # type: ignore[method-assign]  # as if it took too long
    job = replace(await studio.job(), media=(small, large))
    studio.chat.faults["send one"] = [TooBig(limit=10)]
    assert await studio.delivery.deliver(job) is None
    first, last = studio.sent()
    assert [m.name for m in first.media] == ["small.mp4"]
    assert first.text.count("too big for this chat") == 1
    assert last.media == ()
    assert last.text.count("too big for this chat") == 2


async def test_the_next_life_goes_on_with_a_files_parts(studio: Studio) -> None:
    """The first of three was sent when the program was killed; it is not sent again."""
    film = await put(studio.archive, film_of((160, 90), 6, gop=12), name="boat.mp4")
    studio.chat._limits = replace(WIDE, file_bytes=film.size * 2 // 5)
    studio.delivery._copies._smaller = nothing  # type: ignore[method-assign]  # as if it took too long
    job = replace(await studio.job(), media=(film,))
    studio.chat.faults["send one"] = [None, Offline()]
    assert await studio.delivery.deliver(job) is not None
    chat = Chat(studio.chat._limits, 0)
    async with alive(studio.store, studio.archive, chat, Clock()) as later:
        later.delivery._copies._smaller = nothing  # type: ignore[method-assign]
        assert await later.delivery.deliver(job) is None
    assert chat.what("send") == [f"{job.id}-r-1", f"{job.id}-r-2"]


async def test_a_full_disk_is_not_the_end_of_a_videos_parts(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing can be written the file counts as too big; once it can, it comes in parts."""
    film = await put(studio.archive, film_of((160, 90), 6, gop=12), name="boat.mp4")
    studio.chat._limits = replace(WIDE, file_bytes=film.size * 2 // 5)
    studio.delivery._copies._smaller = nothing  # type: ignore[method-assign]  # as if it took too long
    job = replace(await studio.job(), media=(film,))
    with monkeypatch.context() as patch:
        patch.setattr(studio.archive, "put", full)
        assert "too big for this chat" in (await studio.delivery.card(job)).text
    assert len((await studio.delivery.card(job)).media) == 3


async def full(*_: object, **__: object) -> Media:
    """No room on the disk."""
    raise StoreError


async def nothing(*_: object) -> tuple[()]:
    """No copy."""
    return ()


async def test_a_result_whose_file_is_lost_is_told(studio: Studio) -> None:
    """Somebody emptied the archive: the card comes all the same."""
    job = await studio.job()
    studio.archive.path(job.media[0]).unlink()
    assert await studio.delivery.deliver(job) is None
    (message,) = studio.sent()
    assert message.media == ()
    assert "not in the archive any more" in message.text


async def test_what_was_sent_is_not_sent_again_while_the_store_takes_nothing(
    studio: Studio, tmp_path: Path
) -> None:
    """The disk is full in the moment the result's place is to be stored: later it is."""
    job = await studio.job()
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute(FULL)
        other.commit()
        for _ in range(3):
            with pytest.raises(StoreError, match="disk is full"):
                await studio.delivery.deliver(job)
        other.execute("DROP TRIGGER full")
        other.commit()
    assert await studio.delivery.deliver(job) is None
    assert len(studio.sent()) == 1
    assert (await studio.again(job)).result is not None


async def test_a_progress_message_that_cannot_be_deleted_is_no_matter(studio: Studio) -> None:
    """The result is done, and nobody tries for ever."""
    job = await studio.job()
    studio.chat.faults["delete one"] = [Offline()]
    assert await studio.delivery.deliver(job) is None
    assert (await studio.again(job)).status is None


# -- ends --------------------------------------------------------------------------------------


async def test_a_failed_job_is_told_in_a_new_message(studio: Studio) -> None:
    """With what it cost, and once."""
    job = await studio.job(State.FAILED, note="It was turned down.")
    assert await studio.delivery.tell(job, Entry.REFUND) is None
    (message,) = studio.sent()
    assert "It was turned down." in message.text
    assert "Nothing was charged." in message.text
    assert studio.chat.what("delete") == ["progress"]
    assert await studio.delivery.tell(await studio.again(job), Entry.REFUND) is None
    assert len(studio.sent()) == 1


async def test_a_cancelled_job_says_so_in_its_own_message(studio: Studio) -> None:
    """No new message, nothing deleted; where it was taken away, nothing."""
    job = await studio.job(State.CANCELLED)
    assert await studio.delivery.tell(job, Entry.REFUND) is None
    assert [(c.kind, c.what) for c in studio.chat.calls] == [("edit", "progress")]
    other = await studio.job(State.CANCELLED)
    studio.chat.faults["edit one"] = [MessageGone()]
    assert await studio.delivery.tell(other, Entry.REFUND) is None
    assert studio.sent() == []


async def test_the_end_is_told_once_more_when_its_answer_is_lost(studio: Studio) -> None:
    """Also after failures of another kind; not a third time."""
    job = await studio.job(State.FAILED)
    studio.chat.faults["send one"] = [Offline(), MaybeSent(), MaybeSent()]
    assert await studio.delivery.tell(job, None) == (1.0, "")
    assert await studio.delivery.tell(replace(job, tries=1), None) == (5.0, MAYBE)
    assert await studio.delivery.tell(replace(job, tries=2), None) is None
    assert len(studio.sent()) == 3


# -- progress ----------------------------------------------------------------------------------


async def test_progress_of_a_job_that_is_over_is_not_drawn(studio: Studio) -> None:
    """Neither alone nor on a board."""
    for state in (State.DONE, State.FAILED):
        job = await studio.job(state)
        assert await studio.delivery.status(job.id) is None
        assert await studio.delivery.board(job.place, [job.id]) is None
    shown = await studio.job(State.READY, result=Ref("pretend", "one", "there"))
    assert await studio.delivery.status(shown.id) is None
    assert await studio.delivery.board(shown.place, [shown.id]) is None
    assert await studio.delivery.status("nobody") is None


async def test_no_progress_message_begins_when_the_result_is_there(studio: Studio) -> None:
    """It would come after the result; one that is there already says that it is on its way."""
    for state in (State.FETCHING, State.READY):
        job = await studio.job(state)
        assert await studio.delivery.status(job.id) is not None
        await studio.store.drop_status(job.id)
        assert await studio.delivery.status(job.id) is None


async def test_a_progress_message_that_comes_late_is_removed(studio: Studio) -> None:
    """The job ended while it was on its way."""
    job = await studio.job(State.DONE, wake_at=0.0)
    await studio.delivery.shown(job.id, Ref("pretend", "one", "late"))
    assert studio.chat.what("delete") == ["late"]
    live = await studio.job(State.RUNNING)
    await studio.delivery.shown(live.id, Ref("pretend", "one", "new"))
    assert (await studio.again(live)).status == Ref("pretend", "one", "new")
    assert studio.chat.what("delete") == ["late"]


async def test_a_board_is_remembered_over_a_restart(studio: Studio) -> None:
    """Per chat, until it is cleared away."""
    place, ref = Place("pretend", "one", door="x"), Ref("pretend", "one", "b", door="y")
    assert await studio.delivery.board_ref(place) is None
    await studio.delivery.set_board_ref(place, ref)
    assert await studio.delivery.board_ref(replace(place, door="other")) == ref
    await studio.delivery.set_board_ref(place, None)
    assert await studio.delivery.board_ref(place) is None


async def test_a_board_whose_sending_was_cut_off_is_sent_as_the_same(studio: Studio) -> None:
    """A platform that knows nonces shows it once; the board after it is another."""
    place = Place("pretend", "one")
    nonce = await studio.delivery.board_nonce(place)
    assert await studio.delivery.board_nonce(place) == nonce
    assert await studio.delivery.board_ref(place) is None
    assert len(nonce) <= 25
    await studio.delivery.set_board_ref(place, Ref("pretend", "one", "b"))
    await studio.delivery.set_board_ref(place, None)
    assert await studio.delivery.board_nonce(place) != nonce


async def test_a_board_lists_live_jobs_only(studio: Studio) -> None:
    """In the first one's language, with a way to stop each."""
    jobs = [await studio.job(state) for state in (State.RUNNING, State.DONE, State.QUEUED)]
    message = await studio.delivery.board(jobs[0].place, [job.id for job in jobs])
    assert message is not None
    assert "2 " in message.text
    assert message.media == ()
