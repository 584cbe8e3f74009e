"""The guard around the tests: nothing leaves this machine."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest

OUTSIDE = "192.0.2.1"
"""An address of the block that is kept for examples."""


def test_a_plain_socket_cannot_leave() -> None:
    """Refused by the guard, and not by a network that happens to be away."""
    with socket.socket() as one, pytest.raises(OSError, match="tests stay on this machine"):
        one.connect((OUTSIDE, 80))
    with (
        socket.socket(type=socket.SOCK_DGRAM) as one,
        pytest.raises(OSError, match="tests stay on this machine"),
    ):
        one.sendto(b"x", (OUTSIDE, 53))


async def test_asyncio_and_aiohttp_cannot_leave() -> None:
    """Both end in the same refusal."""
    with pytest.raises(OSError, match="tests stay on this machine"):
        await asyncio.open_connection(OUTSIDE, 80)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError, match="tests stay on this machine"):
            await session.get(f"http://{OUTSIDE}/")


async def test_no_name_is_looked_up_outside() -> None:
    """A name would be asked of a server elsewhere."""
    with pytest.raises(socket.gaierror, match="tests know no names"):
        await asyncio.get_running_loop().getaddrinfo("example.org", 443)


async def test_this_machine_is_reached() -> None:
    """What the guard lets through works as ever."""
    server = await asyncio.start_server(lambda r, w: w.close(), "localhost", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""
    writer.close()
    server.close()
