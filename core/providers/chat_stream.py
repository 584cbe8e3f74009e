"""Answers of language models that come in pieces, put together. Pure; nothing in it raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO

from core.providers.chat_answers import words_of
from core.providers.fields import list_of, object_of, text_of, whole
from core.wire import Json

_WORDS = ("content", "refusal", "reasoning_content")


@dataclass(slots=True)
class _Choice:
    """What there is of one answer."""

    words: dict[str, StringIO] = field(default_factory=lambda: {w: StringIO() for w in _WORDS})
    calls: dict[int, dict[str, Json]] = field(default_factory=dict)
    reason: str = ""

    def grow(self, choice: Mapping[str, Json]) -> None:
        delta = object_of(choice.get("delta"))
        if not delta and not self.begun:  # some print all of it at once
            delta = object_of(choice.get("message"))
        for name, words in self.words.items():
            if piece := _piece(delta.get(name)):
                words.write(piece)
        for call in list_of(delta.get("tool_calls")):
            self._call(object_of(call))
        self.reason = text_of(choice.get("finish_reason")) or self.reason

    def _call(self, piece: Mapping[str, Json]) -> None:
        """A piece of a call belongs to the call with its number; without one, to the last."""
        name, index = text_of(piece.get("id")), whole(piece.get("index"))
        if index is None:
            index = len(self.calls) if name or not self.calls else max(self.calls)
        mine = self.calls.setdefault(index, {"id": name, "function": {"name": "", "arguments": ""}})
        function = object_of(piece.get("function"))
        known, more = mine["function"]["name"], text_of(function.get("name"))
        if more != known:  # some say the whole name again with every piece
            mine["function"]["name"] = known + more
        mine["function"]["arguments"] += text_of(function.get("arguments"))

    @property
    def begun(self) -> bool:
        """Something of it can be shown."""
        return any(words.tell() for words in self.words.values()) or bool(self.calls)

    def message(self) -> dict[str, Json]:
        words: dict[str, Json] = {name: words.getvalue() for name, words in self.words.items()}
        return {**words, "tool_calls": [self.calls[n] for n in sorted(self.calls)]}


def _piece(value: Json) -> str:
    """A text, or the texts in a list of parts."""
    if isinstance(value, list):
        return "".join(text_of(object_of(part).get("text")) for part in value)
    return text_of(value)


class Growing:
    """Puts the events of one streamed answer together as the body it would have been."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._choices: dict[int, _Choice] = {}
        self._usage: Json = None
        self._error: Json = None

    @property
    def text(self) -> str:
        """What there is to read of the first answer; pictures in it are left out."""
        first = self._choices.get(0)
        return words_of(first.words["content"].getvalue()) if first else ""

    def add(self, data: bytes) -> None:
        """Take the data of one event; one that nobody can read is passed over."""
        try:
            event = object_of(json.loads(data))
        except (ValueError, RecursionError):
            return
        self._error = event.get("error") or self._error
        self._usage = event.get("usage") or self._usage
        for choice in map(object_of, list_of(event.get("choices"))):
            index = whole(choice.get("index")) or 0
            if index not in self._choices:
                self._choices[index] = _Choice()
            self._choices[index].grow(choice)

    def whole(self, *, cut: bool, stopped: bool = False) -> Json:
        """The body; an error that came instead of an answer is the body's."""
        begun = any(choice.begun for choice in self._choices.values())
        if self._error and not begun:
            return {"error": self._error, "begun": True}
        ended = bool(self._choices) and all(c.reason for c in self._choices.values())
        choices = [
            {"index": index, "finish_reason": choice.reason, "message": choice.message()}
            for index, choice in sorted(self._choices.items())
        ]
        broken = bool(self._error) or (cut and not ended)
        return {"choices": choices, "usage": self._usage, "cut": broken, "stopped": stopped}
