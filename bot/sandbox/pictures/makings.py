"""How the four pictures of a grid come about: imagined, varied, zoomed, panned, repainted, blended.

Owns one function for each. The last two arguments are always the seed and the prompt, so that the
others can be bound and the same thing done again with another seed or other words.
"""

from dataclasses import replace
from random import Random

from bot.sandbox.pictures.cells import Blended, Box, Cell, Framed, Landscape, Repainted
from bot.sandbox.pictures.palettes import Colour, palette_of
from bot.sandbox.pictures.scenes import (
    STYLES,
    SURROUNDINGS,
    WEATHER,
    Scene,
    four_scenes,
    known_words,
)


def imagined(colours: tuple[tuple[Colour, ...], ...], seed: int, prompt: str) -> tuple[Cell, ...]:
    """Four scenes; in the main `colours` of the pictures that came with the prompt, if any did."""
    if not colours:
        return tuple(Landscape(scene) for scene in four_scenes(seed, prompt))
    dice, words = Random(seed), known_words(prompt)
    styles = dice.sample(sorted(STYLES), 4)
    turns = (0, 24, -24, 48)
    return tuple(
        Landscape(Scene(dice.getrandbits(32), style, palette_of(given).turned(turn), words))
        for style, turn, given in zip(styles, turns, (colours * 4)[:4], strict=True)
    )


def blended(sources: tuple[bytes, ...], seed: int, prompt: str) -> tuple[Cell, ...]:
    """Four mixtures of the pictures in `sources`."""
    return tuple(Blended(sources, scene) for scene in four_scenes(seed, prompt))


def cut_out(cell: Cell, seed: int, prompt: str) -> tuple[Cell, ...]:
    """One picture by itself, unchanged."""
    return (cell,)


def varied(cell: Cell, strength: float, seed: int, prompt: str) -> tuple[Cell, ...]:
    """Four variations; `strength` 0.3 is subtle, 1 strong."""
    dice, worded = Random(seed), cell.worded(known_words(prompt))
    return tuple(worded.varied(dice.getrandbits(32), strength) for _ in range(4))


def zoomed(cell: Cell, factor: float, seed: int, prompt: str) -> tuple[Cell, ...]:
    """Four larger scenes with the picture, `factor` times smaller, in their middle."""
    side = 1 / factor
    return _framed(cell, ((1 - side) / 2, (1 - side) / 2, side, side), seed)


def panned(cell: Cell, way: str, seed: int, prompt: str) -> tuple[Cell, ...]:
    """Four pictures half as large again towards `way` (left, right, up or down)."""
    part = 2 / 3
    boxes: dict[str, Box] = {
        "left": (1 - part, 0, part, 1),
        "right": (0, 0, part, 1),
        "up": (0, 1 - part, 1, part),
        "down": (0, 0, 1, part),
    }
    return _framed(cell, boxes[way], seed)


def reshaped(
    cell: Cell, old: float, new: float, factor: float, seed: int, prompt: str
) -> tuple[Cell, ...]:
    """Four pictures of the proportions `new` around one of `old`, `factor` times smaller.

    Proportions are width divided by height; `factor` 1 lets the old picture touch two sides.
    """
    wide, tall = min(1.0, old / new) / factor, min(1.0, new / old) / factor
    return _framed(cell, ((1 - wide) / 2, (1 - tall) / 2, wide, tall), seed)


def repainted(cell: Cell, mask: bytes, seed: int, prompt: str) -> tuple[Cell, ...]:
    """Four pictures with the region that is white in `mask` painted anew, to a new prompt."""
    dice, words = Random(seed), known_words(prompt)
    return tuple(
        Repainted(
            cell,
            replace(cell.root.varied(dice.getrandbits(32), 1.0), words=words),
            mask,
        )
        for _ in range(4)
    )


def _framed(cell: Cell, box: Box, seed: int) -> tuple[Cell, ...]:
    dice = Random(seed)
    plain = replace(cell.root, style=SURROUNDINGS, words=cell.root.words & WEATHER.keys())
    return tuple(Framed(cell, plain.varied(dice.getrandbits(32), 0.3), box) for _ in range(4))
