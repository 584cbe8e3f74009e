"""Answers to people: shown as soon as can be, and not at any price."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from core.errors import AdapterError, MaybeSent, Offline

log = logging.getLogger(__name__)


async def insist(show: Callable[[], Awaitable[object]]) -> None:
    """Show an answer: twice more when it was not taken, once more when it may be there."""
    pauses = [2.0, 5.0]
    while True:
        try:
            await show()
        except (Offline, MaybeSent) as error:
            if not pauses:
                log.warning("an answer was not shown: %s", type(error).__name__)
                return
            pause = pauses.pop(0)
            if isinstance(error, MaybeSent):
                pauses.clear()
            await asyncio.sleep(pause)
        except AdapterError as error:
            log.warning("an answer was not shown: %s", type(error).__name__)
            return
        else:
            return
