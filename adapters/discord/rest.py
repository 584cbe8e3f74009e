"""Calls to Discord's HTTP interface, and what their failures mean.

Two ways in. With the bot's own token: through discord.py's HTTP client, which knows Discord's rate
limit buckets and repeats calls on its own; everything sent that way is safe to repeat (messages
carry a nonce). With an interaction's token: through a client of our own, because discord.py repeats
those calls too, and a follow-up message has no nonce, so that a repetition after a lost answer
would show it twice, and because its pauses between tries are longer than the three seconds there
are for a first answer.

Knows nothing of chats and messages. Never logs a path: it may hold an interaction token.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

import aiohttp
import discord
from discord.http import HTTPClient, Route

from core.errors import AdapterError, MaybeSent, Offline, SlowDown, TooBig

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE = 100.0
"""Seconds one call may take with all its repetitions (the port allows 120)."""
PAUSES = (0.0, 1.0, 3.0)
"""Seconds before each try of a call that is safe to repeat."""
BANNED = 300.0
"""Seconds without any call after Discord's front door, not its interface, has turned us away and
did not say for how long.
"""
UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, RuntimeError)
"""Failures before anything was sent; aiohttp raises RuntimeError when its session is closed."""
AGENT = f"DiscordBot (https://github.com/Rapptz/discord.py {discord.__version__})"

ALREADY_ANSWERED = 40060
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION = 10003, 10008, 10015, 10062
CANNOT_REPLY = 160002
OLD_MESSAGE = 30046
INVALID_BODY = 50035
_TOO_BIG = 40005
_SEND = Route("POST", "/channels/{channel_id}/messages", channel_id=0)
_EDIT = Route("PATCH", "/channels/{channel_id}/messages/{message_id}", channel_id=0, message_id=0)


class RefusedError(Exception):
    """Discord said no, and nothing happened."""

    def __init__(self, status: int, code: int = 0, words: str = "") -> None:
        """`status` is HTTP's, `code` Discord's own (0 if none), `words` what it said."""
        super().__init__(f"{status} ({code}): {words[:300]}")
        self.status = status
        self.code = code


class Rest:
    """Makes the calls. Raises `RefusedError` and the errors of the port: `SlowDown`, `TooBig`,
    `Offline`, `MaybeSent`.
    """

    def __init__(self, http: Callable[[], HTTPClient | None]) -> None:
        """`http` gives discord.py's client while it is logged in."""
        self._http = http
        self._session: aiohttp.ClientSession | None = None
        self._shut_until = 0.0

    @property
    def apart(self) -> bool:
        """Whether a channel's sends and edits have budgets of their own, which Discord tells with
        its answers and nowhere else.
        """
        http = self._http()
        buckets = http._bucket_hashes if http is not None else {}
        send, edit = buckets.get(_SEND.key), buckets.get(_EDIT.key)
        return bool(send and edit) and send != edit

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the connections of the interaction routes open for the time of the block."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE, sock_connect=10)
        async with aiohttp.ClientSession(
            timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": AGENT}
        ) as session:
            self._session = session
            try:
                yield
            finally:
                self._session = None

    # -- with the bot's token --------------------------------------------------------------------

    async def bot(
        self, call: Callable[[HTTPClient], Awaitable[T]], *, patience: float = PATIENCE
    ) -> T:
        """Make a call that is safe to repeat with the bot's own token; repeats it while its outcome
        is not known, and waits at most `patience` seconds.
        """
        try:
            async with asyncio.timeout(patience):
                return await self._repeated(lambda: self._bot(call))
        except TimeoutError as error:
            self._unblock()
            raise MaybeSent from error

    def _unblock(self) -> None:
        """Let the other calls go on after one was broken off: while discord.py sleeps for a limit
        over all routes it holds every call back, and forgets to let go when it is cancelled.
        """
        http = self._http()
        if http is not None:
            http._global_over.set()

    async def _bot(self, call: Callable[[HTTPClient], Awaitable[T]]) -> T:
        self._ask_gate()
        http = self._http()
        if http is None:
            raise Offline
        try:
            return await call(http)
        except discord.RateLimited as error:
            raise SlowDown(retry_after=error.retry_after) from error
        except discord.HTTPException as error:
            answer = error.response
            pause = _pause(answer)
            banned = not answer.headers.get("Via") and "json" not in (
                answer.headers.get("Content-Type") or ""
            )
            if error.status == 401:  # the token is out of order, not the chat
                raise Offline from error
            raise self._meaning(error.status, error.code, error.text, pause, banned) from error
        except ValueError as error:  # a success whose words were lost on the way
            raise MaybeSent from error
        except UNSENT as error:
            raise Offline from error
        except (aiohttp.ClientError, OSError) as error:
            raise MaybeSent from error

    async def _repeated(self, call: Callable[[], Awaitable[T]]) -> T:
        """Try again while it is unknown what happened; from then on `Offline` means unknown too."""
        maybe: AdapterError | None = None
        for pause in PAUSES:
            await asyncio.sleep(pause)
            try:
                return await call()
            except MaybeSent as error:
                maybe = error
            except Offline:
                if maybe is None:
                    raise
        raise maybe or MaybeSent()

    # -- with an interaction's token -------------------------------------------------------------

    async def hook(
        self,
        method: str,
        path: str,
        payload: dict[str, Any] | None = None,
        files: Sequence[discord.File] = (),
        *,
        safe: bool = True,
    ) -> dict[str, Any]:
        """Make a call with the token in its path; `safe` says that it may be repeated."""
        if not safe:
            return await self.once(method, path, payload, files)
        return await self._repeated(lambda: self.once(method, path, payload, files))

    async def once(
        self,
        method: str,
        path: str,
        payload: dict[str, Any] | None = None,
        files: Sequence[discord.File] = (),
        *,
        patience: float = PATIENCE,
    ) -> dict[str, Any]:
        """Make one call with the token in its path, and wait at most `patience` seconds."""
        self._ask_gate()
        if self._session is None or self._session.closed:
            raise Offline
        body: dict[str, Any] = {} if payload is None else {"json": payload}
        if files:
            body = {"data": _form(payload or {}, files)}
        try:
            async with (
                asyncio.timeout(patience),
                self._session.request(method, Route.BASE + path, **body) as answer,
            ):
                return self._read(answer, await answer.text())
        except UNSENT as error:
            raise Offline from error
        except (aiohttp.ClientError, OSError) as error:  # a timeout is an OSError
            raise MaybeSent from error

    def _read(self, answer: aiohttp.ClientResponse, words: str) -> dict[str, Any]:
        try:
            found = json.loads(words) if words else {}
        except ValueError:
            found = None
        body = found if isinstance(found, dict) else {}
        if answer.status < 300:
            return body
        pause = _seconds(body.get("retry_after")) or _pause(answer)
        banned = not answer.headers.get("Via") and found is None
        code, said = int(body.get("code") or 0), f"{body.get('message')} {body.get('errors', '')}"
        raise self._meaning(answer.status, code, said, pause, banned)

    # -- failures --------------------------------------------------------------------------------

    def _meaning(
        self, status: int, code: int, words: str, pause: float, banned: bool
    ) -> AdapterError | RefusedError:
        """What an answer that is no success means; `banned`: it came from in front of Discord."""
        if status == 429:
            pause = pause or (BANNED if banned else 1.0)
            if banned:
                log.error("Discord turned every call away; none for %.0f seconds", pause)
                self._shut_until = asyncio.get_running_loop().time() + pause
            return SlowDown(retry_after=pause)
        if status >= 500:
            return MaybeSent()
        if status == 413 or code == _TOO_BIG:
            return TooBig()
        return RefusedError(status, code, words)

    def _ask_gate(self) -> None:
        left = self._shut_until - asyncio.get_running_loop().time()
        if left > 0:
            raise SlowDown(retry_after=left)


def _form(payload: dict[str, Any], files: Sequence[discord.File]) -> aiohttp.FormData:
    """A message with its files, which are read from disk while they are sent."""
    form = aiohttp.FormData(quote_fields=False)  # Discord does not understand an escaped `files[0]`
    for part in parts(payload, files):
        form.add_field(**part)
    return form


def parts(payload: dict[str, Any], files: Sequence[discord.File]) -> list[dict[str, Any]]:
    """The parts of a message with files; rewinds them, for they may have been sent before."""
    for file in files:
        file.reset()
    drawn: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps(payload)}]
    for index, file in enumerate(files):
        drawn.append(
            {
                "name": f"files[{index}]",
                "value": file.fp,
                "filename": file.filename,
                "content_type": "application/octet-stream",
            }
        )
    return drawn


def _pause(answer: aiohttp.ClientResponse) -> float:
    """The pause an answer's headers ask for, in seconds; 0 if none."""
    asked = (answer.headers.get(name) for name in ("Retry-After", "X-RateLimit-Reset-After"))
    return max(map(_seconds, asked))


def _seconds(value: Any) -> float:
    try:
        return max(float(value), 0.0)
    except (TypeError, ValueError):
        return 0.0
