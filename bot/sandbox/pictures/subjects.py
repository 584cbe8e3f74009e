"""The few things the sandbox can put into a landscape when a prompt names them.

Owns their outlines. Coordinates of an outline run from 0 to 1 in the thing's own box.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from bot.sandbox.pictures.canvas import Canvas, Point
from bot.sandbox.pictures.palettes import Colour, Palette, mix

Outline = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a thing stands: the middle of its foot, its height, and which way it looks."""

    canvas: Canvas
    x: float
    y: float
    tall: float
    way: int

    def place(self, point: Point) -> Point:
        """A point of the thing's box, on the picture."""
        unit = self.canvas.unit * self.tall
        x = self.x + self.way * (point[0] - 0.5) * unit / self.canvas.width
        return (x, self.y + (point[1] - 1) * unit / self.canvas.height)

    def shape(self, outline: Sequence[Point], colour: Colour) -> None:
        self.canvas.shape([self.place(point) for point in outline], colour)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        self.canvas.disc(self.place(centre), radius * self.tall, colour)


def _spot(canvas: Canvas, dice: Random, tall: float) -> _Spot:
    return _Spot(
        canvas,
        dice.uniform(0.32, 0.68),
        dice.uniform(0.9, 0.93),
        tall * dice.uniform(0.9, 1.15),
        dice.choice((-1, 1)),
    )


_TAIL: Outline = (
    (0.60, 0.99),
    (0.80, 1.0),
    (0.96, 0.90),
    (1.02, 0.72),
    (0.97, 0.56),
    (0.91, 0.66),
    (0.86, 0.78),
    (0.72, 0.86),
)
_TAIL_TIP: Outline = ((1.02, 0.72), (0.97, 0.56), (0.91, 0.66), (0.95, 0.74))
_BODY: Outline = (
    (0.36, 0.42),
    (0.54, 0.42),
    (0.66, 0.58),
    (0.74, 0.80),
    (0.74, 1.0),
    (0.32, 1.0),
    (0.30, 0.70),
)
_CHEST: Outline = ((0.35, 0.50), (0.52, 0.50), (0.47, 0.72), (0.42, 0.82), (0.34, 0.68))
_HEAD: Outline = (
    (0.20, 0.02),
    (0.34, 0.17),
    (0.50, 0.17),
    (0.64, 0.02),
    (0.67, 0.30),
    (0.56, 0.46),
    (0.42, 0.57),
    (0.28, 0.46),
    (0.17, 0.30),
)


def _animal(spot: _Spot, coat: Colour, pale: Colour, dark: Colour) -> None:
    spot.shape(_TAIL, coat)
    spot.shape(_TAIL_TIP, pale)
    spot.shape(_BODY, mix(coat, dark, 0.12))
    spot.shape(_CHEST, pale)
    spot.shape(((0.36, 0.80), (0.41, 0.80), (0.41, 1.0), (0.33, 1.0)), coat)
    spot.shape(((0.47, 0.80), (0.52, 0.80), (0.53, 1.0), (0.45, 1.0)), coat)
    spot.shape(_HEAD, coat)
    spot.shape(((0.22, 0.07), (0.32, 0.18), (0.23, 0.24)), dark)
    spot.shape(((0.62, 0.07), (0.52, 0.18), (0.61, 0.24)), dark)
    spot.shape(((0.17, 0.30), (0.36, 0.40), (0.42, 0.57), (0.28, 0.46)), pale)
    spot.shape(((0.67, 0.30), (0.48, 0.40), (0.42, 0.57), (0.56, 0.46)), pale)
    for eye in ((0.33, 0.32), (0.51, 0.32)):
        spot.disc(eye, 0.022, dark)
    spot.disc((0.42, 0.55), 0.028, dark)


def _fox(canvas: Canvas, palette: Palette, dice: Random) -> None:
    coat = mix((226, 111, 44), palette.sky[2], 0.12)
    pale = mix((255, 244, 230), palette.light, 0.4)
    _animal(_spot(canvas, dice, 0.36), coat, pale, mix((46, 26, 20), palette.near, 0.4))


def _cat(canvas: Canvas, palette: Palette, dice: Random) -> None:
    coat = mix((64, 60, 72), palette.near, 0.3)
    pale = mix((225, 220, 225), palette.light, 0.3)
    _animal(_spot(canvas, dice, 0.34), coat, pale, mix((20, 18, 24), palette.near, 0.3))


def _boat(canvas: Canvas, palette: Palette, dice: Random) -> None:
    spot = _spot(canvas, dice, 0.3)
    sail = mix((255, 252, 245), palette.light, 0.4)
    spot.shape(
        ((0.1, 0.8), (0.9, 0.8), (0.76, 1.0), (0.24, 1.0)),
        mix((120, 62, 40), palette.near, 0.3),
    )
    spot.shape(((0.5, 0.05), (0.5, 0.74), (0.88, 0.74)), sail)
    spot.shape(((0.46, 0.16), (0.46, 0.74), (0.2, 0.74)), mix(sail, palette.accent, 0.5))


def _house(canvas: Canvas, palette: Palette, dice: Random) -> None:
    spot = _spot(canvas, dice, 0.26)
    wall = mix((240, 228, 208), palette.far, 0.25)
    spot.shape(((0.15, 0.45), (0.85, 0.45), (0.85, 1.0), (0.15, 1.0)), wall)
    spot.shape(((0.05, 0.48), (0.5, 0.1), (0.95, 0.48)), mix((176, 66, 52), palette.near, 0.2))
    spot.shape(
        ((0.43, 0.68), (0.57, 0.68), (0.57, 1.0), (0.43, 1.0)),
        mix(wall, palette.near, 0.7),
    )
    for left in (0.23, 0.65):
        box = ((left, 0.58), (left + 0.13, 0.58), (left + 0.13, 0.74), (left, 0.74))
        spot.shape(box, (255, 214, 120))


def _birds(canvas: Canvas, palette: Palette, dice: Random) -> None:
    shade = mix(palette.near, palette.sky[0], 0.2)
    for _ in range(9):
        x, y, wide = (
            dice.uniform(0.1, 0.9),
            dice.uniform(0.1, 0.42),
            dice.uniform(0.012, 0.03),
        )
        wings = [(x - wide, y - wide * 0.5), (x, y), (x + wide, y - wide * 0.5)]
        canvas.line(wings, shade, 0.004)


SUBJECTS: dict[str, Callable[[Canvas, Palette, Random], None]] = {
    "bird": _birds,
    "birds": _birds,
    "boat": _boat,
    "cat": _cat,
    "fox": _fox,
    "foxes": _fox,
    "house": _house,
    "ship": _boat,
}
"""Word of a prompt to what it paints."""
