"""The landscapes the sandbox paints: what is in a picture, drawn the same at any size.

Owns the styles and what the words of a prompt add. It knows nothing of tasks, sizes or files.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from PIL import Image

from bot.sandbox.pictures.canvas import Canvas, Point
from bot.sandbox.pictures.palettes import PALETTES, Palette, mix
from bot.sandbox.pictures.subjects import SUBJECTS


@dataclass(frozen=True, slots=True)
class Scene:
    """One landscape. Equal scenes give equal pictures."""

    seed: int
    style: str
    """A key of STYLES, or SURROUNDINGS: sky and land only, to extend another picture."""
    palette: Palette
    words: frozenset[str] = frozenset()
    """What the prompt asks for that the painter knows: subjects and weather."""

    def paint(self, width: int, height: int) -> Image.Image:
        """The picture, `width` by `height` pixels, RGB."""
        canvas = Canvas(width, height)
        dice = Random(self.seed)
        (STYLES.get(self.style) or _surroundings)(canvas, self.palette, dice)
        for word in sorted(self.words & SUBJECTS.keys())[:2]:
            SUBJECTS[word](canvas, self.palette, dice)
        for word in sorted(self.words & WEATHER.keys()):
            WEATHER[word](canvas, self.palette, dice)
        return canvas.image

    def varied(self, seed: int, strength: float) -> "Scene":
        """A sibling in the same colour family: `strength` 0.3 is subtle, 1 strong."""
        dice = Random(seed)
        palette = self.palette.turned(
            dice.uniform(8, 26) * strength * dice.choice((-1, 1)),
            dice.uniform(-0.16, 0.16) * strength,
        )
        style = self.style
        if strength >= 1 and style in STYLES and dice.random() < 0.4:
            style = dice.choice(sorted(STYLES))
        return Scene(dice.getrandbits(32), style, palette, self.words)


def four_scenes(seed: int, prompt: str) -> tuple[Scene, ...]:
    """Four scenes for one prompt: four different styles in four different colour families."""
    dice = Random(seed)
    words = known_words(prompt)
    pool = [p for p in PALETTES if p.dark] if words & {"night", "moon", "stars"} else PALETTES
    palettes = dice.sample(pool, 4)
    styles = dice.sample(sorted(STYLES), 4)
    return tuple(
        Scene(dice.getrandbits(32), style, palette, words)
        for style, palette in zip(styles, palettes, strict=True)
    )


def known_words(prompt: str) -> frozenset[str]:
    """The words of a prompt the painter knows."""
    words = {word.strip(".,;:!?").lower() for word in prompt.split()}
    return frozenset(words & (SUBJECTS.keys() | WEATHER.keys() | {"night", "moon"}))


def _wave(dice: Random, level: float, height: float, detail: int = 5) -> Callable[[float], float]:
    """A rolling line around `level`, at most about `height` above or below it."""
    parts = [
        (dice.uniform(0.7, 1.3) * (1.7**step), dice.uniform(0, math.tau), 0.6**step)
        for step in range(detail)
    ]
    total = sum(weight for _, _, weight in parts)

    def at(x: float) -> float:
        swing = sum(math.sin(x * math.tau * rate + phase) * w for rate, phase, w in parts)
        return level + height * swing / total

    return at


def _line(wave: Callable[[float], float], steps: int = 96) -> list[Point]:
    return [(step / steps, wave(step / steps)) for step in range(steps + 1)]


def _light(canvas: Canvas, palette: Palette, dice: Random, low: bool = False) -> Point:
    """A sun, or a moon with a bite of shadow in dark families; returns where it stands."""
    centre = (
        dice.uniform(0.22, 0.78),
        dice.uniform(0.42, 0.52) if low else dice.uniform(0.18, 0.4),
    )
    radius = dice.uniform(0.06, 0.11)
    canvas.glow(centre, radius * 6, palette.light, 0.5)
    canvas.glow(centre, radius * 2.6, palette.light, 0.7)
    canvas.disc(centre, radius, palette.light)
    return centre


def _stars(canvas: Canvas, palette: Palette, dice: Random, count: int = 70) -> None:
    for _ in range(count):
        x, y, size = (
            dice.random(),
            dice.random() ** 1.4 * 0.7,
            dice.uniform(0.0008, 0.0028),
        )
        canvas.disc((x, y), size, mix(palette.light, palette.sky[0], dice.uniform(0, 0.5)))


def _hills(canvas: Canvas, palette: Palette, dice: Random) -> None:
    canvas.sky(palette.sky, bottom=0.8)
    if palette.dark:
        _stars(canvas, palette, dice)
    _light(canvas, palette, dice)
    layers = 5
    for layer in range(layers):
        part = layer / (layers - 1)
        wave = _wave(dice, 0.5 + 0.42 * part**1.2, 0.12 - 0.05 * part, 6 - layer // 2)
        top = mix(palette.far, palette.near, part)
        canvas.ridge(_line(wave), top, mix(top, palette.sky[-1], 0.45 * (1 - part)))


def _peaks(canvas: Canvas, palette: Palette, dice: Random) -> None:
    canvas.sky(palette.sky, bottom=0.85)
    _light(canvas, palette, dice)
    for layer in range(3):
        part = layer / 2
        line = _jagged(dice, 0.42 + 0.2 * part, 0.2 - 0.05 * part)
        top = mix(palette.far, palette.near, part * 0.8)
        canvas.ridge(line, top, mix(top, palette.sky[-1], 0.5 * (1 - part)))
    canvas.ridge(_line(_wave(dice, 0.86, 0.05)), palette.near, mix(palette.near, (0, 0, 0), 0.3))


def _jagged(dice: Random, level: float, height: float) -> list[Point]:
    """A mountain line by halving: each step adds a smaller, sharper offset."""
    heights = [level, level - height * dice.uniform(0.3, 1), level]
    swing = height * 0.55
    for _ in range(5):
        wider: list[float] = []
        for left, right in pairwise(heights):
            wider += [left, (left + right) / 2 + dice.uniform(-swing, swing)]
        heights = [*wider, heights[-1]]
        swing *= 0.5
    return [(step / (len(heights) - 1), y) for step, y in enumerate(heights)]


def _sea(canvas: Canvas, palette: Palette, dice: Random) -> None:
    horizon = dice.uniform(0.52, 0.62)
    canvas.sky(palette.sky, bottom=horizon)
    if palette.dark:
        _stars(canvas, palette, dice, 50)
    sun = _light(canvas, palette, dice, low=True)
    for _ in range(2):
        shore, wide = dice.uniform(-0.2, 0.9), dice.uniform(0.3, 0.6)
        rough = _wave(dice, 1.0, 0.35)
        island = [
            (x, horizon + 0.002 - 0.11 * rough(x) * _hump((x - shore) / wide))
            for x, _ in _line(abs)
        ]
        canvas.ridge(island, mix(palette.far, palette.near, 0.25), palette.far)
    water = (mix(palette.sky[-1], palette.far, 0.4), palette.far, palette.near)
    canvas.sky(water, top=horizon)
    for row in range(46):
        y = horizon + (1 - horizon) * (row / 46) ** 1.5 + 0.006
        reach = 0.03 + 0.16 * (row / 46)
        middle = sun[0] + dice.gauss(0, reach * 0.5)
        half = reach * dice.uniform(0.15, 0.8)
        shine = mix(palette.light, water[1], 0.15 + 0.5 * row / 46)
        canvas.line([(middle - half, y), (middle + half, y)], shine, 0.0022 + 0.004 * row / 46)
    sand = mix(palette.near, palette.far, 0.15)
    canvas.ridge(_line(_wave(dice, 0.92, 0.025, 3)), sand, palette.near)


def _hump(place: float) -> float:
    """0 outside 0..1, a smooth hill of height 1 inside."""
    return math.sin(place * math.pi) ** 2 if 0 < place < 1 else 0.0


def _surroundings(canvas: Canvas, palette: Palette, dice: Random) -> None:
    canvas.sky(palette.sky, bottom=0.75)
    if palette.dark:
        _stars(canvas, palette, dice, 90)
    for layer in range(4):
        part = layer / 3
        wave = _wave(dice, 0.54 + 0.4 * part, 0.06, 4)
        top = mix(palette.far, palette.near, part)
        canvas.ridge(_line(wave), top, mix(top, palette.sky[-1], 0.35 * (1 - part)))


def _dunes(canvas: Canvas, palette: Palette, dice: Random) -> None:
    canvas.sky(palette.sky, bottom=0.7)
    _light(canvas, palette, dice)
    for layer in range(9):
        part = layer / 8
        wave = _wave(dice, 0.4 + 0.56 * part, 0.09, 2)
        top = mix(palette.sky[-1], palette.near, 0.15 + 0.75 * part)
        lit = mix(top, palette.accent if layer % 2 else palette.far, 0.45)
        canvas.ridge(_line(wave), lit, mix(top, palette.near, 0.25))


def _forest(canvas: Canvas, palette: Palette, dice: Random) -> None:
    canvas.sky(palette.sky, bottom=0.95)
    _light(canvas, palette, dice)
    for layer in range(4):
        part = layer / 3
        wave = _wave(dice, 0.6 + 0.28 * part, 0.06, 3)
        shade = mix(mix(palette.far, palette.sky[-1], 0.35 * (1 - part)), palette.near, part)
        for _ in range(26 - 5 * layer):
            x = dice.uniform(-0.02, 1.02)
            _pine(
                canvas,
                (x, wave(x) + 0.02),
                dice.uniform(0.1, 0.19) * (0.7 + part),
                shade,
            )
        canvas.ridge(_line(wave), shade, mix(shade, palette.sky[-1], 0.5 * (1 - part)))


def _pine(canvas: Canvas, foot: Point, tall: float, shade: tuple[int, int, int]) -> None:
    x, y = foot
    for tier in range(3):
        half = tall * (0.13 + 0.07 * tier)
        top = y - tall * (1 - 0.26 * tier)
        canvas.shape(
            [(x, top), (x + half, top + tall * 0.45), (x - half, top + tall * 0.45)],
            shade,
        )
    canvas.line([(x, y + 0.02), (x, y - tall * 0.2)], shade, tall * 0.06)


def _city(canvas: Canvas, palette: Palette, dice: Random) -> None:
    canvas.sky(palette.sky, bottom=0.9)
    if palette.dark:
        _stars(canvas, palette, dice, 40)
    _light(canvas, palette, dice)
    for layer in range(3):
        shade = mix(palette.far, palette.near, layer / 2)
        x = -0.03
        while x < 1:
            wide = dice.uniform(0.05, 0.12)
            top = 0.46 + 0.15 * layer + dice.uniform(-0.12, 0.12)
            canvas.shape([(x, 1), (x, top), (x + wide, top), (x + wide, 1)], shade)
            _windows(canvas, palette, dice, (x, top, wide, layer))
            x += wide + dice.uniform(-0.01, 0.02)
    canvas.ridge(_line(_wave(dice, 0.95, 0.01)), palette.near, palette.near)


def _windows(
    canvas: Canvas,
    palette: Palette,
    dice: Random,
    house: tuple[float, float, float, int],
) -> None:
    x, top, wide, layer = house
    if layer == 0:
        return
    lit = mix(palette.accent, palette.light, 0.3)
    for row in range(int((0.95 - top) / 0.035)):
        for column in range(int(wide / 0.022)):
            if dice.random() < 0.34:
                left, high = x + 0.008 + column * 0.022, top + 0.015 + row * 0.035
                right, low = left + 0.009, high + 0.016
                canvas.shape([(left, high), (right, high), (right, low), (left, low)], lit)


def _orbs(canvas: Canvas, palette: Palette, dice: Random) -> None:
    canvas.sky((mix(palette.sky[0], palette.near, 0.2), palette.sky[1], palette.sky[2]))
    colours = (palette.light, palette.accent, palette.far, palette.near, *palette.sky)
    for _ in range(7):
        centre = (dice.uniform(0.05, 0.95), dice.uniform(0.05, 0.9))
        radius = dice.uniform(0.07, 0.27)
        base = dice.choice(colours)
        canvas.glow(centre, radius * 1.5, mix(base, palette.near, 0.5), 0.35)
        canvas.orb(centre, radius, base, dice.uniform(0.55, 0.95))
        if dice.random() < 0.5:
            canvas.ring(centre, radius * 1.18, mix(base, palette.light, 0.4), 0.003)
    for layer in range(2):
        wave = _wave(dice, 0.8 + 0.1 * layer, 0.05, 2)
        canvas.ridge(_line(wave), mix(palette.far, palette.near, layer * 0.8 + 0.2), palette.near)


def _planet(canvas: Canvas, palette: Palette, dice: Random) -> None:
    canvas.sky(palette.sky, bottom=0.9)
    if palette.dark:
        _stars(canvas, palette, dice, 120)
    centre = (dice.uniform(0.3, 0.7), dice.uniform(0.26, 0.42))
    radius = dice.uniform(0.15, 0.23)
    body = mix(palette.accent, palette.light, 0.25)
    canvas.glow(centre, radius * 2.2, palette.light, 0.45)
    canvas.disc(centre, radius, mix(body, palette.near, 0.3))
    for step in range(1, 9):
        nearer = (centre[0] - radius * 0.028 * step, centre[1] - radius * 0.028 * step)
        canvas.disc(nearer, radius * (1 - step * 0.045), mix(body, palette.light, step * 0.05))
    _rings(canvas, palette, centre, radius, dice.uniform(-0.35, 0.35))
    for layer in range(3):
        part = layer / 2
        top = mix(palette.far, palette.near, part)
        canvas.ridge(_jagged(dice, 0.72 + 0.11 * part, 0.1), top, mix(top, palette.near, 0.6))


def _rings(canvas: Canvas, palette: Palette, centre: Point, radius: float, tilt: float) -> None:
    """Two flat rings; the half behind the planet is left out."""
    for reach in (1.55, 1.75):
        points = []
        for step in range(-6, 43):
            turn = step / 72 * math.tau
            x, y = math.cos(turn) * radius * reach, math.sin(turn) * radius * 0.36
            points.append(
                (
                    centre[0]
                    + (x * math.cos(tilt) - y * math.sin(tilt)) * canvas.unit / canvas.width,
                    centre[1]
                    + (x * math.sin(tilt) + y * math.cos(tilt)) * canvas.unit / canvas.height,
                )
            )
        canvas.line(points, mix(palette.light, palette.accent, 0.2), 0.008)


def _rain(canvas: Canvas, palette: Palette, dice: Random) -> None:
    for _ in range(150):
        x, y, long = (
            dice.uniform(-0.1, 1.05),
            dice.uniform(-0.1, 1),
            dice.uniform(0.02, 0.07),
        )
        shade = mix(palette.light, palette.sky[1], dice.uniform(0.1, 0.6))
        canvas.line([(x, y), (x - long * 0.3, y + long)], shade, dice.uniform(0.001, 0.0028))


def _snow(canvas: Canvas, palette: Palette, dice: Random) -> None:
    for _ in range(220):
        place = (dice.random(), dice.random())
        canvas.disc(
            place,
            dice.uniform(0.0012, 0.0055),
            mix((255, 255, 255), palette.light, 0.3),
        )


def _starry(canvas: Canvas, palette: Palette, dice: Random) -> None:
    _stars(canvas, palette, dice, 60)


Painter = Callable[[Canvas, Palette, Random], None]

STYLES: dict[str, Painter] = {
    "hills": _hills,
    "peaks": _peaks,
    "sea": _sea,
    "dunes": _dunes,
    "forest": _forest,
    "city": _city,
    "orbs": _orbs,
    "planet": _planet,
}
SURROUNDINGS = "surroundings"
WEATHER: dict[str, Painter] = {"rain": _rain, "snow": _snow, "stars": _starry}
