"""The rules for modals and embeds: what may be asked, how long it may be.

Pure. Sources: Discord's docs, "Component Reference" (Label, Text Input, File Upload, Radio and
Checkbox Group), "Message Create: Embed Limits".
"""

from collections.abc import Collection, Iterator
from typing import Any

from tests.servers.discord_components import (
    ROW,
    SELECTS,
    TEXT,
    TEXT_INPUT,
    check_options,
    check_select,
    length,
    optional_length,
    unique_custom_ids,
)
from tests.servers.discord_errors import Path, Problem
from tests.servers.discord_wire import Component

LABEL, FILE_UPLOAD, RADIO, CHECKBOXES, CHECKBOX = 18, 19, 21, 22, 23
FIELDS = SELECTS | {TEXT_INPUT, FILE_UPLOAD, RADIO, CHECKBOXES, CHECKBOX}

Problems = Iterator[Problem]


def check_modal(data: dict[str, Any], emojis: Collection[int]) -> Problems:
    """A modal: its title, its id and one to five fields."""
    path: Path = ("data",)
    yield from length(data.get("title"), (*path, "title"), 1, 45)
    yield from length(data.get("custom_id"), (*path, "custom_id"), 1, 100)
    components = data.get("components") or []
    here = (*path, "components")
    if not 1 <= len(components) <= 5:
        yield Problem(here, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    for number, part in enumerate(components):
        yield from _top(part, (*here, number), emojis)
    yield from unique_custom_ids(components, here)


def _top(part: Component, path: Path, emojis: Collection[int]) -> Problems:
    match part.get("type"):
        case 1:
            yield from _old_row(part, path)
        case 10:
            yield from length(part.get("content"), (*path, "content"), 1, 4000)
        case 18:
            yield from _label(part, path, emojis)
        case _:
            message = f"Value of field must be in ({ROW}, {TEXT}, {LABEL})"
            yield Problem((*path, "type"), "UNION_TYPE_CHOICES", message)


def _old_row(part: Component, path: Path) -> Problems:
    inputs = part.get("components") or []
    if len(inputs) != 1 or inputs[0].get("type") != TEXT_INPUT:
        message = "A row of a modal holds one text input"
        yield Problem((*path, "components"), "BASE_TYPE_BAD_LENGTH", message)
        return
    here = (*path, "components", 0)
    yield from length(inputs[0].get("label"), (*here, "label"), 1, 45)
    yield from _text_input(inputs[0], here)


def _label(part: Component, path: Path, emojis: Collection[int]) -> Problems:
    yield from length(part.get("label"), (*path, "label"), 1, 45)
    yield from optional_length(part, "description", path, 100)
    inner = part.get("component") or {}
    here = (*path, "component")
    if inner.get("type") not in FIELDS:
        yield Problem((*here, "type"), "UNION_TYPE_CHOICES", "This is no field of a modal")
        return
    yield from length(inner.get("custom_id"), (*here, "custom_id"), 1, 100)
    match inner["type"]:
        case 4:
            if inner.get("label") is not None:
                message = "The label stands in the Label component"
                yield Problem((*here, "label"), "TEXT_INPUT_LABEL_NOT_ALLOWED", message)
            yield from _text_input(inner, here)
        case 19:
            yield from _counts(inner, here, 10)
        case 21:
            yield from check_options(inner.get("options") or [], (*here, "options"), emojis, 2, 10)
        case 22:
            yield from check_options(inner.get("options") or [], (*here, "options"), emojis, 1, 10)
            yield from _counts(inner, here, 10)
        case kind if kind in SELECTS:
            yield from check_select(inner, here, emojis)
            if inner.get("disabled"):
                message = "A select in a modal cannot be disabled"
                yield Problem((*here, "disabled"), "SELECT_DISABLED_IN_MODAL", message)
    if inner.get("min_values") == 0 and inner.get("required", True) is True:
        message = "A required field has at least one value"
        yield Problem((*here, "min_values"), "NUMBER_TYPE_MIN", message)


def _counts(part: Component, path: Path, most: int) -> Problems:
    low, high = part.get("min_values"), part.get("max_values")
    low, high = 1 if low is None else low, 1 if high is None else high
    if not 0 <= low <= most or not 1 <= high <= most or low > high:
        message = f"min_values and max_values must be between 0 and {most}, and in order"
        yield Problem((*path, "min_values"), "NUMBER_TYPE_MAX", message)


def _text_input(part: Component, path: Path) -> Problems:
    yield from length(part.get("custom_id"), (*path, "custom_id"), 1, 100)
    yield from optional_length(part, "placeholder", path, 100)
    yield from optional_length(part, "value", path, 4000)
    if part.get("style") not in (1, 2):
        yield Problem((*path, "style"), "BASE_TYPE_CHOICES", "Value must be one of (1, 2).")
    low, high = part.get("min_length") or 0, part.get("max_length")
    high = 4000 if high is None else high
    if not 0 <= low <= 4000 or not 1 <= high <= 4000 or low > high:
        message = "min_length and max_length must be at most 4000, and in order"
        yield Problem((*path, "max_length"), "NUMBER_TYPE_MAX", message)
    value = part.get("value") or ""
    if value and not low <= len(value) <= high:
        message = f"Must be between {low} and {high} in length."
        yield Problem((*path, "value"), "BASE_TYPE_BAD_LENGTH", message)


def check_embeds(embeds: list[dict[str, Any]], files: Collection[str]) -> Problems:
    """The embeds of one message: ten, and 6000 characters over all."""
    path: Path = ("embeds",)
    if len(embeds) > 10:
        yield Problem(path, "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    for number, embed in enumerate(embeds):
        yield from _embed(embed, (*path, number), files)
    if sum(_embed_size(embed) for embed in embeds) > 6000:
        message = "Embed size exceeds maximum size of 6000"
        yield Problem(path, "MAX_EMBED_SIZE_EXCEEDED", message)


def _embed(embed: dict[str, Any], path: Path, files: Collection[str]) -> Problems:
    yield from optional_length(embed, "title", path, 256)
    yield from optional_length(embed, "description", path, 4096)
    yield from optional_length(embed.get("footer") or {}, "text", (*path, "footer"), 2048)
    yield from optional_length(embed.get("author") or {}, "name", (*path, "author"), 256)
    pairs = embed.get("fields") or []
    if len(pairs) > 25:
        message = "Must be 25 or fewer in length."
        yield Problem((*path, "fields"), "BASE_TYPE_MAX_LENGTH", message)
    for number, pair in enumerate(pairs):
        here = (*path, "fields", number)
        yield from length(pair.get("name"), (*here, "name"), 1, 256)
        yield from length(pair.get("value"), (*here, "value"), 1, 1024)
    for key in ("image", "thumbnail"):
        if embed.get(key):
            yield from _embed_url(embed[key].get("url"), (*path, key, "url"), files)
    color = embed.get("color")
    if color is not None and not 0 <= color <= 0xFFFFFF:
        message = "int value should be between 0 and 16777215"
        yield Problem((*path, "color"), "NUMBER_TYPE_MAX", message)


def _embed_url(url: object, path: Path, files: Collection[str]) -> Problems:
    text = str(url)
    if not text.startswith(("http://", "https://", "attachment://")):
        message = "Scheme must be one of ('http', 'https')."
        yield Problem(path, "URL_TYPE_INVALID_SCHEME", message)
    elif text.startswith("attachment://") and text.removeprefix("attachment://") not in files:
        message = "The referenced attachment was not found"
        yield Problem(path, "EMBED_ATTACHMENT_NOT_FOUND", message)


def _embed_size(embed: dict[str, Any]) -> int:
    """Characters that count: titles, descriptions, fields, footers and author names."""
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for pair in embed.get("fields") or []:
        texts += [pair.get("name"), pair.get("value")]
    return sum(len(text) for text in texts if text)


def is_empty_embed(embed: dict[str, Any]) -> bool:
    """Whether an embed shows nothing."""
    shown = ("title", "description", "image", "thumbnail", "footer", "author", "fields", "url")
    return not any(embed.get(key) for key in shown)
