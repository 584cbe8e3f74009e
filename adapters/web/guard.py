"""Who may come in: names and origins, the password, the session cookie, signed values.

Owns every check that stands before a request is read. Knows no messages and no store.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from urllib.parse import urlsplit

from aiohttp import web

from adapters.web.settings import WebSettings, is_loopback

YEAR = 3600 * 24 * 365
SESSIONS = frozenset("23456789")
"""Further sessions of one browser, as `?s=` names them; the first has no number."""


class Guard:
    """Checks requests, and signs what a browser keeps for us."""

    def __init__(self, settings: WebSettings) -> None:
        """Nobody comes in before `open`."""
        self._settings = settings
        self._secret = b""

    def open(self, secret: bytes) -> None:
        """From now on sessions and signed values of this secret are good."""
        self._secret = secret

    @property
    def opened(self) -> bool:
        """Whether sessions can be checked."""
        return bool(self._secret)

    @property
    def _cookie(self) -> str:
        """A name of this store's own: browsers share cookies between all ports of one host."""
        return f"atelier-{self.mark('', 'cookie')[:8]}"

    def admit(self, request: web.Request) -> None:
        """Let a request through or raise 403, 401 or 503."""
        self._check_host(request)
        self._check_password(request)
        if not self.opened:
            raise web.HTTPServiceUnavailable(
                text="Atelier is starting. Reload in a moment.", headers={"Retry-After": "1"}
            )

    def session(self, request: web.Request) -> str:
        """The session a request belongs to; raises 401 without one."""
        self.admit(request)
        browser, _, mark = request.cookies.get(self._cookie, "").partition(".")
        if not browser or not self.holds(browser, "session", mark):
            raise web.HTTPUnauthorized(text="Reload the page.")
        number = request.query.get("s", "")
        return f"{browser}~{number}" if number in SESSIONS else browser

    def welcome(self, request: web.Request, response: web.Response) -> None:
        """Give a browser without a session a new one."""
        try:
            self.session(request)
        except web.HTTPUnauthorized:
            browser = secrets.token_urlsafe(12)
            response.set_cookie(
                self._cookie,
                f"{browser}.{self.mark(browser, 'session')}",
                httponly=True,
                samesite="Strict",
                max_age=YEAR,
            )

    def mark(self, session: str, value: str) -> str:
        """A signature that is good for this value in this session alone."""
        return hmac.new(self._secret, f"{session}/{value}".encode(), "sha256").hexdigest()[:32]

    def holds(self, session: str, value: str, mark: str) -> bool:
        """Whether `mark` is the signature of `value`."""
        return hmac.compare_digest(mark.encode(), self.mark(session, value).encode())

    def _check_host(self, request: web.Request) -> None:
        """Refuse names that merely point here (DNS rebinding) and pages of other origins."""
        try:
            name = urlsplit(f"//{request.host}").hostname or ""
        except ValueError:
            name = ""
        if self._settings.local and not is_loopback(name):
            raise web.HTTPForbidden(text="Open this page as http://127.0.0.1 or http://localhost.")
        origin = request.headers.get("Origin")
        if origin and origin.rpartition("//")[2] != request.host:
            raise web.HTTPForbidden(text="This was sent by another page.")

    def _check_password(self, request: web.Request) -> None:
        wanted = self._settings.password.get_secret_value()
        if not wanted:
            return
        given = _password(request.headers.get("Authorization", ""))
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            ask = 'Basic realm="Atelier", charset="UTF-8"'
            raise web.HTTPUnauthorized(
                text="The password is needed.", headers={"WWW-Authenticate": ask}
            )


def _password(header: str) -> str:
    """The password of an `Authorization` header; empty when there is none that can be read."""
    scheme, _, rest = header.partition(" ")
    try:
        pair = base64.b64decode(rest, validate=True).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        pair = ""
    return pair.partition(":")[2]
