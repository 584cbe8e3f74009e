"""Masks for changing a part of a picture: as people draw them, to as a model wants them.

People send black on white, or a picture with a hole in it. A model wants exactly black and white,
or a hole, at exactly the picture's size. Pure but for the archive; knows no model and no command.
"""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import Literal

from PIL import Image

from core.archive import Archive
from core.errors import BadInput
from core.i18n import mark
from core.messages import Media
from core.pictures import made, redrawn

Kind = Literal["black", "clear"]

TYPES = ("image/png", "image/jpeg", "image/webp")
MOST = 10_000_000
"""Types and bytes of a picture that every model with masks takes."""
SLACK = 0.03
"""How much the shapes of mask and picture may differ: editors round."""
NOTHING = mark(
    "The mask changes nothing: it has no black in it. Make black what may change, and the rest "
    "white."
)
SHAPE = mark(
    "The mask has another shape ({mask}) than the picture ({picture}). It has to be as large."
)


async def masked(archive: Archive, picture: Media, mask: Media, kind: Kind) -> tuple[Media, Media]:
    """Picture and mask as a model takes them, kept in the archive: equally large, and the picture
    as people see it, for on its way to a service it would be turned, and the mask not.

    Raises `BadInput` with the fix.
    """
    upright = await made(archive, partial(redrawn, types=TYPES, most=MOST), picture) or picture
    size = (upright.width or mask.width, upright.height or mask.height)
    _check_shape(size, (mask.width, mask.height))
    return upright, await made(archive, partial(_drawn, size=size, kind=kind), mask) or mask


def _check_shape(picture: tuple[int, int], mask: tuple[int, int]) -> None:
    if not (all(picture) and all(mask)):
        return
    ratio = (picture[0] / picture[1]) / (mask[0] / mask[1])
    if abs(ratio - 1) > SLACK:
        told = {"mask": f"{mask[0]}×{mask[1]}", "picture": f"{picture[0]}×{picture[1]}"}
        raise BadInput(SHAPE, **told)


def _drawn(path: Path, *, size: tuple[int, int], kind: Kind) -> bytes:
    """The mask as a PNG; where it is clear or dark, the picture changes."""
    with Image.open(path) as opened:
        kept = _kept(opened).resize(size, Image.Resampling.NEAREST)
    if not kept.histogram()[0]:
        raise BadInput(NOTHING)
    made = kept
    if kind == "clear":
        made = Image.new("RGBA", size, (255, 255, 255, 255))
        made.putalpha(kept)
    buffer = io.BytesIO()
    made.save(buffer, "PNG")
    return buffer.getvalue()


def _kept(opened: Image.Image) -> Image.Image:
    """255 where the picture stays, 0 where it changes."""
    alpha = opened.convert("RGBA").getchannel("A")
    grey = alpha if any(alpha.histogram()[:128]) else opened.convert("L")
    return grey.point(lambda value: 255 if value >= 128 else 0)
