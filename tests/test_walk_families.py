"""Every other model, as a person in the browser meets it."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from bot.sandbox import Sandbox
from tests.house import running
from tests.test_walk_web import browser, gateway, jar, result  # noqa: F401


def plain(card: dict[str, str]) -> str:
    """A card's text as a person reads it."""
    return card["text"].replace("\\", "")


@pytest.mark.parametrize(
    ("words", "told", "files"),
    [
        ("/imagine a fox --model dall-e-3 --ar 16:9", "DALL·E 3", 1),
        ("/imagine a fox --model flux-schnell", "Flux Schnell", 1),
        ("/imagine a fox --model gpt-image-1 --count 2", "GPT Image", 2),
        ("/imagine a fox --model qwen", "Qwen Image", 1),
        ("/imagine a fox --model ideogram --ar 16:9 --count 2", "Ideogram 3", 2),
        ("/imagine a fox --model kling-v2-1", "Kling 2.1", 1),
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
        assert told in plain(card)
        assert len(card["media"]) == files
        assert 1 == len(gateway.submits)


async def test_a_question_is_answered_while_it_is_written(gateway: Sandbox, tmp_path: Path) -> None:
    """The answer grows, is kept whole with its price, and the next question knows of it."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text="/ask why is the sky blue?")
        card = await ann.see(lambda c: "made in the sandbox" in c["text"] and c["progress"] == -1)
        assert "question 1" in card["text"]
        assert "Continue" in [b["label"] for b in card["buttons"]]
        await ann.act(text="/ask and at night?")
        await ann.see(lambda c: "question 2" in c["text"] and c["progress"] == -1)
        await ann.act(text="/forget")
        await ann.see(lambda c: "Forgotten" in c["text"])
        await ann.act(text="/ask draw a fox")
        offered = await ann.see(lambda c: "I can draw that" in c["text"] and c["progress"] == -1)
        paid = len(gateway.submits)
        await ann.act(token=next(b["token"] for b in offered["buttons"] if b["label"] == "Draw it"))
        await ann.see(result("Imagine"))
        assert paid + 1 == len(gateway.submits)


@pytest.mark.parametrize(
    ("words", "told", "mime", "files"),
    [
        ("/video a boat on a river --model kling-v1-6", "Kling 1.6", "video/mp4", 1),
        ("/video a boat wrapped", "Kling", "video/mp4", 1),
        ("/video a boat --model luma", "Luma", "video/mp4", 1),
        ("/video a boat --model pika-1.5", "Pika", "video/mp4", 1),
        ("/song a cheerful song about rain", "Suno 5", "audio/mpeg", 2),
        ("/speak Good evening!", "GPT voice", "audio/mpeg", 1),
    ],
)
async def test_films_songs_and_voices(
    gateway: Sandbox, tmp_path: Path, words: str, told: str, mime: str, files: int
) -> None:
    """They arrive as what they are, paid for once."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text=words)
        card = await ann.see(lambda c: c["media"] and told in plain(c) and c["progress"] == -1)
        assert [m["mime"] for m in card["media"]] == [mime] * files
        assert 1 == len(gateway.submits)
