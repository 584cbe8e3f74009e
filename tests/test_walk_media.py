"""What a result can be made into, and files that are too big, as a person meets them."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from bot.sandbox import Sandbox
from core.commands.ask import TOOLS
from core.commands.chains import follow_ups
from core.messages import Media
from core.providers import catalogue, providers
from core.providers.base import Invite, Remote, Request, Result
from core.providers.midjourney import MidjourneySettings
from tests.house import running
from tests.test_inputs import photo
from tests.web_kit import browser, jar, result, way

PICTURE = ["Animate", "Edit", "Remix", "Describe", "Use as reference", "Try on"]


@pytest.fixture
async def gateway() -> Any:
    sandbox = Sandbox(pace=0.03, image_size=512)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


def labels(request: Request, found: Result, *without: str) -> list[str]:
    """The buttons that lead on, where the catalogue lacks some kinds."""
    offers = catalogue(providers(MidjourneySettings()), {})
    known = {key: offer for key, offer in offers.items() if offer.kind not in without}
    return [one.label for one in follow_ups(known, request, found) if one not in found.invites]


@pytest.mark.parametrize(
    ("kind", "found", "ways"),
    [
        ("image", Result((Remote("https://x/1.png"),)), PICTURE),
        ("image", Result((Media("a" * 64, "image/png", 9),)), PICTURE),
        ("image", Result((Remote("https://x/1.png"), Remote("https://x/2.png"))), []),
        ("image", Result((Remote("https://x/1.png"),), invites=(Invite("a", label="U1"),)), []),
        ("video", Result((Remote("https://x/1.mp4", "video"),)), []),
        ("song", Result((Remote("https://x/1.mp3", "audio"),)), []),
        ("chat", Result(text="It is blue."), ["Speak"]),
        ("transcript", Result(text="It is blue."), ["Speak"]),
        ("chat", Result(text="x" * 4097), []),
        ("chat", Result(), []),
        ("describe", Result(text="a fox"), []),
    ],
)
def test_a_result_leads_to_what_it_can_become(kind: Any, found: Result, ways: list[str]) -> None:
    """One picture to what takes one, an answer to speech, and nothing else to anything."""
    assert labels(Request("x", kind), found) == ways


def test_no_button_leads_where_no_model_is() -> None:
    """A catalogue without videos has no Animate."""
    found = Result((Remote("https://x/1.png"),))
    few = ["Edit", "Remix", "Use as reference"]
    assert labels(Request("x", "image"), found, "video", "describe", "tryon") == few
    own = Result((Remote("https://x/1.png"),), invites=(Invite("a", label="Animate (low)"),))
    assert labels(Request("x", "image"), own) == PICTURE[1:]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool["function"]["name"])
def test_whatever_a_model_may_propose_has_a_price(tool: Any) -> None:
    """Each by what the command would ask for of itself."""
    offers = catalogue(providers(MidjourneySettings()), {})
    proposed = Invite("call:0", command=tool["function"]["name"])
    (priced, *_) = follow_ups(offers, Request("x", "chat"), Result(invites=(proposed,)))
    assert priced.request is not None
    assert offers[priced.request.offer].kind == priced.request.kind


PICTURED = (Remote("https://x/1.png"),)


def test_where_a_family_has_four_rows_the_lower_one_is_left_out() -> None:
    """No platform shows more than five rows, and none is to be cut off."""
    asked = Request("x", "image", "a fox")
    rows = tuple(Invite(f"{n}", label=f"{n}", row=n) for n in range(4))
    last = ["Song about this", "Improve"]
    assert labels(asked, Result(PICTURED, invites=rows)) == PICTURE[:4]
    assert labels(asked, Result(PICTURED, invites=rows[:3])) == [*PICTURE, *last]
    assert labels(asked, Result(PICTURED * 4)) == ["Improve"]


@pytest.mark.parametrize("wide", [1, 4, 5])
@pytest.mark.parametrize("rows", range(6))
def test_the_file_s_button_has_its_place_beside_the_ways_on(rows: int, wide: int) -> None:
    """With it there are five rows at most, of five buttons at most."""
    own = tuple(Invite(f"{r}.{n}", label="x", row=r) for r in range(rows) for n in range(wide))
    offers = catalogue(providers(MidjourneySettings()), {})
    asked = Request("x", "image", "a fox")
    found = follow_ups(offers, asked, Result(PICTURED, invites=own))
    file = [8] if len(found) > len(own) else []  # its row, see `Finishing`
    drawn = Counter([*(one.row for one in found), *file])
    assert len(drawn) <= 5
    assert max(drawn.values()) <= 5


@pytest.mark.parametrize(
    ("length", "ways"), [(1000, ["Song about this", "Improve"]), (2000, ["Improve"]), (2001, [])]
)
def test_a_long_prompt_is_not_sung_about_and_a_very_long_one_not_improved(
    length: int, ways: list[str]
) -> None:
    """What a command takes is the bound of its button."""
    found = labels(Request("x", "image", "x" * length), Result(PICTURED))
    assert found == [*PICTURE, *ways]


async def test_a_picture_is_drawn_after_and_sung_about_and_worn(
    gateway: Sandbox, tmp_path: Path
) -> None:
    """As a reference of a new one, as the idea of a song, and as the person in other clothes."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/imagine a fox --model dall-e-3")
        card = await ann.see(result("Imagine"))
        after = way(card, "Use as reference")
        await ann.act(token=after["token"], values={"prompt": "a wolf"})
        await ann.see(lambda c: result("Imagine")(c) and "a wolf" in c["text"])
        assert gateway.submits[-1].body["base64Array"]
        await ann.act(token=way(card, "Song about this")["token"])
        await ann.see(result("Song"))
        assert gateway.submits[-1].body["gpt_description_prompt"] == "a fox"
        coat = io.BytesIO()
        Image.new("RGB", (320, 400), "green").save(coat, "PNG")
        _, up = await ann.upload(coat.getvalue(), "coat.png")
        await ann.act(
            token=way(card, "Try on")["token"], values={"garment": {"handle": up["handle"]}}
        )
        await ann.see(result("Try on"))


async def test_a_picture_becomes_a_film_once(gateway: Sandbox, tmp_path: Path) -> None:
    """Animate films the very picture, with a price on it; a second press shows the film."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/imagine a fox --model dall-e-3")
        card = await ann.see(result("Imagine"))
        animate = way(card, "Animate")
        assert "$" in animate["label"]
        await ann.act(token=animate["token"])
        film = await ann.see(result("Video"))
        assert [m["mime"] for m in film["media"]] == ["video/mp4"]
        assert film["media"][0]["width"] > 0
        await ann.settled()
        await ann.act(token=animate["token"])
        await ann.settled()
        assert 2 == len(gateway.submits)


async def test_a_picture_is_changed_with_every_new_wish(gateway: Sandbox, tmp_path: Path) -> None:
    """Edit asks what shall be different; the same wish twice is one job, another wish another."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/imagine a fox --model dall-e-3")
        card = await ann.see(result("Imagine"))
        edit = way(card, "Edit")
        assert edit["form"]
        for wish in ("winter", "winter", "summer"):
            await ann.act(token=edit["token"], values={"prompt": wish})
            await ann.see(lambda c, w=wish: result("Edit")(c) and w in c["text"])
            await ann.settled()
        assert 3 == len(gateway.submits)


async def test_an_answer_is_read_aloud(gateway: Sandbox, tmp_path: Path) -> None:
    """Speak under an answer gives its words as sound, without the marks."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/ask why is the sky blue?")
        card = await ann.see(lambda c: "made in the sandbox" in c["text"] and c["progress"] == -1)
        await ann.act(token=way(card, "Speak")["token"])
        spoken = await ann.see(result("Speak"))
        assert spoken["media"][0]["mime"].startswith("audio/")
        assert 2 == len(gateway.submits)


async def test_what_was_covered_stays_covered(gateway: Sandbox, tmp_path: Path) -> None:
    """A film of a covered picture is covered too."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/imagine a fox --model dall-e-3 --spoiler")
        card = await ann.see(result("Imagine"))
        animate = way(card, "Animate")
        await ann.act(token=animate["token"])
        assert (await ann.see(result("Video")))["media"][0]["spoiler"]


async def test_a_model_that_wants_addresses_gets_one(gateway: Sandbox, tmp_path: Path) -> None:
    """A signed link on the bot's own server, to a copy that tells nothing of its place."""
    web = {"listen": "127.0.0.1:0", "public_url": "https://atelier.example/bot"}
    async with (
        running(tmp_path, gateway.url, web=web) as app,
        aiohttp.ClientSession(cookie_jar=jar()) as s,
    ):
        ann = await browser(s, app.address)
        _, up = await ann.upload(photo("JPEG"), "me.jpg")
        image = {"handle": up["handle"]}
        await ann.act(text="/video it rains --model luma", values={"image": image})
        await ann.see(result("Video"))
        url = gateway.submits[-1].body["image_url"]
        path = url.removeprefix("https://atelier.example/bot")
        async with s.get(f"{app.address}{path}") as answer:
            assert answer.headers["Content-Type"] == "image/jpeg"
            with Image.open(io.BytesIO(await answer.read())) as seen:
                assert not seen.getexif()


async def test_without_a_public_address_it_is_said_what_to_do(
    gateway: Sandbox, tmp_path: Path
) -> None:
    """Nothing is sent, nothing is paid."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        _, up = await ann.upload(photo("JPEG"), "me.jpg")
        image = {"handle": up["handle"]}
        await ann.act(text="/video it rains --model luma", values={"image": image})
        told = await ann.see(lambda c: "public_url" in c["text"].replace("\\", ""))
        assert "Nothing was charged" in told["text"]
        assert not gateway.submits
