"""Logging to standard error, as text or JSON lines; secrets are masked here and nowhere else.

Everything written passes one formatter: lines of our own and of every library, tracebacks,
warnings, and exceptions nobody caught. So a token in an exception, in an address or in a library's
debug line is replaced before it is written.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
from collections.abc import Iterable, MutableMapping
from types import TracebackType
from typing import Any, TypeAlias
from urllib.parse import quote

import structlog

MASK = "•••"
SHORTEST = 6
"""Fewest characters of a secret that is masked; shorter ones would garble plain words."""

Event: TypeAlias = MutableMapping[str, Any]

_PATTERNS = (
    re.compile(r"(?<![A-Za-z0-9])\d{6,12}:[A-Za-z0-9_-]{30,}"),  # Telegram bot tokens
    re.compile(r"(?<=/bot)\d+(?::|%3[Aa])[^/\s\"']+"),  # the same in an address, of any length
    re.compile(r"(?i)(?<=\bbot )[A-Za-z0-9_\-.]{40,}"),  # Discord bot tokens
    re.compile(
        r"(?<![\w-])[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"
    ),  # bare ones
    re.compile(r"(?i)(?<=bearer )[^\s\"',]+"),
    re.compile(r"(?i)(?<=authorization: basic )[^\s\"',]+"),
    re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{6,}"),
    re.compile(
        r"(?<![A-Za-z0-9])sk-\w+\*{2,}\w*"
    ),  # a gateway's own shortening shows six characters
    re.compile(r"(?<=/webhooks/)(\d+)/[A-Za-z0-9_\-.]{20,}"),  # interaction tokens
    re.compile(r"(?<=/interactions/)(\d+)/[A-Za-z0-9_\-.]{20,}"),
    re.compile(r"(?i)(?<=[?&])(?:ex|is|hm|sig|signature|token|key|_jwt|x-amz-[a-z-]+)=[^&\s\"']+"),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),  # user:password@
)
_FIELD = re.compile(
    r"(?i)([\"'](?:[a-z_-]*token|api[_-]?key|password|[a-z_-]*secret|authorization)[\"']\s*:\s*[\"'])"
    r"[^\"']+"
)
"""A secret as a value of printed JSON or of a printed dictionary."""
_QUIET = ("httpx", "httpcore", "aiosqlite", "PIL", "asyncio", "sqlalchemy", "alembic")
"""Libraries that never say anything an owner needs below a warning."""
_CHATTY = ("discord", "telegram", "aiohttp.access")


class Masker:
    """Replaces secrets in text: known values and anything shaped like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets`: configured values, masked wherever they appear, also as part of an address."""
        known = {form for s in secrets if len(s) >= SHORTEST for form in (s, quote(s, safe=""))}
        self._secrets = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(MASK, text)
        return _FIELD.sub(rf"\1{MASK}", text)

    def deep(self, value: Any) -> Any:
        """Return a value fit for JSON, without secrets at any depth."""
        match value:
            case str():
                return self(value)
            case None | bool() | int() | float():
                return value
            case dict():
                return {self(str(k)): self.deep(v) for k, v in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.deep(v) for v in value]
            case _:
                return self(str(value))


class _Handler(logging.StreamHandler[Any]):
    """Writes to standard error; a record that cannot be formatted is not spelled out."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's own name)
        """Say where the faulty line is; the standard answer would print its values unmasked.

        Where nothing can be written at all (a log on a full disk) the program goes on.
        """
        with contextlib.suppress(OSError):
            sys.stderr.write(f"a log line cannot be written: {record.pathname}:{record.lineno}\n")


def set_up(level: str, form: str, secrets: Iterable[str] = ()) -> None:
    """Send all logging to standard error, masked.

    Args:
        level: Least level written.
        form: `text` or `json`.
        secrets: Configured secret values.
    """
    handler = _Handler(sys.stderr)
    handler.setFormatter(formatter(form, Masker(secrets)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def formatter(form: str, mask: Masker) -> logging.Formatter:
    """Make the one formatter: `json` gives an object a line, `text` a line for people."""

    def masked(logger: Any, name: str, event: Event) -> Event:
        del logger, name
        return {str(k): mask.deep(v) for k, v in event.items()}

    last: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=True)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            _ours,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, masked, last],
    )


def _ours(logger: Any, name: str, event: Event) -> Event:
    """Add the job's id and the platform event's key, which callers give as `extra`.

    The key goes by another name: `event` is what structlog calls the line's own text.
    """
    del logger, name
    record = event["_record"]
    for field, shown in (("job", "job"), ("event", "source")):
        if (value := getattr(record, field, None)) is not None:
            event[shown] = value
    return event


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log what nobody caught, since Python itself would print it unmasked."""
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("atelier").critical("stopped by a fault", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
