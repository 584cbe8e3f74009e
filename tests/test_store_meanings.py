"""What results mean, in the store: who finds what, and that a vector is asked for once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from core.jobs import Job, State
from core.messages import Place, Ref
from core.providers.base import Request
from core.store import Scope, Store
from core.store import meanings as module
from core.store.schema import metadata
from tests.making import make_job
from tests.stores import clock, postgres, store, url

__all__ = ["clock", "postgres", "store", "url"]

ANN, BEN = "chat:ann", "chat:ben"
ROOM = Place("chat", "room")
MINE = Scope(ANN, (), "small", ["embedder"])
HERE = replace(MINE, shared=["chat:room", "chat:hall"])


async def made(store: Store, number: int, **values: Any) -> Job:
    """A finished result."""
    job = make_job(number, **{"owner": ANN, "place": ROOM, "state": State.DONE, **values})
    return await store.add_job(job)


def ids(jobs: Sequence[Job]) -> list[str]:
    return [job.id for job in jobs]


async def test_ones_own_results_are_found_wherever_they_were_made(store: Store) -> None:
    """In private, for one's own eyes, in any chat; the newest first."""
    await made(store, 1)
    await made(store, 2, place=Place("chat", "ann", private=True))
    await made(store, 3, place=replace(ROOM, hidden=True))
    await made(store, 4, owner=BEN)

    unread, left, total = await store.unread(MINE, 10)

    assert ids(unread) == ["j3", "j2", "j1"]
    assert (left, total) == (3, 3)


async def test_of_others_only_what_the_chat_could_see_is_found(store: Store) -> None:
    """Nothing that was private, or hidden, or made in another chat."""
    await made(store, 1, owner=BEN)
    await made(store, 2, owner=BEN, place=replace(ROOM, hidden=True))
    await made(store, 3, owner=BEN, place=Place("chat", "ben", private=True))
    await made(store, 4, owner=BEN, place=Place("chat", "elsewhere"))
    await made(store, 5, owner=BEN, place=replace(ROOM, thread="7", door="x"))
    await made(store, 6)
    await made(store, 7, owner=BEN, place=Place("chat", "hall"))

    unread, *_ = await store.unread(HERE, 10)

    assert ids(unread) == ["j6", "j7", "j5", "j1"], "one's own come first"


async def test_what_a_chat_made_is_found_under_its_new_id(store: Store) -> None:
    """What is over is there from now on; what is under way has its messages under the old id."""
    await made(store, 1, owner=BEN, place=Place("chat", "old"), wake_at=0.0)
    await made(store, 2, owner=BEN, place=Place("chat", "older"), wake_at=0.0)
    await made(store, 3, owner=BEN, place=Place("chat", "old"), state=State.READY, wake_at=9.0)
    await store.move_chat("chat:old", "chat:room")

    unread, *_ = await store.unread(HERE, 10)

    assert ids(unread) == ["j1"]
    assert unread[0].place == ROOM
    ready = await store.job("j3")
    assert ready is not None
    assert ready.place == Place("chat", "old")
    await store.save(ready, replace(ready, state=State.DONE, wake_at=0.0))
    assert ids((await store.unread(HERE, 10))[0]) == ["j3", "j1"]


async def test_only_results_are_found(store: Store) -> None:
    """What is under way, failed or was a search itself is none."""
    states = [s for s in State if s not in (State.DONE, State.READY)]
    for number, state in enumerate(states, 10):
        await made(store, number, state=state)
    await made(store, 1, request=Request("embedder", "embedding", "a fox"))
    await made(store, 2, state=State.READY)
    await made(store, 3, state=State.READY, result=Ref("chat", "room", "1"))

    unread, left, total = await store.unread(HERE, 10)

    assert ids(unread) == ["j3"]
    assert (left, total) == (1, 1)


async def test_what_has_a_vector_is_not_read_again(store: Store) -> None:
    """By this model; another one has its own."""
    for number in (1, 2, 3):
        await made(store, number)
    await store.keep_meanings("small", {"j1": b"aaaa", "j3": b"cccc"})
    await store.keep_meanings("small", {"j1": b"zzzz"})

    unread, left, total = await store.unread(MINE, 10)
    assert (ids(unread), left, total) == (["j2"], 1, 3)
    assert await store.meanings(MINE) == [("j3", b"cccc"), ("j1", b"aaaa")]

    large = replace(MINE, model="large")
    assert (await store.unread(large, 10))[1:] == (3, 3)
    assert await store.meanings(large) == []


async def test_so_many_are_read_at_a_time(store: Store) -> None:
    """The newest first; how many are left is told."""
    for number in range(1, 6):
        await made(store, number)

    unread, left, total = await store.unread(MINE, 2)

    assert (ids(unread), left, total) == (["j5", "j4"], 5, 5)


async def test_a_search_does_not_go_back_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one's own results and of the chat's so many each are looked through."""
    monkeypatch.setattr(module, "REACH", 2)
    for number in (1, 2, 3):
        await made(store, number)
    for number in (4, 5, 6):
        await made(store, number, owner=BEN)
    await store.keep_meanings("small", {f"j{n}": bytes([n]) for n in range(1, 7)})

    found = [one for one, _ in await store.meanings(HERE)]

    assert found == ["j6", "j5", "j3", "j2"]


async def test_vectors_of_others_are_not_handed_out(store: Store) -> None:
    """They are looked up by who may find their results."""
    await made(store, 1, owner=BEN, place=Place("chat", "ben", private=True))
    await made(store, 2, owner=BEN)
    await store.keep_meanings("small", {"j1": b"aaaa", "j2": b"bbbb"})

    assert await store.meanings(MINE) == []
    assert await store.meanings(HERE) == [("j2", b"bbbb")]


async def test_only_vectors_that_are_named_are_forgotten(store: Store) -> None:
    """Other people's and other models' stay, whatever their length."""
    await made(store, 1)
    await made(store, 2)
    await store.keep_meanings("small", {"j1": b"aaaa"})
    await store.keep_meanings("large", {"j1": b"bbbb"})
    await store.keep_meanings("small", {"j2": b"aaaabbbb"})
    assert len(await store.meanings(MINE)) == 2
    await store.forget_meanings("small", ["j1"])

    assert await store.meanings(MINE) == [("j2", b"aaaabbbb")]
    assert ids((await store.unread(MINE, 10))[0]) == ["j1"]
    assert await store.meanings(replace(MINE, model="large")) == [("j1", b"bbbb")]


def test_results_of_many_chats_are_taken_from_their_own_index() -> None:
    """However many chats a server has: not out of all jobs that are done."""
    scope = replace(HERE, shared=[f"chat:{n}" for n in range(200)])
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    query = select(module._within(scope)).compile(engine, compile_kwargs={"literal_binds": True})
    with engine.connect() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all())
    assert "INDEX jobs_shared" in plan
    assert "INDEX jobs_owner" in plan
    assert "jobs_state" not in plan


async def test_nothing_is_kept_of_nothing(store: Store) -> None:
    """A search that read nothing new changes nothing."""
    await made(store, 1)
    await store.keep_meanings("small", {"j1": b"aaaa"})
    await store.keep_meanings("small", {})
    assert await store.meanings(MINE) == [("j1", b"aaaa")]


async def test_jobs_come_in_the_order_they_are_asked_for(store: Store) -> None:
    """Those that are not there are left out."""
    for number in (1, 2, 3):
        await made(store, number)
    assert ids(await store.jobs_by_id(["j3", "none", "j1"])) == ["j3", "j1"]
    assert await store.jobs_by_id([]) == []
