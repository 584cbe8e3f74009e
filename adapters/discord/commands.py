"""Command declarations as Discord's application commands: slash commands and message menus. Pure.

Payloads are raw JSON of `PUT /applications/{id}/commands` and of the same for one server. Limits
are those of Discord's documentation: 25 options and 25 choices, names of 32 characters,
descriptions of 100, 8000 characters a command with everything in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.commands.spec import Command, Menu, Option, OptionKind
from core.i18n import DEFAULT, languages, translator

CHOICES = 25
OPTIONS = 25
SLASH, MESSAGE_MENU = 1, 3
ADMINISTRATOR = 8
"""Whom Discord shows the owner's commands in a server; what they do is guarded here."""
STRING, INTEGER, BOOLEAN, NUMBER, ATTACHMENT = 3, 4, 5, 10, 11
_TYPES: dict[OptionKind, int] = {
    "text": STRING,
    "choice": STRING,
    "integer": INTEGER,
    "number": NUMBER,
    "flag": BOOLEAN,
    "image": ATTACHMENT,
    "images": ATTACHMENT,
    "file": ATTACHMENT,
}

# fmt: off
LOCALES = (
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no",
    "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th",
    "zh-CN", "ja", "zh-TW", "ko",
)
# fmt: on
"""The languages Discord has."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One native option; a list of pictures takes several."""

    option: Option
    name: str
    required: bool


def slots(option: Option) -> list[Slot]:
    """The native options of an option: `image, image2 … image5` for a list of pictures."""
    if option.kind != "images":
        return [Slot(option, option.name, option.required)]
    least = option.at_least if option.required else 0
    return [
        Slot(option, option.name if n == 1 else f"{option.name}{n}", n <= least)
        for n in range(1, option.at_most + 1)
    ]


def completes(option: Option) -> bool:
    """Whether values are offered while typing: suggestions, or too many choices for a menu."""
    if _TYPES[option.kind] not in (STRING, INTEGER, NUMBER):
        return False
    return bool(option.suggest or option.lookup) or len(option.choices) > CHOICES


def for_everywhere(commands: Sequence[Command], *, user_install: bool) -> list[dict[str, Any]]:
    """Everything that is to be registered for all places, as one bulk overwrite takes it.

    `user_install`: also for people who install the app for themselves, in all their chats.
    Raises ValueError for a command Discord could not show.
    """
    where = {"integration_types": [0], "contexts": [0, 1]}
    if user_install:
        where = {"integration_types": [0, 1], "contexts": [0, 1, 2]}
    return [drawn | where for drawn in for_server(commands)]


def for_server(commands: Sequence[Command]) -> list[dict[str, Any]]:
    """The same for one server; there Discord takes no word on where the commands are offered."""
    slash = [_slash(command) for command in commands]
    menus = [_menu(menu) for command in commands for menu in command.menus]
    return [*slash, *menus]


def fingerprint(payload: object) -> str:
    """A hash that changes when what is registered changes."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()


def menus(commands: Sequence[Command]) -> dict[str, tuple[Command, Menu]]:
    """The message menus by their title."""
    return {menu.title: (command, menu) for command in commands for menu in command.menus}


def _slash(command: Command) -> dict[str, Any]:
    native = [slot for option in command.options for slot in slots(option)]
    if len(native) > OPTIONS:
        raise ValueError(f"/{command.name} has {len(native)} options, Discord takes {OPTIONS}")
    native.sort(key=lambda slot: not slot.required)
    return {
        "type": SLASH,
        "name": command.name,
        **_described(command.summary),
        "options": [_option(slot) for slot in native],
    } | ({"default_member_permissions": ADMINISTRATOR} if command.owner else {})


def _menu(menu: Menu) -> dict[str, Any]:
    names = _localized(menu.title, 32)
    return {"type": MESSAGE_MENU, "name": menu.title[:32]} | (
        {"name_localizations": names} if names else {}
    )


def _option(slot: Slot) -> dict[str, Any]:
    option = slot.option
    drawn: dict[str, Any] = {
        "type": _TYPES[option.kind],
        "name": slot.name,
        **_described(option.description),
        "required": slot.required,
    }
    if completes(option):
        drawn["autocomplete"] = True
    elif option.choices:
        drawn["choices"] = [{"name": c[:100], "value": c[:100]} for c in option.choices]
    whole: Callable[[float], float] = int if option.kind == "integer" else float
    if option.minimum is not None:
        drawn["min_value"] = whole(option.minimum)
    if option.maximum is not None:
        drawn["max_value"] = whole(option.maximum)
    if option.max_length:
        drawn["max_length"] = min(option.max_length, 6000)
    return drawn


def _described(description: str) -> dict[str, Any]:
    """A description in English, and in every language there are texts for."""
    found = _localized(description, 100)
    return {"description": _short(description, 100)} | (
        {"description_localizations": found} if found else {}
    )


def _localized(words: str, limit: int) -> dict[str, str]:
    return {
        locale: _short(translated, limit)
        for locale, lang in _spoken()
        if (translated := translator(lang)(words)) != words
    }


def _spoken() -> Iterator[tuple[str, str]]:
    """Discord's locales that there are texts for, with their catalogue."""
    there = {lang for lang in languages() if lang != DEFAULT}
    return ((locale, lang) for locale in LOCALES if (lang := locale.split("-")[0]) in there)


def _short(words: str, limit: int) -> str:
    return words if len(words) <= limit else words[: limit - 1] + "…"
