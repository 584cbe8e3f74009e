"""Fitting what was asked for to what a model takes: knobs it lacks are left out and named, content
it cannot take is refused before money moves.

Pure. The model's abilities are data (`core.providers.base.Offer`); nothing here knows a family.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from core.commands.mjprompt import Note
from core.errors import BadInput
from core.i18n import mark
from core.messages import Media
from core.providers.base import Offer, Request
from core.wire import Json

LACKS = mark("{model} has no {options}, so I left that out.")
LACKS_BESIDE = mark("With a picture, {model} has no {options}, so I left that out.")
NEAREST = mark("{model} does not draw {wanted}; I took {given}.")
NEAREST_SECONDS = mark("{model} does not film {wanted} seconds; I took {given}.")
TAKEN = mark("With a last picture, {model} needs {option} {given}, so I took that.")
NOT_BESIDE = mark("With a last picture, {model} takes {choices} for {option}, not {value}.")
NO_END = mark("{model} takes no last picture. Leave it out, or choose another model.")
WHOLE = mark("{option} is a whole number from 0 to {most}, not {value}.")
LISTED = 12
"""Values named in a refusal."""
WHOLES: Mapping[str, int] = {"seed": 2**32 - 1, "strength": 100}
"""Options that are whole numbers, and the most they may be."""
MOST = mark("{model} makes at most {most} at a time, so I asked for {most}.")


def request_for(
    offer: Offer,
    prompt: str,
    options: Mapping[str, Json],
    media: Sequence[Media] = (),
    roles: Sequence[str] = (),
) -> tuple[Request, list[Note]]:
    """A request that the model can serve, and what had to be changed.

    `options` by name; None, False and empty ones were not chosen. `roles` says what each of the
    files is, where that matters. Raises `BadInput` with the fix.
    """
    _check(offer, prompt, media, roles)
    wanted = {k: v for k, v in options.items() if v not in (None, False, "")}
    notes: list[Note] = []
    lacking = [name for name in wanted if name not in offer.takes]
    if lacking:
        notes.append((LACKS, {"model": offer.title, "options": _flags(lacking)}))
    fitted = {
        name: _value(offer, name, value, notes)
        for name, value in wanted.items()
        if name in offer.takes
    }
    for role in ("picture", *roles) if media else ():
        fitted = _beside(offer, offer.beside.get(role, {}), fitted, notes)
    fitted["model"] = offer.wire
    if roles:
        fitted["roles"] = list(roles)
    return Request(offer.key, offer.kind, prompt, tuple(media), fitted), notes


def _flags(names: Iterable[str]) -> str:
    """Options as people type them."""
    return ", ".join(f"--{name}" for name in names)


def _beside(
    offer: Offer,
    allowed: Mapping[str, Sequence[str]],
    chosen: Mapping[str, Json],
    notes: list[Note],
) -> dict[str, Json]:
    """The options as they may be beside a file. Raises `BadInput` for two that exclude each other.

    What is taken because nothing was chosen is told where it changes the price.
    """
    allowed = {name: choices for name, choices in allowed.items() if name in offer.takes}
    lacking = [name for name, choices in allowed.items() if not choices and name in chosen]
    if lacking:
        notes.append((LACKS_BESIDE, {"model": offer.title, "options": _flags(lacking)}))
    fitted = {name: value for name, value in chosen.items() if name not in lacking}
    for name, choices in allowed.items():
        told: dict[str, object] = {"model": offer.title, "option": name}
        if choices and name not in fitted:
            fitted[name] = choices[0]
            if offer.cost({name: choices[0]}) != offer.cost({}):
                notes.append((TAKEN, told | {"given": choices[0]}))
        elif choices and str(fitted[name]) not in choices:
            listed = ", ".join(choices)
            raise BadInput(NOT_BESIDE, **told, choices=listed, value=str(fitted[name])[:40])
    return fitted


def _check(offer: Offer, prompt: str, media: Sequence[Media], roles: Sequence[str]) -> None:
    """Refuse what no knob can mend."""
    if len(prompt) > offer.longest:
        raise BadInput(
            mark("{model} takes at most {most} characters, and this is {n}. Please shorten it."),
            model=offer.title,
            most=offer.longest,
            n=len(prompt),
        )
    least, most = offer.media
    if 0 < most < len(media) and "end" in roles:
        raise BadInput(NO_END, model=offer.title)
    if len(media) > most:
        text = mark("{model} takes no pictures. Choose another model, or leave them out.")
        if most == 1:
            text = mark("{model} takes one picture; {n} were given.")
        if most > 1:
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
    if name in WHOLES and not choices:
        return _whole(name, text)
    same = next((choice for choice in choices if choice.lower() == text.lower()), None)
    if not choices or same is not None:
        return value if same is None else same
    near = _nearest(name, text, choices)
    if near is None:
        raise BadInput(
            mark("{model} takes {choices} for {option}, not {value}."),
            model=offer.title,
            choices=", ".join([*choices[:LISTED], *(["…"] if choices[LISTED:] else [])]),
            option=name,
            value=text[:40] or "?",
        )
    if name == "count":
        notes.append((MOST, {"model": offer.title, "most": near}))
    else:
        said = NEAREST_SECONDS if name == "seconds" else NEAREST
        notes.append((said, {"model": offer.title, "wanted": text[:20], "given": near}))
    return near


def _whole(name: str, text: str) -> int:
    """A whole number. Raises `BadInput`."""
    if not (text.isascii() and text.isdecimal() and int(text[:12]) <= WHOLES[name]):
        raise BadInput(WHOLE, option=name, most=WHOLES[name], value=text[:40] or "?")
    return int(text)


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


def find(
    offers: Iterable[Offer],
    kind: str,
    name: str,
    files: int | None = None,
    options: Iterable[str] = (),
) -> Offer:
    """The model a person named, however they write it, else the first of its kind that takes as
    many input files, and these options where one does.

    Raises `BadInput` naming those there are.
    """
    known = [offer for offer in offers if offer.kind == kind and not offer.hidden]
    if not known:
        raise BadInput(mark("This is not offered here."))
    if not _plain(name):
        able = [offer for offer in known if files is None or takes_files(offer, files)]
        apt = [offer for offer in able if set(options) <= offer.takes.keys()]
        return (apt or able or known)[0]
    for meant in (_is, _begins, _has_all):
        if found := next((offer for offer in known if meant(offer, name)), None):
            return found
    raise _unknown(known, name)


def takes_files(offer: Offer, files: int) -> bool:
    """Whether a model takes as many input files; one with Midjourney's flags takes any."""
    return offer.flags or offer.media[0] <= files <= offer.media[1]


def _names(offer: Offer) -> tuple[str, ...]:
    return offer.key, offer.title, offer.wire


def _is(offer: Offer, name: str) -> bool:
    """`DALL-E 3`, `dalle3` and `dall-e-3` are the same."""
    return _plain(name) in map(_plain, _names(offer))


def _begins(offer: Offer, name: str) -> bool:
    """`flux` is the first of several."""
    return any(_plain(one).startswith(_plain(name)) for one in _names(offer))


def _has_all(offer: Offer, name: str) -> bool:
    """`1.1 pro` and `flux 1.1 pro` say it in another order."""
    words = set(_words(name))
    return any(words <= set(_words(one)) for one in _names(offer))


def _unknown(known: Sequence[Offer], name: str) -> BadInput:
    """There is no such model: the nearest ones, and all there are."""
    spelt = {_plain(one): offer.title for offer in known for one in _names(offer)}
    near = difflib.get_close_matches(_plain(name), spelt, n=2, cutoff=0.6)
    told = {
        "name": name[:40],
        "models": ", ".join(dict.fromkeys(offer.title for offer in known)),
    }
    if near:
        meant = " / ".join(dict.fromkeys(spelt[one] for one in near))
        return BadInput(
            mark("There is no model {name} for this. Did you mean {near}? There is {models}."),
            near=meant,
            **told,
        )
    return BadInput(mark("There is no model {name} for this. There is {models}."), **told)


def _plain(name: str) -> str:
    return "".join(c for c in _lower(name).replace("+", "plus") if c.isalnum())


def _words(name: str) -> list[str]:
    return [_plain(word) for word in re.findall(r"[^\W_]+(?:\.\d+)?\+?", _lower(name))]


def _lower(name: str) -> str:
    """In lower case, `v5` as 5."""
    return re.sub(r"(?<![a-z])v(?=\d)", "", name.lower())
