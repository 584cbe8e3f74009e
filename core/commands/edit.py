"""Pictures made from pictures: edit, remix and try on."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.commands.context import Context
from core.commands.fit import request_for
from core.commands.mjprompt import ratio
from core.commands.spec import Command, Menu, Options
from core.commands.values import pack
from core.errors import BadInput
from core.i18n import mark
from core.masks import masked
from core.messages import Field as Question
from core.messages import Form, Media
from core.providers.base import Offer


class Knobs(Options):
    """What may be chosen besides, where the model can."""

    count: int | None = Field(
        None, ge=1, le=8, description=mark("How many pictures, where the model can")
    )
    quality: str | None = Field(None, max_length=10, description=mark("How much work goes into it"))
    style: str | None = Field(
        None,
        max_length=40,
        description=mark("The model's own styles, such as vivid or realistic"),
        json_schema_extra={"suggest": "values:edit:style"},
    )
    seed: int | None = Field(
        None, ge=0, le=4294967295, description=mark("A number that makes a picture repeatable")
    )

    def knobs(self) -> dict[str, Any]:
        """Those that were chosen, by name."""
        return self.model_dump(include=set(Knobs.model_fields), exclude_none=True)


class EditOptions(Knobs):
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
    region: bool = Field(False, description=mark("Paint the part that may change, or send it next"))
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who does it"),
        json_schema_extra={"suggest": "models:edit"},
    )


async def edit(ctx: Context, options: EditOptions) -> None:
    """Change a picture, in a region when a mask comes with it."""
    files = [options.image, *([options.mask] if options.mask else [])]
    offer = ctx.offer("edit", options.model, files=2 if options.region else len(files))
    if options.mask is None and (options.region or offer.media[0] > len(files)):
        await _ask_region(ctx, offer, options)
        return
    if options.mask and offer.mask:
        files = [*await masked(ctx.studio.archive, options.image, options.mask, offer.mask)]
    request, notes = request_for(offer, options.prompt, options.knobs(), files)
    await ctx.start(ctx.noted(request, notes))


NO_PART = mark("{model} changes whole pictures, not a part of one. Choose another model.")


async def _ask_region(ctx: Context, offer: Offer, options: EditOptions) -> None:
    """Ask for the part that may change: painted, or as a file."""
    if offer.media[1] < 2:
        raise BadInput(NO_PART, model=offer.title)
    say = ctx.say
    question = Question(
        "mask",
        say("Mask: black is painted anew"),
        kind="image",
        hint=say("A picture of the same size: black where it may change, white elsewhere"),
        paint="black",
    )
    values = {name: str(value) for name, value in options.knobs().items()}
    values |= {"prompt": options.prompt, "image": pack([options.image]), "model": offer.key}
    lead = say("{model} changes only a part of a picture: which one?", model=offer.title)
    await ctx.ask(Form(say("Edit a part"), (question,)), values, lead)


class RemixOptions(Knobs):
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
    wanted: dict[str, Any] = {"strength": options.strength, "ar": options.ar and ratio(options.ar)}
    wanted |= options.knobs()
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
