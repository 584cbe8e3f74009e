"""Ideogram 3.0: generate, edit and remix, as multipart forms whose answer is the result.

A picture that is not safe comes without an address and with HTTP 200. In an edit's mask black is
what changes. Pure. `Request.options` it reads, all optional: ar or resolution, count, no, seed,
style, quality (the rendering speed), palette, magic, codes (of a style, instead of a name), and
strength (of a remix, 1 to 100).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from core.errors import BadInput
from core.i18n import mark
from core.messages import Media
from core.providers.base import Family, Kind, Offer, Request, Result, Ticket, Values, Waiting
from core.providers.fields import text_of
from core.providers.pictures import result_of
from core.wire import Answer, Blob, Call, Json, refusal

FAMILY = "ideogram"
SECONDS = 170.0
"""Longer than the 120 s the vendor needs at most."""
ROOT = "/ideogram/v1/ideogram-v3"
PATHS: Mapping[str, str] = {"image": "generate", "edit": "edit", "remix": "remix"}
REFERENCES = "style_reference_images"
PARTS: Mapping[str, tuple[str, ...]] = {
    "edit": ("image", "mask"),
    "remix": ("image",),
}
"""What the input files of each kind are called, in their order."""
TYPES = ("image/jpeg", "image/png", "image/webp")
MOST = 10_000_000
"""Bytes of a file, and of all references together."""
SEED = 2**31 - 1

RATIOS = (
    "1:1",
    "16:9",
    "9:16",
    "16:10",
    "10:16",
    "3:2",
    "2:3",
    "4:3",
    "3:4",
    "5:4",
    "4:5",
    "2:1",
    "1:2",
    "3:1",
    "1:3",
)
SPEEDS = ("DEFAULT", "TURBO", "FLASH", "QUALITY")
STYLES = ("AUTO", "GENERAL", "REALISTIC", "DESIGN", "FICTION")
PALETTES = ("EMBER", "FRESH", "JUNGLE", "MAGIC", "MELON", "MOSAIC", "PASTEL", "ULTRAMARINE")
COUNTS = tuple(str(n) for n in range(1, 9))
_HEIGHTS: Mapping[int, tuple[int, ...]] = {
    512: (1536,),
    576: (1408, 1472, 1536),
    640: (1344, 1408, 1472, 1536),
    704: (1152, 1216, 1280, 1344, 1408, 1472),
    736: (1312,),
    768: (1088, 1216, 1280, 1344),
    800: (1280,),
    832: (960, 1024, 1088, 1152, 1216, 1248),
    864: (1152,),
    896: (960, 1024, 1088, 1120, 1152),
    960: (1024, 1088),
}
"""The taller sides there are, by the shorter side; each the other way round as well."""
RESOLUTIONS: Values = (
    "1024x1024",
    *(f"{wide}x{short}" for short, sides in _HEIGHTS.items() for wide in sides),
    *(f"{short}x{tall}" for short, sides in _HEIGHTS.items() for tall in sides),
)

_SHARED: Mapping[str, Values] = {
    "count": COUNTS,
    "seed": (),
    "style": STYLES,
    "quality": SPEEDS,
    "palette": PALETTES,
    "magic": ("AUTO", "ON", "OFF"),
    "codes": (),
}
_SPEED_PRICES = (
    ({"quality": ("TURBO",)}, 0.5),
    ({"quality": ("FLASH",)}, 0.25),
    ({"quality": ("QUALITY",)}, 1.5),
)


def _offer(key: str, kind: Kind, media: tuple[int, int], **more: Values) -> Offer:
    return Offer(
        key,
        FAMILY,
        kind,
        "Ideogram 3",
        0.06,
        takes={**_SHARED, **more},
        media=media,
        mask="black" if kind == "edit" else "",
        times=("count",),
        factors=_SPEED_PRICES,
        sync=True,
        typical=20.0,
    )


OFFERS: tuple[Offer, ...] = (
    _offer("ideogram-v3", "image", (0, 3), ar=RATIOS, resolution=RESOLUTIONS, no=()),
    _offer("ideogram-v3-edit", "edit", (2, 2)),
    _offer(
        "ideogram-v3-remix",
        "remix",
        (1, 1),
        ar=RATIOS,
        resolution=RESOLUTIONS,
        no=(),
        strength=(),
    ),
)
"""The price is the vendor's, a picture in its usual speed; `[models]` sets the gateway's."""


class Ideogram(Family):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    offers: Sequence[Offer] = OFFERS

    def call(self, request: Request) -> Call:
        """The call that makes the pictures. Raises `BadInput`."""
        if not request.prompt.strip():
            raise BadInput(mark("Say what the picture shall show."))
        _check(request)
        body = {"prompt": request.prompt, **_choices(request.options), **_files(request)}
        path = f"{ROOT}/{PATHS[request.kind]}"
        return Call("POST", path, FAMILY, body, SECONDS, keys=(request.offer,), multipart=True)

    def accept(self, request: Request, answer: Answer) -> Ticket | Waiting | Result:
        """The pictures. Raises a `GatewayError`; what was made and held back was paid for."""
        if error := refusal(answer):
            raise error
        return result_of(request, answer)


# -- what goes together ----------------------------------------------------------------------------

_CODE = re.compile(r"[0-9A-Fa-f]{8}")


def _check(request: Request) -> None:
    """Refuse what the service would, before money moves. Raises `BadInput`."""
    options = request.options
    if options.get("resolution") and options.get("ar"):
        raise BadInput(mark("Ideogram takes a shape or a resolution, not both."))
    if int(options.get("seed") or 0) > SEED:
        raise BadInput(mark("Ideogram takes seeds from 0 to {most}."), most=SEED)
    strength = options.get("strength")
    if strength is not None and not 1 <= int(strength) <= 100:
        raise BadInput(mark("The strength goes from 1 to 100."))
    if codes := _codes(options):
        if options.get("style") or (request.kind == "image" and request.media):
            raise BadInput(
                mark("Ideogram takes style codes, or a style and pictures to go by, not both.")
            )
        if not all(_CODE.fullmatch(code) for code in codes):
            raise BadInput(mark("A style code has eight digits and letters, such as 3B2A91C0."))
    _check_files(request)


def _check_files(request: Request) -> None:
    least = {"edit": 2, "remix": 1}.get(request.kind, 0)
    if len(request.media) < least:
        text = mark("Ideogram needs a picture, and for an edit a mask as well.")
        raise BadInput(text)
    if request.kind == "edit":
        picture, mask = ((one.width, one.height) for one in request.media[:2])
        if all((*picture, *mask)) and picture != mask:
            raise BadInput(mark("The mask has to be as large as the picture."))


def _codes(options: Mapping[str, Json]) -> list[str]:
    given = options.get("codes")
    listed = given if isinstance(given, list) else text_of(given).replace(",", " ").split()
    return [text_of(code) for code in listed]


# -- asking ----------------------------------------------------------------------------------------


def _choices(options: Mapping[str, Json]) -> dict[str, Json]:
    """The options as form fields; lists and objects go as JSON."""
    named = {
        "resolution": options.get("resolution"),
        "aspect_ratio": text_of(options.get("ar")).replace(":", "x"),
        "num_images": options.get("count"),
        "negative_prompt": options.get("no"),
        "seed": options.get("seed"),
        "style_type": options.get("style"),
        "rendering_speed": options.get("quality"),
        "magic_prompt": options.get("magic"),
        "image_weight": options.get("strength"),
    }
    fields: dict[str, Json] = {k: str(v) for k, v in named.items() if v not in (None, "")}
    if palette := options.get("palette"):
        fields["color_palette"] = json.dumps({"name": palette})
    if codes := _codes(options):
        fields["style_codes"] = codes
    return fields


def _files(request: Request) -> dict[str, Json]:
    """The input files by the names of their parts."""
    if request.kind == "image":
        share = MOST // max(len(request.media), 1)
        return {REFERENCES: [_blob(one, share) for one in request.media]} if request.media else {}
    names = PARTS[request.kind]
    return {name: _blob(one, MOST) for name, one in zip(names, request.media, strict=False)}


def _blob(media: Media, most: int) -> Blob:
    return Blob(media, "file", TYPES, most)
