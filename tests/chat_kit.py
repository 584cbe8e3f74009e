"""Questions to language models and bodies of their answers, for tests."""

from __future__ import annotations

import json
from typing import Any

from core.messages import Media
from core.providers.base import Request, Result
from core.providers.chat import Chat
from core.wire import Answer

chat = Chat()
PICTURE = Media("a" * 64, "image/jpeg", 9)
VOICE = Media("b" * 64, "audio/mpeg", 9)
USAGE = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
PNG = "data:image/png;base64,iVBORw0KGgo="


def ask(prompt: str = "Hi", *media: Media, kind: str = "chat", **options: Any) -> Request:
    return Request("gpt-4.1-mini", kind, prompt, media, options)  # type: ignore[arg-type]


def whole(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A body in one piece."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1730621826,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": list(choices),
        "usage": USAGE,
        **more,
    }


def choice(content: Any = "Hello!", reason: Any = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, **message}
    return {"index": 0, "message": said, "finish_reason": reason}


def read(body: Any, request: Request | None = None, status: int = 200) -> Result:
    found = chat.accept(request or ask(), Answer(status, body))
    assert isinstance(found, Result)
    return found


def remarks(result: Result) -> Any:
    return result.facts["remarks"]


def streamed(*events: Any, cut: bool = False, stopped: bool = False) -> Any:
    """The body that a stream's events make."""
    stream = chat.stream(ask())
    for event in events:
        stream.add(event if isinstance(event, bytes) else json.dumps(event).encode())
    return stream.whole(cut=cut, stopped=stopped)


def piece(text: Any = "", reason: str | None = None, index: int = 0, **delta: Any) -> Any:
    more = {"content": text} if text else {}
    return {"choices": [{"index": index, "delta": {**more, **delta}, "finish_reason": reason}]}
