"""People's pictures on their way to the gateway: fitted to what takes them, and telling nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image

from core.archive import Archive
from core.gateway import Gateway, GatewaySettings
from core.links import Links
from core.messages import Media
from core.wire import Blob, Call
from tests.pictures import picture
from tests.test_gateway import serving


def photo(form: str, *, turned: int = 1) -> bytes:
    """A picture, red above and blue below, that tells where it was taken."""
    shot = Image.new("RGB", (40, 60), "blue")
    shot.paste("red", (0, 0, 40, 30))
    exif = Image.Exif()
    exif[0x0112] = turned
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    target = io.BytesIO()
    shot.save(target, form, exif=exif)
    return target.getvalue()


async def kept(archive: Archive, data: bytes) -> Media:
    """A file a person sent."""

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    return await archive.put(chunks(), name="me.jpg")


def names(folder: Path) -> set[str]:
    """What the archive holds."""
    return {path.name for path in folder.glob("??/*")}


async def sent(folder: Path, data: bytes, form: Any, **rules: Any) -> tuple[str, bytes]:
    """What arrives at the gateway of a picture: its type and bytes."""
    archive, seen = Archive(folder), list[tuple[str, bytes]]()
    links = Links("http://here", b"s" * 32, lambda: 1000.0)

    async def handler(request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            text = (await request.json())["image"]
            if form == "url":
                media = links.opened(*text.partition("/files/")[2].split("/"))
                assert media is not None
                seen.append((media.mime, archive.path(media).read_bytes()))
            else:
                head, _, body = text.rpartition(",")
                mime = head.removeprefix("data:").removesuffix(";base64")
                seen.append((mime, base64.b64decode(body)))
        else:
            file: Any = (await request.post())["image"]
            seen.append((file.content_type, file.file.read()))
        return web.json_response({})

    media = await kept(archive, data)
    async with serving(handler) as base:
        settings = GatewaySettings(base_url=base)
        async with Gateway(settings, archive, link=links.link) as gateway:
            body = {"image": Blob(media, form, **rules)}
            await gateway.send(Call("POST", "/a", "x", body))
    left = names(folder)
    assert media.hash in left
    assert len(left) == (2 if form == "url" and seen[0][1] != data else 1)
    return seen[0]


@pytest.mark.parametrize("kind", ["data_uri", "file", "url"])
@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG"])
async def test_where_a_photo_was_taken_stays_here(tmp_path: Path, form: str, kind: str) -> None:
    """Whatever its type and however it goes out; it stays what it was, the right way up."""
    mime, data = await sent(tmp_path, photo(form, turned=3), kind)
    assert mime == f"image/{form.lower()}"
    with Image.open(io.BytesIO(data)) as seen:
        assert not seen.getexif()
        assert (seen.format, seen.size) == (form, (40, 60))
        red, _, blue = seen.convert("RGB").getpixel((20, 5))
        assert blue > red + 100


async def test_a_picture_that_tells_nothing_goes_as_it_is(tmp_path: Path) -> None:
    """Byte for byte."""
    data = picture("JPEG", (50, 40))
    assert await sent(tmp_path, data, "data_uri") == ("image/jpeg", data)


@pytest.mark.parametrize(
    ("form", "types", "becomes"),
    [
        ("WEBP", ("image/jpeg", "image/png"), "image/jpeg"),
        ("GIF", ("image/png",), "image/png"),
        ("PNG", ("image/jpeg", "image/png"), "image/png"),
    ],
)
async def test_a_picture_of_another_type_is_redrawn(
    tmp_path: Path, form: str, types: tuple[str, ...], becomes: str
) -> None:
    """As one that is taken, and saying so."""
    mode = "P" if form == "GIF" else "RGB"
    mime, data = await sent(tmp_path, picture(form, (50, 40), mode), "file", types=types)
    with Image.open(io.BytesIO(data)) as seen:
        assert (mime, Image.MIME[seen.format or ""], seen.size) == (becomes, becomes, (50, 40))


async def test_a_picture_that_is_too_large_is_redrawn(tmp_path: Path) -> None:
    """Within the bytes, and no smaller than need be."""
    big = picture("PNG", (600, 400))
    types = ("image/jpeg", "image/png")
    _, data = await sent(tmp_path, big, "base64", types=types, most=100_000)
    assert len(data) <= 100_000 < len(big)
    with Image.open(io.BytesIO(data)) as seen:
        assert seen.size[0] > 250


async def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    """Not black, where the new type knows no transparency."""
    target = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(target, "PNG")
    _, data = await sent(tmp_path, target.getvalue(), "data_uri", types=("image/jpeg",))
    with Image.open(io.BytesIO(data)) as seen:
        assert min(seen.convert("RGB").getpixel((10, 10))) > 250
