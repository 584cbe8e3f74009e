"""The fake of OpenAI's picture format: `/v1/images/generations` and `/v1/images/edits`.

Answers only when the picture is done, as the real one does. DALL·E and Flux give an address, GPT
Image the bytes. Strict: a field that a model has no use for is refused.
"""

import base64
import io
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from PIL import Image

from bot.sandbox import instant
from bot.sandbox.answers import RefusedError, json_answer, openai_error
from bot.sandbox.forms import Upload, form_of
from bot.sandbox.ground import VISIT, Ground
from bot.sandbox.magic import words_in
from bot.sandbox.works import seed_of

_SHARED = frozenset({"model", "prompt", "n", "user"})


@dataclass(frozen=True, slots=True)
class _Model:
    """What one model takes."""

    price: float
    seconds: float = 5.0
    most: int = 1
    longest: int = 4000
    choices: Mapping[str, frozenset[str]] = field(default_factory=dict)
    edits: bool = False
    draws: bool = True
    inline: bool = False
    """It always answers with the bytes."""


_SHAPES = frozenset({"21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"})
_FORMATS = frozenset({"url", "b64_json"})


def _flux(price: float, seconds: float = 5.0) -> _Model:
    return _Model(price, seconds, choices={"aspect_ratio": _SHAPES})


_MODELS: Mapping[str, _Model] = {
    "dall-e-3": _Model(
        0.04,
        choices={
            "size": frozenset({"1024x1024", "1792x1024", "1024x1792"}),
            "quality": frozenset({"standard", "hd"}),
            "style": frozenset({"vivid", "natural"}),
            "response_format": _FORMATS,
        },
    ),
    "gpt-image-1": _Model(
        0.042,
        seconds=8.0,
        most=10,
        longest=32_000,
        choices={
            "size": frozenset({"1024x1024", "1536x1024", "1024x1536", "auto"}),
            "quality": frozenset({"low", "medium", "high", "auto"}),
            "background": frozenset({"auto", "transparent", "opaque"}),
            "output_format": frozenset({"png", "jpeg", "webp"}),
        },
        edits=True,
        inline=True,
    ),
    "flux-schnell": _flux(0.003, 2.0),
    "flux-dev": _flux(0.025),
    "flux-pro": _flux(0.05),
    "flux-pro-1.1": _flux(0.04),
    "flux-pro-1.1-ultra": _flux(0.06),
    "flux-kontext-pro": _flux(0.04),
    "flux-kontext-max": _flux(0.08),
    "qwen-image": _Model(
        0.02,
        choices={
            "size": frozenset({"1328x1328", "1664x928", "928x1664", "1472x1140", "1140x1472"})
        },
    ),
    "qwen-image-edit": _Model(0.03, edits=True, draws=False),
}


class OpenAIImages:
    """Everything under `/v1/images`."""

    submit = re.compile(r"^/v1/images/")
    public = re.compile(r"(?!)")
    prices: Mapping[str, float] = {name: model.price for name, model in _MODELS.items()}

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
            raise RefusedError(_bad("invalid JSON"))
        if not isinstance(body.get("n", 1), int):
            raise RefusedError(_bad("n must be an integer"))
        model = _model(body)
        if not model.draws:
            raise RefusedError(_bad("this model only edits"))
        return await self._make(request, model, body, b"")

    async def _edit(self, request: web.Request) -> web.Response:
        if request.content_type != "multipart/form-data":
            raise RefusedError(_bad("multipart/form-data is needed"))
        body, files = await form_of(request)
        model = _model(body)
        if not model.edits:
            raise RefusedError(_bad("this model cannot edit"))
        images = [*files.get("image", ()), *files.get("image[]", ())]
        if not images:
            raise RefusedError(_bad("image is required"))
        for mask in files.get("mask", ()):
            _check_mask(mask, images[0])
        return await self._make(request, model, dict(body), images[0].data)

    async def _make(
        self, request: web.Request, model: _Model, body: dict[str, Any], source: bytes
    ) -> web.Response:
        _check(model, body)
        prompt, count = str(body["prompt"]), int(body.get("n") or 1)
        words = words_in(prompt)
        _refuse(words)
        self._made += 1
        self._ground.charge(request, f"image-{self._made}", model.price * count, starts=True)
        await instant.work(self._ground, words, model.seconds)
        rows: list[Any] | None = None
        if "nulls" not in words:
            rows = [await self._row(request, model, body, source, n) for n in range(count)]
        return json_answer({"created": int(time.time()), "data": rows})

    async def _row(
        self, request: web.Request, model: _Model, body: dict[str, Any], source: bytes, number: int
    ) -> dict[str, Any]:
        prompt = str(body["prompt"])
        words = words_in(prompt)
        if "onefails" in words and number == 0:
            return {"url": None, "b64_json": None}
        seed, letter = seed_of(f"{prompt}/{number}"), str(body["model"])[0].upper()
        data = await instant.drawn(self._ground, prompt, seed, _ratio(body), letter, source)
        if model.inline or body.get("response_format") == "b64_json":
            return {"b64_json": base64.b64encode(data).decode()}
        url = instant.placed(self._ground, request, data, words)
        return {"url": url, "b64_json": None, "revised_prompt": f"{prompt}, in fine detail"}


def _model(body: Mapping[str, Any]) -> _Model:
    name = str(body.get("model") or "")
    if name not in _MODELS:
        message = f"当前分组 default 下对于模型 {name} 无可用渠道"
        raise RefusedError(openai_error(503, message))
    return _MODELS[name]


def _check(model: _Model, body: Mapping[str, Any]) -> None:
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise RefusedError(_bad("prompt is required"))
    if len(prompt) > model.longest:
        raise RefusedError(_bad(f"prompt is longer than {model.longest} characters"))
    if not 1 <= int(body.get("n") or 1) <= model.most:
        raise RefusedError(_bad(f"n must be 1 to {model.most}"))
    for name, value in body.items():
        if name not in _SHARED and name not in model.choices:
            raise RefusedError(_bad(f"unknown parameter: {name}"))
        if name in model.choices and value not in model.choices[name]:
            raise RefusedError(_bad(f"{name} {value} is not supported"))


def _check_mask(mask: Upload, image: Upload) -> None:
    """A mask is a PNG of the picture's size with a hole in it."""
    try:
        with Image.open(io.BytesIO(mask.data)) as drawn, Image.open(io.BytesIO(image.data)) as old:
            fits = drawn.format == "PNG" and "A" in drawn.getbands() and drawn.size == old.size
    except OSError:
        fits = False
    if not fits:
        raise RefusedError(_bad("mask must be a PNG with an alpha channel, as large as the image"))


def _refuse(words: frozenset[str]) -> None:
    """Refusals that cost nothing."""
    if words & {"banned", "moderated"}:
        message = "Your request was rejected as a result of our safety system."
        kind, code = "invalid_request_error", "content_policy_violation"
        raise RefusedError(openai_error(400, message, kind=kind, code=code))
    if "fail" in words:
        message = "the renderer gave up: **@everyone** see https://example.com/why"
        raise RefusedError(openai_error(400, message, kind="upstream_error"))
    if "saturated" in words:
        raise RefusedError(openai_error(429, "当前分组上游负载已饱和，请稍后再试"))


def _bad(message: str) -> web.Response:
    return openai_error(400, message, kind="invalid_request_error")


def _ratio(body: Mapping[str, Any]) -> float:
    given = str(body.get("size") or body.get("aspect_ratio") or "1:1")
    found = re.fullmatch(r"(\d+)[x:](\d+)", given)
    return int(found[1]) / int(found[2]) if found else 1.0
