"""Starts the whole program in the test's own process, against pretend servers on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.app import App
from bot.config import Settings


@asynccontextmanager
async def running(
    folder: Path,
    gateway: str,
    /,
    *,
    clock: Callable[[], float] = time.time,
    **sections: dict[str, Any],
) -> AsyncIterator[App]:
    """Run the bot until the block ends; `sections` are sections of the settings."""
    given: dict[str, Any] = {
        "gateway": {"base_url": gateway, "api_key": "sandbox"},
        "web": {"listen": "127.0.0.1:0"},
        "store": {"url": f"sqlite:///{folder}/atelier.db"},
        "archive": {"dir": str(folder / "archive")},
        "jobs": {"poll_scale": 0.05},
    }
    given.update(sections)
    app = App(Settings.model_validate(given), clock=clock)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(app.run(ready.set))
        async with asyncio.timeout(120):
            await ready.wait()
        try:
            yield app
        finally:
            app.stop.set()
            await run


def done(folder: Path) -> int:
    """How many jobs are closed with a result."""
    with contextlib.closing(sqlite3.connect(folder / "atelier.db")) as store:
        query = "SELECT count(*) FROM jobs WHERE state = 'done'"
        return int(store.execute(query).fetchone()[0])
