"""Which hosts files may be fetched from: public https ones, and those the owner trusts."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from core.errors import Refused, Spent
from core.i18n import mark

REFUSED = mark(
    "The file's address is one this bot must not open. The owner can allow its host under "
    "[security] trusted_hosts."
)


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the open internet."""
    try:
        ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(
            address.partition("%")[0]
        )
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            ip = inner
        elif ip in ipaddress.ip_network("64:ff9b::/96"):
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not ip.is_multicast


class Gatekeeper:
    """Decides about an address before it is opened."""

    def __init__(self, trusted: Sequence[str]) -> None:
        """`trusted`: `host` for any port, or `host:port`."""
        self._trusted = {one.lower() for one in trusted}

    def trusts(self, host: str, port: int) -> bool:
        """Tell whether the owner allows this host whatever its address is."""
        host = host.lower()
        return host in self._trusted or f"{host}:{port}" in self._trusted

    def check(self, url: str) -> None:
        """Raise `Refused` for an address that must not be opened."""
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise Refused(REFUSED, spent=Spent.YES, detail="unreadable address") from None
        host = parts.hostname or ""
        if parts.scheme in ("http", "https") and self.trusts(host, port):
            return
        literal = host.replace(".", "").isdigit() or ":" in host or host.startswith("0x")
        allowed = (
            parts.scheme == "https"
            and port == 443
            and not parts.username
            and "." in host
            and (not literal or is_public(host))
        )
        if not allowed:
            raise Refused(REFUSED, spent=Spent.YES, detail=f"host {host}")


class PublicResolver(AbstractResolver):
    """Resolves names, leaving out private addresses of hosts that are not trusted."""

    def __init__(self, gate: Gatekeeper) -> None:
        """`gate` knows the trusted hosts."""
        self._gate = gate
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name. Raises `OSError` when nothing public is left."""
        found = await self._inner.resolve(host, port, family)
        if self._gate.trusts(host, port):
            return found
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise OSError(None, "no public address")
        return public

    async def close(self) -> None:
        """Let go of the inner resolver."""
        await self._inner.close()
