"""Sounds and videos for chats that take less than the archive holds: smaller copies, else parts.

Either costs seconds of work, so that it is made once and remembered; the original stays.
"""

from __future__ import annotations

import asyncio
import io
import logging
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeAlias

from core import clips
from core.archive import Archive
from core.errors import BotError
from core.i18n import Say
from core.messages import Media

log = logging.getLogger(__name__)

REMEMBERED = 500
"""Files of which is remembered what was made of them."""
PIECE = 1 << 18
"""Bytes of a part that are read at once."""

Made: TypeAlias = tuple[Media, ...]
"""What goes in a file's place: one smaller copy, or its parts; nothing where neither can be had."""


class Copies:
    """Makes copies and parts, one file at a time."""

    def __init__(self, archive: Archive) -> None:
        """Originals and what is made of them are in `archive`."""
        self._archive = archive
        self._known: OrderedDict[tuple[str, int, int], Made] = OrderedDict()
        self._making = asyncio.Lock()

    async def fitting(
        self, say: Say, media: Sequence[Media], most: int, parts: int
    ) -> tuple[tuple[Media, ...], tuple[Media, ...]]:
        """Files as a chat takes them that takes `most` bytes of each, cut into at most `parts`
        where nothing else helps; and those it cannot take.

        Pictures are left as they are: the outbox shrinks them as they go.
        """
        shown: list[Media] = []
        left: list[Media] = []
        for one in media:
            fits = one.size <= most or one.mime.startswith("image/")
            found = (one,) if fits else await self._instead(one, most, parts)
            if not found:
                left.append(one)
            elif len(found) == 1:
                shown.append(replace(found[0], alt=one.alt, spoiler=one.spoiler))
            else:
                shown += _numbered(say, one, found)
        return tuple(shown), tuple(left)

    async def _instead(self, media: Media, most: int, parts: int) -> Made:
        """What is shown of a file that is too big."""
        if not media.mime.startswith(("video/", "audio/")) or not self._archive.has(media):
            return ()
        key = (media.hash, most, parts)
        async with self._making:
            if key not in self._known:
                try:
                    made = await self._smaller(media, most) or await self._cut(media, most, parts)
                except (BotError, OSError) as error:
                    log.warning("a file was not made to fit: %s", type(error).__name__)
                    return ()  # a full disk passes
                self._known[key] = made
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
            return self._known[key]

    async def _smaller(self, media: Media, most: int) -> Made:
        work = partial(clips.smaller, self._archive.path(media), media.mime, most)
        data = await asyncio.to_thread(work)
        return (await self._kept(media, io.BytesIO(data), media.name, most),) if data else ()

    async def _cut(self, media: Media, most: int, parts: int) -> Made:
        stem, dot, ending = media.name.rpartition(".")
        with tempfile.TemporaryDirectory() as folder:
            path = self._archive.path(media)
            work = partial(clips.cut, path, media.mime, most, parts, Path(folder))
            made: list[Media] = []
            for number, part in enumerate(await asyncio.to_thread(work), 1):
                name = f"{stem or 'part'}-part{number}{dot}{ending}"
                with part.open("rb") as file:
                    made.append(await self._kept(media, file, name, most))
        return tuple(made)

    async def _kept(self, media: Media, file: BinaryIO, name: str, most: int) -> Media:
        """Something made of a file in the archive."""

        async def pieces() -> AsyncIterator[bytes]:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

        made = await self._archive.put(pieces(), name=name, limit=most)
        return replace(made, title=media.title, artist=media.artist, cover=media.cover)


def _numbered(say: Say, whole: Media, parts: Made) -> list[Media]:
    """Parts that say which of how many they are."""
    found = []
    for number, part in enumerate(parts, 1):
        which = say("Part {number} of {count}", number=number, count=len(parts))
        title = part.title and f"{part.title} ({number}/{len(parts)})"
        look = replace(part, title=title, caption=which, alt=whole.alt, spoiler=whole.spoiler)
        found.append(look)
    return found
