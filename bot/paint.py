"""The page on which a part of a picture is painted, for whoever has its signed, passing address.

Knows nothing of what comes of it: a painted mask and the other answers go to the desk as the form
they stand for.
"""

from __future__ import annotations

import base64
import html
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import asdict
from importlib import resources

from aiohttp import web

from core.commands.painting import LATE, UNREADABLE, WORDS, Canvas
from core.desk import Desk
from core.errors import BadInput, BotError
from core.links import PAINT, Links

LARGEST = 24_000_000
"""Bytes of what a page may send: a mask as text, and some words."""
POLICY = (
    "default-src 'none'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
)


class Paint:
    """The routes of the painting page."""

    def __init__(self, links: Links, desk: Desk) -> None:
        """Serve the pages `links` made addresses of."""
        self._links = links
        self._desk = desk

    def setup(self, app: web.Application) -> None:
        """Add the routes."""
        path = f"/{PAINT}/{{mark}}/{{end}}/{{token}}"
        app.router.add_get(path, self._page)
        app.router.add_get(f"{path}/picture", self._picture)
        app.router.add_post(path, self._send)

    async def _canvas(self, request: web.Request) -> Canvas:
        """What the address stands for; raises 404 in words."""
        asked = request.match_info
        lang = request.headers.get("Accept-Language", "").split(",")[0].split(";")[0]
        if not self._links.paints(asked["mark"], asked["end"], asked["token"]):
            raise web.HTTPNotFound(text=self._desk.say(lang)(LATE))
        try:
            return await self._desk.canvas(asked["token"])
        except BotError as error:
            text = self._desk.say(lang)(error.text, **error.values)
            raise web.HTTPNotFound(text=text) from None

    async def _page(self, request: web.Request) -> web.Response:
        asked = await self._canvas(request)
        nonce = secrets.token_urlsafe(16)
        page = resources.files("bot").joinpath("paint.html").read_text("utf-8")
        page = page.replace("{nonce}", nonce).replace("{lang}", html.escape(asked.lang or "en"))
        page = page.replace("{house}", self._house(asked))
        headers = {
            "Content-Security-Policy": POLICY.format(nonce=nonce),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
            "Cache-Control": "no-store",
        }
        return web.Response(text=page, content_type="text/html", headers=headers)

    def _house(self, asked: Canvas) -> str:
        """What the page is about, as JSON that no markup can be hidden in."""
        say = self._desk.say(asked.lang)
        fields = [
            {**asdict(field), "label": say(field.label), "hint": say(field.hint or "")}
            for field in asked.form.fields
            if field is not asked.field
        ]
        house = {
            "title": say(asked.form.title),
            "fields": fields,
            "colour": asked.field.paint,
            "width": asked.picture.width,
            "height": asked.picture.height,
            "words": {word: say(word) for word in WORDS},
        }
        return json.dumps(house).replace("<", "\\u003c")

    async def _picture(self, request: web.Request) -> web.FileResponse:
        asked = await self._canvas(request)
        headers = {
            "Content-Type": asked.picture.mime,
            "Content-Security-Policy": "default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=3600",
        }
        return web.FileResponse(self._desk.path(asked.picture), headers=headers)

    async def _send(self, request: web.Request) -> web.Response:
        """Take the mask and the other answers; the same ones twice do their work once."""
        asked = await self._canvas(request)
        say = self._desk.say(asked.lang)
        try:
            values, data = await _read(request)
            mask = await self._desk.store_file(_chunks(data), name="mask.png", limit=LARGEST)
            problem = await self._desk.painted(asked, mask, values)
        except BotError as error:
            problem = error
        if problem is not None:
            text = say(problem.text, **problem.values)
            return web.json_response({"error": text}, status=400)
        return web.json_response({"ok": True}, status=202)


async def _read(request: web.Request) -> tuple[dict[str, str], bytes]:
    """The answers and the mask's bytes. Raises `BadInput`."""
    body = bytearray()
    async for chunk in request.content.iter_chunked(256 * 1024):
        body += chunk
        if len(body) > LARGEST:
            raise BadInput(UNREADABLE)
    try:
        match json.loads(body):
            case {"mask": str() as mask, "values": dict() as values}:
                told = {str(k): v for k, v in values.items() if isinstance(v, str)}
                return told, base64.b64decode(mask, validate=True)
    except (ValueError, RecursionError):
        pass
    raise BadInput(UNREADABLE)


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data
