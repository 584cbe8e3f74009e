"""Speech in OpenAI's format: read aloud, write down, translate, through `/v1/audio`.

A good answer to speech is the sound itself; to a transcript, JSON or plain text by what was asked
for. Pure. `Request.options` it reads, all optional: model, voice, speed, format, tone (how it is
spoken), language, hint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.errors import BadInput, Garbled
from core.i18n import mark
from core.messages import Media
from core.providers.base import Family, Offer, Request, Result, Ticket, Waiting, Written
from core.providers.fields import object_of, text_of
from core.wire import Answer, Blob, Call, Json, refusal

FAMILY = "audio"
SPEECH, TRANSCRIPT, TRANSLATION = (
    "/v1/audio/speech",
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
)
SECONDS = 170.0
SPOKEN = 4096
"""Characters that are read aloud at a time."""
HEARD = 25_000_000
"""Bytes of a sound that is written down."""

VOICES = ("alloy", "echo", "fable", "onyx", "nova", "shimmer")
NEWER = (*VOICES, "ash", "ballad", "coral", "sage", "verse")
FORMATS = ("mp3", "opus", "aac", "flac", "wav")
WRITTEN = ("text", "srt", "vtt")

ENDINGS: Mapping[str, str] = {
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
    "audio/flac": "flac",
    "audio/webm": "webm",
    "video/mp4": "mp4",
    "video/webm": "webm",
}
"""What a file must be called: a name with an ending nobody knows, such as `.oga`, is refused."""


def _voice(key: str, title: str, price: float, voices: tuple[str, ...], *more: str) -> Offer:
    takes = {"voice": voices, "speed": (), "format": FORMATS, **dict.fromkeys(more, ())}
    return Offer(
        key, FAMILY, "speech", title, price, takes=takes, longest=SPOKEN, sync=True, typical=5.0
    )


def _ear(key: str, title: str, price: float, *written: str) -> Offer:
    return Offer(
        key,
        FAMILY,
        "transcript",
        title,
        price,
        takes={"format": written or ("text",), "language": (), "hint": ()},
        media=(1, 1),
        sync=True,
        typical=15.0,
    )


OFFERS: tuple[Offer, ...] = (
    _voice("gpt-4o-mini-tts", "GPT voice", 0.015, NEWER, "tone"),
    _voice("tts-1", "TTS", 0.015, VOICES),
    _voice("tts-1-hd", "TTS HD", 0.03, VOICES),
    _ear("whisper-1", "Whisper", 0.02, *WRITTEN),
    _ear("gpt-4o-transcribe", "GPT transcript", 0.02),
    _ear("gpt-4o-mini-transcribe", "GPT mini transcript", 0.01),
    Offer(
        "whisper-translate",
        FAMILY,
        "translation",
        "Whisper",
        0.02,
        model="whisper-1",
        takes={"format": WRITTEN, "hint": ()},
        media=(1, 1),
        sync=True,
        typical=15.0,
    ),
)
"""Prices are the vendor's for a thousand characters read, or three minutes written down; `[models]`
sets the gateway's."""


class Audio(Family):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    offers: Sequence[Offer] = OFFERS

    def call(self, request: Request) -> Call:
        """The call. Raises `BadInput`."""
        model = text_of(request.options.get("model")) or request.offer
        keys = (request.offer, model)
        if request.kind == "speech":
            body = _speech(request, model)
            return Call("POST", SPEECH, FAMILY, body, SECONDS, most=HEARD, keys=keys, binary=True)
        path = TRANSCRIPT if request.kind == "transcript" else TRANSLATION
        return Call("POST", path, FAMILY, _heard(request, model), SECONDS, keys=keys, words=True)

    def accept(self, request: Request, answer: Answer) -> Ticket | Waiting | Result:
        """The sound or the words. Raises a `GatewayError`."""
        if isinstance(answer.body, Media):
            if not answer.body.mime.startswith("audio/"):
                raise Garbled(detail=f"speech is {answer.body.mime}")
            return Result((replace(answer.body, voice=True),))
        if request.kind != "speech" and _is_plain(answer):
            return _written(request, answer.body)
        if error := refusal(answer):
            raise error
        if request.kind == "speech":
            raise Garbled(detail="speech came as JSON")
        text = object_of(answer.body).get("text")
        if not isinstance(text, str):
            raise Garbled(detail="a transcript without its text")
        return _written(request, text)


def _speech(request: Request, model: str) -> dict[str, Json]:
    if not request.prompt.strip():
        raise BadInput(mark("Say what shall be read aloud."))
    options = request.options
    body: dict[str, Json] = {
        "model": model,
        "input": request.prompt,
        "voice": text_of(options.get("voice")) or VOICES[0],
        "response_format": text_of(options.get("format")) or "mp3",
    }
    if speed := options.get("speed"):
        body["speed"] = float(speed)
    if tone := text_of(options.get("tone")):
        body["instructions"] = tone
    return body


def _heard(request: Request, model: str) -> dict[str, Json]:
    if not request.media:
        raise BadInput(mark("Send a voice message, a sound or a video to write down."))
    sound = request.media[0]
    ending = ENDINGS.get(sound.mime)
    if ending is None:
        raise BadInput(mark("That is no sound or video that can be written down."))
    if sound.size > HEARD:
        raise BadInput(
            mark("That is too big to write down: {size} MB, at most {most} MB can be used."),
            size=sound.size // 1_000_000,
            most=HEARD // 1_000_000,
        )
    options = request.options
    body: dict[str, Json] = {
        "model": model,
        "file": Blob(replace(sound, name=f"sound.{ending}"), "file"),
    }
    written = text_of(options.get("format"))
    if written and written != "text":
        body["response_format"] = written
    if language := text_of(options.get("language")):
        body["language"] = language
    if hint := text_of(options.get("hint")):
        body["prompt"] = hint
    return body


SILENCE = mark("I heard nothing: nobody speaks in this.")
_TIMED = re.compile(r"\d+:\d\d[.,]\d{3} +-->")


def _is_plain(answer: Answer) -> bool:
    """Whether it is words as they are, not JSON and not a page for people."""
    words = answer.body
    return (
        200 <= answer.status < 300 and isinstance(words, str) and not words.lstrip().startswith("<")
    )


def _written(request: Request, words: str) -> Result:
    """What was heard; silence is a normal outcome too, and was paid for. Subtitles are a file."""
    form, plain = text_of(request.options.get("format")), spoken(words)
    if not plain:
        return Result(text="", facts={"remarks": [SILENCE]})
    if form in ("srt", "vtt") and _TIMED.search(words):
        return Result((Written(f"{words.strip()}\n", form),), plain)
    return Result(text=plain)


def spoken(words: str) -> str:
    """The words of a transcript or of subtitles, without numbers and times."""
    if not _TIMED.search(words):
        return "" if words.strip() == "WEBVTT" else words.strip()
    found: list[str] = []
    for block in re.split(r"\n[ \t]*\n", words.replace("\r\n", "\n")):
        lines = block.strip().split("\n")
        at = next((n for n, line in enumerate(lines) if _TIMED.search(line)), None)
        if at is not None:
            found += [line.strip() for line in lines[at + 1 :]]
    return "\n".join(line for line in found if line)
