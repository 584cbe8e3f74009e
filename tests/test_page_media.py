"""Videos, songs and voices on the page, in a real headless Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.sandbox import Sandbox
from tests.page_kit import ARTEFACTS, House, chromium, start_sandbox, tab

pytestmark = pytest.mark.asyncio(loop_scope="module")
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")

PLAYS = "node => node.error === null && node.readyState > 0 && node.duration"
LENGTH = f"""node => new Promise(done => {{
  const look = () => ({PLAYS})(node) ? done(node.duration) : setTimeout(look, 50);
  look();
}})"""


@shared
async def gateway() -> AsyncIterator[Sandbox]:
    sandbox = await start_sandbox(image_size=512)
    yield sandbox
    await sandbox.stop()


@shared
async def house(gateway: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    house = House(tmp_path_factory.mktemp("house"), gateway.url)
    await house.start()
    yield house
    await house.stop()


@shared
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


async def drawn(image: Any) -> bool:
    """Whether a picture has come, in spite of the page's policy."""
    return bool(await image.evaluate("node => node.decode().then(() => node.naturalWidth > 0)"))


async def test_a_song_plays_under_its_cover_and_name(house: House, browser: Browser) -> None:
    """Both takes, each a player with its title."""
    async with tab(browser, house.url) as one:
        await one.say("/song a cheerful song about rain")
        songs = one.results.first.locator(".song")
        await songs.nth(1).wait_for()
        for number in range(2):
            song = songs.nth(number)
            assert await drawn(song.locator("img"))
            assert await song.locator("b").inner_text()
            assert await song.locator("audio").evaluate(LENGTH) > 1
        ARTEFACTS.mkdir(exist_ok=True)
        await one.page.screenshot(path=ARTEFACTS / "song.png")


async def test_a_video_shows_its_beginning_and_plays(house: House, browser: Browser) -> None:
    """With its size, so that nothing jumps when it loads."""
    async with tab(browser, house.url) as one:
        await one.say("/video a boat on a river --model kling-v1-6")
        video = one.results.first.locator("video")
        await video.wait_for()
        assert "/media/" in (await video.get_attribute("poster") or "")
        assert int(await video.get_attribute("width") or 0) > 0
        assert await video.evaluate(LENGTH) > 1
        ARTEFACTS.mkdir(exist_ok=True)
        await one.page.screenshot(path=ARTEFACTS / "video.png")


async def test_a_covered_video_is_covered_until_it_is_asked_for(
    house: House, browser: Browser
) -> None:
    """Not a frame of it is there before."""
    async with tab(browser, house.url) as one:
        await one.say("/video a boat --model kling-v1-6 --spoiler")
        veil = one.results.last.get_by_role("button", name="Show the covered picture")
        await veil.wait_for()
        assert await one.results.last.locator("video").count() == 0
        await veil.click()
        assert await one.results.last.locator("video").evaluate(LENGTH) > 1
