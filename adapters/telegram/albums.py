"""Albums put together again: Telegram sends every picture of one as a message of its own.

Their parts stay unfinished in the store until the whole has been handled, so a restart collects
them anew. Knows nothing of what albums are for.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

from adapters.telegram.events import Json

PATIENCE = 1.0
"""Seconds without a further part after which an album counts as whole."""
RESUMED = 4.0
"""The same for one that an earlier life began to collect."""
KEPT = 1000
"""Albums remembered, so that a part that comes too late is known as one."""

Part = tuple[str, Json]
"""A part's event key and message."""
Whole = Callable[[list[Part], bool], Awaitable[None]]
"""Takes an album's parts in their order, and whether an earlier life began it."""


@dataclass(slots=True)
class _Album:
    parts: dict[int, Part] = field(default_factory=dict)
    grown: asyncio.Event = field(default_factory=asyncio.Event)
    resumed: bool = False


class Albums:
    """Collects albums."""

    def __init__(
        self,
        launch: Callable[[Coroutine[None, None, None]], None],
        flowing: Callable[[], bool],
        whole: Whole,
    ) -> None:
        """`flowing` tells whether updates arrive: while they do not, a missing part may still be
        on its way.
        """
        self._launch = launch
        self._flowing = flowing
        self._whole = whole
        self._open: dict[str, _Album] = {}
        self._closed: OrderedDict[str, None] = OrderedDict()

    def add(self, group: str, part: Part, *, resumed: bool) -> bool:
        """Take a part; False for one whose album was handled without it."""
        if group in self._closed:
            return False
        if group not in self._open:
            self._open[group] = _Album()
            self._launch(self._collect(group, self._open[group]))
        album = self._open[group]
        album.parts[int(part[1]["message_id"])] = part
        album.resumed |= resumed
        album.grown.set()
        return True

    async def _collect(self, group: str, album: _Album) -> None:
        """Wait until no further part comes, then hand the album on."""
        while album.grown.is_set() or not self._flowing():
            album.grown.clear()
            try:
                async with asyncio.timeout(RESUMED if album.resumed else PATIENCE):
                    await album.grown.wait()
            except TimeoutError:
                continue
        del self._open[group]
        self._closed[group] = None
        if len(self._closed) > KEPT:
            self._closed.popitem(last=False)
        await self._whole([album.parts[number] for number in sorted(album.parts)], album.resumed)
