"""The gateway client against a server of its own: what it says of money, and what it downloads."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from PIL import Image

from core.archive import Archive
from core.errors import BadInput, GatewayError, Refused, Spent, Unreachable
from core.gateway import Gateway, GatewaySettings
from core.gateway.hosts import Gatekeeper, is_public
from core.messages import Media
from core.wire import Blob, Call

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
POST = Call("POST", "/mj/submit/imagine", "midjourney", {"prompt": "a fox"}, 2.0)
GET = Call("GET", "/mj/task/1/fetch", "midjourney", None, 2.0)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client(folder: Path, base: str, **settings: object) -> AsyncIterator[Gateway]:
    given = GatewaySettings.model_validate({"base_url": base, "api_key": "sk-test", **settings})
    trusted = [base.removeprefix("http://")]
    async with Gateway(given, Archive(folder / "archive"), trusted_hosts=trusted) as gateway:
        yield gateway


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    return out.getvalue()


async def test_a_long_answer_in_many_pieces_is_read_whole(tmp_path: Path) -> None:
    """An answer that comes in pieces is one answer."""
    rows = [{"id": str(n), "failReason": "x" * 4000} for n in range(50)]

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        text = json.dumps(rows).encode()
        for at in range(0, len(text), 50_000):
            await response.write(text[at : at + 50_000])
            await asyncio.sleep(0.005)
        return response

    async with serving(handler) as base, client(tmp_path, base) as gateway:
        assert (await gateway.send(GET)).body == rows


async def refused(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def late(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3)
    return web.Response()


@pytest.mark.parametrize("handler", [refused, late], ids=["reset", "late"])
async def test_a_lost_answer_may_have_cost_money(tmp_path: Path, handler: Handler) -> None:
    """A request that has left may have been done; it is not repeated."""
    seen = []

    async def counting(request: web.Request) -> web.StreamResponse:
        seen.append(request.path)
        return await handler(request)

    async with serving(counting) as base, client(tmp_path, base, timeout=0.5) as gateway:
        with pytest.raises(Unreachable) as caught:
            await gateway.send(POST)
    assert caught.value.spent is Spent.UNKNOWN
    assert len(seen) == 1


async def test_a_closed_door_costs_nothing(tmp_path: Path) -> None:
    """A connection that was never made certainly cost nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with client(tmp_path, f"http://127.0.0.1:{port}") as gateway:
        with pytest.raises(Unreachable) as caught:
            await gateway.send(POST)
    assert caught.value.spent is Spent.NO
    assert caught.value.again


async def test_submits_never_share_a_connection(tmp_path: Path) -> None:
    """Every submit has a connection of its own; looks share theirs."""
    ports: dict[str, set[object]] = {"GET": set(), "POST": set()}

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports[request.method].add(request.transport.get_extra_info("peername"))
        return web.json_response({})

    async with serving(handler) as base, client(tmp_path, base) as gateway:
        for call in (POST, POST, POST, GET, GET, GET):
            await gateway.send(call)
    assert len(ports["POST"]) == 3
    assert len(ports["GET"]) == 1


@asynccontextmanager
async def listening(
    heard: bytearray, came: asyncio.Event, left: asyncio.Event
) -> AsyncIterator[str]:
    """A server that answers every request, and notes each byte and who comes and leaves."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        while said := await reader.read(65536):
            heard.extend(said)
            if heard.endswith(b"}"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()
        left.set()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_call_that_is_held_says_nothing_before(tmp_path: Path) -> None:
    """It has its connection, and not one byte leaves before it may."""
    heard, came, may = bytearray(), asyncio.Event(), asyncio.Event()

    async def leave() -> None:
        await may.wait()

    async with (
        listening(heard, came, asyncio.Event()) as base,
        client(tmp_path, base) as gateway,
    ):
        async with asyncio.TaskGroup() as tasks:
            sent = tasks.create_task(gateway.send(POST, leave))
            await asyncio.wait_for(came.wait(), 5)
            await asyncio.sleep(0.1)
            assert heard == b""
            may.set()
        assert sent.result().status == 200
    assert heard.endswith(b'{"prompt": "a fox"}')


async def test_a_call_that_may_not_leave_costs_nothing(tmp_path: Path) -> None:
    """Its connection is given up, and why it may not is what is raised."""
    heard, came, left = bytearray(), asyncio.Event(), asyncio.Event()

    async def leave() -> None:
        await came.wait()
        raise Unreachable(spent=Spent.NO, detail="not stored")

    async with listening(heard, came, left) as base, client(tmp_path, base) as gateway:
        with pytest.raises(Unreachable, check=lambda error: error.spent is Spent.NO):
            await gateway.send(POST, leave)
        await asyncio.wait_for(left.wait(), 5)
    assert heard == b""


async def test_the_family_has_its_key_and_its_path(tmp_path: Path) -> None:
    """A key of a family's own is used for it, and replaced path beginnings are."""
    seen = {}

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.update(path=request.path, key=request.headers["Authorization"])
        return web.json_response({}, headers={"Retry-After": "7"})

    more = {"keys": {"midjourney": " sk-mj "}, "paths": {"/mj": "/fast/mj"}}
    async with serving(handler) as base, client(tmp_path, base, **more) as gateway:
        answer = await gateway.send(GET)
    assert seen == {"path": "/fast/mj/task/1/fetch", "key": "Bearer sk-mj"}
    assert answer.retry_after == 7


@pytest.mark.parametrize(
    "body", [b"<html>" * 10, b"", b"\xff\xfe\x00", b"[" * 100_000, b'{"a": '], ids=str
)
async def test_an_answer_nobody_can_read_is_text(tmp_path: Path, body: bytes) -> None:
    """What is not JSON comes as text of bounded length, whatever it is."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    async with serving(handler) as base, client(tmp_path, base) as gateway:
        found = (await gateway.send(GET)).body
    assert isinstance(found, str)
    assert len(found) <= 4000


async def test_files_go_into_bodies(tmp_path: Path) -> None:
    """A picture goes as a data URI in JSON, or as a part of a form."""
    seen: list[object] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.content_type == "application/json":
            seen.append(await request.json())
        else:
            form = await request.post()
            file = form["image"]
            assert isinstance(file, web.FileField)
            seen.append((form["prompt"], file.filename, file.content_type, file.file.read()))
        return web.json_response({})

    async def chunks() -> AsyncIterator[bytes]:
        yield png()

    media = await Archive(tmp_path / "archive").put(chunks(), name="fox.png")
    async with serving(handler) as base, client(tmp_path, base) as gateway:
        await gateway.send(Call("POST", "/a", "x", {"base64Array": [Blob(media)]}))
        form = {"prompt": "a fox", "image": Blob(media, "file")}
        await gateway.send(Call("POST", "/b", "x", form))
    first = seen[0]
    assert isinstance(first, dict)
    assert first["base64Array"][0].startswith("data:image/png;base64,iVBOR")
    assert seen[1] == ("a fox", "fox.png", "image/png", png())


async def download(tmp_path: Path, handler: Handler, limit: int = 1_000_000) -> Media:
    async with serving(handler) as base, client(tmp_path, base) as gateway:
        return await gateway.fetch(f"{base}/picture", limit=limit, deadline=2.0)


async def test_an_address_without_a_host_is_one_at_the_gateway(tmp_path: Path) -> None:
    """Some gateways do not know under which name they are reached."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=png(), status=200 if request.path == "/mj/image/1" else 404)

    async with serving(handler) as base, client(tmp_path, base) as gateway:
        media = await gateway.fetch("/mj/image/1?rand=2", limit=1_000_000)

    assert media.mime == "image/png"


async def test_a_download_is_kept(tmp_path: Path) -> None:
    """A result is kept as what it is, whatever it claims to be."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=png(), content_type="text/html")

    media = await download(tmp_path, handler)
    assert (media.mime, media.width, media.height) == ("image/png", 8, 8)


async def test_a_redirect_to_a_private_address_is_not_followed(tmp_path: Path) -> None:
    """Wherever an address sends on to, the same rules hold."""

    async def handler(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://127.0.0.1:9/secret")

    with pytest.raises(Refused) as caught:
        await download(tmp_path, handler)
    assert "127.0.0.1" not in str(caught.value)


async def test_a_circle_of_redirects_ends(tmp_path: Path) -> None:
    """An address that sends on for ever leads nowhere."""

    async def handler(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.path)

    with pytest.raises(Refused, match="nowhere"):
        await download(tmp_path, handler)


@pytest.mark.parametrize(
    ("status", "again"), [(404, False), (403, False), (410, False), (500, True), (429, True)]
)
async def test_a_dead_link_is_told_from_a_passing_fault(
    tmp_path: Path, status: int, again: bool
) -> None:
    """Only what may work later is worth another try."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    with pytest.raises(GatewayError) as caught:
        await download(tmp_path, handler)
    assert caught.value.again is again
    assert caught.value.spent is Spent.YES


async def test_a_download_that_breaks_off_is_the_networks_fault(tmp_path: Path) -> None:
    """Half a file is not kept, and the disk is not blamed."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "5000"})
        await response.prepare(request)
        await response.write(png())
        assert request.transport is not None
        request.transport.abort()
        return response

    with pytest.raises(Unreachable):
        await download(tmp_path, handler)
    assert [] == [p for p in (tmp_path / "archive").rglob("*") if p.is_file()]


async def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    """The limit counts what arrives, not what is announced."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=png() + b"\0" * 2_000_000)

    with pytest.raises(BadInput, match="too big"):
        await download(tmp_path, handler)


FORBIDDEN = [
    "http://example.com/a.png",
    "https://127.0.0.1/a.png",
    "https://localhost/a.png",
    "https://localhost./a.png",
    "https://10.0.0.1/a.png",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/a.png",
    "https://[::ffff:127.0.0.1]/a.png",
    "https://[64:ff9b::7f00:1]/a.png",
    "https://[2002:7f00:1::]/a.png",
    "https://[fe80::1%25eth0]/a.png",
    "https://2130706433/a.png",
    "https://0x7f.1/a.png",
    "https://0x7f000001/a.png",
    "https://127.1/a.png",
    "https://0177.0.0.1/a.png",
    "https://0.0.0.0/a.png",
    "https://100.64.0.1/a.png",
    "https://user:password@example.com/a.png",
    "https://example.com\\@127.0.0.1/a.png",
    "https://intranet/a.png",
    "file:///etc/passwd",
    "ftp://example.com/a.png",
    "//example.com/a.png",
    "a.png",
    "https:///a.png",
    "https://exa mple.com:99999/a.png",
    "",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_addresses_that_are_never_opened(url: str) -> None:
    """Private, local and odd addresses are refused before anything is sent."""
    with pytest.raises(Refused):
        Gatekeeper(["cdn.internal", "10.1.1.1:9000"]).check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png",
        "https://example.com:8443/a.png?ex=1&is=2",
        "https://8.8.8.8/a.png",
        "https://[2606:4700::1111]/a.png",
        "http://cdn.internal:81/a.png",
        "http://10.1.1.1:9000/a.png",
    ],
)
def test_addresses_that_are_opened(url: str) -> None:
    """Public https addresses, and what the owner trusts."""
    assert str(Gatekeeper(["cdn.internal", "10.1.1.1:9000"]).check(url)) == url


def test_a_trusted_port_is_that_port_alone() -> None:
    """Trust in one port of a host is none in its others."""
    with pytest.raises(Refused):
        Gatekeeper(["10.1.1.1:9000"]).check("http://10.1.1.1:9001/a.png")


@pytest.mark.parametrize("address", ["::ffff:10.0.0.1", "224.0.0.1", "fd00::1", "x", "192.0.2.1"])
def test_addresses_that_are_not_public(address: str) -> None:
    """What a name may not resolve to."""
    assert not is_public(address)
