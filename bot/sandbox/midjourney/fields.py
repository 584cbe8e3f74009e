"""Reading what a client sends: types, unknown fields, pictures. Strict, as nobody else will be.

Owns the checks of request bodies. What a refusal looks like is the dialect's business.
"""

import base64
import binascii
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from PIL import Image

from bot.sandbox.answers import RefusedError
from bot.sandbox.ground import VISIT
from bot.sandbox.midjourney.dialects import Dialect, upstream
from bot.sandbox.pictures.palettes import Colour

Check = Callable[[Any], bool]
Body = dict[str, Any]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


_COMMON: Mapping[str, Check] = {"notifyHook": _text, "state": _text}
_NEW: Mapping[str, Check] = {**_COMMON, "botType": _text, "accountFilter": _object}

IMAGINE: Mapping[str, Check] = {**_NEW, "prompt": _text, "base64Array": _texts}
BLEND: Mapping[str, Check] = {**_NEW, "base64Array": _texts, "dimensions": _text}
DESCRIBE: Mapping[str, Check] = {
    **_NEW,
    "base64": _text,
    "link": _text,
    "language": _text,
}
SHORTEN: Mapping[str, Check] = {**_NEW, "prompt": _text}
CHANGE: Mapping[str, Check] = {
    **_COMMON,
    "taskId": _text,
    "action": _text,
    "index": _whole,
}
SIMPLE_CHANGE: Mapping[str, Check] = {**_COMMON, "content": _text}
ACTION: Mapping[str, Check] = {
    **_COMMON,
    "taskId": _text,
    "customId": _text,
    "chooseSameChannel": _flag,
    "enableRemix": _flag,
    "strong": _flag,
}
MODAL: Mapping[str, Check] = {
    **_COMMON,
    "taskId": _text,
    "prompt": _text,
    "maskBase64": _text,
}
LIST: Mapping[str, Check] = {"ids": _texts}


def read(request: web.Request, raw: Any, fields: Mapping[str, Check], dialect: Dialect) -> Body:
    """The body's fields. Null counts as absent; unknown ones are noted and left out.

    Raises:
        RefusedError: If it is not a JSON object, or a field has the wrong type.

    """
    seen = request[VISIT].seen
    if request.content_type != "application/json":
        seen.warn(f"content type {request.content_type} instead of application/json")
        raise RefusedError(dialect.refuse(4, "bind_request_body_failed"))
    if not isinstance(raw, dict):
        raise RefusedError(dialect.refuse(4, "bind_request_body_failed"))
    body: Body = {}
    for name, value in raw.items():
        if name not in fields:
            seen.warn(f"unknown field {name}")
        elif value is not None:
            if not fields[name](value):
                seen.warn(f"wrong type of {name}")
                raise RefusedError(dialect.refuse(4, "bind_request_body_failed"))
            body[name] = value
    _check_common(body)
    return body


def _check_common(body: Body) -> None:
    if body.get("botType", "MID_JOURNEY") not in ("", "MID_JOURNEY", "NIJI_JOURNEY"):
        raise RefusedError(upstream(4, "botType参数错误"))
    if len(body.get("state", "")) > 255 or len(body.get("notifyHook", "")) > 2000:
        raise RefusedError(upstream(4, "state or notifyHook is too long"))


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that came as a data URI."""

    data: bytes
    mime: str
    size: tuple[int, int]
    colours: tuple[Colour, ...]
    """Its main colours, commonest first."""
    thumbnail: bytes
    """A small JPEG of it."""


_DATA_URI = re.compile(r"data:([a-z]+/[a-z0-9.+-]+);base64,")
_THUMBNAIL = (384, 384)


def uploads(uris: list[str]) -> list[Upload]:
    """Read data URIs. Slow: to be run in a thread.

    Raises:
        RefusedError: If one is not a picture, or not of the type it claims to be.

    """
    return [_upload(uri) for uri in uris]


def _upload(uri: str) -> Upload:
    match = _DATA_URI.match(uri)
    if match is None:
        raise RefusedError(upstream(4, "base64格式错误: not a data URI with a mime type"))
    try:
        data = base64.b64decode(uri[match.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(upstream(4, "base64格式错误: not base64")) from None
    try:
        return _picture(data, match[1])
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise RefusedError(upstream(4, "base64格式错误: not a picture, or a broken one")) from None


def _picture(data: bytes, claimed: str) -> Upload:
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF")) as image:
        real = Image.MIME[image.format or ""]
        if claimed != real:
            raise RefusedError(upstream(4, f"base64格式错误: says {claimed}, is {real}"))
        size = image.size
        image.load()
        small = image.convert("RGB")
    small.thumbnail(_THUMBNAIL)
    return Upload(data, real, size, _main_colours(small), _as_jpeg(small))


def _main_colours(image: Image.Image) -> tuple[Colour, ...]:
    few = image.resize((48, 48)).quantize(5)
    palette = few.getpalette() or [0, 0, 0]
    counted = sorted(few.getcolors() or [(1, 0)], reverse=True)
    indices = [index for _, index in counted if isinstance(index, int)]
    return tuple((palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]) for i in indices)


def _as_jpeg(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=85)
    return target.getvalue()


def mask_of(uri: str) -> bytes:
    """The mask of a region to repaint, small and grey. Slow: to be run in a thread.

    Raises:
        RefusedError: If it is not a picture of the type it claims to be.

    """
    upload = _upload(uri)
    target = io.BytesIO()
    with Image.open(io.BytesIO(upload.thumbnail)) as image:
        image.convert("L").save(target, "PNG")
    return target.getvalue()
