"""The fake Runway, Luma and Pika: three ways to ask for a video. Each is strict about types."""

import base64
import binascii
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
from bot.sandbox.works import WRAPPER, Piece, Work, Works, seed_of

_NEVER = re.compile(r"(?!)")
_RUNWAY_RATIOS = {
    "gen3a_turbo": {"1280:768", "768:1280"},
    "gen4_turbo": {"1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672"},
}
_LUMA_RATIOS = ("1:1", "4:3", "3:4", "16:9", "9:16")
_EFFECTS = frozenset(
    [
        *("", "Cake-ify", "Crumble", "Crush", "Decapitate", "Deflate", "Dissolve", "Explode"),
        *("Eye-pop", "Inflate", "Levitate", "Melt", "Peel", "Poke", "Squish", "Ta-da", "Tear"),
    ]
)
_RUNWAY = {
    "queued": "PENDING",
    "running": "RUNNING",
    "done": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}
_LUMA = {
    "queued": "pending",
    "running": "dreaming",
    "done": "completed",
    "failed": "failed",
    "cancelled": "failed",
}
_PIKA = {
    "queued": "queued",
    "running": "rendering",
    "done": "finished",
    "failed": "error",
    "cancelled": "error",
}


def _body(request: web.Request) -> dict[str, Any]:
    body = request[VISIT].json
    if not isinstance(body, dict):
        raise RefusedError(json_answer({"error": "a JSON object is needed"}, 400))
    return body


def _filmed(prompt: str, seconds: int, ratio: float, start: bytes = b"") -> list[Piece]:
    seed = seed_of(prompt)
    return [Piece(lambda: clips.video(prompt, seed, seconds, ratio, start), "video/mp4")]


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
        model, prompt = body.get("model"), body.get("promptText", "")
        self._need(model in _RUNWAY_RATIOS, f"unknown model {model}")
        start = self._picture(model, body.get("promptImage"))
        self._need(body.get("ratio") in _RUNWAY_RATIOS[str(model)], "ratio is not supported")
        seconds, seed = body.get("duration", 10), body.get("seed", 0)
        self._need(type(seconds) is int and seconds in (5, 10), "duration must be 5 or 10")
        self._need(type(seed) is int and 0 <= seed < 2**32, "seed must be a 32-bit integer")
        self._need(type(body.get("watermark", False)) is bool, "watermark must be a boolean")
        self._need(isinstance(prompt, str) and len(prompt) <= 1000, "promptText is too long")
        self._need("banned" not in words_in(prompt), "SAFETY: prompt was moderated")
        work = await self._works.start(
            request,
            prompt=prompt,
            price=self.prices[str(model)] * seconds / 5,
            seconds=12.0,
            pieces=_filmed(prompt, seconds, _ratio(str(body["ratio"])), start),
            task_id=str(uuid.uuid4()),
        )
        if "wrapped" in work.words:
            return json_answer({"code": "success", "message": "", "data": {"task_id": work.id}})
        return json_answer({"id": work.printed})

    def _picture(self, model: Any, image: Any) -> bytes:
        """The first picture; empty for one at an address."""
        parts = image if isinstance(image, list) else [{"uri": image, "position": "first"}]
        good = all(isinstance(p, dict) and isinstance(p.get("uri"), str) for p in parts)
        self._need(good and bool(parts), "promptImage must be a URL or data URI")
        places = [p.get("position") for p in parts]
        taken = (["first"], ["first", "last"], ["last"])[: 3 if model == "gen3a_turbo" else 1]
        self._need(places in taken, f"positions {places} are not supported by {model}")
        for part in parts:
            head, _, text = part["uri"].partition(";base64,")
            web_address = head.startswith("https://")
            self._need(web_address or head.startswith("data:image/"), "promptImage: bad uri")
            self._need(len(part["uri"]) <= 5_000_000, "promptImage is larger than 5 MB")
        try:
            return b"" if web_address else base64.b64decode(text, validate=True)
        except binascii.Error:
            raise RefusedError(json_answer({"error": "promptImage: bad base64"}, 400)) from None

    def _need(self, good: bool, message: str) -> None:
        if not good:
            raise RefusedError(json_answer({"error": message}, 400))

    async def _look(self, request: web.Request) -> web.Response:
        work = self._works.find(request.match_info["id"])
        if work is None:
            return json_answer({"error": "task not found"}, 404)
        stage = work.stage()
        body: dict[str, Any] = {"id": work.printed, "status": work.word(_RUNWAY), "failure": None}
        if stage == "running":
            body["progress"] = round(work.share(), 2)
        if stage == "done":
            body["output"] = await work.urls(request)
        if stage == "failed":
            body |= {"failure": work.reason(), "failureCode": "INTERNAL.BAD_OUTPUT"}
        if "wrapped" not in work.words:
            return json_answer(body)
        data = {
            "task_id": work.id,
            "status": work.word(WRAPPER),
            "progress": f"{work.percent()}%",
            "fail_reason": work.reason() if stage == "failed" else "",
            "data": body,
        }
        return json_answer({"code": "success", "message": "", "data": data})


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
        yield web.post("/luma/generations/", self._begin)
        yield web.get("/luma/generations/{id}", self._look)

    async def _begin(self, request: web.Request) -> web.Response:
        body = _body(request)
        prompt, model = body.get("user_prompt"), body.get("model_name", "ray-v1")
        self._need(isinstance(prompt, str) and bool(prompt.strip()), "user_prompt is required")
        self._need(model in self.prices, f"unknown model {model}")
        for name in ("image_url", "image_end_url"):
            web_address = str(body.get(name)).startswith(("http://", "https://"))
            self._need(name not in body or web_address, f"{name} must be a URL")
        for name in ("expand_prompt", "loop"):
            self._need(type(body.get(name, False)) is bool, f"{name} must be a boolean")
        ratio = body.get("aspect_ratio", "16:9")
        self._need(ratio in _LUMA_RATIOS, "aspect_ratio is not supported")
        self._need("banned" not in words_in(str(prompt)), "moderation: prompt not allowed")
        work = await self._works.start(
            request,
            prompt=str(prompt),
            price=self.prices[model],
            seconds=12.0,
            pieces=_filmed(str(prompt), 5, _ratio(ratio)),
            task_id=str(uuid.uuid4()),
        )
        shown = await self._shown(work, request)
        return json_answer([shown] if "listed" in work.words else shown)

    def _need(self, good: bool, message: str) -> None:
        if not good:
            raise RefusedError(json_answer({"detail": message}, 400))

    async def _look(self, request: web.Request) -> web.Response:
        work = self._works.find(request.match_info["id"])
        if work is None:
            return json_answer({"detail": "Not found"}, 404)
        return json_answer(await self._shown(work, request))

    async def _shown(self, work: Work, request: web.Request) -> dict[str, Any]:
        stage = work.stage()
        urls = await work.urls(request) if stage == "done" else []
        video: dict[str, Any] | None = None
        if urls:
            work.more["seen"] = work.more.get("seen", 0) + 1
            hidden = "marked" in work.words or ("late" in work.words and work.more["seen"] < 3)
            clean = None if hidden else urls[0]
            video = {"url": f"{urls[0]}?mark=1", "download_url": clean, "width": 320}
        return {
            "id": work.printed,
            "prompt": work.prompt,
            "state": work.word(_LUMA),
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
        options, prompt = body.get("options", {}), body.get("promptText")
        image, effect = body.get("image"), body.get("pikaffect", "")
        self._need(body.get("model") in self.prices, "unknown model")
        self._need(isinstance(options, dict) and isinstance(prompt, str), "promptText, options")
        self._need("image" not in body or (isinstance(image, str) and bool(image)), "image")
        self._need(bool(prompt) or bool(image), "promptText is required")
        self._need(effect in _EFFECTS and (not effect or bool(image)), "pikaffect")
        ratio = options.get("aspectRatio", 16 / 9)
        good = type(ratio) in (int, float) and 0.4 <= ratio <= 2.5
        self._need(good and not (image and "aspectRatio" in options), "aspectRatio")
        self._check_knobs(options)
        self._need("banned" not in words_in(str(prompt)), "moderation: prompt not allowed")
        work = await self._works.start(
            request,
            prompt=str(prompt),
            price=self.prices[str(body["model"])],
            seconds=12.0,
            pieces=_filmed(str(prompt), 5, ratio),
            task_id=secrets.token_hex(12),
        )
        return json_answer({"id": work.printed})

    def _check_knobs(self, options: dict[str, Any]) -> None:
        knobs = options.get("parameters", {})
        self._need(type(options.get("frameRate", 24)) is int, "frameRate")
        self._need(type(options.get("extend", False)) is bool, "extend")
        self._need(isinstance(knobs, dict), "parameters")
        self._need(type(knobs.get("motion", 1)) is int, "motion")
        self._need(type(knobs.get("seed", 1)) is int, "seed")
        self._need(isinstance(knobs.get("negativePrompt", ""), str), "negativePrompt")

    def _need(self, good: bool, message: str) -> None:
        if not good:
            raise RefusedError(json_answer({"message": message, "code": 400}, 400))

    async def _look(self, request: web.Request) -> web.Response:
        work = self._works.find(request.match_info["id"])
        if work is None:
            return json_answer({"message": "not found", "code": 404}, 404)
        stage = work.stage()
        video: dict[str, Any] = {
            "id": f"{work.id}-0",
            "status": work.word(_PIKA),
            "progress": work.percent(),
            "error": work.reason() if stage == "failed" else "",
        }
        if stage == "done":
            video["resultUrl"] = next(iter(await work.urls(request)), "")
        videos = [] if stage == "queued" else [video]
        return json_answer({"id": work.printed, "promptText": work.prompt, "videos": videos})
