"""Making pictures fit: smaller copies for chats that take less than the archive holds."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageOps

from core import bands
from core.archive import BROKEN, Archive
from core.errors import BadInput
from core.messages import Limits, Media, Message

QUALITIES = (90, 80, 65)
SMALLEST = 64
"""Pixels of the longer side at which a copy is taken however many bytes it has."""
Draw: TypeAlias = Callable[[tuple[int, int], int, int], bytes]
"""Makes a JPEG of a size and a quality; nothing where it has more than so many bytes (0: any)."""


def shrink(path: Path, *, max_bytes: int, max_sides: int) -> bytes:
    """A JPEG of at most `max_bytes` whose width and height together are at most `max_sides`."""
    with Image.open(path) as opened:  # refuses what has too many pixels
        wanted = _scaled(opened.size, min(1.0, max_sides / sum(opened.size)))
        png = bands.png(path) if max(opened.size) <= bands.LARGEST else None
        if png is not None:
            with contextlib.suppress(bands.Unlike):
                return _first_that_fits(partial(_in_bands, png), wanted, max_bytes)
        opened.draft("RGB", wanted)
        return _first_that_fits(_Whole(opened).jpeg, wanted, max_bytes)


def _first_that_fits(draw: Draw, wanted: tuple[int, int], max_bytes: int) -> bytes:
    """The best and greatest JPEG that fits."""
    while True:
        most = max_bytes if max(wanted) > SMALLEST else 0
        for quality in QUALITIES:
            if data := draw(wanted, quality, most):
                return data
        wanted = _scaled(wanted, 0.75)


def _in_bands(png: bands.Png, wanted: tuple[int, int], quality: int, most: int) -> bytes:
    """A JPEG of a PNG that is never in memory whole; nothing where it has over `most` bytes."""
    drawn = png.bands() if wanted == png.size else bands.scaled(png.bands(), png.size[1], wanted)
    return bands.jpeg(drawn, wanted[1], quality, most)


class _Whole:
    """A picture of which all pixels are in memory."""

    def __init__(self, picture: Image.Image) -> None:
        self._picture = picture if picture.mode == "RGB" else picture.convert("RGB")

    def jpeg(self, wanted: tuple[int, int], quality: int, most: int) -> bytes:
        """The picture as a JPEG; nothing where it has over `most` bytes (0: however many)."""
        if self._picture.size != wanted:
            self._picture = self._picture.resize(wanted, BEST)
        buffer = io.BytesIO()
        self._picture.save(buffer, "JPEG", quality=quality)
        return buffer.getvalue() if not most or buffer.tell() <= most else b""


BEST = Image.Resampling.LANCZOS


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(int(size[0] * scale), 1), max(int(size[1] * scale), 1)


def redrawn(path: Path, *, types: Sequence[str] = (), most: int = 0) -> bytes:
    """A picture as somebody else may have it; nothing where the file is right as it is.

    Right is one of `types` (any where there are none), of at most `most` bytes (0 for any), without
    notes of where and with what it was taken. What those say of its orientation is drawn instead.
    """
    with Image.open(path) as opened:
        mime = Image.MIME.get(opened.format or "", "")
        taken = not types or mime in types
        if taken and not _telling(opened) and (not most or path.stat().st_size <= most):
            return b""
        form = FORMS.get(mime if taken else "", "JPEG")
        if types and f"image/{form.lower()}" not in types:
            form = FORMS[types[0]]
        turned = ImageOps.exif_transpose(opened)
        return _drawn(turned, form, most or path.stat().st_size * 100)


FORMS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}


def _telling(picture: Image.Image) -> bool:
    """Whether a picture says more than it shows: a camera's notes, the place above all."""
    return "exif" in picture.info or (picture.format != "PNG" and "xmp" in picture.info)


def _drawn(picture: Image.Image, form: str, most: int) -> bytes:
    """A picture in a form, at the best quality and then the greatest size that fits."""
    mode = "RGB" if form == "JPEG" or "A" not in picture.getbands() else "RGBA"
    picture = _opaque(picture) if mode == "RGB" else picture.convert(mode)
    picture.info = {}
    while True:
        for quality in (95, *QUALITIES) if form != "PNG" else (0,):
            buffer = io.BytesIO()
            picture.save(buffer, form, quality=quality)
            if buffer.tell() <= most or max(picture.size) <= SMALLEST:
                return buffer.getvalue()
        picture = picture.resize(_scaled(picture.size, 0.75), BEST)


def _opaque(picture: Image.Image) -> Image.Image:
    """A picture on white where it is transparent."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    shown = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")


async def made(
    archive: Archive, work: Callable[[Path], bytes], media: Media, *, passing: bool = False
) -> Media | None:
    """What work makes of a picture, kept in the archive; None where it makes nothing of it.

    Raises `BadInput` when the picture cannot be drawn, or is gone.
    """
    try:
        return await archive.make(work, media, passing=passing)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(BROKEN) from error


async def given(
    archive: Archive, media: Media, *, types: Sequence[str] = (), most: int = 0
) -> Media | None:
    """A copy of a picture as a service may have it, to be discarded after use; None where the file
    is right as it is. Raises `BadInput` when the picture cannot be drawn, or is gone.
    """
    if not media.mime.startswith("image/"):
        return None
    return await made(archive, partial(redrawn, types=types, most=most), media, passing=True)


async def fitted(
    archive: Archive, media: Media, *, max_bytes: int, max_sides: int, passing: bool = False
) -> Media:
    """A copy of a picture that fits, kept in the archive; `passing` as for `Archive.put`.

    Raises `BadInput` when the picture cannot be drawn, or is gone.
    """
    work = partial(shrink, max_bytes=max_bytes, max_sides=max_sides)
    return await made(archive, work, media, passing=passing) or media


async def shrunk(archive: Archive, message: Message, limits: Limits) -> Message:
    """A message whose pictures are small enough for the chat; the archive keeps the originals.

    Files that are sent untouched are: the chat takes them or does not.
    """
    if message.as_file:
        return message
    top = min(limits.photo_bytes, limits.file_bytes)
    media = [await _fit_one(archive, m, top, limits.photo_sides) for m in message.media]
    return replace(message, media=tuple(media))


async def smaller(archive: Archive, message: Message, top: int) -> Message:
    """A message whose pictures have at most `top` bytes each, as far as that can be had."""
    if message.as_file:
        return message
    media = [await _fit_one(archive, m, top, 0) for m in message.media]
    return replace(message, media=tuple(media))


async def _fit_one(archive: Archive, media: Media, top: int, sides: int) -> Media:
    small = media.size <= top and (not sides or media.width + media.height <= sides)
    if small or not media.mime.startswith("image/"):
        return media
    try:
        copy = await fitted(archive, media, max_bytes=top, max_sides=sides or 100_000)
    except BadInput:  # then the chat has to say what it makes of it
        return media
    return replace(copy, name=copy.name or media.name, alt=media.alt, spoiler=media.spoiler)
