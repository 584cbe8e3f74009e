"""Commands as Telegram's menu shows them. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from core.commands.spec import Command
from core.i18n import DEFAULT, Say, languages, translator
from core.messages import shorten

Entries = list[tuple[str, str]]

DESCRIPTION = 256
"""Characters Telegram takes beside a command."""


def menu(commands: Sequence[Command], say: Say) -> Entries:
    """(name, description) pairs of the bot's command menu."""
    return [(c.name, shorten(say(c.summary), DESCRIPTION)) for c in commands]


def menus(commands: Sequence[Command]) -> dict[str, Entries]:
    """The menu per language code; the one without a code is for everybody else."""
    return {
        "" if lang == DEFAULT else lang: menu(commands, translator(lang)) for lang in languages()
    }


def fingerprint(token: str, found: dict[str, Entries]) -> str:
    """A short text that changes when the bot or anything it offers does."""
    return hashlib.sha256(json.dumps([token, found], sort_keys=True).encode()).hexdigest()
