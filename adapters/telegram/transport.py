"""python-telegram-bot's HTTP on aiohttp: less CPU, uploads streamed from disk, and honest failures.

A connection that was never made is told apart from an answer that was lost: only the first is
certain to have had no effect. Knows nothing of messages.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import aiohttp
from telegram._utils.defaultvalue import DEFAULT_NONE
from telegram._utils.types import ODVInput
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData
from telegram.request._requestparameter import RequestParameter

os.environ.setdefault("PTB_TIMEDELTA", "1")
"""python-telegram-bot gives durations as `timedelta` and does not warn about it."""

CONNECT = 10.0
"""Seconds to connect."""
LONGEST = 115.0
"""Seconds a call with files may take in all."""
_DONE = re.compile(rb'\s*\{\s*"ok"\s*:\s*true\b')


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
        self._closed = False

    @property
    def read_timeout(self) -> float | None:
        """Seconds to wait for an answer by default."""
        return self._read

    async def initialize(self) -> None:
        """Open the session."""
        self._opened()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session

    async def shutdown(self) -> None:
        """Close the session for good."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def call(self, url: str, wait: float, **values: Any) -> Any:
        """Call a method and give its result as plain JSON."""
        parameters = [RequestParameter.from_input(k, v) for k, v in values.items()]
        return await self.post(url, RequestData(parameters), read_timeout=wait)

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
        if self._closed:
            raise NotConnectedError("closed")
        session = self._opened()
        files = request_data is not None and request_data.contains_files
        wait = read_timeout if isinstance(read_timeout, int | float) else self._read
        limit = aiohttp.ClientTimeout(
            total=LONGEST if files else wait + CONNECT, sock_connect=CONNECT, sock_read=wait
        )
        try:
            async with session.request(
                method, url, data=_body(request_data), timeout=limit, allow_redirects=False
            ) as answer:
                body = await answer.read()
                return _status(answer.status, body), body
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotConnectedError(type(error).__name__) from None
        except TimeoutError:
            raise TimedOut from None
        except aiohttp.ClientError as error:
            raise LostAnswerError(type(error).__name__) from None

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer; one that is no JSON object is not logged, it may hold anything."""
        try:
            found = json.loads(payload)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise TelegramError("Invalid server response")
        return found


def _status(status: int, body: bytes) -> int:
    """What the answer says happened: a refusal counts as one, also under HTTP 200."""
    if status != 200 or (_DONE.match(body) and b'"result"' in body):
        return status
    try:
        found = json.loads(body)
    except ValueError:
        return 502
    if isinstance(found, dict) and found.get("ok") is True and "result" in found:
        return 200
    code = found.get("error_code") if isinstance(found, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502


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
