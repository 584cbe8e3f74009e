"""Midjourney's own commands: imagine, blend and describe."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from core.commands.context import Context, pack
from core.commands.mjprompt import compose
from core.commands.spec import Command, Menu, Options
from core.i18n import mark
from core.messages import Field as Question
from core.messages import Form, Media
from core.providers.base import Request

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
    quality: Literal[".25", ".5", "1", "2", "4"] | None = Field(
        None, description=mark("How much work goes into it")
    )
    no: str | None = Field(
        None, max_length=500, description=mark("What not to draw, with commas between")
    )
    seed: int | None = Field(
        None, ge=0, le=4294967295, description=mark("The same seed starts from the same noise")
    )
    speed: Speed | None = Field(None, description=mark("Fast, relaxed or turbo"))
    niji: Literal["7", "6", "5"] | None = Field(
        None, description=mark("Draw as Niji, the anime model, in this version")
    )
    raw: bool = Field(False, description=mark("Less of Midjourney's own taste"))
    tile: bool = Field(False, description=mark("A pattern that repeats without a seam"))
    spoiler: bool = Field(False, description=mark("Cover the pictures until they are clicked"))


PREFERRED = ("version", "ar", "stylize", "speed")
"""Options a person may have set a default for with /settings."""


async def imagine(ctx: Context, options: ImagineOptions) -> None:
    """Draw a 2×2 grid."""
    if not options.prompt:
        await _ask_prompt(ctx, options)
        return
    values: dict[str, Any] = options.model_dump(exclude={"prompt", "image", "spoiler"})
    composed = compose(options.prompt, values, defaults=_defaults(ctx))
    asked: dict[str, Any] = {"notes": [ctx.say(text, **given) for text, given in composed.notes]}
    if composed.niji:
        asked["niji"] = True
    if composed.speed:
        asked["speed"] = composed.speed
    request = Request(
        "mj_imagine", "image", composed.prompt, media=tuple(options.image), options=asked
    )
    await ctx.start(request, spoiler=options.spoiler)


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


COMMANDS = (
    Command(
        "imagine",
        mark("Draw four pictures from words with Midjourney"),
        ImagineOptions,
        imagine,
        menus=(Menu(mark("Imagine with this image"), "image"),),
        example="/imagine a fox in the rain --ar 3:2",
        offer="mj_imagine",
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
)
