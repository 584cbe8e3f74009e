"""What the sandbox's Midjourney says about pictures and prompts: describe and shorten.

Owns those texts, made from a picture's colours and shape, or from a prompt's words.
"""

import colorsys
from collections.abc import Sequence
from fractions import Fraction
from random import Random

from bot.sandbox.midjourney.buttons import KEYCAPS
from bot.sandbox.pictures.palettes import Colour

_HUES = (
    "crimson",
    "amber",
    "golden",
    "lime",
    "green",
    "jade",
    "teal",
    "azure",
    "blue",
    "violet",
)
_MOODS = (
    "quiet",
    "dreamy",
    "cinematic",
    "playful",
    "vast",
    "tender",
    "stormy",
    "golden-hour",
)
_THINGS = (
    "valley",
    "harbour",
    "orchard",
    "city street",
    "mountain lake",
    "night market",
    "shore",
)
_WAYS = (
    "A {mood} {thing} in {one} and {two}, layered paper-cut shapes, soft light",
    "{one} and {two} {thing}, {mood}, [flat poster art](https://www.midjourney.com/explore)",
    "Minimalist illustration of a {thing}, {two} sky, {one} shadows, {mood}, grainy texture",
    "A {mood} view over a {thing}, palette of {one}, {two} and cream, gouache",
)


def described(colours: Sequence[Colour], size: tuple[int, int], seed: int) -> str:
    """Four prompts for a picture, as Midjourney's describe gives them."""
    dice = Random(seed)
    names = [_name(value) for value in colours] or ["grey"]
    ratio = Fraction(*size).limit_denominator(12)
    flag = f"--ar {max(1, ratio.numerator)}:{ratio.denominator}"
    paragraphs = []
    for keycap, way in zip(KEYCAPS, _WAYS, strict=False):
        text = way.format(
            mood=dice.choice(_MOODS),
            thing=dice.choice(_THINGS),
            one=names[0],
            two=names[1 % len(names)],
        )
        paragraphs.append(f"{keycap} {text[0].upper()}{text[1:]} {flag}")
    return "\n\n".join(paragraphs)


def _name(value: Colour) -> str:
    hue, light, strength = colorsys.rgb_to_hls(*(part / 255 for part in value))
    if light < 0.15:
        return "black"
    if light > 0.9:
        return "white"
    if strength < 0.15:
        return "grey"
    tone = "deep " if light < 0.35 else "pale " if light > 0.75 else ""
    return tone + _HUES[int(hue * len(_HUES)) % len(_HUES)]


def shortened(prompt: str) -> str:
    """What Midjourney's shorten says: the weight of each word, then five shorter prompts."""
    words = prompt.split() or ["nothing"]
    heavy = sorted(words, key=len, reverse=True)
    kept = set(heavy[: max(1, len(words) // 2)])
    marked = " ".join(f"**{word}**" if word in kept else f"~~{word}~~" for word in words)
    lines = []
    for index, keycap in enumerate(KEYCAPS):
        count = max(1, len(words) - index * max(1, len(words) // 5))
        few = set(heavy[:count])
        lines.append(f"{keycap} {' '.join(word for word in words if word in few)}")
    return f"## Important tokens\n{marked}\n\n## Shortened prompts\n" + "\n\n".join(lines)


def choices(text: str) -> list[str]:
    """The prompts of such a text, without their keycaps."""
    return [
        line.partition(" ")[2].strip() for line in text.splitlines() if line.startswith(KEYCAPS)
    ]
