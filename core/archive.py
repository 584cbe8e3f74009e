"""Every file's bytes, by content: `ab/abcdef…`. Knows no network and no jobs."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import puremagic
from PIL import Image

from core.errors import BadInput, StoreError
from core.i18n import mark
from core.messages import Media, clean

PIXELS = 64_000_000
"""Most pixels of a picture that is opened."""
ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/webm": "webm",
}
NOT_A_PICTURE = mark("That is not a picture. PNG, JPEG, WebP and GIF can be used.")
BROKEN = mark("That picture is broken or not complete. Please send it again.")


class Archive:
    """Files on disk, named by their SHA-256."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, making it if need be."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("*.part"):
            left.unlink(missing_ok=True)

    def path(self, media: Media) -> Path:
        """Where a file lies."""
        if not re.fullmatch(r"[0-9a-f]{64}", media.hash):
            raise BadInput(mark("That file is not here."))
        return self._folder / media.hash[:2] / media.hash

    def has(self, media: Media) -> bool:
        """Tell whether a file is here."""
        return self.path(media).is_file()

    async def discard(self, media: Media) -> None:
        """Remove a passing file such as a preview."""
        await asyncio.to_thread(self.path(media).unlink, missing_ok=True)

    async def put(
        self, chunks: AsyncIterator[bytes], *, name: str = "", limit: int = 50_000_000
    ) -> Media:
        """Keep a file, streamed. Raises `BadInput` when it is no usable picture or too big."""
        part = self._folder / f"{secrets.token_hex(8)}.part"
        try:
            digest, size = await self._write(part, chunks, limit)
            media = await asyncio.to_thread(_inspect, part, digest, size, name)
            await asyncio.to_thread(self._settle, part, media)
        except OSError as error:
            raise _full(error) from error
        finally:
            part.unlink(missing_ok=True)
        return media

    async def _write(self, part: Path, chunks: AsyncIterator[bytes], limit: int) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        with part.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise BadInput(
                        mark("That file is too big: at most {n} MB can be used."),
                        n=limit // 1_000_000,
                    )
                digest.update(chunk)
                file.write(chunk)
        return digest.hexdigest(), size

    def _settle(self, part: Path, media: Media) -> None:
        """Move a complete file to its place, on disk for good before it is spoken of."""
        target = self.path(media)
        if target.exists():
            return
        target.parent.mkdir(exist_ok=True)
        descriptor = os.open(part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.replace(target)


def _full(error: OSError) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(mark("The disk is full, so nothing could be saved. Tell the owner."))
    return StoreError()


def _inspect(part: Path, digest: str, size: int, name: str) -> Media:
    """Tell what a file really is; pictures are decoded once, so that broken ones are found here."""
    if not size:
        raise BadInput(mark("That file is empty."))
    mime = _sniff(part)
    if mime not in ENDINGS:
        raise BadInput(NOT_A_PICTURE)
    width = height = 0
    if mime.startswith("image/"):
        mime, width, height = _decode(part)
    stem = re.sub(r"[^\w\- .]", "", clean(Path(name).name).rpartition(".")[0])[:60].strip()
    return Media(digest, mime, size, width, height, f"{stem or 'picture'}.{ENDINGS[mime]}")


def _sniff(part: Path) -> str:
    with part.open("rb") as file:
        head = file.read(64)
    if head.startswith(b"\x89PNG"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    try:
        return str(puremagic.from_string(head, mime=True))
    except puremagic.PureError:
        return ""


def _decode(part: Path) -> tuple[str, int, int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(part) as picture:
                width, height = picture.size
                if width * height > PIXELS:
                    raise BadInput(
                        mark("That picture is too large: {width}×{height} pixels."),
                        width=width,
                        height=height,
                    )
                mime = Image.MIME.get(picture.format or "", "")
                picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadInput(mark("That picture has too many pixels.")) from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise BadInput(BROKEN) from None
    if mime not in ENDINGS:
        raise BadInput(NOT_A_PICTURE)
    return mime, width, height
