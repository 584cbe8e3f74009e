"""What a person can ask for. `COMMANDS` is the one list; every platform's own form is generated
from it.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.commands import ask, edit, find, imagine, owner, personal, song, video, voice, work
from core.commands.spec import Command


def _all() -> Sequence[Command]:
    return COMMANDS


TALK = "ask"
"""The command that plain words to the bot are."""
COMMANDS: tuple[Command, ...] = (
    *imagine.COMMANDS,
    *edit.COMMANDS,
    *video.COMMANDS,
    *song.COMMANDS,
    *ask.COMMANDS,
    *voice.COMMANDS,
    *find.COMMANDS,
    *work.COMMANDS,
    *personal.COMMANDS,
    *owner.COMMANDS,
    personal.help_command(_all),
)
