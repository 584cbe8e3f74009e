"""The whole program beside a strict pretend Discord and a pretend gateway, for walks through it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.discord.deliver import LIMITS
from bot.app import App
from bot.sandbox import Sandbox
from tests.house import running
from tests.servers.discord import Channel, DiscordServer, Limits, Message, Person


@dataclass
class Walk:
    """One test's world."""

    server: DiscordServer
    gateway: Sandbox
    folder: Path
    pace: float = 0.01

    @asynccontextmanager
    async def bot(self, *, public_url: str = "", **more: Any) -> AsyncIterator[App]:
        """Run the program until the block ends; the store stays for the next run."""
        given = {
            "token": self.server.token,
            "api_url": self.server.api_url,
            "gateway_url": self.server.gateway_url,
        }
        async with running(
            self.folder,
            self.gateway.url,
            clock=self.server.clock.now,
            discord=given | more,
            jobs={"poll_scale": self.pace},
            web={"listen": "127.0.0.1:0", "public_url": public_url},
        ) as app:
            await self.server.wait_connected()
            await self.server.wait_commands()
            yield app

    def people(self) -> tuple[Person, Channel]:
        """Ann, and a channel where she and the bot are members."""
        general = self.server.guild("Studio").channel("general")
        return self.person("Ann", general), general

    def person(self, name: str, channel: Channel) -> Person:
        """A further member of the channel's server."""
        person = self.server.user(name)
        assert channel.guild is not None
        channel.guild.members[person.id] = person
        return person

    @property
    def paid(self) -> list[str]:
        """The paths of everything that was submitted to the gateway."""
        return [seen.path for seen in self.gateway.submits]

    def in_order(self) -> None:
        """Discord found no fault with the bot, and every person got an answer."""
        assert self.server.violations == []
        assert self.server.unanswered == []


@asynccontextmanager
async def world(folder: Path, *, strict: bool = False, pace: float = 0.01) -> AsyncIterator[Walk]:
    """Start both servers.

    Args:
        folder: Where the store and the archive are.
        strict: Keep Discord's rate limits on, and the bot's own pace with them.
        pace: Multiplies every duration at the gateway, and every pause between two looks at it.
    """
    sandbox = Sandbox(pace=pace, image_size=128)
    await sandbox.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            if not strict:
                patch.setattr("adapters.discord.deliver.LIMITS", replace(LIMITS, budget=100))
            async with DiscordServer(limits=Limits(on=strict)) as server:
                yield Walk(server, sandbox, folder, pace)
    finally:
        await sandbox.stop()


def picture(colour: str = "red") -> bytes:
    """A small PNG."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(out, "PNG")
    return out.getvalue()


def labels(message: Message) -> list[str]:
    """A message's buttons as a person reads them."""
    return [b.label or b.emoji or "" for b in message.buttons]


def rows(message: Message) -> list[list[str]]:
    """The same, row by row."""
    return [[b.label or b.emoji or "" for b in row] for row in message.rows]


def result(*words: str) -> Callable[[Message], bool]:
    """A finished picture with its buttons whose message says all of `words`."""
    return lambda m: bool(m.attachments) and len(m.buttons) > 3 and says(*words)(m)


def says(*words: str) -> Callable[[Message], bool]:
    """A message that says all of `words`."""
    return lambda m: all(w in m.content for w in words)


async def grid(walk: Walk, ann: Person, channel: Channel, prompt: str = "a fox") -> Message:
    """Ann's finished grid, its progress message gone."""
    asked = await ann.slash(channel, "imagine", prompt=prompt)
    found = await channel.wait_message(result("Imagine", prompt), timeout=15)
    await walk.server.world.watch.until(
        lambda: asked.original is not None and asked.original.deleted, 15, lambda: "an end to it"
    )
    return found


async def pressed(walk: Walk, ann: Person, message: Message, label: str) -> Message:
    """What a press of Ann's brings, its progress message gone."""
    await ann.click(message, label)
    found = await message.channel.wait_message(result(label), timeout=15)
    await walk.server.world.watch.until(
        lambda: all(m.attachments or m.ephemeral for m in message.channel.messages),
        15,
        lambda: "an end to it",
    )
    return found


def forge(message: Message, label: str, custom_id: str) -> None:
    """Give a button of a message another id, as only another program could."""
    wanted = message.button(label).custom_id
    for row in message.components:
        for part in row["components"]:
            if part.get("custom_id") == wanted:
                part["custom_id"] = custom_id
