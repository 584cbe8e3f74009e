"""The whole program beside a strict pretend Telegram and a pretend gateway, for walks."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from bot.app import App
from bot.sandbox import Sandbox
from tests.house import running
from tests.servers.telegram import Chat, Flood, Message, TelegramServer
from tests.servers.telegram_people import GroupChat, Person, PrivateChat
from tests.servers.telegram_records import Place

TOKEN = "123456:abcdefghijklmnopqrstuvwxyzABCDEFGHI"


@dataclass
class Walk:
    """One test's world."""

    server: TelegramServer
    gateway: Sandbox
    folder: Path

    @asynccontextmanager
    async def bot(self, **more: Any) -> AsyncIterator[App]:
        """Run the program until the block ends; the store stays for the next run."""
        given = {"token": self.server.token, "api_url": self.server.url}
        async with running(self.folder, self.gateway.url, telegram=given | more) as app:
            yield app

    def ann(self) -> tuple[Person, PrivateChat]:
        """Ann and her chat with the bot."""
        ann = self.server.user("Ann")
        return ann, self.server.private(ann)

    @property
    def paid(self) -> list[str]:
        """The paths of everything that was submitted to the gateway."""
        return [seen.path for seen in self.gateway.submits]

    def in_order(self) -> None:
        """Telegram found no fault with the bot, was never asked too often, and no button spins."""
        assert self.server.violations == []
        assert self.server.flood.refusals == []
        assert self.server.unanswered == []


@asynccontextmanager
async def world(folder: Path, *, flood: bool = True) -> AsyncIterator[Walk]:
    """Start both servers; `flood` keeps Telegram's limits on."""
    sandbox = Sandbox(pace=0.03, image_size=128)
    await sandbox.start()
    try:
        async with TelegramServer(token=TOKEN, flood=Flood(on=flood)) as server:
            yield Walk(server, sandbox, folder)
    finally:
        await sandbox.stop()


def studio(walk: Walk) -> tuple[Person, GroupChat]:
    """Ann, and a group of hers with the bot: more may be said there in a short time."""
    ann, group = walk.server.user("Ann"), walk.server.group("Studio")
    group.members[ann.id] = ann
    return ann, group


async def until(check: Callable[[], object], timeout: float = 120.0) -> None:
    """Wait for what nobody announces."""
    ends = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < ends, "waited in vain"
        await asyncio.sleep(0.02)


def labels(message: Message) -> list[str]:
    """A message's buttons as a person reads them."""
    return [label for row in message.labels for label in row]


def says(*words: str) -> Callable[[Message], bool]:
    """A message of the bot's that says all of `words`."""
    return lambda m: m.author.is_bot and all(w in m.words for w in words)


def result(*words: str) -> Callable[[Message], bool]:
    """A finished picture with its buttons whose caption says all of `words`."""
    return lambda m: bool(m.photo) and len(labels(m)) > 3 and says(*words)(m)


def question(*words: str) -> Callable[[Message], bool]:
    """A question that wants a reply."""
    return lambda m: bool(m.force_reply) and says(*words)(m)


async def grid(walk: Walk, person: Person, place: Place, prompt: str = "a fox") -> Message:
    """A finished grid, its progress message gone."""
    await person.say(place, f"/imagine {prompt}")
    found = await place.wait_message(result("Imagine", prompt), timeout=15)
    chat = found.chat
    await chat.wait(lambda c: not any("Cancel" in str(m.labels) for m in c.from_bot), 15)
    return found


def picture(colour: str = "red", size: int = 64) -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(out, "PNG")
    return out.getvalue()


def pictures(chat: Chat) -> list[Message]:
    """The finished pictures that stand in a chat."""
    return [m for m in chat.history if result()(m) and not m.deleted]


async def confirmed(walk: Walk) -> None:
    """Everything Telegram had for the bot is in its store."""
    await until(lambda: not walk.server.feed.pending)


async def health(app: App, words: str, *, part: str = "telegram") -> str:
    """What the probe says of a part, once it has `words` in it."""
    said = ""
    async with aiohttp.ClientSession() as session:
        for _ in range(100):
            async with session.get(f"{app.address}/healthz") as answer:
                said = (await answer.json())["parts"][part]
            if words in said:
                break
            await asyncio.sleep(0.05)
    return said


def noted(walk: Walk, key: str) -> bool:
    """Whether the program keeps a note."""
    with contextlib.closing(sqlite3.connect(walk.folder / "atelier.db")) as store:
        query = "SELECT count(*) FROM notes WHERE key = ?"
        return bool(store.execute(query, (key,)).fetchone()[0])


@contextlib.contextmanager
def locked(walk: Walk) -> Iterator[None]:
    """Somebody else holds the database."""
    other = sqlite3.connect(walk.folder / "atelier.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()
