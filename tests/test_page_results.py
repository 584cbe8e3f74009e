"""One result of each kind on the page, with a picture of each kept as a build artefact."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from PIL import Image, ImageDraw
from playwright.async_api import Browser

from bot.sandbox import Sandbox, clips
from tests.page_kit import ARTEFACTS, DESK, PHONE, House, Tab, chromium, start_sandbox, tab

TALL = {"width": 1000, "height": 1400}
FOLDER = ARTEFACTS / "results"
PLAYS = """node => new Promise(done => {
  const look = () => node.error || node.readyState > 1 ? done(!node.error) : setTimeout(look, 50);
  node.preload = "auto";
  look();
})"""

ANSWER = r"""
Light bends because it is **slower in glass** than in air:

| medium | index | speed |
|:-------|------:|------:|
| air    | 1.000 | 299 792 km/s |
| water  | 1.333 | 225 000 km/s |
| glass  | 1.52  | 197 000 km/s |

Snell's law says $n_1 \sin\theta_1 = n_2 \sin\theta_2$, so

$$\theta_2 = \arcsin\left(\frac{n_1}{n_2} \sin\theta_1\right)$$

```python
def bent(angle: float, first: float, second: float) -> float:
    return math.asin(first / second * math.sin(angle))
```

1. Measure the angle.
2. Look up the index of [your glass](https://example.com/glass).
"""


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[Sandbox]:
    sandbox = await start_sandbox(image_size=512)
    message = {"role": "assistant", "content": ANSWER}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 21, "completion_tokens": 180, "total_tokens": 201}
    body = {"id": "c1", "object": "chat.completion", "choices": [choice], "usage": usage}
    sandbox.faults.add("/v1/chat/completions", status=200, body=body)
    yield sandbox
    await sandbox.stop()


@pytest_asyncio.fixture
async def house(gateway: Sandbox, tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path, gateway.url, owner={"ids": ["web"]})
    await house.start()
    yield house
    await house.stop()


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


def picture(colour: str, size: tuple[int, int] = (480, 640)) -> Any:
    """A file with something on it to recognise."""
    image = Image.new("RGB", size, "#efe6d8")
    wide, high = size
    ImageDraw.Draw(image).ellipse((wide // 5, high // 6, wide * 4 // 5, high * 5 // 6), fill=colour)
    target = io.BytesIO()
    image.save(target, "PNG")
    return {"name": f"{colour}.png", "mimeType": "image/png", "buffer": target.getvalue()}


def voice() -> Any:
    """Somebody says something."""
    sound = clips.speech("what is said in a voice message", 3, "wav")
    return {"name": "message.wav", "mimeType": "audio/wav", "buffer": sound}


class Album:
    """Walks from result to result and keeps a picture of each."""

    def __init__(self, ann: Tab) -> None:
        self.ann = ann
        self.kept: list[str] = []
        FOLDER.mkdir(parents=True, exist_ok=True)

    async def new(self, name: str, *wanted: str) -> Any:
        """Wait for one more answer of the bot, with what it has to show, and keep it."""
        cards = self.ann.page.locator(".card:is(.result, .note):not(.running)")
        card = cards.nth(len(self.kept))
        await card.wait_for()
        for one in wanted:
            await card.locator(one).first.wait_for()
        await self.ann.page.locator(".card.running").first.wait_for(state="detached")
        await self.keep(card, name)
        return card

    async def keep(self, card: Any, name: str) -> None:
        """Keep a picture of a card, once its own have come."""
        self.kept.append(name)
        for image in await card.locator("img").all():
            assert await image.evaluate("node => node.decode().then(() => node.naturalWidth > 0)")
        for player in await card.locator("video, audio").all():
            assert await player.evaluate(PLAYS)
            await self.ann.page.wait_for_timeout(300)  # Chromium takes its spinner away
        await card.screenshot(path=FOLDER / f"{len(self.kept):02}-{name}.png")

    async def says(self, line: str, name: str, *wanted: str) -> Any:
        """Type a line; returns the card it leads to."""
        await self.ann.say(line)
        return await self.new(name, *wanted)

    async def fills(
        self, command: str, name: str, files: list[Any], *wanted: str, **texts: str
    ) -> Any:
        """Use a command's form, with files in their order."""
        page, form = self.ann.page, self.ann.form
        await page.locator("#commands").click()
        entry = page.get_by_text(f"/{command}", exact=True)
        await form.locator(".menu button", has=entry).click()
        for label, text in texts.items():
            await form.get_by_label(label).first.fill(text)
        for box, file in zip(await form.locator("input[type=file]").all(), files, strict=False):
            await box.set_input_files([file])
        await form.get_by_role("button", name="Send").click()
        await form.wait_for(state="detached")
        return await self.new(name, *wanted)


async def paints(ann: Tab, card: Any) -> None:
    """Open the page to paint on, paint, and keep a picture of it."""
    await ann.press(card, "Region")
    async with ann.page.context.expect_page() as opened:
        await ann.form.get_by_text("Paint it").click()
    page = await opened.value
    await page.set_viewport_size(DESK)
    picture = page.locator("#picture")
    assert await picture.evaluate("node => node.decode().then(() => node.naturalWidth > 0)")
    box = await page.locator("#paint").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.5, steps=6)
    await page.mouse.up()
    await page.screenshot(path=FOLDER / "paint.png")
    await page.close()
    await ann.page.keyboard.press("Escape")
    await ann.form.wait_for(state="detached")


async def test_each_kind_of_result_can_be_seen(house: House, browser: Browser) -> None:
    """Pictures, films, sounds, words and lists: each arrives, shows what it has, and fits."""
    async with tab(browser, house.url, TALL) as ann:
        album = Album(ann)
        grid = await album.says("/imagine a lighthouse in the fog --ar 3:2", "grid", "img")
        await ann.press(grid, "U3")
        await paints(ann, await album.new("single", "img"))
        several = '/imagine a tea house --model "ideogram 3" --count 3'
        assert await (await album.says(several, "album", "img")).locator("img").count() == 3
        await album.fills("edit", "edit", [picture("teal")], "img", prompt="make it winter")
        await album.fills("remix", "remix", [picture("teal")], "img", prompt="as an oil painting")
        people = [picture("peru"), picture("navy", (640, 480))]
        await album.fills("tryon", "tryon", people, "img")
        await album.says("/video a boat on a river --model kling-v1-6", "video", "video")
        song = await album.says("/song a cheerful song about rain", "song", "audio")
        assert await song.locator("audio").count() == 2
        await album.says("/lyrics a fox who cannot sleep", "lyrics", ".key")
        answer = await album.says(
            "/ask why does light bend?", "answer", "table .right", "pre", "ol"
        )
        assert "θ" in await answer.inner_text()
        await album.says("/speak It rains, and the fox stays at home.", "voice", "audio")
        await album.fills("transcribe", "transcript", [voice()])
        await album.says(
            "/shorten a very very beautiful fox, standing in the rain", "shorten", ".key"
        )
        await album.fills("describe", "describe", [picture("teal")], ".key")
        await album.says("/models", "models", ".said")
        await album.says("/balance", "balance", ".said")
        assert len(album.kept) == 16

        for bar in await ann.page.locator("header, footer").all():  # they would lie on the cards
            await bar.evaluate("node => node.style.visibility = 'hidden'")
        for name, scheme, size in (("dark", "dark", TALL), ("phone", "light", PHONE)):
            await ann.page.emulate_media(color_scheme=scheme)
            await ann.page.set_viewport_size(size)
            assert await ann.overflow() == 0
            await ann.page.locator("#feed").screenshot(path=FOLDER / f"all-{name}.png")
