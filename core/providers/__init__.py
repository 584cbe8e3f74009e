"""Who can do what is asked for: one module per upstream family, and the one list of them.

A new family is one module and one line in `PROVIDERS`. What is sold, and for how much, comes
together in `core.providers.catalogue`.
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

from core.providers.audio import Audio
from core.providers.base import Provider
from core.providers.catalogue import Catalogue, ModelSettings, catalogue
from core.providers.chat import Chat
from core.providers.embeddings import Embeddings
from core.providers.ideogram import Ideogram
from core.providers.kling import Kling
from core.providers.luma import Luma
from core.providers.midjourney import Midjourney, MidjourneySettings
from core.providers.pictures import Pictures
from core.providers.pika import Pika
from core.providers.runway import Runway
from core.providers.suno import Suno

__all__ = ["PROVIDERS", "Catalogue", "ModelSettings", "catalogue", "providers"]

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
    (Embeddings, None),
)
"""Every family: what makes it, and the settings it takes."""


def providers(*settings: BaseModel) -> dict[str, Provider]:
    """Every family by its name, each made with its settings among these, or with their defaults."""
    given = {type(one): one for one in settings}
    made = [make(given.get(kind) or kind()) if kind else make() for make, kind in PROVIDERS]
    return {provider.family: provider for provider in made}
