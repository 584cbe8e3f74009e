"""Rate limits with Discord's headers: windows per route and major parameter, and one over all.

Knows nothing of what the routes do.
"""

import math
import time
from dataclasses import dataclass
from hashlib import sha256

from tests.servers.discord_errors import ApiError
from tests.servers.discord_world import Limits

_VIA = {"Via": "1.1 google"}
"""What Discord's own answers carry; client libraries take a 429 without it for a ban."""


@dataclass(slots=True)
class _Window:
    ends: float
    left: int


class Limiter:
    """Counts requests in fixed windows, which begin with the first request in them.

    Args:
        limits: Rates; read at each request, so that a test may change them.

    Attributes:
        refused: How many requests got 429.
    """

    def __init__(self, limits: Limits) -> None:
        self.refused = 0
        self._limits = limits
        self._windows: dict[str, _Window] = {}

    def admit(self, bucket: str, params: dict[str, str], *, by_token: bool) -> dict[str, str]:
        """Counts a request.

        Args:
            bucket: The name of a rate in `Limits`, `""` for none.
            params: Path parameters; the major ones separate the windows.
            by_token: Whether it counts for the overall limit, as all but interactions do.

        Returns:
            The headers of the answer.

        Raises:
            ApiError: 429.
        """
        if not self._limits.on:
            return {}
        if by_token:
            self._take("overall", self._limits.overall, everywhere=True)
        if not bucket:
            return {}
        if bucket == "edits" and self._limits.edits is None:
            bucket = "messages"
        major = params.get("channel_id") or params.get("webhook_token") or ""
        rate = {
            "messages": self._limits.messages,
            "edits": self._limits.edits or self._limits.messages,
            "deletes": self._limits.deletes,
            "webhooks": self._limits.webhooks,
        }[bucket]
        window = self._take(f"{bucket}:{major}", rate, everywhere=False)
        return _headers(bucket, rate[0], window)

    def _take(self, key: str, rate: tuple[int, float], *, everywhere: bool) -> _Window:
        now = time.monotonic()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            window = self._windows[key] = _Window(now + rate[1], rate[0])
        if window.left <= 0:
            self.refused += 1
            raise limited(window.ends - now, everywhere=everywhere)
        window.left -= 1
        return window

    def headers_of(self, error: ApiError) -> dict[str, str]:
        """The headers that go with an error."""
        if error.status != 429:
            return {}
        everywhere = bool(error.extra.get("global"))
        headers = {
            "Retry-After": str(math.ceil(error.extra["retry_after"])),
            "X-RateLimit-Scope": "global" if everywhere else "user",
            **_VIA,
        }
        return headers | ({"X-RateLimit-Global": "true"} if everywhere else {})


def limited(seconds: float, *, everywhere: bool = False) -> ApiError:
    """The answer 429.

    Args:
        seconds: How long to wait.
        everywhere: Whether it is the bot's overall limit.
    """
    extra = {"retry_after": _up(seconds), "global": everywhere}
    return ApiError(429, 0, "You are being rate limited.", extra=extra)


def _up(seconds: float) -> float:
    """Rounded up to milliseconds, so that who waits that long is not early."""
    return math.ceil(seconds * 1000) / 1000


def _headers(bucket: str, limit: int, window: _Window) -> dict[str, str]:
    left = max(window.ends - time.monotonic(), 0.0)
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(window.left),
        "X-RateLimit-Reset": f"{time.time() + left:.3f}",
        "X-RateLimit-Reset-After": f"{_up(left):.3f}",
        "X-RateLimit-Bucket": sha256(bucket.encode()).hexdigest()[:32],
        **_VIA,
    }
