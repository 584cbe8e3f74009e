"""Language models in OpenAI's format: GPT, Claude and Gemini through `/v1/chat/completions`.

Answers grow while they are written; pictures and sounds a person sends go along as data. Gemini's
picture model answers here too, in any of four forms. Pure. `Request.options` it reads, all
optional: model, turns (earlier questions and answers, oldest first), system, tools, count, schema
(a JSON schema the answer must have), voice (answer aloud).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.errors import BadInput, Garbled, GatewayError, Moderated, Refused, Spent, Unreachable
from core.i18n import mark
from core.messages import Field, Form, Media
from core.providers.base import (
    Family,
    Invite,
    Offer,
    Remote,
    Request,
    Result,
    Stream,
    Ticket,
    Waiting,
)
from core.providers.fields import object_of, text_of, url_of, whole
from core.wire import Answer, Blob, Call, Json, refusal

FAMILY = "chat"
PATH = "/v1/chat/completions"
SECONDS = 170.0
MOST = 60_000_000
"""Bytes of an answer, which may hold pictures."""
PICTURE_MODEL = "gemini-image"

MILLION = 1_000_000


def _offer(key: str, title: str, cost_in: float, cost_out: float, **more: Json) -> Offer:
    """Prices are USD a million tokens; what is held is that of a long question and answer."""
    held = (4_000 * cost_in + 1_500 * cost_out) / MILLION
    return Offer(
        key,
        FAMILY,
        "chat",
        title,
        round(held, 4),
        takes={"count": ("1", "2", "3", "4")} if key.startswith("gpt") else {},
        media=(0, 5),
        longest=100_000,
        per_token=(cost_in / MILLION, cost_out / MILLION),
        sync=True,
        streams=True,
        typical=8.0,
        deadline=600.0,
        **more,
    )


OFFERS: tuple[Offer, ...] = (
    _offer("gpt-4.1-mini", "GPT-4.1 mini", 0.4, 1.6),
    _offer("gpt-4.1", "GPT-4.1", 2, 8),
    _offer("gpt-4o", "GPT-4o", 2.5, 10),
    _offer("gpt-4o-mini", "GPT-4o mini", 0.15, 0.6),
    _offer("claude-sonnet-4-5", "Claude Sonnet 4.5", 3, 15),
    _offer("claude-haiku-4-5", "Claude Haiku 4.5", 1, 5),
    _offer("gemini-2.5-flash", "Gemini 2.5 Flash", 0.3, 2.5),
    _offer("gemini-2.5-pro", "Gemini 2.5 Pro", 1.25, 10),
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
"""Prices are a public client's table for this kind of gateway; `[models]` sets the owner's."""

VENDORS: Mapping[str, str] = {
    "gpt": "openai",
    "o": "openai",
    "claude": "claude",
    "gemini": "gemini",
}


def vendor_of(model: str) -> str:
    """Whose model it is: each vendor's models are sold in a group, with a key, of their own."""
    return next((v for head, v in VENDORS.items() if model.startswith(head)), FAMILY)


class Chat(Family):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    offers: Sequence[Offer] = OFFERS

    def call(self, request: Request) -> Call:
        """The question with what was said before. Raises `BadInput`."""
        if not request.prompt.strip() and not request.media:
            raise BadInput(mark("Ask something."))
        model = text_of(request.options.get("model")) or request.offer
        streams = request.kind == "chat" and not request.options.get("schema")
        body: dict[str, Json] = {
            "model": model,
            "messages": messages_of(request),
            "stream": streams,
        }
        if streams:
            body["stream_options"] = {"include_usage": True}
        if (count := whole(request.options.get("count"))) and count > 1:
            body["n"] = count
        if tools := request.options.get("tools"):
            body["tools"] = tools
        if schema := request.options.get("schema"):
            named = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        keys = (request.offer, model, vendor_of(model))
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
        if error := refusal(answer):
            raise error
        body = object_of(answer.body)
        choices = [object_of(c) for c in body.get("choices") or () if isinstance(c, dict)]
        if request.kind in ("image", "edit"):
            return _picture(choices, body)
        return _said(request, choices, body)


# -- asking ----------------------------------------------------------------------------------------


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


# -- answers that grow -----------------------------------------------------------------------------


class Growing:
    """Puts the events of one streamed answer together as the body it would have been."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.text = ""
        self._choices: dict[int, dict[str, Json]] = {}
        self._usage: Json = None
        self._error: Json = None

    def add(self, data: bytes) -> None:
        """Take the data of one event; one that nobody can read is passed over."""
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return
        event = object_of(event)
        if event.get("error"):
            self._error = event["error"]
        if event.get("usage"):
            self._usage = event["usage"]
        choices = event.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            self._grow(object_of(choice))

    def _grow(self, choice: Mapping[str, Json]) -> None:
        index = whole(choice.get("index")) or 0
        mine = self._choices.setdefault(index, {"content": [], "reasoning": [], "calls": {}})
        delta = object_of(choice.get("delta"))
        if piece := text_of(delta.get("content")):
            mine["content"].append(piece)
            if index == 0:
                self.text += piece
        if thought := text_of(delta.get("reasoning_content")):
            mine["reasoning"].append(thought)
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            _grow_call(mine["calls"], object_of(call))
        if reason := choice.get("finish_reason"):
            mine["finish_reason"] = reason

    def whole(self, *, cut: bool) -> Json:
        """The body; an error that came instead of an answer is the body's."""
        if self._error and not self._choices:
            return {"error": self._error}
        ended = all("finish_reason" in mine for mine in self._choices.values())
        choices = [
            {
                "index": index,
                "finish_reason": mine.get("finish_reason") or ("cut" if cut else "stop"),
                "message": {
                    "content": "".join(mine["content"]),
                    "reasoning_content": "".join(mine["reasoning"]),
                    "tool_calls": [mine["calls"][n] for n in sorted(mine["calls"])],
                },
            }
            for index, mine in sorted(self._choices.items())
        ]
        return {"choices": choices, "usage": self._usage, "cut": cut and not ended}


def _grow_call(calls: dict[int, dict[str, Json]], piece: Mapping[str, Json]) -> None:
    index = whole(piece.get("index")) or 0
    mine = calls.setdefault(index, {"id": "", "function": {"name": "", "arguments": ""}})
    mine["id"] = text_of(piece.get("id")) or mine["id"]
    function = object_of(piece.get("function"))
    mine["function"]["name"] += text_of(function.get("name"))
    mine["function"]["arguments"] += text_of(function.get("arguments"))


# -- reading ---------------------------------------------------------------------------------------

NOTHING = mark("The model gave no answer.")
BROKE_OFF = mark("The answer broke off here.")


def _said(
    request: Request, choices: Sequence[Mapping[str, Json]], body: Mapping[str, Json]
) -> Result:
    answers = [text_of(object_of(c.get("message")).get("content")).strip() for c in choices]
    calls = [call for c in choices for call in calls_of(object_of(c.get("message")))]
    reasons = {text_of(c.get("finish_reason")) for c in choices}
    sound = _sound(choices)
    if not any(answers) and not calls and not sound:
        raise _empty(reasons, body)
    usage = object_of(body.get("usage"))
    thought = next(
        (
            t
            for c in choices
            if (t := text_of(object_of(c.get("message")).get("reasoning_content")))
        ),
        "",
    )
    facts: dict[str, Json] = {
        "answers": answers if len(answers) > 1 else [],
        "calls": calls,
        "cut": bool(body.get("cut")),
        "thought": thought[:20_000],
    }
    asked, answered = whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens"))
    tokens = None if asked is None or answered is None else (asked, answered)
    text = (answers[0] if answers else "") or _transcript(choices)
    if request.options.get("schema"):
        return _proposed(text, tokens)
    proposed = _proposals(calls)
    invites = (*_picks(request, answers), *proposed)
    text = text or "\n\n".join(f"{i.emoji} {next(iter(i.values.values()))}" for i in proposed)
    return Result(sound, text, invites, markdown=True, tokens=tokens, facts=facts)


COMMAND_BUTTONS: Mapping[str, tuple[str, str, str]] = {
    "imagine": (mark("Draw it"), "🎨", "prompt"),
    "video": (mark("Film it"), "🎬", "prompt"),
    "song": (mark("Compose it"), "🎵", "idea"),
    "speak": (mark("Read it aloud"), "🔊", "text"),
}
"""What a proposed command's button says, and which option takes the model's words."""


def _proposals(calls: Sequence[Json]) -> list[Invite]:
    """A button for each command the model proposes; none is run without a press."""
    found: list[Invite] = []
    for number, (name, arguments) in enumerate(calls[:5]):
        if name not in COMMAND_BUTTONS:
            continue
        label, emoji, option = COMMAND_BUTTONS[name]
        words = text_of(arguments.get(option)).strip()
        if words:
            key, values = f"call:{number}", {option: words[:4000]}
            found.append(Invite(key, None, label, emoji, row=1, command=name, values=values))
    return found


def _picks(request: Request, answers: Sequence[str]) -> list[Invite]:
    """A button that goes on with each answer, asking for the next question."""
    before = request.options.get("turns")
    before = before if isinstance(before, list) else []
    found: list[Invite] = []
    for number, answer in enumerate(answers, 1):
        turns = [
            *before,
            {"role": "user", "text": request.prompt},
            {"role": "assistant", "text": answer},
        ]
        options = {**request.options, "turns": turns, "count": None, "notes": []}
        again = Request(request.offer, "chat", "", options=options)
        label = mark("Continue") if len(answers) == 1 else str(number)
        form = Form(mark("Continue"), (Field("prompt", mark("Your next question"), kind="text"),))
        found.append(Invite(f"continue:{number}", again, label, "💬", form=form))
    return found


def _proposed(text: str, tokens: tuple[int, int] | None) -> Result:
    """Prompts for pictures, each behind a button that draws it."""
    try:
        prompts = object_of(json.loads(text)).get("prompts")
    except (ValueError, RecursionError):
        prompts = None
    listed = [p.strip() for p in prompts if isinstance(p, str)] if isinstance(prompts, list) else []
    if not any(listed):
        raise Garbled(mark("The model's answer was not in the form asked for."), spent=Spent.YES)
    invites = tuple(
        Invite(f"imagine:{n}", None, str(n), "🎨", command="imagine", values={"prompt": words})
        for n, words in enumerate(listed[:5], 1)
    )
    numbered = "\n\n".join(f"{n}. {words}" for n, words in enumerate(listed[:5], 1))
    return Result((), numbered, invites, markdown=True, tokens=tokens)


def _empty(reasons: set[str], body: Mapping[str, Json]) -> GatewayError:
    if "content_filter" in reasons:
        return Moderated(mark("The model turned this down for its content."), spent=Spent.YES)
    if body.get("cut"):
        return Unreachable(spent=Spent.UNKNOWN, again=False, detail="cut before the first word")
    return Refused(NOTHING, spent=Spent.UNKNOWN, detail="empty answer")


def calls_of(message: Mapping[str, Json]) -> list[Json]:
    """What the model asks for by function calls: (name, arguments), broken ones left out."""
    found: list[Json] = []
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = object_of(object_of(call).get("function"))
        try:
            arguments = json.loads(text_of(function.get("arguments")) or "{}")
        except (ValueError, RecursionError):
            continue
        if isinstance(arguments, dict) and function.get("name"):
            found.append([text_of(function["name"]), arguments])
    return found


def _sound(choices: Sequence[Mapping[str, Json]]) -> tuple[Remote, ...]:
    data = next((d for c in choices if (d := text_of(_audio(c).get("data")))), "")
    return (Remote(f"data:;base64,{data}", "audio"),) if data else ()


def _audio(choice: Mapping[str, Json]) -> Mapping[str, Json]:
    return object_of(object_of(choice.get("message")).get("audio"))


def _transcript(choices: Sequence[Mapping[str, Json]]) -> str:
    return next((t for c in choices if (t := text_of(_audio(c).get("transcript")))), "")


# -- pictures out of a chat ------------------------------------------------------------------------

_IMAGE = re.compile(r"!\[[^\]]{0,200}\]\(")
"""Where a picture begins in Markdown; what follows may be megabytes, so it is searched, not
matched."""


def _picture(choices: Sequence[Mapping[str, Json]], body: Mapping[str, Json]) -> Result:
    """The pictures of an answer, wherever they stand; words alone are a normal answer too."""
    media: list[Remote] = []
    words: list[str] = []
    for choice in choices:
        message = object_of(choice.get("message"))
        _gather(message.get("content"), media, words)
        images = message.get("images")
        for image in images if isinstance(images, list) else ():
            _add(object_of(object_of(image).get("image_url")).get("url"), media)
    _native(body, media, words)
    text = "\n".join(word for word in words if word.strip()).strip()
    if media:
        return Result(tuple(media))
    if text:
        raise Refused(
            mark("The model answered with words instead of a picture: {reason}"),
            spent=Spent.YES,
            reason=text[:300],
        )
    reasons = {text_of(c.get("finish_reason")) for c in choices}
    if "content_filter" in reasons or not choices:
        raise Moderated(mark("The model turned this down for its content."), spent=Spent.UNKNOWN)
    raise Garbled(mark("The service answered without a picture."), spent=Spent.UNKNOWN)


def _gather(content: Json, media: list[Remote], words: list[str]) -> None:
    """Pictures and words of a content that is a text or a list of parts."""
    if isinstance(content, str):
        at = 0
        for found in _IMAGE.finditer(content):
            end = content.find(")", found.end())
            if end < 0:
                break
            words.append(content[at : found.start()])
            _add(content[found.end() : end].strip(), media)
            at = end + 1
        words.append(content[at:])
    for part in content if isinstance(content, list) else ():
        words.append(text_of(object_of(part).get("text")))
        _add(object_of(object_of(part).get("image_url")).get("url"), media)


def _native(body: Mapping[str, Json], media: list[Remote], words: list[str]) -> None:
    """Gemini's own form."""
    candidates = body.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        parts = object_of(object_of(candidate).get("content")).get("parts")
        for part in parts if isinstance(parts, list) else ():
            inline = object_of(object_of(part).get("inlineData"))
            if data := text_of(inline.get("data")):
                _add(f"data:{text_of(inline.get('mimeType'))};base64,{data}", media)
            words.append(text_of(object_of(part).get("text")))


def _add(url: Json, media: list[Remote]) -> None:
    text = text_of(url)
    if text.startswith("data:") or url_of(text):
        media.append(Remote(text))
