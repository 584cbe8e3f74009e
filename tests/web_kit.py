"""A person in the browser, spoken for over plain HTTP: what the page does, without a page."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp

Card = dict[str, Any]
Wanted = Callable[[Card], Any]


class Browser:
    """One session of the playground."""

    def __init__(self, session: aiohttp.ClientSession, base: str, number: str = "") -> None:
        self.session, self.base = session, base
        self.query = {"s": number} if number else {}

    async def post(self, **event: Any) -> tuple[int, Any]:
        """Post an event; returns the status and the answer."""
        event.setdefault("id", str(uuid.uuid4()))
        url = f"{self.base}/api/events"
        async with self.session.post(url, json=event, params=self.query) as answer:
            return answer.status, await answer.json(content_type=None)

    async def act(self, **event: Any) -> int:
        """Post an event; returns the status."""
        return (await self.post(**event))[0]

    async def upload(self, data: bytes, name: str = "a picture.png") -> tuple[int, Any]:
        """Send a file up."""
        url, headers = f"{self.base}/api/files", {"X-File-Name": name}
        async with self.session.post(url, data=data, headers=headers, params=self.query) as answer:
            return answer.status, await answer.json()

    async def see(self, wanted: Wanted) -> Card:
        """Read the stream until a card of the bot is as wanted."""
        return await self._read(lambda cards: next((c for c in cards.values() if wanted(c)), None))

    async def settled(self) -> dict[str, Card]:
        """Read the stream until no progress is shown; returns what is."""
        return await self._read(
            lambda cards: cards if not any(c["progress"] >= 0 for c in cards.values()) else None
        )

    async def _read(self, look: Callable[[dict[str, Card]], Any]) -> Any:
        cards: dict[str, Card] = {}
        url = f"{self.base}/api/stream"
        async with asyncio.timeout(150), self.session.get(url, params=self.query) as stream:
            async for raw in stream.content:
                if not raw.startswith(b"data:"):
                    continue
                _change(cards, json.loads(raw[5:]))
                if (found := look(cards)) is not None:
                    return found
        raise AssertionError("the stream ended")


def _change(cards: dict[str, Card], data: Any) -> None:
    """Take in an event of the stream; what the person said is left out."""
    if isinstance(data, list):
        cards.clear()
        cards.update({c["key"]: c for c in data if not c["mine"]})
    elif data["card"] is None:
        cards.pop(data["key"], None)
    elif not data["card"]["mine"]:
        cards[data["key"]] = data["card"]


def jar() -> aiohttp.CookieJar:
    """Cookies of 127.0.0.1 count too."""
    return aiohttp.CookieJar(unsafe=True)


async def browser(session: aiohttp.ClientSession, base: str) -> Browser:
    """Open the page, which gives a session."""
    for _ in range(100):
        async with session.get(f"{base}/") as page:
            if page.status == 200:
                return Browser(session, base)
        await asyncio.sleep(0.05)
    raise AssertionError("no page")


def button(card: Card, label: str) -> str:
    """The token of a button, with its price or without."""
    return str(way(card, label)["token"])


def way(card: Card, label: str) -> dict[str, Any]:
    """A button, whatever price stands on it."""
    found: list[dict[str, Any]] = card["buttons"]
    return next(b for b in found if label in (b["label"], b["label"].partition(" · ")[0]))


def result(title: str) -> Wanted:
    """A card that shows what was made under this title."""
    return lambda c: c["media"] and f"**{title}**" in c["text"] and c["progress"] == -1
