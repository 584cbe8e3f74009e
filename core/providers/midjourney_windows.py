"""The windows Midjourney opens after some presses: what they ask, and how the answers become a
request.

A window is named in `Request.options["window"]`. Answers that came before the window opened are
marked by `options["filled"]`, so that it is answered at once. Knows no wire format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core.errors import BadInput
from core.i18n import mark
from core.messages import Field, Form, Media
from core.providers.base import Request, Ticket, Waiting
from core.providers.midjourney_prompts import (
    check_length,
    check_one_job,
    normalise,
    ratio,
    without_flags,
)

ZOOM, INPAINT, REMIX = "zoom", "inpaint", "remix"

OF_ACTION: Mapping[str, str] = {"CUSTOM_ZOOM": ZOOM, "INPAINT": INPAINT}
"""Which window a task of this action waits for; every other one asks for a new prompt."""

ANSWER_OFFER = "mj_modal"
"""What answering a window costs. Buttons that always open one are free and sold as this; where one
opens besides (remix), the press was paid for, and its answer is again.
"""

FIELD_LENGTH = 4000
"""Characters every platform's form takes in one field."""


def form(window: str, prompt: str) -> Form:
    """The questions of a window; titles and labels are catalogue texts of at most 45 characters."""
    match window:
        case "zoom":
            prompt = without_flags(prompt, "zoom")
            return Form(mark("Custom zoom"), (*_ZOOM_FIELDS, _prompt_field(prompt)))
        case "inpaint":
            return Form(mark("Vary a region"), (_MASK_FIELD, _prompt_field(prompt)))
        case _:
            return Form(mark("Change the prompt"), (_prompt_field(prompt),))


_ZOOM_FIELDS = (
    Field("zoom", mark("How far out, from 1 to 2"), value="2", max_length=8),
    Field(
        "ar",
        mark("New shape (optional)"),
        hint=mark("such as 16:9"),
        required=False,
        max_length=11,
    ),
)

_MASK_FIELD = Field(
    "mask",
    mark("Mask: white is painted anew"),
    kind="image",
    hint=mark("A picture of the same size: white where it may change, black where it stays"),
    paint="white",
)


def _prompt_field(prompt: str) -> Field:
    """The prompt to change; one too long to show is kept when the field stays empty."""
    return Field(
        "prompt",
        mark("Prompt"),
        kind="text",
        value=prompt if len(prompt) <= FIELD_LENGTH else "",
        hint=mark("Leave it empty to keep the prompt") if prompt else "",
        required=not prompt,
        max_length=FIELD_LENGTH,
    )


def fill(request: Request, values: Mapping[str, str | Media]) -> Request:
    """Merge the answers to a request's window. Raises `BadInput` with the fix."""
    prompt = normalise(_text(values, "prompt")) or request.prompt
    media = request.media
    match request.options.get("window"):
        case "zoom":
            prompt = _zoomed(prompt, _text(values, "zoom"), _text(values, "ar"))
        case "inpaint":
            media = (_mask(values),)
    if not prompt:
        raise BadInput(mark("Say in a few words what the picture shall show."))
    check_length(prompt)
    check_one_job(prompt)
    return replace(request, prompt=prompt, media=media, options={**request.options, "filled": True})


def _text(values: Mapping[str, str | Media], name: str) -> str:
    value = values.get(name)
    return value.strip() if isinstance(value, str) else ""


def _mask(values: Mapping[str, str | Media]) -> Media:
    mask = values.get("mask")
    if not isinstance(mask, Media):
        raise BadInput(
            mark(
                "Send a mask with it: a picture of the same size, white where it may change and "
                "black where it stays."
            )
        )
    return mask


def _zoomed(prompt: str, zoom: str, ar: str) -> str:
    """The prompt of a zoom; a factor typed into it counts more than the field with its default."""
    plain = without_flags(prompt, "zoom")
    typed = _flag_value(prompt, "--zoom")
    factor = _factor(typed if typed is not None else zoom)
    if not plain or plain.startswith("--"):
        raise BadInput(mark("Say in a few words what the picture shall show."))
    if ar:
        plain = f"{without_flags(plain, 'ar', 'aspect')} --ar {ratio(ar)}"
    return f"{plain} --zoom {factor}"


def _flag_value(prompt: str, flag: str) -> str | None:
    _, found, rest = f"{prompt} ".rpartition(f"{flag} ")
    return (rest.split() or [""])[0] if found else None


def _factor(text: str) -> str:
    """Read `1.5`, `1,5` or `1.5x`. Raises `BadInput` when it is not from 1 to 2."""
    try:
        number = float(text.lower().rstrip("x×").replace(",", "."))
    except ValueError:
        number = 0.0
    if not 1 <= number <= 2:
        raise BadInput(
            mark("The zoom goes from 1 to 2, such as 1.5, not {value}."), value=text[:20] or "?"
        )
    return f"{number:.3g}"


def waiting(ticket: Ticket, request: Request, final: str, action: str = "") -> Waiting:
    """What to do about an open window: ask the person, or answer at once when the answers are
    known.

    Args:
        ticket: The task that waits.
        request: What was asked for.
        final: The prompt the gateway shows in the window, if it says.
        action: The action of the task, if it is known; tells the window of one that was not
            expected.
    """
    window = request.options.get("window") or OF_ACTION.get(action.upper(), REMIX)
    filled = bool(request.options.get("filled"))
    prompt = request.prompt if filled else normalise(final) or request.prompt
    answer = Request(
        request.offer if "window" in request.options else ANSWER_OFFER,
        "continue",
        prompt=prompt,
        media=request.media if filled else (),
        options={"modal": True, "window": window},
        parent=ticket,
    )
    return Waiting(ticket, None if filled else form(window, prompt), answer)
