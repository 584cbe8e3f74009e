"""The fake Kling: pictures, try-on and videos, answering in one of four shapes.

A word in the prompt chooses the shape: `own`, `wrapped`, `short` or `object`; else a stock gateway
wraps, and a bare one answers as Kling does. What is taken is in `kling_rules`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import clips, pictures
from bot.sandbox.answers import RefusedError, json_answer
from bot.sandbox.ground import VISIT, Ground
from bot.sandbox.kling_rules import check_drawing, check_film, model_of, no, picture_of, words_of
from bot.sandbox.magic import words_in
from bot.sandbox.pictures import Picture, makings
from bot.sandbox.works import WRAPPER, Piece, Work, Works, seed_of

_PRICES: Mapping[str, float] = {
    "kling-v1": 0.14,
    "kling-v1-5": 0.014,
    "kling-v1-6": 0.28,
    "kling-v2-1": 0.014,
    "kling-v2-master": 1.4,
    "kling-v2-5-turbo": 0.21,
    "kolors-virtual-try-on-v1-5": 0.07,
}
_FILM_PRICES = {**_PRICES, "kling-v1-5": 0.28, "kling-v2-1": 0.28}
_OWN = {
    "queued": "submitted",
    "running": "processing",
    "done": "succeed",
    "failed": "failed",
    "cancelled": "failed",
}
_SHORT = {**_OWN, "queued": "queued", "running": "in_progress", "done": "succeeded"}
_OBJECT = {**_SHORT, "done": "completed"}
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
        prompt, source = words_of(body), picture_of(body, "image", required=False)
        model = model_of(body, self.prices)
        check_drawing(body, from_picture=bool(source))
        count, ratio = body.get("n", 1), _ratio(body.get("aspect_ratio", "16:9"))
        sources = (source,) if source else ()
        pieces = [self._picture(prompt, n, ratio, sources) for n in range(count)]
        return await self._begin(request, prompt, self.prices[model] * count, 8.0, pieces)

    async def _dress(self, request: web.Request) -> web.Response:
        body = _body(request)
        person, cloth = picture_of(body, "human_image"), picture_of(body, "cloth_image")
        piece = self._picture("try on", 0, 0.75, (person, cloth))
        price = self.prices[model_of(body, self.prices)]
        return await self._begin(request, "", price, 6.0, [piece])

    async def _film(self, request: web.Request) -> web.Response:
        body = _body(request)
        from_picture = request.path == _IMAGE
        start = picture_of(body, "image", required=from_picture)
        prompt, model = words_of(body, required=not start), model_of(body, _FILM_PRICES)
        check_film(body, model, from_picture=from_picture)
        picture_of(body, "image_tail", required=False)
        seconds, ratio = int(body.get("duration", 5)), _ratio(body.get("aspect_ratio", "16:9"))
        pieces = [Piece(_filming(prompt, seconds, ratio, start), "video/mp4")]
        factor = 1.75 if body.get("mode") == "pro" else 1.0
        price = _FILM_PRICES[model] * factor * seconds / 5
        return await self._begin(request, prompt, price, 14.0, pieces)

    def _picture(self, prompt: str, number: int, ratio: float, sources: tuple[bytes, ...]) -> Piece:
        def make() -> bytes:
            seed = seed_of(prompt) + number
            if sources:
                cells = makings.blended((sources * 2)[:2], seed, prompt)
            else:
                cells = makings.imagined((), seed, prompt)
            picture = Picture(cells[:1], ratio, prompt, "K")
            return pictures.final(picture, self._ground.image_size)

        return Piece(make, "image/png")

    async def _begin(
        self, request: web.Request, prompt: str, price: float, seconds: float, pieces: list[Piece]
    ) -> web.Response:
        words = words_in(prompt)
        if "banned" in words:
            raise RefusedError(no(1301, "content moderation failed"))
        if "queuefull" in words:
            raise RefusedError(no(1303, "parallel task over resource pack limit", 429))
        if "noaccount" in words:
            raise RefusedError(no(1102, "resource pack consumed", 429))
        shape = self._shape(prompt)
        work = await self._works.start(
            request,
            prompt=prompt,
            price=price,
            seconds=seconds,
            pieces=pieces,
            path=request.path,
            shape=shape,
        )
        if shape == "wrapped":
            return json_answer({"code": "success", "message": "", "data": work.printed})
        return json_answer(await _shown(work, request))

    def _shape(self, prompt: str) -> str:
        words = words_in(prompt)
        usual = "wrapped" if self._ground.dialect == "stock" else "own"
        return next((s for s in ("own", "wrapped", "short", "object") if s in words), usual)

    async def _look(self, request: web.Request) -> web.Response:
        work = self._works.find(request.match_info["id"])
        path = request.path.rpartition("/")[0]
        if work is None or work.more["path"] != path:
            return no(1203, "task not found", 404)
        return json_answer(await _shown(work, request))


def _filming(prompt: str, seconds: int, ratio: float, start: bytes) -> Any:
    return lambda: clips.video(prompt, seed_of(prompt), seconds, ratio, start)


def _body(request: web.Request) -> dict[str, Any]:
    body = request[VISIT].json
    if not isinstance(body, dict):
        raise RefusedError(no(1200, "invalid request body"))
    return body


def _ratio(text: str) -> float:
    wide, _, tall = text.partition(":")
    return int(wide) / int(tall)


async def _shown(work: Work, request: web.Request) -> dict[str, Any]:
    """The task in its shape."""
    stage = work.stage()
    urls = await work.urls(request) if stage == "done" else []
    reason = work.reason() if stage in ("failed", "cancelled") else ""
    match work.more["shape"]:
        case "short":
            return {
                "task_id": work.printed,
                "status": work.word(_SHORT),
                "url": urls[0] if urls else "",
                "error": {"code": 500, "message": reason} if reason else None,
            }
        case "object":
            return {
                "id": work.id,
                "task_id": work.id,
                "object": "video",
                "status": work.word(_OBJECT),
                "progress": work.percent(),
                "created_at": int(work.born),
                "metadata": {"url": urls[0]} if urls else None,
                **({"error": {"code": "500", "message": reason}} if reason else {}),
            }
        case "wrapped":
            return {"code": "success", "message": "", "data": _wrapped(work, urls, reason)}
        case _:
            data = _own(work, urls, reason)
            return {"code": 0, "message": "SUCCEED", "request_id": "sandbox", "data": data}


def _wrapped(work: Work, urls: list[str], reason: str) -> dict[str, Any]:
    raw = {"code": 0, "message": "SUCCEED", "data": _own(work, urls, reason)}
    return {
        "task_id": work.printed,
        "action": "generate",
        "status": work.word(WRAPPER),
        "progress": f"{work.percent()}%",
        "fail_reason": reason,
        "submit_time": int(work.born),
        "result_url": urls[0] if len(urls) == 1 else "",
        "data": raw,
    }


def _own(work: Work, urls: list[str], reason: str) -> dict[str, Any]:
    films = "/videos/" in work.more["path"]
    rows: list[dict[str, Any]] = [{"index": n, "url": url} for n, url in enumerate(urls)]
    if films:
        rows = [{"id": f"v{n}", "url": url, "duration": "5.1"} for n, url in enumerate(urls)]
    task: dict[str, Any] = {
        "task_id": work.printed,
        "task_status": work.word(_OWN),
        "task_status_msg": reason,
        "created_at": int(work.born * 1000),
    }
    if rows:
        task["task_result"] = {"videos" if films else "images": rows}
    return task
