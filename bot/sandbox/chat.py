"""The fake of language models: `/v1/chat/completions`, in one piece and as a stream.

Answers in Markdown about what was asked; magic words make it fail, stop in the middle, think aloud
or propose a picture.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox.answers import DroppedError, RefusedError, json_answer, openai_error
from bot.sandbox.ground import VISIT, Ground
from bot.sandbox.magic import words_in

_PRICES: Mapping[str, float] = {
    "gpt-4.1-mini": 0.001,
    "gpt-4.1": 0.005,
    "gpt-4o": 0.006,
    "gpt-4o-mini": 0.001,
    "claude-sonnet-4-5": 0.01,
    "claude-haiku-4-5": 0.003,
    "gemini-2.5-flash": 0.001,
    "gemini-2.5-pro": 0.005,
}
_LONG = "\n\n".join(
    f"## Part {n}\n\nA paragraph about **{word}**, with a [link](https://example.com/{n}) and:"
    f"\n\n- one\n- two\n\n```python\nprint({n})\n```"
    for n, word in enumerate(["light", "water", "stone", "wind", "paper", "glass", "smoke"] * 3, 1)
)


class Chat:
    """Chat completions."""

    submit = re.compile(r"^/v1/chat/completions")
    public = re.compile(r"(?!)")
    prices = _PRICES

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._asked = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """The one endpoint."""
        yield web.post("/v1/chat/completions", self._complete)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = request[VISIT].json
        messages = body.get("messages") if isinstance(body, dict) else None
        if not isinstance(messages, list) or not messages:
            raise RefusedError(_bad("messages is required"))
        model = str(body.get("model") or "")
        if model not in self.prices:
            raise RefusedError(openai_error(503, f"当前分组 default 下对于模型 {model} 无可用渠道"))
        question = _text(messages[-1])
        words = words_in(question)
        if words & {"banned", "moderated"}:
            kind, code = "invalid_request_error", "content_policy_violation"
            raise RefusedError(openai_error(400, "flagged by safety", kind=kind, code=code))
        if "saturated" in words:
            raise RefusedError(openai_error(429, "当前分组上游负载已饱和，请稍后再试"))
        self._asked += 1
        self._ground.charge(request, f"chat-{self._asked}", self.prices[model], starts=True)
        if "lostanswer" in words:
            raise DroppedError
        answer = _answer(model, messages, question, body)
        if body.get("stream"):
            return await self._stream(request, model, question, answer, int(body.get("n") or 1))
        choices = [
            {"index": n, "finish_reason": "stop", "message": {"role": "assistant", **answer}}
            for n in range(int(body.get("n") or 1))
        ]
        return json_answer(_whole(model, choices, question, answer))

    async def _stream(
        self, request: web.Request, model: str, question: str, answer: dict[str, Any], count: int
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        words = words_in(question)
        slow = 5.0 if "slow" in words else 1.0
        pieces = re.findall(r"\S+\s*|\s+", answer.get("content") or "")
        for at, piece in enumerate(pieces):
            for n in range(count):
                text = piece if n == 0 else piece.upper()
                await _event(response, model, {"delta": {"content": text}, "index": n})
            if at == len(pieces) // 2 and "cut" in words:
                raise DroppedError
            if at % 5 == 0:
                await response.write(b": PING\n\n")
            await asyncio.sleep(0.04 * slow * self._ground.pace)
        for call in answer.get("tool_calls") or ():
            half = len(call["function"]["arguments"]) // 2
            for part in (
                call["function"]["arguments"][:half],
                call["function"]["arguments"][half:],
            ):
                function = {"name": call["function"]["name"] if half else "", "arguments": part}
                delta = {"tool_calls": [{"index": 0, "id": call["id"], "function": function}]}
                await _event(response, model, {"delta": delta, "index": 0})
                call["function"]["name"] = ""
        for n in range(count):
            await _event(response, model, {"delta": {}, "index": n, "finish_reason": "stop"})
        await _event(response, model, None, _usage(question, answer))
        await response.write(b"data: [DONE]\n\n")
        return response


async def _event(response: web.StreamResponse, model: str, choice: Any, usage: Any = None) -> None:
    event = {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "choices": [choice] if choice else [],
        "usage": usage,
    }
    await response.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())


def _whole(model: str, choices: Any, question: str, answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": choices,
        "usage": _usage(question, answer),
    }


def _usage(question: str, answer: dict[str, Any]) -> dict[str, int]:
    asked, said = len(question) // 4 + 1, len(answer.get("content") or "") // 4 + 1
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _bad(message: str) -> web.Response:
    return openai_error(400, message, kind="invalid_request_error")


def _text(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else ""
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def _answer(model: str, messages: list[Any], question: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the model says."""
    if body.get("response_format"):
        prompts = [f"{question}, {style}" for style in ("at dawn", "as a woodcut", "from above")]
        return {"content": json.dumps({"prompts": prompts})}
    if body.get("tools") and re.search(r"\b(draw|paint|picture)\b", question, re.IGNORECASE):
        arguments = json.dumps({"prompt": f"{question}, in fine detail"})
        call = {"id": "call_1", "type": "function"}
        return {
            "content": "I can draw that for you.",
            "tool_calls": [{**call, "function": {"name": "imagine", "arguments": arguments}}],
        }
    if "long" in question.lower().split():
        return {"content": _LONG}
    turns = sum(1 for m in messages if m.get("role") == "user")
    pictures = sum(
        1
        for part in (messages[-1].get("content") if isinstance(messages[-1], dict) else []) or []
        if isinstance(part, dict) and part.get("type") == "image_url"
    )
    seen = f" I see {pictures} picture(s)." if pictures else ""
    return {
        "content": f"**{model}** here.{seen} You asked: *{question.strip()[:200]}*\n\n"
        f"This is question {turns} of our conversation.\n\n"
        "- A pretend answer\n- made in the sandbox"
    }
