"""The playground in a real browser: the program, a Chromium, and what tests look at."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from bot.app import App
from bot.config import Settings
from bot.sandbox import Sandbox

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
)
ARTEFACTS = Path(__file__).parent.parent / "artefacts"
DESK = {"width": 1200, "height": 860}
PHONE = {"width": 390, "height": 844}


class House:
    """The program on one port, so that it can be stopped and started under an open page."""

    def __init__(self, folder: Path, gateway: str, **sections: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = Settings.model_validate(
            {
                "gateway": {"base_url": gateway, "api_key": "sandbox"},
                "web": {"listen": f"127.0.0.1:{self.port}"},
                "store": {"url": f"sqlite:///{folder}/atelier.db"},
                "archive": {"dir": str(folder / "archive")},
                "jobs": {"poll_scale": 0.05},
                **sections,
            }
        )
        self._notice = f"This is the sandbox: nothing is paid. Magic words: {gateway}/"
        self._app: App | None = None
        self._run: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start, and wait until it serves."""
        ready = asyncio.Event()
        self._app = App(self._settings, notice=self._notice)
        self._run = asyncio.create_task(self._app.run(ready.set))
        async with asyncio.timeout(150):
            await ready.wait()

    async def stop(self) -> None:
        """Stop cleanly."""
        if self._app is not None and self._run is not None:
            self._app.stop.set()
            await self._run
            self._app = self._run = None


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The system's Chromium, else Playwright's own."""
    found = next((path for name in CHROMIUMS if (path := shutil.which(name))), None)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        await browser.close()


class Tab:
    """One person's page, and everything it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.line = page.locator("#line")
        self.results = page.locator(".card.result")
        self.notes = page.locator(".card.note")
        self.form = page.locator("#form[open]")

    async def say(self, text: str) -> None:
        """Type a line and send it."""
        await self.line.fill(text)
        await self.line.press("Escape")
        await self.line.press("Enter")

    async def result(self, number: int) -> Any:
        """The n-th result, once it is there with its picture."""
        card = self.results.nth(number - 1)
        await card.locator("img").first.wait_for()
        await self.page.locator(".card.running").first.wait_for(state="detached")
        return card

    async def press(self, card: Any, label: str) -> None:
        """Press a button of a card."""
        await card.locator(".key", has_text=label).first.click()

    async def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@contextlib.asynccontextmanager
async def tab(browser: Browser, url: str, size: Any = DESK, **how: Any) -> AsyncIterator[Tab]:
    """A person opens the page; afterwards nothing may have gone wrong in it."""
    how = {"viewport": size, "locale": "en-GB", "reduced_motion": "reduce", **how}
    context = await browser.new_context(**how)
    context.set_default_timeout(150_000)
    one = Tab(await context.new_page())
    await one.page.goto(url)
    await one.page.locator(".state.on").wait_for()
    yield one
    await context.close()
    assert not one.complaints, one.complaints


async def start_sandbox(**how: Any) -> Sandbox:
    """A pretend gateway that is in a hurry."""
    sandbox = Sandbox(**{"pace": 0.04, "image_size": 384, **how})
    await sandbox.start()
    return sandbox
