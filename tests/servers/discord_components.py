"""The rules for components of messages: rows, buttons, selects, and Components V2.

Pure: takes the JSON of a request and says what is wrong with it. Sources: Discord's docs,
"Component Reference" and "Using Message Components".
"""

from collections.abc import Collection, Iterator
from typing import Any

from tests.servers.discord_emoji import is_emoji
from tests.servers.discord_errors import Path, Problem
from tests.servers.discord_wire import Component, attached_names, media, walk

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SELECTS = frozenset({3, 5, 6, 7, 8})
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER = 9, 10, 11, 12, 13, 14, 17
TOP_V2 = frozenset({ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER})
IN_CONTAINER = TOP_V2 - {CONTAINER}
LINK, PREMIUM = 5, 6

Problems = Iterator[Problem]


def length(value: object, path: Path, low: int, high: int) -> Problems:
    """A string of so many characters."""
    if not isinstance(value, str) or (not value and low):
        yield Problem(path, "BASE_TYPE_REQUIRED", "This field is required")
    elif not low <= len(value) <= high:
        code = "BASE_TYPE_BAD_LENGTH" if low else "BASE_TYPE_MAX_LENGTH"
        yield Problem(path, code, f"Must be between {low} and {high} in length.")


def optional_length(part: Component, key: str, path: Path, high: int) -> Problems:
    """A string that may be missing or null."""
    if part.get(key) is not None:
        yield from length(part[key], (*path, key), 0, high)


def _of_type(part: object, path: Path, allowed: Collection[int]) -> Problems:
    if not isinstance(part, dict) or part.get("type") not in allowed:
        kinds = ", ".join(str(kind) for kind in sorted(allowed))
        yield Problem((*path, "type"), "UNION_TYPE_CHOICES", f"Value of field must be in ({kinds})")


def unique_custom_ids(components: list[Component], path: Path) -> Problems:
    """No custom_id may occur twice in one message or modal."""
    seen: set[str] = set()
    for part in walk(components):
        custom_id = part.get("custom_id")
        if custom_id is not None and custom_id in seen:
            message = f"Component custom id cannot be duplicated: {custom_id!r}"
            yield Problem(path, "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        seen.add(custom_id or "")


def _unique_ids(components: list[Component], path: Path) -> Problems:
    numbers = [part["id"] for part in walk(components) if part.get("id")]
    if len(numbers) != len(set(numbers)):
        yield Problem(path, "COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated")


def check_emoji(emoji: object, path: Path, known: Collection[int]) -> Problems:
    """An emoji is a Unicode one, or one the app may use, by id.

    Args:
        emoji: The partial emoji object.
        path: Where it stands.
        known: Ids of custom emoji.
    """
    partial = emoji if isinstance(emoji, dict) else {}
    if partial.get("id") is not None:
        good = int(partial["id"]) in known
    else:
        good = is_emoji(str(partial.get("name") or ""))
    if not good:
        yield Problem((*path, "name"), "COMPONENT_INVALID_EMOJI", "Invalid emoji")


def check_button(part: Component, path: Path, emojis: Collection[int]) -> Problems:
    """One button."""
    yield from optional_length(part, "label", path, 80)
    if part.get("emoji") is not None:
        yield from check_emoji(part["emoji"], (*path, "emoji"), emojis)
    style = part.get("style")
    needed = {LINK: "url", PREMIUM: "sku_id"}.get(int(style or 0), "custom_id")
    if style not in range(1, 7):
        message = "Value must be one of (1, 2, 3, 4, 5, 6)."
        yield Problem((*path, "style"), "BASE_TYPE_CHOICES", message)
    for key in ("url", "sku_id", "custom_id"):
        if key != needed and part.get(key) is not None:
            message = f"A {key} is not allowed for this button style"
            yield Problem((*path, key), "BUTTON_COMPONENT_FIELD_NOT_ALLOWED", message)
    match needed:
        case "url":
            yield from _link(part.get("url"), (*path, "url"))
        case "custom_id":
            yield from length(part.get("custom_id"), (*path, "custom_id"), 1, 100)
        case _ if part.get("sku_id") is None:
            yield Problem((*path, "sku_id"), "BASE_TYPE_REQUIRED", "This field is required")
    if style != PREMIUM and not part.get("label") and part.get("emoji") is None:
        message = "A label or an emoji is required for this button"
        yield Problem((*path, "label"), "BUTTON_COMPONENT_LABEL_REQUIRED", message)


def _link(url: object, path: Path) -> Problems:
    yield from length(url, path, 1, 512)
    if not str(url).startswith(("http://", "https://", "discord://")):
        message = "Scheme must be one of ('http', 'https', 'discord')."
        yield Problem(path, "URL_TYPE_INVALID_SCHEME", message)


def _option(option: Component, path: Path, emojis: Collection[int]) -> Problems:
    yield from length(option.get("label"), (*path, "label"), 1, 100)
    yield from length(option.get("value"), (*path, "value"), 1, 100)
    yield from optional_length(option, "description", path, 100)
    if option.get("emoji") is not None:
        yield from check_emoji(option["emoji"], (*path, "emoji"), emojis)


def check_options(
    options: list[Component], path: Path, emojis: Collection[int], low: int, high: int
) -> Problems:
    """Options of a select, radio group or checkbox group."""
    if not low <= len(options) <= high:
        message = f"Must be between {low} and {high} in length."
        yield Problem(path, "BASE_TYPE_BAD_LENGTH", message)
    for number, option in enumerate(options):
        yield from _option(option, (*path, number), emojis)
    values = [option.get("value") for option in options]
    if len(values) != len(set(values)):
        message = "The specified option value is already used"
        yield Problem(path, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)


def check_select(part: Component, path: Path, emojis: Collection[int]) -> Problems:
    """One select menu of any kind."""
    yield from length(part.get("custom_id"), (*path, "custom_id"), 1, 100)
    yield from optional_length(part, "placeholder", path, 150)
    options = part.get("options") or []
    if part["type"] == STRING_SELECT:
        yield from check_options(options, (*path, "options"), emojis, 1, 25)
    low, high = part.get("min_values"), part.get("max_values")
    low, high = 1 if low is None else low, 1 if high is None else high
    if not 0 <= low <= 25 or not 1 <= high <= 25 or low > high:
        message = "min_values and max_values must be between 0 and 25, and in order"
        yield Problem((*path, "min_values"), "NUMBER_TYPE_MAX", message)
    if part["type"] == STRING_SELECT and high > len(options):
        message = f"Must be less than or equal to {len(options)}."
        yield Problem((*path, "max_values"), "NUMBER_TYPE_MAX", message)


def _row(row: Component, path: Path, emojis: Collection[int]) -> Problems:
    parts = row.get("components") or []
    kinds = {part.get("type") for part in parts}
    if not 1 <= len(parts) <= 5:
        message = "Must be between 1 and 5 in length."
        yield Problem((*path, "components"), "BASE_TYPE_BAD_LENGTH", message)
    if kinds & SELECTS and len(parts) > 1:
        message = "A select takes a row of its own"
        yield Problem((*path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)
    for number, part in enumerate(parts):
        here = (*path, "components", number)
        wrong = list(_of_type(part, here, SELECTS | {BUTTON}))
        yield from wrong
        if wrong:
            continue
        if part["type"] == BUTTON:
            yield from check_button(part, here, emojis)
        else:
            yield from check_select(part, here, emojis)


def check_message_components(
    components: list[Component], *, v2: bool, files: Collection[str], emojis: Collection[int]
) -> Problems:
    """All rules for the components of one message.

    Args:
        components: The list as sent.
        v2: Whether the message has the flag IS_COMPONENTS_V2.
        files: Names of the message's attachments.
        emojis: Ids of custom emoji the app may use.
    """
    path: Path = ("components",)
    if not v2 and len(components) > 5:
        yield Problem(path, "BASE_TYPE_MAX_LENGTH", "Must be 5 or fewer in length.")
    for number, part in enumerate(components):
        here = (*path, number)
        wrong = list(_of_type(part, here, TOP_V2 if v2 else {ROW}))
        yield from wrong
        if not wrong:
            yield from _part(part, here, emojis)
    yield from unique_custom_ids(components, path)
    yield from _unique_ids(components, path)
    missing = attached_names(components) - set(files)
    for name in sorted(missing):
        message = f"The referenced attachment {name!r} was not found"
        yield Problem(path, "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", message)
    if v2:
        yield from _v2_totals(components, path)


def _v2_totals(components: list[Component], path: Path) -> Problems:
    parts = list(walk(components))
    if not 1 <= len(parts) <= 40:
        message = "The total number of components must be between 1 and 40"
        yield Problem(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
    if sum(len(str(part.get("content") or "")) for part in parts) > 4000:
        message = "The total length of displayable text must be 4000 or fewer"
        yield Problem(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)


def _part(part: Component, path: Path, emojis: Collection[int]) -> Problems:
    match part["type"]:
        case 1:
            yield from _row(part, path, emojis)
        case 9:
            yield from _section(part, path, emojis)
        case 10:
            yield from length(part.get("content"), (*path, "content"), 1, 4000)
        case 12:
            yield from _gallery(part, path)
        case 13:
            if not str((part.get("file") or {}).get("url")).startswith("attachment://"):
                message = "A file shows an attachment of its message"
                yield Problem((*path, "file", "url"), "URL_TYPE_INVALID_SCHEME", message)
        case 17:
            yield from _container(part, path, emojis)
    if part["type"] in (GALLERY, FILE):
        yield from _media_urls(part, path)


def _section(part: Component, path: Path, emojis: Collection[int]) -> Problems:
    texts = part.get("components") or []
    if not 1 <= len(texts) <= 3:
        message = "Must be between 1 and 3 in length."
        yield Problem((*path, "components"), "BASE_TYPE_BAD_LENGTH", message)
    for number, text in enumerate(texts):
        here = (*path, "components", number)
        yield from _of_type(text, here, {TEXT})
        yield from length(text.get("content"), (*here, "content"), 1, 4000)
    accessory: Any = part.get("accessory") or {}
    wrong = list(_of_type(accessory, (*path, "accessory"), {BUTTON, THUMBNAIL}))
    yield from wrong
    if accessory.get("type") == BUTTON:
        yield from check_button(accessory, (*path, "accessory"), emojis)
    elif not wrong:
        yield from optional_length(accessory, "description", (*path, "accessory"), 1024)
        yield from _media_urls(accessory, (*path, "accessory"))


def _gallery(part: Component, path: Path) -> Problems:
    items = part.get("items") or []
    if not 1 <= len(items) <= 10:
        message = "Must be between 1 and 10 in length."
        yield Problem((*path, "items"), "BASE_TYPE_BAD_LENGTH", message)
    for number, item in enumerate(items):
        yield from optional_length(item, "description", (*path, "items", number), 1024)


def _container(part: Component, path: Path, emojis: Collection[int]) -> Problems:
    children = part.get("components") or []
    if not children:
        message = "Must be 1 or more in length."
        yield Problem((*path, "components"), "BASE_TYPE_BAD_LENGTH", message)
    for number, child in enumerate(children):
        here = (*path, "components", number)
        wrong = list(_of_type(child, here, IN_CONTAINER))
        yield from wrong
        if not wrong:
            yield from _part(child, here, emojis)


def _media_urls(part: Component, path: Path) -> Problems:
    for item in media(part):
        if not str(item.get("url")).startswith(("http://", "https://", "attachment://")):
            message = "Scheme must be one of ('http', 'https', 'attachment')."
            yield Problem((*path, "media", "url"), "URL_TYPE_INVALID_SCHEME", message)
