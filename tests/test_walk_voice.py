"""Voices: read aloud, written down, translated, as a person in the browser meets them."""

from __future__ import annotations

from array import array
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox import Sandbox, clips
from tests.house import running
from tests.pictures import picture
from tests.test_walk_ask import final, gateway, plain  # noqa: F401
from tests.web_kit import browser, jar


@pytest.fixture(scope="module")
def sounds() -> dict[str, bytes]:
    """Files a person may send, made once."""
    return {
        "voice": clips.speech("hello there everybody", 3, "opus"),
        "silence": clips.encoded(array("h", bytes(2 * 22_050)), "mp3"),
        "film": clips.video("a boat", 1, 1, 1.0),
        "picture": picture(),
    }


@pytest.mark.parametrize(
    ("words", "told", "mime", "paid"),
    [
        ("/speak Good evening! --format opus --voice nova", "GPT voice", "audio/ogg", 1),
        ("/speak Good evening! --model tts-1 --tone happy", "has no --tone", "audio/mpeg", 1),
        ("/speak Good evening! --voice nobody", "takes alloy", "", 0),
        ("/speak Good evening! --speed 9", "0.25 to 4", "", 0),
        ("/speak " + "x" * 4097, "4096", "", 0),
        ("/speak", "What to read aloud", "", 0),
        ("/speak a moderated word", "Nothing was charged", "", 0),
        ("/speak a fail word", "Nothing was charged", "", 0),
        ("/speak a lostanswer word", "may have cost", "", 1),
        ("/speak notimage", "may have cost", "", 1),
        ("/speak nulls", "may have cost", "", 1),
        ("/transcribe", "Send a file", "", 0),
    ],
)
async def test_what_is_said(
    gateway: Sandbox,
    tmp_path: Path,
    words: str,
    told: str,
    mime: str,
    paid: int,
) -> None:
    """Sounds play; mistakes get one clear sentence and cost what was spent."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        await ann.act(text=words)
        card = await ann.see(final(told))

        assert [m["mime"] for m in card["media"]] == ([mime] if mime else [])
        assert paid == len(gateway.submits)


@pytest.mark.parametrize(
    ("words", "file", "told", "mimes", "paid"),
    [
        ("/transcribe", "voice", "This is what was said", [], 1),
        ("/transcribe --model gpt-4o-transcribe", "voice", "This is what was said", [], 1),
        ("/transcribe --format srt", "voice", "quiet again", ["application/x-subrip"], 1),
        ("/translate --format vtt", "voice", "quiet again", ["text/vtt"], 1),
        ("/transcribe --format srt", "silence", "I heard nothing", [], 1),
        ("/transcribe", "picture", "of no use here", [], 0),
        ("/transcribe --model gpt-4o-transcribe --format srt", "voice", "takes text", [], 0),
    ],
)
async def test_what_is_heard(
    gateway: Sandbox,
    tmp_path: Path,
    sounds: dict[str, bytes],
    words: str,
    file: str,
    told: str,
    mimes: list[str],
    paid: int,
) -> None:
    """Words as text, subtitles as a file with their words beside, silence as what it is."""
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        handle = {"handle": (await ann.upload(sounds[file], "voice.oga"))[1]["handle"]}
        await ann.act(text=words, values={"sound": handle})
        card = await ann.see(final(told))

        assert [m["mime"] for m in card["media"]] == mimes
        assert paid == len(gateway.submits)
