"""How updates come: by long polling or by webhook, and never confirmed before the store has them.

python-telegram-bot's own Updater is not used: it moves the offset before an update is safe, and can
end without saying so. Knows nothing of what updates mean.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web
from telegram import Bot
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from adapters.telegram.events import PLATFORM, Json, dump
from adapters.telegram.faults import says, seconds
from adapters.telegram.transport import AiohttpRequest
from core.desk import Desk
from core.errors import StoreError
from core.messages import Stored

log = logging.getLogger(__name__)

WANTED = ["message", "callback_query", "my_chat_member"]
POLL = 30
"""Seconds of a long poll."""
SILENCE = 10.0
"""Seconds beyond that until a poll without an answer counts as lost."""
LONGEST_PAUSE = 15.0
"""Seconds between two polls, at most, while they fail."""
PEEK = 0.5
"""Seconds of waiting for the store after which it is looked for presses that came meanwhile."""
NOTHING_NEW = 0.5
"""Seconds in which a long poll that brought nothing new came back too soon to be asked again at
once: whoever answers does not wait, or does not heed the offset.
"""
AHEAD = 0.003
"""Seconds in which what has just come gets on, before more is asked for."""
QUIET = 86_400.0
"""Seconds of silence after which update ids may start anywhere (Telegram says: a week)."""
CHECK = 600.0
"""Seconds between two looks at the webhook."""
HOOK_NOTE = "telegram:webhook"


class Taker(Protocol):
    """Who updates are for."""

    def heard(self, update: Json) -> None:
        """An update arrived and is not in the store yet; may come again. Must not block."""
        ...

    def dispatch(self, key: str, update: Json, stored: Stored) -> None:
        """An update is being stored."""
        ...


class Updates:
    """Fetches updates, or is sent them."""

    def __init__(
        self,
        desk: Desk,
        bot: Bot,
        request: AiohttpRequest,
        taker: Taker,
        *,
        clock: Callable[[], float],
    ) -> None:
        """`request` serves nothing but polls; `clock` gives Unix seconds."""
        self._desk = desk
        self._bot = bot
        self._request = request
        self._taker = taker
        self._clock = clock
        number = bot.token.partition(":")[0]
        self._id = number if number.isdigit() else "0"
        self._secret = _derived("webhook secret", bot.token)
        self._path = f"/telegram/{_derived('webhook path', bot.token)[:16]}"
        self._open = False
        self._ready = False
        self.problem = ""

    @property
    def ready(self) -> bool:
        """Whether updates arrive."""
        return self._ready

    def stop(self) -> None:
        """Take nothing more."""
        self._ready = self._open = False

    def well(self) -> None:
        """Telegram answers."""
        if self.problem:
            log.info("Telegram: all is well again")
        self.problem = ""

    def trouble(self, error: TelegramError) -> None:
        """Note what is wrong, in words for the owner."""
        match error:
            case InvalidToken():
                problem = "the token is not accepted: see [telegram] token"
            case Conflict() if says(error, "webhook"):
                problem = "updates go to a webhook, which is being taken off"
            case RetryAfter():
                problem = "Telegram asked for a pause"
            case Conflict():
                problem = (
                    "another program receives this bot's updates: stop that one, or make a bot of "
                    "its own for it at @BotFather"
                )
            case _:
                problem = f"Telegram cannot be reached ({type(error).__name__})"
        self._wrong(problem)

    def _wrong(self, problem: str) -> None:
        self._ready = False
        if problem != self.problem:
            log.warning("Telegram: %s", problem)
        self.problem = problem

    async def _take_in(
        self, found: list[Any], *, peek: int | None = None
    ) -> tuple[int | None, bool]:
        """Commit updates and hand on the new ones.

        Gives the offset that confirms them, and whether any was new. What has no number is no
        update and is passed over. Raises `StoreError`.
        """
        updates = [u for u in found if isinstance(u, dict) and isinstance(u.get("update_id"), int)]
        if not updates:
            return None, False
        for update in updates:
            self._taker.heard(update)
        named = {f"{PLATFORM}:{self._id}:{u['update_id']}": u for u in updates}
        rows = [(key, dump(update)) for key, update in named.items()]
        stored: Stored = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._commit(rows, stored))
            for key, update in named.items():
                self._taker.dispatch(key, update, stored)
            while peek is not None and not (await asyncio.wait({stored}, timeout=PEEK))[0]:
                await self._peek(peek)
        return max(int(u["update_id"]) for u in updates) + 1, bool(stored.result())

    async def _commit(self, rows: list[tuple[str, str]], stored: Stored) -> None:
        try:
            stored.set_result(await self._desk.take_in(PLATFORM, rows, ahead=True))
        except StoreError as error:
            stored.set_exception(error)
        finally:
            stored.cancel()

    # -- polling -------------------------------------------------------------------------------

    async def poll(self) -> None:
        """Fetch updates until cancelled; whatever Telegram answers is waited out."""
        if await self._desk.kept(HOOK_NOTE) is not None and await self._unhook():
            await self._desk.drop(HOOK_NOTE)
        offset, pause, last = 0, 1.0, self._clock()
        while True:
            if self._clock() - last > QUIET:
                offset = 0
            try:
                began, wait = time.monotonic(), POLL if self._ready else 0
                found = await self._fetch(offset, wait)
                after, new = await self._take_in(found, peek=offset)
                self._ready = True
                self.well()
                if found:
                    last = self._clock()
                offset = offset if after is None else after
                pause = 1.0
                if new:
                    await asyncio.sleep(AHEAD)
                if new or not wait or time.monotonic() - began > NOTHING_NEW:
                    continue
            except RetryAfter as error:
                pause = seconds(error.retry_after)
            except TelegramError as error:
                self.trouble(error)
                if isinstance(error, Conflict) and says(error, "webhook"):
                    await self._unhook()
            except StoreError:
                self._wrong("updates wait at Telegram: the store does not take them")
                pause = 1.0
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _fetch(self, offset: int, wait: int) -> list[Any]:
        """Ask for updates from `offset` on, waiting up to `wait` seconds for the first."""
        found = await self._request.call(
            f"{self._bot.base_url}/getUpdates",
            wait + SILENCE,
            offset=offset,
            timeout=wait,
            allowed_updates=WANTED,
        )
        if not isinstance(found, list):
            raise TelegramError("getUpdates gave no list")
        return found

    async def _peek(self, offset: int) -> None:
        """Hear what came while the store is slow, confirming nothing."""
        try:
            for update in await self._fetch(offset, 0):
                if isinstance(update, dict):
                    self._taker.heard(update)
        except TelegramError as error:
            log.info("no look at what came meanwhile: %s", type(error).__name__)

    async def _unhook(self) -> bool:
        try:
            await self._bot.delete_webhook()
        except TelegramError as error:
            log.warning("the webhook was not taken off: %s", type(error).__name__)
            return False
        return True

    # -- webhook -------------------------------------------------------------------------------

    def setup(self, app: web.Application) -> None:
        """Add the webhook's route."""
        app.router.add_post(self._path, self._received)

    async def serve(self, address: str) -> None:
        """Take what is sent to `address` until cancelled, and see to it that Telegram sends it."""
        url = address.rstrip("/") + self._path
        self._open, pause = True, 1.0
        while True:
            try:
                await self._hook(url)
                self._ready = True
                self.well()
                pause = CHECK
            except RetryAfter as error:
                pause = seconds(error.retry_after)
            except TelegramError as error:
                self.trouble(error)
                pause = min(pause * 2, 60.0)
            except StoreError as error:
                log.error("the webhook is not noted: %s", error)
                pause = min(pause * 2, 60.0)
            await asyncio.sleep(pause)

    async def _hook(self, url: str) -> None:
        """Set the webhook where it is not as wanted; its address changes with its secret."""
        info = await self._bot.get_webhook_info()
        if info.url == url and sorted(info.allowed_updates) == sorted(WANTED):
            if info.last_error_message and self._ready:
                log.warning("Telegram did not get through: %s", info.last_error_message)
            return
        await self._desk.keep(HOOK_NOTE, url)
        await self._bot.set_webhook(url, secret_token=self._secret, allowed_updates=WANTED)

    async def _received(self, request: web.Request) -> web.Response:
        """One update: 200 only when the store has it, else Telegram sends it again."""
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            raise web.HTTPForbidden
        if not self._open:
            raise web.HTTPServiceUnavailable
        try:
            await self._take_in([json.loads(await request.read())])
        except ValueError:
            raise web.HTTPBadRequest from None
        except StoreError as error:
            log.error("an update waits at Telegram: %s", error)
            raise web.HTTPServiceUnavailable from None
        return web.Response()


def _derived(what: str, token: str) -> str:
    """A secret that only who knows the token knows, the same at every start."""
    return hashlib.sha256(f"atelier {what} {token}".encode()).hexdigest()
