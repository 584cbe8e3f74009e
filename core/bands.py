"""Large pictures without all their pixels in memory: a PNG is read, made smaller and written as a
JPEG some rows at a time.

A picture takes four bytes a pixel once it is unpacked, whatever its file has. Every function here
blocks: callers run it in a thread.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import Image

ROWS = 64
"""Rows that are read at once."""
BLOCK = 16
"""Rows and columns of a JPEG that belong together; bands have a multiple of that, but the last."""
PIECE = 1 << 16
"""Bytes that are read at once."""
LARGEST = 65_500
"""Most pixels of a JPEG's side."""
LANCZOS, REACH = Image.Resampling.LANCZOS, 3
"""The best way to make pictures smaller, and how many of the new pixels around it one is made of.
"""

_SIGN = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">IIBBBBB")
_MODES = {0: "L", 2: "RGB", 4: "LA", 6: "RGBA"}
"""Kinds of pixels of which PNG and Pillow have the same bytes, where each colour has one."""
_FRAME, _RESTART, _SCAN, _END = b"\xff\xc0", b"\xff\xdd", b"\xff\xda", b"\xff\xd9"
"""Marks in a JPEG: its size follows, the blocks of a band follow, pixels follow, the end."""


class Unlike(Exception):
    """Bands of this picture cannot be put together."""


# -- reading PNG -------------------------------------------------------------------------------


def verify(path: Path) -> None:
    """Read a PNG to its end and compare its check sums. Raises `OSError`."""
    with path.open("rb") as file:
        for _ in _chunks(file):
            pass


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """A PNG's chunks with their kinds, long ones in pieces. Raises `OSError` where one is broken or
    the end is missing.
    """
    if _read(file, len(_SIGN)) != _SIGN:
        raise OSError("no PNG")
    while True:
        left, kind = struct.unpack(">I4s", _read(file, 8))
        if kind == b"IEND":
            return
        found = zlib.crc32(kind)
        while left:
            piece = _read(file, min(left, PIECE))
            found = zlib.crc32(piece, found)
            left -= len(piece)
            yield kind, piece
        if found != int.from_bytes(_read(file, 4)):
            raise OSError("broken PNG")


def _read(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise OSError("the file ends too early")
    return data


class Png:
    """A PNG whose rows can be read one after another."""

    def __init__(self, path: Path, size: tuple[int, int], mode: str) -> None:
        """`size` and `mode` as its head says."""
        self._path = path
        self.size = size
        self._mode = mode

    def bands(self) -> Iterator[Image.Image]:
        """The picture from top to bottom, `ROWS` at a time. Raises `OSError`."""
        width, height = self.size
        line = 1 + width * len(self._mode)
        above = b""
        with self._path.open("rb") as file:
            rows = _Rows(file)
            for start in range(0, height, ROWS):
                count = min(ROWS, height - start)
                band = self._unpacked(above + rows.take(line * count), count + bool(above))
                above = b"\0" + band.crop((0, band.height - 1, *band.size)).tobytes()
                yield band.crop((0, band.height - count, *band.size)).convert("RGB")

    def _unpacked(self, rows: bytes, count: int) -> Image.Image:
        """Pixels of rows that are written as differences to the row above."""
        data = zlib.compress(rows, 0)
        try:
            return Image.frombytes(self._mode, (self.size[0], count), data, "zip", self._mode)
        except ValueError as error:
            raise OSError("broken PNG") from error


def png(path: Path) -> Png | None:
    """A PNG that can be read in bands; None for all others."""
    with path.open("rb") as file:
        if file.read(len(_SIGN)) != _SIGN:
            return None
        head = file.read(8 + _HEAD.size)[8:]
    if len(head) < _HEAD.size:
        return None
    width, height, depth, kind, _, _, interlaced = _HEAD.unpack(head)
    plain = depth == 8 and kind in _MODES and not interlaced
    return Png(path, (width, height), _MODES[kind]) if plain else None


class _Rows:
    """The unpacked data of a PNG, as much of it as is wanted."""

    def __init__(self, file: BinaryIO) -> None:
        self._packed = (piece for kind, piece in _chunks(file) if kind == b"IDAT")
        self._unpacker = zlib.decompressobj()

    def take(self, count: int) -> bytes:
        """The next bytes. Raises `OSError` where there are less."""
        rows = bytearray()
        while len(rows) < count:
            packed = self._unpacker.unconsumed_tail or next(self._packed, b"")
            try:
                found = self._unpacker.decompress(packed, count - len(rows))
            except zlib.error as error:
                raise OSError("broken PNG") from error
            if not packed and not found:
                raise OSError("the picture ends too early")
            rows += found
        return bytes(rows)


# -- making smaller ----------------------------------------------------------------------------


def scaled(
    bands: Iterator[Image.Image], height: int, wanted: tuple[int, int]
) -> Iterator[Image.Image]:
    """A picture of `height` rows in the size that is wanted, `BLOCK` rows at a time."""
    columns, rows = wanted
    narrow = (band.resize((columns, band.height), LANCZOS) for band in bands)
    reach = math.ceil(REACH * max(height / rows, 1.0)) + 1
    held, top = Image.new("RGB", (columns, 0)), 0
    for start in range(0, rows, BLOCK):
        end = min(start + BLOCK, rows)
        begin, until = start * height / rows, end * height / rows
        low, high = max(int(begin) - reach, 0), min(math.ceil(until) + reach, height)
        parts = [held.crop((0, low - top, columns, held.height))]
        while low + sum(part.height for part in parts) < high:
            parts.append(next(narrow))
        held, top = _stacked(parts), low
        yield held.resize((columns, end - start), LANCZOS, (0, begin - top, columns, until - top))


def _stacked(parts: list[Image.Image]) -> Image.Image:
    """Bands as one picture."""
    if len(parts) == 1:
        return parts[0]
    whole, top = Image.new("RGB", (parts[0].width, sum(part.height for part in parts))), 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole


# -- writing JPEG ------------------------------------------------------------------------------


def jpeg(bands: Iterator[Image.Image], height: int, quality: int, most: int) -> bytes:
    """A JPEG of bands that have `height` rows together; nothing where it has over `most` bytes (0:
    however many).

    Each band is packed by itself: a JPEG may begin afresh after every so many blocks. Raises
    `Unlike` where they are not packed alike.
    """
    out, first = io.BytesIO(), b""
    for number, band in enumerate(bands):
        buffer = io.BytesIO()
        band.save(buffer, "JPEG", quality=quality)
        head, begin, scan = _parted(buffer.getvalue(), height)
        if not number:
            first = head
            blocks = math.ceil(band.width / BLOCK) * math.ceil(band.height / BLOCK)
            out.write(head + struct.pack(">2sHH", _RESTART, 4, blocks) + begin + scan)
        elif head == first:
            out.write(bytes((0xFF, 0xD0 + (number - 1) % 8)) + scan)
        else:
            raise Unlike
        if most and out.tell() + len(_END) > most:
            return b""
    out.write(_END)
    return out.getvalue()


def _parted(data: bytes, height: int) -> tuple[bytes, bytes, bytes]:
    """A JPEG's head, made to say that it has so many rows; what begins the pixels; and these.

    Raises `Unlike` where it is of a kind whose rows are not packed one after another.
    """
    at, frame = 2, 0
    while data[at : at + 2] != _SCAN:
        if data[at : at + 2] == _FRAME:
            frame = at
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    if not frame:
        raise Unlike
    after = at + 2 + int.from_bytes(data[at + 2 : at + 4])
    head = data[: frame + 5] + height.to_bytes(2) + data[frame + 7 : at]
    return head, data[at:after], data[after : -len(_END)]
