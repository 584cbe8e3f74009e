"""Every test is kept on this machine."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any

import pytest


class OutsideError(OSError):
    """A test wanted to leave this machine."""


def _stays(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _check(address: Any) -> None:
    """Let through what stays here: loopback addresses, and sockets that are files."""
    if isinstance(address, tuple) and not _stays(address[0]):
        text = f"tests stay on this machine; this one connects to {address[0]}"
        raise OutsideError(errno.ENETUNREACH, text)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection and every name that is not of this machine, whoever asks for it."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    sendto, getaddrinfo = socket.socket.sendto, socket.getaddrinfo

    def checked_connect(self: socket.socket, address: Any) -> None:
        _check(address)
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        _check(address)
        return connect_ex(self, address)

    def checked_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
        _check(rest[-1])
        return sendto(self, data, *rest)

    def checked_getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        ours = _stays(host) or _is_address(host)
        if not ours:
            raise socket.gaierror(socket.EAI_NONAME, f"tests know no names; this is {host}")
        return getaddrinfo(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", checked_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_connect_ex)
    monkeypatch.setattr(socket.socket, "sendto", checked_sendto)
    monkeypatch.setattr(socket, "getaddrinfo", checked_getaddrinfo)


def _is_address(host: object) -> bool:
    """Whether it is an address already, so that nobody has to be asked for it."""
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True
