"""`atelier docs`: writes the README's tables anew from what they describe.

A table stands between `<!-- commands -->` and `<!-- /commands -->`, and so do the others.
Knows the declarations, and of the example settings file only its form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import assert_never

from core.commands import COMMANDS
from core.commands.spec import Command, Option
from core.providers import catalogue, providers
from core.providers.base import MILLION, Offer

EXAMPLE = "config.example.toml"
_SETTING = re.compile(r"#(\w+) = (.+)")


def refreshed(text: str, folder: Path) -> str:
    """The README with its tables as they have to be.

    Args:
        text: The README as it is.
        folder: Where the example settings file lies.

    Raises:
        ValueError: A pair of marks is missing.
        OSError: The example cannot be read.
    """
    tables = {
        "commands": commands_table(),
        "options": options_table(),
        "models": models_table(),
        "settings": settings_table((folder / EXAMPLE).read_text("utf-8")),
    }
    for name, table in tables.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not start or not end:
            raise ValueError(f"needs {start or f'<!-- {name} -->'} and <!-- /{name} -->")
        text = f"{before}{start}{table}{end}{after}"
    return text


def commands_table() -> str:
    """Every command with its options."""
    rows = [(f"`{_usage(c)}`", c.summary.rstrip(".")) for c in COMMANDS]
    return _table(("Command", "What it does"), rows)


def options_table() -> str:
    """Every option as it is typed, with the values it takes."""
    rows = [
        (
            f"`/{c.name}`",
            f"`{'' if o.main else '--'}{o.name}`",
            _takes(o),
            o.description.rstrip("."),
        )
        for c in COMMANDS
        for o in c.options
    ]
    return _table(("Command", "Option", "Takes", "What it is"), rows)


def models_table() -> str:
    """Every model with what a call is booked at."""
    offers = catalogue(providers(), {}).values()
    rows = [(f"`{o.key}`", o.title, _price(o), f"{o.typical:g} s") for o in offers]
    return _table(("Model", "From", "A call", "Usually takes"), rows)


def _price(offer: Offer) -> str:
    """What a call costs, or the tokens of its question and answer."""
    if not any(offer.per_token):
        return f"${offer.price:g}"
    asked, said = (each * MILLION for each in offer.per_token)
    both = f"${asked:g} and ${said:g}" if said else f"${asked:g}"
    return f"{both} a million tokens"


def settings_table(example: str) -> str:
    """Every setting with its default, as the example file has them."""
    return _table(("Setting", "Default", "What it is"), _settings(example))


def _usage(command: Command) -> str:
    return " ".join([f"/{command.name}", *(_option(o) for o in command.options)])


def _option(option: Option) -> str:
    """`prompt` for what has to be given, `[ar]` for what may."""
    name = f"{option.name}…" if option.kind == "images" else option.name
    return name if option.required else f"[{name}]"


def _takes(option: Option) -> str:
    """The values an option takes, in short."""
    match option.kind:
        case "choice":
            return ", ".join(option.choices)
        case "integer" | "number":
            low, high = option.minimum, option.maximum
            return "a number" if low is None or high is None else f"{low:.10g} to {high:.10g}"
        case "flag":
            return "yes or no"
        case "image":
            return "a picture"
        case "file":
            return "a file"
        case "images":
            return f"{option.at_least or 1} to {option.at_most} pictures"
        case "text" if option.suggest:
            return f"text, such as {', '.join(option.suggest[:3])}"
        case "text":
            return "text"
        case other:
            assert_never(other)


def _settings(example: str) -> Iterator[tuple[str, str, str]]:
    """(names, defaults, prose) of each group of settings that share their words."""
    section, words, group = "", [""], list[tuple[str, str]]()
    for line in [*example.splitlines(), ""]:
        found = _SETTING.fullmatch(line)
        if group and not found:
            yield _joined(section, group), _values(group), _plain(" ".join(words))
            words, group = [], []
        if found:
            group.append((found[1], found[2]))
        elif line.startswith("# "):
            words.append(line[2:])
        else:
            words = []
            section = line.strip("[]") if line.startswith("[") else section


def _joined(section: str, group: Sequence[tuple[str, str]]) -> str:
    return "<br>".join(f"`[{section}] {name}`" for name, _ in group)


def _values(group: Sequence[tuple[str, str]]) -> str:
    return "<br>".join("–" if value == '""' else f"`{value}`" for _, value in group)


def _plain(prose: str) -> str:
    """Prose that holds `<token>` and the like, which are no tags."""
    return prose.replace("<", "&lt;")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(c) for c in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
