"""The fake Runway, Luma and Pika: three ways to ask for a video."""

import re
import secrets
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import clips
from bot.sandbox.answers import RefusedError, json_answer
from bot.sandbox.ground import VISIT, Ground
from bot.sandbox.magic import words_in
from bot.sandbox.works import Piece, Work, Works

_NEVER = re.compile(r"(?!)")
_RUNWAY_RATIOS = {
    "gen3a_turbo": {"1280:768", "768:1280"},
    "gen4_turbo": {"1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672"},
}


def _body(request: web.Request) -> dict[str, Any]:
    body = request[VISIT].json
    if not isinstance(body, dict):
        raise RefusedError(json_answer({"error": "a JSON object is needed"}, 400))
    return body


def _filmed(prompt: str, seconds: int, ratio: float) -> list[Piece]:
    seed = hash(prompt) & 0xFFFF
    return [Piece(lambda: clips.video(prompt, seed, seconds, ratio), "video/mp4")]


def _ratio(text: str) -> float:
    wide, _, tall = text.partition(":")
    return int(wide) / int(tall)


class Runway:
    """Everything under `/runwayml`."""

    submit = re.compile(r"^/runwayml/v1/image_to_video")
    public = _NEVER
    prices: Mapping[str, float] = {"gen4_turbo": 0.25, "gen3a_turbo": 0.25}

    def __init__(self, ground: Ground) -> None:
        self._works = Works(ground, "runway")

    def routes(self) -> Iterable[web.RouteDef]:
        """Begin and look."""
        yield web.post("/runwayml/v1/image_to_video", self._begin)
        yield web.get("/runwayml/v1/tasks/{id}", self._look)

    async def _begin(self, request: web.Request) -> web.Response:
        body = _body(request)
        model, image = str(body.get("model")), body.get("promptImage")
        first = image[0].get("uri") if isinstance(image, list) and image else image
        if model not in _RUNWAY_RATIOS:
            raise RefusedError(json_answer({"error": f"unknown model {model}"}, 400))
        if not isinstance(first, str) or not first.startswith(
            ("data:image/", "https://", "http://")
        ):
            raise RefusedError(json_answer({"error": "promptImage must be a URL or data URI"}, 400))
        if body.get("ratio") not in _RUNWAY_RATIOS[model]:
            raise RefusedError(json_answer({"error": "ratio is not supported"}, 400))
        if body.get("duration") not in (5, 10):
            raise RefusedError(json_answer({"error": "duration must be 5 or 10"}, 400))
        prompt = str(body.get("promptText") or "")
        if "banned" in words_in(prompt):
            raise RefusedError(json_answer({"error": "SAFETY: prompt was moderated"}, 400))
        pieces = _filmed(prompt, int(body["duration"]), _ratio(str(body["ratio"])))
        work = await self._works.start(
            request,
            prompt=prompt,
            price=self.prices[model] * int(body["duration"]) / 5,
            seconds=12.0,
            pieces=pieces,
            task_id=str(uuid.uuid4()),
        )
        return json_answer({"id": work.id})

    async def _look(self, request: web.Request) -> web.Response:
        work = self._works.find(request.match_info["id"])
        if work is None:
            return json_answer({"error": "task not found"}, 404)
        words = {
            "queued": "PENDING",
            "running": "RUNNING",
            "done": "SUCCEEDED",
            "failed": "FAILED",
            "cancelled": "CANCELLED",
        }
        stage = work.stage()
        body: dict[str, Any] = {"id": work.id, "status": words[stage], "failure": None}
        if stage == "running":
            body["progress"] = round(work.share(), 2)
        if stage == "done":
            body["output"] = await work.urls(request)
        if stage == "failed":
            body |= {"failure": work.reason(), "failureCode": "INTERNAL.BAD_OUTPUT"}
        return json_answer(body)


class Luma:
    """Everything under `/luma`."""

    submit = re.compile(r"^/luma/generations/?$")
    public = _NEVER
    prices: Mapping[str, float] = {"ray-v1": 0.25, "ray-v2": 0.4}

    def __init__(self, ground: Ground) -> None:
        self._works = Works(ground, "luma")

    def routes(self) -> Iterable[web.RouteDef]:
        """Begin and look."""
        yield web.post("/luma/generations", self._begin)
        yield web.get("/luma/generations/{id}", self._look)

    async def _begin(self, request: web.Request) -> web.Response:
        body = _body(request)
        prompt = body.get("user_prompt")
        if not isinstance(prompt, str):
            raise RefusedError(json_answer({"detail": "user_prompt is required"}, 400))
        for name in ("image_url", "image_end_url"):
            if name in body and not str(body[name]).startswith(("http://", "https://")):
                raise RefusedError(json_answer({"detail": f"{name} must be a URL"}, 400))
        if "banned" in words_in(prompt):
            raise RefusedError(json_answer({"detail": "moderation: prompt not allowed"}, 400))
        model = str(body.get("model_name") or "ray-v1")
        work = await self._works.start(
            request,
            prompt=prompt,
            price=self.prices.get(model, 0.25),
            seconds=12.0,
            pieces=_filmed(prompt, 5, _ratio(str(body.get("aspect_ratio") or "16:9"))),
            task_id=str(uuid.uuid4()),
        )
        shown = await self._shown(work, request)
        return json_answer([shown] if "listed" in prompt.split() else shown)

    async def _look(self, request: web.Request) -> web.Response:
        work = self._works.find(request.match_info["id"])
        if work is None:
            return json_answer({"detail": "Not found"}, 404)
        return json_answer(await self._shown(work, request))

    async def _shown(self, work: Work, request: web.Request) -> dict[str, Any]:
        words = {
            "queued": "pending",
            "running": "processing",
            "done": "completed",
            "failed": "failed",
            "cancelled": "failed",
        }
        stage = work.stage()
        video = None
        if stage == "done":
            (url,) = await work.urls(request)
            video = {"url": f"{url}?mark=1", "download_url": url, "width": 320, "height": 180}
        return {
            "id": work.id,
            "prompt": work.prompt,
            "state": words[stage],
            "failure_reason": work.reason() if stage == "failed" else None,
            "video": video,
            "video_raw": None,
            "thumbnail": None,
        }


class Pika:
    """Everything under `/pika`."""

    submit = re.compile(r"^/pika/generate")
    public = _NEVER
    prices: Mapping[str, float] = {"1.5": 0.3, "2.0": 0.4}

    def __init__(self, ground: Ground) -> None:
        self._works = Works(ground, "pika")

    def routes(self) -> Iterable[web.RouteDef]:
        """Begin and look."""
        yield web.post("/pika/generate", self._begin)
        yield web.get("/pika/feed/{id}", self._look)

    async def _begin(self, request: web.Request) -> web.Response:
        body = _body(request)
        options = body.get("options") or {}
        if body.get("model") not in self.prices:
            raise RefusedError(json_answer({"message": "unknown model", "code": 400}, 400))
        if body.get("image") == "" or ("image" in body and "aspectRatio" in options):
            raise RefusedError(json_answer({"message": "image and shape", "code": 400}, 400))
        ratio = options.get("aspectRatio", 16 / 9)
        if not isinstance(ratio, int | float) or not 0.4 <= ratio <= 2.5:
            raise RefusedError(json_answer({"message": "aspectRatio", "code": 400}, 400))
        prompt = str(body.get("promptText") or "")
        work = await self._works.start(
            request,
            prompt=prompt,
            price=self.prices[str(body["model"])],
            seconds=12.0,
            pieces=_filmed(prompt, 5, ratio),
            task_id=secrets.token_hex(12),
        )
        return json_answer({"id": work.id})

    async def _look(self, request: web.Request) -> web.Response:
        work = self._works.find(request.match_info["id"])
        if work is None:
            return json_answer({"message": "not found", "code": 404}, 404)
        stage = work.stage()
        video: dict[str, Any] = {
            "id": f"{work.id}-0",
            "status": {"done": "finished", "failed": "error", "queued": "queued"}.get(
                stage, "pending"
            ),
            "progress": work.percent(),
            "error": work.reason() if stage == "failed" else "",
        }
        if stage == "done":
            video["resultUrl"] = (await work.urls(request))[0]
        videos = [] if stage == "queued" else [video]
        return json_answer({"id": work.id, "promptText": work.prompt, "videos": videos})
