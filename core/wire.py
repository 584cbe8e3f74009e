"""What goes to the gateway and what comes back, as values; and how its error bodies read.

Pure: `core.gateway` does the HTTP, the providers know the families. Here stands only what every
family shares: the shapes of an error body, what HTTP statuses mean, and which of them prove that
nothing was spent.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Literal, TypeAlias

from core.errors import (
    BadKey,
    Busy,
    Garbled,
    GatewayError,
    Moderated,
    NoChannel,
    NotThere,
    OutOfCredit,
    Refused,
    Spent,
    Unreachable,
)
from core.i18n import mark
from core.messages import Media, clean, shorten

Json: TypeAlias = Any
"""A parsed JSON value; readers check shapes themselves and treat every field as nullable."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Stands in a Call's body for an archived file; the gateway client puts the bytes in."""

    media: Media
    form: Literal["data_uri", "base64", "file", "url"] = "data_uri"
    """`url` is a passing address on this bot's own server, for families that take nothing else.
    `file` makes the call a multipart form: the body is an object, the blob one of its values
    or in a list that is one."""
    types: tuple[str, ...] = ()
    """MIME types of pictures that are taken; another one is redrawn. Empty for any."""
    most: int = 0
    """Bytes that are taken of a picture; a larger one is redrawn. 0 for any."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to the gateway."""

    method: Literal["GET", "POST"]
    path: str
    """From the gateway's root, beginning with `/`; ids in it are percent-encoded."""
    family: str
    """Chooses the key, where none of `keys` has one of its own."""
    json: Json = None
    """The body; may hold `Blob` values anywhere."""
    timeout: float = 60.0
    """Seconds for the whole call; the owner's own limit may be lower."""
    most: int = 8_000_000
    """Bytes of the answer that are read; what comes after is left."""
    keys: tuple[str, ...] = ()
    """Names that may have a key of their own, the most special first: a model's, a vendor's."""
    multipart: bool = False
    """The body goes as a form also where it holds no file."""
    binary: bool = False
    """A good answer is a file: it goes into the archive, and its `Media` is the answer's body."""
    words: bool = False
    """A good answer may be words and no JSON: all of them are kept."""
    stream: bool = False
    """The answer comes as server-sent events; see `core.providers.base.Stream`."""
    reads: bool = False
    """A POST that only asks, so that losing it costs nothing: it may use a connection that was kept
    open. Every other POST gets a fresh one, because a kept one can die while it is written to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status and the body, parsed when it is JSON."""

    status: int
    body: Json
    """The parsed JSON, or the text (at most some kilobytes) when it is not JSON, or the `Media` of
    a `binary` call."""
    retry_after: float | None = None
    """Seconds the gateway asked for."""


# -- pauses ----------------------------------------------------------------------------------------

LONGEST_PAUSE = 3600.0
"""Seconds; a gateway that asks for more is asked again after an hour all the same."""
OWN_RATE = 5.0
"""Seconds to wait after a bare 429: our own rate was too high, which passes quickly."""
SAID_RATE = 15.0
"""Seconds to wait after a 429 that speaks of a rate or of too many jobs at once."""
CHANNELS = 20.0
"""Seconds to wait when no channel serves a model: all may be down for a moment."""
SATURATED = 30.0
"""Seconds to wait when the whole group has no capacity left, whatever our own rate."""


def pause(header: str | None, now: float) -> float | None:
    """Read a `Retry-After` header: seconds or an HTTP date, which is why it takes Unix time.

    Gives seconds from `now`, 0 to `LONGEST_PAUSE`; None where nothing readable is said.
    """
    text = (header or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            date = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
        # A date without a zone is meant as UTC (RFC 9110, 5.6.7).
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = date.timestamp() - now
    return min(max(seconds, 0.0), LONGEST_PAUSE) if math.isfinite(seconds) else None


# -- the words of an error -------------------------------------------------------------------------

REASON = 200
"""Most characters of the gateway's own words shown to a person."""
_READ = 2000
"""Most characters of them that are looked at."""

_KEYS = re.compile(
    r"\[?\bsk-[\w*.•…-]+\]?"  # also the halves of a key in “[sk-abc***xyz] 该令牌额度已用尽”
    r"|(?i:\bbearer\s+[^\s\"',}]+)"
    r"|(?<![\w-])(?=[A-Za-z-]*\d)[A-Za-z0-9-]{32,}(?![\w-])"  # long enough to be a secret
    r"|\S*\*{3,}\S*"
)
_ADDRESSES = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+"
    r"|\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"
    r"|\[[0-9a-f]*:[0-9a-f:.]+\](?::\d+)?"
    r"|\blocalhost(?::\d+)?\b"
    r"|\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|dev|app|cn|one|vip|me|cc|co|top|xyz|site|cloud|pro"
    r"|tech|info|fun|sg|us|uk|eu|de|jp|kr|hk|tw|ru|vn|in|local|lan|internal|svc|test|example)\b"
    r"(?::\d+)?(?:/\S*)?",
    re.IGNORECASE,
)
_REQUEST_ID = re.compile(r"\(?\brequest[ _]?id\b\s*[:：=]?\s*[\w-]*\)?", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})</title>", re.IGNORECASE)
_GAP = "…"


def hidden(text: str) -> str:
    """The beginning of foreign words as one line, without keys and addresses."""
    return _ADDRESSES.sub(_GAP, _KEYS.sub(_GAP, " ".join(clean(text[:_READ]).split())))


def readable(text: str) -> str:
    """What a person may see of foreign words: one short line, no keys, addresses, request ids."""
    text = hidden(_REQUEST_ID.sub(" ", text[:_READ]))
    text = re.sub(r"\s+([.,;:!])", r"\1", " ".join(text.split())).strip(" -:")
    return shorten(text, REASON) if re.search(r"\w", text) else ""


@dataclass(frozen=True, slots=True)
class _Complaint:
    """An error body, whatever its shape."""

    words: str = ""
    marks: str = ""
    """Its textual codes and types, in lower case."""
    number: int | None = None
    """Its code where that is a number."""
    business: bool = False
    """It has the shape that Midjourney's proxies use (`description` and `code`)."""
    fields: bool = False
    """It is a list of fields that were filled in wrongly, not a judgement of their content."""

    @property
    def text(self) -> str:
        """Everything it says, for patterns."""
        return f"{self.marks} {self.words}"[:_READ]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _marks(*values: Json) -> str:
    return " ".join(v.lower() for v in values if isinstance(v, str) and v)


def _number(value: Json) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _complaint(body: Json) -> _Complaint | None:
    """Read an error body: `error`, `description`, `message`, `detail`, in this order."""
    if not isinstance(body, dict):
        return None
    code = body.get("code")
    match body:
        case {"error": dict(error)} if error:
            words = _text(error.get("message")) or _text(error.get("error"))
            inner = error.get("code")
            return _Complaint(words, _marks(inner, error.get("type")), _number(inner))
        case {"error": str(words)} if words.strip():
            return _Complaint(words, _marks(code), _number(code))
        case {"description": str(words)} if "code" in body:
            return _Complaint(words, _marks(code), _number(code), business=True)
        case {"message": str(words)}:
            return _Complaint(words, _marks(code), _number(code))
        case {"detail": str(words)}:
            return _Complaint(words, _marks(code), _number(code))
        case {"detail": [*parts]} if parts:
            words = "; ".join(_text(p.get("msg")) for p in parts if isinstance(p, dict))
            return _Complaint(words, fields=True)
    return _Complaint("", _marks(code), _number(code)) if "code" in body else None


_FINE = frozenset({"", "success", "succeed", "ok", "0", "200"})
"""Codes of a success, where the code is a word."""


def _admits(body: Json) -> bool:
    """Tell whether the body of a 2xx answer is an error all the same.

    A body with a `description` is Midjourney's, whose codes are its provider's to read.
    """
    if not isinstance(body, dict):
        return False
    if body.get("error") and isinstance(body["error"], dict | str):
        return True
    if "description" in body or not isinstance(body.get("message"), str):
        return False
    code = body.get("code")
    if isinstance(code, str) and not _number(code):
        return code.strip().lower() not in _FINE and not body.get("data")
    return body.get("success") is False or (_number(code) or 0) > 200


def said(answer: Answer) -> str:
    """The best words of an error body for people, without keys and addresses; still to be escaped.

    Empty when it has none; at most `REASON` characters.
    """
    complaint = _complaint(answer.body)
    if complaint is not None:
        return readable(complaint.words or complaint.marks)
    text = answer.body if isinstance(answer.body, str) else ""
    if title := _TITLE.search(text):
        return readable(title[1])
    if text.strip() and "<" not in text:
        return readable(text)
    return _phrase(answer.status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase if status >= 400 else ""
    except ValueError:
        return ""


# -- what an error means ---------------------------------------------------------------------------

SAID_NO = mark("The image service refused this: {reason}")
SAID_NOTHING = mark("The image service refused this and gave no reason.")
KEY_EMPTY = mark(
    "The credit of this bot's key at the image service is used up. "
    "The owner of the bot has to raise it."
)
KEY_EXPIRED = mark(
    "This bot's key at the image service has expired. The owner of the bot has to make a new one."
)
KEY_BARRED = mark(
    "This bot's key may not use this at the image service. The owner of the bot has to look at "
    "the key's group, its list of models and its list of addresses."
)
BANNED = mark(
    "This bot's account at the image service is blocked. The owner of the bot has to ask there."
)
TURNED_DOWN = mark("The image service turned this down for its content: {reason}")
NO_CHANNEL = mark(
    "The image service has nothing that serves this model for this bot's key. Each key belongs to "
    "one group of models: the owner of the bot has to choose a group with this model, or set a key "
    "of its own for it."
)
NO_PATH = mark(
    "The image service has no such function. If that seems wrong, the owner of the bot has to "
    "check its address."
)
NO_TASK = mark("The image service does not know this job.")
MOVED = mark(
    "The image service has moved to another address. The owner of the bot has to set the new one."
)
TOO_LARGE = mark(
    "This is too large for the image service. Please use a smaller picture or a shorter text."
)
FULL = mark("The image service has more to do than it can take just now.")
TOO_FAST = mark("This bot has asked the image service too often in a short time.")
LOST = mark("The image service lost track of this, so nobody can say whether it was done.")
UNREADABLE = mark("The image service gave an answer that nobody can read.")


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What became of a call that nothing was spent on."""

    kind: type[Refused]
    text: str | None = None
    """None for the kind's own."""
    pause: float | None = None


_Case: TypeAlias = tuple[re.Pattern[str], _Meaning]


def _case(pattern: str, kind: type[Refused], text: str | None = None) -> _Case:
    return re.compile(pattern, re.IGNORECASE), _Meaning(kind, text)


_CASES: tuple[_Case, ...] = (
    _case(
        r"该令牌额度已用尽|(?:token|key)\S{0,4} quota (?:is )?(?:exhausted|used up)",
        OutOfCredit,
        KEY_EMPTY,
    ),
    _case(
        r"insufficient_user_quota|pre_consume_token_quota_failed|quota_not_enough"
        r"|insufficient_quota|insufficient (?:balance|credit)|额度不足|余额不足",
        OutOfCredit,
    ),
    _case(
        r"sensitive_words|content_policy|content_filter|moderation_blocked"
        r"|safety (?:check|system|filter)|banned (?:prompt|word)|敏感词|违规|违禁",
        Moderated,
        TURNED_DOWN,
    ),
    (
        re.compile(
            r"无可用渠道|no available channel|no_available_channel|model_not_found", re.IGNORECASE
        ),
        _Meaning(NoChannel, NO_CHANNEL, CHANNELS),
    ),
    _case(r"invalid url \(|api_not_implemented", NotThere, NO_PATH),
    _case(r"task_not_exist|task_not?_found", NotThere, NO_TASK),
)
"""Words that mean the same with every status. The first that matches counts."""

_KEY_CASES: tuple[_Case, ...] = (
    _case(r"已过期|expired", BadKey, KEY_EXPIRED),
    _case(r"封禁|banned|user[ _]disabled", BadKey, BANNED),
    _case(
        r"无权|no access|not allowed|not in .{0,20}list|\bip\b|白名单|分组|group",
        BadKey,
        KEY_BARRED,
    ),
)
"""Words looked for with 401 and 403 only."""

_STATUSES: dict[int, _Meaning] = {
    401: _Meaning(BadKey),
    402: _Meaning(OutOfCredit),
    403: _Meaning(BadKey),
    404: _Meaning(NotThere, NO_PATH),
    405: _Meaning(NotThere, NO_PATH),
    413: _Meaning(Refused, TOO_LARGE),
    422: _Meaning(Moderated, TURNED_DOWN),
    501: _Meaning(NotThere, NO_PATH),
    503: _Meaning(Busy),
}
"""What an error means that says nothing known."""

_SATURATED = re.compile(r"饱和|saturat", re.IGNORECASE)
_VENDOR_ACCOUNT = range(1100, 1104)
"""Kling's codes for an account in arrears, which it sends with 429."""

_LOST_WORDS = re.compile(
    # Said after the call was passed on, whose answer was then not understood or did not come.
    r"do_request_failed|(?:empty|read|copy|bad|close)_response_body|unmarshal_response"
    r"|context deadline exceeded|i/o timeout|(?:request|upstream)[ _]time(?:d[ _])?out"
    r"|上游\S{0,8}超时|connection reset|unexpected eof",
    re.IGNORECASE,
)
_CHECKED_FIRST = re.compile(
    # Codes of a check that comes before anything is passed on, so certain with every status.
    r"insufficient_user_quota|pre_consume_token_quota_failed|quota_not_enough"
)


def refusal(answer: Answer) -> GatewayError | None:
    """Read the error shapes every family shares.

    `spent` is no where the gateway turned the call down, and unknown where the work may go on all
    the same: timeouts, faults, 5xx pages of whatever stands in front, answers that nobody can read.
    None is a 2xx answer without an error in it; what else it may mean is for the family's provider.
    """
    complaint = _complaint(answer.body)
    if 200 <= answer.status < 300 and not _admits(answer.body):
        if isinstance(answer.body, dict | list):
            return None
        return Garbled(UNREADABLE, detail=_detail(answer, None))
    if _is_lost(answer.status, complaint):
        detail = _detail(answer, complaint)
        wait = answer.retry_after
        return Unreachable(LOST, spent=Spent.UNKNOWN, retry_after=wait, detail=detail)
    found = complaint or _Complaint()
    return _error(_meaning(answer.status, found), answer, found)


def _is_lost(status: int, complaint: _Complaint | None) -> bool:
    """Tell whether the work may go on although there is no good answer."""
    if complaint is not None:
        if (complaint.business and complaint.number == 5) or _LOST_WORDS.search(complaint.text):
            return True
        if _CHECKED_FIRST.search(complaint.marks):
            return False
    if status in (408, 499):
        return True
    return status >= 500 and not (status in (501, 503) and complaint is not None)


def _meaning(status: int, complaint: _Complaint) -> _Meaning:
    """What a refusal means: by its words where they are known, else by its status."""
    if 300 <= status < 400:
        return _Meaning(NotThere, MOVED)
    cases = _CASES + _KEY_CASES if status in (401, 403) else _CASES
    for pattern, meaning in cases:
        if pattern.search(complaint.text):
            return meaning
    if status == 429 or (complaint.business and complaint.number == 30):
        return _too_many(complaint)
    if status == 404 and complaint.business:
        return _Meaning(NotThere, NO_TASK)
    if status == 422 and complaint.fields:
        return _Meaning(Refused, SAID_NO)
    return _STATUSES.get(status, _Meaning(Refused, SAID_NO))


def _too_many(complaint: _Complaint) -> _Meaning:
    """A 429 comes from several limiters, and once from an account that is not paid for."""
    if complaint.number in _VENDOR_ACCOUNT and not complaint.business:
        return _Meaning(OutOfCredit)
    if complaint.number == 30 or _SATURATED.search(complaint.text):
        return _Meaning(Busy, FULL, SATURATED)
    return _Meaning(Busy, TOO_FAST, SAID_RATE if complaint.text.strip() else OWN_RATE)


def _error(meaning: _Meaning, answer: Answer, complaint: _Complaint) -> GatewayError:
    """Make the error, quoting the gateway only where our text has a place for it."""
    text, kind, detail = meaning.text, meaning.kind, _detail(answer, complaint)
    wait = answer.retry_after if answer.retry_after is not None else meaning.pause
    if text is None or "{reason}" not in text:
        return kind(text, retry_after=wait, detail=detail)
    reason = readable(complaint.words or complaint.marks)
    if not reason:
        text = SAID_NOTHING if kind is Refused else None
        return kind(text, retry_after=wait, detail=detail)
    return kind(text, retry_after=wait, detail=detail, reason=reason)


def _detail(answer: Answer, complaint: _Complaint | None) -> str:
    """One line for the log, without keys and addresses of servers inside."""
    words = complaint.text.strip() if complaint else ""
    number = f" {complaint.number}" if complaint and complaint.number is not None else ""
    if not words and isinstance(answer.body, str):
        words = re.sub(r"<[^>]*>", " ", answer.body[:_READ])
    return shorten(f"HTTP {answer.status}{number} {hidden(words)}".strip(), 300)
