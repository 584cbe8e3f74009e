"""Things going wrong on purpose, per request, as a test asks for them.

Owns the list of faults and which one a request meets. It knows nothing of families.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from bot.sandbox.answers import json_answer


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` requests whose method and path match."""

    path: str = ""
    """A regular expression, searched in the path; "" matches every path."""
    method: str = ""
    """"" matches every method."""
    times: int | None = 1
    """How many requests meet it; None: every one until cleared."""
    status: int = 0
    """Answer with this HTTP status instead; 0: do not."""
    body: Any = ""
    """With `status`: a string is sent as it is, anything else as JSON."""
    headers: dict[str, str] = field(default_factory=dict)
    effect: bool = False
    """Whether the request is carried out before `status` or `hang` hides its answer."""
    drop: Literal["", "before", "after", "middle"] = ""
    """Close the connection: before carrying out the request, after it, or amid its answer."""
    delay: float = 0.0
    """Seconds to wait before anything else (not scaled by the pace)."""
    hang: bool = False
    """Never answer."""
    words: tuple[str, ...] = ()
    """Act as if these words of MAGIC stood in the prompt."""
    met: int = 0
    """How many requests have met it so far."""

    def matches(self, method: str, path: str) -> bool:
        """Whether a request meets it."""
        if self.times is not None and self.met >= self.times:
            return False
        return self.method in ("", method) and re.search(self.path, path) is not None

    def answer(self) -> web.Response:
        """The answer that is sent instead."""
        if isinstance(self.body, str):
            is_page = self.body.lstrip().startswith("<")
            kind = "text/html" if is_page else "application/json" if self.body else "text/plain"
            response = web.Response(status=self.status, text=self.body, content_type=kind)
        else:
            response = json_answer(self.body, self.status)
        response.headers.update(self.headers)
        return response


class Faults:
    """The faults in force. The first that matches a request is the one it meets."""

    def __init__(self) -> None:
        self.listed: list[Fault] = []
        self.is_down = False
        """Drop every connection."""
        self.key_exhausted = False
        """Answer 401 to everything that needs a key, polls included."""

    def add(self, path: str = "", **what: Any) -> Fault:
        """Arm a fault; `what` are the fields of `Fault`. `met` of the value counts its requests.

        Raises:
            TypeError: For a field that `Fault` does not have.
            re.error: If `path` is not a regular expression.

        """
        re.compile(path)
        fault = Fault(path, **what)
        self.listed.append(fault)
        return fault

    def meet(self, method: str, path: str) -> Fault:
        """The fault this request meets; one without effects if there is none."""
        for fault in self.listed:
            if fault.matches(method, path):
                fault.met += 1
                return fault
        return Fault()

    def down(self) -> None:
        """From now on drop every connection as soon as a request has come."""
        self.is_down = True

    def up(self) -> None:
        """End `down`."""
        self.is_down = False

    def clear(self) -> None:
        """Forget every fault; everything works again."""
        self.listed.clear()
        self.is_down = self.key_exhausted = False
