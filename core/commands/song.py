"""Songs and their words."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.commands.context import Context
from core.commands.fit import request_for
from core.commands.mjprompt import Note
from core.commands.spec import Command, Options
from core.i18n import mark
from core.messages import Field as Question
from core.messages import Form


class SongOptions(Options):
    """What `/song` takes; without anything it asks with a form."""

    idea: str = Field(
        "",
        description=mark("What the song is about; lyrics and style come by themselves"),
        max_length=1000,
        json_schema_extra={"main": True},
    )
    lyrics: str | None = Field(
        None, max_length=5000, description=mark("Your own words to sing, with [Verse] and [Chorus]")
    )
    style: str | None = Field(
        None, max_length=1000, description=mark("How it sounds, such as dreamy pop, female voice")
    )
    title: str | None = Field(None, max_length=80, description=mark("What it is called"))
    instrumental: bool = Field(False, description=mark("Nobody sings"))
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who composes it"),
        json_schema_extra={"suggest": "models:song"},
    )


async def song(ctx: Context, options: SongOptions) -> None:
    """Compose a song, in two takes."""
    if not (options.idea or options.lyrics or options.style or options.title):
        await _ask(ctx, options)
        return
    offer = ctx.offer("song", options.model)
    prompt, wanted, told = _written(options) if options.lyrics else _thought_of(options)
    request, notes = request_for(offer, prompt, wanted)
    await ctx.start(ctx.noted(request, [*told, *notes]), title=options.title or "")


Plan = tuple[str, dict[str, Any], list[Note]]
"""The text, the options, and what is said about them."""


def _written(options: SongOptions) -> Plan:
    """With words to sing: the idea is then only good for a style."""
    style = options.style or options.idea
    told: list[Note] = []
    if options.idea and options.style:
        told.append((mark("With your own lyrics the idea is not needed, so I left it out."), {}))
    wanted = {"lyrics": True, "tags": style, "title": options.title}
    return options.lyrics or "", wanted | {"instrumental": options.instrumental}, told


def _thought_of(options: SongOptions) -> Plan:
    """Without words to sing: an idea has its own written, a style alone is music without words."""
    if options.idea:
        told: list[Note] = []
        if options.title:
            told.append((mark("Songs from an idea find their own title, so I left yours out."), {}))
        prompt = f"{options.idea}. {options.style}" if options.style else options.idea
        return prompt, {"instrumental": options.instrumental}, told
    wanted = {"tags": options.style or options.title, "title": options.title}
    return "", wanted | {"instrumental": True}, []


async def _ask(ctx: Context, options: SongOptions) -> None:
    """Nothing was said: ask for lyrics, style and title; empty lyrics make it instrumental."""
    say = ctx.say
    form = Form(
        say("A new song"),
        (
            Question(
                "style", say("Style"), hint=say("such as dreamy pop, female voice"), max_length=1000
            ),
            Question(
                "lyrics",
                say("Lyrics"),
                kind="text",
                hint=say("Leave it empty for music without words"),
                required=False,
                max_length=4000,
            ),
            Question("title", say("Title"), required=False, max_length=80),
        ),
    )
    values = {"model": options.model} if options.model else {}
    if options.instrumental:
        values["instrumental"] = "true"
    await ctx.ask(form, values, say("What shall the song be like?"))


class LyricsOptions(Options):
    """What `/lyrics` takes."""

    about: str = Field(
        description=mark("What the words are about"),
        max_length=1000,
        json_schema_extra={"main": True},
    )


async def lyrics(ctx: Context, options: LyricsOptions) -> None:
    """Write the words of a song."""
    request, notes = request_for(ctx.offer("lyrics", None), options.about, {})
    await ctx.start(ctx.noted(request, notes))


COMMANDS = (
    Command(
        "song",
        mark("Compose a song from an idea, or from your own lyrics"),
        SongOptions,
        song,
        example="/song a cheerful song about a rainy Monday",
        ahead=True,
    ),
    Command(
        "lyrics",
        mark("Write the words of a song"),
        LyricsOptions,
        lyrics,
        example="/lyrics a fox who cannot sleep",
        offer="suno-lyrics",
        ahead=True,
    ),
)
