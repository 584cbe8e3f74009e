"""Manners on the event loop. Knows nothing of what is done there."""

from __future__ import annotations

import asyncio


class Turnstile:
    """Lets few through at a time, with the loop coming round in between.

    What becomes ready at once, such as two hundred answers that end together, would else be done in
    one go, in which nothing else is read or answered.
    """

    def __init__(self, abreast: int = 2) -> None:
        """`abreast` go through in one round."""
        self._open = asyncio.Semaphore(abreast)

    async def wait(self) -> None:
        """Wait for one's turn; the work follows without a further wait."""
        async with self._open:
            await asyncio.sleep(0)
