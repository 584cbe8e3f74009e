"""The adapter's own note on how to write to a chat and how to change a message there.

It travels through core as the text of `Place.door` and `Ref.door`, is stored with jobs, and is read
again here after any restart. It holds an interaction token, with which anybody could answer in the
bot's name for a quarter of an hour: never log one.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

DoorKind: TypeAlias = Literal["place", "slot", "press", "message"]

TOKEN_LIFE = 15 * 60 - 30
"""Seconds an interaction token is used after its event came; Discord takes it for 15 minutes."""


@dataclass(frozen=True, slots=True)
class Door:
    """How to write; the default knows nothing but the chat and tries with the bot's own token."""

    kind: DoorKind = "place"
    """`slot` is a deferred answer not given yet, `press` an acknowledged press that has no slot of
    its own, `message` one that was sent.
    """
    app: str = ""
    interaction: str = ""
    token: str = ""
    """The interaction's token; empty where only the bot's own token was used."""
    until: float = 0.0
    """Unix time until which `token` is used."""
    user: str = ""
    """Who the interaction came from."""
    guild: str = ""
    """The server it came from."""
    member: bool = True
    """The bot's own token can write in this chat: it is a member with the permission, or this is
    its DM.
    """
    dm: bool = False
    """Nobody else reads this chat."""
    hidden: bool = False
    """The message or slot is ephemeral: the bot's own token cannot reach it."""
    original: bool = False
    """The token's `@original` is this message."""
    known: bool = True
    """`Ref.message` is the message's id; otherwise it is the interaction's."""
    limit: int = 0
    """Bytes of a file this chat takes in answer to the interaction; 0 if Discord did not say."""
    source: str = ""
    """The message whose button was pressed."""
    files: tuple[tuple[str, str], ...] = ()
    """(file name, attachment id) of what hangs on the message, to be kept by an edit that shows the
    same.
    """

    def open(self, now: float) -> bool:
        """Whether the interaction's token still works at `now` (Unix seconds)."""
        return bool(self.token) and now < self.until

    def write(self) -> str:
        """Give the note as text; what has its default value is left out."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return json.dumps(
            {k: v for k, v in values.items() if v != _DEFAULTS[k]}, separators=(",", ":")
        )


_DEFAULTS: dict[str, Any] = {f.name: f.default for f in dataclasses.fields(Door)}


def read_door(text: str) -> Door:
    """Read a note; text that is none gives the door that knows nothing."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return Door()
    values = {k: v for k, v in found.items() if k in _DEFAULTS} if isinstance(found, dict) else {}
    files = tuple((str(name), str(key)) for name, key in values.pop("files", ()))
    return Door(**values, files=files)
