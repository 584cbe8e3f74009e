"""Logging to standard error, as text or JSON lines; secrets are masked here and nowhere else.

Every record passes one filter, so that a token in an exception, a URL or a library's debug line is replaced before any
handler sees it.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

MASK = "•••"

_PATTERNS = (
    re.compile(r"(?<![A-Za-z0-9])\d{6,12}:[A-Za-z0-9_-]{30,}"),  # Telegram bot tokens
    re.compile(r"(?<=/bot)\d+:[^/\s\"']+"),
    re.compile(r"(?i)(?<=bot )[A-Za-z0-9_\-.]{40,}"),  # Discord bot tokens
    re.compile(r"(?i)(?<=bearer )[^\s\"',]+"),
    re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{6,}"),
    re.compile(r"(?<=/webhooks/)(\d+)/[A-Za-z0-9_\-.]{20,}"),  # interaction tokens
    re.compile(r"(?<=/interactions/)(\d+)/[A-Za-z0-9_\-.]{20,}"),
    re.compile(r"(?i)(?<=[?&])(?:ex|is|hm|sig|signature|token|key|_jwt|x-amz-[a-z-]+)=[^&\s\"']+"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),  # user:password@
)


class Masker:
    """Replaces secrets in text: known values and anything shaped like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets`: configured values, masked wherever they appear."""
        self._secrets = sorted({s for s in secrets if len(s) >= 6}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(MASK, text)
        return text


def set_up(level: str, form: str, secrets: Iterable[str] = ()) -> None:
    """Send all logging to standard error, masked.

    Args:
        level: Least level written.
        form: `text` or `json`.
        secrets: Configured secret values.
    """
    mask = Masker(secrets)

    def masked(
        logger: Any, name: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        del logger, name
        return {k: mask(v) if isinstance(v, str) else v for k, v in event.items()}

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=["job", "event"]),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=True)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, masked, last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for loud in ("httpx", "httpcore", "aiosqlite", "PIL", "asyncio", "sqlalchemy", "alembic"):
        logging.getLogger(loud).setLevel(logging.WARNING)
    for chatty in ("discord", "telegram", "aiohttp.access"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
