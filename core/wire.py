"""What goes to the gateway and what comes back, as values; and how its error bodies read.

Pure: `core.gateway` does the HTTP, the providers know the families.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from core.messages import Media

Json: TypeAlias = Any
"""A parsed JSON value; readers check shapes themselves and treat every field as nullable."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Stands in a Call's body for the bytes of an archived file; the gateway client puts them in."""

    media: Media
    form: Literal["data_uri", "base64", "file"] = "data_uri"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to the gateway."""

    method: Literal["GET", "POST"]
    path: str
    """From the gateway's root, beginning with `/`; ids in it are percent-encoded."""
    family: str
    """Chooses the key."""
    json: Json = None
    """The body; may hold `Blob` values anywhere."""
    timeout: float = 60.0
    """Seconds for the whole call."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status and the body, parsed when it is JSON."""

    status: int
    body: Json
    """The parsed JSON, or the text (at most some kilobytes) when it is not JSON."""
    retry_after: float | None = None
