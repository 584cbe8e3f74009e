"""What a command's button keeps, as text in its action: files, and where a form was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from core.jobs import Action
from core.messages import Filling, Media

OWN = ("command", "at")
"""Values of a command's action that are none of its options: which command it is, and where a form
was asked.
"""
_EVENT: TypeAdapter[Filling] = TypeAdapter(Filling)
_MEDIA: TypeAdapter[list[Media]] = TypeAdapter(list[Media])


def pack(media: Sequence[Media]) -> str:
    """Pictures as a stored value of an action."""
    return "media:" + _MEDIA.dump_json(list(media)).decode()


def packed(values: Mapping[str, Any]) -> dict[str, str]:
    """A command's values as an action stores them."""
    return {name: _packed(value) for name, value in values.items()}


def _packed(value: Any) -> str:
    if isinstance(value, Media | list):
        return pack(value if isinstance(value, list) else [value])
    return str(value)


def unpack(value: str) -> str | list[Media]:
    """The opposite of `pack`; other values stay as they are."""
    head, _, rest = value.partition(":")
    return _MEDIA.validate_json(rest) if head == "media" else value


def pack_event(event: Filling) -> str:
    """Where and of whom a form is asked."""
    return _EVENT.dump_json(event).decode()


def asked_at(action: Action) -> Filling | None:
    """Where and of whom a command's form was asked, as an event without answers."""
    found = action.values.get("at")
    return _EVENT.validate_json(found) if found else None
