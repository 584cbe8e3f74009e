"""The sandbox: a pretend gateway as a real HTTP server on this machine.

Owns the server, and what happens around every request: the record, the faults, the key. What is
behind an address is a family's business; a new family is one module and one line in `FAKES`.
"""

import asyncio
import json
import time
from collections.abc import Callable, Collection
from typing import Any

from aiohttp import web

from bot.sandbox.admin import Admin
from bot.sandbox.answers import DroppedError, RefusedError, html_page, invalid_url
from bot.sandbox.audio import Audio
from bot.sandbox.auth import Keys
from bot.sandbox.basics import Basics
from bot.sandbox.chat import Chat
from bot.sandbox.embeddings import Embeddings
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.files import FILES
from bot.sandbox.films import Luma, Pika, Runway
from bot.sandbox.ground import VISIT, DialectName, Family, Ground, Visit
from bot.sandbox.ideogram import Ideogram
from bot.sandbox.journal import Seen
from bot.sandbox.kling import Kling
from bot.sandbox.midjourney import Midjourney
from bot.sandbox.openai_images import OpenAIImages
from bot.sandbox.suno import Suno

FAKES: tuple[Callable[[Ground], Family], ...] = (
    Midjourney,
    OpenAIImages,
    Chat,
    Ideogram,
    Kling,
    Runway,
    Luma,
    Pika,
    Suno,
    Audio,
    Embeddings,
)
"""Every upstream family the sandbox pretends to be."""

_LARGEST_BODY = 100_000_000
_HANG_STEP = 0.05

Handler = Callable[[web.Request], Any]


class Sandbox:
    """A pretend gateway.

    Args:
        dialect: "stock" answers like new-api, "raw" like a bare proxy behind it.
        pace: Multiplies every duration of a task; 0.02 makes a 12 s picture take 0.24 s.
        fetch_lag: Seconds (before pace) between refreshes of the table that polls read; 0: always
            fresh. A real stock gateway has 15.
        keys: What is accepted as a key.
        clock: The time, in seconds.
        has_change: Whether `/mj/submit/change` exists.
        has_list: Whether `/mj/task/list-by-condition` exists.
        has_modal: Whether `/mj/submit/modal` exists.
        image_size: Width and height in pixels of a square result.
        admin: Whether `/sandbox/...` controls are served, to this machine only.
        balance: USD on the account.

    """

    def __init__(
        self,
        *,
        dialect: DialectName = "stock",
        pace: float = 1.0,
        fetch_lag: float = 0.0,
        keys: Collection[str] = ("sandbox",),
        clock: Callable[[], float] = time.time,
        has_change: bool = True,
        has_list: bool = True,
        has_modal: bool = True,
        image_size: int = 1024,
        admin: bool = True,
        balance: float = 100_000.0,
    ) -> None:
        self.ground = Ground(
            dialect=dialect,
            pace=pace,
            fetch_lag=fetch_lag,
            clock=clock,
            image_size=image_size,
            has_change=has_change,
            has_list=has_list,
            has_modal=has_modal,
            balance=balance,
        )
        self.url = ""
        self._keys = Keys(keys)
        self._families = [fake(self.ground) for fake in FAKES]
        self.app = web.Application(middlewares=[self._around], client_max_size=_LARGEST_BODY)
        self._add_routes(admin)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._stopping = asyncio.Event()

    @property
    def journal(self) -> list[Seen]:
        """Every request so far, but not those for the sandbox's own pages."""
        return self.ground.journal.seen

    @property
    def submits(self) -> list[Seen]:
        """Accepted requests that started paid work: one per task, unless money was wasted."""
        return self.ground.journal.submits

    @property
    def tasks(self) -> dict[str, Any]:
        """Every task by its id."""
        return self.ground.tasks

    @property
    def faults(self) -> Faults:
        """What goes wrong, as tests arm it."""
        return self.ground.faults

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serve; returns the root address. Port 0 picks a free one.

        Raises:
            OSError: If the port is taken.

        """
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, host, port)
        await self._site.start()
        chosen = self._runner.addresses[0][1]
        self.url = f"http://{host}:{chosen}"
        return self.url

    async def stop(self) -> None:
        """Stop serving. Hanging requests are let go."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = self._site = None

    async def unplug(self) -> None:
        """Close the port and every connection: from now on connecting is refused. Tasks go on."""
        if self._runner is None or self._site is None or self._runner.server is None:
            return
        await self._site.stop()
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def plug(self) -> None:
        """Open the same port again after `unplug`."""
        if self._runner is None:
            return
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        self._site = web.TCPSite(self._runner, host, int(port), reuse_address=True)
        await self._site.start()

    def _add_routes(self, admin: bool) -> None:
        models = [model for family in self._families for model in family.prices]
        routes = [*Basics(self.ground, models).routes(), *self.ground.files.routes()]
        for family in self._families:
            routes += family.routes()
        endpoints = [f"{r.method} {r.path}" for r in routes if "{mode" not in r.path]
        own = Admin(self.ground, endpoints, controls=admin)
        self.app.add_routes([*routes, *own.routes()])

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._is_own(request.path):
            return await self._carry_out(request, handler)
        visit = await self._note(request)
        request[VISIT] = visit
        try:
            response = await self._with_fault(request, handler, visit.fault)
        except (DroppedError, ConnectionError):  # the second: the client left amid the answer
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        visit.seen.status = response.status
        return response

    def _is_own(self, path: str) -> bool:
        own = path in ("/", "/favicon.ico") or path.startswith("/sandbox/")
        return own and not self._is_public(path)

    def _is_public(self, path: str) -> bool:
        if path.startswith(FILES):
            return True
        return any(family.public.search(path) for family in self._families)

    async def _note(self, request: web.Request) -> Visit:
        """Read the request and write it down, before anything can go wrong with it."""
        body, too_large = None, False
        try:
            raw = await request.read()
            body = json.loads(raw) if raw else None
        except web.HTTPRequestEntityTooLarge:
            too_large = True
        except (ValueError, RecursionError):
            pass  # not JSON: what that means is the handler's business
        is_submit = request.method == "POST" and any(
            family.submit.search(request.path) for family in self._families
        )
        seen = Seen(self.ground.clock(), request.method, request.path, body, is_submit=is_submit)
        fault = self.faults.meet(request.method, request.path)
        return Visit(self.ground.journal.add(seen), fault, body, too_large)

    async def _with_fault(
        self, request: web.Request, handler: Handler, fault: Fault
    ) -> web.StreamResponse:
        if self.faults.is_down:
            raise DroppedError
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if not fault.effect:
            if fault.drop == "before":
                raise DroppedError
            await self._hide(request, fault)
            if fault.status:
                return fault.answer()
        response = await self._carry_out(request, handler)
        if fault.drop == "middle":
            await _half(request, response)
        if fault.drop:
            raise DroppedError
        await self._hide(request, fault)
        return fault.answer() if fault.status else response

    async def _hide(self, request: web.Request, fault: Fault) -> None:
        """Never answer, if the fault says so, until the client or the sandbox goes away."""
        if not fault.hang:
            return
        while not self._stopping.is_set():
            if request.transport is None or request.transport.is_closing():
                break
            await asyncio.sleep(_HANG_STEP)
        raise DroppedError

    async def _carry_out(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            return invalid_url(request.method, request.path)
        if VISIT in request and request[VISIT].too_large:
            return html_page(413)
        path = request.path
        if not self._is_own(path) and not self._is_public(path):
            refusal = self._keys.refuse(request, exhausted=self.faults.key_exhausted)
            if refusal is not None:
                return refusal
        try:
            response: web.StreamResponse = await handler(request)
        except RefusedError as refused:
            return refused.response
        return response


async def _half(request: web.Request, response: web.StreamResponse) -> None:
    """Send the first half of an answer, as if the whole were to follow."""
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return
    partial = web.StreamResponse(status=response.status, headers={"Content-Type": "image/png"})
    partial.content_length = len(response.body)
    await partial.prepare(request)
    await partial.write(response.body[: len(response.body) // 2])
