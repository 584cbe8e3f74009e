"""Forms that may be answered with the brush: what is painted over, and what the brush made of it.

The page itself is the program's; here is what it may know, and what it may hand in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from core import cards
from core.archive import BROKEN, Archive
from core.commands.presses import fingerprint
from core.commands.values import asked_at, unpack
from core.errors import BadInput, Gone
from core.i18n import mark
from core.jobs import Action, Job, State, Verb
from core.messages import Caller, Field, Filling, Form, Media, Place, Ref
from core.store import Store

OVER = mark("There is nothing to paint here any more. /show brings the picture back.")
SIZE = mark("What was painted has another size than the picture. Reload the page, please.")
NOTHING = mark("Nothing is painted yet: paint over what shall change.")

WORDS = (
    mark("Paint over what shall change. The rest of the picture stays as it is."),
    mark("Brush"),
    mark("Undo"),
    mark("Clear"),
    mark("Send"),
    mark("Sending…"),
    mark("It is on its way: the result comes into the chat. You may close this page."),
    mark("That did not arrive. Please try again."),
    mark("The picture cannot be shown. Reload the page, please."),
    NOTHING,
)
"""Every word of the page itself."""
LATE = mark("This page is over. Press the button in the chat again for a new one.")
UNREADABLE = mark("That could not be read. Reload the page and try again.")


@dataclass(frozen=True, slots=True)
class Canvas:
    """A form and the picture that is painted over, for the person the form asks."""

    token: str
    caller: Caller
    place: Place
    origin: Ref | None
    lang: str
    form: Form
    field: Field
    picture: Media


async def canvas(store: Store, token: str) -> Canvas:
    """What a button's form asks to be painted. Raises `Gone` where there is nothing to paint."""
    action = await store.action(token)
    field = cards.painted(action.form) if action and action.form else None
    if action is None or action.form is None or field is None:
        raise Gone(OVER)
    if event := asked_at(action):
        picture = await _picture(store, action, None)
        known = event.caller, event.place, event.ref, event.caller.lang
        return Canvas(token, *known, action.form, field, picture)
    job = await store.job(action.job)
    if job is None or (action.verb is Verb.FILL and job.state is not State.WAITING):
        raise Gone(OVER)
    platform, _, number = action.owner.partition(":")
    return Canvas(
        token,
        Caller(platform, number, job.owner_name, job.lang),
        job.place,
        job.origin,
        job.lang,
        action.form,
        field,
        await _picture(store, action, job),
    )


async def _picture(store: Store, action: Action, job: Job | None) -> Media:
    """What is painted over: a command's own picture, else what the job, or the one before, made."""
    given = unpack(action.values.get("image", ""))
    shown = given if isinstance(given, list) else list(job.media if job else ())
    if not shown and job and (parent := await store.job(job.parent)):
        shown = list(parent.media)
    if not shown or not shown[0].mime.startswith("image/"):
        raise Gone(OVER)
    return shown[0]


async def filling(
    archive: Archive, asked: Canvas, mask: Media, values: Mapping[str, str]
) -> Filling:
    """The form's answers as an event; the same answers are the same event. Raises `BadInput`."""
    picture = asked.picture
    size = (picture.width, picture.height)
    if (mask.width, mask.height) not in (size, size[::-1]):  # a photo may say how it is turned
        raise BadInput(SIZE)
    try:
        blank = await archive.look(partial(_blank, colour=asked.field.paint), mask)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(BROKEN) from error
    if blank:
        raise BadInput(NOTHING)
    known = {field.name for field in asked.form.fields}
    told = {name: value for name, value in values.items() if name in known}
    given: dict[str, str | Media] = {**told, asked.field.name: mask}
    key = f"paint:{asked.token}:{fingerprint(given)}"
    return Filling(key, asked.caller, asked.place, asked.token, {**given}, ref=asked.origin)


def _blank(path: Path, *, colour: str) -> bool:
    """Whether nothing is painted in a mask of black and white."""
    with Image.open(path) as opened:
        grey = opened.convert("L").histogram()
    return not any(grey[128:] if colour == "white" else grey[:128])
