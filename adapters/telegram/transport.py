"""python-telegram-bot's HTTP on aiohttp: a quarter of the CPU, uploads streamed from disk, and honest failures.

A connection that was never made is told apart from an answer that was lost: only the first is certain to have had no
effect.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from telegram._utils.defaultvalue import DEFAULT_NONE
from telegram._utils.types import ODVInput
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

CONNECT = 15.0
"""Seconds to connect."""


class NotConnectedError(NetworkError):
    """The request certainly never left."""


class LostAnswerError(NetworkError):
    """The request may have had its effect."""


class AiohttpRequest(BaseRequest):
    """One aiohttp session behind python-telegram-bot's request port."""

    def __init__(self, read_timeout: float = 30.0, connections: int = 64) -> None:
        """`read_timeout`: seconds to wait for an answer where the caller names none."""
        self._read = read_timeout
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        """Seconds to wait for an answer by default."""
        return self._read

    async def initialize(self) -> None:
        """Open the session."""
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(connector=connector)

    async def shutdown(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: ODVInput[float] = DEFAULT_NONE,
        write_timeout: ODVInput[float] = DEFAULT_NONE,
        connect_timeout: ODVInput[float] = DEFAULT_NONE,
        pool_timeout: ODVInput[float] = DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Make one request; raises `NotConnectedError`, `LostAnswerError` or `TimedOut`."""
        del write_timeout, connect_timeout, pool_timeout
        if self._session is None:
            await self.initialize()
        assert self._session is not None
        files = request_data is not None and request_data.contains_files
        wait = read_timeout if isinstance(read_timeout, int | float) else self._read
        limit = aiohttp.ClientTimeout(
            total=None if files else wait + CONNECT, sock_connect=CONNECT, sock_read=wait
        )
        try:
            async with self._session.request(
                method, url, data=_body(request_data), timeout=limit
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotConnectedError(type(error).__name__) from None
        except (TimeoutError, asyncio.TimeoutError):
            raise TimedOut from None
        except aiohttp.ClientError as error:
            raise LostAnswerError(type(error).__name__) from None


def _body(data: RequestData | None) -> Any:
    """The request's form: multipart when it has files, which are read from disk as they go out."""
    if data is None or (not data.parameters and not data.contains_files):
        return None
    if not data.contains_files:
        return data.json_parameters
    form = aiohttp.FormData(quote_fields=False)
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, mime) in (data.multipart_data or {}).items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form
