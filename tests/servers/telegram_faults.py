"""Faults a test orders: errors, cut connections, delays, hangs and nonsense answers.

A fault strikes calls by method name, before the server does what was asked or after it, so that
"the answer was lost" and "nothing happened" can be told apart. A caller that hangs up while its
call is delayed before the effect has never been here. Knows HTTP, nothing of Telegram.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from tests.servers.telegram_wire import ApiError, Call

Kind = Literal["error", "drop", "delay", "hang", "garble", "html"]


@dataclass(eq=False, slots=True)
class Fault:
    """One order.

    Args:
        kind: What happens to the call.
        methods: Method names as a regular expression, matched whole and in any case; the name
            of downloads is `file`.
        times: How many calls it strikes, None for all until `cancel`.
        after_effect: Whether the server does what was asked before the fault shows.
        status: HTTP status of `error` and `html`.
        description: The sentence of `error`.
        retry_after: Seconds, told with `error`.
        seconds: How long `delay` takes.
        where: Which calls, beyond their method.
    """

    kind: Kind
    methods: str
    times: int | None = 1
    after_effect: bool = False
    status: int = 500
    description: str = "Internal Server Error"
    retry_after: int | None = None
    seconds: float = 0.0
    where: Callable[[Call], bool] | None = None
    hits: list[Call] = field(default_factory=list)
    _struck: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, call: Call) -> bool:
        """Whether the next such call is struck."""
        if self.times is not None and self.times <= 0:
            return False
        if not re.fullmatch(self.methods, call.method, re.IGNORECASE):
            return False
        return self.where is None or self.where(call)

    def cancel(self) -> None:
        """Strikes nothing more; calls that hang are let go."""
        self.times = 0
        self._released.set()

    async def wait_hit(self, timeout: float = 10.0) -> Call:
        """Waits until a call was struck (with `after_effect`: until it took effect).

        Raises:
            AssertionError: Nothing matched in time.
        """
        try:
            await asyncio.wait_for(self._struck.wait(), timeout)
        except TimeoutError:
            raise AssertionError(f"no call matched {self.methods} in {timeout} s") from None
        return self.hits[-1]

    async def strike(self, request: web.Request, call: Call) -> web.StreamResponse | None:
        """Does the harm.

        Returns:
            What the caller gets, or None when the call goes on as if nothing were.
        """
        self.hits.append(call)
        self._struck.set()
        match self.kind:
            case "delay":
                await asyncio.sleep(self.seconds)
                return None
            case "hang":
                await self._released.wait()
                return None
            case "drop":
                return _cut(request)
            case "garble":
                return web.Response(text='{"ok":true,"resu', content_type="application/json")
            case "html":
                page = f"<html><body><h1>{self.status} Bad Gateway</h1></body></html>"
                return web.Response(status=self.status, text=page, content_type="text/html")
            case "error":
                extra = {} if self.retry_after is None else {"retry_after": self.retry_after}
                error = ApiError(self.status, self.description, **extra)
                return web.json_response(error.body(), status=self.status)


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


class Faults:
    """The orders still open, oldest first; a call meets at most one."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Takes an order."""
        self._orders.append(fault)
        return fault

    def take(self, call: Call) -> Fault | None:
        """Finds the fault for a call and counts it down."""
        fault = next((order for order in self._orders if order.matches(call)), None)
        if fault and fault.times is not None:
            fault.times -= 1
        return fault

    def clear(self) -> None:
        """Drops all orders and lets hanging calls go."""
        for fault in self._orders:
            fault.cancel()
        self._orders.clear()
