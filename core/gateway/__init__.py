"""The only HTTP client of core: one call, one request, never a retry; and safe downloads."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace, TracebackType
from typing import Any, Self, TypeAlias

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from yarl import URL

from core.archive import Archive
from core.errors import BadInput, Garbled, Refused, Spent, StoreError, Unreachable
from core.gateway.events import EVENTS, begun, events, lines_of
from core.gateway.hosts import Gatekeeper, PublicResolver
from core.i18n import mark
from core.messages import Media
from core.meters import CALLS, SECONDS
from core.pictures import given
from core.wire import Answer, Blob, Call, Json, pause

TEXT = 4000
"""Characters that are kept of an answer that is not JSON."""
CHUNK = 256 * 1024
SYSTEM = "system"
"""Family of the calls that ask about the account, at another address with another key."""
CONNECT = 15.0
"""Seconds to connect."""
MISSING = mark("The picture for this is not in the archive any more. Please send it again.")
NO_LINK = mark(
    "This model takes pictures only by their address. The owner of the bot can make that work with "
    "[web] public_url; until then, choose another model or leave the picture out."
)
Leave: TypeAlias = Callable[[], Awaitable[None]]
"""Awaited once a connection is there, before the first byte is said on it."""
HOPS = 6
"""Addresses a download may be sent on to."""


class GatewaySettings(BaseModel):
    """`[gateway]`: where the image service is and the keys to it."""

    model_config = ConfigDict(extra="forbid")

    base_url: str = "https://api.yescale.io"
    """The root, without `/v1`."""
    api_key: SecretStr = SecretStr("")
    """The key of an account with credit."""
    keys: dict[str, SecretStr] = Field(default_factory=dict)
    """A key of its own for a family or a model, such as `midjourney` or `flux-pro`."""
    access_key: SecretStr = SecretStr("")
    """The account's own key, which is no `sk-` key; only for `/balance`."""
    system_url: str = ""
    """Where the account can be asked about with it."""
    paths: dict[str, str] = Field(default_factory=dict)
    """Path beginnings to replace, such as `"/mj" = "/fast/mj"`."""
    timeout: float = Field(170.0, gt=0, le=170)
    """Seconds for one call."""

    @field_validator("base_url")
    @classmethod
    def _root(cls, value: str) -> str:
        root = value.strip().rstrip("/").removesuffix("/v1").rstrip("/")
        if not root.startswith(("http://", "https://")):
            raise ValueError("begins with https:// (or http:// for a server of your own)")
        return root

    @field_validator("system_url")
    @classmethod
    def _elsewhere(cls, value: str) -> str:
        return cls._root(value) if value.strip() else ""

    @field_validator("api_key", "access_key", "keys", mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        """People copy blanks along, and a header takes none."""
        if isinstance(value, dict):
            return {name: cls._bare(one) for name, one in value.items()}
        return value.strip() if isinstance(value, str) else value


class Gateway:
    """Talks to the image service and fetches files."""

    def __init__(
        self,
        settings: GatewaySettings,
        archive: Archive,
        *,
        trusted_hosts: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        link: Callable[[Media], str] = lambda media: "",
    ) -> None:
        """`trusted_hosts`: `host` or `host:port` that may be private and plain http. `link` gives a
        file's passing public address, or nothing where there is none.
        """
        self._link = link
        self._settings = settings
        self._archive = archive
        self._gate = Gatekeeper(trusted_hosts)
        self._clock = clock
        self._stack = contextlib.AsyncExitStack()
        self._asking: aiohttp.ClientSession | None = None
        self._paying: aiohttp.ClientSession | None = None
        self._files: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the sessions."""
        self._asking = await self._session(aiohttp.TCPConnector(limit=128, keepalive_timeout=10))
        # A connection that was kept open can die while a submit is written to it, and then nobody
        # knows whether it arrived: every submit gets a fresh one.
        self._paying = await self._session(aiohttp.TCPConnector(limit=256, force_close=True))
        resolver = PublicResolver(self._gate)
        self._files = await self._session(
            aiohttp.TCPConnector(limit=16, resolver=resolver, use_dns_cache=False)
        )
        return self

    async def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[_tracer()]
        )
        return await self._stack.enter_async_context(session)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the sessions."""
        await self._stack.aclose()

    # -- calls -----------------------------------------------------------------------------------

    async def send(self, call: Call, leave: Leave | None = None) -> Answer:
        """Make one request; what `leave` raises keeps it from leaving, and is raised.

        Raises:
            Unreachable: `spent` is NO when the request certainly never left, UNKNOWN when its
                answer was lost.
        """
        return await self._measured(call, lambda: self._send(call, None, leave))

    async def _measured(self, call: Call, send: Callable[[], Awaitable[Answer]]) -> Answer:
        started = time.monotonic()
        outcome = "lost"
        try:
            answer = await send()
            outcome = str(answer.status)
        except Unreachable as error:
            outcome = "not sent" if error.spent is Spent.NO else "lost"
            raise
        finally:
            CALLS.labels(call.family, outcome).inc()
            SECONDS.labels(call.family).observe(time.monotonic() - started)
        return answer

    async def _send(
        self, call: Call, take: Callable[[bytes], bool] | None, leave: Leave | None
    ) -> Answer:
        session = self._asking if call.method == "GET" or call.reads else self._paying
        if session is None or session.closed:
            raise Unreachable(spent=Spent.NO, detail="closed")
        sent = SimpleNamespace(headers=False, leave=leave)
        limit = aiohttp.ClientTimeout(
            total=None if call.stream else min(call.timeout, self._settings.timeout),
            sock_connect=CONNECT,
            sock_read=min(call.timeout, self._settings.timeout),
        )
        with contextlib.ExitStack() as files:
            try:
                data, kind = await self._body(call, files)
            except OSError as error:
                raise Refused(MISSING, detail=type(error).__name__) from None
            except (BadInput, StoreError) as error:
                raise Refused(error.text, detail=str(error)) from None
            try:
                async with session.request(
                    call.method,
                    self._url(call),
                    data=data,
                    headers={"Authorization": f"Bearer {self._key(call)}", **kind},
                    timeout=limit,
                    allow_redirects=False,
                    trace_request_ctx=sent,
                ) as response:
                    return await self._answer(call, response, take)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                spent = Spent.UNKNOWN if sent.headers else Spent.NO
                raise Unreachable(spent=spent, detail=type(error).__name__) from None

    async def system(self, path: str) -> Answer | None:
        """Ask about the account with its access key; None where it is not set. Raises as `send`."""
        if not self._settings.system_url or not self._settings.access_key.get_secret_value():
            return None
        return await self.send(Call("GET", path, SYSTEM, timeout=CONNECT))

    @property
    def keyed(self) -> list[str]:
        """Families and models with a key of their own."""
        return list(self._settings.keys)

    async def stream(
        self, call: Call, take: Callable[[bytes], bool], leave: Leave | None = None
    ) -> Answer:
        """Make one request whose answer comes as events; `take` gets the data of each as it comes
        and says whether to go on.

        The body of a good answer is True when it came to its end, False when it broke off or was
        not wanted any more; an answer that is no stream is read as usual. Raises as `send`.
        """
        return await self._measured(call, lambda: self._send(call, take, leave))

    async def _answer(
        self, call: Call, response: aiohttp.ClientResponse, take: Callable[[bytes], bool] | None
    ) -> Answer:
        """The answer; events are known by how they begin, whatever type they are said to be."""
        if take is None or not response.ok:
            return await self._plain(call, response)
        lines = lines_of(response)
        first = await begun(lines)
        if first.startswith(EVENTS):
            return Answer(response.status, await events(first, lines, take))
        body = b"\n".join([first, *[line async for line in lines]])
        return self._read_as(call, response, body)

    async def _plain(self, call: Call, response: aiohttp.ClientResponse) -> Answer:
        if call.binary and response.status == 200 and "json" not in response.content_type:
            try:
                kept = await self._archive.put(_chunks(response), limit=call.most)
            except BadInput as error:
                raise Garbled(detail=str(error)) from error
            return Answer(response.status, kept)
        return self._read_as(call, response, await _read(response, call.most))

    def _read_as(self, call: Call, response: aiohttp.ClientResponse, body: bytes) -> Answer:
        wait = pause(response.headers.get("Retry-After"), self._clock())
        most = call.most if call.words and response.ok else TEXT
        return Answer(response.status, _parsed(body, most), wait)

    def _key(self, call: Call) -> str:
        if call.family == SYSTEM:
            return self._settings.access_key.get_secret_value()
        keys = self._settings.keys
        own = next((keys[name] for name in (*call.keys, call.family) if name in keys), None)
        return (own or self._settings.api_key).get_secret_value()

    def _url(self, call: Call) -> URL:
        path = call.path
        if call.family == SYSTEM:
            return URL(self._settings.system_url + path, encoded=True)
        for head, other in self._settings.paths.items():
            if path.startswith(head):
                path = other + path[len(head) :]
                break
        return URL(self._settings.base_url + path, encoded=True)

    async def _body(
        self, call: Call, files: contextlib.ExitStack
    ) -> tuple[bytes | aiohttp.FormData | None, dict[str, str]]:
        """The body of a call and the headers it needs; opened files are closed with `files`."""
        value = call.json
        if value is None:
            return None, {}
        value = await self._fitted(value, files)
        if isinstance(value, dict) and (
            call.multipart or any(_is_file(part) for part in _parts(value.values()))
        ):
            return self._form(value, files), {}
        filled = await self._filled(value)
        text = json.dumps(filled, ensure_ascii=False)
        return text.encode(errors="replace"), {"Content-Type": "application/json"}

    async def _fitted(self, value: Json, files: contextlib.ExitStack) -> Json:
        """The body with every picture as the service may have it; copies go with `files`, except
        those that it fetches itself. Raises `BadInput` and `StoreError`.
        """
        match value:
            case Blob(media=media):
                copy = await given(self._archive, media, types=value.types, most=value.most)
                if copy is None:
                    return value
                if value.form != "url":
                    files.callback(self._archive.forget, copy)
                return replace(value, media=copy)
            case dict():
                return {k: await self._fitted(v, files) for k, v in value.items()}
            case list() | tuple():
                return [await self._fitted(v, files) for v in value]
            case _:
                return value

    def _form(self, value: Mapping[str, Json], files: contextlib.ExitStack) -> aiohttp.FormData:
        """A multipart form; its files are read from the archive while it is sent."""
        form = aiohttp.FormData(default_to_multipart=True)
        for name, entry in value.items():
            for part in _parts([entry]):
                if isinstance(part, Blob):
                    stream = files.enter_context(self._archive.path(part.media).open("rb"))
                    form.add_field(
                        name, stream, filename=part.media.name, content_type=part.media.mime
                    )
                else:
                    form.add_field(name, part if isinstance(part, str) else json.dumps(part))
        return form

    async def _filled(self, value: Json) -> Json:
        """Put files' bytes where their places are."""
        match value:
            case Blob(form="url"):
                return self._linked(value.media)
            case Blob():
                return await asyncio.to_thread(self._text, value.form, value.media)
            case dict():
                return {k: await self._filled(v) for k, v in value.items()}
            case list() | tuple():
                return [await self._filled(v) for v in value]
            case _:
                return value

    def _linked(self, media: Media) -> str:
        """A file's passing address on this bot's own server. Raises `Refused` without one."""
        url = self._link(media)
        if not url:
            raise Refused(NO_LINK, detail="no public_url")
        return url

    def _text(self, form: str, media: Media) -> str:
        text = base64.b64encode(self._archive.path(media).read_bytes()).decode()
        return f"data:{media.mime};base64,{text}" if form == "data_uri" else text

    # -- files -----------------------------------------------------------------------------------

    async def fetch(
        self, url: str, *, limit: int, deadline: float = 60.0, passing: bool = False
    ) -> Media:
        """Bring a file of at most `limit` bytes into the archive, in at most `deadline` seconds;
        `passing` as for `Archive.put`. An address without a host is one at the gateway.

        Raises:
            BadInput: It is not what can be used.
            GatewayError: It did not come; `again` says whether it may come later.
            StoreError: The archive did not take it.
        """
        try:
            async with asyncio.timeout(deadline):
                return await self._fetch(url, limit, passing)
        except TimeoutError:
            raise Unreachable(mark("The file took too long to arrive."), spent=Spent.YES) from None

    async def _fetch(self, url: str, limit: int, passing: bool) -> Media:
        if self._files is None or self._files.closed:
            raise Unreachable(spent=Spent.YES, detail="closed")
        target = self._gate.check(url, base=URL(self._settings.base_url))
        for _ in range(HOPS):
            try:
                async with self._files.get(
                    target,
                    allow_redirects=False,
                    headers={"User-Agent": "Mozilla/5.0 (compatible; Atelier)"},
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=30),
                ) as response:
                    if response.status not in (301, 302, 303, 307, 308):
                        _check_status(response.status)
                        return await self._archive.put(
                            _chunks(response), limit=limit, passing=passing
                        )
                    location = response.headers.get("Location", "")
            except (aiohttp.ClientError, OSError) as error:
                raise _not_fetched(type(error).__name__) from None
            target = self._gate.check(location, base=target)
        raise Refused(mark("The file's address leads nowhere."), spent=Spent.YES)


def _tracer() -> aiohttp.TraceConfig:
    """Holds a request until it may leave, and notes when its first bytes are about to."""

    async def leaving(session: object, context: SimpleNamespace, params: object) -> None:
        del session, params
        if (sent := context.trace_request_ctx) is not None:
            if sent.leave is not None:
                await sent.leave()
            sent.headers = True

    tracer = aiohttp.TraceConfig()
    tracer.on_request_headers_sent.append(leaving)
    return tracer


def _is_file(value: Json) -> bool:
    return isinstance(value, Blob) and value.form == "file"


def _parts(values: Any) -> Iterator[Json]:
    """The values of a form, with those of lists one by one."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from value
        else:
            yield value


def _check_status(status: int) -> None:
    if status in (401, 403, 404, 410):
        text = mark("The file's link is dead.")
        raise Refused(text, spent=Spent.YES, again=False, detail=f"HTTP {status}")
    if status != 200:
        raise _not_fetched(f"HTTP {status}")


def _not_fetched(why: str) -> Unreachable:
    text = mark("The file could not be fetched just now.")
    return Unreachable(text, spent=Spent.YES, detail=why)


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """A file's bytes; a connection that breaks is never taken for a fault of the disk."""
    try:
        async for chunk in response.content.iter_chunked(CHUNK):
            yield chunk
    except (aiohttp.ClientError, OSError) as error:
        raise _not_fetched(type(error).__name__) from None


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole body, or somewhat more than its first `most` bytes."""
    parts: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(CHUNK):
        parts.append(chunk)
        size += len(chunk)
        if size >= most:
            break
    return b"".join(parts)


def _parsed(body: bytes, most: int) -> Json:
    """A body as JSON, else its first `most` characters."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body[: 4 * most].decode("utf-8", "replace")[:most]
