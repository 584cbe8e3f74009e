"""What the fake of language models demands of a question. Owns the models and their rules."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.answers import RefusedError, openai_error


@dataclass(frozen=True, slots=True)
class Model:
    """One model: USD a call, and what it can."""

    price: float
    openai: bool = False
    """Takes `n`, and a strict schema."""
    hears: bool = False
    draws: bool = False
    sees: bool = True


MODELS: Mapping[str, Model] = {
    "gpt-4.1-mini": Model(0.001, openai=True),
    "gpt-4.1": Model(0.005, openai=True),
    "gpt-4o": Model(0.006, openai=True),
    "gpt-4o-mini": Model(0.001, openai=True),
    "claude-sonnet-4-5": Model(0.01),
    "claude-haiku-4-5": Model(0.003),
    "gemini-2.5-flash": Model(0.001),
    "gemini-2.5-pro": Model(0.005),
    "gpt-4o-audio-preview": Model(0.02, openai=True, hears=True, sees=False),
    "gpt-4o-mini-audio-preview": Model(0.005, openai=True, hears=True, sees=False),
    "gemini-2.0-flash-exp-image-generation": Model(0.04, draws=True),
}
_FIELDS = frozenset({"model", "messages", "stream", "stream_options", "n", "tools"}) | frozenset(
    {"response_format", "modalities", "audio"}
)
_VOICES = frozenset(
    ["alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer"]
)
_PICTURE = re.compile(r"data:image/(png|jpeg|webp|gif);base64,|https?://")
_LARGEST = 20_000_000


def check(body: Any) -> Model:
    """The model that is asked. Raises `RefusedError` for anything it would not take."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages:
        raise bad("messages is required")
    name = str(body.get("model") or "")
    if name not in MODELS:
        raise RefusedError(openai_error(503, f"当前分组 default 下对于模型 {name} 无可用渠道"))
    model = MODELS[name]
    if unknown := set(body) - _FIELDS:
        raise bad(f"unknown parameter: {min(unknown)}")
    for message in messages:
        _message(model, message)
    if messages[-1]["role"] != "user":
        raise bad("the last message must be the user's")
    _options(model, body)
    return model


def _options(model: Model, body: Mapping[str, Any]) -> None:
    count = body.get("n", 1)
    if not isinstance(count, int) or not 1 <= count <= (8 if model.openai else 1):
        raise bad("n is not supported by this model")
    if "stream_options" in body and not body.get("stream"):
        raise bad("stream_options needs stream")
    if model.draws and body.get("stream"):
        raise bad("this model does not stream")
    if "audio" in body or "modalities" in body:
        audio = body.get("audio")
        if not model.hears or body.get("modalities") != ["text", "audio"]:
            raise bad("modalities is not supported by this model")
        if not isinstance(audio, dict) or audio.get("voice") not in _VOICES:
            raise bad("audio.voice is not supported")
        if body.get("stream") and audio.get("format") != "pcm16":
            raise bad("audio.format must be pcm16 with stream")
    form = body.get("response_format")
    if form is not None and not (
        isinstance(form, dict)
        and form.get("type") == "json_schema"
        and isinstance(form.get("json_schema"), dict)
        and {"name", "schema"} <= set(form["json_schema"])
    ):
        raise bad("response_format")
    for tool in body.get("tools") or ():
        if tool.get("type") != "function" or not tool.get("function", {}).get("name"):
            raise bad("tools")


def _message(model: Model, message: Any) -> None:
    if not isinstance(message, dict) or message.get("role") not in ("system", "user", "assistant"):
        raise bad("a message has no role")
    content = message.get("content")
    if isinstance(content, str):
        if not content.strip():
            raise bad("a message is empty")
        return
    if not isinstance(content, list) or not content:
        raise bad("content must be a string or a list of parts")
    for part in content:
        _part(model, part)


def _part(model: Model, part: Any) -> None:
    match part:
        case {"type": "text", "text": str() as text} if text.strip():
            return
        case {"type": "image_url", "image_url": {"url": str() as url}} if _PICTURE.match(url):
            if not model.sees:
                raise bad("this model takes no image_url")
            if url.startswith("data:"):
                _decoded(url.partition(",")[2])
        case {"type": "input_audio", "input_audio": {"data": str() as data, "format": form}}:
            if not model.hears or form not in ("wav", "mp3"):
                raise bad("input_audio is not supported")
            _sounds(_decoded(data), form)
        case _:
            raise bad("a content part cannot be read")


def _sounds(data: bytes, form: str) -> None:
    mp3 = data[:3] == b"ID3" or data[:1] == b"\xff"
    if not (mp3 if form == "mp3" else data[:4] == b"RIFF"):
        raise bad("input_audio is not of its format")


def _decoded(data: str) -> bytes:
    try:
        found = base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        raise bad("broken base64") from None
    if not found or len(found) > _LARGEST:
        raise bad("a file is empty or too large")
    return found


def bad(message: str) -> RefusedError:
    """A refusal of the question's form."""
    response: web.Response = openai_error(400, message, kind="invalid_request_error")
    return RefusedError(response)


def words_of(message: Mapping[str, Any]) -> str:
    """The text of a message."""
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content)
    return str(content or "")


def files_of(message: Mapping[str, Any], kind: str) -> list[bytes]:
    """The files of a kind in a message, `image_url` or `input_audio`."""
    content = message.get("content")
    found = []
    for part in content if isinstance(content, list) else ():
        if part.get("type") == kind:
            data = part[kind].get("data") or part[kind].get("url", "").partition(",")[2]
            found.append(base64.b64decode(data))
    return found
