"""How updates reach the bot: the queue, long polling, webhooks.

Owns confirmation by offset, the conflict of two pollers, expiry and webhook retries. Payloads
come ready-made; nothing here looks into them beyond finding the chat they belong to.
"""

import asyncio
import contextlib
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.servers.telegram_wire import ApiError, bad
from tests.servers.telegram_world import Clock

LIFETIME = {"callback_query": 150.0}
"""Seconds an unconfirmed update is kept; 24 hours where nothing stands here."""

_OPT_IN = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
_DAY = 86_400.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(eq=False, slots=True)
class Item:
    """One update waiting for the bot; `again` marks a deliberate repetition."""

    update: dict[str, Any]
    kind: str
    at: float
    again: bool = False
    delivered: int = 0

    @property
    def id(self) -> int:
        """Its update_id."""
        number: int = self.update["update_id"]
        return number

    @property
    def lane(self) -> int:
        """The chat, or else the user, within which order is kept."""
        body = self.update[self.kind]
        chat = body.get("chat") or body.get("message", {}).get("chat") or body["from"]
        number: int = chat["id"]
        return number


@dataclass(slots=True)
class Hook:
    """The webhook set by the bot."""

    url: str
    secret: str = ""
    max_connections: int = 40
    last_error: str = ""
    last_error_at: float = 0.0


@dataclass(slots=True)
class Delivery:
    """One webhook POST: what was sent and what came back (0: nothing did)."""

    update_id: int
    at: float
    status: int


@dataclass(eq=False)
class Feed:
    """The bot's queue of updates.

    Args:
        clock: The server's time.
        execute: Runs a method named in a webhook's response body.
    """

    clock: Clock
    execute: Callable[[dict[str, Any]], Awaitable[None]]
    allowed: list[str] = field(default_factory=list)
    hook: Hook | None = None
    retry_base: float = 1.0
    """Seconds before the first repetition of a failed webhook POST; doubled each time."""
    webhook_timeout: float = 10.0
    deliveries: list[Delivery] = field(default_factory=list)
    expired: list[dict[str, Any]] = field(default_factory=list)
    _items: list[Item] = field(default_factory=list)
    _poller: asyncio.Future[None] | None = None
    _lanes: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _session: aiohttp.ClientSession | None = None
    _hook_set_at: float = -1.0

    def __post_init__(self) -> None:
        self._ids = itertools.count(700_000_001)

    @property
    def pending(self) -> list[dict[str, Any]]:
        """The updates not confirmed yet."""
        return [item.update for item in self._items]

    def push(self, kind: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """Queues an update, unless the bot did not ask for its kind.

        Returns:
            The whole update, or None.
        """
        if kind not in self.allowed if self.allowed else kind in _OPT_IN:
            return None
        update = {"update_id": next(self._ids), kind: payload}
        self._items.append(Item(update, kind, self.clock.now()))
        self._wake()
        return update

    def redeliver(self, update: dict[str, Any]) -> None:
        """Sends an update once more under its old id, confirmed or not."""
        kind = next(key for key in update if key != "update_id")
        self._items.insert(0, Item(update, kind, self.clock.now(), again=True))
        self._wake()

    async def poll(
        self, offset: int, limit: int, timeout: float, allowed: Sequence[str] | None
    ) -> list[dict[str, Any]]:
        """Answers getUpdates: at once when there is something, else within `timeout` seconds.

        Raises:
            ApiError: 409 while a webhook is set, and for the older of two pollers.
        """
        if self.hook:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._end_poll("other getUpdates request; make sure that only one bot instance is running")
        if allowed is not None:
            self.allowed = list(allowed)
        self._confirm(offset)
        if not self._ready() and timeout > 0:
            self._poller = asyncio.get_running_loop().create_future()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._poller, min(timeout, 50.0))
        batch = self._ready()[: limit if 1 <= limit <= 100 else 100]
        for item in batch:
            item.delivered += 1
        return [item.update for item in batch]

    def set_webhook(self, hook: Hook, allowed: Sequence[str] | None, *, drop: bool) -> None:
        """Checks and installs a webhook; an empty URL removes it.

        Raises:
            ApiError: 400 for what Telegram refuses, 429 for two calls within a second.
        """
        now = self.clock.now()
        if hook.url and now - self._hook_set_at < 1.0:
            raise ApiError(429, "Too Many Requests: retry after 1", retry_after=1)
        if hook.url:
            _check_hook(hook)
            self._hook_set_at = now
        self._end_poll("setWebhook request")
        self._stop_lanes()
        if allowed is not None:
            self.allowed = list(allowed)
        if drop:
            self._items.clear()
        self.hook = hook if hook.url else None
        self._wake()

    async def close(self) -> None:
        """Ends polls and deliveries; what is queued stays."""
        if self._poller and not self._poller.done():
            self._poller.set_result(None)
        self._stop_lanes()
        if self._session:
            await self._session.close()
            self._session = None

    def resume(self) -> None:
        """Goes on delivering after `close`."""
        self._wake()

    def _end_poll(self, by: str) -> None:
        if self._poller and not self._poller.done():
            self._poller.set_exception(ApiError(409, f"Conflict: terminated by {by}"))
        self._poller = None

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self._items = self._items[offset:]
        self._items = [
            item
            for item in self._items
            if offset <= 0 or item.id >= offset or (item.again and not item.delivered)
        ]

    def _ready(self) -> list[Item]:
        now = self.clock.now()
        kept: list[Item] = []
        for item in self._items:
            if now - item.at <= LIFETIME.get(item.kind, _DAY):
                kept.append(item)
            else:
                self.expired.append(item.update)
        self._items = kept
        return kept

    def _wake(self) -> None:
        if self._poller and not self._poller.done():
            self._poller.set_result(None)
        if self.hook is None:
            return
        for item in self._ready():
            if item.lane not in self._lanes and len(self._lanes) < self.hook.max_connections:
                self._lanes[item.lane] = asyncio.create_task(self._deliver_lane(item.lane))

    def _stop_lanes(self) -> None:
        for task in self._lanes.values():
            task.cancel()
        self._lanes.clear()

    async def _deliver_lane(self, lane: int) -> None:
        """Posts one chat's updates in order, each until it is taken or expires."""
        try:
            failures = 0
            while item := next((item for item in self._ready() if item.lane == lane), None):
                wait = await self._post(item)
                if wait is None:
                    self._items.remove(item)
                    failures = 0
                else:
                    failures += 1
                    pause = self.retry_base * min(2 ** (failures - 1), 60)
                    await asyncio.sleep(max(wait, pause))
        finally:
            if self._lanes.get(lane) is asyncio.current_task():
                del self._lanes[lane]
        self._wake()

    async def _post(self, item: Item) -> float | None:
        """Posts one update.

        Returns:
            None when it was taken, else the seconds the receiver asked to be left alone.
        """
        hook = self.hook
        if hook is None:
            return None
        if self._session is None:
            self._session = aiohttp.ClientSession()
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret} if hook.secret else {}
        timeout = aiohttp.ClientTimeout(total=self.webhook_timeout)
        item.delivered += 1
        try:
            async with self._session.post(
                hook.url, json=item.update, headers=headers, timeout=timeout
            ) as response:
                self.deliveries.append(Delivery(item.id, self.clock.now(), response.status))
                if 200 <= response.status < 300:
                    await self._answer(await response.read())
                    return None
                self._failed(
                    f"Wrong response from the webhook: {response.status} {response.reason}"
                )
                return float(response.headers.get("Retry-After", 0))
        except (aiohttp.ClientError, TimeoutError) as error:
            self.deliveries.append(Delivery(item.id, self.clock.now(), 0))
            self._failed("Read timeout expired" if isinstance(error, TimeoutError) else str(error))
            return 0.0

    def _failed(self, reason: str) -> None:
        if self.hook:
            self.hook.last_error, self.hook.last_error_at = reason, self.clock.now()

    async def _answer(self, body: bytes) -> None:
        """A 2xx answer may carry a method call; its result goes nowhere."""
        with contextlib.suppress(ValueError):
            call = json.loads(body)
            if isinstance(call, dict) and "method" in call:
                await self.execute(call)


def _check_hook(hook: Hook) -> None:
    parts = urlsplit(hook.url)
    local = parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not local:
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if not local and (parts.port or 443) not in (443, 80, 88, 8443):
        raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if len(hook.secret) > 256:
        raise bad("secret token is too long")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", hook.secret):
        raise bad("secret token contains unallowed characters")
