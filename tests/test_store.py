"""The store's contract, the same on both databases: what it takes is there, once, and guarded."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from core.errors import StoreError
from core.jobs import Entry, IllegalMoveError, Job, State
from core.messages import Ref
from core.store import Store
from tests.making import START, Clock, make_action, make_job
from tests.stores import clock, postgres, store, url

__all__ = ["clock", "postgres", "store", "url"]


async def started(store: Store, job: Job, worker: str = "w") -> Job:
    """The job as its worker has it after it was claimed for its submit."""
    await store.add_job(job)
    (claimed,) = await store.claim_queued(
        worker, now=START + 10, until=START + 100, slots=1, per_person=0
    )
    return claimed


# -- events ------------------------------------------------------------------------------------


async def test_an_event_is_new_once(store: Store) -> None:
    """Taken in twice, at once or later, it is handed out a single time, and in order."""
    found = [("b", "1"), ("a", "2"), ("b", "again")]
    assert await store.take_in("telegram", found) == [("b", "1"), ("a", "2")]
    assert await store.take_in("telegram", [("a", "other"), ("c", "3")]) == [("c", "3")]
    assert await store.take_in("telegram", []) == []
    assert await store.pending("telegram") == [("b", "1"), ("a", "2"), ("c", "3")]
    assert await store.pending("discord") == []


async def test_two_intakes_at_once_share_an_event_out(store: Store) -> None:
    """Of twenty intakes of one event at the same time, one gets it."""
    got = await asyncio.gather(*(store.take_in("web", [("same", "x")]) for _ in range(20)))
    assert sum(map(len, got)) == 1


async def test_a_finished_event_is_not_pending_and_still_known(store: Store, clock: Clock) -> None:
    """Finishing closes it; it comes again as known until it is tidied away."""
    await store.take_in("web", [("a", "1"), ("b", "2")])
    await store.finish("a")
    assert await store.pending("web") == [("b", "2")]
    assert await store.take_in("web", [("a", "1")]) == []
    clock.now += 100
    assert await store.tidy(clock.now - 50) == 1
    assert await store.take_in("web", [("a", "1")]) == [("a", "1")]
    assert await store.tidy(clock.now - 50) == 0, "what is open is never tidied away"


# -- jobs --------------------------------------------------------------------------------------


async def test_a_job_comes_back_as_it_was_stored(store: Store) -> None:
    """Every field survives, and the event is closed in the same commit."""
    await store.take_in("web", [("e", "body")])
    job = make_job(origin=Ref("web", "room", "7"), status=Ref("web", "room", "8", "door"))
    stop = make_action(job.id, "cancel", "tok")
    assert await store.add_job(job, [stop], finish="e") == job
    assert await store.job(job.id) == job
    assert await store.actions_of(job.id) == [stop]
    assert await store.pending("web") == []
    assert await store.ledger(job.id) == [(Entry.HOLD, job.price, "held", START)]
    assert await store.job("nobody") is None


async def test_one_event_makes_one_job(store: Store) -> None:
    """The second finds the first one's job; there is one hold; its event is closed all the same."""
    first, second = make_job(), replace(make_job(), event_key="same")
    first = replace(first, event_key="same")
    await store.take_in("web", [("again", "body")])
    assert await store.add_job(first) == first
    assert await store.add_job(second, finish="again") == first
    assert await store.job(second.id) is None
    assert await store.ledger(second.id) == []
    assert await store.pending("web") == []


async def test_a_job_made_ahead_of_its_event_shares_its_commit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One commit has both; the event is closed, and is known when it comes again."""
    commits: list[int] = []
    transact = store._database.transact

    async def counted(ops: Any, **more: Any) -> list[Any]:
        commits.append(len(ops))
        return await transact(ops, **more)

    monkeypatch.setattr(store._database, "transact", counted)
    job = make_job(event_key="e#1")
    taking = asyncio.ensure_future(store.take_in("web", [("e", "body")], ahead=True))
    await asyncio.sleep(0)
    assert await store.add_job(job, finish="e", ahead=True) == job
    assert await taking == [("e", "body")]
    assert commits == [2]
    assert await store.pending("web") == []
    assert await store.take_in("web", [("e", "body")], ahead=True) == []


async def test_nothing_is_made_ahead_of_an_event_that_is_not_there_or_was_closed(
    store: Store,
) -> None:
    """Neither a job nor a hold; of one that is still open its job is made, and made once."""
    job, twin = make_job(event_key="e#1"), make_job(event_key="e#1")
    assert await store.add_job(job, finish="e", ahead=True) is None
    await store.take_in("web", [("e", "body")])
    assert await store.add_job(job, finish="e", ahead=True) == job
    assert await store.add_job(twin, finish="e", ahead=True) is None
    await store.take_in("web", [("f", "body")])
    await store.finish("f")
    assert await store.add_job(make_job(event_key="f#1"), finish="f", ahead=True) is None
    assert [one.id for one in await store.live()] == [job.id]
    assert await store.ledger(twin.id) == []


async def test_many_presses_of_one_button_make_one_job(store: Store) -> None:
    """Fifty at the same time, each from an event of its own: one job, one hold."""
    wanted = [make_job(once_key="p:U1", parent="p") for _ in range(50)]
    kept = await asyncio.gather(*(store.add_job(job) for job in wanted))
    assert len({job.id for job in kept}) == 1
    holds = [await store.ledger(job.id) for job in wanted]
    assert sum(map(len, holds)) == 1
    assert (await store.child("p:U1")) == kept[0]
    assert await store.children("p") == {"U1": kept[0].id}
    assert await store.children("q") == {}


async def test_an_event_that_comes_again_finds_its_own_job_first(store: Store) -> None:
    """Where its event and its button name two jobs, the event's counts."""
    mine, other = make_job(event_key="mine"), make_job(once_key="p:U1")
    await store.add_job(mine)
    await store.add_job(other)
    assert await store.add_job(make_job(event_key="mine", once_key="p:U1")) == mine


async def test_a_job_id_that_is_taken_harms_nobody(store: Store) -> None:
    """Another job of the same id is refused, with everything that came with it."""
    first = make_job(event_key=None)
    await store.add_job(first)
    with pytest.raises(StoreError):
        await store.add_job(replace(first, owner="web:bob"), [make_action(first.id, "x", "t")])
    assert await store.job(first.id) == first
    assert await store.actions_of(first.id) == []
    assert await store.add_job(first) == first, "the very same one is found"


async def test_a_save_takes_only_from_who_has_the_job(store: Store) -> None:
    """Another lease or another state saves nothing: no row, no money, no button."""
    job = await started(store, make_job())
    after = replace(job, state=State.FAILED, lease="", lease_until=0.0)
    refund = ((Entry.REFUND, job.price, "refused"),)
    button = [make_action(job.id, "again", "tok")]
    for before in (replace(job, lease="other"), replace(job, state=State.QUEUED)):
        assert not await store.save(before, after, ledger=refund, actions=button)
    assert await store.job(job.id) == job
    assert await store.actions_of(job.id) == []
    assert len(await store.ledger(job.id)) == 1
    assert await store.save(job, after, ledger=refund, actions=button)
    assert not await store.save(job, after), "the lease is given back"
    assert (await store.ledger(job.id))[1][:2] == (Entry.REFUND, job.price)


async def test_illegal_moves_are_refused_before_the_database(store: Store) -> None:
    """No arrow, no commit, alone or with others."""
    job = await started(store, make_job())
    done = replace(job, state=State.DONE)
    with pytest.raises(IllegalMoveError):
        await store.save(job, done)
    with pytest.raises(IllegalMoveError):
        await store.save_many([(job, job), (job, done)])
    assert (await store.job(job.id)) == job


async def test_a_hold_is_closed_once(store: Store) -> None:
    """Whatever is booked afterwards, a job has one hold and at most one closing entry."""
    job = await started(store, make_job())
    failed = replace(job, state=State.FAILED)
    assert await store.save(job, failed, ledger=((Entry.REFUND, 50_000, "refused"),))
    running = replace(failed, state=State.RUNNING)
    assert await store.save(failed, running, ledger=((Entry.HOLD, 50_000, "again"),))
    ready = replace(running, state=State.READY)
    assert await store.save(running, ready, ledger=((Entry.SETTLE, 50_000, "done"),))
    assert [(e, note) for e, _, note, _ in await store.ledger(job.id)] == [
        (Entry.HOLD, "held"),
        (Entry.REFUND, "refused"),
    ]


async def test_a_step_leaves_what_happens_beside_it(store: Store) -> None:
    """Refs and the wish to stop are not overwritten by a step that knew nothing of them."""
    job = await started(store, make_job())
    await store.set_status(job.id, Ref("web", "room", "9"))
    await store.set_result(job.id, Ref("web", "room", "10"))
    await store.set_asked(job.id)
    assert await store.save(job, replace(job, state=State.RUNNING, percent=40))
    found = await store.job(job.id)
    assert found is not None
    assert (found.percent, found.asked) == (40, True)
    assert (found.status, found.result) == (Ref("web", "room", "9"), Ref("web", "room", "10"))
    await store.drop_status(job.id)
    await store.revive(job.id)
    found = await store.job(job.id)
    assert found is not None
    assert found.status is None
    assert found.result is None


async def test_a_wish_to_stop_is_heard_at_once(store: Store, clock: Clock) -> None:
    """Asked for while a step is under way, it makes the job due as soon as the step is saved."""
    job = await started(store, make_job())
    asked = await store.request_cancel(job.id, clock.now)
    assert asked is not None
    assert asked.cancel
    running = replace(job, state=State.RUNNING, wake_at=START + 500, lease="", lease_until=0.0)
    assert await store.save(job, running)
    (due,) = await store.claim("w", now=clock.now, until=START + 60, limit=10)
    assert due.cancel
    assert due.state is State.RUNNING
    again = replace(due, wake_at=START + 900, lease="", lease_until=0.0)
    assert await store.save_many([(due, again)]) == [True]
    assert await store.claim("w", now=clock.now, until=START + 60, limit=10) == [], (
        "a step that knew of it may put it off"
    )


async def test_a_press_that_stops_a_job_is_closed_with_it(store: Store) -> None:
    """In one commit; where it is too late, it stays open for its answer."""
    await store.take_in("web", [("stop", "{}"), ("late", "{}")])
    await store.add_job(going := make_job(1, state=State.RUNNING))
    await store.add_job(done := make_job(2, state=State.DONE))
    assert await store.request_cancel(going.id, START, finish="stop") is not None
    assert await store.request_cancel(done.id, START, finish="late") is None
    assert [key for key, _ in await store.pending("web")] == ["late"]


@pytest.mark.parametrize("state", [State.FETCHING, State.READY, State.DONE, State.UNSURE])
async def test_a_wish_to_stop_can_be_too_late(store: Store, state: State) -> None:
    """What is finished is not stopped."""
    job = make_job(state=state)
    await store.add_job(job)
    assert await store.request_cancel(job.id, START) is None
    assert await store.request_cancel("nobody", START) is None
    found = await store.job(job.id)
    assert found is not None
    assert not found.cancel


async def test_lists_and_counts(store: Store) -> None:
    """A person's jobs newest first, live ones oldest first, durations of finished ones."""
    states = [State.DONE, State.RUNNING, State.QUEUED, State.FAILED]
    made = [
        make_job(n, state=s, submitted_at=START, finished_at=START + 10 * n if n == 1 else 0.0)
        for n, s in enumerate(states, 1)
    ]
    for job in [*made, make_job(9, owner="web:bob")]:
        await store.add_job(job)
    assert [j.id for j in await store.jobs_of("web:ann")] == ["j4", "j3", "j2", "j1"]
    assert [j.id for j in await store.jobs_of("web:ann", limit=1)] == ["j4"]
    assert [j.id for j in await store.jobs_of("web:ann", states={State.DONE})] == ["j1"]
    assert [j.id for j in await store.live()] == ["j2", "j3", "j9"]
    assert await store.counts() == {
        State.DONE: 1,
        State.RUNNING: 1,
        State.QUEUED: 2,
        State.FAILED: 1,
    }
    assert await store.durations("midjourney") == [10.0]
    assert await store.durations("other") == []


# -- buttons, people, notes --------------------------------------------------------------------


async def test_a_button_keeps_its_token(store: Store) -> None:
    """The same (job, key) again has the first one's token; a token is read back whole."""
    first = make_action("p", "U1", "one", values={"command": "imagine"}, created_at=START)
    again, other = make_action("p", "U1", "two"), make_action("p", "U2", "three")
    assert await store.add_actions([first]) == [first]
    kept = await store.add_actions([other, again])
    assert [a.token for a in kept] == ["three", "one"]
    assert await store.action("one") == first
    assert await store.action("two") is None
    assert await store.action("' OR 1=1 --") is None
    assert await store.add_actions([]) == []


async def test_actions_keep_their_order(store: Store) -> None:
    """As many as Midjourney has, in the order they were given."""
    made = [make_action("p", f"k{n}", f"t{n}") for n in (3, 1, 2, 11, 10)]
    await store.add_actions(made)
    assert await store.actions_of("p") == made


async def test_settings_merge(store: Store) -> None:
    """What is set at the same time is all kept; an empty string removes."""
    assert await store.person("web:ann") == {}
    changes = [{f"k{n}": str(n)} for n in range(20)]
    await asyncio.gather(*(store.set_person("web:ann", one) for one in changes))
    assert await store.person("web:ann") == {f"k{n}": str(n) for n in range(20)}
    await store.set_person("web:ann", {"k0": "", "k1": "x", **{f"k{n}": "" for n in range(2, 20)}})
    assert await store.person("web:ann") == {"k1": "x"}
    assert await store.person("web:bob") == {}


@pytest.mark.parametrize("known", [2, 3, 10])
async def test_settings_are_there_after_a_restart(
    url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    """Whether all people can be kept at hand, or not."""
    monkeypatch.setattr("core.store.people.KNOWN", known)
    for turn in ("1", "2"):
        store = await Store.open(url, clock=clock)
        for name in ("ann", "bob", "cid"):
            assert await store.person(name) == ({"k": "1"} if turn == "2" else {})
            await store.set_person(name, {"k": turn})
            assert await store.person(name) == {"k": turn}
        assert await store.person("dan") == {}
        await store.close()


async def test_a_note_is_dropped_by_one(store: Store, clock: Clock) -> None:
    """Of many who drop it, one hears True; notes with an end are tidied away after it."""
    await store.keep("n", "1")
    await store.keep("n", "zwei ❄")
    assert await store.kept("n") == "zwei ❄"
    assert sum(await asyncio.gather(*(store.drop("n") for _ in range(10)))) == 1
    assert await store.kept("n") is None
    await store.keep("ever", "x")
    await store.keep("short", "x", days=10 / 86400)
    assert await store.tidy(0) == 0
    clock.now += 20
    assert await store.tidy(0) == 1
    assert (await store.kept("ever"), await store.kept("short")) == ("x", None)


async def test_hostile_text_is_only_text(store: Store) -> None:
    """Quotes, percent signs and every script come back as they were."""
    prompt = "'; DROP TABLE jobs; -- %s :x \\ 🦊 \u202eabc\0"
    job = make_job(owner_name=prompt)
    await store.add_job(replace(job, request=replace(job.request, prompt=prompt)))
    found = await store.job(job.id)
    assert found is not None
    assert (found.request.prompt, found.owner_name) == (prompt, prompt)


async def test_a_closed_store_says_so(store: Store) -> None:
    """The database's name is told; everything survives closing and opening."""
    assert store.about.split()[0] in ("SQLite", "PostgreSQL")
    assert store.about.split()[1][0].isdigit()


async def test_everything_survives_a_restart(url: str, clock: Clock) -> None:
    """A job, its lease (free again on SQLite, where nobody else can hold it), its button."""
    first = await Store.open(url, clock=clock)
    job = await started(first, make_job())
    await first.keep("n", "v")
    await first.close()
    second = await Store.open(url, clock=clock)
    try:
        found = await second.job(job.id)
        lease = "" if url.startswith("sqlite") else "w"
        assert found is not None
        assert (found.state, found.lease) == (State.SUBMITTING, lease)
        assert await second.kept("n") == "v"
    finally:
        await second.close()
