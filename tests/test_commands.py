"""Commands and presses end to end: what is sent, what is said, what it costs."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from bot.sandbox import Sandbox
from core.commands import COMMANDS
from core.i18n import translate
from tests.house import running
from tests.web_kit import Browser, Card, browser, button, jar, result


class Person:
    """Someone in the browser, and what the pretend gateway saw of it."""

    def __init__(self, page: Browser, gateway: Sandbox, folder: Path) -> None:
        self.page, self.gateway, self.folder = page, gateway, folder

    async def does(self, **event: Any) -> Card:
        """Do something; returns the card that came of it in the end."""
        before = set(await self.page.settled())
        assert await self.page.act(**event) == 202
        return await self.page.see(lambda c: c["key"] not in before and c["progress"] == -1)

    @property
    def prompts(self) -> list[str]:
        return [str(seen.body.get("prompt")) for seen in self.gateway.submits]

    def ledger(self) -> list[tuple[str, float]]:
        """(how it was closed, USD) of every job, in the order they were made."""
        with sqlite3.connect(self.folder / "atelier.db") as database:
            rows = database.execute(
                "select l.entry, l.amount from ledger l join jobs j on j.id = l.job "
                "where l.entry != 'hold' order by j.created_at"
            ).fetchall()
        return [(entry, amount / 1_000_000) for entry, amount in rows]


@asynccontextmanager
async def person(folder: Path, lang: str = "en", **sandbox: Any) -> AsyncIterator[Person]:
    gateway = Sandbox(pace=0.03, image_size=64, **sandbox)
    await gateway.start()
    try:
        async with (
            running(folder, gateway.url) as app,
            aiohttp.ClientSession(cookie_jar=jar(), headers={"Accept-Language": lang}) as session,
        ):
            yield Person(await browser(session, app.address), gateway, folder)
    finally:
        await gateway.stop()


# -- settings and help -----------------------------------------------------------------------------


async def test_settings_are_the_defaults_of_every_imagine(tmp_path: Path) -> None:
    """What a prompt says itself counts more; a reset forgets them."""
    async with person(tmp_path) as ann:
        await ann.does(text="/settings --version 6.1 --ar 3:2 --speed relax")
        await ann.does(text="/imagine a fox")
        await ann.does(text="/imagine a fox --ar 1:1")
        await ann.does(text="/settings --reset")
        await ann.does(text="/imagine a fox")

        assert ann.prompts == [
            "a fox --ar 3:2 --v 6.1 --relax",
            "a fox --ar 1:1 --v 6.1 --relax",
            "a fox",
        ]


async def test_the_settings_panel_changes_in_place(tmp_path: Path) -> None:
    """A press lights its value on the same message and counts from then on."""
    async with person(tmp_path) as ann:
        panel = await ann.does(text="/settings")
        assert max(b["row"] for b in panel["buttons"]) <= 4
        token = button(panel, "16:9")
        await ann.page.act(token=token, message=panel["key"])
        lit = await ann.page.see(
            lambda c: any(b["token"] == token and b["style"] == "success" for b in c["buttons"])
        )
        await ann.does(text="/imagine a fox")

        assert lit["key"] == panel["key"]
        assert ann.prompts == ["a fox --ar 16:9"]


async def test_help_names_every_command_with_its_price_and_each_its_options(
    tmp_path: Path,
) -> None:
    """Generated from the declarations, so nothing can be missing."""
    async with person(tmp_path) as ann:
        text = (await ann.does(text="/help"))["text"]
        offered = [command for command in COMMANDS if not command.owner]
        assert [c.name for c in offered if f"**/{c.name}**" not in text] == []
        assert "with Midjourney · $0.10" in text
        assert " · from $" in text
        for command in offered:
            more = (await ann.does(text=f"/help {command.name}"))["text"].replace("\\", "")
            assert command.summary in more
            assert [o.name for o in command.options if f"{o.name}**" not in more] == []


async def test_a_window_is_asked_in_the_persons_language(tmp_path: Path) -> None:
    """Its title and labels; the buttons of Midjourney keep their names."""
    async with person(tmp_path, lang="de") as ann:
        grid = await ann.does(text="/imagine a fox")
        single = await ann.does(token=button(grid, "U1"))
        token = button(single, "Custom Zoom")
        async with ann.page.session.get(f"{ann.page.base}/api/form/{token}") as answer:
            form = await answer.json()

        assert form["title"] == translate("de", "Custom zoom") != "Custom zoom"
        assert form["fields"][-1]["value"] == "a fox"


# -- money -----------------------------------------------------------------------------------------


async def test_every_press_costs_what_the_gateway_charges_for_it(tmp_path: Path) -> None:
    """The ledger and the gateway's own books agree, press by press."""
    async with person(tmp_path) as ann:
        grid = await ann.does(text="/imagine a fox")
        single = await ann.does(token=button(grid, "U2"))
        await ann.does(token=button(grid, "V3"))
        await ann.does(token=button(single, "Vary (Strong)"))
        await ann.does(token=button(single, "Zoom Out 2x"))
        values = {"zoom": "1.5", "prompt": "a fox in the sun"}
        zoomed = await ann.does(token=button(single, "Custom Zoom"), values=values)
        assert "a fox in the sun" in zoomed["text"], "what was answered, not what came before"

        assert ann.ledger() == [
            ("settle", 0.1), ("settle", 0.05), ("settle", 0.1),
            ("settle", 0.1), ("settle", 0.1), ("settle", 0.1),
        ]  # fmt: skip
        charged = sum(seen.charged for seen in ann.gateway.journal)
        assert charged == pytest.approx(0.55)


async def test_a_button_the_gateway_cannot_serve_is_explained_and_free(tmp_path: Path) -> None:
    """Animations are refused by many gateways: a sentence, and the price comes back."""
    async with person(tmp_path) as ann:
        grid = await ann.does(text="/imagine a fox")
        single = await ann.does(token=button(grid, "U1"))
        label = "Animate (High motion) · $0.80"
        refused = await ann.does(token=button(single, label))

        assert "This image service cannot do what this button asks for." in refused["text"]
        assert "Nothing was charged." in refused["text"]
        assert ann.ledger()[-1] == ("refund", 0.8)
        assert len(ann.gateway.submits) == 2


async def test_a_window_that_opens_unasked_says_what_its_answer_costs(tmp_path: Path) -> None:
    """Remix: the gateway charges the press and the answer, and so does the ledger."""
    async with person(tmp_path) as ann:
        grid = await ann.does(text="/imagine a window fox")
        asked = await ann.does(token=button(grid, "V1"))
        assert "Answering costs another $0.10." in asked["text"]
        token = button(asked, "Answer")
        await ann.page.act(token=token, values={"prompt": "a wolf"})
        await ann.page.act(token=token, values={"prompt": "a bear"})
        await ann.page.see(lambda c: "That was answered already." in c["text"])
        made = await ann.page.see(
            lambda c: c["media"] and ("a wolf" in c["text"] or "a bear" in c["text"])
        )

        assert "$0.20" in made["text"]
        assert [amount for _, amount in ann.ledger()] == [0.1, 0.2]
        charged = sum(seen.charged for seen in ann.gateway.journal)
        assert charged == pytest.approx(0.3)


async def test_a_window_that_is_free_to_open_costs_nothing_until_it_is_answered(
    tmp_path: Path,
) -> None:
    """An answer the gateway refuses gives the whole price back."""
    async with person(tmp_path, dialect="raw") as ann:
        grid = await ann.does(text="/imagine a fox")
        single = await ann.does(token=button(grid, "U1"))
        answers = {"zoom": "2", "prompt": "a banned fox"}
        refused = await ann.does(token=button(single, "Custom Zoom"), values=answers)

        assert "does not allow" in refused["text"]
        assert "Nothing was charged." in refused["text"]
        assert ann.ledger()[-1] == ("refund", 0.1)


async def test_again_says_what_the_first_one_cost_before_it_runs(tmp_path: Path) -> None:
    """The offer costs nothing; its button runs the same request once."""
    async with person(tmp_path) as ann:
        await ann.does(text="/imagine a fox --v 7")
        offer = await ann.does(text="/again")
        assert "It cost $0.10." in offer["text"]
        assert len(ann.gateway.submits) == 1

        token = button(offer, "Run again · $0.10")
        await ann.does(token=token)
        await ann.does(token=token)

        assert ann.prompts == ["a fox --v 7"] * 2


async def test_a_failed_job_is_free_and_can_be_run_again(tmp_path: Path) -> None:
    """Its own button runs the same request."""
    async with person(tmp_path) as ann:
        failed = await ann.does(text="/imagine a fail fox")

        assert "Nothing was charged." in failed["text"]
        assert [b["label"] for b in failed["buttons"]] == ["Run again"]
        assert ann.ledger() == [("refund", 0.1)]


# -- describe --------------------------------------------------------------------------------------


async def test_each_described_prompt_can_be_imagined_and_all_at_once(tmp_path: Path) -> None:
    """One button each, and one that names the price of all."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(buffer, "PNG")
    async with person(tmp_path) as ann:
        _, picture = await ann.page.upload(buffer.getvalue())
        values = {"image": {"handle": picture["handle"]}}
        text = await ann.does(command="describe", values=values)
        emoji = [b["emoji"] for b in text["buttons"]]
        assert emoji[:4] == ["1️⃣", "2️⃣", "3️⃣", "4️⃣"]

        one = next(b["token"] for b in text["buttons"] if b["emoji"] == "2️⃣")
        assert (await ann.does(token=one))["media"]
        await ann.page.act(token=button(text, "Imagine all · $0.40"))
        await ann.page.see(result("Imagine all 4"))

        assert len(ann.gateway.submits) == 6
        assert len(set(ann.prompts[2:])) == 4
