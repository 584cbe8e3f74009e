"""A Midjourney task: what it is, and what state it is in at a given moment.

Owns the state machine. A state is computed from the time when someone asks; nothing runs meanwhile,
so ten thousand tasks cost nothing but their memory. It knows nothing of HTTP or spelling.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.midjourney.prices import WINDOW_SECONDS
from bot.sandbox.midjourney.prompts import Prompt
from bot.sandbox.pictures import Picture
from bot.sandbox.pictures.cells import Cell

Making = Callable[[int, str], tuple[Cell, ...]]
"""Paints four pictures for a seed and a prompt: what a task does, so that it can be done again."""


@dataclass(frozen=True, slots=True)
class Look:
    """A task's state at one moment. Times are seconds by the sandbox's clock, 0 for not yet."""

    status: str
    """As the gateway writes it; "" for accepted and not looked at yet."""
    percent: int = 0
    started: float = 0.0
    finished: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task will end, and after which part (0 to 1) of its running time."""

    status: str
    part: float = 1.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A picture someone sent, as it was sent."""

    data: bytes
    mime: str


@dataclass(slots=True)
class Task:
    """One task. What a test may want to know about it is here to read."""

    id: str
    action: str
    prompt: Prompt
    submitted: float
    queue: float
    """Seconds before it starts, pace and words included."""
    run: float
    """Seconds it runs."""
    pace: float
    words: frozenset[str]
    ending: Ending
    description: str = "Submit success"
    mode: str = ""
    """FAST, RELAX or TURBO where the address or the prompt asked for it."""
    bot: str = "MID_JOURNEY"
    state: str = ""
    """The client's own note, given back."""
    parent: str = ""
    index: int = 0
    custom_id: str = ""
    """The button that started it."""
    seed: int = 0
    picture: Picture | None = None
    making: Making | None = None
    large: bool = False
    """Upscaled twice: its picture has twice the width and height."""
    source: Source | None = None
    text: str = ""
    """What a describe or shorten says when it is done."""
    window: str = ""
    """What it waits to be told: INPAINT, CUSTOM_ZOOM, REMIX, or nothing."""
    confirmed: float | None = None
    cancelled: float | None = None
    pressed: set[str] = field(default_factory=set)
    hash: str = field(init=False)
    """Midjourney's own id of the job, in every button and in its picture's address."""

    def __post_init__(self) -> None:
        raw = hashlib.sha256(f"{self.id}/{self.seed}/{self.submitted}".encode()).hexdigest()
        self.hash = "-".join((raw[:8], raw[8:12], f"4{raw[13:16]}", f"a{raw[17:20]}", raw[20:32]))

    @property
    def is_grid(self) -> bool:
        """Whether its result is four pictures in one."""
        return self.picture is not None and len(self.picture.cells) == 4

    def look(self, now: float) -> Look:
        """Its state at `now`."""
        if self.cancelled is not None and now >= self.cancelled:
            return Look("CANCEL", 100, self.submitted, self.cancelled, "Cancelled")
        start = self.submitted
        if self.window:
            if self.confirmed is None or now < self.confirmed:
                return self._waiting(now)
            start = self.confirmed
        return self._working(now - start, start)

    def _waiting(self, now: float) -> Look:
        if now < self.submitted:
            return Look("")
        end = self.submitted + WINDOW_SECONDS * max(self.pace, 0.2)  # people are not in a hurry
        if now >= end:
            return Look("FAILURE", 100, self.submitted, end, "任务超时")
        return Look("MODAL", 0, self.submitted)

    def _working(self, age: float, start: float) -> Look:
        if age < self.queue / 3:
            return Look("")
        if age < self.queue:
            return Look("SUBMITTED")
        began, part = start + self.queue, (age - self.queue) / self.run
        if part >= self.ending.part:
            finished = began + self.ending.part * self.run
            return Look(self.ending.status, 100, began, finished, self.ending.reason)
        percent = min(int(part * 100), 46 if "stall" in self.words else 99)
        strange = "unknownstatus" in self.words and 0.2 < part < 0.9
        return Look("REVIEWING" if strange else "IN_PROGRESS", percent, began)

    def done(self, now: float) -> bool:
        """Whether it has succeeded."""
        return self.look(now).status == "SUCCESS"

    def refunded(self, now: float) -> bool:
        """Failures give back what they cost."""
        return self.look(now).status == "FAILURE"

    def summary(self, now: float) -> dict[str, Any]:
        """For `GET /sandbox/tasks`."""
        look = self.look(now)
        return {
            "id": self.id,
            "family": "midjourney",
            "action": self.action,
            "status": look.status,
            "progress": look.percent,
            "prompt": self.prompt.text,
            "parent": self.parent,
            "index": self.index,
            "mode": self.mode,
        }


_LONG_REASON = (
    "[Failed to process your command] **This job failed** @everyone — see "
    "[the log](https://example.com/log?x=1&y=2) or https://example.com/status, then `try again`. "
    "<@1234567890> [sandbox word: fail]"
)


def ending_for(words: frozenset[str], problem: str, *, strict_bans: bool) -> Ending:
    """How a task with these words ends.

    `problem` is what is wrong with its flags; `strict_bans` says a banned word was let through.
    """
    if problem:
        return Ending("FAILURE", 0.05, problem)
    if "banned" in words and strict_bans:
        return Ending("FAILURE", 0.05, "[Banned prompt detected] Banned prompt detected: `banned`")
    if "stall" in words:
        return Ending("FAILURE", float("inf"))
    if "fail" in words:
        return Ending("FAILURE", 0.6, _LONG_REASON)
    if "moderated" in words:
        reason = "[Request cancelled due to output filters] [sandbox word: moderated]"
        return Ending("FAILURE", 0.9, reason)
    if "cancelled" in words:
        return Ending("CANCEL", 0.5, "Cancelled upstream [sandbox word: cancelled]")
    return Ending("SUCCESS")
