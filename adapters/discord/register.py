"""Registering the commands: in every place that should have them, and only where they changed or
are gone.

A place is a server's id, or empty for everywhere. What was registered where is kept as one note, so
that a place which is wanted no longer is emptied, whatever the settings say by then.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.discord.commands import SLASH, fingerprint
from adapters.discord.rest import RefusedError, Rest
from core.desk import Desk
from core.errors import AdapterError, SlowDown, StoreError

log = logging.getLogger(__name__)

COMMANDS_NOTE = "discord:commands"
EVERYWHERE = ""
SOON = 60.0
"""Longest pause before a registration that got no answer is tried again, in seconds."""
REFUSED_PAUSE = 300.0
"""Pause after a refusal: its cause is the owner's to mend, and refusals count against the bot."""
_NOT_THERE = (403, 404)

Payloads = Sequence[Mapping[str, Any]]


class Registrar:
    """Keeps at it until Discord has every command where it belongs."""

    def __init__(self, rest: Rest, desk: Desk, wanted: Mapping[str, Payloads]) -> None:
        """`wanted`: the commands of every place."""
        self._rest = rest
        self._desk = desk
        self._wanted = wanted
        self._refused: dict[str, str] = {}

    @property
    def problem(self) -> str:
        """What the owner should look at, in words; empty when all is registered or on its way."""
        return " ".join(self._refused.values())

    async def run(self, app: str) -> None:
        """Register for an application, again and again until all is done."""
        soon = 1.0
        while (pause := await self._round(app, soon)) > 0:
            soon = min(soon * 2, SOON)
            await asyncio.sleep(pause)

    async def _round(self, app: str, soon: float) -> float:
        """Register what is missing; gives the seconds to wait before the rest is tried again."""
        try:
            known = _read(await self._desk.kept(COMMANDS_NOTE), app)
            pauses = [
                await self._place(app, place, known, soon)
                for place in dict.fromkeys([*self._wanted, *known])
            ]
        except StoreError as error:
            log.warning("what was registered cannot be read: %s", error)
            return soon
        return max((p for p in pauses if p < REFUSED_PAUSE), default=0.0) or max(pauses)

    async def _place(self, app: str, place: str, known: dict[str, str], soon: float) -> float:
        """Bring one place up to date; a place without the bot does not hold up the others."""
        commands = self._wanted.get(place, ())
        print_of = fingerprint(commands)
        if known.get(place) == print_of and await self._there(app, place, commands):
            return 0.0
        try:
            await self._overwrite(app, place, commands)
        except RefusedError as error:
            if place in self._wanted or error.status not in _NOT_THERE:
                self._refused[place] = _sentence(place, error)
                log.error("%s", self._refused[place])
                return REFUSED_PAUSE
        except SlowDown as error:
            return error.retry_after
        except AdapterError as error:
            log.warning("the commands are not registered yet: %s", type(error).__name__)
            return soon
        self._refused.pop(place, None)
        if place in self._wanted:
            known[place] = print_of
        else:
            known.pop(place, None)
        await self._desk.keep(COMMANDS_NOTE, json.dumps({"app": app, "places": known}))
        return 0.0

    async def _there(self, app: str, place: str, commands: Payloads) -> bool:
        """Whether Discord still has what was registered, and not another program's commands; what
        cannot be looked up is believed.
        """
        try:
            if place == EVERYWHERE:
                found = await self._rest.bot(lambda h: h.get_global_commands(int(app)))
            else:
                found = await self._rest.bot(lambda h: h.get_guild_commands(int(app), int(place)))
        except (RefusedError, AdapterError) as error:
            log.info("what is registered cannot be looked up: %s", type(error).__name__)
            return True
        return _names(found) == _names(commands)

    async def _overwrite(self, app: str, place: str, commands: Payloads) -> None:
        payload: list[Any] = list(commands)
        if place == EVERYWHERE:
            await self._rest.bot(lambda h: h.bulk_upsert_global_commands(int(app), payload))
        else:
            await self._rest.bot(
                lambda h: h.bulk_upsert_guild_commands(int(app), int(place), payload)
            )
        log.info("registered %d commands %s", len(payload), f"in {place}" if place else "globally")


def _read(note: str | None, app: str) -> dict[str, str]:
    """The fingerprint of what every place has; nothing is known of another application's."""
    try:
        found = json.loads(note or "{}")
    except ValueError:
        return {}
    if not isinstance(found, dict) or found.get("app") != app:
        return {}
    return {str(place): str(print_of) for place, print_of in found.get("places", {}).items()}


def _names(commands: Sequence[Mapping[str, Any]]) -> set[tuple[int, str]]:
    return {(int(c.get("type") or SLASH), str(c.get("name"))) for c in commands}


def _sentence(place: str, error: RefusedError) -> str:
    """A refusal for the owner of the bot, with the fix where it is known."""
    if place != EVERYWHERE and error.status in _NOT_THERE:
        return (
            f"The bot is not in the server {place} of [discord] guild_ids, or may not have commands"
            " there: invite it with the scope applications.commands, or take the number out."
        )
    return f"Discord does not take the commands: {error}"
