"""What is sold: the families' own models, with the owner's additions and changes over them.

Pure but for `Catalogue`, whose content may be exchanged while the program runs. Knows no family by
name: what a new model has not been told it takes from its family's first model of that kind.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from core.providers.base import MILLION, Kind, Offer, Provider

TOKENS = ("price_in", "price_out")

Name = Annotated[str, Field(min_length=1, max_length=100)]


class ModelSettings(BaseModel):
    """`[models.<name>]`: a model of the owner's own, or what differs at this gateway from what is
    usual for a known one.
    """

    model_config = ConfigDict(extra="forbid")

    family: str | None = None
    """Whose way of asking a new model is asked in."""
    kind: Kind | None = None
    """What a new model makes."""
    model: Name | None = None
    """Its name on the wire; the entry's own name when it is left out."""
    title: str | None = Field(None, min_length=1, max_length=60)
    """What people are told they used."""
    price: float | None = Field(None, ge=0, le=1000)
    """USD a call; with prices of tokens, what is held until the answer tells how many it took."""
    price_in: float | None = Field(None, ge=0, le=10_000)
    """USD a million tokens of the question, where answers tell them; without `price` that of a long
    question and answer is held.
    """
    price_out: float | None = Field(None, ge=0, le=10_000)
    """USD a million tokens of the answer."""
    takes: dict[Name, tuple[Name, ...]] | None = None
    """The options it honours, each with its values; an empty list for any."""
    media: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0, le=10)]] | None = None
    """How many input files it takes, at least and at most."""
    longest: int | None = Field(None, ge=1, le=1_000_000)
    """Characters of a prompt."""
    typical: float | None = Field(None, gt=0, le=86_400)
    """Seconds a job usually takes."""
    first_look: float | None = Field(None, ge=0, le=86_400)
    """Seconds before which no look makes sense."""
    deadline: float | None = Field(None, ge=60, le=7 * 86_400)
    """Seconds after which a job is given up."""
    default: bool | None = None
    """Taken where nobody names a model."""
    hidden: bool | None = None
    """Not offered to anybody."""


class Catalogue(Mapping[str, Offer]):
    """Every offer by its key, those taken first that are to be chosen first.

    One that is offered no longer stays, hidden, for the jobs that were made with it.
    """

    def __init__(
        self, families: Mapping[str, Provider], models: Mapping[str, ModelSettings]
    ) -> None:
        """Raises `ValueError` for settings that name nothing there is."""
        self._families = families
        self._offers: dict[str, Offer] = {}
        self.change(models)

    def change(self, models: Mapping[str, ModelSettings]) -> None:
        """Take other settings from now on. Raises `ValueError` and changes nothing, else."""
        for path, text in troubles(self._families, models):
            raise ValueError(f"models.{'.'.join(path)}: {text}")
        offers = _offers(self._families, models)
        gone = {key: o for key, o in self._offers.items() if key not in offers}
        self._offers = offers | {key: replace(o, hidden=True) for key, o in gone.items()}

    def __getitem__(self, key: str) -> Offer:
        """An offer by its key."""
        return self._offers[key]

    def __iter__(self) -> Iterator[str]:
        """The keys, first choices first."""
        return iter(self._offers)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._offers)


def catalogue(families: Mapping[str, Provider], models: Mapping[str, ModelSettings]) -> Catalogue:
    """What these families sell with the owner's settings. Raises `ValueError`."""
    return Catalogue(families, models)


def _offers(
    families: Mapping[str, Provider], models: Mapping[str, ModelSettings]
) -> dict[str, Offer]:
    offers = _built_in(families)
    for key, settings in models.items():
        given = settings.model_dump(exclude_none=True, exclude={"default", *TOKENS})
        offer = replace(
            offers.get(key) or _new(families, key, settings), **_metered(settings), **given
        )
        offers[key] = families[offer.family].owned(offer)
    first = [key for key, settings in models.items() if settings.default]
    return {key: offers[key] for key in dict.fromkeys([*first, *offers])}


def _metered(settings: ModelSettings) -> dict[str, Any]:
    """What the prices say of tokens; a price of a call alone is what every call costs."""
    asked, said = settings.price_in, settings.price_out
    if asked is None or said is None:
        return {} if settings.price is None else {"per_token": (0.0, 0.0)}
    held = {} if settings.price is not None else {"price": Offer.bound(asked, said)}
    return {"per_token": (asked / MILLION, said / MILLION), **held}


def _built_in(families: Mapping[str, Provider]) -> dict[str, Offer]:
    return {offer.key: offer for family in families.values() for offer in family.offers}


def _new(families: Mapping[str, Provider], key: str, settings: ModelSettings) -> Offer:
    """A model that no family knows, like its family's first of that kind; its price is told."""
    like = _like(families, settings)
    return replace(like, key=key, model="", title=key, factors=(), per_token=(0.0, 0.0))


def _like(families: Mapping[str, Provider], settings: ModelSettings) -> Offer:
    family = families[settings.family or ""]
    return next(offer for offer in family.offers if offer.kind == settings.kind)


def troubles(
    families: Mapping[str, Provider], models: Mapping[str, ModelSettings]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """What of the settings cannot be used: (where in `[models]`, what is wrong with the fix)."""
    known = _built_in(families)
    for key, settings in models.items():
        offer = known.get(key)
        found = list(_changed(offer, settings) if offer else _added(families, known, key, settings))
        if not found:
            offer = offer or _like(families, settings)
            found = list(_abilities(families[offer.family], offer, settings))
        yield from (((key, *where), text) for where, text in found)


Trouble = tuple[tuple[str, ...], str]


def _changed(offer: Offer, settings: ModelSettings) -> Iterator[Trouble]:
    """What a model is cannot be changed, only how it is sold."""
    for name in ("family", "kind"):
        given, own = getattr(settings, name), getattr(offer, name)
        if given not in (None, own):
            yield (name,), f"{offer.key} is of {name} {own}; a new model needs a name of its own"


def _added(
    families: Mapping[str, Provider],
    known: Mapping[str, Offer],
    key: str,
    settings: ModelSettings,
) -> Iterator[Trouble]:
    """What a new model has to say of itself."""
    family, kind = settings.family, settings.kind
    if family is None and kind is None:
        yield (
            (),
            f"there is no such model{near(key, known)}; a new one needs family, kind and price",
        )
        return
    if family is None:
        yield (), f"a new model needs its family{near('', families)}"
    elif family not in families:
        yield ("family",), f"there is no such family{near(family, families)}"
    else:
        kinds = {offer.kind: None for offer in families[family].offers}
        if kind not in kinds:
            at = () if kind is None else ("kind",)
            yield at, f"{family} makes {', '.join(kinds)}; give one of them as kind"
    if settings.price is None and not _given(settings):
        told = family is not None and family in families and _tells(families[family], kind)
        tokens = ", or price_in and price_out, in USD a million tokens" if told else ""
        yield (), f"a new model needs its price, in USD a call{tokens}"


def _abilities(family: Provider, offer: Offer, settings: ModelSettings) -> Iterator[Trouble]:
    """Options that the family knows nothing of would do nothing, nor would prices of tokens."""
    known = {name for one in family.offers if one.kind == offer.kind for name in one.takes}
    for name in settings.takes or {}:
        if name not in known:
            text = near(name, known) if known else "; its models take none"
            yield ("takes",), f"{family.family} has no option {name} for this{text}"
    given = _given(settings)
    if given and not _tells(family, offer.kind):
        yield (given[0],), f"{family.family} tells no tokens of this; give price, in USD a call"
    elif len(given) == 1:
        yield (given[0],), "give both price_in and price_out, in USD a million tokens"
    if settings.media and settings.media[0] > settings.media[1]:
        yield ("media",), "write the least number first: [0, 1]"


def _given(settings: ModelSettings) -> list[str]:
    """The prices of tokens that are given."""
    return [name for name in TOKENS if getattr(settings, name) is not None]


def _tells(family: Provider, kind: str | None) -> bool:
    """Whether the answers of such models tell how many tokens they took."""
    return any(offer.kind == kind and any(offer.per_token) for offer in family.offers)


def near(word: str, known: Iterable[str]) -> str:
    """The fix for a name that is not known: the one that was meant, or all there are."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there is {', '.join(names)}"
