"""Cutting CommonMark where it may be cut. Pure; knows no platform and no message.

A part never ends inside a link or a word where that can be helped. A code block that does not fit
is closed and opened again with its language, a table goes on under its own head.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})(.*)")
_RULED = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
"""The line under a table's head."""
_INDENTED = re.compile(r"[ \t]")
_WHOLE = re.compile(r"!?\[[^\]\n]*\]\([^)\n]*\)|`[^`\n]+`|<https?://[^>\n]*>|https?://\S+")
"""Pieces of a line that stay in one part."""
_LEAST = {3: 0.3, 2: 0.2, 1: 0.05}
"""How full a part must be to end at a break of this rank."""


@dataclass(frozen=True, slots=True)
class Break:
    """A place between two lines."""

    at: int
    """Where the next line begins."""
    rank: int
    """3 between paragraphs, 2 between lines or the items of a list, 1 inside a block."""
    close: str = ""
    """What ends the block that is open here."""
    reopen: str = ""
    """What begins it again."""


def split(text: str, first: int, rest: int, measure: Callable[[str], int] = len) -> list[str]:
    """The text in parts of at most `first` and then `rest`, as `measure` counts."""
    parts: list[str] = []
    room = first
    while len(text) > 8 * room or measure(text) > room:
        head, text = _cut(text, room, measure)
        parts.append(head)
        room = rest
    return [*parts, text] if text.strip() or not parts else parts


def closed(markdown: str) -> str:
    """Text that was cut off, with its last code block closed."""
    last = list(breaks(f"{markdown}\n"))[-1]
    return f"{markdown}\n{last.close}" if last.close else markdown


def _cut(text: str, room: int, measure: Callable[[str], int]) -> tuple[str, str]:
    """A first part that fits, and what is left."""
    size = min(room, len(text))
    while True:
        head, tail = _cut_within(text, size)
        over = measure(head)
        if over <= room or size <= 8:
            return head, tail
        size = max(min(size * room // over, size - 1) - 4, 8)


def _cut_within(text: str, size: int) -> tuple[str, str]:
    """The longest good first part of at most `size` characters, and what is left."""
    places = [b for b in breaks(text[: size + 1]) if b.at + len(b.close) <= size]
    for rank, least in _LEAST.items():
        good = [b for b in places if b.rank >= rank and b.at >= size * least]
        good = [b for b in good if b.at > len(b.reopen)]
        if good:
            return _at(text, good[-1])
    return _inside_line(text, size)


def _at(text: str, place: Break) -> tuple[str, str]:
    """Cut between two lines; a block that ends here anyway is not opened again."""
    head, tail = text[: place.at], text[place.at :]
    if not place.reopen:
        return head.rstrip(), tail.lstrip("\n")
    line, _, rest = tail.partition("\n")
    if place.close and line.strip() == place.close.strip():
        return head + place.close, rest.lstrip("\n")
    return head + place.close, place.reopen + tail


def _inside_line(text: str, size: int) -> tuple[str, str]:
    """Cut a line that alone is too long; in a code block it goes on in the next block."""
    fence = next((b for b in reversed(list(breaks(text[:size]))) if b.at <= size and b.close), None)
    if fence is not None and len(fence.reopen) < size // 2:
        at = size - len(fence.close) - 1
        return f"{text[:at]}\n{fence.close}", fence.reopen + text[at:]
    at = _between_words(text, size)
    return text[:at].rstrip(), text[at:].lstrip()


def _between_words(text: str, size: int) -> int:
    """The last place in a line where nothing is broken, else any that halves no escape."""
    fixed = [found.span() for found in _WHOLE.finditer(text[: 2 * size])]
    at = size
    while (at := text.rfind(" ", 1, at)) > size // 8:
        if not any(start < at < end for start, end in fixed) and text[at - 1] != "\\":
            return at
    begun = next((start for start, end in fixed if start < size < end), 0)
    if begun > size // 8:
        return begun
    at = size
    while at > 1 and _halves(text, at):
        at -= 1
    return at


def _halves(text: str, at: int) -> bool:
    """Whether a backslash and what it escapes, or a letter and its accents, would be parted."""
    slashes = len(text[:at]) - len(text[:at].rstrip("\\"))
    return slashes % 2 == 1 or text[at : at + 1] in ("\u200d", "\u2060", "\ufe0f", "\u0301")


def breaks(text: str) -> Iterator[Break]:
    """Every place between two lines, with what is open there."""
    at, fence, head, before = 0, "", "", ""
    closing = ""
    lines = text.split("\n")
    for line, following in pairwise(lines):
        at += len(line) + 1
        found = _FENCE.fullmatch(line)
        if fence:
            if found and found[2].startswith(closing.strip()) and not found[3].strip():
                fence = closing = ""
        elif found and "`" not in found[3]:
            fence, closing = f"{line}\n", f"{found[1]}{found[2]}"
        if not fence and _RULED.fullmatch(line) and "|" in before:
            head = f"{before}\n{line}\n"
        elif "|" not in line:
            head = ""
        before = line
        if fence:
            yield Break(at, 1, closing, fence)
        elif head and "|" in following:
            yield Break(at, 1, "", head)
        elif _INDENTED.match(following) or _heads_table(following):
            yield Break(at, 1 if line.strip() else 2)
        else:
            yield Break(at, 2 if line.strip() else 3)


def _heads_table(line: str) -> bool:
    """Whether a line must stay with the one before it: it rules off a table's head."""
    return "|" in line and bool(_RULED.fullmatch(line))
