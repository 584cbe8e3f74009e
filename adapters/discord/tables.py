"""Tables for a platform that has none: in columns of equal letters, wide ones row by row. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

WIDEST = 64
"""Letters of a row that fit beside each other on most screens."""
_RULED = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CELL = re.compile(r"(?<!\\)\|")
_BARE = re.compile(r"\*\*|__|~~|`|\\(?=[!-/:-@\[-`{-~])|!?\[(?P<words>[^\]\n]*)\]\([^)\n]*\)")

Row = Sequence[str]


def plain_tables(source: str) -> str:
    """CommonMark with its tables as code blocks or lists."""
    if "|" not in source or "-" not in source:
        return source
    return "\n".join(_lines(source.split("\n")))


def _lines(lines: Sequence[str]) -> Iterator[str]:
    at, fence = 0, ""
    while at < len(lines):
        line = lines[at]
        if found := _FENCE.match(line):
            fence = "" if fence and found[1].startswith(fence) else fence or found[1]
        below = lines[at + 1] if at + 1 < len(lines) else ""
        if fence or "|" not in line or "|" not in below or not _RULED.match(below):
            yield line
            at += 1
            continue
        end = at + 2
        while end < len(lines) and "|" in lines[end]:
            end += 1
        yield from _table(cells(line), cells(below), [cells(row) for row in lines[at + 2 : end]])
        at = end


def cells(line: str) -> list[str]:
    """What stands in a row."""
    return [cell.strip() for cell in _CELL.split(line.strip().removeprefix("|").removesuffix("|"))]


def _table(head: Row, ruler: Row, rows: Sequence[Row]) -> Iterator[str]:
    bare = [[_bare(row[n]) if n < len(row) else "" for n in range(len(head))] for row in rows]
    names = [_bare(name) for name in head]
    widths = [max(map(len, column)) for column in zip(names, *bare, strict=True)]
    if sum(widths) + 3 * (len(widths) - 1) > WIDEST:
        yield from _listed(head, rows)
        return
    right = [n < len(ruler) and ruler[n].endswith(":") and ruler[n][0] != ":" for n in _each(head)]

    def row(values: Row) -> str:
        each = zip(values, widths, right, strict=True)
        return " │ ".join(v.rjust(w) if r else v.ljust(w) for v, w, r in each).rstrip()

    yield "```"
    yield row(names)
    yield "─┼─".join("─" * width for width in widths)
    yield from map(row, bare)
    yield "```"


def _listed(head: Row, rows: Sequence[Row]) -> Iterator[str]:
    """One item a row: its first cell, then what its head calls the others."""
    for first, *others in rows:
        named = zip(head[1:], others, strict=False)
        yield f"- **{_bare(first)}**" + "".join(f" · {name}: {v}" for name, v in named if v)


def _each(head: Row) -> range:
    return range(len(head))


def _bare(cell: str) -> str:
    """A cell without marks, which code would show."""
    return _BARE.sub(lambda found: found["words"] or "", cell)
