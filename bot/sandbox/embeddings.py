"""The fake of embeddings: texts as vectors that mean a little.

Words, and the groups of letters in them, each pull a vector their own way, so that texts with the
same or similar words are near each other. Of real meaning it knows nothing.
"""

import base64
import math
import re
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import instant
from bot.sandbox.answers import RefusedError, json_answer, openai_error
from bot.sandbox.ground import VISIT, Ground
from bot.sandbox.magic import words_in

_FIELDS = frozenset({"model", "input", "encoding_format", "dimensions", "user"})
_WIDTHS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
_MOST_TEXTS, _MOST_TOKENS = 2048, 8191
_WORD = re.compile(r"\w{3,}")


class Embeddings:
    """`/v1/embeddings`."""

    submit = re.compile(r"^/v1/embeddings$")
    public = re.compile(r"(?!)")
    prices: Mapping[str, float] = {
        "text-embedding-3-small": 0.02,
        "text-embedding-3-large": 0.13,
        "text-embedding-ada-002": 0.10,
    }
    """USD a million tokens."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._made = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """The one call."""
        yield web.post("/v1/embeddings", self._embed)

    async def _embed(self, request: web.Request) -> web.Response:
        body = request[VISIT].json
        model, texts = _checked(body)
        words = words_in(texts[0])
        _refuse(words)
        tokens = sum(_tokens(text) for text in texts)
        self._made += 1
        price = self.prices[model] * tokens / 1_000_000
        self._ground.charge(request, f"embedding-{self._made}", price, starts=True)
        await instant.work(self._ground, words, 0.5)
        if "notimage" in words:
            return web.Response(text="<!DOCTYPE html><title>Hm</title>", content_type="text/html")
        packed = body.get("encoding_format") == "base64" or "packed" in words
        rows = [
            {"object": "embedding", "index": number, "embedding": _written(vector, packed=packed)}
            for number, text in enumerate(texts)
            for vector in [meaning(text, int(body.get("dimensions") or _WIDTHS[model]))]
        ]
        rows = rows[:-1] if "onefails" in words else rows
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        data = None if "nulls" in words else rows
        return json_answer({"object": "list", "data": data, "model": model, "usage": usage})


def _checked(body: Any) -> tuple[str, list[str]]:
    """The model and the texts, as strictly as the contract has it."""
    if not isinstance(body, dict):
        raise RefusedError(_bad("a JSON object is required"))
    model, given = str(body.get("model") or ""), body.get("input")
    if unknown := set(body) - _FIELDS:
        raise RefusedError(_bad(f"unknown parameter: {min(unknown)}"))
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 1 <= len(texts) <= _MOST_TEXTS:
        raise RefusedError(_bad("input is required, as one text or as several"))
    if not all(isinstance(text, str) and text for text in texts):
        raise RefusedError(_bad("'$.input' is invalid: an empty text, or none"))
    if any(_tokens(text) > _MOST_TOKENS for text in texts):
        raise RefusedError(_bad("This model's maximum context length is 8192 tokens"))
    if body.get("encoding_format", "float") not in ("float", "base64"):
        raise RefusedError(_bad("encoding_format is float or base64"))
    if model not in _WIDTHS:
        raise RefusedError(openai_error(503, f"no available channel for model {model}"))
    if "dimensions" in body:
        _check_width(model, body["dimensions"])
    return model, texts


def _check_width(model: str, width: Any) -> None:
    if not model.startswith("text-embedding-3-"):
        raise RefusedError(_bad("This model does not support specifying dimensions."))
    if not isinstance(width, int) or not 1 <= width <= _WIDTHS[model]:
        raise RefusedError(_bad(f"dimensions goes from 1 to {_WIDTHS[model]}"))


def meaning(text: str, width: int) -> list[float]:
    """A vector of length 1."""
    vector = [0.0] * width
    for word in _WORD.findall(text.lower()):
        _pull(vector, word, 1.0)
        for at in range(len(word) - 2):
            _pull(vector, f"#{word[at : at + 3]}", 0.4)
    size = math.hypot(*vector)
    if not size:
        vector[0] = size = 1.0
    return [number / size for number in vector]


def _pull(vector: list[float], part: str, weight: float) -> None:
    found = zlib.crc32(part.encode())
    vector[found % len(vector)] += weight if found & 1 << 31 else -weight


def _written(vector: list[float], *, packed: bool) -> str | list[float]:
    if packed:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return [round(number, 9) for number in vector]


def _tokens(text: str) -> int:
    return len(text) // 4 + 1


def _refuse(words: frozenset[str]) -> None:
    """Refusals that cost nothing."""
    if words & {"banned", "moderated"}:
        kind, code = "invalid_request_error", "content_policy_violation"
        raise RefusedError(openai_error(400, "flagged by safety", kind=kind, code=code))
    if "fail" in words:
        message = "the words mean nothing: **@everyone** see https://example.com/why"
        raise RefusedError(openai_error(400, message, kind="upstream_error"))
    if "saturated" in words:
        raise RefusedError(openai_error(429, "当前分组上游负载已饱和，请稍后再试"))


def _bad(message: str) -> web.Response:
    return openai_error(400, message, kind="invalid_request_error")
