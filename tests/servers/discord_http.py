"""The HTTP side of the pretend Discord's API: reading, checking and answering requests.

Owns what every route shares: the journal, bodies and uploads, tokens, rate limits, faults, the
check against the published API. Knows nothing of what the routes do.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from tests.servers import discord_errors as errors
from tests.servers import specs
from tests.servers.discord_errors import ApiError, Problem
from tests.servers.discord_faults import CUT, Faults
from tests.servers.discord_limits import Limiter
from tests.servers.discord_messages import Draft, Upload
from tests.servers.discord_world import World

PREFIX = "/api/v10"
_FILE_PART = re.compile(r"files\[(\d+)\]")


@dataclass(eq=False)
class Call:
    """A request, as the journal keeps it.

    Attributes:
        path: Below `/api/v10`; for downloads the whole path.
        body: The decoded JSON, of a multipart body its `payload_json`.
        at: When it arrived, in epoch seconds of the server's clock.
        template: The route's path template, `""` where there is none.
        status: The answer's, None while there is none or the connection was cut.
        code: Discord's error code in the answer, if any.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    at: float
    body: Any = None
    uploads: tuple[Upload, ...] = ()
    template: str = ""
    params: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    code: int | None = None
    answer: Any = None
    unreadable: ApiError | None = None

    def __repr__(self) -> str:
        return f"<{self.method} {self.path} {self.status or '-'} {self.code or ''}>"

    def number(self, name: str) -> int:
        """An id of the path.

        Raises:
            ApiError: 50035, it is no number.
        """
        value = self.params[name]
        if not value.isdecimal():
            message = f'Value "{value}" is not snowflake.'
            raise errors.invalid([Problem((name,), "NUMBER_TYPE_COERCE", message)])
        return int(value)

    def draft(self, limit: int, part: str | None = None) -> Draft:
        """The message this request wants.

        Args:
            limit: Bytes a file may have.
            part: The member of the body that holds it, None for the body itself.
        """
        whole = self.body if isinstance(self.body, dict) else {}
        body = whole if part is None else whole.get(part) or {}
        return Draft(body, self.uploads, limit)


Answer = tuple[int, Any]
"""A status, and the JSON or None for none."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route.

    Args:
        method: The HTTP method.
        template: The path template as in the published API.
        handle: Does it.
        bucket: Which rate limit it falls under.
        with_token: Whether the bot's own token is required; such routes also count for the
            overall limit.
    """

    method: str
    template: str
    handle: Callable[[Call], Answer]
    bucket: str = ""
    with_token: bool = True

    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template))


class Api:
    """All routes behind one door.

    Args:
        world: What exists.
        token: The bot's.
        routes: Exact ones before those with parameters.

    Attributes:
        calls: The journal.
        violations: What the published API does not allow.
        own_faults: Where answers of this server differ from the published API.
    """

    def __init__(self, world: World, token: str, routes: list[Route]) -> None:
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.own_faults: list[str] = []
        self.faults = Faults()
        self.limiter = Limiter(world.limits)
        self._world = world
        self._token = token
        self._routes = [(route, route.pattern()) for route in routes]
        self._spec = specs.discord()

    def open(self, request: web.Request) -> Call:
        """Starts the journal entry of a request."""
        call = Call(
            request.method,
            request.path.removeprefix(PREFIX),
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
            self._world.clock.now(),
        )
        self.calls.append(call)
        self._world.watch.notify()
        return call

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers a request to the API."""
        call = self.open(request)
        try:
            await _read_body(request, call, self._world)
        except ApiError as error:
            call.unreadable = error
        fault = self.faults.take(call.method, call.path)
        if fault and not fault.after_effect:
            struck = await fault.strike(request)
            if struck is not None:
                return _noted(call, struck)
        response = self._answer(call)
        if fault and fault.after_effect:
            response = await fault.strike(request) or response
        return _noted(call, response)

    def _answer(self, call: Call) -> web.Response:
        headers: dict[str, str] = {}
        try:
            route = self._find(call)
            self._check_sender(call, route)
            headers = self.limiter.admit(route.bucket, call.params, by_token=route.with_token)
            if call.unreadable is not None:
                raise call.unreadable
            self._check_body(call, route)
            status, body = route.handle(call)
            self._check_answer(call, status, body)
        except ApiError as error:
            status, body = error.status, error.body()
            headers |= self.limiter.headers_of(error)
        except Exception as error:
            # The request met a rule nobody thought of: a finding, so it must not pass unseen.
            self.violations.append(f"{call.method} {call.path}: the server broke on it: {error!r}")
            status, body = 500, {"message": "Internal Server Error", "code": 0}
        call.answer = body
        return _json(status, body, headers)

    def _find(self, call: Call) -> Route:
        for route, pattern in self._routes:
            match = pattern.fullmatch(call.path)
            if match and route.method == call.method:
                call.template, call.params = route.template, match.groupdict()
                return route
        self.violations.append(f"{call.method} {call.path}: not served here")
        raise errors.not_found()

    def _check_sender(self, call: Call, route: Route) -> None:
        if not call.headers.get("user-agent"):
            raise ApiError(403, 40333, "internal network error")
        if route.with_token and call.headers.get("authorization") != f"Bot {self._token}":
            raise errors.unauthorized()

    def _check_body(self, call: Call, route: Route) -> None:
        if self._spec is None:
            return
        found = self._spec.body_faults(route.method, route.template, call.body)
        self.violations += [f"{call.method} {call.path}: {fault}" for fault in found]
        errors.refuse(Problem((), "PUBLISHED_API", fault) for fault in found)

    def _check_answer(self, call: Call, status: int, body: Any) -> None:
        if self._spec is not None:
            found = self._spec.answer_faults(call.method, call.template, status, body)
            self.own_faults += [f"{call.method} {call.template}: {fault}" for fault in found]


def _noted(call: Call, response: web.StreamResponse) -> web.StreamResponse:
    call.status = None if response.status == CUT else response.status
    if isinstance(call.answer, dict):
        call.code = call.answer.get("code")
    return response


def _json(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=headers)
    # The client compares the content type as a whole: no charset may stand in it.
    data = json.dumps(body, separators=(",", ":")).encode()
    response = web.Response(status=status, body=data, headers=headers)
    response.headers["Content-Type"] = "application/json"
    return response


async def _read_body(request: web.Request, call: Call, world: World) -> None:
    if not request.can_read_body:
        return
    limit = world.limits.request_bytes
    if (request.content_length or 0) > limit:
        # Read to the end: a client that is still sending would not see the answer.
        async for _ in request.content.iter_chunked(1 << 16):
            pass
        raise errors.too_large()
    match request.content_type:
        case "application/json":
            call.body = _decoded(await _read_all(request, limit))
        case "multipart/form-data":
            await _read_parts(request, call, world)
        case _:
            await _read_all(request, limit)
            message = "Expected \"Content-Type\" header to be one of {'application/json'}."
            raise errors.invalid([Problem((), "CONTENT_TYPE_INVALID", message)])


async def _read_all(request: web.Request, limit: int) -> bytes:
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise errors.too_large()
    return bytes(data)


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise ApiError(400, 50109, "The request body contains invalid JSON.") from None


async def _read_parts(request: web.Request, call: Call, world: World) -> None:
    uploads: list[Upload] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "payload_json":
            call.body = _decoded(bytes(await part.read()))
            continue
        match = _FILE_PART.fullmatch(part.name or "")
        if not match or not part.filename:
            problem = Problem((part.name or "?",), "BASE_TYPE_UNKNOWN", "This is no file part")
            raise errors.invalid([problem])
        uploads.append(await _spooled(part, int(match[1]), world))
    if sum(upload.size for upload in uploads) > world.limits.request_bytes:
        raise errors.too_large()
    call.body = {} if call.body is None else call.body
    call.uploads = tuple(uploads)


async def _spooled(part: BodyPartReader, index: int, world: World) -> Upload:
    path, size = world.files.new_path(), 0
    with path.open("wb") as file:
        while chunk := await part.read_chunk(1 << 16):
            size += file.write(chunk)
    return Upload(index, part.filename or "unknown", path, size)
