"""Every other model, as a person in the browser meets it."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from bot.sandbox import Sandbox
from tests.house import running
from tests.test_walk_web import browser, gateway, jar, result  # noqa: F401


@pytest.mark.parametrize(
    ("words", "told", "files"),
    [
        ("/imagine a fox --model dall-e-3 --ar 16:9", "DALL·E 3", 1),
        ("/imagine a fox --model flux-schnell", "Flux Schnell", 1),
        ("/imagine a fox --model gpt-image-1 --count 2", "GPT Image", 2),
        ("/imagine a fox --model qwen", "Qwen Image", 1),
    ],
)
async def test_a_picture_by_another_model(
    gateway: Sandbox,
    tmp_path: Path,
    words: str,
    told: str,
    files: int,
) -> None:
    """The picture arrives with the model's name, and one call was made."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text=words)
        card = await ann.see(result("Imagine"))
        assert told in card["text"]
        assert len(card["media"]) == files
        assert 1 == len(gateway.submits)
