"""Running one pretend server as a process: it prints its address and serves until killed."""

from __future__ import annotations

import asyncio
import gc

from aiohttp import web


def serve(app: web.Application) -> None:
    """Serve on a free port of this machine."""
    gc.freeze()
    asyncio.run(_serve(app))


async def _serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()
