"""Signed, passing addresses on this bot's own server: of archived files, and of pages to paint on.
Pure but for the clock.

`<public_url>/files/<signature>/<end>/<hash>/<name>`: whoever has the whole address may read that
one file until `end`, and nobody can make or change one without the secret. It ends at midnight
(UTC), so that a file has the same address all day.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

from core.archive import ENDINGS
from core.messages import Media

DAY = 86400
DAYS = 7
"""Days an address works, at least."""
PATH = "files"
"""Where the server has them."""
PAINT = "paint"
"""Where the server has the pages to paint on."""

_MIMES = {ending: mime for mime, ending in ENDINGS.items()}


class Links:
    """Makes addresses and reads them."""

    def __init__(self, base: str, secret: bytes, clock: Callable[[], float]) -> None:
        """`base` is the public address of this program's server; without one there are no links."""
        self._base = base.rstrip("/")
        self._secret = secret
        self._clock = clock

    def link(self, media: Media) -> str:
        """A file's address; empty where nobody outside could reach it."""
        ending = ENDINGS.get(media.mime)
        if not self._base or not ending:
            return ""
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", media.name.rpartition(".")[0]).strip("-")[:60]
        end = (int(self._clock()) // DAY + DAYS + 1) * DAY
        signed = f"{end}/{media.hash}/{stem or 'file'}.{ending}"
        return f"{self._base}/{PATH}/{self._mark(signed)}/{signed}"

    def opened(self, mark: str, end: str, digest: str, name: str) -> Media | None:
        """The file behind an address; None for one that was not made here, or is over."""
        good = hmac.compare_digest(self._mark(f"{end}/{digest}/{name}").encode(), mark.encode())
        mime = _MIMES.get(name.rpartition(".")[2])
        if not good or mime is None or int(end) < self._clock():
            return None
        return Media(digest, mime, 0, name=name)

    def page(self, token: str) -> str:
        """The address, on this server, of the page where a button's form may be answered with the
        brush; good for a day.
        """
        signed = f"{PAINT}/{int(self._clock()) + DAY}/{token}"
        return f"/{PAINT}/{self._mark(signed)}{signed.removeprefix(PAINT)}"

    def public(self, path: str) -> str:
        """An address on this server as others reach it; empty where they do not."""
        return self._base and f"{self._base}{path}"

    def paints(self, mark: str, end: str, token: str) -> bool:
        """Whether such an address was made here and is not over."""
        good = hmac.compare_digest(self._mark(f"{PAINT}/{end}/{token}").encode(), mark.encode())
        return good and int(end) >= self._clock()

    def _mark(self, signed: str) -> str:
        return hmac.new(self._secret, signed.encode(), hashlib.sha256).hexdigest()[:40]
