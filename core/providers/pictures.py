"""Pictures in OpenAI's format: DALL·E 3, GPT Image, Flux and Qwen through `/v1/images/generations`.

One call, and the answer is the result, as an address or as the bytes themselves whatever was asked
for. Pure. `Request.options` it reads, all optional: model (the name on the wire), ar, quality,
style, count, background.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.errors import BadInput, Garbled, Moderated, Spent
from core.i18n import mark
from core.providers.base import Family, Kind, Offer, Request, Result, Ticket, Waiting
from core.providers.fields import pictures_of, text_of
from core.wire import Answer, Blob, Call, Json, refusal

FAMILY = "pictures"
SECONDS = 170.0
MOST = 60_000_000
"""Bytes of an answer that holds its pictures."""

SIZES: Mapping[str, Mapping[str, str]] = {
    "dall-e-3": {"1:1": "1024x1024", "16:9": "1792x1024", "9:16": "1024x1792"},
    "gpt-image-1": {"1:1": "1024x1024", "3:2": "1536x1024", "2:3": "1024x1536"},
    "qwen-image": {
        "1:1": "1328x1328",
        "16:9": "1664x928",
        "9:16": "928x1664",
        "4:3": "1472x1140",
        "3:4": "1140x1472",
    },
}
"""`size` by shape, for the models that want it; the others take `aspect_ratio`."""
FLUX = ("1:1", "16:9", "9:16", "3:2", "2:3", "4:3", "3:4", "21:9", "9:21")


def _flux(key: str, title: str, price: float, typical: float) -> Offer:
    return Offer(key, FAMILY, "image", title, price, takes={"ar": FLUX}, sync=True, typical=typical)


OFFERS: tuple[Offer, ...] = (
    Offer(
        "dall-e-3",
        FAMILY,
        "image",
        "DALL·E 3",
        0.04,
        takes={
            "ar": tuple(SIZES["dall-e-3"]),
            "quality": ("standard", "hd"),
            "style": ("vivid", "natural"),
        },
        factors=(
            ({"ar": ("16:9", "9:16")}, 2.0),
            ({"quality": ("hd",)}, 2.0),
            ({"ar": ("16:9", "9:16"), "quality": ("hd",)}, 0.75),
        ),
        sync=True,
        typical=20.0,
    ),
    Offer(
        "gpt-image-1",
        FAMILY,
        "image",
        "GPT Image",
        0.042,
        takes={
            "ar": tuple(SIZES["gpt-image-1"]),
            "quality": ("low", "medium", "high"),
            "count": ("1", "2", "3", "4"),
        },
        times=("count",),
        factors=(({"quality": ("low",)}, 0.25), ({"quality": ("high",)}, 4.0)),
        sync=True,
        typical=40.0,
    ),
    _flux("flux-schnell", "Flux Schnell", 0.003, 5.0),
    _flux("flux-dev", "Flux Dev", 0.025, 10.0),
    _flux("flux-pro-1.1", "Flux Pro 1.1", 0.04, 12.0),
    _flux("flux-kontext-pro", "Flux Kontext Pro", 0.04, 12.0),
    Offer(
        "qwen-image",
        FAMILY,
        "image",
        "Qwen Image",
        0.02,
        takes={"ar": tuple(SIZES["qwen-image"])},
        sync=True,
        typical=20.0,
    ),
    Offer(
        "gpt-image-1-edit",
        FAMILY,
        "edit",
        "GPT Image",
        0.042,
        model="gpt-image-1",
        takes={"quality": ("low", "medium", "high")},
        media=(1, 2),
        factors=(({"quality": ("low",)}, 0.25), ({"quality": ("high",)}, 4.0)),
        sync=True,
        typical=40.0,
    ),
)
"""Prices are the vendors' own list prices; the owner of a gateway sets his own, and so does
`[models]`."""


class Pictures(Family):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    offers: Sequence[Offer] = OFFERS

    def call(self, request: Request) -> Call:
        """The call that makes the pictures. Raises `BadInput`."""
        if not request.prompt.strip():
            raise BadInput(mark("Say what the picture shall show."))
        model = text_of(request.options.get("model")) or request.offer
        body: dict[str, Json] = {"model": model, "prompt": request.prompt}
        body |= {k: v for k in ("quality", "style") if (v := request.options.get(k))}
        body["n"] = int(request.options.get("count") or 1)
        kind: Kind = request.kind
        if kind == "edit":
            body |= {
                name: Blob(media, "file")
                for name, media in zip(("image", "mask"), request.media, strict=False)
            }
        else:
            body |= _shape(model, text_of(request.options.get("ar")))
        path = "/v1/images/edits" if kind == "edit" else "/v1/images/generations"
        return Call("POST", path, FAMILY, body, SECONDS, most=MOST, keys=(request.offer, model))

    def accept(self, request: Request, answer: Answer) -> Ticket | Waiting | Result:
        """The pictures. Raises a `GatewayError`; an answer without any was paid for."""
        if error := refusal(answer):
            raise error
        rows = answer.body.get("data") if isinstance(answer.body, dict) else None
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        media = pictures_of(rows)
        if not media:
            if any(row.get("is_image_safe") is False for row in rows):
                raise Moderated(spent=Spent.YES)
            raise Garbled(
                mark("The image service answered without a picture."), spent=Spent.UNKNOWN
            )
        revised = next((text_of(row.get("revised_prompt")) for row in rows), "")
        return Result(media, prompt=revised)


def _shape(model: str, ar: str) -> dict[str, Json]:
    sizes = next((SIZES[name] for name in SIZES if model.startswith(name)), None)
    if sizes is not None:
        return {"size": sizes.get(ar, "1024x1024")}
    return {"aspect_ratio": ar} if ar else {}
