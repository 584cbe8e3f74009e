"""The archive: whole files only, what they really are, for good or passing, without blocking."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from core.archive import Archive
from core.errors import BadInput, StoreError
from core.messages import Media
from core.pictures import fitted, shrink
from tests.pictures import MP4, WEBM, animation, bomb, chunk, picture, put

ROOT = Path(__file__).parent.parent


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def names(archive: Archive) -> list[str]:
    return sorted(p.name for p in archive._folder.rglob("*") if p.is_file())


# -- what is kept ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "mime", "size"),
    [
        (picture("PNG"), "image/png", (40, 30)),
        (picture("PNG", mode="RGBA"), "image/png", (40, 30)),
        (picture("JPEG"), "image/jpeg", (40, 30)),
        (picture("JPEG", progressive=True), "image/jpeg", (40, 30)),
        (picture("JPEG", mode="CMYK"), "image/jpeg", (40, 30)),
        (picture("WEBP"), "image/webp", (40, 30)),
        (picture("GIF", mode="P"), "image/gif", (40, 30)),
        (animation("GIF"), "image/gif", (40, 30)),
        (animation("WEBP"), "image/webp", (40, 30)),
        (animation("PNG"), "image/png", (40, 30)),
        (MP4, "video/mp4", (0, 0)),
        (WEBM + bytes(100), "video/webm", (0, 0)),
    ],
)
async def test_what_can_be_used_is_kept_as_it_came(
    archive: Archive, data: bytes, mime: str, size: tuple[int, int]
) -> None:
    """Type and size by the bytes, whatever the name says; the ending fits the type."""
    media = await put(archive, data, name="../../My picture.exe")
    assert (media.mime, media.width, media.height, media.size) == (mime, *size, len(data))
    assert media.hash == hashlib.sha256(data).hexdigest()
    assert archive.path(media).read_bytes() == data
    assert media.name.startswith("My picture.")
    assert media.name.rpartition(".")[2] in mime.replace("jpeg", "jpg")


@pytest.mark.parametrize(
    ("data", "sign"),
    [
        (b"", "empty"),
        (b"hello", "not a picture"),
        (b"<!doctype html><html>", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "not a picture"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (picture("BMP"), "not a picture"),
        (picture("TIFF"), "not a picture"),
        (b"%PDF-1.7 " + bytes(100), "not a picture"),
        (b"PK\x03\x04" + bytes(100), "not a picture"),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + bytes(100), "not a picture"),
        (picture("PNG")[:-40], "broken"),
        (picture("PNG")[:300], "broken"),
        (picture("PNG")[:20], "broken"),
        (picture("JPEG", (400, 300))[:2000], "broken"),
        (picture("WEBP")[:-40], "broken"),
        (picture("GIF", mode="P")[:200], "broken"),
        (b"\x89PNG\r\n\x1a\n<script>", "broken"),
        (b"GIF89a" + bytes(20), "broken"),
        (bomb(12_000, 12_000), "pixels"),
        (bomb(9_000, 8_000), "pixels"),
    ],
)
async def test_what_cannot_be_used_is_refused_in_a_sentence(
    archive: Archive, data: bytes, sign: str
) -> None:
    """And leaves nothing behind."""
    with pytest.raises(BadInput) as found:
        await put(archive, data)
    assert sign in str(found.value)
    assert names(archive) == []


async def test_one_wrong_byte_in_a_png_is_noticed(archive: Archive) -> None:
    """Anywhere in its pixels."""
    data = bytearray(picture("PNG", (200, 200)))
    data[len(data) // 2] ^= 1
    with pytest.raises(BadInput):
        await put(archive, bytes(data))


async def test_a_file_over_the_limit_is_refused_on_the_way(archive: Archive) -> None:
    """At the byte that is too many, not after all 60 MB."""
    seen = 0

    async def big() -> AsyncIterator[bytes]:
        nonlocal seen
        for _ in range(60):
            seen += 1
            yield bytes(1_000_000)

    with pytest.raises(BadInput, match="too big: at most 50 MB"):
        await archive.put(big())
    assert seen == 51
    assert names(archive) == []


async def test_a_stream_that_breaks_leaves_nothing(archive: Archive) -> None:
    """Whatever broke it is told to the caller as it is."""

    async def broken() -> AsyncIterator[bytes]:
        yield picture()
        raise RuntimeError("the line went dead")

    with pytest.raises(RuntimeError, match="went dead"):
        await archive.put(broken())
    assert names(archive) == []


async def test_a_caller_who_gives_up_leaves_nothing(archive: Archive) -> None:
    """Cancelled in the middle of a stream."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(100_000)
            await asyncio.sleep(0.001)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await archive.put(endless(), limit=10**12)
    assert names(archive) == []


# -- files and folders -------------------------------------------------------------------------


async def test_the_same_bytes_at_once_are_one_file(archive: Archive) -> None:
    """Twenty times, and once more later."""
    data = picture()
    got = await asyncio.gather(*(put(archive, data) for _ in range(20)))
    assert len({media.hash for media in got}) == 1
    assert await put(archive, data) == got[0]
    assert names(archive) == [got[0].hash]


async def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    """Files and folders, whatever the umask."""
    old = os.umask(0)
    try:
        archive = Archive(tmp_path / "archive")
        path = archive.path(await put(archive, picture()))
    finally:
        os.umask(old)
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


async def test_what_a_killed_process_left_goes_and_what_is_written_stays(tmp_path: Path) -> None:
    """At the start of another process on the same folder."""
    first = Archive(tmp_path)
    (tmp_path / "dead.part").write_bytes(b"half")
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield picture()
        await go_on.wait()

    under_way = asyncio.create_task(first.put(slow()))
    await asyncio.sleep(0.1)  # it is being written
    assert len(names(first)) == 2
    second = Archive(tmp_path)
    assert "dead.part" not in names(second)
    go_on.set()
    assert second.has(await under_way)


def test_a_hash_is_no_way_out(archive: Archive) -> None:
    """Only 64 hex digits name a file."""
    for odd in ("", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "a" * 32 + "/" * 32):
        with pytest.raises(BadInput):
            archive.path(Media(odd, "image/png", 1))
    assert not archive.has(Media("a" * 64, "image/png", 1))


async def test_a_damaged_copy_is_replaced(archive: Archive) -> None:
    """The same bytes that come again mend a file that lost some."""
    data = picture()
    media = await put(archive, data)
    archive.path(media).write_bytes(data[:50])
    await put(archive, data)
    assert archive.path(media).read_bytes() == data


# -- passing files -----------------------------------------------------------------------------


async def test_only_what_is_passing_is_discarded(archive: Archive) -> None:
    """A result that is the same picture as a preview stays, whichever came first."""
    one, two, three, four = (picture(size=(40, n)) for n in (20, 21, 22, 23))
    passing = await put(archive, one, passing=True)
    await archive.discard(passing)
    assert not archive.has(passing)
    kept = await put(archive, two)
    await archive.discard(await put(archive, two, passing=True))
    assert archive.has(kept)
    preview = await put(archive, three, passing=True)
    await put(archive, three)
    await archive.discard(preview)
    await archive.discard(preview)
    assert archive.has(preview)
    for _ in range(2):
        shared = await put(archive, four, passing=True)
    await archive.discard(shared)
    assert archive.has(shared), "another job still shows it"
    await archive.discard(shared)
    assert not archive.has(shared)


# -- smaller copies ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [picture(size=(900, 700), mode="RGBA"), picture("GIF", (900, 700), "P")]
)
async def test_a_copy_fits(archive: Archive, data: bytes) -> None:
    """In bytes and in sides, as a JPEG of the same shape; the original stays."""
    media = await put(archive, data, name="fox.png")
    small = await fitted(archive, media, max_bytes=20_000, max_sides=400)
    assert small.mime == "image/jpeg"
    assert small.size <= 20_000
    assert small.width + small.height <= 400
    assert small.width / small.height == pytest.approx(900 / 700, rel=0.02)
    assert (small.name, archive.has(media)) == ("fox.jpg", True)


def test_a_tiny_picture_has_an_end(tmp_path: Path) -> None:
    """A bound that no JPEG meets gives the smallest there is."""
    (tmp_path / "a.png").write_bytes(picture(size=(500, 2)))
    assert len(shrink(tmp_path / "a.png", max_bytes=10, max_sides=1000)) < 2000


async def test_a_copy_of_what_is_lost_or_cannot_be_drawn(archive: Archive) -> None:
    """Says so; a PNG whose check sums are right and whose pixels are not is such a one."""
    head = bytes([0, 0, 0, 9, 0, 0, 0, 9, 8, 2, 0, 0, 0])
    odd = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"no zlib")
    media = await put(archive, odd + chunk(b"IEND", b""))
    for one in (media, Media("a" * 64, "image/png", 1)):
        with pytest.raises(BadInput):
            await fitted(archive, one, max_bytes=1000, max_sides=100)


# -- under load, in a process of its own -------------------------------------------------------

LOAD = """
    import asyncio, os, sys, time
    from pathlib import Path
    import psutil
    from core.archive import Archive
    from tests.pictures import MP4

    def rss():
        return psutil.Process().memory_info().rss / 1e6

    block = os.urandom(256 * 1024)

    async def video(n):
        yield MP4 + bytes([n])
        for _ in range(95):
            yield block
            await asyncio.sleep(0)

    async def main(folder):
        archive, worst, top, at = Archive(Path(folder)), 0.0, 0.0, time.thread_time()
        await archive.put(video(99))
        idle, done = rss(), False

        async def watch():
            nonlocal worst, top, at
            while not done:
                at = time.thread_time()
                await asyncio.sleep(0.005)
                worst = max(worst, time.thread_time() - at)
                top = max(top, rss())

        watching = asyncio.create_task(watch())
        await asyncio.gather(*(archive.put(video(n)) for n in range(20)))
        done = True
        await watching
        print(worst, top - idle)

    asyncio.run(main(sys.argv[1]))
"""
BOMBS = """
    import asyncio, sys
    from pathlib import Path
    from core.archive import Archive
    from core.errors import BadInput
    from tests.pictures import picture, put

    def highest():
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1e3

    async def main(folder):
        archive = Archive(folder / "archive")
        await put(archive, picture("WEBP"))
        idle, kept = highest(), 0
        for path in sorted(folder.glob("*.bomb")):
            try:
                await put(archive, path.read_bytes())
                kept += 1
            except BadInput:
                pass
        print(kept, highest() - idle)

    asyncio.run(main(Path(sys.argv[1])))
"""


def measured(code: str, folder: Path) -> list[float]:
    """What a program prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [float(number) for number in done.stdout.split()]


def test_twenty_big_files_at_once_block_nothing(tmp_path: Path) -> None:
    """20 × 25 MB: the loop's own work between two breaths stays under 50 ms, and memory under
    40 MB over idle.
    """
    worst, grown = measured(LOAD, tmp_path)
    assert worst < 0.05
    assert grown < 40


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells its memory otherwise")
def test_bombs_do_not_fill_the_memory(tmp_path: Path) -> None:
    """Huge pictures, refused or kept, are never unpacked whole."""
    flat = io.BytesIO()
    Image.new("RGB", (7000, 7000)).save(flat, "JPEG")
    bombs = [bomb(30_000, 30_000), bomb(8_000, 7_900), animation("GIF", 200), flat.getvalue()]
    for number, data in enumerate(bombs):
        (tmp_path / f"{number}.bomb").write_bytes(data)
    kept, grown = measured(BOMBS, tmp_path)
    assert kept == 3
    assert grown < 40


async def test_a_full_disk_says_so(tmp_path: Path) -> None:
    """Where a small file system can be mounted: nothing is half kept, and there is a sentence."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(small)]
    if (await asyncio.to_thread(subprocess.run, mount, capture_output=True)).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        archive = Archive(small)
        with pytest.raises(StoreError, match="disk is full"):
            await put(archive, picture(size=(600, 600)))
        assert names(archive) == []
        assert archive.has(await put(archive, picture()))
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", str(small)], check=True)


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"\0\0\0\x1cftypM4A \0\0\0\0M4A mp42" + bytes(100), "audio/mp4"),
        (b"ID3\x04" + bytes(100), "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(100), "audio/mpeg"),
        (b"OggS" + bytes(100), "audio/ogg"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(100), "audio/wav"),
        (b"fLaC" + bytes(100), "audio/flac"),
    ],
)
async def test_sounds_are_kept_as_what_they_are(archive: Archive, data: bytes, mime: str) -> None:
    """By their first bytes, whatever they are called."""
    kept = await put(archive, data, name="x.png")
    assert kept.mime == mime
