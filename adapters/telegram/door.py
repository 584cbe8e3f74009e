"""The adapter's own notes in `Ref.door`: what an edit of a message may change, and open presses.

They travel through core as text, are stored with jobs, and are read again here after any restart.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from core.messages import Media

TEXT_STAYS = "text"
"""A message of words that an edit never turns into a picture."""
MEDIA_STAYS = "media"
"""A message whose picture an edit never changes."""


def shown(media: Media) -> str:
    """The note of a message that shows this picture and may show another one later."""
    return f"{MEDIA_STAYS}:{media.hash[:16]}"


def has_media(door: str) -> bool:
    """Whether the message is known to have a picture."""
    return door.startswith(MEDIA_STAYS)


def keeps(door: str, media: Media | None) -> bool:
    """Whether an edit that shows `media` leaves the message's picture, or lack of one, as it is."""
    return media is None or door in (TEXT_STAYS, MEDIA_STAYS, shown(media))


@dataclass(frozen=True, slots=True)
class Slot:
    """A press that may still be answered: what stands in a Ref without a message."""

    query: str
    user: str
    thread: str = ""
    message: str = ""
    """The message whose button was pressed."""

    def write(self) -> str:
        """Give the note as text."""
        return json.dumps(asdict(self), separators=(",", ":"))


def read_slot(text: str) -> Slot:
    """Read a note; text that is none gives a slot that nothing can be answered to."""
    try:
        found = json.loads(text)
        return Slot(**found)
    except (ValueError, TypeError):
        return Slot("", "")
