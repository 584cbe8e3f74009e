"""What a session shows, and when it is on disk."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from adapters.web.feed import IDLE, KEPT, Feed
from core.errors import MessageGone, Offline, StoreError


class Disk:
    """Notes in memory, counted; a full disk when told so."""

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self.written = 0
        self.full = False

    async def keep(self, key: str, value: str, *, days: float = 0.0) -> None:
        await asyncio.sleep(0)
        if self.full:
            raise StoreError
        self.notes[key] = value
        self.written += 1

    async def kept(self, key: str) -> str | None:
        await asyncio.sleep(0)
        return self.notes.get(key)

    async def drop(self, key: str) -> bool:
        return self.notes.pop(key, None) is not None


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def card(key: str, text: str = "", progress: int = -1) -> dict[str, Any]:
    return {"key": key, "text": text, "progress": progress}


@pytest.fixture
def disk() -> Disk:
    return Disk()


async def shown(disk: Disk) -> list[str]:
    """What a program that starts anew shows."""
    return [c["text"] for c in await Feed(disk, Clock()).cards("ann")]


async def test_a_result_is_on_disk_before_it_is_shown(disk: Disk) -> None:
    """Whatever happens right after `show` returned, the next run shows the card."""
    feed = Feed(disk, Clock())
    await feed.cards("ann")
    with feed.watch("ann") as stream:
        disk.full = True
        with pytest.raises(Offline):
            await feed.show("ann", card("r", "a result"))
        assert not stream.take()
        disk.full = False
        await feed.show("ann", card("r", "a result"))
        assert ["r"] == [key for key, _ in stream.take()]
    assert ["a result"] == await shown(disk)


async def test_a_thousand_steps_of_progress_are_written_once(disk: Disk) -> None:
    """Progress costs no writes, is seen at once, and its card is known after a restart."""
    feed = Feed(disk, Clock())
    await feed.show("ann", card("p", "0 %", 0))
    before = disk.written
    with feed.watch("ann") as stream:
        for percent in range(1000):
            await feed.change("ann", card("p", f"{percent} %", 1))
        assert before == disk.written
        assert [("p", card("p", "999 %", 1))] == stream.take()
    assert ["0 %"] == await shown(disk)
    await feed.save()
    assert ["999 %"] == await shown(disk)


async def test_a_write_does_not_grow_with_the_conversation(disk: Disk) -> None:
    """The hundredth card costs what the second did, but for its line in the list."""
    feed = Feed(disk, Clock())
    for number in range(100):
        await feed.show("ann", card(f"k{number}", "x" * 2000))
    listed = json.dumps([f"k{n}" for n in range(100)])
    assert 200 == disk.written
    assert len(listed) == len(disk.notes["web:log:ann"])
    assert max(len(note) for key, note in disk.notes.items() if "card" in key) < 2100


async def test_old_cards_go_and_leave_nothing_behind(disk: Disk) -> None:
    """A session keeps its newest cards, in memory as on disk."""
    feed = Feed(disk, Clock())
    for number in range(KEPT + 30):
        await feed.show("ann", card(f"k{number}", str(number)))
    assert [str(n) for n in range(30, KEPT + 30)] == await shown(disk)
    assert KEPT + 1 == len(disk.notes)
    with pytest.raises(MessageGone):
        await feed.change("ann", card("k0"))
    await feed.remove("ann", "k0")


async def test_a_session_nobody_looks_at_leaves_memory(disk: Disk) -> None:
    """It comes back as it was; one with an open page stays."""
    clock = Clock()
    feed = Feed(disk, clock)
    await feed.show("ann", card("p", "1 %", 1))
    await feed.change("ann", card("p", "50 %", 50))
    await feed.cards("bob")
    clock.now += IDLE + 1
    with feed.watch("bob"):
        await feed.rest()
        assert 1 == feed.in_memory
    assert ["50 %"] == [c["text"] for c in await feed.cards("ann")]


async def test_changes_at_once_are_all_kept(disk: Disk) -> None:
    """Results of many jobs arriving together lose none of each other."""
    feed = Feed(disk, Clock())
    await asyncio.gather(*(feed.add("ann", card(f"k{n}", str(n))) for n in range(20)))
    assert {str(n) for n in range(20)} == set(await shown(disk))
