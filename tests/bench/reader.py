"""Reads many streamed answers at once and prints the CPU that one piece took, in microseconds.

`plain` is the shortest program on aiohttp that has the pieces' words; `ours` is what the bot does
with a piece: its gateway reads it, its provider puts the answer together, its outbox shows how far
that is, as often as a chat takes it. Only the chat platform is left out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias, cast

import aiohttp
from pydantic import SecretStr

from core import cards
from core.adapter import Adapter
from core.archive import Archive
from core.gateway import Gateway, GatewaySettings
from core.messages import Limits, Message, Place, Ref
from core.outbox import Outbox
from core.providers.base import Request, Stream
from core.providers.chat import Chat
from tests.bench.words import PATH

CHAT = Chat()
REQUEST = Request("gpt-4.1-mini", "chat", "bench 0")
CALL = CHAT.call(REQUEST)

Read: TypeAlias = Callable[[str], Awaitable[int]]
"""Reads one answer under a name; gives the number of its pieces."""
Measure: TypeAlias = Callable[[Read], Awaitable[None]]


async def plain(url: str, measure: Measure) -> None:
    """With aiohttp alone."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def read(name: str) -> int:
            del name
            words: list[str] = []
            async with session.post(url + PATH, json=CALL.json) as answer:
                async for line in answer.content:
                    if line.startswith(b"data:") and b"[DONE]" not in line:
                        choices = json.loads(line[5:])["choices"]
                        words += [choice["delta"].get("content") or "" for choice in choices]
            assert "".join(words)
            return len(words)

        await measure(read)


class Platform:
    """A chat platform that takes everything and costs nothing."""

    platform = "bench"

    def limits(self, place: Place) -> Limits:
        return Limits()

    async def send(self, place: Place, message: Message, **more: Any) -> Ref:
        return Ref("bench", place.chat, "1")

    async def edit(self, ref: Ref, message: Message) -> Ref:
        return ref


class Growing:
    """What is shown of the answers."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.refs: dict[str, Ref] = {}

    async def status(
        self, job_id: str, *, listed: bool = False
    ) -> tuple[Message, Ref | None] | None:
        return Message(cards.growing(self.streams[job_id].text)), self.refs.get(job_id)

    async def shown(self, job_id: str, ref: Ref) -> None:
        self.refs[job_id] = ref

    async def board(self, place: Place, job_ids: list[str]) -> Message | None:
        return None

    async def board_ref(self, place: Place) -> Ref | None:
        return None

    async def board_nonce(self, place: Place) -> str:
        return "board"

    async def set_board_ref(self, place: Place, ref: Ref | None) -> None:
        return None


async def ours(url: str, measure: Measure) -> None:
    """With the bot's own parts."""
    archive, growing = Archive(Path(tempfile.mkdtemp())), Growing()
    outbox = Outbox(archive, time.time)
    outbox.attach(cast(Adapter, Platform()))
    settings = GatewaySettings(base_url=url, api_key=SecretStr("bench"))
    async with Gateway(settings, archive) as gateway, asyncio.TaskGroup() as tasks:

        async def read(name: str) -> int:
            place, stream, pieces = Place("bench", name), CHAT.stream(REQUEST), 0
            growing.streams[name] = stream

            def take(data: bytes) -> bool:
                nonlocal pieces
                pieces += 1
                stream.add(data)
                outbox.progress(place, name)
                return True

            answer = await gateway.stream(CALL, take)
            outbox.forget(place, name)
            assert answer.body is True
            assert stream.text
            return pieces - 1

        showing = tasks.create_task(outbox.run(growing))
        await measure(read)
        showing.cancel()


async def main(how: str, url: str, answers: int) -> None:
    """Read one answer, then so many at once."""

    async def measure(read: Read) -> None:
        await read("first")
        begun = time.process_time()
        pieces = sum(await asyncio.gather(*(read(f"{number}") for number in range(answers))))
        print(f"{(time.process_time() - begun) / pieces * 1e6:.2f}", flush=True)

    await (plain if how == "plain" else ours)(url, measure)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
