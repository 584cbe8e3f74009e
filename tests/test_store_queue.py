"""Leases and turns: a job is in one worker's hands at a time, and people take turns."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.jobs import Job, State
from core.store import Store
from tests.making import START, Clock, make_job
from tests.postgres import fresh
from tests.stores import clock, postgres, store, url

__all__ = ["clock", "postgres", "store", "url"]

NOW, UNTIL = START + 1000, START + 1100


async def turns(store: Store, slots: int = 10, per_person: int = 0, worker: str = "w") -> list[Job]:
    return await store.claim_queued(
        worker, now=NOW, until=UNTIL, slots=slots, per_person=per_person
    )


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


# -- turns -------------------------------------------------------------------------------------


async def test_people_take_turns(store: Store) -> None:
    """Ann's ten jobs do not keep Bob's one waiting; within a person the oldest goes first."""
    for n in range(10):
        await store.add_job(make_job(n))
    await store.add_job(make_job(90, owner="web:bob"))
    assert await store.queue_place("j90") == (1, 11)
    assert await store.queue_place("j1") == (2, 11)
    assert await store.queue_place("j9") == (10, 11)
    assert await store.queue_place("nobody") == (0, 11)
    assert ids(await turns(store, slots=3)) == ["j0", "j90", "j1"]


async def test_what_a_person_has_at_the_gateway_counts(store: Store) -> None:
    """Two running jobs put Ann's next one behind Bob's second."""
    for n, state in enumerate([State.RUNNING, State.WAITING, State.QUEUED]):
        await store.add_job(make_job(n, state=state))
    for n in (10, 11):
        await store.add_job(make_job(n, owner="web:bob"))
    assert ids(await turns(store)) == ["j10", "j11", "j2"]


async def test_nobody_has_more_than_their_share(store: Store) -> None:
    """The bound per person counts what runs; ended jobs count no more."""
    await store.add_job(make_job(1, state=State.RUNNING))
    await store.add_job(make_job(2, state=State.DONE, wake_at=0.0))
    for n in range(3, 8):
        await store.add_job(make_job(n))
    assert ids(await turns(store, per_person=3)) == ["j3", "j4"]
    assert await turns(store, per_person=3) == []
    assert (await store.outlook(NOW))[1]
    running = await store.job("j1")
    assert running is not None
    await store.save(running, replace(running, state=State.CANCELLED, wake_at=0.0))
    assert ids(await turns(store, per_person=3)) == ["j5"]


async def test_only_what_is_due_and_wanted_starts(store: Store) -> None:
    """A job put off waits for its time, one that is to be stopped never starts."""
    await store.add_job(make_job(1, wake_at=NOW + 1))
    await store.add_job(make_job(2))
    await store.request_cancel("j2", NOW)
    await store.add_job(make_job(3))
    (job,) = await turns(store)
    assert (job.id, job.state, job.lease, job.lease_until) == (
        "j3",
        State.SUBMITTING,
        "w",
        UNTIL,
    )
    assert await store.job("j3") == job
    assert ids(await store.claim("w", now=NOW, until=UNTIL, limit=9)) == ["j2"]


async def test_twenty_claims_at_once_start_each_job_once(store: Store) -> None:
    """In one process, whatever the number of tasks."""
    await asyncio.gather(*(store.add_job(make_job(n)) for n in range(30)))
    got = await asyncio.gather(*(turns(store, slots=5) for _ in range(20)))
    assert Counter(job.id for part in got for job in part) == {f"j{n}": 1 for n in range(30)}


# -- leases ------------------------------------------------------------------------------------


async def test_due_jobs_come_the_longest_due_first(store: Store) -> None:
    """Queued ones are left to their turn, ended ones alone; a leased one is not handed out."""
    for n, (state, wake) in enumerate(
        [
            (State.RUNNING, NOW - 1),
            (State.READY, NOW - 3),
            (State.QUEUED, NOW - 9),
            (State.FAILED, NOW - 2),
            (State.DONE, 0.0),
            (State.RUNNING, NOW + 1),
        ]
    ):
        await store.add_job(make_job(n, state=state, wake_at=wake))
    assert ids(await store.claim("w", now=NOW, until=UNTIL, limit=2)) == ["j1", "j3"]
    assert ids(await store.claim("v", now=NOW, until=UNTIL, limit=9)) == ["j0"]
    assert await store.claim("w", now=NOW, until=UNTIL, limit=9) == []


async def test_running_jobs_are_looked_at_together(store: Store) -> None:
    """Those nearly due come along when a running one is due, and only then."""
    await store.add_job(make_job(1, state=State.RUNNING, wake_at=NOW + 2))
    await store.add_job(make_job(2, state=State.READY, wake_at=NOW))
    await store.add_job(make_job(3, state=State.READY, wake_at=NOW + 1))
    assert ids(await store.claim("w", now=NOW, until=UNTIL, limit=9, ahead=5)) == ["j2"]
    await store.add_job(make_job(4, state=State.RUNNING, wake_at=NOW))
    assert ids(await store.claim("w", now=NOW, until=UNTIL, limit=9, ahead=5)) == ["j4", "j1"]


async def test_a_dead_workers_jobs_are_taken_over(store: Store) -> None:
    """When its lease is over, not before; the dead one's late save does not count."""
    await store.add_job(make_job(1, state=State.RUNNING))
    (old,) = await store.claim("dead", now=NOW, until=UNTIL, limit=9)
    assert await store.claim("heir", now=UNTIL - 1, until=UNTIL + 100, limit=9) == []
    (job,) = await store.claim("heir", now=UNTIL, until=UNTIL + 100, limit=9)
    assert not await store.save(old, replace(old, percent=50, lease=""))
    assert await store.save(job, replace(job, percent=60, lease="", lease_until=0.0))
    found = await store.job("j1")
    assert found is not None
    assert found.percent == 60


async def test_a_living_worker_keeps_its_leases(store: Store) -> None:
    """Extending moves the end of its own leases and of no others."""
    await store.add_job(make_job(1, state=State.RUNNING))
    await store.add_job(make_job(2, state=State.RUNNING))
    await store.claim("w", now=NOW, until=UNTIL, limit=1)
    await store.claim("v", now=NOW, until=UNTIL, limit=1)
    await store.extend("w", UNTIL + 500, ["j1"])
    assert ids(await store.claim("heir", now=UNTIL + 1, until=UNTIL + 9, limit=9)) == ["j2"]


async def test_the_next_time_to_wake(store: Store) -> None:
    """The earliest due job, or the end of the lease it is under; what waits for a place does not
    count.
    """
    assert (await store.outlook(NOW))[0] is None
    await store.add_job(make_job(1, state=State.DONE, wake_at=0.0))
    await store.add_job(make_job(2, wake_at=NOW - 50))
    assert (await store.outlook(NOW))[0] is None
    await store.add_job(make_job(3, state=State.RUNNING, wake_at=NOW))
    assert (await store.outlook(NOW))[0] == NOW
    await store.claim("w", now=NOW, until=UNTIL, limit=9)
    assert (await store.outlook(NOW))[0] == UNTIL
    await store.add_job(make_job(4, wake_at=NOW + 20))
    assert (await store.outlook(NOW))[0] == NOW + 20
    await store.request_cancel("j2", NOW - 1)
    assert (await store.outlook(NOW))[0] == NOW - 1


# -- two processes on one PostgreSQL -----------------------------------------------------------


@pytest.fixture
async def pair(postgres: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two stores with connections of their own, as two processes have."""
    shared = await fresh(postgres)
    first, second = await asyncio.gather(
        Store.open(shared, clock=Clock()), Store.open(shared, clock=Clock())
    )
    yield first, second
    await first.close()
    await second.close()


async def test_two_processes_never_claim_the_same_job(pair: tuple[Store, Store]) -> None:
    """Forty due and forty queued jobs, and two processes, neither of which can take them all: each
    job is claimed once.
    """
    one, other = pair
    await asyncio.gather(*(one.add_job(make_job(n)) for n in range(40)))
    await asyncio.gather(*(one.add_job(make_job(n, state=State.RUNNING)) for n in range(40, 80)))
    claims = [
        claim
        for store, worker in ((one, "a"), (other, "b"))
        for _ in range(8)
        for claim in (
            turns(store, slots=3, worker=worker),
            store.claim(worker, now=NOW, until=UNTIL, limit=3, ahead=1),
        )
    ]
    got = [job for part in await asyncio.gather(*claims) for job in part]
    assert Counter(ids(got)) == {f"j{n}": 1 for n in range(80)}
    assert {job.lease for job in got} == {"a", "b"}


async def test_a_process_that_is_gone_is_noticed_before_its_leases_end(
    pair: tuple[Store, Store],
) -> None:
    """Its jobs are free at once, but for one being submitted; a living one keeps its own."""
    one, other = pair
    await one.add_job(make_job(1, state=State.RUNNING))
    await one.add_job(make_job(2, state=State.SUBMITTING, lease="a", lease_until=UNTIL))
    await one.stand("a")
    await one.claim("a", now=NOW, until=UNTIL, limit=9)
    await other.stand("b")
    assert await other.take_over("b") == 0
    await one.stand("a")
    await one.close()
    assert await other.take_over("b") == 1
    assert ids(await other.claim("b", now=NOW, until=UNTIL, limit=9)) == ["j1"]


async def test_two_processes_keep_the_bound_per_person(pair: tuple[Store, Store]) -> None:
    """However they race, no person has more than three at the gateway."""
    one, other = pair
    people = [f"web:p{n % 4}" for n in range(40)]
    await asyncio.gather(*(one.add_job(make_job(n, owner=owner)) for n, owner in enumerate(people)))
    claims = [turns(s, slots=2, per_person=3, worker=w) for s, w in ((one, "a"), (other, "b")) * 10]
    got = [job for part in await asyncio.gather(*claims) for job in part]
    assert Counter(job.owner for job in got) == {f"web:p{n}": 3 for n in range(4)}


async def test_one_event_in_two_processes_makes_one_job(pair: tuple[Store, Store]) -> None:
    """Both get the first one's job, and there is one hold."""
    made = [make_job(event_key="same") for _ in range(20)]
    kept = await asyncio.gather(*(pair[n % 2].add_job(job) for n, job in enumerate(made)))
    assert len({job.id for job in kept}) == 1
    assert sum([len(await pair[0].ledger(job.id)) for job in made]) == 1
    news = await asyncio.gather(*(pair[n % 2].take_in("web", [("e", "x")]) for n in range(10)))
    assert sum(map(len, news)) == 1


async def test_settings_set_in_two_processes_are_all_kept(pair: tuple[Store, Store]) -> None:
    """Merging is under a lock."""
    await asyncio.gather(*(pair[n % 2].set_person("p", {f"k{n}": "x"}) for n in range(20)))
    assert len(await pair[0].person("p")) == 20
