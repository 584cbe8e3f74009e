"""PNG files of any size, written row by row: nothing larger than one band is ever in memory.

Owns the PNG container with stored (uncompressed) data. It knows nothing of tasks or HTTP.
"""

import struct
import zlib
from collections.abc import Iterator

from PIL import Image

_BLOCK = 65_535
"""The most a stored deflate block can hold (RFC 1951, 3.2.4)."""
_BAND = 64


class LargePng:
    """An RGB PNG of at least `megabytes` MB (1 MB = 1,000,000 bytes), scaled up from `image`."""

    def __init__(self, image: Image.Image, megabytes: int) -> None:
        self._image = image
        ratio = image.width / image.height
        pixels = megabytes * 1_000_000 / 3
        self.width = int((pixels * ratio) ** 0.5) + 1
        self.height = int((pixels / ratio) ** 0.5) + 1

    @property
    def length(self) -> int:
        """Bytes of the whole file."""
        bands = [self._rows(top) * (1 + 3 * self.width) for top in range(0, self.height, _BAND)]
        body = sum(12 + size + 5 * -(-size // _BLOCK) for size in bands)
        return 8 + 25 + (12 + 2) + body + (12 + 9) + 12

    def chunks(self) -> Iterator[bytes]:
        """The file, a few hundred kilobytes at a time."""
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        yield (b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", b"\x78\x01"))
        checksum = zlib.adler32(b"")
        for top in range(0, self.height, _BAND):
            raw = self._band(top)
            checksum = zlib.adler32(raw, checksum)
            yield _chunk(b"IDAT", b"".join(_stored(raw)))
        end = b"\x01\x00\x00\xff\xff" + struct.pack(">I", checksum)
        yield _chunk(b"IDAT", end) + _chunk(b"IEND", b"")

    def _rows(self, top: int) -> int:
        return min(_BAND, self.height - top)

    def _band(self, top: int) -> bytes:
        """Some rows as PNG wants them: a filter byte (0, none) before each."""
        rows = self._rows(top)
        scale = self._image.height / self.height
        box = (0.0, top * scale, float(self._image.width), (top + rows) * scale)
        band = self._image.resize((self.width, rows), Image.Resampling.BILINEAR, box=box)
        data, stride = band.tobytes(), 3 * self.width
        return b"".join(b"\0" + data[row * stride : (row + 1) * stride] for row in range(rows))


def _stored(raw: bytes) -> Iterator[bytes]:
    for start in range(0, len(raw), _BLOCK):
        part = raw[start : start + _BLOCK]
        yield struct.pack("<BHH", 0, len(part), len(part) ^ 0xFFFF) + part


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
