"""What Midjourney and the proxies before it say when something does not work, as our errors.

Owns the answer codes, the words behind them and the reasons of failed tasks, in English and
Chinese. Knows no requests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from core.errors import (
    Busy,
    Garbled,
    GatewayError,
    Moderated,
    NotThere,
    OutOfCredit,
    Refused,
    Spent,
    Unreachable,
)
from core.i18n import mark
from core.messages import clean, shorten
from core.providers.fields import reason_of
from core.providers.midjourney_prompts import unmarked
from core.wire import hidden

REASON_LENGTH = 300
"""Characters of a foreign reason that people are shown."""

GATEWAY_CYCLE = 15.0
"""Seconds between two refreshes of the gateway's own table of tasks."""
QUEUE_PAUSE = 30.0
"""Seconds to wait when Midjourney's queue is full."""
SATURATED_PAUSE = 60.0
"""Seconds to wait when the gateway's whole group is saturated, whatever our own rate."""

Make = Callable[[str], GatewayError]
"""Makes an error out of what was said, which has been cleaned and may be empty."""
Row = tuple[re.Pattern[str], Make]

_TITLE = re.compile(r"^\[([^\]]{1,60})\]\s*")


def readable(text: object) -> str:
    """Foreign words as people may read them: one bounded line without markup, links or keys; still
    to be escaped.
    """
    words = unmarked(clean(text)) if isinstance(text, str) else ""
    words = hidden(words)
    return shorten(_TITLE.sub(r"\1: ", words).rstrip(" :"), REASON_LENGTH)


def _row(pattern: str, make: Make) -> Row:
    return re.compile(pattern, re.IGNORECASE), make


def _says(kind: type[GatewayError], text: str, spent: Spent | None = None) -> Make:
    """An error that quotes the foreign words in `{reason}`."""

    def make(reason: str) -> GatewayError:
        return kind(text, spent=spent, detail=reason, reason=reason or "?")

    return make


def _busy(text: str, pause: float | None = None) -> Make:
    return lambda reason: Busy(text, retry_after=pause, detail=reason)


def _first(rows: Sequence[Row], raw: str, reason: str) -> GatewayError | None:
    make = next((make for pattern, make in rows if pattern.search(raw)), None)
    return make(reason) if make else None


PARENT_GONE = mark(
    "The image service does not have the earlier picture any more. Start again with /imagine."
)
PARENT_CLOSED = mark(
    "The account that made the earlier picture is closed, so nothing more can be made of it. "
    "Start again with /imagine."
)
PARENT_LATE = mark("The image service has not noted yet that the earlier picture is finished.")
NO_ACCOUNT = mark("No Midjourney account is free at the image service just now.")
QUEUE_FULL = mark("Midjourney's queue is full just now.")
SATURATED = mark("The image service has more to do than it can take just now.")
UPSTREAM_DOWN = mark("The image service is out of order just now.")
ANSWER_LOST = mark(
    "The image service lost track of its own call, so nobody can say whether the job runs."
)
NO_BUTTON = mark("This image service cannot do what this button asks for.")
SAID_NO = mark("The image service refused this: {reason}")
NO_WORDS = mark("The image service refused this and gave no reason.")
BANNED_WORD = mark("Midjourney does not allow the word “{word}”.")
BANNED = mark("Midjourney does not allow something in this prompt.")

# Things a gateway says although the call may have gone through: the task is written down only after
# Midjourney's proxy took the job, and reading that proxy's answer comes later still.
_LOST = re.compile(
    r"do_request_failed|insert_midjourney_task|(?:empty|read|close|copy|unmarshal)_(?:\w+_)?body|"
    r"unmarshal_response|settle_|persist_",
    re.IGNORECASE,
)

_NO_ACCOUNT = re.compile(r"instance|account|available|实例|账号|可用", re.IGNORECASE)

_REFUSALS: tuple[Row, ...] = (
    _row("task_status_not_success|任务状态错误", _busy(PARENT_LATE, GATEWAY_CYCLE)),
    _row("quota_not_enough|额度不足|余额不足", lambda reason: OutOfCredit(detail=reason)),
    _row("task_not?_found|任务不存在|已失效", lambda reason: Refused(PARENT_GONE, detail=reason)),
    _row(
        "渠道已被禁用|channel.{0,40}disabled", lambda reason: Refused(PARENT_CLOSED, detail=reason)
    ),
    _row("unknown_action", lambda reason: NotThere(NO_BUTTON, detail=reason)),
)


def early_refusal(words: str) -> GatewayError | None:
    """The error behind words the gateway says before it passes anything on, whose body is then not
    Midjourney's; None when they are not known.
    """
    return _first(_REFUSALS, words, readable(words))


def refusal_of(
    code: int | None, words: object, *, status: int, follow_up: bool, banned: str = ""
) -> GatewayError:
    """The error behind a submit answer whose code says that it was not accepted.

    `spent` is no, except where the answer leaves open whether the job runs: code 5, words that the
    gateway uses after it has passed a job on, and a broken server that speaks of no validation.

    Args:
        code: The answer's code, None when it has none.
        words: Its `description`.
        status: The HTTP status.
        follow_up: Whether an earlier task was continued, so that it may be what is missing.
        banned: The word a code 24 names.
    """
    raw = reason_of(words)
    reason = readable(raw)
    if code == 5 or _LOST.search(raw) or (status >= 500 and code not in (3, 4, 23, 24, 30)):
        return Unreachable(
            ANSWER_LOST, spent=Spent.UNKNOWN, again=False, detail=f"{code}: {reason}"
        )
    match code:
        case 3 if follow_up and not _NO_ACCOUNT.search(raw):
            return Refused(PARENT_GONE, detail=reason)
        case 3:
            return Busy(NO_ACCOUNT, retry_after=QUEUE_PAUSE, detail=reason)
        case 9:
            return Busy(UPSTREAM_DOWN, retry_after=QUEUE_PAUSE, detail=reason)
        case 23:
            return Busy(QUEUE_FULL, retry_after=QUEUE_PAUSE, detail=reason)
        case 24 if banned:
            return Moderated(BANNED_WORD, detail=reason, word=shorten(readable(banned), 60))
        case 24:
            return Moderated(BANNED, detail=reason)
        case 30:
            return Busy(SATURATED, retry_after=SATURATED_PAUSE, detail=reason)
    if status == 429:
        return Busy(SATURATED, retry_after=SATURATED_PAUSE, detail=reason)
    return _first(_REFUSALS, raw, reason) or _plain_refusal(code, reason)


def _plain_refusal(code: int | None, reason: str) -> GatewayError:
    detail = f"{code}: {reason}"
    return (
        Refused(SAID_NO, detail=detail, reason=reason)
        if reason
        else Refused(NO_WORDS, detail=detail)
    )


LOST_TRACK = mark(
    "Midjourney took too long, and the image service lost track of this. Running it again may work."
)
OWNER = mark(
    "The Midjourney account behind the image service is out of order. The owner of the bot has to "
    "look at it."
)
NO_TIME = mark("The Midjourney account behind the image service has no working time left just now.")
FAILED = mark("Midjourney did not make this: {reason}")
FAILED_SILENTLY = mark("Midjourney did not make this and gave no reason.")
CANCELLED = mark("This was stopped at the image service. It may have been charged.")

_TROUBLE = mark("Midjourney had trouble with this. Please try again.")
_FAILURES: tuple[Row, ...] = (
    _row(
        r"banned prompt|blocked word|ai moderator|community (?:standards|guidelines)|敏感词|违禁",
        _says(Moderated, mark("Midjourney does not allow this prompt: {reason}")),
    ),
    _row(
        r"output filter|image denied|filtered",
        lambda reason: Moderated(
            mark("Midjourney stopped this picture for what it showed. Other words may help."),
            detail=reason,
        ),
    ),
    _row(
        r"invalid link|could not validate",
        _says(
            Refused,
            mark(
                "Midjourney cannot open a picture address in the prompt; send the picture itself. "
                "{reason}"
            ),
        ),
    ),
    _row(
        r"invalid parameter|unrecogni[sz]ed|invalid value|参数错误|无效参数",
        _says(Refused, mark("Midjourney does not take a flag as it was written: {reason}")),
    ),
    _row(
        r"invalid prompt|empty prompt",
        _says(Refused, mark("Midjourney cannot use this prompt: {reason}")),
    ),
    _row(
        r"invalid form body",
        lambda reason: Refused(
            mark("Midjourney does not take this button any more. Start again with /imagine."),
            detail=reason,
        ),
    ),
    _row(r"超时|time[sd]?[ -]?out", _busy(LOST_TRACK)),
    _row(r"queue full|job queued|队列已满", _busy(QUEUE_FULL)),
    _row(r"credits exhausted|任务失败，?\s?请重试", _busy(NO_TIME)),
    _row(r"pending mod|blocked|plan cancell?ed|subscription", _busy(OWNER)),
    _row(r"failed to process your command|internal error", _busy(_TROUBLE)),
    _row(
        r"获取渠道信息失败|渠道已被禁用|get_channel_info",
        lambda reason: Refused(OWNER, detail=reason),
    ),
)


def failure_of(words: object) -> GatewayError:
    """The error behind the `failReason` of a failed task.

    The gateway gives back what any failed task cost, also one it lost from sight, so `spent` is no.
    """
    raw = reason_of(words)
    reason = readable(raw)
    if found := _first(_FAILURES, raw, reason):
        return found
    return Refused(FAILED, detail=reason, reason=reason) if reason else Refused(FAILED_SILENTLY)


def cancelled() -> GatewayError:
    """The error of a task that was stopped upstream; no gateway is known to give the money back."""
    return Refused(CANCELLED, spent=Spent.UNKNOWN, detail="cancelled upstream")


def accepted_without_id(words: object) -> GatewayError:
    """The error of an answer that says yes but names no task: it may run, and cannot be found."""
    return Garbled(
        ANSWER_LOST, spent=Spent.UNKNOWN, detail=f"accepted without an id: {readable(words)}"
    )
