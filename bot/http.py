"""The program's own web server: `/healthz`, `/metrics`, and the routes adapters bring along.

Knows nothing of what those routes do.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from adapters.web.app import WebSettings


class Part(Protocol):
    """Something that is ready, still starting, or has a stated problem."""

    @property
    def ready(self) -> bool:
        """It works."""
        ...

    @property
    def problem(self) -> str:
        """Why it does not work, or what else to look at; empty while it starts and when all is
        well.
        """
        ...


class Named(Part, Protocol):
    """A platform as the probe sees it."""

    platform: str


class Site(Protocol):
    """An adapter that is spoken to over HTTP: the playground, Telegram's webhook."""

    def setup(self, app: web.Application) -> None:
        """Add routes."""
        ...


UP = Gauge("atelier_part_up", "Whether a part works", ["part"])
STARTING = "starting"
PATIENCE = 15.0
"""Seconds a part may take to start before the program is ready without it."""


class Health:
    """What `/healthz` says."""

    def __init__(self, engine: Part) -> None:
        """`engine` is ready while it can claim jobs, which needs the store."""
        self._parts: dict[str, Part] = {"engine": engine}
        self._began = time.monotonic()

    def watch(self, part: Named) -> None:
        """Report a platform too."""
        self._parts[part.platform] = part

    async def settled(self, *names: str) -> None:
        """Wait until parts that run on this machine alone have begun to work, which is at once."""
        parts = [self._parts[name] for name in names if name in self._parts]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                while any(_state(part) == STARTING for part in parts):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)  # a few turns; no part has to tell when it is up

    def measure(self) -> None:
        """Set the gauge of every part."""
        for name, part in self._parts.items():
            UP.labels(name).set(part.ready)

    def report(self) -> tuple[bool, dict[str, str]]:
        """(the engine works and nothing has just begun to start, state per part).

        A platform in trouble is said so and holds nothing up: the others and the jobs go on.
        """
        states = {name: _state(part) for name, part in self._parts.items()}
        young = time.monotonic() - self._began < PATIENCE
        waiting = young and STARTING in states.values()
        return not waiting and states["engine"] == "ok", states


def _state(part: Part) -> str:
    return part.problem or ("ok" if part.ready else STARTING)


async def serve_http(
    stack: AsyncExitStack, settings: WebSettings, health: Health, sites: Iterable[Site]
) -> str:
    """Start the server; it stops with `stack`. Returns its address.

    Raises:
        OSError: `settings.listen` cannot be used.
    """
    app = web.Application(client_max_size=2**20)

    async def healthz(request: web.Request) -> web.Response:
        del request
        ready, parts = health.report()
        return web.json_response({"ready": ready, "parts": parts}, status=200 if ready else 503)

    async def metrics(request: web.Request) -> web.Response:
        del request
        health.measure()
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", metrics)
    for site in sites:
        site.setup(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    host, _, port = settings.listen.rpartition(":")
    listener = web.TCPSite(runner, host.strip("[]") or "127.0.0.1", int(port), reuse_address=True)
    await listener.start()
    bound = runner.addresses[0]
    shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    return f"http://{shown}:{bound[1]}"
