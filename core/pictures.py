"""Making pictures fit: smaller copies for chats that take less than the archive holds."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

from PIL import Image

from core.archive import Archive
from core.messages import Media

QUALITIES = (90, 80, 65)


def shrink(path: Path, *, max_bytes: int, max_sides: int) -> bytes:
    """A JPEG of at most `max_bytes` whose width and height together are at most `max_sides`."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    scale = min(1.0, max_sides / sum(picture.size))
    while True:
        size = (max(int(picture.width * scale), 1), max(int(picture.height * scale), 1))
        small = picture if scale == 1.0 else picture.resize(size, Image.Resampling.LANCZOS)
        for quality in QUALITIES:
            buffer = io.BytesIO()
            small.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= max_bytes or max(size) <= 64:
                return buffer.getvalue()
        scale *= 0.75


async def fitted(archive: Archive, media: Media, *, max_bytes: int, max_sides: int) -> Media:
    """A copy of a picture that fits, kept in the archive; the work is done in a thread."""
    data = await asyncio.to_thread(
        shrink, archive.path(media), max_bytes=max_bytes, max_sides=max_sides
    )

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    return await archive.put(chunks(), name=media.name)
