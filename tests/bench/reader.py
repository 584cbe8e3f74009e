"""Reads many streamed answers at once and prints the CPU that one piece took, in microseconds.

`plain` is the shortest program on aiohttp that has the pieces' words; `ours` is what the bot reads
with: its gateway and what puts an answer together. Nothing is shown by either.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from core.archive import Archive
from core.gateway import Gateway, GatewaySettings
from core.providers.base import Request
from core.providers.chat import Chat
from tests.bench.words import PATH

REQUEST = Request("gpt-4.1-mini", "chat", "bench 0")
CALL = Chat().call(REQUEST)


async def plain(url: str, measure: Callable[[Callable[[], Awaitable[int]]], Awaitable[None]]) -> None:
    """With aiohttp alone."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def read() -> int:
            words = []
            async with session.post(url + PATH, json=CALL.json) as answer:
                async for line in answer.content:
                    if line.startswith(b"data:") and b"[DONE]" not in line:
                        for choice in json.loads(line[5:])["choices"]:
                            words.append(choice["delta"].get("content") or "")
            assert "".join(words)
            return len(words)

        await measure(read)


async def ours(url: str, measure: Callable[[Callable[[], Awaitable[int]]], Awaitable[None]]) -> None:
    """With the bot's own parts."""
    settings, folder = GatewaySettings(base_url=url, api_key="bench"), Path(tempfile.mkdtemp())  # type: ignore[arg-type]
    async with Gateway(settings, Archive(folder)) as gateway:

        async def read() -> int:
            stream, pieces = Chat().stream(REQUEST), 0

            def take(data: bytes) -> bool:
                nonlocal pieces
                pieces += 1
                stream.add(data)
                return True

            answer = await gateway.stream(CALL, take)
            assert answer.body is True
            assert stream.text
            return pieces - 1

        await measure(read)


async def main(how: str, url: str, answers: int) -> None:
    """Read one answer, then so many at once."""

    async def measure(read: Callable[[], Awaitable[int]]) -> None:
        await read()
        begun = time.process_time()
        pieces = sum(await asyncio.gather(*(read() for _ in range(answers))))
        print(f"{(time.process_time() - begun) / pieces * 1e6:.2f}", flush=True)

    await (plain if how == "plain" else ours)(url, measure)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
