"""Masks as people draw them, and as models want them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.archive import Archive
from core.errors import BadInput
from core.masks import masked
from core.messages import Media


async def kept(archive: Archive, picture: Image.Image, form: str = "PNG", **more: Any) -> Media:
    buffer = io.BytesIO()
    picture.save(buffer, form, **more)

    async def chunks() -> AsyncIterator[bytes]:
        yield buffer.getvalue()

    return await archive.put(chunks(), name=f"a.{form.lower()}")


def holed(mode: str, size: tuple[int, int], paper: Any, hole: Any) -> Image.Image:
    """A mask whose left half is the hole."""
    picture = Image.new(mode, size, paper)
    picture.paste(hole, (0, 0, size[0] // 2, size[1]))
    return picture


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


MASKS = [
    holed("RGB", (80, 60), "white", "black"),
    holed("L", (40, 30), 250, 20),
    holed("RGBA", (80, 60), (9, 9, 9, 255), (9, 9, 9, 0)),
    holed("1", (160, 120), 1, 0),
    holed("P", (80, 60), 1, 0),
]


@pytest.mark.parametrize("drawn", MASKS, ids=lambda picture: picture.mode)
@pytest.mark.parametrize("kind", ["black", "clear"])
async def test_a_mask_is_made_as_the_model_wants_it(
    archive: Archive, drawn: Image.Image, kind: Any
) -> None:
    """Whatever its size, its greys, or whether its hole is black or clear."""
    if drawn.mode == "P":
        drawn.putpalette([0, 0, 0, 255, 255, 255])
    picture = await kept(archive, Image.new("RGB", (80, 60), "teal"))
    same, mask = await masked(archive, picture, await kept(archive, drawn), kind)
    assert same == picture
    with Image.open(archive.path(mask)) as made:
        assert (made.size, made.format) == ((80, 60), "PNG")
        left, right = made.getpixel((10, 30)), made.getpixel((70, 30))
        shades = made.convert("L").histogram()
    if kind == "black":
        assert (left, right) == (0, 255)
        assert not any(shades[1:255])
    else:
        assert (left, right) == ((255, 255, 255, 0), (255, 255, 255, 255))


async def test_a_turned_photo_goes_as_people_see_it(archive: Archive) -> None:
    """A phone lays its photos on the side and notes it; the mask is drawn upright."""
    notes = Image.Exif()
    notes[0x0112] = 6
    photo = await kept(archive, Image.new("RGB", (80, 60), "teal"), "JPEG", exif=notes)
    mask = await kept(archive, holed("L", (60, 80), 255, 0))
    upright, made = await masked(archive, photo, mask, "black")
    assert (upright.width, upright.height) == (made.width, made.height) == (60, 80)


@pytest.mark.parametrize(
    ("drawn", "told"),
    [
        (Image.new("RGB", (80, 60), "white"), "no black in it"),
        (Image.new("RGBA", (80, 60), (255, 255, 255, 200)), "no black in it"),
        (holed("L", (60, 60), 255, 0), "another shape (60×60) than the picture (80×60)"),
    ],
)
async def test_masks_that_cannot_work(archive: Archive, drawn: Image.Image, told: str) -> None:
    """Each with what is wrong."""
    picture = await kept(archive, Image.new("RGB", (80, 60), "teal"))
    with pytest.raises(BadInput) as caught:
        await masked(archive, picture, await kept(archive, drawn), "black")
    assert told in str(caught.value)


async def test_a_file_that_is_gone(archive: Archive) -> None:
    """One clear sentence."""
    picture = await kept(archive, Image.new("RGB", (80, 60), "teal"))
    with pytest.raises(BadInput):
        await masked(archive, picture, Media("f" * 64, "image/png", 9, 80, 60), "black")
