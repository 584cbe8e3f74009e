"""What stands in one field of a picture: a landscape, or what a press on a button made of one.

Owns zooms, pans, repainted regions and blends. A cell is a value; equal cells give equal pictures.
"""

import io
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from PIL import Image, ImageDraw, ImageFilter

from bot.sandbox.pictures.scenes import (
    Scene,
)

Box = tuple[float, float, float, float]
"""Left, top, width and height as fractions of the picture."""


class Cell(Protocol):
    """One picture, drawable at any size."""

    @property
    def root(self) -> Scene:
        """The landscape it comes from."""

    def paint(self, width: int, height: int) -> Image.Image:
        """The picture, `width` by `height` pixels, RGB."""

    def varied(self, seed: int, strength: float) -> "Cell":
        """A sibling in the same colour family: `strength` 0.3 is subtle, 1 strong."""

    def worded(self, words: frozenset[str]) -> "Cell":
        """The same with other subjects and weather."""


@dataclass(frozen=True, slots=True)
class Landscape:
    """A scene as it is."""

    scene: Scene

    @property
    def root(self) -> Scene:
        """The landscape it comes from."""
        return self.scene

    def paint(self, width: int, height: int) -> Image.Image:
        """The picture, `width` by `height` pixels, RGB."""
        return self.scene.paint(width, height)

    def varied(self, seed: int, strength: float) -> Cell:
        """A sibling in the same colour family."""
        return Landscape(self.scene.varied(seed, strength))

    def worded(self, words: frozenset[str]) -> Cell:
        """The same with other subjects and weather."""
        return Landscape(replace(self.scene, words=words))


@dataclass(frozen=True, slots=True)
class Framed:
    """A picture inside a larger scene: zoomed out, or panned. Its inner edges are soft."""

    inner: Cell
    outer: Scene
    box: Box

    @property
    def root(self) -> Scene:
        """The landscape it comes from."""
        return self.inner.root

    def paint(self, width: int, height: int) -> Image.Image:
        """The picture, `width` by `height` pixels, RGB."""
        canvas = self.outer.paint(width, height)
        left, top, wide, tall = self.box
        size = (max(1, round(wide * width)), max(1, round(tall * height)))
        mask = _soft_edges(self.box).resize(size, Image.Resampling.BILINEAR)
        canvas.paste(self.inner.paint(*size), (round(left * width), round(top * height)), mask)
        return canvas

    def varied(self, seed: int, strength: float) -> Cell:
        """A sibling in the same colour family."""
        return Framed(
            self.inner.varied(seed, strength),
            self.outer.varied(seed + 1, strength),
            self.box,
        )

    def worded(self, words: frozenset[str]) -> Cell:
        """The same with other subjects and weather."""
        return replace(self, inner=self.inner.worded(words))


def _soft_edges(box: Box) -> Image.Image:
    """A mask, solid but for the edges that do not lie on the picture's border."""
    side, soft = 96, 14
    left, top, wide, tall = box
    mask = Image.new("L", (side + 2 * soft, side + 2 * soft), 0)
    inset = [
        (soft + soft if left > 0.01 else 0),
        (soft + soft if top > 0.01 else 0),
        side + 2 * soft - (2 * soft if left + wide < 0.99 else 0),
        side + 2 * soft - (2 * soft if top + tall < 0.99 else 0),
    ]
    ImageDraw.Draw(mask).rectangle(inset, fill=255)
    return mask.filter(ImageFilter.GaussianBlur(soft / 2.4)).crop(
        (soft, soft, soft + side, soft + side)
    )


@dataclass(frozen=True, slots=True)
class Repainted:
    """A picture with a region painted anew."""

    inner: Cell
    other: Scene
    mask: bytes
    """A small greyscale PNG: white is the new region."""

    @property
    def root(self) -> Scene:
        """The landscape it comes from."""
        return self.inner.root

    def paint(self, width: int, height: int) -> Image.Image:
        """The picture, `width` by `height` pixels, RGB."""
        canvas = self.inner.paint(width, height)
        with Image.open(io.BytesIO(self.mask)) as mask:
            region = mask.convert("L").resize((width, height), Image.Resampling.BILINEAR)
        canvas.paste(self.other.paint(width, height), (0, 0), region)
        return canvas

    def varied(self, seed: int, strength: float) -> Cell:
        """A sibling in the same colour family."""
        return replace(self, inner=self.inner.varied(seed, strength))

    def worded(self, words: frozenset[str]) -> Cell:
        """The same with other subjects and weather."""
        return replace(self, inner=self.inner.worded(words))


@dataclass(frozen=True, slots=True)
class Blended:
    """Several given pictures laid over each other, with a landscape shining through."""

    sources: tuple[bytes, ...]
    scene: Scene

    @property
    def root(self) -> Scene:
        """The landscape it comes from."""
        return self.scene

    def paint(self, width: int, height: int) -> Image.Image:
        """The picture, `width` by `height` pixels, RGB."""
        dice = Random(self.scene.seed)
        canvas = _covering(self.sources[0], width, height)
        for source in self.sources[1:]:
            canvas = Image.blend(canvas, _covering(source, width, height), dice.uniform(0.3, 0.6))
        return Image.blend(canvas, self.scene.paint(width, height), dice.uniform(0.3, 0.55))

    def varied(self, seed: int, strength: float) -> Cell:
        """A sibling in the same colour family."""
        return replace(self, scene=self.scene.varied(seed, strength))

    def worded(self, words: frozenset[str]) -> Cell:
        """The same with other subjects and weather."""
        return replace(self, scene=replace(self.scene, words=words))


def _covering(source: bytes, width: int, height: int) -> Image.Image:
    """The picture, cut to the field's proportions and scaled to fill it."""
    with Image.open(io.BytesIO(source)) as opened:
        image = opened.convert("RGB")
    scale = max(width / image.width, height / image.height)
    wide, tall = width / scale, height / scale
    left, top = (image.width - wide) / 2, (image.height - tall) / 2
    box = (left, top, left + wide, top + tall)
    return image.resize((width, height), Image.Resampling.BILINEAR, box=box)
