"""The fake Ideogram: generate, edit and remix as forms, answered when the pictures are done."""

import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from PIL import Image

from bot.sandbox import instant
from bot.sandbox.answers import RefusedError, json_answer, openai_error
from bot.sandbox.forms import Upload, form_of
from bot.sandbox.ground import Ground
from bot.sandbox.magic import words_in
from bot.sandbox.works import seed_of

_ROOT = "/ideogram/v1/ideogram-v3"
_RATIOS = "1x3 3x1 1x2 2x1 9x16 16x9 10x16 16x10 2x3 3x2 3x4 4x3 4x5 5x4 1x1"
_PALETTES = "EMBER FRESH JUNGLE MAGIC MELON MOSAIC PASTEL ULTRAMARINE"
_CHOICES: Mapping[str, frozenset[str]] = {
    "aspect_ratio": frozenset(_RATIOS.split()),
    "rendering_speed": frozenset({"FLASH", "TURBO", "DEFAULT", "QUALITY"}),
    "magic_prompt": frozenset({"AUTO", "ON", "OFF"}),
    "style_type": frozenset({"AUTO", "GENERAL", "REALISTIC", "DESIGN", "FICTION"}),
}
_NUMBERS: Mapping[str, tuple[int, int]] = {
    "num_images": (1, 8),
    "seed": (0, 2**31 - 1),
    "image_weight": (1, 100),
}
_SHARED = frozenset(
    {
        "prompt",
        "seed",
        "rendering_speed",
        "magic_prompt",
        "num_images",
        "color_palette",
        "style_codes",
        "style_type",
    }
)
_SHAPED = frozenset({"resolution", "aspect_ratio", "negative_prompt"})
_FIELDS: Mapping[str, frozenset[str]] = {
    "generate": _SHARED | _SHAPED,
    "edit": _SHARED,
    "remix": _SHARED | _SHAPED | {"image_weight"},
}
_FILES: Mapping[str, tuple[str, ...]] = {
    "generate": (),
    "edit": ("image", "mask"),
    "remix": ("image",),
}
_REFERENCES = "style_reference_images"
_MOST = 10_000_000
_RESOLUTION = re.compile(r"(\d{3,4})x(\d{3,4})")


class Ideogram:
    """Everything under `/ideogram`."""

    submit = re.compile(r"^/ideogram/")
    public = re.compile(r"(?!)")
    prices: Mapping[str, float] = {"ideogram-v3": 0.06}

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._made = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """The three calls."""
        for what in _FIELDS:
            yield web.post(f"{_ROOT}/{what}", self._make)

    async def _make(self, request: web.Request) -> web.Response:
        if request.content_type != "multipart/form-data":
            raise RefusedError(_no("multipart/form-data is needed"))
        fields, files = await form_of(request)
        what = request.path.rpartition("/")[2]
        _check_fields(what, fields, files)
        _check_files(what, files)
        prompt, count = fields["prompt"], int(fields.get("num_images") or 1)
        words = words_in(prompt)
        _refuse(words)
        self._made += 1
        price = self.prices["ideogram-v3"] * count
        self._ground.charge(request, f"ideogram-{self._made}", price, starts=True)
        await instant.work(self._ground, words, 6.0)
        source = files["image"][0].data if files.get("image") else b""
        rows: list[Any] | None = None
        if "nulls" not in words:
            rows = [await self._row(request, fields, source, n) for n in range(count)]
        return json_answer({"created": "2026-01-01T10:00:00Z", "data": rows})

    async def _row(
        self, request: web.Request, fields: Mapping[str, str], source: bytes, number: int
    ) -> dict[str, Any]:
        prompt = fields["prompt"]
        words = words_in(prompt)
        seed = int(fields.get("seed") or seed_of(f"{prompt}/{number}") >> 1)
        if "moderated" in words or ("onefails" in words and number == 0):
            return {"url": None, "prompt": prompt, "is_image_safe": False, "seed": seed}
        ratio = _ratio(fields)
        data = await instant.drawn(self._ground, prompt, seed + number, ratio, "I", source)
        return {
            "url": instant.placed(self._ground, request, data, words),
            "prompt": prompt if fields.get("magic_prompt") == "OFF" else f"{prompt}, richly lit",
            "resolution": fields.get("resolution") or "1024x1024",
            "is_image_safe": True,
            "seed": seed,
            "style_type": fields.get("style_type") or "GENERAL",
            "upscaled_resolution": None,
        }


def _refuse(words: frozenset[str]) -> None:
    """Refusals that cost nothing."""
    if "banned" in words:
        raise RefusedError(json_answer({"error": "Prompt failed the safety check"}, 422))
    if "fail" in words:
        raise RefusedError(_no("the renderer gave up: **@everyone** see https://example.com/why"))
    if "saturated" in words:
        raise RefusedError(openai_error(429, "当前分组上游负载已饱和，请稍后再试"))


def _check_fields(what: str, fields: Mapping[str, str], files: Mapping[str, list[Upload]]) -> None:
    if not fields.get("prompt", "").strip():
        raise RefusedError(_no("prompt is required"))
    for name, value in fields.items():
        if name not in _FIELDS[what]:
            raise RefusedError(_no(f"{what} has no field {name}"))
        if value not in _CHOICES.get(name, {value}):
            raise RefusedError(_no(f"{name}: {value} is not allowed"))
        low, high = _NUMBERS.get(name, (0, 0))
        if high and not (value.isdecimal() and low <= int(value) <= high):
            raise RefusedError(_no(f"{name} must be {low} to {high}"))
    if "resolution" in fields and "aspect_ratio" in fields:
        raise RefusedError(_no("resolution excludes aspect_ratio"))
    if "resolution" in fields and not _RESOLUTION.fullmatch(fields["resolution"]):
        raise RefusedError(_no("resolution is not allowed"))
    if "style_codes" in fields and ("style_type" in fields or _REFERENCES in files):
        raise RefusedError(_no("style_codes excludes style_type and style_reference_images"))
    _check_palette(fields.get("color_palette"))


def _check_palette(given: str | None) -> None:
    if given is None:
        return
    try:
        name = json.loads(given)["name"]
    except (ValueError, TypeError, KeyError):
        name = ""
    if name not in _PALETTES.split():
        raise RefusedError(_no("color_palette is not allowed"))


def _check_files(what: str, files: Mapping[str, list[Upload]]) -> None:
    known = (*_FILES[what], _REFERENCES)
    for name in _FILES[what]:
        if not files.get(name):
            raise RefusedError(_no(f"{name} is required"))
    for name, uploads in files.items():
        if name not in known:
            raise RefusedError(_no(f"{what} has no file {name}"))
        if sum(len(one.data) for one in uploads) > _MOST:
            raise RefusedError(_no(f"{name} is larger than 10 MB"))
    if what == "edit":
        _check_mask(files["image"][0], files["mask"][0])


def _check_mask(image: Upload, mask: Upload) -> None:
    """A mask is as large as the picture and has nothing but black and white, both of them."""
    try:
        with Image.open(io.BytesIO(image.data)) as old, Image.open(io.BytesIO(mask.data)) as drawn:
            same, shades = old.size == drawn.size, drawn.convert("L").histogram()
    except OSError:
        raise RefusedError(_no("image or mask is no picture")) from None
    if not same:
        raise RefusedError(_no("mask and image differ in size"))
    if any(shades[1:255]) or not shades[0]:
        raise RefusedError(_no("mask must be black and white"))


def _ratio(fields: Mapping[str, str]) -> float:
    found = re.fullmatch(
        r"(\d+)x(\d+)", fields.get("resolution") or fields.get("aspect_ratio") or "1x1"
    )
    return int(found[1]) / int(found[2]) if found else 1.0


def _no(reason: str) -> web.Response:
    return json_answer({"error": reason}, 400)
