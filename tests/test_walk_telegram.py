"""A person in Telegram: types, watches, presses, on the strict pretend server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from tests.house import running
from tests.servers.telegram import Message, TelegramServer

TOKEN = "123456:abcdefghijklmnopqrstuvwxyzABCDEFGHI"


@pytest.fixture
async def gateway() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(pace=0.03, image_size=128)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    telegram = TelegramServer(token=TOKEN, username="atelier_bot")
    await telegram.start()
    yield telegram
    await telegram.stop()


def grid(message: Message) -> bool:
    return bool(message.photo) and "U1" in message.labels


async def test_imagine_and_upscale_in_a_private_chat(
    gateway: Sandbox, server: TelegramServer, tmp_path: Path
) -> None:
    """The grid arrives as a photo with Midjourney's buttons, and U2 brings the next picture."""
    settings = {"token": TOKEN, "api_url": server.url}
    async with running(tmp_path, gateway.url, telegram=settings):
        ann = server.user("Ann")
        chat = server.private(ann)
        await ann.say(chat, "/imagine a fox in the rain --ar 3:2")
        result = await chat.wait_message(grid, timeout=15)
        assert "a fox in the rain" in (result.caption or "")

        press = await ann.press(result, "U2")
        await press.wait_answer()
        await chat.wait_message(lambda m: bool(m.photo) and "U2" in (m.caption or ""), timeout=15)

    assert 2 == len(gateway.submits)
    assert [] == server.violations


async def test_an_update_delivered_again_and_an_edited_one_pay_once(
    gateway: Sandbox, server: TelegramServer, tmp_path: Path
) -> None:
    """The same update twice, or an edit of its message, makes no second job."""
    settings = {"token": TOKEN, "api_url": server.url}
    async with running(tmp_path, gateway.url, telegram=settings):
        ann = server.user("Ann")
        chat = server.private(ann)
        said = await ann.say(chat, "/imagine a boat")
        server.redeliver(said)
        await ann.edit(said, "/imagine a big boat")
        await chat.wait_message(grid, timeout=15)

    assert 1 == len(gateway.submits)
