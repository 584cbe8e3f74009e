"""The fake Kling: pictures, try-on and videos, answering in one of its four shapes.

A word in the prompt chooses the shape: `wrapped`, `short` or `object`; else it is Kling's own.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import clips, pictures
from bot.sandbox.answers import RefusedError, json_answer
from bot.sandbox.ground import VISIT, Ground
from bot.sandbox.magic import words_in
from bot.sandbox.pictures import Picture, makings
from bot.sandbox.works import Piece, Work, Works

_PRICES: Mapping[str, float] = {
    "kling-v1": 0.14,
    "kling-v1-5": 0.014,
    "kling-v1-6": 0.28,
    "kling-v2-1": 0.014,
    "kling-v2-master": 1.4,
    "kling-v2-5-turbo": 0.35,
    "kolors-virtual-try-on-v1-5": 0.07,
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "own": {
        "queued": "submitted",
        "running": "processing",
        "done": "succeed",
        "failed": "failed",
        "cancelled": "failed",
    },
    "wrapped": {
        "queued": "QUEUED",
        "running": "IN_PROGRESS",
        "done": "SUCCESS",
        "failed": "FAILURE",
        "cancelled": "FAILURE",
    },
    "short": {
        "queued": "queued",
        "running": "processing",
        "done": "succeeded",
        "failed": "failed",
        "cancelled": "failed",
    },
}
_IMAGES = "/kling/v1/images/generations"
_TRY_ON = "/kling/v1/images/kolors-virtual-try-on"
_TEXT = "/kling/v1/videos/text2video"
_IMAGE = "/kling/v1/videos/image2video"


class Kling:
    """Everything under `/kling`."""

    submit = re.compile(r"^/kling/v1/(images|videos)/[\w-]+$")
    public = re.compile(r"(?!)")
    prices = _PRICES

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._works = Works(ground, "kling")

    def routes(self) -> Iterable[web.RouteDef]:
        """Four ways to begin, and a look on the path each was begun on."""
        yield web.post(_IMAGES, self._draw)
        yield web.post(_TRY_ON, self._dress)
        yield web.post(_TEXT, self._film)
        yield web.post(_IMAGE, self._film)
        for path in (_IMAGES, _TRY_ON, _TEXT, _IMAGE):
            yield web.get(path + "/{id}", self._look)

    async def _draw(self, request: web.Request) -> web.Response:
        body = _body(request)
        prompt, source = _prompt(body), _file(body, "image", required=False)
        count, model = int(body.get("n") or 1), self._model(body)
        ratio = _ratio(body.get("aspect_ratio") or "16:9")
        pieces = [
            self._picture(prompt, n, ratio, (source,) if source else ()) for n in range(count)
        ]
        return await self._begin(request, prompt, self.prices[model] * count, 8.0, pieces, "images")

    async def _dress(self, request: web.Request) -> web.Response:
        body = _body(request)
        person, cloth = _file(body, "human_image"), _file(body, "cloth_image")
        piece = self._picture("try on", 0, 0.75, (person, cloth))
        price = self.prices[self._model(body)]
        return await self._begin(request, "", price, 6.0, [piece], "images")

    async def _film(self, request: web.Request) -> web.Response:
        body = _body(request)
        start = _file(body, "image", required=request.path == _IMAGE)
        prompt = _prompt(body) if not start else str(body.get("prompt") or "")
        if body.get("image_tail") and body.get("camera_control"):
            raise RefusedError(_no(1201, "image_tail excludes camera_control"))
        if body.get("duration") not in (None, "5", "10"):
            raise RefusedError(_no(1201, "duration must be the string 5 or 10"))
        _check_camera(body.get("camera_control"))
        seconds, seed = int(body.get("duration") or 5), hash(prompt) & 0xFFFF
        ratio = _ratio(body.get("aspect_ratio") or "16:9")
        make = _filming(prompt, seed, seconds, ratio, start)
        price = self.prices[self._model(body)] * seconds / 5
        pieces = [Piece(make, "video/mp4")]
        return await self._begin(request, prompt, price, 14.0, pieces, "videos")

    def _picture(self, prompt: str, seed: int, ratio: float, sources: tuple[bytes, ...]) -> Piece:
        def make() -> bytes:
            if sources:
                cells = makings.blended((sources * 2)[:2], seed, prompt)
            else:
                cells = makings.imagined((), hash(prompt) + seed, prompt)
            picture = Picture(cells[:1], ratio, prompt, "K")
            return pictures.final(picture, self._ground.image_size)

        return Piece(make, "image/png")

    def _model(self, body: dict[str, Any]) -> str:
        model = str(body.get("model_name") or body.get("model") or "kling-v1")
        if model not in self.prices:
            raise RefusedError(_no(1201, f"model {model} is not supported"))
        return model

    async def _begin(
        self,
        request: web.Request,
        prompt: str,
        price: float,
        seconds: float,
        pieces: list[Piece],
        what: str,
    ) -> web.Response:
        words = words_in(prompt)
        if "banned" in words:
            raise RefusedError(_no(1301, "content moderation failed"))
        if "queuefull" in words:
            raise RefusedError(_no(1303, "parallel task over resource pack limit", 429))
        if "noaccount" in words:
            raise RefusedError(_no(1102, "resource pack consumed", 429))
        work = await self._works.start(
            request,
            prompt=prompt,
            price=price,
            seconds=seconds,
            pieces=pieces,
            path=request.path,
            what=what,
        )
        return json_answer(await _shown(work, request))

    async def _look(self, request: web.Request) -> web.Response:
        work = self._works.find(request.match_info["id"])
        path = request.path.rpartition("/")[0]
        if work is None or work.more["path"] != path:
            return _no(1203, "task not found", 404)
        return json_answer(await _shown(work, request))


def _filming(prompt: str, seed: int, seconds: int, ratio: float, start: bytes) -> Any:
    return lambda: clips.video(prompt, seed, seconds, ratio, start)


def _body(request: web.Request) -> dict[str, Any]:
    body = request[VISIT].json
    if not isinstance(body, dict):
        raise RefusedError(_no(1200, "invalid request body"))
    return body


def _prompt(body: dict[str, Any]) -> str:
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise RefusedError(_no(1201, "prompt is required"))
    return prompt


def _file(body: dict[str, Any], name: str, *, required: bool = True) -> bytes:
    """A picture as bare base64; a data URI is refused, as the real one does."""
    value = body.get(name)
    if not value and not required:
        return b""
    try:
        if not isinstance(value, str) or value.startswith("data:"):
            raise ValueError(name)
        return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        raise RefusedError(_no(1201, f"{name} must be base64 without a prefix")) from None


def _check_camera(camera: Any) -> None:
    if not camera or camera.get("type") != "simple":
        return
    config = camera.get("config") or {}
    if sum(1 for value in config.values() if value) != 1:
        raise RefusedError(_no(1201, "exactly one camera value may differ from zero"))


def _ratio(text: str) -> float:
    wide, _, tall = text.partition(":")
    return int(wide) / int(tall)


def _no(code: int, message: str, status: int = 400) -> web.Response:
    body = {"code": code, "message": message, "request_id": "sandbox"}
    return json_answer(body, status)


async def _shown(work: Work, request: web.Request) -> dict[str, Any]:
    """The task in the shape its prompt asks for."""
    stage = work.stage()
    urls = await work.urls(request) if stage == "done" else []
    shape = next((s for s in ("wrapped", "short") if s in work.prompt.split()), "own")
    word = _WORDS[shape][stage]
    reason = work.reason() if stage in ("failed", "cancelled") else ""
    rows: list[dict[str, Any]] = [{"index": n, "url": url} for n, url in enumerate(urls)]
    if work.more["what"] == "videos":
        rows = [{"id": f"v{n}", "url": url, "duration": "5.1"} for n, url in enumerate(urls)]
    own: dict[str, Any] = {
        "task_id": work.id,
        "task_status": _WORDS["own"][stage],
        "task_status_msg": reason,
        "created_at": int(work.born * 1000),
    }
    if rows:
        own["task_result"] = {work.more["what"]: rows}
    if shape == "short":
        return {
            "task_id": work.id,
            "status": word,
            "url": urls[0] if urls else "",
            "error": {"message": reason} if reason else None,
        }
    if shape == "wrapped":
        data = {
            "task_id": work.id,
            "status": word,
            "progress": f"{work.percent()}%",
            "fail_reason": reason,
            "result_url": urls[0] if urls else "",
            "data": {"code": 0, "data": own},
        }
        return {"code": "success", "message": "", "data": data}
    return {"code": 0, "message": "SUCCEED", "request_id": "sandbox", "data": own}
