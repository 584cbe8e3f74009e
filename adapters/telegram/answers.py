"""Presses of buttons: each is answered once, at once, whatever the store is doing.

A press waits a moment for a short private sentence, which is then shown as its answer; after that
moment it is answered without words. Knows nothing of what buttons mean.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine

from telegram import Bot
from telegram.error import BadRequest, NetworkError, TelegramError

log = logging.getLogger(__name__)

OPEN = 0.7
"""Seconds a press may wait for words."""
AGAIN = 0.5
"""Seconds before an answer that did not get through is given again."""
ALERT = 200
"""Characters of an answer."""
KEPT = 5000
"""Presses remembered, so that none is answered twice."""

Launch = Callable[[Coroutine[None, None, None]], None]


class Answers:
    """Answers callback queries."""

    def __init__(self, bot: Bot, launch: Launch) -> None:
        """`launch` runs something beside."""
        self._bot = bot
        self._launch = launch
        self._done: OrderedDict[str, bool] = OrderedDict()

    def heard(self, query: str) -> None:
        """A press arrived: see to it that it is answered soon."""
        if query in self._done:
            return
        self._done[query] = False
        while len(self._done) > KEPT:
            self._done.popitem(last=False)
        self._launch(self._later(query))

    async def _later(self, query: str) -> None:
        await asyncio.sleep(OPEN)
        await self.give(query)

    def close(self, query: str) -> None:
        """Answer a press without words, beside."""
        self._launch(self._silently(query))

    async def _silently(self, query: str) -> None:
        await self.give(query)

    async def give(self, query: str, words: str = "") -> bool:
        """Answer a press, with words as an alert; False when it was answered before or too late."""
        if self._done.get(query) or not query:
            return False
        self._done[query] = True
        for pause in (AGAIN, 0.0):
            try:
                await self._bot.answer_callback_query(
                    query, words[:ALERT] or None, show_alert=bool(words) or None, read_timeout=10.0
                )
            except TelegramError as error:
                log.info("a press was not answered: %s", type(error).__name__)
                if isinstance(error, BadRequest) or not isinstance(error, NetworkError):
                    return False
                await asyncio.sleep(pause)
            except (KeyError, TypeError, ValueError) as error:
                log.info("the answer to a press gave nonsense: %s", type(error).__name__)
                return True
            else:
                return True
        return False
