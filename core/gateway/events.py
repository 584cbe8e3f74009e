"""Answers that come in pieces: lines as they arrive, and the server-sent events in them.

Knows neither calls nor what is in an event.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator, Callable

import aiohttp

EVENTS = (b"data:", b"event:", b"id:", b"retry:", b":")
"""How a line of server-sent events begins."""
EVENT = 60_000_000
"""Longest event of a stream, in bytes: it may hold a picture."""
GATHER = 0.1
"""Seconds between two reads of a stream: no chat shows it more often, and pieces that are read
together cost half.
"""


async def begun(lines: AsyncIterator[bytes]) -> bytes:
    """The first line that says anything, without a mark of byte order before it."""
    async for line in lines:
        if said := line.removeprefix(codecs.BOM_UTF8).strip():
            return said
    return b""


async def events(first: bytes, lines: AsyncIterator[bytes], take: Callable[[bytes], bool]) -> bool:
    """Read server-sent events; True when `[DONE]` came."""
    line = first
    try:
        while True:
            data = line[5:].strip() if line.startswith(b"data:") else b""
            if data == b"[DONE]":
                return True
            if data and not take(data):
                return False
            line = await anext(lines)
    except (StopAsyncIteration, aiohttp.ClientError, TimeoutError, OSError):
        return False


async def lines_of(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The lines of a stream as they come, the last one also without its end; one that is longer
    than `EVENT` ends them.
    """
    waiting: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            yield b"".join([*waiting, line])
            waiting.clear()
            size = 0
        waiting.append(rest)
        size += len(rest)
        if size > EVENT:
            return
        await _gather(response)
    yield b"".join(waiting)


async def _gather(response: aiohttp.ClientResponse) -> None:
    """Leave what comes next with the system for a moment; there is no waiting for an end that has
    come already.
    """
    transport = response.connection and response.connection.transport
    if transport is None:
        return
    transport.pause_reading()
    try:
        await asyncio.sleep(GATHER)
    finally:
        transport.resume_reading()
