"""What the sandbox was asked, for tests to look at afterwards.

Owns the record of requests. Keys never enter it.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

_LONGEST_STRING = 65_536
_LONGEST_JOURNAL = 400_000


@dataclass(slots=True)
class Seen:
    """One request."""

    at: float
    """When it came, by the sandbox's clock, in seconds."""
    method: str
    path: str
    body: Any = None
    """The JSON body; None without one. Strings over 64 KiB are cut."""
    status: int | None = None
    """What was answered; None when the connection was dropped, or nothing has been answered yet."""
    is_submit: bool = False
    """Whether it asked a family to start something that costs money, accepted or not."""
    task: str = ""
    """The task it created, or was given again for a repeated request."""
    charged: float = 0.0
    """What it cost, in USD."""
    paid: bool = False
    """Whether it started paid work: at most one request may per task, unless money was wasted."""
    warnings: list[str] = field(default_factory=list)
    """What a strict reader would object to, though the gateway let it pass."""

    def warn(self, text: str) -> None:
        """Note something that is let through but should not have been sent."""
        self.warnings.append(text)

    def as_json(self) -> dict[str, Any]:
        """For `GET /sandbox/journal`."""
        return asdict(self)


@dataclass(slots=True)
class Journal:
    """All requests in the order they came; the oldest go when there are very many."""

    seen: list[Seen] = field(default_factory=list)
    submits: list[Seen] = field(default_factory=list)

    def add(self, seen: Seen) -> Seen:
        """Note a request when it comes."""
        seen.body = _shortened(seen.body)
        if len(self.seen) >= _LONGEST_JOURNAL:
            del self.seen[: _LONGEST_JOURNAL // 4]
        self.seen.append(seen)
        return seen

    def charge(self, seen: Seen, task: str, price: float, *, starts: bool) -> None:
        """Note what a request cost, and whether it started paid work."""
        seen.task, seen.charged, seen.paid = task, price, starts
        if starts:
            self.submits.append(seen)


def _shortened(value: Any) -> Any:
    match value:
        case str() if len(value) > _LONGEST_STRING:
            return f"{value[:200]}... ({len(value)} characters)"
        case list():
            return [_shortened(part) for part in value]
        case dict():
            return {key: _shortened(part) for key, part in value.items()}
        case _:
            return value
