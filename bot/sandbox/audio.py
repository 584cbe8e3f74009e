"""The fake of speech: read aloud, write down, translate.

What is written down tells how long something was to be heard; of a silence there is nothing.
"""

import asyncio
import io
import re
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import clips, instant
from bot.sandbox.answers import RefusedError, json_answer, openai_error
from bot.sandbox.forms import form_of
from bot.sandbox.ground import VISIT, Ground
from bot.sandbox.magic import words_in
from bot.sandbox.works import seed_of

_OLDER = frozenset(["alloy", "echo", "fable", "onyx", "nova", "shimmer"])
_VOICES = _OLDER | {"ash", "ballad", "coral", "sage", "verse"}
_SPEECH = frozenset({"model", "input", "voice", "response_format", "speed", "instructions"})
_ENDINGS = re.compile(r"\.(flac|mp3|mp4|mpeg|mpga|m4a|ogg|wav|webm)$")
_HEARD = 25 * 1024 * 1024
_RATE = 16_000
_QUIET = 400
"""Of 65,536: what varies less is silence."""


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
        text, model = str(body["input"]), str(body.get("model") or "")
        words, form = words_in(text), str(body.get("response_format") or "mp3")
        _check_speech(body, model, form)
        _refuse(words)
        self._charge(request, model)
        await instant.work(self._ground, words, 1.0)
        if "nulls" in words:
            return json_answer({})
        if "notimage" in words:
            return web.Response(text="<!DOCTYPE html><title>Hm</title>", content_type="text/html")
        data = await asyncio.to_thread(clips.speech, text, seed_of(text), form)
        return web.Response(body=data, content_type=clips.MIMES[form])

    async def _write(self, request: web.Request) -> web.Response:
        form, files = await form_of(request)
        file = next(iter(files.get("file", ())), None)
        if file is None or not _ENDINGS.search(file.name):
            raise RefusedError(_bad("file is required, with an ending that is known"))
        if len(file.data) > _HEARD:
            raise RefusedError(openai_error(413, "file is larger than 25 MB"))
        model = str(form.get("model"))
        _check_form(form, model, translates=request.path.endswith("translations"))
        self._charge(request, model)
        await asyncio.sleep(2.0 * self._ground.pace)
        seconds = await asyncio.to_thread(_spoken_seconds, file.data)
        return _transcript(form.get("response_format", "json"), seconds)


def _transcript(form: str, seconds: float) -> web.Response:
    """What is heard in so many seconds of speech; nothing in none."""
    said = [f"This is what was said, for about {seconds:.0f} seconds.", "Then it was quiet again."]
    said = said if seconds else []
    times = [f"00:00:0{n},000 --> 00:00:0{n + 1},000" for n in range(len(said))]
    rows = [f"{time}\n{words}\n" for time, words in zip(times, said, strict=True)]
    match form:
        case "srt":
            text = "\n".join(f"{number}\n{row}" for number, row in enumerate(rows, 1))
            return web.Response(text=text, content_type="text/plain")
        case "vtt":
            text = "\n".join(["WEBVTT\n", *(row.replace(",", ".") for row in rows)])
            return web.Response(text=text, content_type="text/plain")
        case "text":
            return web.Response(text=" ".join(said) + "\n", content_type="text/plain")
    return json_answer({"text": " ".join(said)})


def _spoken_seconds(data: bytes) -> float:
    """How long something is to be heard in a sound or a video."""
    import av

    loud, resampler = 0.0, av.AudioResampler("s16", "mono", _RATE)
    try:
        with av.open(io.BytesIO(data), "r") as container:
            for frame in container.decode(audio=0):
                for part in resampler.resample(frame):
                    samples = array("h", bytes(part.planes[0])[: 2 * part.samples])
                    if max(samples) - min(samples) > _QUIET:
                        loud += part.samples / _RATE
    except (OSError, ValueError, IndexError):
        raise RefusedError(_bad("Invalid file format.")) from None
    return loud


def _check_speech(body: Mapping[str, Any], model: str, form: str) -> None:
    if unknown := set(body) - _SPEECH:
        raise RefusedError(_bad(f"unknown parameter: {min(unknown)}"))
    if len(str(body["input"])) > 4096:
        raise RefusedError(_bad("input is too long"))
    voices = _VOICES if model == "gpt-4o-mini-tts" else _OLDER
    if body.get("voice") not in voices or form not in clips.MIMES:
        raise RefusedError(_bad("voice or response_format"))
    speed = body.get("speed", 1.0)
    if not isinstance(speed, int | float) or not 0.25 <= speed <= 4:
        raise RefusedError(_bad("speed goes from 0.25 to 4"))
    if "instructions" in body and model != "gpt-4o-mini-tts":
        raise RefusedError(_bad("instructions is not supported by this model"))


def _check_form(form: Mapping[str, str], model: str, *, translates: bool) -> None:
    fields = {"model", "prompt", "response_format", "temperature"}
    if unknown := set(form) - (fields if translates else fields | {"language"}):
        raise RefusedError(_bad(f"unknown parameter: {min(unknown)}"))
    written = {"json", "text"} if model != "whisper-1" else {"json", "text", "srt", "vtt"}
    if form.get("response_format", "json") not in written:
        raise RefusedError(_bad("response_format is not supported by this model"))
    if not re.fullmatch(r"([a-z]{2})?", form.get("language", "")):
        raise RefusedError(_bad("language must be ISO-639-1"))


def _refuse(words: frozenset[str]) -> None:
    """Refusals that cost nothing."""
    if words & {"banned", "moderated"}:
        kind, code = "invalid_request_error", "content_policy_violation"
        raise RefusedError(openai_error(400, "flagged by safety", kind=kind, code=code))
    if "fail" in words:
        message = "the speaker lost its voice: **@everyone** see https://example.com/why"
        raise RefusedError(openai_error(400, message, kind="upstream_error"))
    if "saturated" in words:
        raise RefusedError(openai_error(429, "当前分组上游负载已饱和，请稍后再试"))


def _bad(message: str) -> web.Response:
    return openai_error(400, message, kind="invalid_request_error")
