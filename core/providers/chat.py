"""Language models in OpenAI's format: GPT, Claude and Gemini through `/v1/chat/completions`.

Answers grow while they are written; pictures and sounds a person sends go along as data. Gemini's
picture model answers here too, in any of four forms, and old models go on with a text through
`/v1/completions`. Pure; how answers are read is in `chat_answers` and `chat_stream`.
`Request.options` it reads, all optional: model, turns (earlier questions and answers, oldest
first), system, tools, count, schema (a JSON schema the answer must have), voice (answer aloud),
format (of that sound).

No knob a vendor may refuse is ever sent: temperature, penalties, bounds of length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.errors import BadInput, GatewayError
from core.i18n import mark
from core.messages import Media
from core.providers.base import MILLION, Family, Offer, Request, Result, Stream, Ticket, Waiting
from core.providers.chat_answers import completed, pictured, said, tokens_of
from core.providers.chat_stream import Growing
from core.providers.fields import list_of, object_of, text_of, whole
from core.wire import Answer, Blob, Call, Json, refusal

FAMILY = "chat"
PATH = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
LENGTH = 500
"""Tokens a completion adds; these models would stop after 16 by themselves."""
VOICES = ("alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer")
SECONDS = 170.0
MOST = 60_000_000
"""Bytes of an answer, which may hold pictures."""
PICTURE_MODEL = "gemini-image"

COUNT: Mapping[str, tuple[str, ...]] = {"count": ("1", "2", "3", "4")}
"""Only the vendor of GPT gives several answers; the others' channels drop or refuse that."""
ALOUD: Mapping[str, tuple[str, ...]] = {"voice": VOICES}


def _offer(
    key: str, title: str, cost_in: float, cost_out: float, files: int = 5, **more: Json
) -> Offer:
    """Prices are USD a million tokens; what is held is that of a long question and answer."""
    return Offer(
        key,
        FAMILY,
        "chat",
        title,
        Offer.bound(cost_in, cost_out),
        media=(0, files),
        longest=100_000,
        per_token=(cost_in / MILLION, cost_out / MILLION),
        sync=True,
        streams=True,
        typical=8.0,
        deadline=600.0,
        **more,
    )


OFFERS: tuple[Offer, ...] = (
    _offer("gpt-4.1-mini", "GPT-4.1 mini", 0.4, 1.6, takes=COUNT),
    _offer("gpt-4.1", "GPT-4.1", 2, 8, takes=COUNT),
    _offer("gpt-4o", "GPT-4o", 2.5, 10, takes=COUNT),
    _offer("gpt-4o-mini", "GPT-4o mini", 0.15, 0.6, takes=COUNT),
    _offer("claude-sonnet-4-5", "Claude Sonnet 4.5", 3, 15),
    _offer("claude-haiku-4-5", "Claude Haiku 4.5", 1, 5),
    _offer("gemini-2.5-flash", "Gemini 2.5 Flash", 0.3, 2.5),
    _offer("gemini-2.5-pro", "Gemini 2.5 Pro", 1.25, 10),
    _offer("gpt-4o-mini-audio-preview", "GPT-4o mini audio", 0.6, 20, files=1, takes=ALOUD),
    _offer("gpt-4o-audio-preview", "GPT-4o audio", 2.5, 80, files=1, takes=ALOUD),
    Offer(
        "gpt-3.5-turbo-instruct",
        FAMILY,
        "complete",
        "GPT-3.5 Instruct",
        0.002,
        longest=12_000,
        per_token=(1.5 / MILLION, 2 / MILLION),
        sync=True,
        typical=5.0,
    ),
    Offer(
        PICTURE_MODEL,
        FAMILY,
        "image",
        "Gemini image",
        0.04,
        model="gemini-2.0-flash-exp-image-generation",
        media=(0, 3),
        longest=8000,
        sync=True,
        typical=15.0,
    ),
    Offer(
        "gemini-image-edit",
        FAMILY,
        "edit",
        "Gemini image",
        0.04,
        model="gemini-2.0-flash-exp-image-generation",
        media=(1, 1),
        longest=8000,
        sync=True,
        typical=15.0,
    ),
)
"""Prices are a public client's table for this kind of gateway, those of sound the vendor's for
sound; `[models]` sets the owner's."""

VENDORS: Mapping[str, str] = {
    r"gpt|o\d|chatgpt": "openai",
    "claude": "claude",
    "gemini": "gemini",
}


def vendor_of(model: str) -> str:
    """Whose model it is: each vendor's models are sold in a group, with a key, of their own."""
    return next((v for head, v in VENDORS.items() if re.match(head, model)), FAMILY)


class Chat(Family):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    offers: Sequence[Offer] = OFFERS

    def call(self, request: Request) -> Call:
        """The question with what was said before. Raises `BadInput`."""
        if not request.prompt.strip() and not request.media:
            raise BadInput(mark("Ask something."))
        model = text_of(request.options.get("model")) or request.offer
        keys = (request.offer, model, vendor_of(model))
        if request.kind == "complete":
            words: Json = {"model": model, "prompt": request.prompt, "max_tokens": LENGTH}
            return Call("POST", COMPLETIONS, FAMILY, words, SECONDS, keys=keys)
        body = {"model": model, "messages": messages_of(request), **_shape(request)}
        streams = bool(body["stream"])
        return Call("POST", PATH, FAMILY, body, SECONDS, most=MOST, stream=streams, keys=keys)

    def stream(self, request: Request) -> Stream:
        """What puts a growing answer together."""
        return Growing()

    def fill(self, request: Request, values: Mapping[str, str | Media]) -> Request:
        """The next question of a conversation."""
        question = values.get("prompt")
        words = question.strip() if isinstance(question, str) else ""
        if not words:
            raise BadInput(mark("Ask something."))
        return replace(request, prompt=words)

    def accept(self, request: Request, answer: Answer) -> Ticket | Waiting | Result:
        """The answer. Raises a `GatewayError`."""
        body = object_of(answer.body)
        if error := refusal(answer):
            if body.get("begun"):  # it was being worked on: no other try may cost a second time
                error.again = False
            raise error
        try:
            return _read(request, body)
        except GatewayError as error:
            error.tokens = tokens_of(body)
            raise


def _read(request: Request, body: Mapping[str, Json]) -> Result:
    choices = [object_of(c) for c in list_of(body.get("choices")) if isinstance(c, dict)]
    if request.kind in ("image", "edit"):
        return pictured(choices, body)
    if request.kind == "complete":
        return completed(choices, body)
    return said(request, choices, body)


# -- asking ----------------------------------------------------------------------------------------


def _shape(request: Request) -> dict[str, Json]:
    """How the answer shall come: in pieces where it can, several, with tools, in a form, aloud."""
    options = request.options
    voice, schema = text_of(options.get("voice")), options.get("schema")
    shape: dict[str, Json] = {"stream": request.kind == "chat" and not schema and not voice}
    if shape["stream"]:
        shape["stream_options"] = {"include_usage": True}
    if (count := whole(options.get("count"))) and count > 1:
        shape["n"] = count
    if tools := options.get("tools"):
        shape["tools"] = tools
    if schema:
        named = {"name": "answer", "strict": True, "schema": schema}
        shape["response_format"] = {"type": "json_schema", "json_schema": named}
    if voice:
        form = text_of(options.get("format")) or "mp3"
        shape |= {"modalities": ["text", "audio"], "audio": {"voice": voice, "format": form}}
    return shape


def messages_of(request: Request) -> list[Json]:
    """The conversation as the wire has it."""
    options = request.options
    found: list[Json] = []
    if system := text_of(options.get("system")):
        found.append({"role": "system", "content": system})
    turns = options.get("turns")
    for turn in turns if isinstance(turns, list) else ():
        role, words = object_of(turn).get("role"), text_of(object_of(turn).get("text"))
        if role in ("user", "assistant") and words:
            found.append({"role": role, "content": words})
    return [*found, {"role": "user", "content": _content(request.prompt, request.media)}]


def _content(prompt: str, media: Sequence[Media]) -> Json:
    if not media:
        return prompt
    parts: list[Json] = [{"type": "text", "text": prompt}] if prompt else []
    for one in media:
        if one.mime.startswith("image/"):
            parts.append({"type": "image_url", "image_url": {"url": Blob(one)}})
        else:
            form = "wav" if "wav" in one.mime else "mp3"
            sound = {"data": Blob(one, "base64"), "format": form}
            parts.append({"type": "input_audio", "input_audio": sound})
    return parts
