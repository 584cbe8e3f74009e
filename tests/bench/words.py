"""The pretend gateway's language model: answers that come in pieces at a given pace."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

PATH = "/v1/chat/completions"
WORDS = "The quick brown fox jumps over the lazy dog and runs on through the **quiet** wood. "
LINE = 16
"""Pieces a line of an answer has."""
END = "the very end"
"""What every answer ends with."""


@dataclass(slots=True)
class Pace:
    """How the next answers come.

    Attributes:
        chunks: Pieces of an answer.
        gap: Seconds between two of them.
    """

    chunks: int = 100
    gap: float = 0.02


def _event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    body = {"id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG", "object": "chat.completion.chunk"}
    body |= {"created": 1732579200, "model": "gpt-4.1-mini-2025-04-14"}
    body |= {"system_fingerprint": "fp_44709d6fcb", "choices": choices, **more}
    return f"data: {json.dumps(body, separators=(',', ':'))}\n\n".encode()


def _piece(text: str) -> bytes:
    delta = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    return _event([delta], usage=None)


def pieces(count: int, name: str) -> list[bytes]:
    """The events of an answer of `count` pieces."""
    words = WORDS.split()
    texts = (words[n % len(words)] + (" " if n % LINE else "\n") for n in range(count - 2))
    made = [_piece(text) for text in (f"{name}: ", *texts, END)]
    usage = {"prompt_tokens": 20, "completion_tokens": count, "total_tokens": count + 20}
    stop = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    return [*made, _event([stop]), _event([], usage=usage), b"data: [DONE]\n\n"]


async def answer(request: web.Request, name: str, pace: Pace) -> web.StreamResponse:
    """Stream one answer; late pieces are not left out."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    begun = time.monotonic()
    for number, piece in enumerate(pieces(pace.chunks, name)):
        await asyncio.sleep(begun + number * pace.gap - time.monotonic())
        await response.write(piece)
    return response
