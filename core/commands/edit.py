"""Pictures made from pictures: edit, remix and try on."""

from __future__ import annotations

from pydantic import Field

from core.commands.context import Context
from core.commands.fit import request_for
from core.commands.spec import Command, Menu, Options
from core.i18n import mark
from core.messages import Media


class EditOptions(Options):
    """What `/edit` takes."""

    prompt: str = Field(
        description=mark("What shall be different"),
        max_length=4000,
        json_schema_extra={"main": True},
    )
    image: Media = Field(description=mark("The picture to change"))
    mask: Media | None = Field(
        None, description=mark("Where it may change: black there, white elsewhere, same size")
    )
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who does it"),
        json_schema_extra={"suggest": "models:edit"},
    )


async def edit(ctx: Context, options: EditOptions) -> None:
    """Change a picture, in a region when a mask comes with it."""
    files = [options.image, *([options.mask] if options.mask else [])]
    offer = ctx.offer("edit", options.model, files=len(files))
    request, notes = request_for(offer, options.prompt, {}, files)
    await ctx.start(ctx.noted(request, notes))


class RemixOptions(Options):
    """What `/remix` takes."""

    prompt: str = Field(
        description=mark("What the new picture shall show"),
        max_length=4000,
        json_schema_extra={"main": True},
    )
    image: Media = Field(description=mark("The picture to start from"))
    strength: int | None = Field(
        None, ge=1, le=100, description=mark("How much of the old picture stays, 1 to 100")
    )
    ar: str | None = Field(None, max_length=11, description=mark("Width to height, such as 16:9"))
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who does it"),
        json_schema_extra={"suggest": "models:remix"},
    )


async def remix(ctx: Context, options: RemixOptions) -> None:
    """Make a new picture from an old one and words."""
    offer = ctx.offer("remix", options.model)
    wanted = {"strength": options.strength, "ar": options.ar}
    request, notes = request_for(offer, options.prompt, wanted, [options.image])
    await ctx.start(ctx.noted(request, notes))


class TryOnOptions(Options):
    """What `/tryon` takes."""

    person: Media = Field(description=mark("A picture of the person"))
    garment: Media = Field(description=mark("A picture of what shall be worn"))


async def tryon(ctx: Context, options: TryOnOptions) -> None:
    """Show a person in other clothes."""
    files = [options.person, options.garment]
    request, notes = request_for(ctx.offer("tryon", None), "", {}, files)
    await ctx.start(ctx.noted(request, notes))


COMMANDS = (
    Command(
        "edit",
        mark("Change a picture with words, or only a part of it"),
        EditOptions,
        edit,
        menus=(Menu(mark("Edit this image"), "image"),),
        example="/edit make it winter",
    ),
    Command(
        "remix",
        mark("Make a new picture from an old one"),
        RemixOptions,
        remix,
        example="/remix as an oil painting --strength 60",
    ),
    Command(
        "tryon",
        mark("Show a person in other clothes"),
        TryOnOptions,
        tryon,
        example="/tryon",
        offer="kolors-virtual-try-on-v1-5",
    ),
)
