"""Pictures for the sandbox: real files, painted on demand, the same for the same request.

Owns painting, laying out grids and encoding. It knows nothing of tasks, HTTP or time. Nothing here
is `async`: callers run it in a thread.
"""

import functools
import io
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from bot.sandbox.pictures.cells import Cell

_LARGEST_SUPERSAMPLED = 1_400 * 1_400
"""Pixels above which a field is drawn at its final size: edges are fine enough there."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One result: four fields in a 2x2 grid, or one."""

    cells: tuple[Cell, ...]
    ratio: float
    """Width divided by height."""
    caption: str
    labels: str
    """One character per field, drawn small in its corner: which quadrant it is or came from."""

    def size(self, pixels: int) -> tuple[int, int]:
        """Width and height with the area of a square of `pixels`, both even."""
        wide, tall = pixels * self.ratio**0.5, pixels / self.ratio**0.5
        return (max(2, round(wide / 2) * 2), max(2, round(tall / 2) * 2))

    def paint(self, pixels: int) -> Image.Image:
        """The finished picture, RGB, of the size `size(pixels)`."""
        width, height = self.size(pixels)
        if len(self.cells) == 1:
            return _field(self.cells[0], width, height, self.labels, self.caption)
        sheet = Image.new("RGB", (width, height))
        half = (width // 2, height // 2)
        for index, cell in enumerate(self.cells):
            place = (index % 2 * half[0], index // 2 * half[1])
            sheet.paste(_field(cell, *half, self.labels[index], self.caption), place)
        return sheet


def final(picture: Picture, pixels: int) -> bytes:
    """The finished picture as PNG."""
    return _encoded(picture.paint(pixels), "PNG")


def preview(picture: Picture, percent: int, pixels: int, kind: str) -> bytes:
    """What Midjourney shows meanwhile: half as large, blurred, clearing up; `kind` PNG or WEBP."""
    small = picture.paint(max(16, pixels // 4))
    blur = (1 - percent / 100) * pixels / 4 / 24 + 0.4
    large = small.filter(ImageFilter.GaussianBlur(blur)).resize(
        picture.size(max(16, pixels // 2)), Image.Resampling.BICUBIC
    )
    return _encoded(large, kind)


def _encoded(image: Image.Image, kind: str) -> bytes:
    target = io.BytesIO()
    if kind == "WEBP":
        image.save(target, "WEBP", quality=70, method=0)
    else:
        image.save(target, "PNG", compress_level=2)
    return target.getvalue()


def _field(cell: Cell, width: int, height: int, label: str, caption: str) -> Image.Image:
    if width * height > _LARGEST_SUPERSAMPLED:
        image = cell.paint(width, height)
    else:
        large = cell.paint(width * 3 // 2, height * 3 // 2)
        image = large.resize((width, height), Image.Resampling.BILINEAR)
    _lettering(image, label, caption)
    return image


def _lettering(image: Image.Image, label: str, caption: str) -> None:
    """The prompt along the bottom and the quadrant's number in the corner, where they fit."""
    unit = min(image.size)
    if unit < 120:
        return
    draw, font = ImageDraw.Draw(image), _font(max(8, round(unit * 0.026)))
    margin, edge = round(unit * 0.025), max(1, unit // 400)
    text = "".join(letter for letter in caption if _drawable(letter)).strip()
    while text and draw.textlength(text, font) > image.width - 5 * margin:
        text = text[: -max(2, len(text) // 12)].rstrip() + "…"
    ink, shade = (255, 255, 255), (30, 26, 40)
    low = (margin, image.height - margin)
    draw.text(low, text, ink, font, anchor="ls", stroke_width=edge, stroke_fill=shade)
    high = (image.width - margin, image.height - margin)
    draw.text(high, label, ink, font, anchor="rs", stroke_width=edge, stroke_fill=shade)


def _drawable(letter: str) -> bool:
    """Whether Pillow's own font has it: Latin letters, with every accent, and punctuation."""
    return letter.isprintable() and (letter < "\u0250" or "\u1e00" <= letter <= "\u201f")


@functools.lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
