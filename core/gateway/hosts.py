"""Which hosts files may be fetched from: public https ones, and those the owner trusts."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

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
        shown = f"[{host}]" if ":" in host else host
        return bool(self._trusted & {host, shown, f"{shown}:{port}"})

    def check(self, url: str, *, base: URL | None = None) -> URL:
        """The address as it is opened, read once for the check and for the request.

        `base` is the address that led to this one. Raises `Refused` for what must not be opened.
        """
        try:
            found = URL(url) if base is None else base.join(URL(url))
            host, port = found.host or "", found.port or 0
        except ValueError:
            raise Refused(REFUSED, spent=Spent.YES, detail="unreadable address") from None
        if found.scheme in ("http", "https") and self.trusts(host, port):
            return found
        if found.scheme != "https" or found.user or not _is_open(host):
            raise Refused(REFUSED, spent=Spent.YES, detail=f"host {host[:80]}")
        return found


def _is_open(host: str) -> bool:
    """A public address, or a full name that is looked at again when it is resolved.

    Numbers in other notations are no names: a system's resolver may read `2130706433`, `0x7f.1`
    and `127.1` as addresses.
    """
    if ":" in host:
        return is_public(host)
    last = host.rstrip(".").rpartition(".")[2]
    if last.isdigit() or last.startswith("0x"):
        return is_public(host)
    return "." in host.rstrip(".")


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
