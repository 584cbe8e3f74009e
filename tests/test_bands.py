"""Pictures read and written some rows at a time: the same pixels, in little memory."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from core import bands
from core.pictures import shrink
from tests.pictures import chunk, picture

ROOT = Path(__file__).parent.parent
SIZES = [(1, 1), (5, 64), (70, 65), (37, 128), (16, 200), (300, 777)]
"""Around the edges of bands and of a JPEG's blocks."""


def drawn(mode: str, size: tuple[int, int]) -> Image.Image:
    """A picture whose colours differ."""
    whole = Image.effect_noise(size, 25), Image.linear_gradient("L").resize(size)
    return Image.merge(mode, [whole[n % 2] for n in range(len(mode))])


def opened(folder: Path, picture: Image.Image) -> bands.Png:
    picture.save(folder / "a.png")
    png = bands.png(folder / "a.png")
    assert png is not None
    return png


def furthest(one: Image.Image, other: Image.Image) -> int:
    """The greatest difference between two pictures' pixels."""
    assert (one.mode, one.size) == (other.mode, other.size)
    return max(high for _, high in ImageChops.difference(one, other).getextrema())


def jpeg(data: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(data))
    found.load()
    assert found.format == "JPEG"
    return found


def whole(parts: list[Image.Image]) -> Image.Image:
    """Bands, one below the other."""
    found, top = Image.new("RGB", (parts[0].width, sum(part.height for part in parts))), 0
    for part in parts:
        found.paste(part, (0, top))
        top += part.height
    return found


def raw(size: tuple[int, int], data: bytes, *, depth: int = 8, woven: int = 0) -> bytes:
    """An RGB PNG of packed rows, in one chunk."""
    head = b"".join(side.to_bytes(4) for side in size) + bytes([depth, 2, 0, 0, woven])
    parts = chunk(b"IHDR", head), chunk(b"IDAT", data), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_png_is_read_as_pillow_reads_it(tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    """Pixel by pixel, whatever differences to the row above its rows are written as."""
    picture = drawn(mode, size)
    png = opened(tmp_path, picture)
    assert png.size == size
    parts = list(png.bands())
    assert max(part.height for part in parts) <= bands.ROWS
    assert whole(parts).tobytes() == picture.convert("RGB").tobytes()


@pytest.mark.parametrize("size", SIZES)
def test_a_jpeg_of_bands_is_pillows(tmp_path: Path, size: tuple[int, int]) -> None:
    """No seam and no loss: it shows the very pixels of one that is packed at once."""
    picture = drawn("RGB", size)
    png = opened(tmp_path, picture)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    ours = bands.jpeg(png.bands(), size[1], 80, 0)
    assert jpeg(ours).tobytes() == jpeg(buffer.getvalue()).tobytes()
    assert bands.jpeg(png.bands(), size[1], 80, len(ours)) == ours
    assert bands.jpeg(png.bands(), size[1], 80, len(ours) - 1) == b""


@pytest.mark.parametrize("size", [(70, 65), (300, 777), (64, 1500)])
@pytest.mark.parametrize("scale", [0.75, 0.5, 0.31, 0.04])
def test_a_smaller_picture_is_pillows(tmp_path: Path, size: tuple[int, int], scale: float) -> None:
    """What lies beside a band counts too, so that no edge shows."""
    picture = drawn("RGB", size)
    wanted = max(int(size[0] * scale), 1), max(int(size[1] * scale), 1)
    parts = list(bands.scaled(opened(tmp_path, picture).bands(), size[1], wanted))
    assert all(part.height == bands.BLOCK for part in parts[:-1])
    assert furthest(whole(parts), picture.resize(wanted, Image.Resampling.LANCZOS)) <= 2


@pytest.mark.parametrize(
    "data",
    [
        picture("PNG", mode="P"),
        picture("PNG", mode="1"),
        picture("PNG", mode="I;16"),
        picture("JPEG"),
        picture("WEBP"),
        picture("GIF", mode="P"),
    ],
)
def test_other_pictures_are_made_smaller_as_a_whole(tmp_path: Path, data: bytes) -> None:
    """All that the archive keeps can be shown."""
    (tmp_path / "a").write_bytes(data)
    assert bands.png(tmp_path / "a") is None
    assert jpeg(shrink(tmp_path / "a", max_bytes=5000, max_sides=35)).size == (20, 15)


def test_a_png_that_is_woven_is_not_read_in_bands(tmp_path: Path) -> None:
    """Its rows do not follow one another."""
    (tmp_path / "a.png").write_bytes(raw((4, 4), zlib.compress(bytes(99)), woven=1))
    assert bands.png(tmp_path / "a.png") is None


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _spoilt(data: bytes) -> bytes:
    return data[:2] + b"\xff" + data[3:]


def _odd(data: bytes) -> bytes:
    rows = bytearray(zlib.decompress(data))
    rows[301 * 70] = 9  # no way to write a row
    return zlib.compress(bytes(rows))


@pytest.mark.parametrize("harm", [_cut, _spoilt, _odd, lambda data: b"", lambda data: b"x"])
def test_pixels_that_are_not_all_there_are_noticed(
    tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    """Nobody is shown half a picture; its check sums are right."""
    packed = zlib.compress(bytes(301 * 100))
    (tmp_path / "a.png").write_bytes(raw((100, 100), harm(packed)))
    bands.verify(tmp_path / "a.png")
    with pytest.raises(OSError):
        shrink(tmp_path / "a.png", max_bytes=10**6, max_sides=1000)


@pytest.mark.parametrize("end", [20, 40, 60, -20])
def test_a_png_that_ends_too_early_is_noticed(tmp_path: Path, end: int) -> None:
    """Wherever that is."""
    (tmp_path / "a.png").write_bytes(picture("PNG")[:end])
    with pytest.raises(OSError):
        bands.verify(tmp_path / "a.png")


def test_bands_that_are_packed_in_different_ways_are_not_put_together(tmp_path: Path) -> None:
    """Such a JPEG would show rubbish: the picture is then packed as a whole."""

    class Apart(Image.Image):
        """A picture whose every JPEG has tables of its own, as some libraries make them."""

        def save(self, *args: object, **options: object) -> None:  # type: ignore[override]
            super().save(*args, optimize=True, **options)  # type: ignore[arg-type]

    parts = list(opened(tmp_path, drawn("RGB", (80, 300))).bands())
    for part in parts:
        part.__class__ = Apart
    with pytest.raises(bands.Unlike):
        bands.jpeg(iter(parts), 300, 80, 0)


MEMORY = """
    import asyncio, sys
    from pathlib import Path
    from core.archive import Archive
    from core.pictures import fitted
    from tests.pictures import picture, put

    def highest():
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1e3

    async def pieces(path):
        with path.open("rb") as file:
            while piece := file.read(1 << 16):
                yield piece

    async def main(folder):
        archive = Archive(folder / "archive")
        first = await put(archive, picture("PNG"))
        await fitted(archive, first, max_bytes=10_000, max_sides=50)
        idle = highest()
        large = await archive.put(pieces(folder / "large.png"), limit=200_000_000)
        await fitted(archive, large, max_bytes=10_000_000, max_sides=7_000)
        await fitted(archive, large, max_bytes=300_000, max_sides=1280)
        print(highest() - idle)

    asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells its memory otherwise")
def test_a_large_picture_is_made_smaller_in_little_memory(tmp_path: Path) -> None:
    """16 megapixels take 64 MB unpacked, and the file 48 MB in one chunk."""
    side = 4000
    row = b"\0" + Image.effect_noise((side, 1), 60).tobytes() * 3
    (tmp_path / "large.png").write_bytes(raw((side, side), zlib.compress(row * side, 0)))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEMORY), str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 30
