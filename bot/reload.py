"""Takes over the models of the settings file when it is saved, while the program runs.

Only `[models]` is taken: everything else needs a start. A file that cannot be used changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from bot.config import ConfigError, load
from core.providers import Catalogue

log = logging.getLogger(__name__)

GLANCE = 2.0
"""Seconds between two looks at the file's time."""


async def follow(path: Path, offers: Catalogue) -> None:
    """Keep the catalogue as the file has it, for ever."""
    seen = await asyncio.to_thread(_stamp, path)
    while True:
        await asyncio.sleep(GLANCE)
        stamp = await asyncio.to_thread(_stamp, path)
        if stamp not in (seen, None):
            seen = stamp
            await _take(path, offers)


async def _take(path: Path, offers: Catalogue) -> None:
    try:
        settings = await asyncio.to_thread(load, path)
        offers.change(settings.models)
    except (ConfigError, ValueError) as error:
        log.error("the models stay as they were, the settings cannot be used:\n%s", error)
    else:
        log.info("took over [models]: %d are offered", sum(not o.hidden for o in offers.values()))


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file is saved; None while it is away."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
