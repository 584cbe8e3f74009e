"""The fake of language models: `/v1/chat/completions`, in one piece and as a stream, and
`/v1/completions`.

Answers in Markdown about what was asked; magic words make it break off, think aloud, propose a
picture or answer in a form of its own. What it demands is in `chat_checks`.
"""

import asyncio
import base64
import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import clips, instant
from bot.sandbox.answers import DroppedError, RefusedError, json_answer, openai_error
from bot.sandbox.chat_checks import MODELS, bad, check, files_of, words_of
from bot.sandbox.ground import VISIT, Ground
from bot.sandbox.magic import words_in
from bot.sandbox.works import seed_of

_INSTRUCT = "gpt-3.5-turbo-instruct"
_ESSAY = "\n\n".join(
    f"## Part {n}\n\nA paragraph about **{word}**, with a [link](https://example.com/{n}) and:"
    f"\n\n- one\n- two\n\n```python\nprint({n})\n```"
    f"\n\n| part | word |\n|---|---|\n| {n} | {word} |"
    for n, word in enumerate(["light", "water", "stone", "wind", "paper", "glass", "smoke"] * 9, 1)
)
_REASONS: Mapping[str, str] = {"toolong": "length", "filtered": "content_filter"}
"""Why an answer ends, by magic word."""


class Chat:
    """Chat completions, and the older kind."""

    submit = re.compile(r"^/v1/(chat/)?completions")
    public = re.compile(r"(?!)")
    prices: Mapping[str, float] = {
        **{name: model.price for name, model in MODELS.items()},
        _INSTRUCT: 0.001,
    }

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._asked = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """The two calls."""
        yield web.post("/v1/chat/completions", self._chat)
        yield web.post("/v1/completions", self._complete)

    def _charge(self, request: web.Request, words: frozenset[str], name: str, count: int) -> None:
        """Refuse what costs nothing, then take the money."""
        if words & {"banned", "moderated"}:
            kind, code = "invalid_request_error", "content_policy_violation"
            raise RefusedError(openai_error(400, "flagged by safety", kind=kind, code=code))
        if "saturated" in words:
            raise RefusedError(openai_error(429, "当前分组上游负载已饱和，请稍后再试"))
        if "fail" in words:
            message = "the model fell over: **@everyone** see https://example.com/why"
            raise RefusedError(openai_error(400, message, kind="upstream_error"))
        self._asked += 1
        price = self.prices[name] * count
        self._ground.charge(request, f"chat-{self._asked}", price, starts=True)

    async def _complete(self, request: web.Request) -> web.Response:
        body = request[VISIT].json
        if not isinstance(body, dict) or not str(body.get("prompt") or "").strip():
            raise bad("prompt is required")
        if body.get("model") != _INSTRUCT:
            raise RefusedError(openai_error(503, f"no available channel for {body.get('model')}"))
        words = words_in(str(body["prompt"]))
        self._charge(request, words, _INSTRUCT, 1)
        await instant.work(self._ground, words, 2.0)
        said = "" if "nulls" in words else " and so it went on, as these things do."
        choice = {"text": said, "index": 0, "logprobs": None, "finish_reason": _reason(words)}
        usage = _usage(str(body["prompt"]), said)
        return json_answer({"object": "text_completion", "choices": [choice], "usage": usage})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = request[VISIT].json
        model = check(body)
        question = words_of(body["messages"][-1])
        words, count = words_in(question), int(body.get("n") or 1)
        self._charge(request, words, body["model"], count)
        if body.get("stream"):
            if "lostanswer" in words:
                raise DroppedError
            return await self._stream(request, words, _answer(body, question), count)
        await instant.work(self._ground, words, 3.0)
        answer = await self._drawn(body, question) if model.draws else _answer(body, question)
        if body.get("audio"):
            answer = await self._aloud(answer, body["audio"]["format"])
        return json_answer(_whole(body["model"], _choices(words, answer, count), question))

    async def _aloud(self, answer: dict[str, Any], form: str) -> dict[str, Any]:
        said = re.sub(r"[*#`\-]", "", answer["content"])
        sound = await asyncio.to_thread(clips.speech, said, seed_of(said), form)
        audio = {
            "id": "audio_sandbox",
            "data": base64.b64encode(sound).decode(),
            "expires_at": int(time.time()) + 3600,
            "transcript": said,
        }
        return {"content": None, "audio": audio}

    async def _drawn(self, body: Mapping[str, Any], question: str) -> dict[str, Any]:
        """A picture, in one of the forms in which gateways put it."""
        words = words_in(question)
        if "inwords" in words:
            return {"content": "I would rather describe it: a quiet scene, early in the day."}
        sources = files_of(body["messages"][-1], "image_url")
        source = sources[0] if sources else b""
        data = await instant.drawn(self._ground, question, seed_of(question), 1.0, "G", source)
        if "heavy" in words:
            data += bytes(8_000_000)
        url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        if "inlist" in words:
            return {"content": None, "images": [{"type": "image_url", "image_url": {"url": url}}]}
        if "inparts" in words:
            parts = [{"type": "text", "text": "Here it is."}, {"type": "image_url"}]
            return {"content": [parts[0], {**parts[1], "image_url": {"url": url}}]}
        return {"content": f"Here it is:\n\n![image]({url})\n\nDo you like it?"}

    async def _stream(
        self, request: web.Request, words: frozenset[str], answer: dict[str, Any], count: int
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        model = str(request[VISIT].json["model"])
        pause = 0.04 * self._ground.pace * (5.0 if "slow" in words else 1.0)
        await _event(response, model, [])
        await _event(response, model, [{"index": 0, "delta": {"role": "assistant"}}])
        if "cutearly" in words:
            raise DroppedError
        for choice in _pieces(words, answer, count):
            if choice is None:  # the middle
                await _middle(response, words)
                continue
            await _event(response, model, [choice])
            await response.write(b": PING\n\n")
            await asyncio.sleep(pause)
        await _event(response, model, [], _usage("", answer.get("content") or ""))
        await response.write(b"data: [DONE]\n\n")
        return response


async def _middle(response: web.StreamResponse, words: frozenset[str]) -> None:
    """What may happen half way."""
    if "cutoff" in words:
        raise DroppedError
    if "midfault" in words:
        error = {"message": "upstream error: do_response_failed", "type": "upstream_error"}
        await response.write(f"data: {json.dumps({'error': error})}\n\n".encode())
        raise DroppedError
    while "stall" in words:
        await asyncio.sleep(1.0)
        await response.write(b": PING\n\n")


def _pieces(
    words: frozenset[str], answer: dict[str, Any], count: int
) -> Iterable[dict[str, Any] | None]:
    """The choices of a stream's events, None where its middle is."""
    for thought in re.findall(r"\S+\s*", answer.get("reasoning_content") or ""):
        yield {"index": 0, "delta": {"reasoning_content": thought}}
    pieces = re.findall(r"\S+\s*|\s+", answer.get("content") or "")
    step = max(len(pieces) // 150, 1)
    pieces = ["".join(pieces[at : at + step]) for at in range(0, len(pieces), step)]
    for at, piece in enumerate(pieces):
        for n in range(count):
            yield {"index": n, "delta": {"content": piece if n == 0 else piece.upper()}}
        if at == len(pieces) // 2:
            yield None
    for number, call in enumerate(answer.get("tool_calls") or ()):
        given = call["function"]["arguments"]
        first = {"name": call["function"]["name"], "arguments": given[: len(given) // 2]}
        yield {"index": 0, "delta": {"tool_calls": [{**call, "index": number, "function": first}]}}
        rest = {"index": number, "function": {"arguments": given[len(given) // 2 :]}}
        yield {"index": 0, "delta": {"tool_calls": [rest]}}
    for n in range(count):
        yield {"index": n, "delta": {}, "finish_reason": _reason(words)}


async def _event(
    response: web.StreamResponse, model: str, choices: list[Any], usage: Any = None
) -> None:
    event = {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "choices": choices,
        "usage": usage,
    }
    await response.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())


def _reason(words: frozenset[str]) -> str:
    return next((reason for word, reason in _REASONS.items() if word in words), "stop")


def _choices(words: frozenset[str], answer: dict[str, Any], count: int) -> list[dict[str, Any]]:
    if "nulls" in words:
        return []
    message = {"role": "assistant", **answer}
    return [{"index": n, "finish_reason": _reason(words), "message": message} for n in range(count)]


def _whole(model: str, choices: list[dict[str, Any]], question: str) -> dict[str, Any]:
    said = choices[0]["message"].get("content") if choices else ""
    return {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": choices,
        "usage": _usage(question, said if isinstance(said, str) else ""),
    }


def _usage(question: str, said: str) -> dict[str, int]:
    asked, answered = len(question) // 4 + 1, len(said) // 4 + 1
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }


def _answer(body: Mapping[str, Any], question: str) -> dict[str, Any]:
    """What the model says."""
    words = words_in(question)
    if body.get("response_format"):
        prompts = [f"{question}, {style}" for style in ("at dawn", "as a woodcut", "from above")]
        said = json.dumps({"prompts": prompts})
        return {"content": said[:20] if "badjson" in words else said}
    if body.get("tools") and re.search(r"\b(draw|paint|picture)\b", question, re.IGNORECASE):
        return _proposal(words, "imagine", {"prompt": f"{question}, in fine detail"}, "draw that")
    if body.get("tools") and re.search(r"\b(find|earlier)\b", question, re.IGNORECASE):
        return _proposal(words, "find", {"words": question}, "look for that")
    content = _ESSAY if "essay" in words else _chatter(body, question)
    if "thinks" in words:
        thought = "First I look at the question. Then I think about it. Now I know what to say."
        return {"content": content, "reasoning_content": thought}
    return {"content": content}


def _proposal(
    words: frozenset[str], name: str, wanted: Mapping[str, str], does: str
) -> dict[str, Any]:
    arguments = json.dumps(wanted)
    given = arguments[:15] if "badjson" in words else arguments
    function = {"name": name, "arguments": given}
    call = {"id": "call_1", "type": "function", "function": function}
    return {"content": f"I can {does} for you.", "tool_calls": [call]}


def _chatter(body: Mapping[str, Any], question: str) -> str:
    messages = body["messages"]
    pictures = len(files_of(messages[-1], "image_url"))
    sounds = len(files_of(messages[-1], "input_audio"))
    seen = f" I see {pictures} picture(s)." if pictures else ""
    seen += f" I heard {sounds} sound(s)." if sounds else ""
    turns = sum(1 for message in messages if message["role"] == "user")
    return (
        f"**{body['model']}** here.{seen} You asked: *{question.strip()[:200]}*\n\n"
        f"This is question {turns} of our conversation.\n\n"
        "- A pretend answer\n- made in the sandbox"
    )
