"""Fitting what was asked for to what a model takes: knobs it lacks are left out and named, content
it cannot take is refused before money moves.

Pure. The model's abilities are data (`core.providers.base.Offer`); nothing here knows a family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.commands.mjprompt import Note
from core.errors import BadInput
from core.i18n import mark
from core.messages import Media
from core.providers.base import Offer, Request
from core.wire import Json

LACKS = mark("{model} has no {options}, so that was left out.")
NEAREST = mark("{model} does not draw {wanted}; I took {given}.")
MOST = mark("{model} makes at most {most} at a time, so I asked for {most}.")


def request_for(
    offer: Offer,
    prompt: str,
    options: Mapping[str, Json],
    media: Sequence[Media] = (),
) -> tuple[Request, list[Note]]:
    """A request that the model can serve, and what had to be changed.

    `options` by name; None, False and empty ones were not chosen. Raises `BadInput` with the fix.
    """
    _check(offer, prompt, media)
    wanted = {k: v for k, v in options.items() if v not in (None, False, "")}
    notes: list[Note] = []
    lacking = [name for name in wanted if name not in offer.takes]
    if lacking:
        notes.append((LACKS, {"model": offer.title, "options": ", ".join(lacking)}))
    fitted = {
        name: _value(offer, name, value, notes)
        for name, value in wanted.items()
        if name in offer.takes
    }
    fitted["model"] = offer.wire
    return Request(offer.key, offer.kind, prompt, tuple(media), fitted), notes


def _check(offer: Offer, prompt: str, media: Sequence[Media]) -> None:
    """Refuse what no knob can mend."""
    if len(prompt) > offer.longest:
        raise BadInput(
            mark("{model} takes at most {most} characters, and this is {n}. Please shorten it."),
            model=offer.title,
            most=offer.longest,
            n=len(prompt),
        )
    least, most = offer.media
    if len(media) > most:
        text = mark("{model} takes no pictures. Choose another model, or leave them out.")
        if most:
            text = mark("{model} takes at most {most} pictures; {n} were given.")
        raise BadInput(text, model=offer.title, most=most, n=len(media))
    if len(media) < least:
        text = mark("{model} needs a picture: send one with the command, or reply to one.")
        if least > 1:
            text = mark("{model} needs {least} pictures; {n} were given.")
        raise BadInput(text, model=offer.title, least=least, n=len(media))


def _value(offer: Offer, name: str, value: Json, notes: list[Note]) -> Json:
    """The value as the model takes it. Raises `BadInput` where there is nothing near it."""
    choices = offer.takes[name]
    text = str(value).strip()
    same = next((choice for choice in choices if choice.lower() == text.lower()), None)
    if not choices or same is not None:
        return value if same is None else same
    near = _nearest(name, text, choices)
    if near is None:
        raise BadInput(
            mark("{model} takes {choices} for {option}, not {value}."),
            model=offer.title,
            choices=", ".join(choices),
            option=name,
            value=text[:40] or "?",
        )
    if name == "count":
        notes.append((MOST, {"model": offer.title, "most": near}))
    else:
        notes.append((NEAREST, {"model": offer.title, "wanted": text[:20], "given": near}))
    return near


def _nearest(name: str, text: str, choices: Iterable[str]) -> str | None:
    """The nearest of numbers or shapes; None where nearness means nothing."""
    wanted = _size(text)
    sized = [(size, choice) for choice in choices if (size := _size(choice)) is not None]
    if wanted is None or not sized or name not in ("ar", "count", "seconds"):
        return None
    return min(sized, key=lambda pair: abs(pair[0] / wanted - 1) + abs(wanted / pair[0] - 1))[1]


def _size(text: str) -> float | None:
    """A number, or the quotient of a shape such as `16:9`; None for anything else and for zero."""
    head, colon, tail = text.partition(":")
    try:
        size = float(head) / (float(tail) if colon else 1.0)
    except (ValueError, ZeroDivisionError):
        return None
    return size if size > 0 else None


def find(offers: Iterable[Offer], kind: str, name: str, files: int | None = None) -> Offer:
    """The model a person named, by its key or its title, else the first of its kind that takes as
    many input files.

    Raises `BadInput` naming those there are.
    """
    known = [offer for offer in offers if offer.kind == kind]
    if not known:
        raise BadInput(mark("This is not offered here."))
    wanted = _plain(name)
    if not wanted:
        able = [o for o in known if files is None or o.media[0] <= files <= o.media[1]]
        return (able or known)[0]
    exact = [o for o in known if wanted in (_plain(o.key), _plain(o.title))]
    begun = [
        o for o in known if _plain(o.title).startswith(wanted) or _plain(o.key).startswith(wanted)
    ]
    if found := exact or begun:
        return found[0]
    raise BadInput(
        mark("There is no model {name} for this. There is {models}."),
        name=name[:40],
        models=", ".join(offer.title for offer in known),
    )


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
