"""Signed links to files, as those who get one use them."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.files import Files
from core.archive import Archive
from core.links import DAY, Links
from core.messages import Media
from tests.pictures import picture

NOW = 1_800_000_000.0


async def kept(archive: Archive, data: bytes) -> Media:
    """A file in the archive."""

    async def chunks():
        yield data

    return await archive.put(chunks(), name="A fox, in the rain.png")


def links(now: float = NOW, secret: bytes = b"s" * 32, base: str = "https://x.example/a") -> Links:
    """Links of a server."""
    return Links(base, secret, lambda: now)


def test_an_address_names_the_file_and_is_the_same_all_day() -> None:
    """So that a message drawn anew stays as it is."""
    media = Media("ab" * 32, "video/mp4", 9, name="A boat & a fox.mp4")
    found = links().link(media)
    assert found.startswith("https://x.example/a/files/")
    assert found.endswith(f"{'ab' * 32}/A-boat-a-fox.mp4")
    midnight = NOW // DAY * DAY
    assert len({links(midnight + at).link(media) for at in (0, 1, DAY - 1)}) == 1


def test_without_a_public_address_there_are_no_links() -> None:
    """Nothing is promised that nobody can open."""
    assert links(base="").link(Media("ab" * 32, "video/mp4", 9)) == ""


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_nobody_can_change_an_address(at: int) -> None:
    """Not its mark, end, file or name; and another secret makes other marks."""
    media = Media("ab" * 32, "image/png", 9, name="fox.png")
    parts = links().link(media).partition("/files/")[2].split("/")
    assert links().opened(*parts) is not None
    assert links(secret=b"t" * 32).opened(*parts) is None
    parts[at] = {0: "é" * 40, 1: "99999999999", 2: "cd" * 32, 3: "fox.mp4"}[at]
    assert links().opened(*parts) is None


def test_an_address_works_for_a_week() -> None:
    """And not for ever."""
    parts = links().link(Media("ab" * 32, "image/png", 9)).partition("/files/")[2].split("/")
    assert links(NOW + 7 * DAY).opened(*parts) is not None
    assert links(NOW + 8 * DAY + 1).opened(*parts) is None


async def test_a_player_reads_a_file_in_parts(tmp_path: Path) -> None:
    """Whole, a range, its headers alone; as what it is, and sniffed by nobody."""
    archive, data = Archive(tmp_path), picture("PNG", (40, 30))
    media, made = await kept(archive, data), links(base="http://x")
    app = web.Application()
    Files(made, archive).setup(app)
    async with TestClient(TestServer(app)) as client:
        path = made.link(media).removeprefix("http://x")
        async with client.get(path) as whole:
            assert await whole.read() == data
            assert whole.headers["Content-Type"] == "image/png"
            assert whole.headers["X-Content-Type-Options"] == "nosniff"
            assert 'filename="A-fox-in-the-rain.png"' in whole.headers["Content-Disposition"]
        async with client.get(path, headers={"Range": "bytes=10-19"}) as part:
            assert (part.status, await part.read()) == (206, data[10:20])
        async with client.head(path) as head:
            assert int(head.headers["Content-Length"]) == len(data)
        for wrong in (path[:-1], path.replace("/files/", "/files/0"), "/files/a/b/c/d"):
            async with client.get(wrong) as none:
                assert none.status == 404
        archive.path(media).unlink()
        async with client.get(path) as gone:
            assert gone.status == 404
