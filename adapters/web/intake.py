"""What the page posts, as events. Pure: reads and checks, starts nothing.

Uploads are named by handles that say what the file is and are signed for one session, so nothing
about an upload is kept in memory, and a restart between upload and use does no harm.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adapters.web.guard import Guard
from core.messages import Caller, Event, Filling, Invocation, Media, Place, Press, Ref

KINDS: dict[str, TypeAdapter[Any]] = {
    "invocation": TypeAdapter(Invocation),
    "press": TypeAdapter(Press),
    "filling": TypeAdapter(Filling),
}
_MEDIA: TypeAdapter[Media] = TypeAdapter(Media)
LONGEST_ID = 60


def handle(guard: Guard, session: str, media: Media) -> str:
    """The name under which this session may use an uploaded file."""
    body = base64.urlsafe_b64encode(_MEDIA.dump_json(media)).decode()
    return f"{body}.{guard.mark(session, f'upload/{body}')}"


def read(guard: Guard, session: str, caller: Caller, given: Any) -> Event:
    """One event as the page posts it.

    Raises:
        ValueError: It is none, or names a file that is not this session's.
    """
    match given:
        case {"id": str() | int() as name}:
            key = f"web:{session}:{str(name)[:LONGEST_ID]}"
        case _:
            raise ValueError("no event")
    place = Place("web", session, private=True)
    values = _values(guard, session, given.get("values"))
    match given:
        case {"token": str() as token, "values": _}:
            return Filling(key, caller, place, token, values)
        case {"token": str() as token}:
            ref = Ref("web", session, str(given.get("message", "")))
            return Press(key, caller, place, token, ref)
        case {"text": str() as text}:
            name, rest = command_line(text)
            return Invocation(key, caller, place, name, values, text=rest)
        case {"command": str() as command}:
            return Invocation(key, caller, place, command, values)
    raise ValueError("no event")


def command_line(text: str) -> tuple[str, str]:
    """The command and the rest of a typed line; words without a command are a prompt."""
    line = text.strip()
    if not line.startswith("/"):
        return "imagine", line
    head, *rest = line.split(maxsplit=1)
    return head[1:].lower(), rest[0] if rest else ""


def dump(event: Event) -> str:
    """An event as it is stored until it is dealt with. Raises `ValueError` for values of no use."""
    kind = type(event).__name__.lower()
    plain = KINDS[kind].dump_python(event, mode="json", warnings="error")
    return json.dumps({"kind": kind, "event": plain})


def load(body: str) -> Event:
    """The opposite of `dump`. Raises `ValueError`."""
    try:
        found = json.loads(body)
        event: Event = KINDS[found["kind"]].validate_python(found["event"])
    except (KeyError, TypeError, ValidationError) as error:
        raise ValueError("a stored event cannot be read") from error
    return event


def _values(guard: Guard, session: str, given: Any) -> dict[str, Any]:
    match given:
        case None:
            return {}
        case dict():
            return {str(name): _value(guard, session, value) for name, value in given.items()}
        case _:
            raise ValueError("no values")


def _value(guard: Guard, session: str, value: Any) -> Any:
    match value:
        case {"handle": str(name)}:
            return _uploaded(guard, session, name)
        case list():
            return [_value(guard, session, one) for one in value]
        case str() | int() | float() | bool():
            return value
        case _:
            raise ValueError("value")


def _uploaded(guard: Guard, session: str, name: str) -> Media:
    body, _, mark = name.partition(".")
    if not guard.holds(session, f"upload/{body}", mark):
        raise ValueError("not an upload of this session")
    return _MEDIA.validate_json(base64.urlsafe_b64decode(body))
