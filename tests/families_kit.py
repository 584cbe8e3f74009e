"""A person in the browser who tries one thing after the other, and what came of each."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from bot.sandbox import Sandbox
from tests.house import running
from tests.web_kit import Browser, Card, browser, jar


class Person:
    """Does one thing at a time."""

    def __init__(self, ann: Browser, gateway: Sandbox) -> None:
        self.ann, self.gateway = ann, gateway

    async def gets(self, text: str = "", **event: Any) -> Card:
        """Do something; returns the card that is there when it is over."""
        before = {key: card["text"] for key, card in (await self.ann.settled()).items()}
        given = {"text": text, **event} if text else event
        assert await self.ann.act(**given) == 202, text

        def over(card: Card) -> bool:
            return card["progress"] == -1 and before.get(card["key"]) != card["text"]

        return await self.ann.see(over)

    async def sends(self, *pictures: bytes) -> list[dict[str, str]]:
        """Upload pictures; returns them as values of an event."""
        answers = [await self.ann.upload(data) for data in pictures]
        assert all(status == 200 for status, _ in answers), answers
        return [{"handle": answer["handle"]} for _, answer in answers]

    def asked(self) -> Any:
        """What the last submit asked for."""
        return self.gateway.submits[-1].body


@asynccontextmanager
async def house(
    folder: Path,
    pace: float = 0.02,
    *,
    cookies: aiohttp.CookieJar | None = None,
    **sections: Any,
) -> AsyncIterator[Person]:
    """Run everything with one person in the browser; the same one with the same cookies.

    `sections` are sections of the settings.
    """
    gateway = Sandbox(pace=pace, image_size=64)
    await gateway.start()
    try:
        async with (
            running(folder, gateway.url, jobs={"poll_scale": 0.01}, **sections) as app,
            aiohttp.ClientSession(cookie_jar=jar() if cookies is None else cookies) as session,
        ):
            yield Person(await browser(session, app.address), gateway)
    finally:
        await gateway.stop()


def plain(card: Card) -> str:
    """A card's text as a person reads it."""
    return str(card["text"].replace("\\", "").replace("\u2060", ""))


def drawn(size: tuple[int, int] = (64, 48), colour: str = "teal", hole: str = "") -> bytes:
    """A picture of one colour, its left half perhaps of another."""
    picture = Image.new("RGB", size, colour)
    if hole:
        picture.paste(hole, (0, 0, size[0] // 2, size[1]))
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()
