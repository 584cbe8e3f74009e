"""The words families have for how a task stands, and what a failed one means.

Pure data and readers, shared by every family with tasks; an unknown word is one that is under way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from core.errors import GatewayError, Moderated, Refused, Spent, Unreachable
from core.i18n import mark
from core.providers.fields import reason_of
from core.wire import Json, readable


class Stage(StrEnum):
    """How a task stands, whatever its family calls it."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"


WORDS: Mapping[Stage, frozenset[str]] = {
    Stage.QUEUED: frozenset(
        {"", "not_start", "submitted", "queued", "pending", "throttled", "created"}
    ),
    Stage.SUCCESS: frozenset(
        {"success", "succeed", "succeeded", "complete", "completed", "finished"}
    ),
    Stage.FAILURE: frozenset({"failure", "failed", "error", "fail"}),
    Stage.CANCELLED: frozenset({"cancel", "cancelled", "canceled"}),
}
_STAGES = {word: stage for stage, words in WORDS.items() for word in words}


def stage_of(word: Json) -> Stage:
    """The stage a status word means; null is queued, a word nobody knows is running."""
    text = word.strip().lower() if isinstance(word, str) else ""
    return _STAGES.get(text, Stage.RUNNING)


FAILED = mark("{model} did not make this: {reason}")
FAILED_SILENTLY = mark("{model} did not make this and gave no reason.")
NOT_ALLOWED = mark("{model} turned this down for its content: {reason}")
LOST_TRACK = mark(
    "The image service lost track of this, so nobody can say whether it was made and charged."
)
STOPPED = mark("This was stopped at the image service. It may have been charged.")

_CONTENT = re.compile(
    r"moderat|safety|sensitive|policy|nsfw|inappropriate|prohibited|copyright|risk control"
    r"|违规|敏感",
    re.IGNORECASE,
)
_TIMEOUT = re.compile(r"超时|time[sd]?[ -]?out", re.IGNORECASE)


def failure_of(model: str, words: Json) -> GatewayError:
    """The error behind a failed task: gateways give its money back, so `spent` is no; only where
    the task was lost from sight nobody knows.
    """
    raw = reason_of(words)
    reason = readable(raw)
    if _TIMEOUT.search(raw):
        return Unreachable(LOST_TRACK, spent=Spent.UNKNOWN, again=False, detail=reason)
    if error := judged(model, raw):
        return error
    if reason:
        return Refused(FAILED, detail=reason, model=model, reason=reason)
    return Refused(FAILED_SILENTLY, model=model)


def judged(model: str, words: str) -> Moderated | None:
    """The error behind words that speak of what may not be shown; None for other words."""
    reason = readable(words)
    if not _CONTENT.search(words):
        return None
    return Moderated(NOT_ALLOWED, detail=reason, model=model, reason=reason or "?")


def stopped() -> GatewayError:
    """The error of a task that was cancelled upstream."""
    return Refused(STOPPED, spent=Spent.UNKNOWN, detail="cancelled upstream")
