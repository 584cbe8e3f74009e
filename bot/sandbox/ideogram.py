"""The fake Ideogram: generate, edit and remix as forms, answered when the pictures are done."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import pictures
from bot.sandbox.answers import DroppedError, RefusedError, json_answer
from bot.sandbox.forms import form_of
from bot.sandbox.ground import Ground, base_of
from bot.sandbox.magic import words_in
from bot.sandbox.pictures import Picture, makings

_ROOT = "/ideogram/v1/ideogram-v3"
_RATIOS = frozenset(
    [
        "1x3",
        "3x1",
        "1x2",
        "2x1",
        "9x16",
        "16x9",
        "10x16",
        "16x10",
        "2x3",
        "3x2",
        "3x4",
        "4x3",
        "4x5",
        "5x4",
        "1x1",
    ]
)
_CHOICES: Mapping[str, frozenset[str]] = {
    "aspect_ratio": _RATIOS,
    "rendering_speed": frozenset({"FLASH", "TURBO", "DEFAULT", "QUALITY"}),
    "magic_prompt": frozenset({"AUTO", "ON", "OFF"}),
    "style_type": frozenset({"AUTO", "GENERAL", "REALISTIC", "DESIGN", "FICTION"}),
}


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
        for what in ("generate", "edit", "remix"):
            yield web.post(f"{_ROOT}/{what}", self._make)

    async def _make(self, request: web.Request) -> web.Response:
        if request.content_type != "multipart/form-data":
            raise RefusedError(_no("multipart/form-data is needed"))
        fields, uploads = await form_of(request)
        files = {name: found[0].data for name, found in uploads.items()}
        what = request.path.rpartition("/")[2]
        prompt = self._check(what, fields, files)
        words = words_in(prompt)
        if "banned" in words:
            raise RefusedError(json_answer({"error": "Prompt failed the safety check"}, 422))
        self._made += 1
        count = int(fields.get("num_images") or 1)
        price = self.prices["ideogram-v3"] * count
        self._ground.charge(request, f"ideogram-{self._made}", price, starts=True)
        if "lostanswer" in words:
            raise DroppedError
        slow = 5.0 if "slow" in words else 1.0
        await asyncio.sleep(6.0 * slow * self._ground.pace)
        rows = [await self._row(request, fields, files, prompt, n) for n in range(count)]
        return json_answer({"created": "2026-01-01T10:00:00Z", "data": rows})

    def _check(self, what: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> str:
        for name, allowed in _CHOICES.items():
            if name in fields and fields[name] not in allowed:
                raise RefusedError(_no(f"{name}: {fields[name]} is not allowed"))
        if "resolution" in fields and "aspect_ratio" in fields:
            raise RefusedError(_no("resolution excludes aspect_ratio"))
        needed = {"generate": (), "edit": ("image", "mask"), "remix": ("image",)}[what]
        for name in needed:
            if not files.get(name):
                raise RefusedError(_no(f"{name} is required"))
        if not fields.get("prompt", "").strip():
            raise RefusedError(_no("prompt is required"))
        return fields["prompt"]

    async def _row(
        self,
        request: web.Request,
        fields: Mapping[str, str],
        files: Mapping[str, bytes],
        prompt: str,
        number: int,
    ) -> dict[str, Any]:
        if "moderated" in words_in(prompt):
            return {"url": None, "prompt": prompt, "is_image_safe": False, "seed": 1}
        source = files.get("image")
        seed = hash((prompt, self._made, number)) & 0xFFFFFFFF
        cells = (
            makings.blended((source, source), seed, prompt)
            if source
            else makings.imagined((), seed, prompt)
        )
        wide, _, tall = fields.get("aspect_ratio", "1x1").partition("x")
        picture = Picture(cells[:1], int(wide) / int(tall), prompt, "I")
        data = await asyncio.to_thread(pictures.final, picture, self._ground.image_size)
        url = self._ground.files.keep(base_of(request), data, "image/png")
        return {"url": url, "prompt": f"{prompt}, richly lit", "is_image_safe": True, "seed": seed}


def _no(reason: str) -> web.Response:
    return json_answer({"error": reason}, 400)
