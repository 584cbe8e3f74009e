"""Midjourney's own commands: imagine, blend, describe and shorten."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from core.commands.context import Context
from core.commands.fit import request_for
from core.commands.mjprompt import Note, compose, split
from core.commands.spec import Command, Menu, Options
from core.commands.values import pack
from core.errors import BadInput
from core.i18n import mark
from core.messages import Field as Question
from core.messages import Form, Media
from core.providers.base import Offer, Request

PROMPT_LENGTH = 6000
"""Characters of a prompt; Discord's own limit for a text option."""

Version = Literal["8.1", "7", "6.1", "6", "5.2", "5.1", "5"]
Speed = Literal["fast", "relax", "turbo"]
RATIOS = ("1:1", "16:9", "9:16", "3:2", "2:3", "4:3", "3:4", "4:5", "5:4", "21:9")


class ImagineOptions(Options):
    """What `/imagine` takes; every knob becomes a Midjourney flag."""

    prompt: str = Field(
        "",
        description=mark("What to draw; Midjourney's own --flags may be typed here too"),
        max_length=PROMPT_LENGTH,
        json_schema_extra={"main": True, "passes": True},
    )
    image: list[Media] = Field(
        default_factory=list, max_length=5, description=mark("Pictures to draw from")
    )
    ar: str | None = Field(
        None,
        description=mark("Width to height, such as 16:9"),
        max_length=11,
        json_schema_extra={"suggest": list(RATIOS)},
    )
    version: Version | None = Field(None, description=mark("Midjourney's version"))
    stylize: int | None = Field(
        None, ge=0, le=1000, description=mark("How much of its own style, 0 to 1000")
    )
    chaos: int | None = Field(
        None, ge=0, le=100, description=mark("How different the four are, 0 to 100")
    )
    weird: int | None = Field(None, ge=0, le=3000, description=mark("How odd, 0 to 3000"))
    quality: str | None = Field(
        None,
        max_length=10,
        description=mark("How much work goes into it"),
        json_schema_extra={"suggest": [".5", "1", "2", "low", "medium", "high", "hd"]},
    )
    no: str | None = Field(
        None, max_length=500, description=mark("What not to draw, with commas between")
    )
    seed: int | None = Field(
        None, ge=0, le=4294967295, description=mark("A number that makes a picture repeatable")
    )
    speed: Speed | None = Field(None, description=mark("Fast, relaxed or turbo"))
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who draws; Midjourney when you leave it out"),
        json_schema_extra={"suggest": "models:image"},
    )
    count: int | None = Field(
        None, ge=1, le=9, description=mark("How many pictures, where the model can")
    )
    style: str | None = Field(
        None,
        max_length=40,
        description=mark("The model's own styles, such as vivid or realistic"),
        json_schema_extra={"suggest": "values:image:style"},
    )
    niji: Literal["7", "6", "5"] | None = Field(
        None, description=mark("Draw as Niji, the anime model, in this version")
    )
    raw: bool = Field(False, description=mark("Less of Midjourney's own taste"))
    tile: bool = Field(False, description=mark("A pattern that repeats without a seam"))
    spoiler: bool = Field(False, description=mark("Cover the pictures until they are clicked"))


PREFERRED = ("version", "ar", "stylize", "speed")
"""Options a person may have set a default for with /settings."""


async def imagine(ctx: Context, options: ImagineOptions) -> None:
    """Draw a picture, with Midjourney a 2×2 grid."""
    if not options.prompt:
        await _ask_prompt(ctx, options)
        return
    options = _named(options)
    offer = ctx.offer("image", options.model, files=len(options.image))
    make = _with_flags if offer.flags else _with_options
    request, notes = make(ctx, offer, options)
    await ctx.start(ctx.noted(request, notes), spoiler=options.spoiler)


_MODEL = re.compile(r"(?<!\S)--model(?:\s+|=)(\S+)\s*")


def _named(options: ImagineOptions) -> ImagineOptions:
    """A model that is named among the flags of the prompt is the option."""
    found = _MODEL.search(options.prompt)
    if found is None:
        return options
    prompt = _MODEL.sub("", options.prompt, count=1).strip()
    return options.model_copy(update={"prompt": prompt, "model": options.model or found[1]})


def _with_flags(
    ctx: Context, offer: Offer, options: ImagineOptions
) -> tuple[Request, Sequence[Note]]:
    """For Midjourney, whose prompt holds all there is to choose."""
    values: dict[str, Any] = options.model_dump(
        exclude={"prompt", "image", "spoiler", "model", "count"}
    )
    composed = compose(options.prompt, values, defaults=_defaults(ctx))
    asked: dict[str, Any] = {"niji": True} if composed.niji else {}
    if composed.speed:
        asked["speed"] = composed.speed
    request = Request(offer.key, "image", composed.prompt, tuple(options.image), asked)
    return request, composed.notes


def _with_options(
    ctx: Context, offer: Offer, options: ImagineOptions
) -> tuple[Request, Sequence[Note]]:
    """For models with options of their own; flags typed in the prompt are read as those."""
    text, typed = split(options.prompt)
    if not text:
        raise BadInput(mark("Say what the picture shall show, before any flags."))
    chosen = options.model_dump(exclude={"prompt", "image", "model", "spoiler"})
    given = {k: v for k, v in chosen.items() if v not in (None, False)} | typed
    if ctx.person.get("ar") and "resolution" not in given:
        given = {"ar": ctx.person["ar"]} | given
    return request_for(offer, text, given, options.image)


def _defaults(ctx: Context) -> dict[str, str]:
    return {name: ctx.person[name] for name in PREFERRED if ctx.person.get(name)}


async def _ask_prompt(ctx: Context, options: ImagineOptions) -> None:
    """Nothing to draw was said: ask for it, keeping what was given besides."""
    say = ctx.say
    question = Question(
        "prompt",
        say("What shall I draw?"),
        kind="text",
        hint=say("a fox in the rain"),
        max_length=4000,
    )
    given = options.model_dump(exclude={"prompt", "image"}, exclude_defaults=True)
    values = {name: str(value) for name, value in given.items()}
    if options.image:
        values["image"] = pack(options.image)
    await ctx.ask(Form(say("Imagine"), (question,)), values, say("What shall I draw?"))


class BlendOptions(Options):
    """What `/blend` takes."""

    image: list[Media] = Field(
        min_length=2, max_length=5, description=mark("Two to five pictures to mix")
    )
    dimensions: Literal["square", "portrait", "landscape"] = Field(
        "square", description=mark("The shape of the new picture")
    )


async def blend(ctx: Context, options: BlendOptions) -> None:
    """Mix two to five pictures into a grid."""
    shape = {"dimensions": options.dimensions.upper()}
    request = Request("mj_blend", "blend", media=tuple(options.image), options=shape)
    await ctx.start(request)


class DescribeOptions(Options):
    """What `/describe` takes."""

    image: Media = Field(description=mark("The picture to put into words"))


async def describe(ctx: Context, options: DescribeOptions) -> None:
    """Write four prompts for a picture."""
    await ctx.start(Request("mj_describe", "describe", media=(options.image,)))


class ShortenOptions(Options):
    """What `/shorten` takes."""

    prompt: str = Field(
        description=mark("The prompt to make shorter"),
        max_length=PROMPT_LENGTH,
        json_schema_extra={"main": True, "passes": True},
    )


async def shorten(ctx: Context, options: ShortenOptions) -> None:
    """Say which words of a prompt count, and propose shorter ones."""
    await ctx.start(Request("mj_shorten", "shorten", options.prompt))


COMMANDS = (
    Command(
        "imagine",
        mark("Draw four pictures from words with Midjourney"),
        ImagineOptions,
        imagine,
        menus=(Menu(mark("Imagine with this image"), "image"),),
        example="/imagine a fox in the rain --ar 3:2",
        offer="mj_imagine",
        ahead=True,
    ),
    Command(
        "blend",
        mark("Mix two to five pictures into new ones"),
        BlendOptions,
        blend,
        example="/blend --dimensions portrait",
        offer="mj_blend",
    ),
    Command(
        "describe",
        mark("Write four prompts for a picture"),
        DescribeOptions,
        describe,
        menus=(Menu(mark("Describe image"), "image"),),
        example="/describe",
        offer="mj_describe",
    ),
    Command(
        "shorten",
        mark("Find the words of a prompt that count, and shorter prompts"),
        ShortenOptions,
        shorten,
        example="/shorten a very beautiful picture of a small red fox in the rain",
        offer="mj_shorten",
        ahead=True,
    ),
)
