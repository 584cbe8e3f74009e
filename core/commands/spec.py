"""What a command is: one declaration, from which every platform's own form is generated.

A command's options are a pydantic model. The types, bounds, choices and descriptions of its fields
are the declaration: `str` is text, `int` and `float` numbers, `bool` a flag, a `Literal` a choice,
`Media` a picture, `list[Media]` several. `json_schema_extra` adds what types cannot say:
`{"accepts": ["audio/"]}` for a file that is no picture, `{"main": True}` for the option that takes
the untyped text of the command line, `{"suggest": [...]}` for values to offer while typing (or the
name of what to look up), `{"passes": True}` on a main option whose text may hold flags of its own.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

import annotated_types as at
from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from core.messages import Media

OptionKind: TypeAlias = Literal[
    "text", "integer", "number", "flag", "choice", "image", "images", "file"
]
FILES: tuple[OptionKind, ...] = ("image", "images", "file")
"""Kinds that are given as attachments."""


class Options(BaseModel):
    """Base of every command's options: unknown names are refused, text is stripped."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


@dataclass(frozen=True, slots=True)
class Option:
    """One option as platforms see it."""

    name: str
    kind: OptionKind
    description: str
    required: bool = False
    main: bool = False
    """Takes the untyped text of the command line."""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_length: int = 0
    """Characters of a text, 0 for no own bound."""
    at_least: int = 0
    at_most: int = 1
    """How many pictures an `images` option takes."""
    accepts: tuple[str, ...] = ("image/",)
    """Beginnings of the media types a file may have."""
    suggest: tuple[str, ...] = ()
    """Values to offer while typing; others are allowed."""
    lookup: str = ""
    """What to look up while typing instead of fixed values: `jobs`, the caller's own, or
    `commands`.
    """


@dataclass(frozen=True, slots=True)
class Menu:
    """An entry in a platform's menu of a message: runs the command with the message's file."""

    title: str
    option: str
    """The option that takes the file."""


Handler: TypeAlias = Callable[[Any, Any], Awaitable[None]]
"""`handler(context, options)`: the context is `core.desk`'s, the options are validated."""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can ask for."""

    name: str
    summary: str
    """At most 100 characters, an English catalogue text."""
    model: type[Options]
    handler: Handler
    private: bool = False
    """Its answers are for the caller's eyes only."""
    owner: bool = False
    """For the owner of the bot alone; others are not told of it."""
    menus: tuple[Menu, ...] = ()
    example: str = ""
    offer: str = ""
    """What a call of it is charged as, where it costs anything."""
    ahead: bool = False
    """Its handler only reads until it starts a job or answers, so it may begin while the event is
    being stored.
    """

    @property
    def options(self) -> tuple[Option, ...]:
        """The options in declared order, required ones first."""
        return options_of(self.model)

    def option(self, name: str) -> Option | None:
        """Find an option by name."""
        return next((o for o in self.options if o.name == name), None)


@functools.cache
def options_of(model: type[Options]) -> tuple[Option, ...]:
    """Derive the options of a model; required ones come first, as platforms demand."""
    found = [_option(name, field) for name, field in model.model_fields.items()]
    return tuple(sorted(found, key=lambda option: not option.required))


def _option(name: str, field: FieldInfo) -> Option:
    kind, choices = _kind(field.annotation)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    low, high = _bound(field, at.Ge, "ge"), _bound(field, at.Le, "le")
    shortest, longest = (
        _bound(field, at.MinLen, "min_length"),
        _bound(field, at.MaxLen, "max_length"),
    )
    suggest = extra.get("suggest", ())
    many = kind == "images"
    accepts = tuple(str(a) for a in _listed(extra.get("accepts", ())))
    if accepts and kind == "image":
        kind = "file"
    accepts = accepts or ("image/",)
    return Option(
        name=name,
        kind=kind,
        description=field.description or name,
        required=field.is_required(),
        main=bool(extra.get("main")),
        choices=choices,
        minimum=low,
        maximum=high,
        max_length=int(longest or 0) if kind == "text" else 0,
        at_least=int(shortest or 0) if many else 0,
        at_most=int(longest or 1) if many else 1,
        suggest=() if isinstance(suggest, str) else tuple(str(s) for s in _listed(suggest)),
        lookup=suggest if isinstance(suggest, str) else "",
        accepts=accepts,
    )


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) else ()


def _bound(field: FieldInfo, mark: type[Any], attribute: str) -> float | None:
    found = next((m for m in field.metadata if isinstance(m, mark)), None)
    return None if found is None else getattr(found, attribute)


def _kind(annotation: Any) -> tuple[OptionKind, tuple[str, ...]]:
    """Read an option's kind, and its choices, from a type; `X | None` reads as `X`."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        inner = [a for a in get_args(annotation) if a is not type(None)]
        return _kind(inner[0])
    if origin is Literal:
        return "choice", tuple(str(a) for a in get_args(annotation))
    if origin is list and get_args(annotation) == (Media,):
        return "images", ()
    kinds: dict[Any, OptionKind] = {
        str: "text",
        int: "integer",
        float: "number",
        bool: "flag",
        Media: "image",
    }
    if annotation not in kinds:
        raise TypeError(f"an option cannot be of type {annotation!r}")
    return kinds[annotation], ()
