"""Drawing in fractions of a picture's width and height, so that a scene can be drawn at any size.

Owns the primitives of the scenes: gradients, glows, silhouettes. It knows nothing of scenes.
"""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from bot.sandbox.pictures.palettes import Colour

Point = tuple[float, float]

_GLOW = Image.radial_gradient("L").point(
    [round(255 * max(0.0, 1 - value / 180) ** 1.7) for value in range(256)]
)
"""A round light: white in the middle, nothing at the rim of the inscribed circle."""


class Canvas:
    """An RGB picture of `width` by `height` pixels; all coordinates run from 0 to 1.

    Lengths that must look the same in both directions (radii, line widths) are fractions of the
    shorter side.
    """

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height))
        self.width, self.height = width, height
        self.unit = min(width, height)
        self._draw = ImageDraw.Draw(self.image)

    def _at(self, point: Point) -> Point:
        return (point[0] * self.width, point[1] * self.height)

    def sky(self, stops: Sequence[Colour], top: float = 0.0, bottom: float = 1.0) -> None:
        """A vertical gradient through all `stops`, between two heights."""
        first, last = round(top * self.height), max(round(bottom * self.height), 1)
        if last > first:
            self.image.paste(gradient(stops, self.width, last - first), (0, first))

    def glow(self, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> None:
        """A soft round light that fades to nothing at `radius`."""
        (x, y), reach = self._at(centre), radius * self.unit
        left, top = max(0, int(x - reach)), max(0, int(y - reach))
        right, bottom = (
            min(self.width, int(x + reach)),
            min(self.height, int(y + reach)),
        )
        if left >= right or top >= bottom:
            return
        scale = 256 / (2 * reach)
        seen = [(edge - start + reach) * scale for edge, start in ((left, x), (top, y), (right, x))]
        box = (
            max(0.0, seen[0]),
            max(0.0, seen[1]),
            seen[2],
            (bottom - y + reach) * scale,
        )
        mask = _GLOW.point([round(value * strength) for value in range(256)])
        mask = mask.resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=box)
        self.image.paste(colour, (left, top), mask)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """A filled circle."""
        (x, y), r = self._at(centre), radius * self.unit
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def ring(self, centre: Point, radius: float, colour: Colour, width: float) -> None:
        """A circle's outline."""
        (x, y), r = self._at(centre), radius * self.unit
        line = max(1, round(width * self.unit))
        self._draw.ellipse((x - r, y - r, x + r, y + r), outline=colour, width=line)

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon([self._at(point) for point in points], fill=colour)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """A line through all points."""
        pixels = max(1, round(width * self.unit))
        self._draw.line([self._at(point) for point in points], colour, pixels, joint="curve")

    def orb(self, centre: Point, radius: float, colour: Colour, strength: float) -> None:
        """A see-through circle; `strength` 0 is invisible, 1 solid."""
        (x, y), side = self._at(centre), max(2, round(2 * radius * self.unit))
        mask = Image.new("L", (side, side))
        ImageDraw.Draw(mask).ellipse((0, 0, side - 1, side - 1), fill=round(255 * strength))
        self.image.paste(colour, (round(x - side / 2), round(y - side / 2)), mask)

    def ridge(self, line: Sequence[Point], top: Colour, bottom: Colour) -> None:
        """Land below `line` (left to right), its colour fading from `top` to `bottom`."""
        first = max(0, round(min(y for _, y in line) * self.height))
        if first >= self.height:
            return
        tall = self.height - first
        mask = Image.new("L", (self.width, tall))
        outline = [(x * self.width, y * self.height - first) for x, y in line]
        corners = [(0.0, float(tall)), *outline, (float(self.width), float(tall))]
        ImageDraw.Draw(mask).polygon(corners, fill=255)
        self.image.paste(gradient((top, bottom), self.width, tall), (0, first), mask)


def gradient(stops: Sequence[Colour], width: int, height: int) -> Image.Image:
    """A picture that runs evenly through `stops` from top to bottom."""
    points = Image.new("RGB", (1, len(stops)))
    points.putdata(list(stops))
    inner = (0.0, 0.5, 1.0, len(stops) - 0.5)
    column = points.resize((1, height), Image.Resampling.BILINEAR, box=inner)
    return column.resize((width, height), Image.Resampling.NEAREST)
