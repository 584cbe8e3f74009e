"""Text lookup: English texts are the keys, `locales/<lang>.po` holds the translations.

Placeholders are `{names}`. A text without a translation, or whose translation does not fit its
values, is shown in English; nothing here ever raises.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Protocol

DEFAULT = "en"


class Say(Protocol):
    """Translates a catalogue text and fills in its values."""

    def __call__(self, text: str, /, **values: object) -> str:
        """Return `text` in the person's language."""
        ...


def mark(text: str) -> str:
    """Mark a catalogue text that is looked up later, so that the extraction finds it."""
    return text


@functools.cache
def languages() -> tuple[str, ...]:
    """The languages there are texts for, English first."""
    found = sorted(
        f.name[:-3] for f in resources.files("core.locales").iterdir() if f.name.endswith(".po")
    )
    return (DEFAULT, *found)


NAMES = {"en": "English", "de": "Deutsch"}
"""What languages call themselves; another one is called by its tag."""


@functools.cache
def _catalogue(lang: str) -> dict[str, str]:
    """Read a language's file; imported late, since most servers need English alone."""
    from babel.messages.pofile import read_po

    file = resources.files("core.locales").joinpath(f"{lang}.po")
    with file.open("rb") as stream:
        found = [m for m in read_po(stream) if m.id and m.string and not m.fuzzy]
    return {str(m.id): str(m.string) for m in found}


def pick(tag: str) -> str:
    """The language for a platform's tag: `de-AT` gives `de` when there is one, else English."""
    short = tag.replace("_", "-").split("-")[0].lower()
    return short if short in languages() else DEFAULT


def _fill(text: str, values: dict[str, object]) -> str | None:
    try:
        return text.format(**values) if values else text
    except (KeyError, IndexError, ValueError):
        return None


def translate(lang: str, text: str, **values: object) -> str:
    """Look `text` up in `lang` and fill in `values`."""
    if lang != DEFAULT and lang in languages():
        found = _fill(_catalogue(lang).get(text, text), values)
        if found is not None:
            return found
    return _fill(text, values) or text


@functools.cache
def translator(lang: str) -> Say:
    """The `Say` of one language."""

    def say(text: str, /, **values: object) -> str:
        return translate(lang, text, **values)

    return say
