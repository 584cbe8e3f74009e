"""What a result can be made into by another command: a picture into a film, an answer into speech.

The one place that knows which results lead where. Buttons appear only where a model of the kind is
offered, in the rows that families leave free (Discord shows five rows at most).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.commands.fit import find, takes_files
from core.errors import BadInput
from core.i18n import mark
from core.messages import Field, Form, Media
from core.providers.base import Invite, Kind, Offer, Remote, Request, Result

ROW = 8
"""Below every family's own."""
ROWS, ABREAST = 5, 5
"""Rows of buttons on the platform that shows the fewest, and buttons in one of them."""
FIRST_OF_FOUR = "U1"
"""Label of a button that takes one picture out of four in one: a picture that has it is no whole.
"""
SPOKEN = 4096
"""Characters that are read aloud at a time."""
IDEA = 2000
"""Characters of a prompt that is made better."""
SONG = 1000
"""Characters of a prompt that is sung about."""
ANSWERS: frozenset[Kind] = frozenset({"chat", "complete", "transcript", "translation"})
"""Kinds whose result is read."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One way from a result to another command."""

    label: str
    emoji: str
    command: str
    kind: Kind
    """What of the catalogue the command needs."""
    values: Mapping[str, str]
    asks: tuple[Field, ...] = ()
    """What the person is asked before."""
    files: int = 0
    """How many files the model is given."""


_PICTURE = {"image": "file:0"}

PICTURE: tuple[Chain, ...] = (
    Chain(mark("Animate"), "🎬", "video", "video", _PICTURE, files=1),
    Chain(
        mark("Edit"),
        "✏️",
        "edit",
        "edit",
        _PICTURE,
        (Field("prompt", mark("What shall be different"), "text", max_length=4000),),
        files=1,
    ),
    Chain(
        mark("Remix"),
        "🎨",
        "remix",
        "remix",
        _PICTURE,
        (Field("prompt", mark("What the new picture shall show"), "text", max_length=4000),),
        files=1,
    ),
    Chain(mark("Describe"), "🔍", "describe", "describe", _PICTURE, files=1),
    Chain(
        mark("Use as reference"),
        "📎",
        "imagine",
        "image",
        _PICTURE,
        (Field("prompt", mark("What to draw with it in mind"), "text", max_length=4000),),
        files=1,
    ),
    Chain(
        mark("Try on"),
        "👕",
        "tryon",
        "tryon",
        {"person": "file:0"},
        (Field("garment", mark("A picture of what shall be worn"), "image"),),
        files=2,
    ),
)
ANSWER: tuple[Chain, ...] = (Chain(mark("Speak"), "🔊", "speak", "speech", {"text": "text:"}),)

SUNG = Chain(mark("Song about this"), "🎵", "song", "song", {"idea": "prompt:"})
DRAWN = Chain(mark("Improve"), "✨", "prompt", "chat", {"idea": "prompt:"})


PROPOSED: Mapping[str, Kind] = {
    "imagine": "image",
    "video": "video",
    "song": "song",
    "speak": "speech",
    "find": "embedding",
}
"""What of the catalogue the commands need that a language model may propose."""


def follow_ups(offers: Mapping[str, Offer], request: Request, result: Result) -> tuple[Invite, ...]:
    """The buttons that lead on from a result: its own, and those to other commands."""
    own = tuple(_priced(offers, one) for one in result.invites)
    if request.kind in ANSWERS and not result.media:
        fits = 0 < len(result.text) <= SPOKEN
        return (*own, *_invites(ANSWER if fits else (), offers, own))
    whole, length = _whole(result), len(request.prompt)
    ways = [
        *(PICTURE if whole else ()),
        *((SUNG,) if whole and 0 < length <= SONG else ()),
        *((DRAWN,) if request.kind == "image" and result.media and 0 < length <= IDEA else ()),
    ]
    return (*own, *_placed(_invites(ways, offers, own), own))


def _placed(ways: Sequence[Invite], own: Sequence[Invite]) -> list[Invite]:
    """Ways on in the rows that are left, each of which has room for the button of the file."""
    taken = sum(-(-count // ABREAST) for count in Counter(one.row for one in own).values())
    line = ABREAST - 1
    fit = ways[: (ROWS - taken) * line]
    return [replace(way, row=ROW + number // line) for number, way in enumerate(fit)]


def _priced(offers: Mapping[str, Offer], invite: Invite) -> Invite:
    """A proposed command with what it would ask for, so that its price can be named."""
    kind = PROPOSED.get(invite.command) if invite.request is None else None
    offer = _offer(offers, kind, 0) if kind else None
    return replace(invite, request=Request(offer.key, offer.kind)) if offer else invite


def _whole(result: Result) -> bool:
    """Whether a result is one picture, which shows one thing."""
    if len(result.media) != 1 or any(i.label == FIRST_OF_FOUR for i in result.invites):
        return False
    only = result.media[0]
    if isinstance(only, Media):
        return only.mime.startswith("image/")
    return isinstance(only, Remote) and only.kind == "image"


def _invites(
    chains: Sequence[Chain], offers: Mapping[str, Offer], own: Sequence[Invite]
) -> tuple[Invite, ...]:
    """Chains as buttons, with what they would ask for, so that a high price can be named."""
    made = []
    for chain in chains:
        offer = _offer(offers, chain.kind, chain.files)
        if offer is None or any(one.label.startswith(chain.label) for one in own):
            continue
        form = Form(chain.label, chain.asks) if chain.asks else None
        made.append(
            Invite(
                f"to:{chain.command}",
                Request(offer.key, offer.kind),
                chain.label,
                chain.emoji,
                row=ROW,
                form=form,
                command=chain.command,
                values=chain.values,
            )
        )
    return tuple(made)


def _offer(offers: Mapping[str, Offer], kind: Kind, files: int) -> Offer | None:
    """The model a command would take of itself; None where none of the kind takes the files."""
    try:
        offer = find(offers.values(), kind, "", files)
    except BadInput:
        return None
    return offer if takes_files(offer, files) else None
