"""The fake of OpenAI's picture format: `/v1/images/generations` and `/v1/images/edits`.

Answers only when the picture is done, as the real one does. DALL·E and Flux give an address, GPT
Image the bytes.
"""

import asyncio
import base64
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import pictures
from bot.sandbox.answers import DroppedError, RefusedError, json_answer, openai_error
from bot.sandbox.forms import form_of
from bot.sandbox.ground import VISIT, Ground, base_of
from bot.sandbox.magic import words_in
from bot.sandbox.pictures import Picture, makings

_PRICES: Mapping[str, float] = {
    "dall-e-3": 0.04,
    "gpt-image-1": 0.042,
    "flux-schnell": 0.003,
    "flux-dev": 0.025,
    "flux-pro-1.1": 0.04,
    "flux-kontext-pro": 0.04,
    "qwen-image": 0.02,
}
_SIZES = {
    "dall-e-3": {"1024x1024", "1792x1024", "1024x1792"},
    "gpt-image-1": {"1024x1024", "1536x1024", "1024x1536", "auto"},
}
_QUALITIES = {
    "dall-e-3": {"standard", "hd"},
    "gpt-image-1": {"low", "medium", "high", "auto"},
}
_SECONDS = {"flux-schnell": 2.0, "gpt-image-1": 8.0}


class OpenAIImages:
    """Everything under `/v1/images`."""

    submit = re.compile(r"^/v1/images/")
    public = re.compile(r"(?!)")
    prices = _PRICES

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._made = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """The two endpoints."""
        yield web.post("/v1/images/generations", self._generate)
        yield web.post("/v1/images/edits", self._edit)

    async def _generate(self, request: web.Request) -> web.Response:
        body = request[VISIT].json
        if not isinstance(body, dict):
            raise RefusedError(openai_error(400, "invalid JSON", kind="invalid_request_error"))
        return await self._make(request, body, b"")

    async def _edit(self, request: web.Request) -> web.Response:
        body, files = await form_of(request)
        image = next(iter(files.get("image", ())), None)
        if image is None:
            raise RefusedError(_bad("image is required"))
        return await self._make(request, body, image.data)

    async def _make(
        self, request: web.Request, body: dict[str, Any], source: bytes
    ) -> web.Response:
        model, prompt = str(body.get("model") or ""), body.get("prompt")
        if model not in self.prices:
            message = f"当前分组 default 下对于模型 {model} 无可用渠道"
            raise RefusedError(openai_error(503, message))
        if not isinstance(prompt, str) or not prompt.strip():
            raise RefusedError(_bad("prompt is required"))
        self._check(model, body)
        words = words_in(prompt)
        if words & {"banned", "moderated"}:
            message = "Your request was rejected as a result of our safety system."
            kind, code = "invalid_request_error", "content_policy_violation"
            raise RefusedError(openai_error(400, message, kind=kind, code=code))
        if "saturated" in words:
            raise RefusedError(openai_error(429, "当前分组上游负载已饱和，请稍后再试"))
        self._made += 1
        count = int(body.get("n") or 1)
        price = self.prices[model] * count
        self._ground.charge(request, f"image-{self._made}", price, starts=True)
        if "lostanswer" in words:
            raise DroppedError
        slow = 5.0 if "slow" in words else 1.0
        await asyncio.sleep(_SECONDS.get(model, 5.0) * slow * self._ground.pace)
        rows = [await self._row(request, model, body, source, n) for n in range(count)]
        return json_answer({"created": int(time.time()), "data": rows})

    def _check(self, model: str, body: dict[str, Any]) -> None:
        size, quality = body.get("size"), body.get("quality")
        if size is not None and size not in _SIZES.get(model, {size}):
            raise RefusedError(_bad(f"size {size} is not supported by {model}"))
        if quality is not None and quality not in _QUALITIES.get(model, {quality}):
            raise RefusedError(_bad(f"quality {quality} is not supported by {model}"))
        if model == "dall-e-3" and int(body.get("n") or 1) != 1:
            raise RefusedError(_bad("n must be 1 for dall-e-3"))

    async def _row(
        self, request: web.Request, model: str, body: dict[str, Any], source: bytes, number: int
    ) -> dict[str, Any]:
        seed = hash((body["prompt"], self._made, number)) & 0xFFFFFFFF
        prompt = str(body["prompt"])
        cells = (
            makings.blended((source, source), seed, prompt)
            if source
            else makings.imagined((), seed, prompt)
        )
        picture = Picture(cells[:1], _ratio(body), prompt, model[0].upper())
        data = await asyncio.to_thread(pictures.final, picture, self._ground.image_size)
        if model == "gpt-image-1":
            return {"b64_json": base64.b64encode(data).decode()}
        url = self._ground.files.keep(base_of(request), data, "image/png")
        return {"url": url, "b64_json": None, "revised_prompt": f"{prompt}, in fine detail"}


def _bad(message: str) -> web.Response:
    return openai_error(400, message, kind="invalid_request_error")


def _ratio(body: dict[str, Any]) -> float:
    given = str(body.get("size") or body.get("aspect_ratio") or "1:1")
    found = re.fullmatch(r"(\d+)[x:](\d+)", given)
    return int(found[1]) / int(found[2]) if found else 1.0
