"""Ideogram 3.0: generate, edit and remix, as multipart forms whose answer is the result.

A picture that is not safe comes without an address and with HTTP 200. In an edit's mask black is
what changes. Pure. `Request.options` it reads, all optional: ar, resolution, count, no, seed,
style, quality (the rendering speed), palette, magic, strength (of a remix, 1 to 100).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from core.errors import BadInput, Garbled, Moderated, Spent
from core.i18n import mark
from core.providers.base import Family, Kind, Offer, Request, Result, Ticket, Values, Waiting
from core.providers.fields import object_of, pictures_of, text_of
from core.wire import Answer, Blob, Call, Json, refusal

FAMILY = "ideogram"
SECONDS = 170.0
"""Longer than the 120 s the vendor needs at most."""
ROOT = "/ideogram/v1/ideogram-v3"
PATHS: Mapping[str, str] = {"image": "generate", "edit": "edit", "remix": "remix"}
PARTS: Mapping[str, tuple[str, ...]] = {
    "image": ("style_reference_images",),
    "edit": ("image", "mask"),
    "remix": ("image",),
}
"""What the input files of each kind are called, in their order."""

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

_SHARED: Mapping[str, Values] = {
    "count": COUNTS,
    "seed": (),
    "style": STYLES,
    "quality": SPEEDS,
    "palette": PALETTES,
    "magic": ("AUTO", "ON", "OFF"),
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
        times=("count",),
        factors=_SPEED_PRICES,
        sync=True,
        typical=20.0,
    )


OFFERS: tuple[Offer, ...] = (
    _offer("ideogram-v3", "image", (0, 3), ar=RATIOS, resolution=(), no=()),
    _offer("ideogram-v3-edit", "edit", (2, 2)),
    _offer("ideogram-v3-remix", "remix", (1, 1), ar=RATIOS, resolution=(), no=(), strength=()),
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
        options = request.options
        if options.get("resolution") and options.get("ar"):
            raise BadInput(mark("Ideogram takes a shape or a resolution, not both."))
        body: dict[str, Json] = {"prompt": request.prompt, **_choices(options)}
        body |= _files(request)
        path = f"{ROOT}/{PATHS[request.kind]}"
        return Call("POST", path, FAMILY, body, SECONDS, keys=(request.offer,), multipart=True)

    def accept(self, request: Request, answer: Answer) -> Ticket | Waiting | Result:
        """The pictures. Raises a `GatewayError`; an answer without any was paid for."""
        if error := refusal(answer):
            raise error
        found = object_of(answer.body).get("data")
        rows = [object_of(row) for row in found] if isinstance(found, list) else []
        media = pictures_of(rows)
        if not media and any(row.get("is_image_safe") is False for row in rows):
            raise Moderated(NOT_SAFE, spent=Spent.YES)
        if not media:
            raise Garbled(NOTHING, spent=Spent.UNKNOWN)
        final = next((words for row in rows if (words := text_of(row.get("prompt")))), "")
        return Result(media, prompt=final if final != request.prompt else "")


NOT_SAFE = mark("Ideogram made this and then held it back for what it shows. It was charged.")
NOTHING = mark("The service answered without a picture.")


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
    return fields


def _files(request: Request) -> dict[str, Json]:
    names = PARTS[request.kind]
    if len(names) == 1 and len(request.media) > 1:
        return {names[0]: [Blob(media, "file") for media in request.media]}
    return {n: Blob(m, "file") for n, m in zip(names, request.media, strict=False)}
