"""Smaller copies of sounds and videos for chats that take less than the archive holds.

A copy costs seconds of work, so that it is made once and remembered; the original stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial

from core import clips
from core.archive import Archive
from core.errors import BotError
from core.messages import Media

log = logging.getLogger(__name__)

REMEMBERED = 500
"""Copies of which is remembered which file they are of."""


class Copies:
    """Makes copies, one at a time."""

    def __init__(self, archive: Archive) -> None:
        """Originals and copies are in `archive`."""
        self._archive = archive
        self._known: OrderedDict[tuple[str, int], Media | None] = OrderedDict()
        self._making = asyncio.Lock()

    async def fitting(
        self, media: Sequence[Media], most: int
    ) -> tuple[tuple[Media, ...], tuple[Media, ...]]:
        """Files as a chat takes them that takes `most` bytes of each, and those it cannot take.

        Pictures are left as they are: the outbox shrinks them as they go.
        """
        shown: list[Media] = []
        left: list[Media] = []
        for one in media:
            fits = one.size <= most or one.mime.startswith("image/")
            found = one if fits else await self._copy(one, most)
            (left if found is None else shown).append(found or one)
        return tuple(shown), tuple(left)

    async def _copy(self, media: Media, most: int) -> Media | None:
        """A copy of at most `most` bytes; None where there is none to be had."""
        if not media.mime.startswith(("video/", "audio/")) or not self._archive.has(media):
            return None
        key = (media.hash, most)
        async with self._making:
            if key not in self._known:
                self._known[key] = await self._made(media, most)
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        copy = self._known[key]
        return copy and replace(copy, alt=media.alt, spoiler=media.spoiler)

    async def _made(self, media: Media, most: int) -> Media | None:
        work = partial(clips.smaller, self._archive.path(media), media.mime, most)
        data = await asyncio.to_thread(work)
        if not data:
            return None

        async def whole() -> AsyncIterator[bytes]:
            yield data

        try:
            made = await self._archive.put(whole(), name=media.name, limit=most)
        except BotError as error:
            log.warning("no smaller copy: %s", type(error).__name__)
            return None
        return replace(made, title=media.title, artist=media.artist, cover=media.cover)
