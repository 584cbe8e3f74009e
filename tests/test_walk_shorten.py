"""Midjourney's word on which words count."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from bot.sandbox import Sandbox
from tests.house import running
from tests.test_walk_web import browser, gateway, jar, result  # noqa: F401


async def test_a_prompt_is_made_shorter_and_one_of_them_drawn(
    gateway: Sandbox,
    tmp_path: Path,
) -> None:
    """The words that count stand out; each shorter prompt has a button that draws it, once."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/shorten a very beautiful picture of a fox --ar 3:2")
        card = await ann.see(lambda c: "**Shorten**" in c["text"] and c["progress"] == -1)
        assert "**beautiful**" in card["text"]
        assert "~~of~~" in card["text"]
        assert "$0.10" in card["text"]
        assert len([b for b in card["buttons"] if b["emoji"][:1].isdigit()]) == 5
        token = next(b["token"] for b in card["buttons"] if b["emoji"].startswith("2"))
        for _ in range(2):
            await ann.act(token=token)
            await ann.see(result("2️⃣"))
        await ann.settled()
        assert 2 == len(gateway.submits)
        assert gateway.submits[1].path.endswith(("/action", "/imagine"))


async def test_a_prompt_is_needed(gateway: Sandbox, tmp_path: Path) -> None:
    """Without one nothing is sent, but asked for; a failed one costs nothing."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/shorten")
        await ann.see(lambda c: "The prompt to make shorter" in c["text"])
        assert not gateway.submits
        await ann.act(text="/shorten a fail fox")
        await ann.see(lambda c: "Nothing was charged" in c["text"])
        await ann.act(text="/shorten a lostanswer fox")
        await ann.see(lambda c: "may have cost" in c["text"])
