"""Questions to language models, as a person in the browser meets them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox import Sandbox, clips
from tests.house import running
from tests.pictures import picture
from tests.web_kit import browser, button, jar


@pytest.fixture
async def gateway() -> Any:
    sandbox = Sandbox(pace=0.03, image_size=128)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


def plain(card: dict[str, Any]) -> str:
    """A card's text as a person reads it."""
    return str(card["text"]).replace("\\", "").replace("*", "")


def final(*words: str) -> Any:
    """A card that is no progress and says these words."""
    return lambda c: c["progress"] == -1 and all(word in plain(c) for word in words)


@pytest.mark.parametrize(
    ("words", "told", "paid"),
    [
        (
            "/ask hello --model claude-haiku-4-5",
            ["claude-haiku-4-5 here", "1 + 33 tokens", "$0.0002"],
            1,
        ),
        ("/ask hello --answers 2", ["1.", "2.", "GPT-4.1-MINI"], 1),
        ("/ask a cutoff story", ["You asked", "broke off here"], 1),
        ("/ask a midfault story", ["You asked", "broke off here"], 1),
        ("/ask a toolong story", ["may be no longer"], 1),
        ("/ask a filtered story", ["filter ended"], 1),
        ("/ask draw a badjson fox", ["I can draw", "nobody can read"], 1),
        ("/ask a cutearly story", ["may have cost"], 1),
        ("/ask a lostanswer story", ["may have cost"], 1),
        ("/ask a moderated story", ["turned this down", "Nothing was charged"], 0),
        ("/ask a fail story", ["fell over", "Nothing was charged"], 0),
        ("/ask", ["Ask something"], 0),
        ("/ask hello --model nobody", ["no model nobody"], 0),
        ("/ask hello --answers 9", ["1 to 4"], 0),
        ("/ask hello --model claude-haiku-4-5 --answers 2", ["has no --count"], 1),
        ("/ask " + "x" * 6001, ["too long"], 0),
        ("/prompt a fox", ["at dawn", "as a woodcut"], 1),
        ("/prompt a badjson fox", ["not in the form asked for", "It cost <$0.0001"], 1),
        ("/complete Once upon a time", ["and so it went on"], 1),
        ("/complete nulls", ["no answer", "It cost"], 1),
        ("/why nothing", ["no job"], 0),
        ("/imagine a inwords fox --model gemini", ["words instead", "describe it"], 1),
    ],
)
async def test_what_is_said(
    gateway: Sandbox, tmp_path: Path, words: str, told: list[str], paid: int
) -> None:
    """Each answer, and each mishap, is told in clear words, and paid for once or not at all."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text=words)

        assert await ann.see(final(*told))
        assert paid == len(gateway.submits)


async def test_an_answer_grows_and_a_stop_keeps_what_there_is(
    gateway: Sandbox, tmp_path: Path
) -> None:
    """Stop ends it at once, also while the model says nothing."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/ask a stall story")
        card = await ann.see(lambda c: c["progress"] >= 0 and "here" in c["text"])
        await ann.act(token=button(card, "Stop"))
        kept = await ann.see(final("gpt-4.1-mini here", "You stopped the answer here"))

        assert "Continue" in [b["label"] for b in kept["buttons"]]
        assert 1 == len(gateway.submits)


async def test_a_crash_while_an_answer_grows_leaves_it_unsure(
    gateway: Sandbox, tmp_path: Path
) -> None:
    """The next start says so and asks nothing again."""
    async with aiohttp.ClientSession(cookie_jar=jar()) as s:
        async with running(tmp_path, gateway.url) as app:
            ann = await browser(s, app.address)
            await ann.act(text="/ask a stall story")
            await ann.see(lambda c: "▌" in c["text"])
        async with running(tmp_path, gateway.url) as app:
            ann = await browser(s, app.address)
            await ann.see(final("may have cost"))

        assert 1 == len(gateway.submits)


async def test_reasoning_is_folded_behind_a_button(gateway: Sandbox, tmp_path: Path) -> None:
    """The answer comes without it, a press shows it."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/ask one that thinks")
        card = await ann.see(final("made in the sandbox"))
        assert "First I look" not in card["text"]
        await ann.act(token=button(card, "Show reasoning"))
        await ann.see(final("First I look at the question"))


async def test_a_very_long_answer_comes_as_a_file_too(gateway: Sandbox, tmp_path: Path) -> None:
    """All of it is in the message, and in the file."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/ask an essay please")
        card = await ann.see(final("Part 1", "Part 63"))

        (file,) = card["media"]
        assert file["mime"] == "text/markdown"
        async with s.get(f"{app.address}{file['url']}") as answer:
            assert "## Part 63" in await answer.text()


async def test_one_of_several_answers_goes_on(gateway: Sandbox, tmp_path: Path) -> None:
    """The picked one is what the next question knows of."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/ask hello --answers 2")
        card = await ann.see(final("GPT-4.1-MINI"))
        await ann.act(token=button(card, "2"), values={"prompt": "and now?"})
        await ann.see(final("and now?", "question 2"))

        last = gateway.submits[-1].body["messages"]
        assert last[-2]["role"] == "assistant"
        assert "GPT-4.1-MINI" in last[-2]["content"]


async def test_a_prompt_is_improved_from_its_picture(gateway: Sandbox, tmp_path: Path) -> None:
    """Three better ones, without the flags, each one press away."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/imagine a fox --model flux-schnell --ar 16:9")
        drawn = await ann.see(lambda c: c["media"] and c["progress"] == -1)
        await ann.act(token=button(drawn, "Improve"))
        better = await ann.see(final("a fox, at dawn", "a fox, as a woodcut"))
        await ann.act(token=button(better, "2"))
        await ann.see(lambda c: c["media"] and "a fox, as a woodcut" in plain(c))

        assert 3 == len(gateway.submits)


async def test_pictures_and_voices_go_along(gateway: Sandbox, tmp_path: Path) -> None:
    """Several pictures, or a voice message as phones record it; an answer aloud has its words."""
    voice = await asyncio.to_thread(clips.speech, "hello there", 7, "opus")
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        handles = [{"handle": (await ann.upload(picture()))[1]["handle"]} for _ in range(2)]
        await ann.act(text="/ask what is this?", values={"image": handles})
        await ann.see(final("I see 2 picture(s)"))

        sound = {"handle": (await ann.upload(voice, "voice.oga"))[1]["handle"]}
        await ann.act(text="/ask --voice", values={"sound": sound})
        card = await ann.see(lambda c: c["media"] and "I heard 1 sound" in plain(c))
        assert card["media"][0]["mime"] == "audio/mpeg"

        await ann.act(text="/ask look --voice", values={"image": handles})
        await ann.see(final("hear and speak see no pictures"))
        await ann.act(text="/ask hello --voice --model claude-haiku-4-5")
        await ann.see(final("needs a model that hears and speaks"))


@pytest.mark.parametrize("form", ["", "inlist", "inparts", "heavy"])
async def test_geminis_pictures(gateway: Sandbox, tmp_path: Path, form: str) -> None:
    """In whatever form they come, ten megabytes of it as well."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text=f"/imagine a {form} fox --model gemini")
        card = await ann.see(lambda c: c["media"] and "Gemini image" in plain(c))

        assert [m["mime"] for m in card["media"]] == ["image/png"]
        assert "base64" not in card["text"]
