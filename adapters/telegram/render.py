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
from core.messages import Button, Caller, Field, Form, escape, shorten

STYLES = {
    "primary": KeyboardButtonStyle.PRIMARY,
    "success": KeyboardButtonStyle.SUCCESS,
    "danger": KeyboardButtonStyle.DANGER,
}
LABEL = 60
"""Characters of a button's label; longer ones are cut by phones."""


def units(text: str) -> int:
    """Length in UTF-16 units, which entities count in."""
    return len(text.encode("utf-16-le")) // 2


def text_of(source: str, mention: Caller | None = None) -> tuple[str, list[MessageEntity]]:
    """CommonMark source as plain text and entities; the person to notify stands in front."""
    text, found = convert(source, latex_escape=False)
    entities = [
        MessageEntity(e.type, e.offset, e.length, url=e.url, language=e.language) for e in found
    ]
    text = text.rstrip("\n")
    if mention is None:
        return text, _inside(entities, text)
    name = shorten(mention.name.strip() or "👤", 64)
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


def cut(text: str, entities: list[MessageEntity], limit: int) -> tuple[str, list[MessageEntity]]:
    """Cut to `limit` characters with the entities that still fit."""
    if len(text) <= limit:
        return text, entities
    text = text[: limit - 1].rstrip() + "…"
    kept = [e for e in entities if e.offset + e.length <= units(text)]
    return text, kept


def keyboard(buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | None:
    """Buttons in their rows, at most eight side by side."""
    if not buttons:
        return None
    ordered = sorted(buttons, key=lambda b: b.row)
    rows: list[list[InlineKeyboardButton]] = []
    for _, group in groupby(ordered, key=lambda b: b.row):
        line = [_button(b) for b in group]
        rows += [line[i : i + 8] for i in range(0, len(line), 8)]
    return InlineKeyboardMarkup(rows[:12])


def _button(button: Button) -> InlineKeyboardButton:
    label = shorten(" ".join(p for p in (button.emoji, button.label) if p) or "•", LABEL)
    if button.url:
        return InlineKeyboardButton(label, url=button.url)
    data = f"{'f' if button.form else 'b'}:{button.token}"
    style = STYLES.get(button.style)
    return InlineKeyboardButton(label, callback_data=data, style=style)


def question(say: Say, form: Form, index: int, lead: str = "") -> str:
    """One question of a form as CommonMark source."""
    field = form.fields[index]
    lines = [lead] if lead else []
    title = escape(form.title)
    if not lead:
        lines.append(f"**{title}**")
    if len(form.fields) > 1:
        lines.append(f"{index + 1}/{len(form.fields)} · {escape(field.label)}")
    elif escape(field.label) not in lead:
        lines.append(escape(field.label))
    if field.value:
        shown = escape(shorten(" ".join(field.value.split()), 1500))
        lines += [f"> {shown}", say("Answer with something new, or with - to keep this.")]
    elif not field.required:
        lines.append(say("Answer, or send - to leave it out."))
    else:
        lines.append(_how(say, field))
    return "\n\n".join(lines)


def _how(say: Say, field: Field) -> str:
    match field.kind:
        case "image":
            return say("Reply to this with a picture.")
        case "choice":
            return say("Reply with one of: {list}", list=", ".join(v for v, _ in field.choices))
        case _:
            return say("Reply to this message.")
