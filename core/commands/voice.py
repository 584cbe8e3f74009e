"""Voices: read aloud, write down, translate."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from pydantic.config import JsonDict

from core.commands.context import Context
from core.commands.fit import request_for
from core.commands.spec import Command, Menu, Options
from core.i18n import mark
from core.messages import Media

SOUNDS: JsonDict = {"accepts": ["audio/", "video/"]}


class SpeakOptions(Options):
    """What `/speak` takes."""

    text: str = Field(
        description=mark("What to read aloud"),
        max_length=4096,
        json_schema_extra={"main": True},
    )
    voice: str | None = Field(
        None,
        max_length=20,
        description=mark("Whose voice"),
        json_schema_extra={"suggest": "values:speech:voice"},
    )
    speed: float | None = Field(None, ge=0.25, le=4, description=mark("How fast, 1 is usual"))
    format: Literal["mp3", "opus", "aac", "flac", "wav"] | None = Field(
        None, description=mark("The kind of file")
    )
    tone: str | None = Field(None, max_length=300, description=mark("How it is spoken"))
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who reads"),
        json_schema_extra={"suggest": "models:speech"},
    )


async def speak(ctx: Context, options: SpeakOptions) -> None:
    """Read a text aloud."""
    wanted: dict[str, Any] = options.model_dump(exclude={"text", "model"}, exclude_none=True)
    offer = ctx.offer("speech", options.model)
    if "format" in offer.takes and not options.format:
        wanted["format"] = ctx.studio.outbox.adapter(ctx.place.platform).limits(ctx.place).voice
    request, notes = request_for(offer, options.text, wanted)
    await ctx.start(ctx.noted(request, notes))


class TranscribeOptions(Options):
    """What `/transcribe` takes."""

    sound: Media = Field(
        description=mark("A voice message, a sound or a video"),
        json_schema_extra=SOUNDS,
    )
    format: Literal["text", "srt", "vtt"] = Field(
        "text", description=mark("Plain text, or subtitles with times")
    )
    language: str | None = Field(
        None, max_length=5, description=mark("The language spoken, such as en")
    )
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who listens"),
        json_schema_extra={"suggest": "models:transcript"},
    )


async def transcribe(ctx: Context, options: TranscribeOptions) -> None:
    """Write down what is said."""
    offer = ctx.offer("transcript", options.model)
    wanted = {"format": options.format, "language": options.language}
    request, notes = request_for(offer, "", wanted, [options.sound])
    await ctx.start(ctx.noted(request, notes))


class TranslateOptions(Options):
    """What `/translate` takes."""

    sound: Media = Field(
        description=mark("A voice message, a sound or a video"),
        json_schema_extra=SOUNDS,
    )
    format: Literal["text", "srt", "vtt"] = Field(
        "text", description=mark("Plain text, or subtitles with times")
    )


async def translate(ctx: Context, options: TranslateOptions) -> None:
    """Write down in English what is said in any language."""
    offer = ctx.offer("translation", None)
    request, notes = request_for(offer, "", {"format": options.format}, [options.sound])
    await ctx.start(ctx.noted(request, notes))


COMMANDS = (
    Command(
        "speak",
        mark("Read a text aloud"),
        SpeakOptions,
        speak,
        example="/speak Good evening, and welcome! --voice nova",
        ahead=True,
    ),
    Command(
        "transcribe",
        mark("Write down what is said in a voice message, sound or video"),
        TranscribeOptions,
        transcribe,
        menus=(Menu(mark("Transcribe"), "sound"),),
        example="/transcribe",
    ),
    Command(
        "translate",
        mark("Write down in English what is said in any language"),
        TranslateOptions,
        translate,
        example="/translate",
        offer="whisper-translate",
    ),
)
