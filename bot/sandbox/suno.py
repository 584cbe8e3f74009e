"""The fake Suno: songs in two takes, their continuation, and lyrics.

`half` in a prompt makes one of the two takes fail.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import clips, pictures
from bot.sandbox.answers import RefusedError, json_answer
from bot.sandbox.ground import VISIT, Ground, base_of
from bot.sandbox.magic import words_in
from bot.sandbox.pictures import Picture, makings
from bot.sandbox.works import Piece, Work, Works

_SECONDS = 12
"""How long a take plays."""
_WORDS = {
    "queued": "QUEUED",
    "running": "IN_PROGRESS",
    "done": "SUCCESS",
    "failed": "FAILURE",
    "cancelled": "FAILURE",
}
_LYRICS = (
    "[Verse]\n{about}, by the morning light\n{about}, till the end of night\n\n"
    "[Chorus]\nOh, {about}!"
)


class Suno:
    """Everything under `/suno`."""

    submit = re.compile(r"^/suno/submit/")
    public = re.compile(r"(?!)")
    prices: Mapping[str, float] = {"suno_music": 0.1, "suno_lyrics": 0.01}

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._works = Works(ground, "suno")

    def routes(self) -> Iterable[web.RouteDef]:
        """Begin, look, and look at many."""
        yield web.post("/suno/submit/music", self._music)
        yield web.post("/suno/submit/lyrics", self._lyrics)
        yield web.get("/suno/fetch/{id}", self._look)
        yield web.post("/suno/fetch", self._look_many)

    async def _music(self, request: web.Request) -> web.Response:
        body = _body(request)
        idea = str(body.get("gpt_description_prompt") or "")
        words = str(body.get("prompt") or "")
        if body.get("continue_clip_id") and not body.get("task_id"):
            raise RefusedError(_no("invalid_request", "task id is empty"))
        if not (idea or words or body.get("tags") or body.get("make_instrumental")):
            raise RefusedError(_no("invalid_request", "nothing to compose"))
        prompt = idea or words or str(body.get("tags") or "")
        seed = hash(prompt) & 0xFFFF
        pieces = [
            *(Piece(_tune(seed + n), "audio/mpeg") for n in range(2)),
            Piece(self._cover(prompt, seed), "image/png"),
        ]
        title = str(body.get("title") or "") or prompt[:30].title() or "Untitled"
        return await self._begin(
            request, prompt, 0.1, 12.0, pieces, action="MUSIC", title=title, lyrics=words, body=body
        )

    async def _lyrics(self, request: web.Request) -> web.Response:
        prompt = _body(request).get("prompt")
        if not isinstance(prompt, str) or not prompt:
            raise RefusedError(_no("invalid_request", "prompt_empty"))
        return await self._begin(request, prompt, 0.01, 4.0, [], action="LYRICS")

    async def _begin(
        self,
        request: web.Request,
        prompt: str,
        price: float,
        seconds: float,
        pieces: list[Piece],
        **more: Any,
    ) -> web.Response:
        if "saturated" in words_in(prompt):
            raise RefusedError(_no("saturated", "当前分组上游负载已饱和，请稍后再试", 429))
        work = await self._works.start(
            request,
            prompt=prompt,
            price=price,
            seconds=seconds,
            pieces=pieces,
            clips=[secrets.token_hex(8) for _ in range(2)],
            **more,
        )
        return json_answer({"code": "success", "message": "", "data": work.id})

    def _cover(self, prompt: str, seed: int) -> Any:
        def make() -> bytes:
            picture = Picture(makings.imagined((), seed, prompt)[:1], 1.0, prompt, "")
            return pictures.final(picture, min(self._ground.image_size, 512))

        return make

    async def _look(self, request: web.Request) -> web.Response:
        work = self._works.find(request.match_info["id"])
        if work is None:
            return _no("task_not_exist", "task_not_exist")
        data = await self._shown(work, request)
        return json_answer({"code": "success", "message": "", "data": data})

    async def _look_many(self, request: web.Request) -> web.Response:
        ids = _body(request).get("ids") or []
        found = [work for one in ids if (work := self._works.find(str(one)))]
        rows = [await self._shown(work, request) for work in found]
        return json_answer({"code": "success", "message": "", "data": rows or None})

    async def _shown(self, work: Work, request: web.Request) -> dict[str, Any]:
        stage = work.stage()
        data: Any = None
        if work.more["action"] == "LYRICS" and stage == "done":
            text = _LYRICS.format(about=work.prompt.capitalize())
            data = {
                "id": "l1",
                "text": text,
                "title": work.prompt[:30].title(),
                "status": "complete",
            }
        elif stage in ("running", "done") and work.more["action"] == "MUSIC":
            urls = await work.urls(request) if stage == "done" else []
            data = [self._take(work, n, urls, base_of(request)) for n in range(2)]
        return {
            "task_id": work.id,
            "action": work.more["action"],
            "status": _WORDS[stage],
            "fail_reason": work.reason() if stage == "failed" else "",
            "submit_time": int(work.born),
            "progress": f"{work.percent()}%",
            "data": data,
        }

    def _take(self, work: Work, number: int, urls: list[str], base: str) -> dict[str, Any]:
        """One take: a stream while it is made, a file when it is done, or an error."""
        failed = number == 1 and "half" in work.prompt.split() and bool(urls)
        status = "error" if failed else "complete" if urls else "streaming"
        stream = f"{base}/sandbox/files/audiopipe?item_id={work.more['clips'][number]}"
        return {
            "id": work.more["clips"][number],
            "title": work.more["title"],
            "status": status,
            "audio_url": "" if failed else urls[number] if urls else stream,
            "video_url": "",
            "image_url": urls[2] if urls else "",
            "metadata": {
                "tags": str(work.more["body"].get("tags") or "cheerful pop"),
                "prompt": work.more["lyrics"] or _LYRICS.format(about=work.prompt.capitalize()),
                "duration": float(_SECONDS) if status == "complete" else None,
                "error_type": "moderation_failure" if failed else None,
                "error_message": "the second take was held back" if failed else None,
            },
        }


def _tune(seed: int) -> Any:
    return lambda: clips.song(seed, _SECONDS)


def _body(request: web.Request) -> dict[str, Any]:
    body = request[VISIT].json
    if not isinstance(body, dict):
        raise RefusedError(_no("invalid_request", "a JSON object is needed"))
    return body


def _no(code: str, message: str, status: int = 400) -> web.Response:
    return json_answer({"code": code, "message": message, "data": None}, status)
