"""Values of core drawn with Discord's own parts: text, buttons, forms and files. Pure; knows no
connection.

Discord's markdown looks like CommonMark and is not: `__` underlines, `||` hides, `-#` makes small
print, `<@1>` and `<t:1>` are active, `>>>` quotes to the end. What is plain in CommonMark is
escaped here, what is meant is translated.
"""

from __future__ import annotations

import html
import logging
import mimetypes
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from adapters.discord.tables import plain_tables
from core.messages import Button, Field, Form, Media, Message, escape

log = logging.getLogger(__name__)

TEXT = 2000
"""Characters of a message (Discord's documentation; its client library does not check)."""
LABEL = 80
ALT = 1024
FILES = 10
ROWS = 5
PER_ROW = 5
SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6

JOINER = "\u2060"
_STYLES = {"primary": 1, "plain": 2, "success": 3, "danger": 4}
_LINK = 5

# -- text ---------------------------------------------------------------------------------------

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`\n]*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_BULLET = re.compile(r"([ \t]*)[*+][ \t]+(?=\S)")
_NUMBER = re.compile(r"([ \t]*\d{1,9})\)[ \t]+(?=\S)")
_QUOTE = re.compile(r" {0,3}>[ \t>]*")
_INLINE = re.compile(
    r"""
      \\(?P<hard>\n)
    | (?P<escaped>\\[!-/:-@\[-`{-~])
    | (?P<slash>\\)
    | (?P<ticks>`+)(?P<code>(?:(?!\n[ \t]*\n).)+?)(?<!`)(?P=ticks)(?!`)
    | (?P<loose>`+)
    | (?P<auto><https?://[^\s<>]+>)
    | !?\[(?P<label>(?:\\.|[^\]\\\n])*)\]
      \((?:<(?P<far>[^<>\n]*)>|(?P<url>(?:\\.|[^\s()\\]|\([^\s()]*\))*))
      (?:[ \t]+(?:"[^"\n]*"|'[^'\n]*'))?\)
    | (?P<under>_{2,})
    | (?P<bars>\|{2,})
    | (?P<angle><)
    | @(?P<all>everyone|here)\b
    | (?P<entity>&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)
    """,
    re.VERBOSE | re.DOTALL,
)


def text(source: str) -> str:
    """Translate CommonMark into Discord's markdown."""
    out: list[str] = []
    plain: list[str] = []
    lines = iter(plain_tables(source).split("\n"))
    for line in lines:
        fence = _FENCE.match(line)
        if fence is None:
            plain.append(_line_start(line))
            continue
        if plain:
            out.append(_inline("\n".join(plain)))
            plain.clear()
        out.append(_block(fence[1], fence[2], lines))
    if plain:
        out.append(_inline("\n".join(plain)))
    return "\n".join(out)


def _block(mark: str, language: str, lines: Iterator[str]) -> str:
    """Copy a code block up to its end; a fence inside cannot close Discord's."""
    end = re.compile(rf" {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
    body: list[str] = []
    for line in lines:
        if end.match(line):
            break
        body.append(line.replace("```", f"`{JOINER}``"))
    return "\n".join([f"```{language}", *body, "```"])


def _line_start(line: str) -> str:
    """Translate the mark a line begins with."""
    quote = _QUOTE.match(line)
    if quote:
        return "> " + _line_start(line[quote.end() :])
    if _RULE.match(line):
        return "─" * 12
    if line.lstrip().startswith("-# "):
        return line.replace("-# ", r"\-# ", 1)
    heading = _HEADING.match(line)
    if heading:
        level, words = len(heading[1]), heading[2]
        return f"{heading[1]} {words}" if level <= 3 else f"**{words}**"
    line = _BULLET.sub(r"\1- ", line, count=1) if _BULLET.match(line) else line
    return _NUMBER.sub(r"\1. ", line, count=1) if _NUMBER.match(line) else line


def _inline(source: str) -> str:
    return _INLINE.sub(_mark, source)


def _mark(found: re.Match[str]) -> str:
    """Translate one piece of inline markup; what is no markup in CommonMark must be none here."""
    match found.lastgroup:
        case "hard":
            return "\n"
        case "slash":
            return "\\\\"
        case "loose" | "bars":
            return "".join(f"\\{c}" for c in found[0])
        case "angle":
            return r"\<"
        case "all":
            return f"@{JOINER}{found['all']}"
        case "code":
            return _code(found["code"])
        case "under":
            return _underline(found)
        case "entity":
            return escape(html.unescape(found[0]))
        case "label" | "far" | "url":
            return _link(found["label"], found["far"] or found["url"] or "")
        case _:
            return found[0]


def _code(words: str) -> str:
    """A code span; Discord reads three backticks as a block, so at most two are used."""
    words = words.replace("\n", " ")
    if "``" in words:
        words = words.replace("``", f"`{JOINER}`")
    ticks = "``" if "`" in words else "`"
    return f"{ticks}{words}{ticks}"


def _underline(found: re.Match[str]) -> str:
    """`__` is bold in CommonMark, except inside a word, where it is nothing."""
    whole, before, after = found.string, found.start() - 1, found.end()
    inside = (
        before >= 0 and whole[before].isalnum() and after < len(whole) and whole[after].isalnum()
    )
    run = len(found[0])
    return "".join([r"\_"] * run) if inside or run > 3 else "*" * run


def _link(label: str, url: str) -> str:
    """A masked link without a preview; only web addresses are linked."""
    words = _inline(label)
    url = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", url)
    if not re.match(r"https?://[^\s<>]+$", url):
        return words
    return f"[{words}](<{url}>)" if words else f"<{url}>"


def cut(words: str, limit: int = TEXT) -> str:
    """Shorten text that is too long, leaving neither half an escape nor an open code block."""
    if len(words) <= limit:
        return words
    words = words[: limit - 5]
    slashes = len(words) - len(words.rstrip("\\"))
    words = words[: len(words) - slashes % 2]
    closed = words.count("```") % 2 == 0
    return words + ("…" if closed else "\n```…")


def content(message: Message, *, dm: bool = False) -> str:
    """The text of a message, naming the one person who is notified (not in a chat that only they
    read).
    """
    words = text(message.text).strip()
    if message.mention is not None and not dm:
        gap = "\n" if re.match(r"[#>\-`\d]", words) else " "
        words = f"<@{message.mention.id}>{gap}{words}".strip()
    return cut(words)


# -- buttons ------------------------------------------------------------------------------------


def rows(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    """Action rows: at most five of five buttons; a longer row goes on in the next."""
    seen: set[str] = set()
    lines: list[list[dict[str, Any]]] = []
    for number in sorted({b.row for b in buttons}):
        drawn = [d for b in buttons if b.row == number and (d := _button(b, seen))]
        lines += [drawn[i : i + PER_ROW] for i in range(0, len(drawn), PER_ROW)]
    if len(lines) > ROWS:
        log.warning("a message has %d rows of buttons, Discord shows %d", len(lines), ROWS)
    return [{"type": 1, "components": line} for line in lines[:ROWS]]


def _button(button: Button, seen: set[str]) -> dict[str, Any] | None:
    """Draw one button; None when its token is already on the message (Discord refuses two)."""
    emoji = button.emoji if is_emoji(button.emoji) else ""
    label = button.label or ("" if emoji else button.emoji or "…")
    drawn: dict[str, Any] = {"type": 2}
    if label:
        drawn["label"] = label if len(label) <= LABEL else label[: LABEL - 1] + "…"
    if emoji:
        drawn["emoji"] = {"name": emoji}
    if button.disabled:
        drawn["disabled"] = True
    if button.url:
        return drawn | {"style": _LINK, "url": button.url[:512]}
    key = custom_id(button)
    if not button.token:  # nothing to press: Discord wants an id all the same
        key = f"x:{len(seen)}"
        drawn["disabled"] = True
    if key in seen:
        return None
    seen.add(key)
    return drawn | {"style": _STYLES[button.style], "custom_id": key}


def custom_id(button: Button) -> str:
    """What Discord sends back when the button is pressed: `b:<token>` acts, `f:<token>` opens a
    form.
    """
    return f"{'f' if button.form else 'b'}:{button.token}"[:100]


def is_emoji(name: str) -> bool:
    """Whether a text can be a button's Unicode emoji: short, and nothing that is written with
    letters.
    """
    return (
        bool(name) and len(name) <= 16 and not name.isascii() and not any(c.isalpha() for c in name)
    )


def without_emoji(message: Message) -> list[Button]:
    """A message's buttons with words only, for the day Discord does not know an emoji."""
    bare = [(b, b.label or b.emoji) for b in buttons_of(message)]
    return [
        Button(
            label=label,
            token=b.token,
            style=b.style,
            row=b.row,
            url=b.url,
            disabled=b.disabled,
            form=b.form,
        )
        for b, label in bare
    ]


def buttons_of(message: Message) -> list[Button]:
    """A message's buttons; a question that comes with it goes behind one, since windows open on a
    press only.
    """
    buttons = list(message.buttons)
    form = message.form
    if (
        form is not None
        and form.token
        and not any(b.form and b.token == form.token for b in buttons)
    ):
        last = max((b.row for b in buttons), default=-1)
        buttons.append(
            Button(label=form.title, token=form.token, style="primary", row=last + 1, form=True)
        )
    return buttons


# -- files --------------------------------------------------------------------------------------


def filename(media: Media) -> str:
    """A name Discord keeps as it is; it carries part of the content hash, so that equal names are
    equal files.
    """
    name = PurePath(media.name)
    ending = name.suffix or mimetypes.guess_extension(media.mime) or ""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", name.stem).strip("_") or "file"
    plain = f"{stem[:60]}-{media.hash[:8]}{re.sub(r'[^A-Za-z0-9.]', '', ending)[:8]}"
    return f"SPOILER_{plain}" if media.spoiler else plain


def payload(
    message: Message,
    *,
    dm: bool = False,
    kept: Mapping[str, str] | None = None,
    plain: bool = False,
) -> tuple[dict[str, Any], list[Media]]:
    """A message's JSON and the files to upload with it, in order.

    `dm`: only the person reads the chat. `kept`: file name to attachment id of what already hangs
    on the message; equal files are not sent again. `plain`: leave emoji away.
    """
    kept = kept or {}
    if len(message.media) > FILES:
        log.warning("a message has %d files, Discord takes %d", len(message.media), FILES)
    attachments: list[dict[str, Any]] = []
    uploads: list[Media] = []
    for media in message.media[:FILES]:
        name = filename(media)
        if name in kept:
            attachments.append({"id": kept[name]})
            continue
        about = {"description": media.alt[:ALT]} if media.alt else {}
        attachments.append({"id": len(uploads), "filename": name, **about})
        uploads.append(media)
    body: dict[str, Any] = {
        "content": content(message, dm=dm),
        "components": rows(without_emoji(message) if plain else buttons_of(message)),
        "allowed_mentions": mentions(message, dm=dm),
        "attachments": attachments,
        "flags": SUPPRESS_EMBEDS,
    }
    if not body["content"] and not attachments:
        body["content"] = "…"  # Discord refuses a message without anything to read
    return body, uploads


def mentions(message: Message, *, dm: bool = False) -> dict[str, Any]:
    """Who may be notified: the one person the message is for, and nobody else whatever the text
    says.
    """
    users = [message.mention.id] if message.mention is not None and not dm else []
    return {"parse": [], "users": users, "replied_user": False}


# -- forms --------------------------------------------------------------------------------------


def modal(form: Form, token: str) -> dict[str, Any]:
    """A form as Discord's window: at most five questions, each under its label."""
    return {
        "custom_id": f"f:{token}"[:100],
        "title": form.title[:45] or "…",
        "components": [_question(field) for field in form.fields[:5]],
    }


def _question(field: Field) -> dict[str, Any]:
    label: dict[str, Any] = {"type": 18, "label": field.label[:45] or field.name[:45]}
    if field.hint and field.kind in ("choice", "image"):
        label["description"] = field.hint[:100]
    return label | {"component": _asker(field)}


def _asker(field: Field) -> dict[str, Any]:
    base: dict[str, Any] = {"custom_id": field.name[:100], "required": field.required}
    match field.kind:
        case "choice":
            options = [
                {
                    "label": label[:100] or value[:100],
                    "value": value[:100],
                    "default": value == field.value,
                }
                for value, label in field.choices[:25]
            ]
            return base | {"type": 3, "options": options, "min_values": int(field.required)}
        case "image":
            return base | {"type": 19, "min_values": int(field.required), "max_values": 1}
        case "line" | "text":
            longest = min(field.max_length or 4000, 4000)
            asked = base | {
                "type": 4,
                "style": 1 if field.kind == "line" else 2,
                "max_length": longest,
            }
            if field.value:
                asked["value"] = field.value[:longest]
            if field.hint:
                asked["placeholder"] = field.hint[:100]
            return asked
