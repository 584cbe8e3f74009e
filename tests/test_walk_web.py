"""A person in the browser: types, watches, presses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox import Sandbox
from tests.house import running
from tests.web_kit import browser, button, jar, result


@pytest.fixture
async def gateway() -> Any:
    sandbox = Sandbox(pace=0.03, image_size=128)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


async def test_imagine_then_upscale_then_the_same_button_again(
    gateway: Sandbox, tmp_path: Path
) -> None:
    """U2 makes one picture, and a second press shows it instead of paying again."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/imagine a fox in the rain --ar 3:2")
        grid = await ann.see(result("Imagine"))
        assert ["U1", "U2", "U3", "U4", "", "V1", "V2", "V3", "V4", "Improve"] == [
            b["label"] for b in grid["buttons"]
        ]

        await ann.act(token=button(grid, "U2"))
        await ann.see(result("U2"))
        await ann.settled()
        await ann.act(token=button(grid, "U2"))
        again = await ann.see(lambda c: "pressed" in c["text"])

        assert again["media"]
        assert 2 == len(gateway.submits)


async def test_the_same_event_twice_makes_one_job(gateway: Sandbox, tmp_path: Path) -> None:
    """A page that posts an event again pays once."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        for _ in range(3):
            assert 202 == await ann.act(id="one", text="/imagine a boat")
        await ann.see(result("Imagine"))

        assert 1 == len(gateway.submits)


async def test_a_result_survives_a_restart(gateway: Sandbox, tmp_path: Path) -> None:
    """A job under way when the program stops is finished by the next one, submitted once."""
    async with aiohttp.ClientSession(cookie_jar=jar()) as s:
        async with running(tmp_path, gateway.url) as app:
            ann = await browser(s, app.address)
            await ann.act(text="/imagine a slow boat")
            await ann.see(lambda c: "%" in c["text"] or "Accepted" in c["text"])
        async with running(tmp_path, gateway.url) as app:
            ann = await browser(s, app.address)
            await ann.see(result("Imagine"))

        assert 1 == len(gateway.submits)


@pytest.mark.parametrize(
    ("words", "told", "paid"),
    [
        ("/imagine a fail cat", "Nothing was charged", 1),
        ("/imagine a lostanswer cat", "may have cost", 1),
        ("/imagine cat --ar wide", "16:9", 0),
        ("/imagine " + "x" * 10_000, "6", 0),
        ("/imagine cat --repeat 4", "repeat", 0),
        ("/show nothing", "no job", 0),
        ("/nonsense", "no command", 0),
        ("/blend", "pictures", 0),
    ],
)
async def test_what_goes_wrong_is_said(
    gateway: Sandbox, tmp_path: Path, words: str, told: str, paid: int
) -> None:
    """Each mistake gets one clear sentence and costs nothing that was not spent."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text=words)
        plain = await ann.see(lambda c: told in c["text"].replace("\\", ""))

        assert plain
        assert paid == len(gateway.submits)


async def test_a_stranger_cannot_press(gateway: Sandbox, tmp_path: Path) -> None:
    """Another session's button is refused politely and nothing is submitted."""
    async with (
        running(tmp_path, gateway.url) as app,
        aiohttp.ClientSession(cookie_jar=jar()) as s,
        aiohttp.ClientSession(cookie_jar=jar()) as other,
    ):
        ann, bob = await browser(s, app.address), await browser(other, app.address)
        await ann.act(text="/imagine a house")
        grid = await ann.see(result("Imagine"))
        await bob.act(token=button(grid, "U1"))
        await bob.see(lambda c: "belongs to the person" in c["text"])

        assert 1 == len(gateway.submits)
