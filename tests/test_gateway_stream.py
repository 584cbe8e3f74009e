"""Answers that come as events: every way in which a stream may be printed, end, or not begin."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from aiohttp import web

from core.errors import Spent, Unreachable
from core.wire import Answer, Call
from tests.test_gateway import client, serving

ASK = Call("POST", "/v1/chat/completions", "chat", {"stream": True}, 2.0, stream=True)


async def streamed(
    folder: Path,
    *pieces: bytes,
    drop: bool = False,
    kind: str = "text/event-stream; charset=utf-8",
) -> tuple[Answer, list[bytes]]:
    """What is made of a stream that is written in these pieces."""
    events: list[bytes] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if drop and request.transport is not None:
            request.transport.abort()
        return response

    def take(data: bytes) -> bool:
        events.append(data)
        return True

    async with serving(handler) as base, client(folder, base) as gateway:
        return await gateway.stream(ASK, take), events


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ((b'data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n',), True),
        ((b': PING\n\ndata: {"a":1}\n\n: PING\n\n', b'data: {"b":2}\n\ndata: [DONE]\n\n'), True),
        ((b'data:{"a":1}\r\n\r\ndata:{"b":2}\r\n\r\ndata: [DONE]\r\n\r\n',), True),
        (
            (
                b"da",
                b'ta: {"a"',
                b":1}\n",
                b'\nevent: x\nid: 7\ndata: {"b":2}\n\ndata: [DO',
                b"NE]",
            ),
            True,
        ),
        ((b'data: {"a":1}\n\ndata: {"b":2}\n\n',), False),
        ((b'data: {"a":1}\n\n', b'data: {"b":2}'), False),
        ((b'\xef\xbb\xbfdata: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n',), True),
        ((b"\r\n\r\n", b'data: {"a":1}\r\n\r\ndata: {"b":2}\r\n\r\ndata: [DONE]\r\n\r\n'), True),
    ],
)
async def test_events_are_read(tmp_path: Path, pieces: tuple[bytes, ...], whole: bool) -> None:
    """In whatever pieces they come; the end counts as such only with its mark."""
    answer, events = await streamed(tmp_path, *pieces)

    assert events == [b'{"a":1}', b'{"b":2}']
    assert answer.body is whole


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/octet-stream"])
async def test_a_stream_is_known_by_how_it_begins(tmp_path: Path, kind: str) -> None:
    """A gateway that names the wrong type has been paid for its answer all the same."""
    lines = b'event: message\ndata: {"a":1}\n\ndata: [DONE]\n\n'
    answer, events = await streamed(tmp_path, lines, kind=kind)

    assert (events, answer.body) == ([b'{"a":1}'], True)


async def test_json_that_is_called_a_stream_is_read_as_json(tmp_path: Path) -> None:
    """An error, or a whole answer, over one line or several."""
    answer, events = await streamed(tmp_path, b'{"error":\n', b' {"message": "x"}}\n')

    assert (events, answer.body) == ([], {"error": {"message": "x"}})


async def test_a_connection_that_dies_keeps_what_came(tmp_path: Path) -> None:
    """It is an answer that broke off, not an error: what there is was paid for."""
    answer, events = await streamed(tmp_path, b'data: {"a":1}\n\n', drop=True)

    assert (answer.status, answer.body) == (200, False)
    assert events in ([], [b'{"a":1}'])


async def test_ten_megabytes_in_one_event_are_read_in_linear_time(tmp_path: Path) -> None:
    """A picture may come in one piece of an answer."""
    big = b"A" * 10_000_000
    started = time.process_time()
    answer, events = await streamed(tmp_path, b"data: " + big + b"\n\ndata: [DONE]\n\n")

    assert time.process_time() - started < 2.0
    assert events == [big]
    assert answer.body is True


@pytest.mark.parametrize("status", [200, 429, 500])
async def test_an_answer_that_is_no_stream_is_read_as_usual(tmp_path: Path, status: int) -> None:
    """A failure before the first word is ordinary JSON; so is a gateway that does not stream."""

    async def handler(request: web.Request) -> web.Response:
        del request
        return web.json_response({"error": {"message": "x"}}, status=status)

    async with serving(handler) as base, client(tmp_path, base) as gateway:
        answer = await gateway.stream(ASK, lambda data: True)

    assert (answer.status, answer.body) == (status, {"error": {"message": "x"}})


async def test_an_error_printed_as_an_event_stream_is_still_an_error(tmp_path: Path) -> None:
    """Its status counts, whatever type it claims."""

    async def handler(request: web.Request) -> web.Response:
        del request
        return web.Response(status=503, text="data: {}\n\n", content_type="text/event-stream")

    async with serving(handler) as base, client(tmp_path, base) as gateway:
        answer = await gateway.stream(ASK, lambda data: True)

    assert answer.status == 503
    assert not isinstance(answer.body, bool)


async def test_a_stream_that_never_begins_is_lost(tmp_path: Path) -> None:
    """The call had gone out, so nobody can say what it cost."""

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(handler) as base, client(tmp_path, base) as gateway:
        with pytest.raises(Unreachable) as caught:
            await gateway.stream(ASK, lambda data: True)

    assert caught.value.spent is Spent.UNKNOWN
