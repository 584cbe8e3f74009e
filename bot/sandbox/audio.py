"""The fake of speech: read aloud, write down, translate.

What is written down is made up from the length of the sound; a file called a silence is one.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping

from aiohttp import web

from bot.sandbox import clips
from bot.sandbox.answers import DroppedError, RefusedError, json_answer, openai_error
from bot.sandbox.forms import form_of
from bot.sandbox.ground import VISIT, Ground
from bot.sandbox.magic import words_in

_VOICES = frozenset(
    ["alloy", "echo", "fable", "onyx", "nova", "shimmer", "ash", "ballad", "coral", "sage", "verse"]
)
_ENDINGS = re.compile(r"\.(flac|mp3|mp4|mpeg|mpga|m4a|ogg|wav|webm)$")
_HEARD = "Hello, this is what was said in the sandbox."


class Audio:
    """Everything under `/v1/audio`."""

    submit = re.compile(r"^/v1/audio/")
    public = re.compile(r"(?!)")
    prices: Mapping[str, float] = {
        "tts-1": 0.015,
        "tts-1-hd": 0.03,
        "gpt-4o-mini-tts": 0.015,
        "whisper-1": 0.02,
        "gpt-4o-transcribe": 0.02,
        "gpt-4o-mini-transcribe": 0.01,
    }

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._made = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """The three calls."""
        yield web.post("/v1/audio/speech", self._speak)
        yield web.post("/v1/audio/transcriptions", self._write)
        yield web.post("/v1/audio/translations", self._write)

    def _charge(self, request: web.Request, model: str) -> None:
        if model not in self.prices:
            raise RefusedError(openai_error(503, f"no available channel for model {model}"))
        self._made += 1
        self._ground.charge(request, f"audio-{self._made}", self.prices[model], starts=True)

    async def _speak(self, request: web.Request) -> web.Response:
        body = request[VISIT].json
        if not isinstance(body, dict) or not str(body.get("input") or "").strip():
            raise RefusedError(_bad("input is required"))
        text, form = str(body["input"]), str(body.get("response_format") or "mp3")
        if len(text) > 4096:
            raise RefusedError(_bad("input is too long"))
        if body.get("voice") not in _VOICES or form not in clips.MIMES:
            raise RefusedError(_bad("voice or response_format"))
        self._charge(request, str(body.get("model")))
        if "lostanswer" in words_in(text):
            raise DroppedError
        data = await asyncio.to_thread(clips.speech, text, len(text), form)
        return web.Response(body=data, content_type=clips.MIMES[form])

    async def _write(self, request: web.Request) -> web.Response:
        form, files = await form_of(request)
        file = next(iter(files.get("file", ())), None)
        if file is None or not _ENDINGS.search(file.name):
            raise RefusedError(_bad("file is required, with an ending that is known"))
        self._charge(request, str(form.get("model")))
        await asyncio.sleep(2.0 * self._ground.pace)
        size = len(file.data)
        text = f"{_HEARD} It has {size} bytes." if size > 1000 else ""
        match form.get("response_format"):
            case "srt":
                srt = f"1\n00:00:00,000 --> 00:00:02,000\n{text}\n"
                return web.Response(text=srt, content_type="text/plain")
            case "vtt":
                vtt = f"WEBVTT\n\n00:00.000 --> 00:02.000\n{text}\n"
                return web.Response(text=vtt, content_type="text/plain")
        return json_answer({"text": text})


def _bad(message: str) -> web.Response:
    return openai_error(400, message, kind="invalid_request_error")
