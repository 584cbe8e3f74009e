"""The pretend gateway's videos and songs: Luma's and Suno's ways of asking, and their files."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web

from bot.sandbox import clips

SECONDS = 2
"""How long a video and a take play."""


class Work(Protocol):
    """A job of the gateway's."""

    id: str
    prompt: str


Begin = Callable[[str, float], Work]
"""Begins a job with this prompt that takes so many times as long as a picture."""
Look = Callable[[str], tuple[Work, int] | None]
"""A job by its id, with its percent."""


@functools.cache
def mp4() -> bytes:
    """A video that plays."""
    return clips.video("bench", 1, SECONDS, 16 / 9)


@functools.cache
def mp3() -> bytes:
    """A sound that plays."""
    return clips.song(1, SECONDS)


def routes(app: web.Application, begin: Begin, look: Look) -> None:
    """Add both families."""
    _luma(app, begin, look)
    _suno(app, begin, look)


def _luma(app: web.Application, begin: Begin, look: Look) -> None:
    async def submit(request: web.Request) -> web.Response:
        work = begin((await request.json())["user_prompt"], 2.0)
        return web.json_response({"id": work.id, "state": "pending"})

    async def fetch(request: web.Request) -> web.Response:
        found = look(request.match_info["id"])
        if found is None:
            return web.json_response({"detail": "not found"}, status=404)
        work, percent = found
        url = f"http://{request.host}/files/mp4/{work.id}" if percent == 100 else None
        body = {"id": work.id, "prompt": work.prompt, "state": "completed" if url else "processing"}
        video = {"url": url, "download_url": url, "width": 426, "height": 240, "thumbnail": None}
        return web.json_response(body | {"video": video if url else None, "created_at": "now"})

    app.router.add_post("/luma/generations", submit)
    app.router.add_get("/luma/generations/{id}", fetch)


def _suno(app: web.Application, begin: Begin, look: Look) -> None:
    async def submit(request: web.Request) -> web.Response:
        work = begin((await request.json())["gpt_description_prompt"], 1.5)
        return web.json_response({"code": "success", "message": "", "data": work.id})

    def row(host: str, one: str) -> dict[str, Any] | None:
        found = look(one)
        if found is None:
            return None
        work, percent = found
        status = "SUCCESS" if percent == 100 else "IN_PROGRESS"
        takes = [_take(host, work, n, percent == 100) for n in range(2)]
        task = {"task_id": work.id, "action": "MUSIC", "status": status, "fail_reason": ""}
        return task | {"progress": f"{percent}%", "data": takes}

    async def fetch(request: web.Request) -> web.Response:
        found = row(request.host, request.match_info["id"])
        code = "success" if found else "task_not_exist"
        body = {"code": code, "message": "", "data": found}
        return web.json_response(body, status=200 if found else 400)

    async def many(request: web.Request) -> web.Response:
        rows = [row(request.host, one) for one in (await request.json())["ids"]]
        data = [one for one in rows if one]
        return web.json_response({"code": "success", "message": "", "data": data or None})

    app.router.add_post("/suno/submit/music", submit)
    app.router.add_get("/suno/fetch/{id}", fetch)
    app.router.add_post("/suno/fetch", many)


def _take(host: str, work: Work, number: int, done: bool) -> dict[str, Any]:
    files = f"http://{host}/files"
    about = {"tags": "cheerful pop", "prompt": "La la la", "duration": SECONDS if done else None}
    return {
        "id": f"{work.id}-{number}",
        "title": "Bench",
        "status": "complete" if done else "streaming",
        "audio_url": f"{files}/mp3/{work.id}-{number}" if done else f"{files}/audiopipe",
        "video_url": "",
        "image_url": f"{files}/{work.id}",
        "metadata": about,
    }
