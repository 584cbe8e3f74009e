"""The three parse modes, as far as a bot can get them wrong.

Turns HTML, MarkdownV2 and legacy Markdown into text and entities, and refuses what the Bot API
refuses: unknown or unclosed tags, unescaped reserved characters. Pure: strings in, values out.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.servers.telegram_wire import ApiError, bad

Parsed = tuple[str, list[dict[str, Any]]]

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
}
_MARKS = {
    "*": "bold",
    "_": "italic",
    "__": "underline",
    "~": "strikethrough",
    "||": "spoiler",
}
_RESERVED = frozenset("_*[]()~`>#+-=|{}.!")
_LINK = re.compile(r"\(((?:\\.|[^)\\])*)\)")


def parse(text: str, mode: str) -> Parsed:
    """Parses formatted text.

    Args:
        text: What the bot sent.
        mode: The `parse_mode`, in any case.

    Raises:
        ApiError: 400 "can't parse entities: …", with the byte offset where there is one.
    """
    parsers: dict[str, Callable[[str], Parsed]] = {
        "html": _parse_html,
        "markdownv2": _parse_markdown_v2,
        "markdown": _parse_markdown,
    }
    if mode.lower() not in parsers:
        raise bad("unsupported parse_mode")
    return parsers[mode.lower()](text)


def _broken(reason: str) -> ApiError:
    return bad(f"can't parse entities: {reason}")


def _byte(text: str, position: int) -> int:
    return len(text[:position].encode())


@dataclass(slots=True)
class _Output:
    """Text so far, entities so far, and the entities still open."""

    parts: list[str] = field(default_factory=list)
    size: int = 0
    entities: list[dict[str, Any]] = field(default_factory=list)
    open: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def write(self, text: str) -> None:
        self.parts.append(text)
        self.size += len(text.encode("utf-16-le")) // 2

    def begin(self, mark: str, kind: str, **extra: Any) -> None:
        self.open.append((mark, {"type": kind, "offset": self.size, "length": 0, **extra}))

    def end(self, **extra: Any) -> None:
        entity = self.open.pop()[1]
        entity |= {"length": self.size - entity["offset"], **extra}
        if entity["length"] and entity["type"]:
            self.entities.append(entity)

    def span(self, text: str, kind: str, **extra: Any) -> None:
        self.begin(kind, kind, **extra)
        self.write(text)
        self.end()

    def marks(self) -> list[str]:
        return [mark for mark, _ in self.open]

    def done(self) -> Parsed:
        return "".join(self.parts), self.entities


def _parse_html(text: str) -> Parsed:
    out, position = _Output(), 0
    for tag in re.finditer(r"<(/?)([A-Za-z0-9-]*)([^<>]*)(>?)", text):
        out.write(html.unescape(text[position : tag.start()]))
        position = tag.end()
        closing, name, rest, finished = tag[1], tag[2].lower(), tag[3], tag[4]
        at = _byte(text, tag.start())
        if not finished:
            raise _broken(f"Unclosed start tag at byte offset {at}")
        if closing:
            _close_html(out, name, at)
        elif name not in _TAGS:
            raise _broken(f'Unsupported start tag "{name}" at byte offset {at}')
        else:
            _open_html(out, name, rest, at)
    if out.open:
        raise _broken(f'Can\'t find end tag corresponding to start tag "{out.open[-1][0]}"')
    out.write(html.unescape(text[position:]))
    return out.done()


def _close_html(out: _Output, name: str, at: int) -> None:
    if not out.open:
        raise _broken(f"Unexpected end tag at byte offset {at}")
    expected = out.open[-1][0]
    if name not in ("", expected):
        raise _broken(
            f'Unmatched end tag at byte offset {at}, expected "</{expected}>", found "</{name}>"'
        )
    out.end()


def _open_html(out: _Output, name: str, rest: str, at: int) -> None:
    attributes = dict(re.findall(r"([a-z-]+)\s*=\s*[\"']?([^\"'>]*)[\"']?", rest))
    match name:
        case "a":
            out.begin(name, "text_link", url=html.unescape(attributes.get("href", "")))
        case "span" if attributes.get("class") != "tg-spoiler":
            raise _broken(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
        case "tg-emoji":
            out.begin(name, "custom_emoji", custom_emoji_id=attributes.get("emoji-id", ""))
        case "blockquote" if "expandable" in rest:
            out.begin(name, "expandable_blockquote")
        case "code" if "language-" in attributes.get("class", "") and "pre" in out.marks():
            out.open[-1][1]["language"] = attributes["class"].removeprefix("language-")
            out.begin(name, "")  # only carries the language of the pre around it
        case _:
            out.begin(name, _TAGS[name])


def _parse_markdown_v2(text: str) -> Parsed:
    out, position = _Output(), 0
    while position < len(text):
        position = _step_v2(text, position, out)
    if out.open:
        mark, entity = out.open[-1]
        raise _broken(f"Can't find end of {entity['type']} entity marked with '{mark}'")
    return out.done()


def _step_v2(text: str, at: int, out: _Output) -> int:
    """Consumes one construct at `at`, returns the place behind it."""
    character = text[at]
    line_start = at == 0 or text[at - 1] == "\n"
    if character == "\\" and at + 1 < len(text) and 0 < ord(text[at + 1]) < 127:
        out.write(text[at + 1])
        return at + 2
    if character == "`":
        return _code(text, at, out)
    if character == ">" and line_start:
        line = text[at:].split("\n", 1)[0]
        out.begin("", "blockquote")
        inner, entities = _parse_markdown_v2(line[1:])
        out.entities += [{**e, "offset": e["offset"] + out.size} for e in entities]
        out.write(inner)
        out.end()
        return at + len(line)
    if character == "[" or text.startswith("![", at):
        out.begin("[", "text_link" if character == "[" else "custom_emoji")
        return at + (1 if character == "[" else 2)
    if character == "]" and "[" in out.marks():
        return _end_link(text, at, out)
    mark = next((m for m in ("__", "||", "*", "_", "~") if text.startswith(m, at)), None)
    if mark:
        return _toggle(text, at, mark, out)
    if character in _RESERVED:
        raise _broken(
            f"Character '{character}' is reserved and must be escaped with the preceding '\\'"
        )
    out.write(character)
    return at + 1


def _toggle(text: str, at: int, mark: str, out: _Output) -> int:
    if out.open and out.open[-1][0] == mark:
        out.end()
    elif mark in out.marks():
        raise _broken(f"Can't find end of the entity starting at byte offset {_byte(text, at)}")
    else:
        out.begin(mark, _MARKS[mark])
    return at + len(mark)


def _code(text: str, at: int, out: _Output) -> int:
    fence = "```" if text.startswith("```", at) else "`"
    found = re.compile(rf"((?:\\.|[^\\])*?){fence}", re.DOTALL).match(text, at + len(fence))
    if not found:
        kind = "Pre" if len(fence) == 3 else "Code"
        raise _broken(f"Can't find end of {kind} entity at byte offset {_byte(text, at)}")
    body, extra = found[1], {}
    if len(fence) == 3:
        language, newline, rest = body.partition("\n")
        if newline and language and re.fullmatch(r"\S+", language):
            body, extra = rest, {"language": language}
    body = re.sub(r"\\([\\`])", r"\1", body)
    out.span(body, "pre" if len(fence) == 3 else "code", **extra)
    return found.end()


def _end_link(text: str, at: int, out: _Output) -> int:
    if out.open[-1][0] != "[":
        raise _broken(f"Can't find end of the entity starting at byte offset {_byte(text, at)}")
    target = _LINK.match(text, at + 1)
    if not target:
        raise _broken(f"Can't find end of a URL at byte offset {_byte(text, at)}")
    address = re.sub(r"\\(.)", r"\1", target[1])
    if out.open[-1][1]["type"] == "custom_emoji":
        out.end(custom_emoji_id=address.rpartition("=")[2])
    else:
        out.end(url=address)
    return target.end()


def _parse_markdown(text: str) -> Parsed:
    """Legacy Markdown: no nesting, `_ * [ `` ` `` special, everything else as it is."""
    out, at = _Output(), 0
    while at < len(text):
        character = text[at]
        if character == "\\" and text[at + 1 : at + 2] in ("_", "*", "`", "["):
            out.write(text[at + 1])
            at += 2
        elif character == "`":
            at = _code(text, at, out)
        elif character in "_*[":
            at = _legacy_span(text, at, out)
        else:
            out.write(character)
            at += 1
    return out.done()


def _legacy_span(text: str, at: int, out: _Output) -> int:
    character = text[at]
    closing = "]" if character == "[" else character
    end = text.find(closing, at + 1)
    if end < 0:
        raise _broken(f"Can't find end of the entity starting at byte offset {_byte(text, at)}")
    inner = text[at + 1 : end]
    if character != "[":
        out.span(inner, _MARKS[character])
        return end + 1
    target = _LINK.match(text, end + 1)
    if not target:
        out.write(inner)
        return end + 1
    out.span(inner, "text_link", url=target[1])
    return target.end()
