"""How a Bot API call travels: bodies in, errors out.

Owns reading JSON, form and multipart bodies into one shape (uploads streamed to disk, so that
50 MB files cost no memory), and the error a method raises. Knows nothing of chats or messages.
"""

import hashlib
import json
import mimetypes
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

MAX_UPLOAD = 50 * 1024 * 1024
"""The largest file a bot may upload, in bytes (Bot API, sendDocument)."""

_CHUNK = 256 * 1024
_TRUE = frozenset({"true", "1", "yes", "y", "t"})


def name_set(text: str) -> frozenset[str]:
    """A set of names written in one line."""
    return frozenset(text.split())


_JSON_NAMES = name_set(
    "allowed_updates caption_entities commands entities link_preview_options media menu_button "
    "message_ids quote_entities reaction reply_markup reply_parameters scope"
)
_INTEGER_NAMES = name_set(
    "cache_time chat_id draft_id duration height limit max_connections message_id "
    "message_thread_id offset timeout user_id width"
)


class ApiError(Exception):
    """A refused call, as the Bot API says it.

    Args:
        code: HTTP status and `error_code`.
        description: The sentence, prefix included ("Bad Request: chat not found").
        parameters: `retry_after` (seconds) or `migrate_to_chat_id`.
    """

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        body: dict[str, Any] = {
            "ok": False,
            "error_code": self.code,
            "description": self.description,
        }
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad(reason: str) -> ApiError:
    """A 400 with the usual prefix."""
    return ApiError(400, f"Bad Request: {reason}")


def forbidden(reason: str) -> ApiError:
    """A 403 with the usual prefix."""
    return ApiError(403, f"Forbidden: {reason}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in, kept on disk; equal bytes have equal digests."""

    name: str
    mime: str
    size: int
    digest: str
    path: Path

    @property
    def data(self) -> bytes:
        """The bytes exactly as they were sent."""
        return self.path.read_bytes()

    def head(self, length: int = 64) -> bytes:
        """The first bytes, enough to tell the type."""
        with self.path.open("rb") as handle:
            return handle.read(length)


def keep(folder: Path, data: bytes, name: str, mime: str | None = None) -> Upload:
    """Puts bytes that are already in memory where streamed uploads go."""
    path = folder / uuid.uuid4().hex
    path.write_bytes(data)
    guessed = mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Upload(name, guessed, len(data), hashlib.sha256(data).hexdigest(), path)


@dataclass(slots=True)
class Params:
    """One call's parameters, whatever body they came in.

    Values from form and multipart bodies are strings, from JSON bodies what JSON made of them;
    the accessors hide the difference and raise the API's own errors.
    """

    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        """The parameter as a string."""
        value = self.values.get(name)
        return default if value is None else str(value)

    def integer(self, name: str) -> int | None:
        """The parameter as an integer, None when absent or empty."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        try:
            return int(str(value))
        except ValueError:
            raise bad(f'parameter "{name}" must be an integer') from None

    def flag(self, name: str) -> bool:
        """The parameter as a boolean; absent is False."""
        value = self.values.get(name)
        return str(value).lower() in _TRUE

    def json(self, name: str) -> Any:
        """The parameter as a JSON value, None when absent or empty."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad(f"can't parse {name} JSON object") from None

    def attached(self, reference: str) -> Upload:
        """The uploaded part an `attach://name` names."""
        name = reference.removeprefix("attach://")
        if name not in self.files:
            raise bad("wrong file identifier/HTTP URL specified")
        return self.files[name]

    def source(self, name: str) -> Upload | str | None:
        """A file parameter: the upload itself, a file_id or an URL, or None."""
        if name in self.files:
            return self.files[name]
        text = self.text(name)
        if text.startswith("attach://"):
            return self.attached(text)
        return text or None

    def plain(self) -> dict[str, Any]:
        """The parameters with JSON, integers and booleans decoded, for journals and tests."""
        return {name: _plain(name, value) for name, value in self.values.items()}


def _plain(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    if name in _JSON_NAMES:
        try:
            return json.loads(value)
        except ValueError:
            return value
    if name in _INTEGER_NAMES and value.removeprefix("-").isdigit():
        return int(value)
    return value == "true" if value in ("true", "false") else value


async def read_params(request: web.Request, folder: Path) -> Params:
    """Reads a call's parameters from the query and any of the three kinds of body.

    Args:
        request: The call.
        folder: Where uploads are written.

    Raises:
        ApiError: 400 for an unreadable body, 413 for a file over `MAX_UPLOAD`.
    """
    params = Params(values=dict(request.query))
    if request.method == "GET" or not request.can_read_body:
        return params
    match request.content_type:
        case "application/json":
            params.values |= await _json_body(request)
        case "multipart/form-data":
            await _multipart_body(request, folder, params)
        case _:
            params.values |= {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
    return params


async def _json_body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise bad("can't parse JSON object") from None
    if not isinstance(body, dict):
        raise bad("JSON object expected")
    return body


async def _multipart_body(request: web.Request, folder: Path, params: Params) -> None:
    too_large = False
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise bad("can't parse multipart body")
        if part.filename is None:
            params.values[part.name] = await part.text()
            continue
        upload = await _stream(part, folder)
        if upload is None:
            too_large = True
        else:
            params.files[part.name] = upload
    if too_large:
        raise ApiError(413, "Request Entity Too Large")


async def _stream(part: BodyPartReader, folder: Path) -> Upload | None:
    """Writes a part to disk; reads one that is too large to its end, keeping none of it."""
    path = folder / uuid.uuid4().hex
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as handle:
        while chunk := await part.read_chunk(_CHUNK):
            size += len(chunk)
            if size <= MAX_UPLOAD:
                digest.update(chunk)
                handle.write(chunk)
    if size > MAX_UPLOAD:
        path.unlink()
        return None
    mime = part.headers.get("Content-Type", "application/octet-stream")
    return Upload(part.filename or "file", mime, size, digest.hexdigest(), path)


@dataclass(slots=True)
class Call:
    """One line of the journal: a call as it came and what became of it.

    `params` is decoded; `status` is what the caller was told (0: the connection was cut);
    `executed` says whether the server did what was asked, which a fault can hide.
    """

    method: str
    params: dict[str, Any]
    files: dict[str, Upload]
    at: float
    status: int = 0
    executed: bool = False
    result: Any = None
    error: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def get(self, name: str, default: Any = None) -> Any:
        """One parameter, decoded."""
        return self.params.get(name, default)

    @property
    def chat_id(self) -> int | None:
        """The chat it is about, where it names one by number."""
        chat = self.params.get("chat_id")
        return chat if isinstance(chat, int) else None


class Journal(list[Call]):
    """All calls in the order they arrived."""

    def of(self, *methods: str) -> list[Call]:
        """The calls of some methods, named in any case."""
        wanted = {method.lower() for method in methods}
        return [call for call in self if call.method.lower() in wanted]

    def done(self, *methods: str) -> list[Call]:
        """Like `of`, only those that took effect."""
        return [call for call in self.of(*methods) if call.executed]

    def to(self, chat_id: int) -> Iterator[Call]:
        """The calls about one chat."""
        return (call for call in self if call.chat_id == chat_id)
