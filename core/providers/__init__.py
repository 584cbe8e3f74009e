"""Who can do what is asked for: one module per upstream family, and the one list of them.

A new family is one module and one line in `PROVIDERS`. What is sold, and for how much, comes
together in `catalogue`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from core.providers.audio import Audio
from core.providers.base import Offer, Provider
from core.providers.chat import Chat
from core.providers.ideogram import Ideogram
from core.providers.kling import Kling
from core.providers.luma import Luma
from core.providers.midjourney import Midjourney, MidjourneySettings
from core.providers.pictures import Pictures
from core.providers.pika import Pika
from core.providers.runway import Runway
from core.providers.suno import Suno

PROVIDERS: tuple[tuple[Callable[..., Provider], type[BaseModel] | None], ...] = (
    (Midjourney, MidjourneySettings),
    (Ideogram, None),
    (Kling, None),
    (Pictures, None),
    (Runway, None),
    (Luma, None),
    (Pika, None),
    (Suno, None),
    (Chat, None),
    (Audio, None),
)
"""Every family: what makes it, and the settings it takes."""


class ModelSettings(BaseModel):
    """`[models.<name>]`: what differs at this gateway from what is usual for a model."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(None, min_length=1, max_length=60)
    """What people are told they used."""
    price: float | None = Field(None, ge=0, le=1000)
    """USD a call."""
    typical: float | None = Field(None, gt=0, le=86_400)
    """Seconds a job usually takes."""
    first_look: float | None = Field(None, ge=0, le=86_400)
    """Seconds before which no look makes sense."""
    deadline: float | None = Field(None, ge=60, le=7 * 86_400)
    """Seconds after which a job is given up."""


def providers(*settings: BaseModel) -> dict[str, Provider]:
    """Every family by its name, each made with its settings among these, or with their defaults."""
    given = {type(one): one for one in settings}
    made = [make(given.get(kind) or kind()) if kind else make() for make, kind in PROVIDERS]
    return {provider.family: provider for provider in made}


def catalogue(
    families: Mapping[str, Provider], models: Mapping[str, ModelSettings]
) -> dict[str, Offer]:
    """Every offer by its key, with the owner's prices and times over the usual ones.

    Raises:
        ValueError: `models` names a model that no family has.
    """
    offers = {offer.key: offer for family in families.values() for offer in family.offers}
    for key, settings in models.items():
        if key not in offers:
            raise ValueError(f"models.{key}: there is no such model; {_near(key, offers)}")
        offers[key] = replace(offers[key], **settings.model_dump(exclude_none=True))
    return offers


def _near(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there is {', '.join(sorted(known))}"
