"""The only HTTP client of core: one call, one request, never a retry; and safe downloads."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from core.archive import Archive
from core.errors import Refused, Spent, Unreachable
from core.gateway.hosts import Gatekeeper, PublicResolver
from core.i18n import mark
from core.messages import Media
from core.meters import CALLS, SECONDS
from core.wire import Answer, Blob, Call, Json

BODY = 8_000_000
"""Most bytes of an answer that are read."""
CHUNK = 256 * 1024


class GatewaySettings(BaseModel):
    """`[gateway]`: where the image service is and the keys to it."""

    model_config = ConfigDict(extra="forbid")

    base_url: str = "https://api.yescale.io"
    """The root, without `/v1`."""
    api_key: SecretStr = SecretStr("")
    """The key of an account with credit."""
    keys: dict[str, SecretStr] = Field(default_factory=dict)
    """A key of its own for a family, such as `midjourney`."""
    paths: dict[str, str] = Field(default_factory=dict)
    """Path beginnings to replace, such as `"/mj" = "/fast/mj"`."""
    timeout: float = Field(100.0, gt=0, le=170)
    """Seconds for one call."""

    @field_validator("base_url")
    @classmethod
    def _root(cls, value: str) -> str:
        root = value.rstrip("/").removesuffix("/v1")
        if not root.startswith(("http://", "https://")):
            raise ValueError("begins with https:// (or http:// for a server of your own)")
        return root

    @field_validator("api_key", "keys", mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        """People copy blanks along, and a header takes none."""
        if isinstance(value, dict):
            return {name: cls._bare(one) for name, one in value.items()}
        return value.strip() if isinstance(value, str) else value


class Gateway:
    """Talks to the image service and fetches files."""

    def __init__(
        self, settings: GatewaySettings, archive: Archive, *, trusted_hosts: Sequence[str] = ()
    ) -> None:
        """`trusted_hosts`: `host` or `host:port` that may be private and plain http."""
        self._settings = settings
        self._archive = archive
        self._gate = Gatekeeper(trusted_hosts)
        self._api: aiohttp.ClientSession | None = None
        self._files: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the sessions."""
        self._api = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=128, keepalive_timeout=10),
        )
        resolver = PublicResolver(self._gate)
        self._files = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=16, resolver=resolver, use_dns_cache=False),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the sessions."""
        for session in (self._api, self._files):
            if session is not None:
                await session.close()

    def _key(self, family: str) -> str:
        own = self._settings.keys.get(family)
        return (own or self._settings.api_key).get_secret_value()

    def _url(self, path: str) -> str:
        for head, other in self._settings.paths.items():
            if path.startswith(head):
                path = other + path[len(head) :]
                break
        return self._settings.base_url + path

    async def send(self, call: Call) -> Answer:
        """Make one request. Raises `Unreachable`: spent NO when it never left, UNKNOWN when the answer is lost."""
        started = time.monotonic()
        outcome = "lost"
        try:
            answer = await self._send(call)
            outcome = str(answer.status)
        except Unreachable as error:
            outcome = "not connected" if error.spent is Spent.NO else "lost"
            raise
        finally:
            CALLS.labels(call.family, outcome).inc()
            SECONDS.labels(call.family).observe(time.monotonic() - started)
        return answer

    async def _send(self, call: Call) -> Answer:
        if self._api is None:
            raise Unreachable(spent=Spent.NO)
        headers = {"Authorization": f"Bearer {self._key(call.family)}"}
        data: bytes | None = None
        if call.json is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(await self._filled(call.json), ensure_ascii=False).encode()
        if call.method == "POST":
            headers["Connection"] = "close"  # a kept connection that dies could hide a sent submit
        limit = aiohttp.ClientTimeout(
            total=min(call.timeout, self._settings.timeout), sock_connect=15
        )
        try:
            async with self._api.request(
                call.method,
                self._url(call.path),
                data=data,
                headers=headers,
                timeout=limit,
                allow_redirects=False,
            ) as response:
                return Answer(response.status, _parsed(await _whole(response)), _pause(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(spent=Spent.NO, detail=type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(spent=Spent.UNKNOWN, detail=type(error).__name__) from None

    async def _filled(self, value: Json) -> Json:
        """Put files' bytes where their places are."""
        match value:
            case Blob():
                return await asyncio.to_thread(self._encoded, value)
            case dict():
                return {k: await self._filled(v) for k, v in value.items()}
            case list() | tuple():
                return [await self._filled(v) for v in value]
            case _:
                return value

    def _encoded(self, blob: Blob) -> str:
        text = base64.b64encode(self._archive.path(blob.media).read_bytes()).decode()
        return f"data:{blob.media.mime};base64,{text}" if blob.form == "data_uri" else text

    async def fetch(self, url: str, *, limit: int, deadline: float = 60.0) -> Media:
        """Bring a file into the archive. Raises `BadInput` for what it is, a `GatewayError` for how it came."""
        try:
            async with asyncio.timeout(deadline):
                return await self._fetch(url, limit)
        except TimeoutError:
            raise Unreachable(mark("The file took too long to arrive."), spent=Spent.YES) from None

    async def _fetch(self, url: str, limit: int) -> Media:
        if self._files is None:
            raise Unreachable
        for _ in range(6):
            self._gate.check(url)
            try:
                async with self._files.get(
                    url,
                    allow_redirects=False,
                    headers={"User-Agent": "Mozilla/5.0 (Atelier)"},
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=30),
                ) as response:
                    if response.status in (301, 302, 303, 307, 308):
                        url = str(response.url.join(_location(response)))
                        continue
                    _check_status(response.status)
                    return await self._archive.put(_chunks(response), limit=limit)
            except (aiohttp.ClientError, OSError) as error:
                text = mark("The file could not be fetched just now.")
                raise Unreachable(text, spent=Spent.YES, detail=type(error).__name__) from None
        raise Refused(mark("The file's address leads nowhere."), spent=Spent.YES)


def _location(response: aiohttp.ClientResponse) -> Any:
    from yarl import URL  # noqa: PLC0415  (comes with aiohttp)

    return URL(response.headers.get("Location", ""))


def _check_status(status: int) -> None:
    if status in (401, 403, 404, 410):
        text = mark("The file's link is dead.")
        raise Refused(text, spent=Spent.YES, again=False, detail=f"HTTP {status}")
    if status != 200:
        text = mark("The file could not be fetched just now.")
        raise Unreachable(text, spent=Spent.YES, detail=f"HTTP {status}")


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for chunk in response.content.iter_chunked(CHUNK):
        yield chunk


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The body, at most `BODY` bytes of it; one `read` gives only what has arrived so far."""
    body = bytearray()
    while len(body) < BODY and (chunk := await response.content.read(BODY - len(body))):
        body += chunk
    return bytes(body)


def _parsed(body: bytes) -> Json:
    try:
        return json.loads(body)
    except ValueError:
        return body[:4000].decode("utf-8", "replace")


def _pause(response: aiohttp.ClientResponse) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None
