"""What a check writes down, and how it asks a server. Knows no server's words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import aiohttp

from core.commands import COMMANDS

SECONDS = 15.0
"""The longest one check may take."""
BODY = 4_000_000
"""Most bytes of an answer that are read."""

Mark: TypeAlias = Literal["ok", "wrong", "note"]
SIGNS: Mapping[Mark, str] = {"ok": "✔", "wrong": "✘", "note": "–"}


@dataclass(slots=True)
class Report:
    """What was found about one subject, as (mark, sentence) lines."""

    title: str
    lines: list[tuple[Mark, str]] = field(default_factory=list)

    def ok(self, text: str) -> None:
        """Something works."""
        self.lines.append(("ok", text))

    def wrong(self, text: str) -> None:
        """Something does not; the text says what to do."""
        self.lines.append(("wrong", text))

    def note(self, text: str) -> None:
        """Something is off, not told, or good to know."""
        self.lines.append(("note", text))

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return all(mark != "wrong" for mark, _ in self.lines)


class Unreachable(Exception):
    """A server did not answer as it should; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A server's answer."""

    status: int
    body: Any
    """The parsed JSON; {} when it is none."""
    headers: Mapping[str, str]

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body when it is an object, else nothing."""
        return self.body if isinstance(self.body, dict) else {}


async def get(url: str, setting: str, **headers: str) -> Seen:
    """Ask a server, following no redirect.

    Args:
        url: What to ask.
        setting: The setting to look at when there is no answer, if it was changed.
        **headers: Sent along.

    Raises:
        Unreachable: There was no answer.
    """
    timeout = aiohttp.ClientTimeout(total=SECONDS, sock_connect=10)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            return Seen(response.status, _json(await _whole(response)), response.headers)
    except TimeoutError:
        reason = "no answer in time"
    except aiohttp.ClientConnectorDNSError:
        reason = "its name is not known"
    except (aiohttp.ClientError, ValueError, OSError) as error:
        reason = _words(error)
    host = urlsplit(url).netloc.rpartition("@")[2]
    look = f" and at {setting}" if setting else ""
    raise Unreachable(f"{host} cannot be reached ({reason}): look at the network{look}") from None


def _words(error: Exception) -> str:
    system = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = getattr(system, "errno", None)
    known = {111: "connection refused", 101: "no network", 113: "no way there", 104: "cut off"}
    return known.get(number or 0, type(error).__name__)


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    while len(body) < BODY and (chunk := await response.content.read(BODY - len(body))):
        body += chunk
    return bytes(body)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def registered(names: Sequence[str], where: str, report: Report) -> None:
    """Say whether a chat platform knows the commands: it has `names`, `where` (may be empty)."""
    everybodys = [c.name for c in COMMANDS if not c.owner]
    missing = [f"/{name}" for name in everybodys if name not in names]
    if not missing:
        report.ok(f"all {len(everybodys)} commands are registered{where}")
    elif len(missing) == len(everybodys):
        report.note(f"no command is registered{where} yet: `atelier run` does that")
    else:
        report.note(f"`atelier run` will register {', '.join(missing)}{where}")
