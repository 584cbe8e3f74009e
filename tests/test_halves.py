"""How far a message in parts came."""

from __future__ import annotations

from pathlib import Path

from core.errors import StoreError
from core.halves import REMEMBERED, Halves
from core.store import Store


async def test_the_next_life_knows_what_was_sent(tmp_path: Path) -> None:
    """By the message's nonce; each user of the notes has its own."""
    store = await Store.open(f"sqlite:///{tmp_path}/a.db")
    await Halves(store, "parts").add("n", 3)
    assert await Halves(store, "parts").sent("n") == 3
    assert await Halves(store, "parts").sent("other") == 0
    assert await Halves(store, "albums").sent("n") == 0
    await store.close()


class Away:
    """A store that takes and tells nothing."""

    async def keep(self, key: str, value: str, *, days: float = 0.0) -> None:
        raise StoreError

    async def kept(self, key: str) -> str | None:
        raise StoreError


async def test_without_a_store_this_life_still_knows() -> None:
    """A full disk sends nothing twice by itself, and takes no memory without end."""
    halves = Halves(Away(), "parts")
    assert await halves.sent("n") == 0
    await halves.add("n", 2)
    assert await halves.sent("n") == 2
    halves.whole("n")
    assert await halves.sent("n") == 0
    for number in range(REMEMBERED + 50):
        await halves.add(f"m{number}", 1)
    assert len(halves) == REMEMBERED
