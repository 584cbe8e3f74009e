"""What the answers of language models hold: words, thoughts, pictures, sounds, proposals. Pure.

An answer may hold megabytes of a picture in its text: every reader here goes over it once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import Garbled, GatewayError, Moderated, Refused, Spent, Unreachable
from core.i18n import mark
from core.messages import Field, Form
from core.providers.base import Invite, Remote, Request, Result
from core.providers.fields import list_of, object_of, text_of, tokens, url_of
from core.wire import Json

NOTHING = mark("The model gave no answer.")
TURNED_DOWN = mark("The model turned this down for its content.")
BROKE_OFF = mark("The answer broke off here.")
STOPPED = mark("You stopped the answer here.")
TOO_LONG = mark("The model stopped here: its answer may be no longer.")
FILTERED = mark("The model's filter ended the answer here.")
UNREADABLE_CALL = mark("The model proposed something that nobody can read.")
ONLY_WORDS = mark("The model answered with words instead of a picture.")
THOUGHT = 20_000
"""Characters of a model's reasoning that are kept."""
REMARKS: Mapping[str, str] = {"length": TOO_LONG, "content_filter": FILTERED}
"""What is said of an answer by the reason it ended for."""


@dataclass(frozen=True, slots=True)
class Said:
    """One answer, wherever its parts stood."""

    text: str
    media: tuple[Remote, ...]
    thought: str
    calls: tuple[tuple[str, Mapping[str, Json]], ...]
    broken: bool
    """One of its calls cannot be read."""
    reason: str

    @property
    def empty(self) -> bool:
        """Nothing in it can be shown."""
        return not (self.text or self.media or self.calls)


def read(choice: Mapping[str, Json]) -> Said:
    """Take an answer apart."""
    message = object_of(choice.get("message"))
    media: list[Remote] = []
    words: list[str] = []
    _gather(message.get("content"), media, words)
    for image in list_of(message.get("images")):
        _add(_target(image), media)
    audio = object_of(message.get("audio"))
    if data := text_of(audio.get("data")):
        media.append(Remote(f"data:;base64,{data}", "audio", voice=True))
    spoken = text_of(audio.get("transcript")) or text_of(message.get("refusal"))
    calls, broken = _calls(message)
    return Said(
        "".join(words).strip() or spoken.strip(),
        tuple(media),
        text_of(message.get("reasoning_content")).strip(),
        calls,
        broken,
        text_of(choice.get("finish_reason")),
    )


def _calls(
    message: Mapping[str, Json],
) -> tuple[tuple[tuple[str, Mapping[str, Json]], ...], bool]:
    """What the model asks for by function calls, and whether one of them is broken."""
    older = [{"function": message["function_call"]}] if message.get("function_call") else []
    found: list[tuple[str, Mapping[str, Json]]] = []
    broken = False
    for call in [*list_of(message.get("tool_calls")), *older]:
        function = object_of(object_of(call).get("function"))
        try:
            arguments = json.loads(text_of(function.get("arguments")) or "{}")
        except (ValueError, RecursionError):
            arguments = None
        name = text_of(function.get("name"))
        if name and isinstance(arguments, dict):
            found.append((name, arguments))
        else:
            broken = True
    return tuple(found), broken


def tokens_of(body: Mapping[str, Json]) -> tuple[int, int] | None:
    """Tokens of the question and of the answer, where both are told."""
    usage = object_of(body.get("usage"))
    asked, answered = tokens(usage.get("prompt_tokens")), tokens(usage.get("completion_tokens"))
    return None if asked is None or answered is None else (asked, answered)


# -- answers in words ------------------------------------------------------------------------------


def said(
    request: Request, choices: Sequence[Mapping[str, Json]], body: Mapping[str, Json]
) -> Result:
    """An answer, or several to choose from. Raises a `GatewayError` where there is none."""
    answers = [read(choice) for choice in choices]
    shown = [answer for answer in answers if not answer.empty]
    if not shown and not body.get("stopped"):
        raise _empty(answers, body)
    if request.options.get("schema"):
        return _proposed(shown[0].text if shown else "", body)
    texts = [answer.text for answer in shown if answer.text]
    proposed = _proposals([call for answer in shown for call in answer.calls])
    thought = next((answer.thought for answer in shown if answer.thought), "")
    facts: dict[str, Json] = {
        "answers": texts if len(texts) > 1 else [],
        "remarks": _remarks(answers, body),
        "thought": thought[:THOUGHT],
    }
    return Result(
        tuple(part for answer in shown for part in answer.media),
        _text(texts) or "\n\n".join(f"{i.emoji} {next(iter(i.values.values()))}" for i in proposed),
        (*_picks(request, texts), *([THOUGHTS] if thought else []), *proposed),
        markdown=True,
        tokens=tokens_of(body),
        facts=facts,
    )


def _text(answers: Sequence[str]) -> str:
    """One answer as it is, several under their numbers."""
    if len(answers) < 2:
        return "".join(answers)
    return "\n\n".join(f"**{number}.**\n\n{answer}" for number, answer in enumerate(answers, 1))


def _remarks(answers: Sequence[Said], body: Mapping[str, Json]) -> list[str]:
    """What is to be said about the answers' ends, in catalogue texts."""
    found = [REMARKS[answer.reason] for answer in answers if answer.reason in REMARKS]
    if any(answer.broken for answer in answers) and not body.get("cut"):
        found.append(UNREADABLE_CALL)
    if body.get("cut"):
        found.append(BROKE_OFF)
    if body.get("stopped"):
        found.append(STOPPED)
    return list(dict.fromkeys(found))


def _empty(answers: Sequence[Said], body: Mapping[str, Json]) -> GatewayError:
    if body.get("cut"):
        return Unreachable(spent=Spent.UNKNOWN, again=False, detail="cut before the first word")
    if any(answer.broken for answer in answers):
        return Garbled(UNREADABLE_CALL, spent=Spent.YES, detail="a call in broken JSON")
    if not answers or any(answer.reason == "content_filter" for answer in answers):
        return Moderated(TURNED_DOWN, spent=Spent.YES, detail="no choices, or content_filter")
    return Refused(NOTHING, spent=Spent.YES, detail="empty answer")


def completed(choices: Sequence[Mapping[str, Json]], body: Mapping[str, Json]) -> Result:
    """How a text goes on. Raises a `GatewayError` where it does not."""
    text = next((t for c in choices if (t := text_of(c.get("text")).strip())), "")
    if not text:
        raise Refused(NOTHING, spent=Spent.YES, detail="empty completion")
    reasons = [text_of(choice.get("finish_reason")) for choice in choices]
    remarks = [REMARKS[reason] for reason in reasons if reason in REMARKS]
    return Result(text=text, tokens=tokens_of(body), facts={"remarks": remarks})


# -- buttons ---------------------------------------------------------------------------------------

COMMAND_BUTTONS: Mapping[str, tuple[str, str, str]] = {
    "imagine": (mark("Draw it"), "🎨", "prompt"),
    "video": (mark("Film it"), "🎬", "prompt"),
    "song": (mark("Compose it"), "🎵", "idea"),
    "speak": (mark("Read it aloud"), "🔊", "text"),
    "find": (mark("Look for it"), "🔎", "words"),
}
"""What a proposed command's button says, and which option takes the model's words."""
THOUGHTS = Invite(
    "thoughts", None, mark("Show reasoning"), "💭", row=2, command="why", values={"job": "job:"}
)


def _proposals(calls: Sequence[tuple[str, Mapping[str, Json]]]) -> list[Invite]:
    """A button for each command the model proposes; none is run without a press."""
    found: list[Invite] = []
    for number, (name, arguments) in enumerate(calls[:5]):
        if name not in COMMAND_BUTTONS:
            continue
        label, emoji, option = COMMAND_BUTTONS[name]
        if words := text_of(arguments.get(option)).strip():
            key, values = f"call:{number}", {option: words[:4000]}
            found.append(Invite(key, None, label, emoji, row=1, command=name, values=values))
    return found


def _picks(request: Request, answers: Sequence[str]) -> list[Invite]:
    """A button that goes on with each answer, asking for the next question."""
    before = list_of(request.options.get("turns"))
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


def _proposed(text: str, body: Mapping[str, Json]) -> Result:
    """Prompts for pictures, each behind a button that draws it."""
    try:
        prompts = list_of(object_of(json.loads(_bare(text))).get("prompts"))
    except (ValueError, RecursionError):
        prompts = ()
    listed = [words for p in prompts if (words := text_of(p).strip())][:5]
    if not listed:
        raise Garbled(mark("The model's answer was not in the form asked for."), spent=Spent.YES)
    invites = tuple(
        Invite(f"imagine:{n}", None, str(n), "🎨", command="imagine", values={"prompt": words})
        for n, words in enumerate(listed, 1)
    )
    numbered = "\n\n".join(f"{n}. {words}" for n, words in enumerate(listed, 1))
    return Result((), numbered, invites, markdown=True, tokens=tokens_of(body))


def _bare(text: str) -> str:
    """JSON without the fence that some models put around it."""
    text = text.strip()
    if not text.startswith("```"):
        return text
    return text.partition("\n")[2].rpartition("```")[0]


# -- pictures out of a chat ------------------------------------------------------------------------

_IMAGE = re.compile(r"!\[[^\]]{0,200}\]\(")
"""Where a picture begins in Markdown; what follows may be megabytes, so it is searched, not
matched."""


def pictured(choices: Sequence[Mapping[str, Json]], body: Mapping[str, Json]) -> Result:
    """The pictures of an answer, wherever they stand; words alone are a normal answer too."""
    answers = [read(choice) for choice in choices]
    media = [part for answer in answers for part in answer.media]
    words: list[str] = [answer.text for answer in answers]
    _native(body, media, words)
    text = "\n\n".join(word for word in words if word.strip()).strip()
    if media:
        return Result(tuple(media), text, markdown=True)
    if text:
        return Result((), text, markdown=True, facts={"remarks": [ONLY_WORDS]})
    if any(answer.reason == "content_filter" for answer in answers) or not choices:
        raise Moderated(TURNED_DOWN, spent=Spent.YES, detail="no choices, or content_filter")
    raise Garbled(mark("The service answered without a picture."), spent=Spent.YES)


def words_of(content: str) -> str:
    """A text without the pictures in it, whole or begun."""
    words: list[str] = []
    _gather(content, [], words)
    return "".join(words)


def _gather(content: Json, media: list[Remote], words: list[str]) -> None:
    """Pictures and words of a content that is a text or a list of parts."""
    if isinstance(content, str):
        _cut_out(content, media, words)
    for part in list_of(content):
        words.append(text_of(object_of(part).get("text")))
        _add(_target(part), media)


def _cut_out(content: str, media: list[Remote], words: list[str]) -> None:
    """A picture whose end is missing is none, and its bytes are no words."""
    at = 0
    if content.lstrip().startswith("data:image/"):
        picture, *rest = content.split(maxsplit=1)
        _add(picture, media)
        content = "".join(rest)
    for found in _IMAGE.finditer(content):
        if found.start() < at:
            continue
        words.append(content[at : found.start()])
        end = content.find(")", found.end())
        at = len(content) if end < 0 else end + 1
        _add(content[found.end() : max(end, found.end())], media)
    words.append(content[at:])


def _native(body: Mapping[str, Json], media: list[Remote], words: list[str]) -> None:
    """Gemini's own form."""
    for candidate in list_of(body.get("candidates")):
        parts = list_of(object_of(object_of(candidate).get("content")).get("parts"))
        for part in (object_of(p) for p in parts):
            inline = object_of(part.get("inlineData") or part.get("inline_data"))
            if data := text_of(inline.get("data")):
                media.append(Remote(f"data:;base64,{data}"))
            words.append(text_of(part.get("text")))


def _target(part: Json) -> Json:
    """Where a picture's part has its address or bytes, with nothing around them or with either."""
    inner = object_of(part).get("image_url", part)
    return object_of(inner).get("url", inner)


def _add(target: Json, media: list[Remote]) -> None:
    """A picture's address or bytes; in Markdown a title may stand behind it."""
    text = text_of(target).strip()
    if text.startswith("data:"):
        media.append(Remote(text))
    elif url := url_of(text.partition(" ")[0].strip("<>")):
        media.append(Remote(url))
