"""The playground as people use it, in a real headless Chromium."""

from __future__ import annotations

import asyncio
import io
import os
import re
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser

from bot.sandbox import Sandbox
from tests.page_kit import ARTEFACTS, PHONE, House, Tab, chromium, start_sandbox, tab

pytestmark = pytest.mark.asyncio(loop_scope="module")
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")

RENEW = bool(os.environ.get("UPDATE_SCREENSHOT"))
"""Make the README's picture anew: `UPDATE_SCREENSHOT=1 pytest tests/test_page.py -k walk`."""
README_PICTURE = Path(__file__).parent / "data" / "playground.png"


@shared
async def gateway() -> AsyncIterator[Sandbox]:
    sandbox = await start_sandbox(image_size=1200 if RENEW else 384)
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


def png(colour: str = "teal") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (96, 64), colour).save(target, "PNG")
    return target.getvalue()


def file(name: str = "a.png", colour: str = "teal") -> Any:
    return {"name": name, "mimeType": "image/png", "buffer": png(colour)}


def wav() -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setparams((1, 1, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(8000))
    return target.getvalue()


SOUND: Any = {"name": "a.wav", "mimeType": "audio/wav", "buffer": wav()}


async def labels(card: Any) -> list[list[str]]:
    """What a card's buttons are called, row by row; those without words by their name."""
    script = (
        "card => [...card.querySelectorAll('.rows .row')].map(row => [...row.children]"
        ".map(key => key.ariaLabel || key.innerText))"
    )
    return await card.evaluate(script)


async def test_the_whole_walk_from_words_to_a_custom_zoom(house: House, browser: Browser) -> None:
    """Imagine, U2, Vary (Subtle), the Custom Zoom form; buttons in Midjourney's own rows."""
    async with tab(browser, house.url) as ann:
        await ann.page.locator("#examples button").first.click()
        assert "/imagine a fox in the rain --ar 3:2" == await ann.line.input_value()
        await ann.line.press("Enter")
        await ann.page.locator(".card.running [role=progressbar]").wait_for()
        grid = await ann.result(1)
        rows = await labels(grid)
        assert ["U1", "U2", "U3", "U4"] == rows[0][:4]
        assert 5 == len(rows[0])
        assert ["V1", "V2", "V3", "V4"] == rows[1]
        await keep(ann, "grid")

        await ann.press(grid, "U2")
        single = await ann.result(2)
        assert "fox in the rain" in (await single.locator("img").get_attribute("alt") or "")
        assert await grid.locator(".key.primary", has_text="U2").count()

        await ann.press(single, "Vary (Subtle)")
        await ann.result(3)

        await ann.press(single, "Custom Zoom")
        await ann.form.wait_for()
        assert "Custom zoom" == await ann.form.locator("h2").inner_text()
        zoom = ann.form.get_by_label("How far out, from 1 to 2")
        assert "2" == await zoom.input_value()
        assert "fox in the rain" in await ann.form.get_by_label("Prompt").input_value()
        await zoom.fill("7")
        await ann.form.get_by_role("button", name="Send").click()
        await ann.notes.filter(has_text="from 1 to 2").wait_for()
        await ann.press(single, "Custom Zoom")
        assert "7" == await zoom.input_value()  # a mistake need not be typed all over
        await zoom.fill("1.8")
        await ann.form.get_by_role("button", name="Send").click()
        await ann.form.wait_for(state="detached")
        await ann.result(4)
        await keep(ann, "walk")


async def keep(ann: Tab, name: str) -> None:
    """Keep a screenshot; the README's picture is renewed when asked for."""
    ARTEFACTS.mkdir(exist_ok=True)
    await ann.page.wait_for_timeout(300)
    await ann.page.screenshot(path=ARTEFACTS / f"playground-{name}.png")
    if name == "grid" and RENEW:
        await ann.page.screenshot(path=README_PICTURE)


async def test_a_picture_opens_large_by_keyboard(house: House, browser: Browser) -> None:
    """Enter opens, the arrows go on, Escape closes and gives the focus back."""
    async with tab(browser, house.url) as ann:
        await ann.say("a red kite")
        card = await ann.result(1)
        await ann.press(card, "U1")
        await ann.result(2)
        opener = card.locator(".open")
        await opener.focus()
        await ann.page.keyboard.press("Enter")
        light = ann.page.locator("#light[open]")
        await light.wait_for()
        assert "a red kite" in (await light.locator("img").get_attribute("alt") or "")
        await ann.page.keyboard.press("ArrowRight")
        assert "U1" in (await light.locator("img").get_attribute("alt") or "")
        await ann.page.keyboard.press("Escape")
        await light.wait_for(state="detached")
        assert "open" == await ann.page.evaluate("document.activeElement.className")


async def test_typing_is_helped(house: House, browser: Browser) -> None:
    """Commands, options, their values and one's own jobs are offered while typing."""
    async with tab(browser, house.url) as ann:
        hints = ann.page.locator("#hints li")
        await ann.line.press_sequentially("/im")
        assert ["/imagine"] == await hints.locator("b").all_inner_texts()
        await ann.line.press("Tab")
        await ann.line.press_sequentially("a boat --a")
        assert ["--ar"] == await hints.locator("b").all_inner_texts()
        await ann.line.press("Enter")  # nothing is marked: this sends what was typed
        await ann.notes.first.wait_for()

        await ann.line.press_sequentially("/imagine a boat --ar 3")
        await ann.line.press("ArrowDown")
        await ann.line.press("Enter")
        assert re.fullmatch("/imagine a boat --ar 3:[24] ", await ann.line.input_value())
        await ann.line.press("Enter")
        await ann.result(1)
        await ann.line.press_sequentially("/show ")
        await hints.filter(has_text="a boat").first.wait_for()


async def test_every_command_has_a_form_that_posts(house: House, browser: Browser) -> None:
    """Each form opens, takes what is required and arrives as that command."""
    async with tab(browser, house.url) as ann:
        await ann.page.locator("#commands").click()
        names = await ann.form.locator(".menu b").all_inner_texts()
        assert {"/imagine", "/blend", "/describe", "/show", "/settings", "/help"} <= set(names)
        for name in names:
            if not await ann.form.count():
                await ann.page.locator("#commands").click()
            await ann.form.locator(
                ".menu button", has=ann.page.get_by_text(name, exact=True)
            ).click()
            await fill(ann, name)
            await ann.form.get_by_role("button", name="Send").click()
            await ann.form.wait_for(state="detached")
            await ann.page.locator(".card.mine", has_text=name).last.wait_for()
        assert "/imagine a lamp --ar 3:2" in await ann.page.locator("#feed").inner_text()


async def fill(ann: Tab, name: str) -> None:
    if name == "/imagine":
        await ann.form.get_by_label("prompt").fill("a lamp")
        await ann.form.get_by_text("More options").click()
        await ann.form.get_by_label("ar", exact=False).first.fill("3:2")
    for box in await ann.form.locator(":is(input, textarea)[required]").all():
        if not await box.input_value():
            await box.fill("1")
    for box in await ann.form.locator("input[type=file]").all():
        if name != "/imagine":
            many = await box.evaluate("box => box.multiple")
            sounds = "audio" in (await box.get_attribute("accept") or "")
            await box.set_input_files(
                [SOUND] if sounds else [file("a.png"), file("b.png", "red")][: 1 + many]
            )


async def test_pictures_are_dropped_pasted_picked_and_removed(
    house: House, browser: Browser, gateway: Sandbox, tmp_path: Path
) -> None:
    """Three ways in, thumbnails, one taken out again; the rest goes with the command."""
    async with tab(browser, house.url) as ann:
        thumbs = ann.page.locator("#thumbs .thumb:not(.busy)")
        for number, event in enumerate(("drop", "paste")):
            await ann.page.evaluate(GIVE, [event, list(png("red")), f"{event}.png"])
            await thumbs.nth(number).wait_for()
        await ann.page.locator("#pick").set_input_files([file("picked.png", "gold")])
        await thumbs.nth(2).wait_for()
        await ann.page.get_by_role("button", name="Remove paste.png").click()
        assert 2 == await thumbs.count()
        await ann.say("/blend")
        await ann.result(1)
        assert not await thumbs.count()
        assert 2 == len(gateway.submits[-1].body["base64Array"])

        big = tmp_path / "big.png"
        with big.open("wb") as file_:
            file_.truncate(26_000_000)
        await ann.page.locator("#pick").set_input_files(big)
        assert "at most 25 MB" in await ann.page.locator(".toast").inner_text()


async def test_a_refused_file_is_told_where_it_was_given(
    house: House, browser: Browser, gateway: Sandbox
) -> None:
    """In a form the reason stands in the form, else beside the line; nothing goes on without it."""
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    lie = {"name": "lie.png", "mimeType": "image/png", "buffer": b"no picture"}
    async with tab(browser, house.url) as ann:
        await ann.page.locator("#pick").set_input_files([text])
        assert "notes.txt cannot be used" in await ann.page.locator("#toasts").inner_text()
        await ann.page.locator("#commands").click()
        await ann.form.locator(".menu button", has_text="/describe").click()
        await ann.form.locator("input[type=file]").set_input_files([lie])
        told = ann.form.locator(".toast")
        await told.wait_for()
        assert "not" in await told.inner_text()
        await ann.form.locator(".thumb").wait_for(state="detached")
        await ann.page.keyboard.press("Escape")

        async def late(route: Any) -> None:
            await asyncio.sleep(0.6)
            await route.continue_()

        await ann.page.route("**/api/files", late)  # still on its way when the line is sent
        before = len(gateway.submits)
        await ann.page.locator("#pick").set_input_files([lie])
        await ann.say("/imagine a cat like this one")
        await ann.page.locator("#toasts .toast", has_text="picture").wait_for()
        assert "/imagine a cat like this one" == await ann.line.input_value()
        assert not await ann.page.locator(".card.mine").count()
        assert before == len(gateway.submits)
        ann.complaints.clear()  # the browser notes the 400 of the refused upload


GIVE = """([event, bytes, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
  const how = { bubbles: true, cancelable: true };
  document.body.dispatchEvent(event === "drop"
    ? new DragEvent("drop", { ...how, dataTransfer: data })
    : new ClipboardEvent("paste", { ...how, clipboardData: data }));
}"""


async def test_words_stay_words(house: House, browser: Browser) -> None:
    """Markup, markdown and links in a prompt are shown as typed and do nothing."""
    nasty = "<img src=x onerror=alert(1)> [a](javascript:alert(2)) **b** <script>alert(3)</script>"
    async with tab(browser, house.url) as ann:
        await ann.say(f"/imagine {nasty}")
        card = await ann.result(1)
        shown = (await card.locator(".said").inner_text()).replace("\u2060", "")
        assert nasty in shown
        assert nasty in await ann.page.locator(".card.mine").inner_text()
        assert not await ann.page.locator(
            "#feed :is(a[href^=javascript], script, img[src=x])"
        ).count()


async def test_a_spoiler_is_covered_until_it_is_asked_for(house: House, browser: Browser) -> None:
    """The first press uncovers, the second shows it large."""
    async with tab(browser, house.url) as ann:
        await ann.say("/imagine a surprise --spoiler")
        card = await ann.result(1)
        cover = card.get_by_role("button", name="Show the covered picture")
        assert "blur" in await card.locator("img").evaluate("i => getComputedStyle(i).filter")
        await cover.click()
        assert "none" == await card.locator("img").evaluate("i => getComputedStyle(i).filter")
        assert not await ann.page.locator("#light[open]").count()
        await card.locator(".open").click()
        await ann.page.locator("#light[open]").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_can_be_read_in_light_and_dark(
    house: House, browser: Browser, scheme: str
) -> None:
    """The page follows the system's colours, and its texts have at least WCAG's AA contrast."""
    async with tab(browser, house.url, color_scheme=scheme) as ann:
        await ann.say("/settings")
        await ann.notes.first.wait_for()
        ground = await ann.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (luminance(ground) < 0.1) == (scheme == "dark")
        for where in (
            ".said p",
            ".mine p",
            ".only",
            ".key.success",
            ".key.plain",
            ".state",
            "#notice a",
        ):
            ink, paper = await ann.page.locator(where).first.evaluate(COLOURS)
            assert contrast(ink, paper) >= 4.5, where


COLOURS = """node => {
  const ink = getComputedStyle(node).color;
  const clear = colour => /, 0\\)$/.test(colour) || colour.includes("color(");
  let at = node;
  while (clear(getComputedStyle(at).backgroundColor)) at = at.parentElement;
  return [ink, getComputedStyle(at).backgroundColor];
}"""


def luminance(colour: str) -> float:
    """Relative luminance by WCAG of `rgb(r, g, b)`."""
    parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio by WCAG."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


async def test_a_phone_never_scrolls_sideways(house: House, browser: Browser) -> None:
    """At 390 pixels, and on the narrowest phones, everything fits, dialogs included."""
    async with tab(browser, house.url, PHONE, has_touch=True) as ann:
        assert 0 == await ann.overflow()
        await ann.say("/imagine a " + "w" * 60 + " --ar 3:2")
        await ann.press(await ann.result(1), "U3")
        single = await ann.result(2)
        await ann.say("/settings")
        await ann.notes.first.wait_for()
        assert 0 == await ann.overflow()
        await ann.press(single, "Custom Zoom")
        await ann.form.wait_for()
        box = await ann.form.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        await ann.page.keyboard.press("Escape")
        await ann.page.set_viewport_size({"width": 320, "height": 640})
        assert 0 == await ann.overflow()
        small = "keys => keys.filter(k => k.offsetHeight && k.offsetHeight < 40).length"
        assert 0 == await ann.page.locator(".card .key").evaluate_all(small)


async def test_sessions_stand_side_by_side(house: House, browser: Browser) -> None:
    """A second session of the same browser has a conversation of its own."""
    async with tab(browser, house.url) as ann:
        await ann.say("/help")
        await ann.notes.first.wait_for()
        assert "Only you see this" in await ann.notes.first.inner_text()
        async with ann.page.context.expect_page() as opened:
            await ann.page.get_by_role("link", name="New session").click()
        other = await opened.value
        await other.locator(".state.on").wait_for()
        assert await other.locator("#welcome").is_visible()
        await other.locator("#line").fill("/jobs")
        await other.locator("#line").press("Enter")
        await other.locator(".card.note").wait_for()
        assert 1 == await ann.notes.count()
        await ann.page.reload()
        await ann.notes.first.wait_for()
        assert 1 == await ann.notes.count()


async def test_the_page_outlives_a_restart_of_the_program(house: House, browser: Browser) -> None:
    """The loss shows, what is typed meanwhile is kept, and afterwards all goes on by itself."""
    context = await browser.new_context()
    ann = Tab(await context.new_page())
    await ann.page.goto(house.url)
    await ann.say("/imagine a lantern")
    grid = await ann.result(1)
    await house.stop()
    lost = ann.page.locator(".state.off")
    await lost.wait_for()
    assert "Connection lost" in await lost.inner_text()
    await ann.say("/imagine a second lantern")
    await house.start()
    await ann.page.locator(".state.on").wait_for()
    await ann.result(2)
    await ann.press(grid, "U4")
    await ann.result(3)
    assert 3 == await ann.results.count()
    await context.close()
