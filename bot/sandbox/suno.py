"""The fake Suno: songs in two takes, their continuation, and lyrics.

Strict: unknown models, too long texts, unknown clips and fields of another type are refused.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import clips, pictures
from bot.sandbox.answers import RefusedError, json_answer, openai_error
from bot.sandbox.ground import VISIT, Ground, base_of
from bot.sandbox.magic import words_in
from bot.sandbox.pictures import Picture, makings
from bot.sandbox.works import WRAPPER, Piece, Work, Works, seed_of

_SECONDS = 12
"""How long a take plays."""
_MODELS: Mapping[str, tuple[int, int]] = {
    "chirp-v3-0": (3000, 200),
    "chirp-v3-5": (3000, 200),
    "chirp-v4": (3000, 200),
    "chirp-auk": (5000, 1000),
    "chirp-bluejay": (5000, 1000),
    "chirp-crow": (5000, 1000),
}
"""Characters of a song's words and of its style."""
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
        _check(body)
        idea, words = body.get("gpt_description_prompt") or "", body.get("prompt") or ""
        self._check_clip(body)
        prompt = idea or words or body.get("tags") or "an instrumental"
        seed = seed_of(prompt)
        pieces = [
            *(Piece(_tune(seed + n), "audio/mpeg") for n in range(2)),
            Piece(self._cover(prompt, seed), "image/png"),
        ]
        title = body.get("title") or prompt[:30].title()
        return await self._begin(
            request, prompt, 0.1, 12.0, pieces, action="MUSIC", title=title, lyrics=words, body=body
        )

    def _check_clip(self, body: Mapping[str, Any]) -> None:
        """A song goes on from a clip of a task that is known here."""
        clip, task = body.get("continue_clip_id"), body.get("task_id")
        if not clip:
            return
        if not task:
            raise RefusedError(_no("invalid_request", "task id is empty"))
        parent = self._works.find(task)
        if parent is None or clip not in parent.more["clips"]:
            raise RefusedError(_no("task_not_exist", "task_not_exist"))
        if not 0 <= float(body.get("continue_at") or 0) <= _SECONDS:
            raise RefusedError(_no("invalid_request", "continue_at is beyond the end"))

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
        if "banned" in words_in(prompt):
            raise RefusedError(_no("sensitive_words_detected", "sensitive words detected"))
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
        body = _body(request)
        ids, action = body.get("ids"), body.get("action")
        if not isinstance(ids, list) or action not in ("MUSIC", "LYRICS"):
            raise RefusedError(_no("invalid_request", "ids and action are needed"))
        found = [work for one in ids if (work := self._works.find(str(one)))]
        rows = [await self._shown(w, request) for w in found if w.more["action"] == action]
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
            "notify_hook": "",
            "action": work.more["action"],
            "status": work.word(WRAPPER),
            "fail_reason": work.reason() if stage == "failed" else "",
            "submit_time": int(work.born),
            "progress": f"{work.percent()}%",
            "data": data,
        }

    def _take(self, work: Work, number: int, urls: list[str], base: str) -> dict[str, Any]:
        """One take: a stream while it is made, a file when it is done, or an error."""
        endless = number == 1 and "onestreams" in work.words
        done = bool(urls) and not endless and not _is_early(work)
        bad = {"allfail"} if number == 0 else {"allfail", "onefails"}
        failed = done and bool(work.words & bad)
        status = "error" if failed else "complete" if done else "streaming"
        stream = f"{base}/sandbox/files/audiopipe?item_id={work.more['clips'][number]}"
        return {
            "id": work.more["clips"][number],
            "title": work.more["title"],
            "status": status,
            "audio_url": "" if failed else urls[number] if done else stream,
            "video_url": "",
            "image_url": urls[2] if urls else "",
            "metadata": {
                "tags": work.more["body"].get("tags") or "cheerful pop",
                "prompt": work.more["lyrics"] or _LYRICS.format(about=work.prompt.capitalize()),
                "duration": float(_SECONDS) if status == "complete" else None,
                "error_type": "moderation_failure" if failed else None,
                "error_message": "this take was held back" if failed else None,
            },
        }


def _is_early(work: Work) -> bool:
    """The task is finished, its takes are not."""
    late = work.seconds * work.ground.pace * 1.5
    return "early" in work.words and work.ground.table_time() - work.born < late


def _tune(seed: int) -> Any:
    return lambda: clips.song(seed, _SECONDS)


_BEGINNINGS = ("gpt_description_prompt", "prompt", "tags", "continue_clip_id")
_TEXTS = ("gpt_description_prompt", "prompt", "tags", "title", "mv", "task_id", "continue_clip_id")


def _check(body: Mapping[str, Any]) -> None:
    """Refuse what no song can be made of."""
    if any(not isinstance(body.get(name) or "", str) for name in _TEXTS):
        raise RefusedError(_no("invalid_request", "a field has the wrong type"))
    if not isinstance(body.get("make_instrumental", False), bool):
        raise RefusedError(_no("invalid_request", "make_instrumental must be a boolean"))
    if not isinstance(body.get("continue_at") or 0, int | float):
        raise RefusedError(_no("invalid_request", "continue_at must be a number"))
    if (model := body.get("mv") or "chirp-v3-0") not in _MODELS:
        raise RefusedError(openai_error(503, f"no available channel for model {model}"))
    words, style = _MODELS[model]
    if len(body.get("prompt") or "") > words or len(body.get("tags") or "") > style:
        raise RefusedError(_no("invalid_request", "prompt or tags too long"))
    if not any(body.get(name) for name in _BEGINNINGS):
        raise RefusedError(_no("invalid_request", "nothing to compose"))


def _body(request: web.Request) -> dict[str, Any]:
    body = request[VISIT].json
    if not isinstance(body, dict):
        raise RefusedError(_no("invalid_request", "a JSON object is needed"))
    return body


def _no(code: str, message: str, status: int = 400) -> web.Response:
    return json_answer({"code": code, "message": message, "data": None}, status)
