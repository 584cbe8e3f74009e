"""What goes to the gateway and what comes back, as values; and how its error bodies read.

Pure: `core.gateway` does the HTTP, the providers know the families.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from core.errors import (
    BadKey,
    Busy,
    GatewayError,
    Moderated,
    NotThere,
    OutOfCredit,
    Refused,
    Spent,
)
from core.i18n import mark
from core.messages import Media, clean, shorten

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


REASON = 200
"""Most characters of the gateway's own words shown to a person."""

_SECRETS = re.compile(
    r"(https?://\S+|sk-\S+|\b[\w-]+(?:\.[\w-]+)+(?::\d+)?\b|\b\d{1,3}(?:\.\d{1,3}){3}\b|\S*\*{3,}\S*)"
)


def said(answer: Answer) -> str:
    """The gateway's own words in an error body, cleaned of addresses and keys; may be empty."""
    body = answer.body
    found: object = ""
    if isinstance(body, dict):
        error = body.get("error")
        if isinstance(error, dict):
            found = error.get("message")
        elif isinstance(error, str):
            found = error
        else:
            found = body.get("description") or body.get("message") or body.get("detail")
    text = found if isinstance(found, str) else ""
    return shorten(_SECRETS.sub("…", " ".join(clean(text).split())), REASON)


def code_of(answer: Answer) -> object:
    """The error's own code, wherever it stands."""
    body = answer.body
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    return error.get("code") if isinstance(error, dict) else body.get("code")


UNKNOWN_STATUS = frozenset({408, 500, 502, 504, *range(520, 525)})
"""HTTP statuses after which the work may go on all the same."""


def refusal(answer: Answer) -> GatewayError | None:
    """Read the error shapes every family shares; None for a success without one."""
    status, words, code = answer.status, said(answer), code_of(answer)
    detail = f"HTTP {status} {code or ''} {words}".strip()
    wait = answer.retry_after
    if status < 400:
        if isinstance(answer.body, dict) and answer.body.get("error"):
            return Refused(mark("The image service refused this: {reason}"), reason=words, detail=detail)
        return None
    if code in (30, "30"):
        return Busy(detail=detail, retry_after=wait or 30.0)
    if code in (5, "5") or status in UNKNOWN_STATUS:
        return GatewayError(spent=Spent.UNKNOWN, again=True, detail=detail)
    if not isinstance(answer.body, dict) and status >= 500:
        return GatewayError(spent=Spent.UNKNOWN, again=True, detail=detail)
    match status:
        case 401:
            return BadKey(detail=detail)
        case 402:
            return OutOfCredit(detail=detail)
        case 403 if "quota" in detail:
            return OutOfCredit(detail=detail)
        case 403:
            return BadKey(detail=detail)
        case 404:
            return NotThere(detail=detail)
        case 422:
            return Moderated(detail=detail)
        case 429:
            return Busy(detail=detail, retry_after=wait or 15.0)
        case 503:
            text = mark(
                "This model is not available with this bot's key. The owner of the bot can check the "
                "key's group."
            )
            return NotThere(text, detail=detail)
    if words:
        return Refused(mark("The image service refused this: {reason}"), reason=words, detail=detail)
    return Refused(detail=detail)
