"""Every file's bytes, by content: `ab/abcdef…`. Knows no network and no jobs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import struct
import threading
import warnings
import zlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import puremagic
from PIL import Image

from core import bands
from core.clips import measure
from core.errors import BadInput, StoreError
from core.i18n import mark
from core.messages import Media, clean

T = TypeVar("T")

PIXELS = 64_000_000
"""Most pixels of a picture that is opened; Pillow refuses twice its own limit and warns before."""
Image.MAX_IMAGE_PIXELS = PIXELS // 2
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
STEP = 512 * 1024
"""Bytes that go to the disk in one step."""
STILLS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")
"""Brands of files in MP4's clothes that are still pictures."""
SOUNDS = (b"M4A ", b"M4B ")
"""Brands of those that are sound alone."""
SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"fLaC", "audio/flac"),
)
"""First bytes and the types they mean."""
ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
}
TEXTS = {
    "md": "text/markdown",
    "txt": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
}
"""Endings and types of texts, which the bot itself writes; nobody may send any."""
NOT_A_PICTURE = mark("That is not a picture. PNG, JPEG, WebP and GIF can be used.")
UNKNOWN = mark("That is not a picture, a sound or a video that can be used here.")
BROKEN = mark("That picture is broken or not complete. Please send it again.")


class Archive:
    """Files on disk, named by their SHA-256, for this user's eyes only.

    Nothing here blocks the event loop: bytes are hashed and written, and pictures looked at, in
    threads.
    """

    def __init__(self, folder: Path) -> None:
        """Use `folder`, making it if need be; what a killed process left half written goes."""
        self._folder = folder
        self._passing: dict[str, int] = {}
        """How often each passing file was put here and not yet discarded."""
        self._moving = threading.Lock()
        # Pictures are looked at one at a time, for each takes the memory of all its pixels; and by
        # the same thread, for each thread keeps what it once had.
        self._decoder = ThreadPoolExecutor(1, "pictures")
        self._making = asyncio.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.glob("*.part"):
            _sweep(left)

    def path(self, media: Media) -> Path:
        """Where a file lies."""
        if not re.fullmatch(r"[0-9a-f]{64}", media.hash):
            raise BadInput(mark("That file is not here."))
        return self._folder / media.hash[:2] / media.hash

    def has(self, media: Media) -> bool:
        """Tell whether a file is here."""
        return self.path(media).is_file()

    async def put(
        self,
        chunks: AsyncIterator[bytes],
        *,
        name: str = "",
        limit: int = 50_000_000,
        passing: bool = False,
        mime: str = "",
    ) -> Media:
        """Keep a file, streamed.

        Args:
            chunks: Its bytes.
            name: What a person called it; the ending is made to fit what it is.
            limit: Most bytes.
            passing: It may be discarded later, unless the same bytes were or are kept for good.
            mime: What it is, where that is known and not to be found out.

        Raises:
            BadInput: It is no usable picture or video, or too big.
            StoreError: The disk did not take it.
        """
        part = self._folder / f"{secrets.token_hex(8)}.part"
        try:
            with await asyncio.to_thread(_create, part) as file:  # its lock lasts to the end
                digest, size = await _write(file, chunks, limit)
                media = (
                    Media(digest, mime, size, name=name)
                    if mime
                    else await self._decoded(partial(_inspect, part, digest, size, name))
                )
                await asyncio.to_thread(self._settle, part, media, passing)
        except OSError as error:
            raise _full(error) from error
        finally:
            part.unlink(missing_ok=True)
        return media

    async def write(self, text: str, ending: str) -> Media:
        """Keep a text of the bot's own. Raises `StoreError`."""

        async def whole() -> AsyncIterator[bytes]:
            yield text.encode("utf-8", "replace")

        return await self.put(whole(), name=f"text.{ending}", mime=TEXTS[ending])

    def _settle(self, part: Path, media: Media, passing: bool) -> None:
        """Move a complete file to its place, on disk for good before it is spoken of."""
        target = self.path(media)
        with self._moving:
            there = target.exists() and target.stat().st_size == media.size
            if not passing:
                self._passing.pop(media.hash, None)
            elif not there or media.hash in self._passing:
                self._passing[media.hash] = self._passing.get(media.hash, 0) + 1
            if there:
                return
            if not target.parent.exists():
                target.parent.mkdir(exist_ok=True, mode=0o700)
                _sync(self._folder)
            _sync(part)
            part.replace(target)
            _sync(target.parent)

    async def discard(self, media: Media) -> None:
        """Remove a passing file such as a preview; what is kept for good stays."""
        await asyncio.to_thread(self.forget, media)

    def forget(self, media: Media) -> None:
        """As `discard`, at once: one file's name is taken away."""
        with self._moving:
            left = self._passing.pop(media.hash, 0) - 1
            if left > 0:
                self._passing[media.hash] = left
            elif left == 0:
                self.path(media).unlink(missing_ok=True)

    async def look(self, work: Callable[[Path], T], media: Media) -> T:
        """Run work that decodes a picture, in a thread."""
        return await self._decoded(partial(work, self.path(media)))

    async def make(
        self, work: Callable[[Path], bytes], media: Media, *, passing: bool = False
    ) -> Media | None:
        """Keep what work makes of a picture, as `put` does; None where that is nothing.

        One at a time: what is made is in memory until it is on the disk.
        """

        async def whole() -> AsyncIterator[bytes]:
            yield data

        async with self._making:
            data = await self.look(work, media)
            return await self.put(whole(), name=media.name, passing=passing) if data else None

    async def _decoded(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._decoder, work)


async def _write(file: BinaryIO, chunks: AsyncIterator[bytes], limit: int) -> tuple[str, int]:
    """Write a stream to a file; returns its SHA-256 and its size."""
    digest, size, written, waiting = hashlib.sha256(), 0, 0, list[bytes]()

    def flush() -> None:
        for chunk in waiting:
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        waiting.clear()

    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise BadInput(
                mark("That file is too big: at most {n} MB can be used."), n=limit // 1_000_000
            )
        waiting.append(chunk)
        if size - written >= STEP:
            written = size
            await asyncio.to_thread(flush)
    await asyncio.to_thread(flush)
    return digest.hexdigest(), size


def _create(part: Path) -> BinaryIO:
    """A new file for its owner only, locked as long as somebody writes it."""
    number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    file = cast(BinaryIO, os.fdopen(number, "wb"))
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _sweep(part: Path) -> None:
    """Remove a half-written file that nobody writes any more."""
    with contextlib.suppress(OSError), part.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink()


def _sync(path: Path) -> None:
    """Make what was written to a file or a folder outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
        raise BadInput(UNKNOWN)
    width, height, seconds = 0, 0, 0.0
    if mime.startswith("image/"):
        mime, width, height = _decode(part)
    else:
        facts = measure(part, mime)
        width, height, seconds = facts.width, facts.height, facts.seconds
    stem = re.sub(r"[^\w\- .]", "", clean(Path(name).name).rpartition(".")[0])[:60].strip()
    kind = mime.partition("/")[0].replace("image", "picture").replace("audio", "sound")
    called = f"{stem or kind}.{ENDINGS[mime]}"
    return Media(digest, mime, size, width, height, called, seconds=round(seconds, 3))


def _sniff(part: Path) -> str:
    """The MIME type by the first bytes; what only looks like a video has none."""
    with part.open("rb") as file:
        head = file.read(64)
    brand = head[8:12]
    if head[4:8] == b"ftyp" and brand in (*STILLS, *SOUNDS):
        return "audio/mp4" if brand in SOUNDS else ""
    for sign, mime in SIGNS:
        if head.startswith(sign):
            return mime
    if head[:4] == b"RIFF" and brand in (b"WEBP", b"WAVE"):
        return "image/webp" if brand == b"WEBP" else "audio/wav"
    try:
        return str(puremagic.from_string(head, mime=True))
    except (puremagic.PureError, ValueError):
        return ""


def _decode(part: Path) -> tuple[str, int, int]:
    """Type, width and height of a whole, sound picture."""
    try:
        with Image.open(part) as picture:
            width, height = picture.size
            mime = Image.MIME.get(picture.format or "", "")
            if mime in ENDINGS:
                _check(part, picture)
    except Image.DecompressionBombError:
        raise BadInput(mark("That picture has too many pixels.")) from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error):
        raise BadInput(BROKEN) from None
    if mime not in ENDINGS:
        raise BadInput(NOT_A_PICTURE)
    return mime, width, height


def _check(part: Path, picture: Image.Image) -> None:
    """Read a picture to its end with as few pixels in memory as its kind allows.

    PNG has check sums, JPEG decodes to an eighth, of an animation the first frame is enough.
    """
    if picture.format == "PNG":
        bands.verify(part)
    else:
        picture.draft("RGB", (1, 1))
        picture.load()
