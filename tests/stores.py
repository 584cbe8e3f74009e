"""Fixtures: the store on each database, with a clock that stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.store import Store
from tests.making import Clock
from tests.postgres import fresh, postgres

__all__ = ["clock", "postgres", "store", "url"]


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/atelier.db"
    return await fresh(request.getfixturevalue("postgres"))


@pytest.fixture
def clock() -> Clock:
    """The store's clock."""
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[Store]:
    """An open store."""
    opened = await Store.open(url, clock=clock)
    yield opened
    await opened.close()
