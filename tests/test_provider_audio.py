"""Speech: what is asked, and how sounds, words and subtitles read."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import (
    BadInput,
    Busy,
    Garbled,
    GatewayError,
    Moderated,
    Refused,
    Spent,
    Unreachable,
)
from core.messages import Media
from core.providers.audio import SILENCE, Audio, spoken
from core.providers.base import Request, Result, Written
from core.wire import Answer, Blob

audio = Audio()
VOICE = Media("a" * 64, "audio/ogg", 9, name="voice.oga")
MP3 = Media("b" * 64, "audio/mpeg", 9)
SRT = (
    "1\n00:00:00,000 --> 00:00:02,000\nHello there.\n\n2\n00:00:02,000 --> 00:00:03,500\nAnd you?\n"
)
VTT = "WEBVTT\n\n00:00.000 --> 00:02.000\nHello there.\n\n00:02.000 --> 00:03.500\nAnd you?\n"


def speak(text: str = "Hi", offer: str = "gpt-4o-mini-tts", **options: Any) -> Request:
    return Request(offer, "speech", text, options=options)


def hear(sound: Media = VOICE, kind: Any = "transcript", **options: Any) -> Request:
    return Request("whisper-1", kind, "", (sound,), options)


def read(request: Request, body: Any, status: int = 200) -> Result:
    found = audio.accept(request, Answer(status, body))
    assert isinstance(found, Result)
    return found


def test_a_text_to_read_aloud() -> None:
    """JSON, whose good answer is a file."""
    call = audio.call(speak(voice="nova", speed="1.5", format="opus", tone="Cheerful"))

    assert (call.path, call.binary) == ("/v1/audio/speech", True)
    assert call.json == {
        "model": "gpt-4o-mini-tts",
        "input": "Hi",
        "voice": "nova",
        "response_format": "opus",
        "speed": 1.5,
        "instructions": "Cheerful",
    }


def test_what_is_read_aloud_by_itself() -> None:
    """A voice and a kind of file are always said; nothing else is."""
    call = audio.call(speak(offer="tts-1"))

    assert call.json == {
        "model": "tts-1",
        "input": "Hi",
        "voice": "alloy",
        "response_format": "mp3",
    }


@pytest.mark.parametrize(
    ("mime", "name"),
    [
        ("audio/ogg", "sound.ogg"),
        ("audio/mpeg", "sound.mp3"),
        ("audio/mp4", "sound.m4a"),
        ("audio/wav", "sound.wav"),
        ("audio/flac", "sound.flac"),
        ("video/mp4", "sound.mp4"),
        ("video/webm", "sound.webm"),
    ],
)
def test_a_sound_gets_an_ending_that_is_taken(mime: str, name: str) -> None:
    """A voice note called `.oga` would be refused."""
    call = audio.call(hear(Media("c" * 64, mime, 9, name="voice.oga")))

    assert isinstance(call.json["file"], Blob)
    assert (call.json["file"].form, call.json["file"].media.name) == ("file", name)


def test_a_transcript_is_asked_for() -> None:
    """JSON is the default and not named; subtitles and the language are."""
    plain = audio.call(hear(format="text", model="whisper-1"))
    srt = audio.call(hear(format="srt", language="en", hint="Atelier", model="whisper-1"))

    assert (plain.path, plain.words) == ("/v1/audio/transcriptions", True)
    assert set(plain.json) == {"model", "file"}
    fields = ("response_format", "language", "prompt")
    assert [srt.json[name] for name in fields] == ["srt", "en", "Atelier"]


def test_a_translation_has_its_own_path() -> None:
    """By the same model."""
    request = Request("whisper-translate", "translation", "", (VOICE,), {"model": "whisper-1"})
    call = audio.call(request)

    assert (call.path, call.json["model"]) == ("/v1/audio/translations", "whisper-1")


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (speak("  "), "read aloud"),
        (Request("whisper-1", "transcript"), "Send a voice message"),
        (hear(Media("d" * 64, "image/png", 9)), "no sound"),
        (hear(Media("d" * 64, "audio/aac", 9)), "no sound"),
        (hear(Media("d" * 64, "audio/mpeg", 26_000_000)), "too big"),
    ],
)
def test_what_cannot_work_costs_nothing(request_: Request, told: str) -> None:
    """One clear sentence before money moves."""
    with pytest.raises(BadInput) as caught:
        audio.call(request_)

    assert told in str(caught.value)


def test_a_sound_is_spoken_words() -> None:
    """It is shown as a voice message where there are any."""
    (media,) = read(speak(), MP3).media

    assert isinstance(media, Media)
    assert (media.hash, media.voice) == (MP3.hash, True)


@pytest.mark.parametrize("body", [{"text": " Hello there. "}, "Hello there.\n"])
def test_words_come_as_json_or_plain(body: Any) -> None:
    """Whatever was asked for."""
    assert read(hear(), body).text == "Hello there."


@pytest.mark.parametrize(("form", "body"), [("srt", SRT), ("vtt", VTT), ("srt", {"text": SRT})])
def test_subtitles_are_a_file_with_their_words_beside(form: str, body: Any) -> None:
    """The file is as it came, the message can be read."""
    result = read(hear(format=form), body)

    words = body if isinstance(body, str) else body["text"]
    assert result.media == (Written(words, form),)
    assert result.text == "Hello there.\nAnd you?"


@pytest.mark.parametrize(
    "body",
    [{"text": ""}, {"text": "  \n"}, "", "WEBVTT\n\n", "1\n00:00:00,000 --> 00:00:02,000\n\n"],
)
def test_silence_is_said(body: Any) -> None:
    """It is a result, for listening was paid for."""
    result = read(hear(format="srt"), body)

    assert (result.media, result.text) == ((), "")
    assert result.facts["remarks"] == [SILENCE]


def test_words_of_subtitles() -> None:
    """Numbers and times are left out, also with Windows' ends of lines."""
    assert spoken(SRT.replace("\n", "\r\n")) == "Hello there.\nAnd you?"


@pytest.mark.parametrize(
    ("request_", "status", "body", "kind", "spent"),
    [
        (
            speak(),
            400,
            {"error": {"message": "x", "code": "content_policy_violation"}},
            Moderated,
            Spent.NO,
        ),
        (speak(), 429, {"error": {"message": "当前分组上游负载已饱和"}}, Busy, Spent.NO),
        (speak(), 200, {}, Garbled, Spent.UNKNOWN),
        (speak(), 200, "<html>hm</html>", Garbled, Spent.UNKNOWN),
        (speak(), 200, Media("e" * 64, "image/png", 9), Garbled, Spent.UNKNOWN),
        (hear(), 200, {"task": "transcribe"}, Garbled, Spent.UNKNOWN),
        (hear(), 200, "<html>hm</html>", Garbled, Spent.UNKNOWN),
        (hear(), 504, "<html>hm</html>", Unreachable, Spent.UNKNOWN),
        (hear(), 413, {"error": {"message": "too large"}}, Refused, Spent.NO),
    ],
)
def test_refusals(
    request_: Request, status: int, body: Any, kind: type[GatewayError], spent: Spent
) -> None:
    """Errors are JSON or a page; neither is ever taken for a sound or for words."""
    with pytest.raises(kind) as caught:
        read(request_, body, status)

    assert caught.value.spent is spent
