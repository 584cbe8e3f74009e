"""Fixtures: a walk on each chat platform, with its people, and the bot to be started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import discord_house, telegram_house

__all__ = ["discord", "telegram"]


@pytest.fixture
async def discord(tmp_path: Path) -> AsyncIterator[discord_house.Walk]:
    """Discord; in the end everything was in order there."""
    async with discord_house.world(tmp_path) as found:
        yield found
        found.in_order()


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[telegram_house.Walk]:
    """Telegram; likewise."""
    async with telegram_house.world(tmp_path) as found:
        yield found
        found.in_order()
