"""Videos: from words, from a first and a last picture."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.commands.context import Context
from core.commands.fit import request_for
from core.commands.mjprompt import split
from core.commands.spec import Command, Menu, Options
from core.errors import BadInput
from core.i18n import mark
from core.messages import Media

CHOICES = ("ar", "seconds", "mode", "camera", "effect", "no")
"""Options that a model may take; those it lacks are named to the person, and so are others that
were typed as flags."""

SHOWN = ("camera", "effect")
"""Options that say what the video shows: where no model is named, one that has them is taken."""


class VideoOptions(Options):
    """What `/video` takes."""

    prompt: str = Field(
        "",
        description=mark("What happens in the video"),
        max_length=4000,
        json_schema_extra={"main": True, "passes": True},
    )
    image: Media | None = Field(None, description=mark("The picture it starts from"))
    end: Media | None = Field(None, description=mark("The picture it ends with"))
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who films it"),
        json_schema_extra={"suggest": "models:video"},
    )
    ar: str | None = Field(
        None,
        max_length=11,
        description=mark("Width to height, such as 16:9"),
        json_schema_extra={"suggest": ["16:9", "9:16", "1:1", "4:3", "3:4"]},
    )
    seconds: int | None = Field(None, ge=1, le=60, description=mark("How long it is, such as 5"))
    mode: str | None = Field(
        None,
        max_length=20,
        description=mark("Standard or professional, where the model knows that"),
        json_schema_extra={"suggest": ["std", "pro"]},
    )
    camera: str | None = Field(
        None,
        max_length=40,
        description=mark("How the camera moves, such as zoom:5 or forward_up"),
        json_schema_extra={"suggest": "values:video:camera"},
    )
    effect: str | None = Field(
        None,
        max_length=40,
        description=mark("What happens to the thing in the picture, such as Melt"),
        json_schema_extra={"suggest": "values:video:effect"},
    )
    no: str | None = Field(None, max_length=500, description=mark("What not to show"))
    spoiler: bool = Field(False, description=mark("Cover the video until it is clicked"))


async def video(ctx: Context, options: VideoOptions) -> None:
    """Film something."""
    text, typed = split(options.prompt) if options.prompt else ("", {})
    model = options.model or typed.pop("model", None)
    if not text and options.image is None:
        raise BadInput(
            mark("Say what happens in the video, or send the picture it shall start from.")
        )
    if options.end is not None and options.image is None:
        raise BadInput(mark("A last picture needs a first one as well: send both."))
    files = {"start": options.image, "end": options.end}
    given = {role: media for role, media in files.items() if media is not None}
    chosen: dict[str, Any] = options.model_dump(include=set(CHOICES), exclude_none=True)
    knobs = {**chosen, **typed}
    shown = [name for name in knobs if name in SHOWN]
    offer = ctx.offer("video", model, files=len(given), options=shown)
    request, notes = request_for(offer, text, knobs, list(given.values()), list(given))
    await ctx.start(ctx.noted(request, notes), spoiler=options.spoiler)


COMMANDS = (
    Command(
        "video",
        mark("Film a few seconds from words or a picture"),
        VideoOptions,
        video,
        menus=(Menu(mark("Animate this image"), "image"),),
        example="/video a paper boat on a rainy street --seconds 5",
        ahead=True,
    ),
)
