"""An answer of the gateway that comes in pieces is read to its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from core.archive import Archive
from core.gateway import Gateway, GatewaySettings
from core.wire import Call


async def test_an_answer_in_pieces_is_read_whole(tmp_path: Path) -> None:
    """A submit's answer cut short would look like a lost one, though the id was in it."""

    async def halting(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for piece in (b'{"code": 1, ', b'"result": ', b'"12"}'):
            await response.write(piece)
            await asyncio.sleep(0.02)
        return response

    app = web.Application()
    app.router.add_post("/mj/submit/imagine", halting)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        settings = GatewaySettings(base_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
        async with Gateway(settings, Archive(tmp_path)) as gateway:
            answer = await gateway.send(Call("POST", "/mj/submit/imagine", "midjourney", {}))
    finally:
        await runner.cleanup()
    assert answer.body == {"code": 1, "result": "12"}
