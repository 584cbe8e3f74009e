"""Pictures in OpenAI's format: DALL·E 3, GPT Image, Flux and Qwen through `/v1/images`.

One call, and the answer is the result, as an address or as the bytes themselves whatever was asked
for. Pure. `Request.options` it reads, all optional: model (the name on the wire), ar, quality,
style, count, background. Files: of an edit the picture, and the mask whose clear part changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.errors import BadInput, Garbled, Moderated, Spent
from core.i18n import mark
from core.providers.base import Family, Kind, Offer, Request, Result, Ticket, Values, Waiting
from core.providers.fields import object_of, pictures_of, text_of
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
ONE: Values = ("1",)
COUNTS = tuple(str(n) for n in range(1, 9))
TYPES = ("image/png", "image/jpeg", "image/webp")
GPT_QUALITIES = ("low", "medium", "high")
GPT_PRICES = (
    ({"ar": ("3:2", "2:3")}, 1.5),
    ({"quality": ("low",)}, 0.26),
    ({"quality": ("high",)}, 4.0),
)
USUAL: Mapping[str, Mapping[str, str]] = {"gpt-image-1": {"quality": "medium"}}
"""What is said where nothing was chosen, for models that would choose a dearer one themselves."""


def _offer(key: str, title: str, price: float, typical: float, **takes: Values) -> Offer:
    """A model that draws one picture at a time."""
    takes = {"count": ONE} | takes
    return Offer(key, FAMILY, "image", title, price, takes=takes, sync=True, typical=typical)


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
            "count": ONE,
        },
        longest=4000,
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
            "quality": GPT_QUALITIES,
            "background": ("auto", "transparent", "opaque"),
            "count": COUNTS,
        },
        longest=32_000,
        times=("count",),
        factors=GPT_PRICES,
        sync=True,
        typical=40.0,
    ),
    _offer("flux-schnell", "Flux Schnell", 0.003, 5.0, ar=FLUX),
    _offer("flux-dev", "Flux Dev", 0.025, 10.0, ar=FLUX),
    _offer("flux-pro", "Flux Pro", 0.05, 12.0, ar=FLUX),
    _offer("flux-pro-1.1", "Flux Pro 1.1", 0.04, 12.0, ar=FLUX),
    _offer("flux-pro-1.1-ultra", "Flux Pro 1.1 Ultra", 0.06, 15.0, ar=FLUX),
    _offer("flux-kontext-pro", "Flux Kontext Pro", 0.04, 12.0, ar=FLUX),
    _offer("flux-kontext-max", "Flux Kontext Max", 0.08, 15.0, ar=FLUX),
    _offer("qwen-image", "Qwen Image", 0.02, 20.0, ar=tuple(SIZES["qwen-image"])),
    Offer(
        "gpt-image-1-edit",
        FAMILY,
        "edit",
        "GPT Image",
        0.042,
        model="gpt-image-1",
        takes={"quality": GPT_QUALITIES, "count": COUNTS},
        media=(1, 2),
        mask="clear",
        longest=32_000,
        times=("count",),
        factors=GPT_PRICES,
        sync=True,
        typical=40.0,
    ),
    Offer(
        "qwen-image-edit",
        FAMILY,
        "edit",
        "Qwen Image",
        0.03,
        takes={"count": ONE},
        media=(1, 1),
        sync=True,
        typical=25.0,
    ),
)
"""Prices are the vendors' own list prices; the owner of a gateway sets his own, and so does
`[models]`."""
WIRE: Mapping[str, str] = {offer.key: offer.wire for offer in OFFERS}


class Pictures(Family):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    offers: Sequence[Offer] = OFFERS

    def call(self, request: Request) -> Call:
        """The call that makes the pictures. Raises `BadInput`."""
        if not request.prompt.strip():
            raise BadInput(mark("Say what the picture shall show."))
        model = text_of(request.options.get("model")) or WIRE.get(request.offer, request.offer)
        chosen = {**USUAL.get(model, {}), **request.options}
        body: dict[str, Json] = {"model": model, "prompt": request.prompt}
        body |= {k: v for k in ("quality", "style", "background") if (v := chosen.get(k))}
        body["n"] = int(chosen.get("count") or 1)
        kind: Kind = request.kind
        body |= _files(request) if kind == "edit" else _shape(model, text_of(chosen.get("ar")))
        path = "/v1/images/edits" if kind == "edit" else "/v1/images/generations"
        return Call("POST", path, FAMILY, body, SECONDS, most=MOST, keys=(request.offer, model))

    def accept(self, request: Request, answer: Answer) -> Ticket | Waiting | Result:
        """The pictures. Raises a `GatewayError`; a good answer without any was paid for."""
        if error := refusal(answer):
            raise error
        return result_of(request, answer)


def _files(request: Request) -> dict[str, Json]:
    if not request.media:
        raise BadInput(mark("Send the picture that shall be changed."))
    picture, *mask = request.media
    body: dict[str, Json] = {"image[]": Blob(picture, "file", TYPES)}
    if mask:
        body["mask"] = Blob(mask[0], "file")
    return body


def _shape(model: str, ar: str) -> dict[str, Json]:
    sizes = next((SIZES[name] for name in SIZES if model.startswith(name)), None)
    if sizes is not None:
        return {"size": sizes.get(ar, sizes["1:1"])}
    return {"aspect_ratio": ar} if ar else {}


# -- reading ---------------------------------------------------------------------------------------

NOTHING = mark("The service answered without a picture.")
HELD_BACK = mark("This was made and then held back for what it shows. It was charged.")
SOME_HELD_BACK = mark("{n} of {of} pictures were held back for what they show.")
SOME_MISSING = mark("{n} of {of} pictures did not come.")


def result_of(request: Request, answer: Answer) -> Result:
    """The pictures of an answer's `data`. What is missing is told: by an error where nothing came,
    else beside the rest.
    """
    data = object_of(answer.body).get("data")
    listed = data if isinstance(data, list) else [data]
    rows = [row if isinstance(row, dict) else {"url": row} for row in listed]
    media = pictures_of(rows)
    unsafe = any(row.get("is_image_safe") is False for row in rows)
    if not media and unsafe:
        raise Moderated(HELD_BACK, spent=Spent.YES)
    if not media:
        raise Garbled(NOTHING, spent=Spent.YES, detail="no picture in the answer")
    words = (text_of(row.get("revised_prompt")) or text_of(row.get("prompt")) for row in rows)
    final = next((text for text in words if text), "")
    missing = {"n": len(rows) - len(media), "of": len(rows)}
    told = [[SOME_HELD_BACK if unsafe else SOME_MISSING, missing]] if missing["n"] else []
    return Result(
        media,
        prompt=final if final != request.prompt else "",
        facts={"remarks": told} if told else {},
    )
