"""The one flag grammar of all commands, for platforms without typed options.

    /imagine a red cat, sitting --ar 16:9 --no "dogs and mice" --spoiler

Free text is the main option's; `--name value`, `--name=value` and `--flag` are the others', and
behind a flag may stand `yes` or `no`. Values are strings (True or False for a flag, an
`Attachment` for a picture's address); the command's model turns them into what it wants. Pure;
knows no platform.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import TypeAlias

from core.commands.mjprompt import ANSWERS, FLAG_NAMES
from core.commands.spec import FILES, Command, Option
from core.errors import BadInput
from core.i18n import mark
from core.messages import Attachment, clean

Value: TypeAlias = "str | bool | list[Attachment]"

_DASHES = "\u2014\u2013\u2015\u2212"
"""What phones make of `--`: em dash, en dash, horizontal bar, minus."""
_OPENING = re.compile(
    rf"(?<!\S)(?:--|-?[{_DASHES}][-{_DASHES}]*)([A-Za-z][\w-]*)(?=[=\s]|[.,;!]+(?:\s|$)|$)"
)
_QUOTED = re.compile(
    "\"([^\"]*)\"(?!\\S)|'([^']*)'(?!\\S)|[“„]([^“”„]*)[”“](?!\\S)|[‘‚]([^‘’‚]*)[’‘](?!\\S)"
)
_WORD = re.compile(r"\S+")
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_SPACE = re.compile(r"\s*")
_YES = re.compile(r"\s+yes(?!\S)", re.IGNORECASE)
"""Said behind a flag though more follows; a `no` may belong to what follows."""


def parse(command: Command, text: str) -> dict[str, Value]:
    """Read the untyped rest of a command line.

    A text option takes one word, or a quoted piece, or a comma list up to the next flag; the main
    one takes everything up to there. In a command whose main option passes flags on (`passes`),
    flags that the model behind it understands stay in the text exactly as typed, and so do unknown
    ones; elsewhere an unknown flag is refused. An option given twice counts the last time, pictures
    add up.

    Raises:
        BadInput: An unknown flag, a missing value, or words that the command has no use for; with
            the fix.
    """
    return _Reader(command, clean(text)).read()


def passes_flags(command: Command) -> bool:
    """Tell whether the main option's text may hold flags of its own."""
    main = next((option for option in command.options if option.main), None)
    extra = command.model.model_fields[main.name].json_schema_extra if main else None
    return isinstance(extra, dict) and bool(extra.get("passes"))


class _Reader:
    """Reads one command line from left to right."""

    def __init__(self, command: Command, text: str) -> None:
        self._command = command
        self._options = {option.name: option for option in command.options}
        self._passes = passes_flags(command)
        self._text = text
        self._values: dict[str, Value] = {}
        self._kept: list[tuple[int, int]] = []

    def read(self) -> dict[str, Value]:
        """Read everything."""
        openings = list(_OPENING.finditer(self._text))
        ends = [found.start() for found in openings[1:]] + [len(self._text)]
        at = 0
        for found, stop in zip(openings, ends, strict=False):
            if found.start() < at:  # inside a quoted value
                continue
            option = self._option(found)
            if option is not None:
                self._kept.append((at, found.start()))
                at = self._take(option, found.end(), stop)
        self._kept.append((at, len(self._text)))
        self._take_rest(_joined(self._text, self._kept))
        return self._values

    def _option(self, found: re.Match[str]) -> Option | None:
        """The option a flag names; None when it is to stay in the text."""
        name = found[1].lower().replace("-", "_")
        if self._passes and (name not in self._options or name in FLAG_NAMES):
            return None
        if name not in self._options:
            near = difflib.get_close_matches(name, self._options, n=1, cutoff=0.6)
            if near or found[0].startswith("--"):
                raise self._unknown(found[1], near)
            return None  # a dash of prose
        return self._options[name]

    def _unknown(self, name: str, near: Sequence[str]) -> BadInput:
        values = {"command": self._command.name, "option": name[:40]}
        if near:
            text = mark("/{command} has no option --{option}. Did you mean --{near}?")
            return BadInput(text, near=near[0], **values)
        listed = ", ".join(f"--{option}" for option in self._options)
        if listed:
            text = mark("/{command} has no option --{option}. There is {options}.")
            return BadInput(text, options=listed, **values)
        return BadInput(mark("/{command} takes no options."), **values)

    def _take(self, option: Option, end: int, stop: int) -> int:
        """Read the value behind a flag that ends at `end`; returns where the text goes on.

        The next flag begins at `stop`.
        """
        glued = self._text[end : end + 1] == "="
        end = _after_marks(self._text, end)
        if option.kind == "flag" and not glued:
            answer = ANSWERS.get(self._text[end:stop].strip().lower())
            if answer is not None:
                self._values[option.name] = answer
                return stop
            self._values[option.name] = True
            yes = _YES.match(self._text, end, stop)
            return yes.end() if yes else end
        value, end = self._value(option, end + 1 if glued else _skip(self._text, end), stop)
        if not value:
            raise BadInput(mark("--{option} needs a value behind it."), option=option.name)
        self._put(option, value)
        return end

    def _value(self, option: Option, start: int, stop: int) -> tuple[str, int]:
        """The value at `start` and where it ends."""
        if quoted := _QUOTED.match(self._text, start):
            return next(g for g in quoted.groups() if g is not None).strip(), quoted.end()
        word = _WORD.match(self._text, start, max(stop, start))
        if word is None:
            return "", start
        if option.kind == "text" and (option.main or _is_list(self._text[start:stop])):
            return self._text[start:stop].strip(), stop
        return word[0], word.end()

    def _put(self, option: Option, value: str) -> None:
        if option.kind in FILES:
            self._add_address(option, value)
        elif option.main and isinstance(before := self._values.get(option.name), str):
            self._values[option.name] = f"{before} {value}"
        else:
            self._values[option.name] = value

    def _add_address(self, option: Option, value: str) -> None:
        if not _ADDRESS.fullmatch(value):
            raise BadInput(
                mark("--{option} takes a picture's address; or send the picture with the command."),
                option=option.name,
            )
        before = self._values.get(option.name)
        given = before if isinstance(before, list) else []
        name = value.partition("?")[0].rstrip("/").rpartition("/")[2]
        self._values[option.name] = [*given, Attachment(url=value, name=name)]

    def _take_rest(self, rest: str) -> None:
        """Give the free text to the main option; without one, addresses to the pictures."""
        main = next((option for option in self._options.values() if option.main), None)
        if main is not None:  # Midjourney's own lines begin with `prompt:`
            rest = rest.removeprefix(f"{main.name}:").strip()
        if not rest:
            return
        if main is not None:
            named = self._values.get(main.name)
            self._values[main.name] = f"{rest} {named}" if isinstance(named, str) else rest
            return
        words = rest.split()
        picture = next((o for o in self._options.values() if o.kind in FILES), None)
        if picture is None or not all(_ADDRESS.fullmatch(word) for word in words):
            raise self._useless(rest, picture)
        for word in words:
            self._add_address(picture, word)

    def _useless(self, rest: str, picture: Option | None) -> BadInput:
        """Why words without a name are of no use to this command."""
        values = {"command": self._command.name, "words": rest[:60]}
        if picture is not None:
            return BadInput(
                mark("/{command} takes pictures, not words: “{words}” cannot be used."), **values
            )
        if named := next(iter(self._options), ""):
            text = mark(
                "/{command} takes its options by name, such as --{option}: "
                "“{words}” cannot be used."
            )
            return BadInput(text, option=named, **values)
        return BadInput(
            mark("/{command} takes nothing besides: “{words}” cannot be used."), **values
        )


def _skip(text: str, at: int) -> int:
    """The next place that is no white space."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _after_marks(text: str, at: int) -> int:
    """Behind punctuation glued to a flag."""
    while at < len(text) and text[at] in ".,;!":
        at += 1
    return at


def _is_list(text: str) -> bool:
    """Tell whether a text begins a comma list: `cats, big dogs`, but not `cats and more`."""
    head = text.strip().split(maxsplit=2)[:2]
    return bool(head) and (head[0].endswith(",") or (len(head) > 1 and head[1].startswith(",")))


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The pieces of the text that are left, joined by a line break where one was, else a blank."""
    whole = ""
    gap = ""
    for start, end in spans:
        piece = text[start:end]
        stripped = piece.strip()
        if not stripped:
            gap += piece
            continue
        head = piece[: len(piece) - len(piece.lstrip())]
        if whole:
            whole += "\n" if "\n" in gap + head else " "
        whole += stripped
        gap = piece[len(piece.rstrip()) :]
    return whole
