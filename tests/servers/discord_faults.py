"""Faults a test orders: errors, cut connections, delays, hangs.

A fault strikes requests by method and path, before the server did what was asked or after it, so
that "the answer was lost" and "nothing happened" can be told apart. Knows HTTP only.
"""

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

CUT = 499
"""The status in the journal's place of an answer that never left."""

Kind = Literal["error", "drop", "delay", "hang"]


@dataclass(eq=False, slots=True)
class Fault:
    """One order.

    Args:
        kind: What happens to the request.
        method: The HTTP method, `"*"` for all.
        path: A regular expression searched in the path below `/api/v10`.
        times: How many requests it strikes, None for all until `cancel`.
        after_effect: Whether the server does what was asked before the fault shows.
        status: HTTP status of `error`.
        body: JSON of `error`; None for a page of the kind a proxy in front of Discord sends.
        headers: Further headers of `error`.
        seconds: How long `delay` takes.
    """

    kind: Kind
    method: str
    path: str
    times: int | None = 1
    after_effect: bool = False
    status: int = 500
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    hits: int = 0
    _struck: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, method: str, path: str) -> bool:
        """Whether such a request is struck next."""
        if self.times is not None and self.times <= 0:
            return False
        return self.method in ("*", method) and re.search(self.path, path) is not None

    def cancel(self) -> None:
        """Strikes nothing more; requests that hang go on."""
        self.times = 0
        self._released.set()

    async def wait_hit(self, timeout: float = 10.0) -> None:
        """Waits until a request was struck (with `after_effect`: until it took effect).

        Raises:
            AssertionError: Nothing matched in time.
        """
        try:
            await asyncio.wait_for(self._struck.wait(), timeout)
        except TimeoutError:
            raise AssertionError(f"no {self.method} {self.path} in {timeout} s") from None

    async def strike(self, request: web.Request) -> web.StreamResponse | None:
        """Does the harm.

        Returns:
            What the client gets, or None when the request goes on as if nothing were.
        """
        self.hits += 1
        self._struck.set()
        match self.kind:
            case "delay":
                await asyncio.sleep(self.seconds)
                return None
            case "hang":
                await self._released.wait()
                return None
            case "drop":
                if request.transport is not None:
                    request.transport.abort()
                return web.Response(status=CUT)
            case "error":
                return self._error()

    def _error(self) -> web.Response:
        if self.body is None:
            page = f"<html><body><h1>error {self.status}</h1></body></html>"
            kind, data = "text/html", page.encode()
        else:
            kind, data = "application/json", json.dumps(self.body).encode()
        response = web.Response(status=self.status, body=data, headers=self.headers)
        response.headers["Content-Type"] = kind
        return response


class Faults:
    """The orders still open, oldest first; a request meets at most one."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Takes an order."""
        self._orders.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """Finds the fault for a request and counts it down."""
        fault = next((order for order in self._orders if order.matches(method, path)), None)
        if fault and fault.times is not None:
            fault.times -= 1
        return fault

    def clear(self) -> None:
        """Drops all orders and lets hanging requests go."""
        for fault in self._orders:
            fault.cancel()
        self._orders.clear()
