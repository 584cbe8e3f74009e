"""Colour families of the sandbox's pictures: curated, so that any picture is pleasant to look at.

Owns nothing but colours. Colours are `(red, green, blue)`, 0 to 255.
"""

import colorsys
from dataclasses import dataclass, replace

Colour = tuple[int, int, int]


def colour(text: str) -> Colour:
    """`"1b2a49"` as an RGB triple."""
    return (int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16))


def mix(one: Colour, other: Colour, part: float) -> Colour:
    """`one` with `part` (0 to 1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


@dataclass(frozen=True, slots=True)
class Palette:
    """One colour family: sky from the top down, its light, land from far to near, one accent."""

    name: str
    sky: tuple[Colour, ...]
    light: Colour
    far: Colour
    near: Colour
    accent: Colour
    dark: bool

    def turned(self, degrees: float, lighter: float = 0.0) -> "Palette":
        """The same family with every hue turned a little and made `lighter` (-1 to 1)."""

        def turn(value: Colour) -> Colour:
            return _turned(value, degrees / 360, lighter)

        return replace(
            self,
            sky=tuple(turn(value) for value in self.sky),
            light=self.light,
            far=turn(self.far),
            near=turn(self.near),
            accent=turn(self.accent),
        )


def _turned(value: Colour, turn: float, lighter: float) -> Colour:
    hue, light, strength = colorsys.rgb_to_hls(*(part / 255 for part in value))
    light += lighter * (1 - light if lighter > 0 else light)
    red, green, blue = colorsys.hls_to_rgb((hue + turn) % 1, light, strength)
    return (round(red * 255), round(green * 255), round(blue * 255))


def _palette(
    name: str,
    sky: str,
    light: str,
    far: str,
    near: str,
    accent: str,
    *,
    dark: bool = False,
) -> Palette:
    return Palette(
        name,
        tuple(colour(part) for part in sky.split()),
        colour(light),
        colour(far),
        colour(near),
        colour(accent),
        dark,
    )


PALETTES: tuple[Palette, ...] = (
    _palette(
        "dawn",
        "1b2a49 5d4e75 d98c7a f7d9a8",
        "fff1cf",
        "9a7f95",
        "1b2038",
        "f4a261",
        dark=True,
    ),
    _palette(
        "ember",
        "2d1b4e 8e2c6b f06449 ffd07b",
        "fff3c4",
        "b3475e",
        "221338",
        "ffb347",
        dark=True,
    ),
    _palette(
        "aurora",
        "050b1f 0b2a4a 12665f 6fdcae",
        "e8fff4",
        "17515a",
        "040c18",
        "8cf5c0",
        dark=True,
    ),
    _palette("meadow", "5fb0e5 a4d7f0 e6f4e4 fdf3cf", "fffce6", "9cc5a8", "1d5a47", "ef8354"),
    _palette("desert", "2f86ad 86c7cb f3dcae f0b277", "fff7df", "e0a678", "6f3426", "f4e285"),
    _palette(
        "lavender",
        "251d4a 5f4b8b b28bc9 f5cbd8",
        "fff0f5",
        "8f78b5",
        "231a40",
        "ffd1dc",
        dark=True,
    ),
    _palette("lagoon", "0f4c5c 2a8c8c 9fd3c7 f4ead0", "fff6dc", "5ea8a0", "0b2f3a", "e36414"),
    _palette("rose", "f9ece6 f6c3b5 e58893 a64d72", "fffaf0", "c97089", "4a1f3d", "ffe3a3"),
    _palette(
        "tide",
        "03204a 0f58a0 3da4e8 d5f0ff",
        "f4fbff",
        "3f83bd",
        "041a36",
        "ffcf56",
        dark=True,
    ),
    _palette(
        "brass",
        "0d0d12 2b2622 6b5430 e0bd63",
        "fff0bf",
        "5d4a2e",
        "0b0a0c",
        "d8b45a",
        dark=True,
    ),
    _palette("jade", "dff3e4 a9d8b8 5aa287 1f5f5b", "ffffee", "6fae96", "0d3434", "f2c14e"),
    _palette("peach", "ffe9d6 ffc9a3 f79d84 c05c7e", "fffdf2", "dd8484", "45203f", "6c9a8b"),
)
"""The families a picture may be painted in."""


def palette_of(colours: tuple[Colour, ...]) -> Palette:
    """A family made from the main colours (at least one) of a picture, light ones as sky."""
    ordered = sorted(colours, key=sum)
    near, light = ordered[0], ordered[-1]
    middle = ordered[len(ordered) // 2]
    return Palette(
        name="given",
        sky=(mix(middle, near, 0.5), middle, mix(middle, light, 0.6), light),
        light=mix(light, (255, 255, 255), 0.6),
        far=mix(middle, light, 0.3),
        near=mix(near, (0, 0, 0), 0.35),
        accent=ordered[-2] if len(ordered) > 1 else light,
        dark=sum(middle) < 330,
    )
