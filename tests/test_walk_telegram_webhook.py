"""Telegram's webhook: updates are posted to the program, and taken only into the store."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import App
from core.errors import StoreError
from core.store import Store
from tests.house import running
from tests.telegram_house import TOKEN, Walk, result, says, until, world


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        found.in_order()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def hooked(walk: Walk) -> AsyncIterator[App]:
    """Run the program with a webhook until the block ends."""
    port = free_port()
    telegram = {
        "token": TOKEN,
        "api_url": walk.server.url,
        "mode": "webhook",
        "webhook_url": f"http://127.0.0.1:{port}/",
    }
    web = {"listen": f"127.0.0.1:{port}"}
    async with running(walk.folder, walk.gateway.url, telegram=telegram, web=web) as app:
        await until(lambda: walk.server.feed.hook)
        yield app


async def test_imagine_by_webhook_and_back_to_polling(walk: Walk) -> None:
    """The webhook goes with the setting, and nothing that came between is lost."""
    ann, chat = walk.ann()
    async with hooked(walk):
        await ann.say(chat, "/imagine a fox")
        four = await chat.wait_message(result("a fox"), timeout=15)
        await (await ann.press(four, "U1")).wait_answer()
        await chat.wait_message(result("U1"), timeout=15)
        assert "getUpdates" not in [call.method for call in walk.server.calls]
    await ann.say(chat, "/help")
    async with walk.bot():
        await chat.wait_message(says("/imagine"))
        assert walk.server.feed.hook is None
    assert len(walk.paid) == 2


async def test_only_telegram_may_post(walk: Walk) -> None:
    """Without the secret nothing is read; with it, nonsense and huge bodies are refused, and
    updates of no known shape are passed over.
    """
    ann, chat = walk.ann()
    async with hooked(walk):
        hook = walk.server.feed.hook
        assert hook is not None
        update = {"update_id": 5, "message": {}}
        good = {"X-Telegram-Bot-Api-Secret-Token": hook.secret}
        async with aiohttp.ClientSession() as session:

            async def post(headers: dict[str, str], **body: Any) -> int:
                async with session.post(hook.url, headers=headers, **body) as answer:
                    return answer.status

            assert await post({}, json=update) == 403
            assert await post({"X-Telegram-Bot-Api-Secret-Token": "é"}, json=update) == 403
            assert await post(good, data=b"{") == 400
            assert await post(good, data=bytes(3_000_000)) == 413
            assert await post(good, json=[1]) == 200
            assert await post(good, json=update) == 200
            assert await post(good, json=update) == 200
            for number, odd in enumerate(("x", {"text": "/imagine a", "from": "y"}), 6):
                assert await post(good, json={"update_id": number, "message": odd}) == 200
        await ann.say(chat, "/help")
        await chat.wait_message(says("/imagine"))


async def test_an_update_the_store_does_not_take_comes_again(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered 503, so Telegram keeps it; then it is done once."""
    ann, chat = walk.ann()
    walk.server.feed.retry_base = 0.2
    async with hooked(walk):

        async def full(*_: Any, **__: Any) -> Any:
            raise StoreError

        with monkeypatch.context() as patch:
            patch.setattr(Store, "take_in", full)
            await ann.say(chat, "/imagine a fox")
            await until(lambda: walk.server.feed.deliveries)
            assert walk.server.feed.deliveries[0].status == 503
        await chat.wait_message(result("a fox"), timeout=15)
        await asyncio.sleep(0.1)
    assert len(walk.paid) == 1


async def test_the_webhook_is_set_once(walk: Walk) -> None:
    """It is set again only when somebody else took it away."""
    ann, chat = walk.ann()
    port = free_port()
    telegram = {
        "token": TOKEN,
        "api_url": walk.server.url,
        "mode": "webhook",
        "webhook_url": f"http://127.0.0.1:{port}",
    }
    web = {"listen": f"127.0.0.1:{port}"}
    for lost in (False, False, True):
        if lost:
            walk.server.feed.hook = None
        async with running(walk.folder, walk.gateway.url, telegram=telegram, web=web):
            await ann.say(chat, "/jobs")
            await until(lambda: not walk.server.feed.pending)
    calls = [c for c in walk.server.calls if c.method == "setWebhook" and c.executed]
    assert len(calls) == 2
