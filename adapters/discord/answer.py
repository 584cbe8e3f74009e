"""The first answer to an interaction: due within three seconds of the event, taken by Discord once.

discord.py repeats a failed answer after 1 and 3 seconds, which is too late; here it is repeated at
once, and where the outcome stays unknown Discord is asked whether it has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from adapters.discord.events import Answered, Raw
from adapters.discord.render import EPHEMERAL, SUPPRESS_EMBEDS
from adapters.discord.rest import ALREADY_ANSWERED, RefusedError, Rest
from core.errors import AdapterError, SlowDown

log = logging.getLogger(__name__)

DUE = 2.8
"""Seconds in which Discord must have the answer, less a little."""
TRY = 1.5
"""Longest wait for one try."""
PAUSES = (0.0, 0.1, 0.25, 0.5, 0.8, 1.0)
_MESSAGE, _DEFERRED, _DEFERRED_UPDATE, _CHOICES, _MODAL = 4, 5, 6, 8, 9


class Answerer:
    """Gives first answers. Nothing here raises: an interaction that cannot be answered is lost."""

    def __init__(self, rest: Rest) -> None:
        """`rest` makes the calls."""
        self._rest = rest

    async def defer(self, raw: Raw, *, hidden: bool = False) -> Answered | None:
        """Open an answer slot ("is thinking…"); None when Discord does not take it any more."""
        flags = {"data": {"flags": EPHEMERAL}} if hidden else {}
        found = await self._give(raw, {"type": _DEFERRED, **flags})
        if found is None:
            found = await self._found(raw)
        return None if found is None else _answered(found, hidden)

    async def take(self, raw: Raw) -> Answered | None:
        """Acknowledge a press without showing anything; None when Discord does not take it."""
        found = await self._give(raw, {"type": _DEFERRED_UPDATE})
        if found is None:
            found = await self._found(raw)
        return None if found is None else Answered()

    async def given(self, raw: Raw, *, hidden: bool = False) -> Answered | None:
        """What an earlier life answered; None when Discord has no answer, and told the person so.
        One that cannot be asked for any more is taken for given. Raises `AdapterError` when Discord
        is away.
        """
        try:
            message = await self._rest.hook("GET", _original(raw))
        except RefusedError as error:
            return None if error.status == 404 else Answered(hidden=hidden)
        return _answered({"resource": {"message": message}}, hidden)

    async def say(self, raw: Raw, words: str) -> None:
        """Answer with a sentence for that person alone; `words` is Discord's markdown."""
        data = {
            "content": words,
            "flags": EPHEMERAL | SUPPRESS_EMBEDS,
            "allowed_mentions": {"parse": []},
        }
        await self._give(raw, {"type": _MESSAGE, "data": data})

    async def ask(self, raw: Raw, modal: dict[str, Any]) -> None:
        """Open a window."""
        await self._give(raw, {"type": _MODAL, "data": modal})

    async def offer(self, raw: Raw, choices: Sequence[dict[str, Any]]) -> None:
        """Offer values while a person types."""
        await self._give(raw, {"type": _CHOICES, "data": {"choices": list(choices)[:25]}})

    async def _give(self, raw: Raw, payload: dict[str, Any]) -> dict[str, Any] | None:
        """Try until Discord has the answer or the time is over; None when it may not have it."""
        clock = asyncio.get_running_loop().time
        due = clock() + DUE
        path = f"/interactions/{raw['id']}/{raw['token']}/callback?with_response=true"
        for pause in PAUSES:
            await asyncio.sleep(pause)
            left = due - clock()
            if left <= 0:
                break
            try:
                return await self._rest.once("POST", path, payload, patience=min(left, TRY))
            except RefusedError as error:
                if error.code == ALREADY_ANSWERED:  # an earlier try, or an earlier life, did it
                    return {}
                log.warning("Discord does not take an answer: %s", error)
                return None
            except SlowDown as error:
                await asyncio.sleep(min(error.retry_after, max(due - clock(), 0)))
            except AdapterError as error:
                log.info("an answer is tried again: %s", type(error).__name__)
        log.warning("an interaction could not be answered in time")
        return None

    async def _found(self, raw: Raw) -> dict[str, Any] | None:
        """Look whether Discord has a deferred answer after all."""
        try:
            message = await self._rest.once("GET", _original(raw), patience=TRY)
        except (RefusedError, AdapterError):
            return None
        return {"resource": {"message": message}}


def _original(raw: Raw) -> str:
    return f"/webhooks/{raw['application_id']}/{raw['token']}/messages/@original"


def _answered(found: dict[str, Any], hidden: bool) -> Answered:
    """What there is now; Discord hides it in some places whatever was asked for."""
    about = found.get("interaction") or {}
    message = (found.get("resource") or {}).get("message") or {}
    unseen = about.get("response_message_ephemeral") or int(message.get("flags") or 0) & EPHEMERAL
    number = about.get("response_message_id") or message.get("id")
    return Answered(str(number or ""), hidden or bool(unseen))
