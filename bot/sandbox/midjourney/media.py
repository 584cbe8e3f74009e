"""The pictures themselves, at the addresses tasks name: painted when first asked for.

Owns the two ways to a picture: its signed address, and `/mj/image/{id}`, which needs no key.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from aiohttp import web

from bot.sandbox import pictures
from bot.sandbox.answers import html_page, json_answer
from bot.sandbox.ground import Ground
from bot.sandbox.magic import megabytes
from bot.sandbox.midjourney.dialects import LINK_SECONDS, signed
from bot.sandbox.midjourney.studio import Studio
from bot.sandbox.midjourney.tasks import Task
from bot.sandbox.pictures import Picture
from bot.sandbox.pictures.stream import LargePng

_KEPT_BYTES = 32_000_000
_PAINTERS = 2


@dataclass(slots=True)
class _Shelf:
    """The pictures painted last, up to a number of bytes."""

    kept: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    size: int = 0

    def get(self, key: str) -> bytes | None:
        if key in self.kept:
            self.kept.move_to_end(key)
        return self.kept.get(key)

    def put(self, key: str, data: bytes) -> None:
        self.kept[key] = data
        self.size += len(data)
        while self.size > _KEPT_BYTES and len(self.kept) > 1:
            self.size -= len(self.kept.popitem(last=False)[1])


class MediaRoom:
    """Handlers of `/sandbox/media/...` and `/mj/image/...`."""

    def __init__(self, ground: Ground, studio: Studio) -> None:
        self._ground = ground
        self._studio = studio
        self._shelf = _Shelf()
        self._painters = asyncio.Semaphore(_PAINTERS)

    async def by_address(self, request: web.Request) -> web.StreamResponse:
        """The picture a task's `imageUrl` names: a preview with `step`, else the result."""
        task = self._studio.by_hash.get(request.match_info["token"])
        query = request.query
        if task is None or query.get("hm") != signed(task) or self._expired(task):
            return _gone()
        if not query.get("step"):
            return await self._result(request, task)
        if not query["step"].isdigit() or task.picture is None:
            return _gone()
        kind = "WEBP" if request.match_info["ending"] == "webp" else "PNG"
        data = await self._painted(task, task.picture, min(int(query["step"]), 99), kind)
        return web.Response(body=data, content_type=f"image/{kind.lower()}")

    async def by_id(self, request: web.Request) -> web.StreamResponse:
        """The picture by task id alone, for anyone who can guess it."""
        task = self._studio.tasks.get(request.match_info["id"])
        if task is None:
            return json_answer({"error": "midjourney_task_not_found"}, 400)
        return await self._result(request, task)

    def _expired(self, task: Task) -> bool:
        return self._ground.clock() > int(task.submitted) + LINK_SECONDS

    async def _result(self, request: web.Request, task: Task) -> web.StreamResponse:
        if task.source and task.action == "DESCRIBE":
            return web.Response(body=task.source.data, content_type=task.source.mime)
        if task.picture is None or not task.done(self._ground.clock()) or "gone404" in task.words:
            return _gone()
        if "notimage" in task.words:
            page = html_page(502)
            return web.Response(body=page.body, content_type="text/html")
        if size := megabytes(task.words):
            return await self._large(request, task.picture, size)
        data = await self._painted(task, task.picture)
        if "truncated" in task.words:
            data = data[: len(data) * 3 // 5]
        return web.Response(body=data, content_type="image/png")

    async def _painted(
        self, task: Task, picture: Picture, percent: int = 100, kind: str = "PNG"
    ) -> bytes:
        key = f"{task.hash}/{percent}/{kind}"
        pixels = self._ground.image_size * (2 if task.large else 1)
        async with self._painters:
            data = self._shelf.get(key)
            if data is None:
                data = await asyncio.to_thread(_paint, picture, percent, pixels, kind)
                self._shelf.put(key, data)
        return data

    async def _large(self, request: web.Request, picture: Picture, size: int) -> web.StreamResponse:
        image = await asyncio.to_thread(picture.paint, self._ground.image_size)
        large = LargePng(image, size)
        response = web.StreamResponse()
        response.content_type = "image/png"
        response.content_length = large.length
        await response.prepare(request)
        if request.method != "HEAD":
            chunks = large.chunks()
            while chunk := await asyncio.to_thread(next, chunks, b""):
                await response.write(chunk)
        await response.write_eof()
        return response


def _paint(picture: Picture, percent: int, pixels: int, kind: str) -> bytes:
    if percent == 100:
        return pictures.final(picture, pixels)
    return pictures.preview(picture, percent, pixels, kind)


def _gone() -> web.Response:
    return web.Response(status=404, text="This content is no longer available.")
