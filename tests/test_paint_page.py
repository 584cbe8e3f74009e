"""The page to paint on, as a person with a finger or a mouse uses it in a real Chromium."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, Page

from bot.sandbox import Sandbox
from tests.page_kit import DESK, PHONE, House, Tab, chromium, start_sandbox, tab


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[Sandbox]:
    sandbox = await start_sandbox(image_size=384)
    yield sandbox
    await sandbox.stop()


@pytest_asyncio.fixture
async def house(gateway: Sandbox, tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path, gateway.url)
    await house.start()
    yield house
    await house.stop()


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


async def opened(ann: Tab) -> Page:
    """Draw, take one picture out, and open the page its Vary (Region) leads to."""
    await ann.say("/imagine a boat")
    await ann.press(await ann.result(1), "U1")
    await ann.press(await ann.result(2), "Region")
    async with ann.page.context.expect_page() as waiting:
        await ann.form.get_by_text("Paint it").click()
    page = await waiting.value
    page.on("console", lambda m: m.type == "error" and ann.complaints.append(m.text))
    page.on("pageerror", lambda error: ann.complaints.append(str(error)))
    picture = page.locator("#picture")
    for _ in range(200):  # a string to wait for would be run by `eval`, which the page forbids
        if await picture.evaluate("picture => picture.naturalWidth > 0"):
            break
        await page.wait_for_timeout(50)
    return page


async def stroke(page: Page, *points: tuple[float, float]) -> None:
    """Drag the brush through points given as parts of the picture's width and height."""
    box: Any = await page.locator("#paint").bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    await page.mouse.move(*at[0])
    await page.mouse.down()
    for one in at[1:]:
        await page.mouse.move(*one, steps=4)
    await page.mouse.up()


def mask_of(gateway: Sandbox) -> Image.Image:
    """The mask of the last window that was answered."""
    body = next(s.body for s in reversed(gateway.journal) if s.path.endswith("/submit/modal"))
    return Image.open(io.BytesIO(base64.b64decode(body["maskBase64"].partition(",")[2])))


async def test_what_is_painted_makes_one_job(
    gateway: Sandbox, house: House, browser: Browser
) -> None:
    """Paint, take one stroke back, send: the mask has the picture's size, white where the brush
    was and black elsewhere, and the job is made once, however often it is sent.
    """
    async with tab(browser, house.url, DESK) as ann:
        page = await opened(ann)
        await stroke(page, (0.1, 0.1), (0.3, 0.1))
        await stroke(page, (0.5, 0.8), (0.9, 0.8))
        await page.get_by_role("button", name="Undo").click()
        await page.get_by_label("Prompt").fill("a red boat")
        paid = len(gateway.submits)
        address = page.url
        async with page.expect_request(address) as sent:
            await page.get_by_role("button", name="Send").click()
        await page.get_by_text("on its way").wait_for()
        request = await sent.value
        again = await page.request.post(address, data=request.post_data or "")
        assert again.status == 202
        await ann.result(3)

        mask = mask_of(gateway)
        assert mask.size == (384, 384)
        assert {value for _, value in mask.convert("L").getcolors() or ()} == {0, 255}
        assert mask.convert("L").getpixel((76, 38)) == 255
        assert mask.convert("L").getpixel((268, 307)) == 0
        assert "a red boat" in str(gateway.journal[-1].body) + str(
            [s.body for s in gateway.journal if s.path.endswith("/submit/modal")]
        )
        assert len([s for s in gateway.journal if s.path.endswith("/submit/modal")]) == 1
        assert len(gateway.submits) > paid
        assert not ann.complaints


async def test_a_finger_paints_on_a_phone_and_nothing_painted_is_said(
    gateway: Sandbox, house: House, browser: Browser
) -> None:
    """Touch paints instead of scrolling; Clear takes all back, and an empty mask is not sent."""
    async with tab(browser, house.url, PHONE, has_touch=True) as ann:
        page = await opened(ann)
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await page.locator("#paint").tap()
        assert await page.get_by_role("button", name="Undo").is_enabled()
        await page.get_by_role("button", name="Clear").click()
        assert await page.get_by_role("button", name="Undo").is_disabled()
        await page.get_by_role("button", name="Send").click()
        await page.get_by_text("Nothing is painted yet").wait_for()
        assert not [s for s in gateway.journal if s.path.endswith("/submit/modal")]
        await page.locator("#paint").tap()
        await page.get_by_role("button", name="Send").click()
        await page.get_by_text("on its way").wait_for()
        await ann.result(3)
        assert mask_of(gateway).convert("L").getpixel((192, 192)) == 255
        assert not ann.complaints


async def test_an_address_that_was_changed_or_is_over_leads_nowhere(
    house: House, browser: Browser
) -> None:
    """Without the exact address there is neither page nor picture."""
    async with tab(browser, house.url, DESK) as ann:
        page = await opened(ann)
        fetch = page.request.get
        assert (await fetch(page.url)).status == 200
        later = re.sub(r"/(\d+)/", lambda m: f"/{int(m[1]) + 1}/", page.url)
        for url in (
            later,
            f"{later}/picture",
            page.url + "x",
            page.url.replace("/paint/", "/paint/0"),
        ):
            assert (await fetch(url)).status == 404
