"""Results' files on their way in: fetched, measured, named and dressed for showing.

Owns what a file gets on top of its bytes: a song its tags and cover, a video its thumbnail. Knows
no chats and no job's state.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

from core import clips
from core.archive import Archive
from core.errors import BotError
from core.gateway import Gateway
from core.messages import Media
from core.pictures import fitted
from core.providers.base import Remote

log = logging.getLogger(__name__)

RESULT_BYTES = 200_000_000
"""Largest result file that is fetched."""
COVER_BYTES = 20_000_000
"""Largest cover that is fetched."""
THUMB_BYTES = 190_000
"""Largest small picture beside a song or video: what chats take."""
TAGGED_BYTES = 50_000_000
"""Largest song that gets tags: it is taken into memory for that."""


class Fetching:
    """Brings files from the gateway into the archive."""

    def __init__(self, gateway: Gateway, archive: Archive) -> None:
        """Take both ends of the way."""
        self._gateway = gateway
        self._archive = archive
        self._looking = asyncio.Semaphore(1)

    async def bring(self, remote: Remote) -> Media:
        """Fetch a file. Raises `BadInput` or a `GatewayError`."""
        song = remote.kind == "audio" and bool(remote.title or remote.artist)
        media = await self._gateway.fetch(
            remote.url, limit=RESULT_BYTES, deadline=300.0, passing=song
        )
        dressed = replace(
            media,
            title=remote.title,
            artist=remote.artist,
            cover=await self._cover(remote.cover),
            seconds=media.seconds or remote.seconds,
            voice=remote.voice,
        )
        return await self._tagged(dressed) if song else await self.dressed(dressed)

    async def dressed(self, media: Media) -> Media:
        """A video with its thumbnail; anything else as it is."""
        if not media.mime.startswith("video/") or media.cover:
            return media
        async with self._looking:
            data = await asyncio.to_thread(clips.thumbnail, self._archive.path(media), media.mime)
        return replace(media, cover=await self._kept_cover(data)) if data else media

    async def _kept_cover(self, data: bytes) -> str:
        try:
            return (await self._archive.put(_whole(data), name="cover.jpg")).hash
        except BotError as error:
            log.info("no thumbnail: %s", type(error).__name__)
            return ""

    async def _cover(self, url: str) -> str:
        """A cover's hash in the archive; a song is as good without one."""
        if not url:
            return ""
        try:
            found = await self._gateway.fetch(url, limit=COVER_BYTES, deadline=20.0)
            longest = max(found.width, found.height, 1)
            sides = clips.THUMB * (found.width + found.height) // longest
            small = await fitted(self._archive, found, max_bytes=THUMB_BYTES, max_sides=sides)
        except (BotError, OSError) as error:
            log.info("no cover: %s", type(error).__name__)
            return ""
        return small.hash

    async def _tagged(self, media: Media) -> Media:
        """A song that names itself wherever it is taken; the file as it came where that fails."""
        try:
            data = await asyncio.to_thread(self._with_tags, media)
            kept = await self._archive.put(_whole(data), name=media.name, limit=RESULT_BYTES)
        except (BotError, OSError) as error:
            log.warning("a song has no tags: %s", type(error).__name__)
            return media
        if kept.hash != media.hash:
            await self._archive.discard(media)
        return replace(media, hash=kept.hash, size=kept.size)

    def _with_tags(self, media: Media) -> bytes:
        data = self._archive.path(media).read_bytes()
        if media.mime != "audio/mpeg" or media.size > TAGGED_BYTES:
            return data
        cover = Media(media.cover, "image/jpeg", 0)
        picture = self._archive.path(cover).read_bytes() if media.cover else b""
        return clips.tagged(data, media.title, media.artist, picture)


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data
