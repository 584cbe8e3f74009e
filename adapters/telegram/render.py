"""Messages to Telegram's parts: text with entities, keyboards, forms. Pure."""

from __future__ import annotations

from itertools import groupby

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
    User,
)
from telegram.constants import KeyboardButtonStyle
from telegramify_markdown import convert

from core.i18n import Say
from core.messages import Button, Caller, Field, Form, clean, escape, shorten

STYLES = {
    "primary": KeyboardButtonStyle.PRIMARY,
    "success": KeyboardButtonStyle.SUCCESS,
    "danger": KeyboardButtonStyle.DANGER,
}
PER_ROW = 8
"""Buttons side by side; clients fold more."""
ROWS = 12
NAME = 64
"""Characters of the name that leads a message."""
SHOWN = 1500
"""Characters of an answer that may be kept."""
LABEL = 60
"""Characters of a button's label; longer ones are cut by phones."""


def units(text: str) -> int:
    """Length in UTF-16 units, which entities count in."""
    return len(text.encode("utf-16-le")) // 2


def length(source: str) -> int:
    """How long CommonMark becomes here: in characters, or by its entities, of which Telegram shows
    no more than 100.
    """
    text, entities = text_of(source)
    return max(units(text), len(entities) * 4096 // 100)


def text_of(source: str, mention: Caller | None = None) -> tuple[str, list[MessageEntity]]:
    """CommonMark source as plain text and entities; the person to notify stands in front."""
    text, found = convert(source, latex_escape=False)
    entities = [
        MessageEntity(e.type, e.offset, e.length, url=e.url, language=e.language) for e in found
    ]
    text = text.rstrip("\n")
    if mention is None:
        return text, _inside(entities, text)
    name = shorten(" ".join(clean(mention.name).split()) or "👤", NAME)
    shift = units(name) + 2
    moved = [
        MessageEntity(e.type, e.offset + shift, e.length, url=e.url, language=e.language)
        for e in entities
    ]
    user = User(int(mention.id), name, is_bot=False)
    head = MessageEntity(MessageEntity.TEXT_MENTION, 0, units(name), user=user)
    whole = f"{name}, {text}"
    return whole, [head, *_inside(moved, whole)]


def _inside(entities: list[MessageEntity], text: str) -> list[MessageEntity]:
    """Keep entities within the text (its end may have been trimmed)."""
    length = units(text)
    kept = []
    for e in entities:
        size = min(e.length, length - e.offset)
        if size > 0:
            kept.append(MessageEntity(e.type, e.offset, size, url=e.url, language=e.language))
    return kept


def plain(source: str) -> str:
    """CommonMark source as bare text."""
    return text_of(source)[0]


def cut(text: str, entities: list[MessageEntity], limit: int) -> tuple[str, list[MessageEntity]]:
    """Cut to `limit` characters with the entities that still fit."""
    if len(text) <= limit:
        return text, entities
    text = text[: limit - 1].rstrip() + "…"
    kept = [e for e in entities if e.offset + e.length <= units(text)]
    return text, kept


def keyboard(buttons: tuple[Button, ...], much: int = 2) -> InlineKeyboardMarkup | None:
    """Buttons in their rows; `much` is 2 for all, 1 for bare ones without links, 0 for none."""
    shown = [b for b in buttons if much == 2 or not b.url] if much else []
    rows: list[list[InlineKeyboardButton]] = []
    for _, group in groupby(sorted(shown, key=lambda b: b.row), key=lambda b: b.row):
        line = [_button(b, bare=much == 1) for b in group]
        rows += [line[i : i + PER_ROW] for i in range(0, len(line), PER_ROW)]
    return InlineKeyboardMarkup(rows[:ROWS]) if rows else None


def _button(button: Button, *, bare: bool) -> InlineKeyboardButton:
    label = shorten(" ".join(p for p in (button.emoji, button.label) if p) or "•", LABEL)
    if button.url:
        return InlineKeyboardButton(label, url=button.url)
    data = f"{'f' if button.form else 'b'}:{button.token}"
    style = None if bare else STYLES.get(button.style)
    return InlineKeyboardButton(label, callback_data=data, style=style)


def question(say: Say, form: Form, index: int, lead: str = "") -> str:
    """One question of a form, in a person's language already, as CommonMark source."""
    asked = form.fields[index]
    label = escape(asked.label)
    lines = [lead if lead and lead != form.title else f"**{escape(form.title)}**"]
    if len(form.fields) > 1:
        lines.append(f"{index + 1}/{len(form.fields)} · {label}")
    elif label not in lead:
        lines.append(label)
    if asked.hint and asked.kind == "image":
        lines.append(escape(asked.hint))
    if asked.value:
        shown = escape(shorten(" ".join(asked.value.split()), SHOWN))
        lines += [f"> {shown}", say("Answer with something new, or with - to keep this.")]
    elif not asked.required:
        lines.append(say("Answer, or send - to leave it out."))
    else:
        lines.append(_how(say, asked))
    return "\n\n".join(lines)


def _how(say: Say, asked: Field) -> str:
    match asked.kind:
        case "image":
            return say("Reply to this with a picture.")
        case "choice":
            names = ", ".join(escape(label) for _, label in asked.choices)
            return say("Reply with one of: {list}", list=names)
        case _:
            return say("Reply to this message.")
