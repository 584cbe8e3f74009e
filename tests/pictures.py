"""Pictures and videos made for tests: sound ones, animations, and bombs."""

from __future__ import annotations

import io
import zlib
from collections.abc import AsyncIterator

from PIL import Image

from core.archive import Archive
from core.messages import Media


def picture(
    kind: str = "PNG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: object
) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 80).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def animation(kind: str, frames: int = 5) -> bytes:
    more = [Image.new("RGB", (40, 30), (n * 20 % 256, 0, 0)) for n in range(1, frames)]
    buffer = io.BytesIO()
    first = Image.new("RGB", (40, 30))
    first.save(buffer, kind, save_all=True, append_images=more, duration=50)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def bomb(width: int, height: int) -> bytes:
    """A one-bit PNG of many pixels and few bytes."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    packer = zlib.compressobj()
    line = bytes(1 + (width + 7) // 8)
    packed = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", packed), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x08free" + bytes(500)
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"


async def stream(data: bytes, step: int = 65536) -> AsyncIterator[bytes]:
    for at in range(0, len(data), step):
        yield data[at : at + step]


async def put(archive: Archive, data: bytes, **options: object) -> Media:
    return await archive.put(stream(data), **options)  # type: ignore[arg-type]
