"""What only the owner of the bot may ask, in the browser and on the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from adapters.discord.commands import for_server
from adapters.telegram.commands import menus
from bot.sandbox import Sandbox
from core.commands import COMMANDS
from tests.house import running
from tests.test_walk_web import browser, gateway, jar, result  # noqa: F401
from tests.web_kit import button

OWNER = {"ids": ["web"]}


@pytest.mark.parametrize("line", ["/models", "/balance"])
async def test_others_get_one_sentence_and_no_call_is_made(
    gateway: Sandbox,
    tmp_path: Path,
    line: str,
) -> None:
    """Nobody but the owner learns anything, in `/help` neither."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text=line)
        card = await ann.see(lambda c: "for the owner of this bot" in c["text"])
        assert not card["buttons"]
        await ann.act(text="/help")
        card = await ann.see(lambda c: "/imagine" in c["text"])
        assert line not in card["text"]
        async with s.get(f"{app.address}/api/commands") as answer:
            assert line[1:] not in [c["name"] for c in (await answer.json())["commands"]]
        assert not gateway.journal


async def test_the_models_come_with_what_the_keys_lack(
    gateway: Sandbox,
    tmp_path: Path,
) -> None:
    """Every model has its price and a sign; the pages turn in place."""
    rows = {"data": [{"id": "mj_imagine"}, {"id": "flux-pro-2"}]}
    gateway.faults.add("/v1/models", status=200, body=rows, times=None)
    models = {
        "dall-e-3": {"hidden": True, "default": True},
        "mine": {"family": "pictures", "kind": "image", "model": "flux-pro-2", "price": 0.07},
    }
    keys = {"base_url": gateway.url, "api_key": "sandbox", "keys": {"midjourney": "wrong"}}
    async with (
        running(tmp_path, gateway.url, owner=OWNER, models=models, gateway=keys) as app,
        aiohttp.ClientSession(cookie_jar=jar()) as s,
    ):
        ann = await browser(s, app.address)
        await ann.act(text="/models")
        card = await ann.see(lambda c: "page 1 of" in c["text"])
        lines = card["text"].replace("\\", "").splitlines()
        assert "The key: models it may use: 2." in lines
        hidden, *_ = (line for line in lines if "`dall-e-3`" in line)
        assert hidden.startswith("🚫")
        assert any(line.startswith("✅ `mj_imagine`") and "$0.10" in line for line in lines)
        assert any(line.startswith("⚠️ `mj_blend`") and "not in" in line for line in lines)
        await ann.act(token=button(card, "Next"), message=card["key"])
        again = await ann.see(lambda c: "page 2 of" in c["text"])
        assert again["key"] == card["key"]


async def test_the_balance_tells_what_is_left_and_what_was_booked(
    gateway: Sandbox,
    tmp_path: Path,
) -> None:
    """What was spent, given back and still held comes from the ledger; unsure jobs are named."""
    async with (
        running(tmp_path, gateway.url, owner=OWNER) as app,
        aiohttp.ClientSession(cookie_jar=jar()) as s,
    ):
        ann = await browser(s, app.address)
        await ann.act(text="/imagine a fox")
        await ann.see(result("Imagine"))
        await ann.act(text="/imagine a fail")
        await ann.see(lambda c: "given back" in c["text"] or "Nothing was charged" in c["text"])
        await ann.act(text="/imagine a lostanswer hare")
        await ann.see(lambda c: "may have cost" in c["text"])
        await ann.act(text="/balance")
        card = await ann.see(lambda c: "Booked here" in c["text"])
        text = card["text"].replace("\\", "")
        assert "The key: $99,999" in text
        assert "Today (UTC): $0.30 held, $0.10 spent, $0.10 given back." in text
        assert "Held just now: $0.10 (jobs: 1)." in text
        assert "mj_imagine · $0.10" in text.partition("Unsure, and still held")[2]
        assert "The account" not in text


@pytest.fixture
async def system() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that tells about an account, and the keys it was asked with."""
    asked: list[str] = []

    async def user(request: web.Request) -> web.Response:
        asked.append(request.headers["Authorization"])
        data = {"quota": 6_000_000, "used_quota": 250_000, "access_token": "very-secret"}
        return web.json_response({"success": True, "message": "", "data": data})

    app = web.Application()
    app.router.add_get("/yescale/user", user)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    await runner.cleanup()


async def test_the_account_is_asked_with_its_own_key(
    gateway: Sandbox,
    system: tuple[str, list[str]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Only numbers of the answer are used; its token reaches neither the chat nor the log."""
    url, asked = system
    keys = {"base_url": gateway.url, "api_key": "sandbox", "access_key": "ak", "system_url": url}
    async with (
        running(tmp_path, gateway.url, owner=OWNER, gateway=keys) as app,
        aiohttp.ClientSession(cookie_jar=jar()) as s,
    ):
        ann = await browser(s, app.address)
        await ann.act(text="/balance")
        card = await ann.see(lambda c: "Booked here" in c["text"])
        assert "The account: $12.00 left, $0.50 used so far." in card["text"].replace("\\", "")
        assert asked == ["Bearer ak"]
        assert "very-secret" not in json.dumps(card) + caplog.text


def test_platforms_hide_them() -> None:
    """Discord shows them to administrators, Telegram's menu to nobody."""
    drawn = {c["name"]: c.get("default_member_permissions") for c in for_server(COMMANDS)}
    assert drawn["balance"] == drawn["models"] == 8
    assert drawn["imagine"] is None
    shown = menus([c for c in COMMANDS if not c.owner])[""]
    assert "balance" not in dict(shown)
