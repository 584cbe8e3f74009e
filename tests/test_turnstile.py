"""Few go through at a time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from core.turnstile import Turnstile


async def test_what_becomes_ready_at_once_goes_through_a_little_at_a_time() -> None:
    """Everybody gets through, in their order, and between two rounds the loop does other things."""
    turnstile, done = Turnstile(abreast=2), list[int]()
    rounds: list[int] = []

    async def work(number: int) -> None:
        await turnstile.wait()
        done.append(number)

    async def other() -> None:
        while len(done) < 20:
            rounds.append(len(done))
            await asyncio.sleep(0)

    await asyncio.gather(other(), *(work(number) for number in range(20)))
    assert done == list(range(20))
    assert max(after - before for before, after in pairwise(rounds)) <= 2


async def test_one_who_gives_up_holds_nobody_up() -> None:
    """Cancelled while waiting."""
    turnstile = Turnstile(abreast=1)
    waiting = [asyncio.create_task(turnstile.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    async with asyncio.timeout(60):
        await asyncio.gather(waiting[0], waiting[2])
    assert waiting[1].cancelled()
