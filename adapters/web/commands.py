"""The commands as the page needs them, and the page's own words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from core.commands.spec import Command
from core.i18n import Say, mark

WORDS = (
    mark("Add a file"),
    mark("Add pictures"),
    mark("All commands"),
    mark("Close"),
    mark("Connected"),
    mark("Connecting…"),
    mark("Connection lost, trying again…"),
    mark("Describe it, or type /"),
    mark("Dismiss"),
    mark("Download"),
    mark("Drop pictures here"),
    mark("Examples"),
    mark("Form"),
    mark("Latest"),
    mark("Message"),
    mark("Messages"),
    mark("More options"),
    mark("New session"),
    mark("Next picture"),
    mark("No connection. It was kept here: send it again in a moment."),
    mark("Only you see this"),
    mark("Open the picture large"),
    mark("Paint it"),
    mark("Picture"),
    mark("Previous picture"),
    mark("Progress"),
    mark("Remove {name}"),
    mark("Send"),
    mark("Session {n}"),
    mark("Sessions"),
    mark("Show the covered picture"),
    mark("Suggestions"),
    mark("That did not arrive. Please try again."),
    mark("This command takes no files."),
    mark(
        "Type a line, drop a picture, press the buttons under a result. "
        "Every command is a form, too."
    ),
    mark("Up to {n} pictures"),
    mark("What shall we draw?"),
    mark("{name} cannot be used here."),
    mark("{name} is too big: at most {n} MB can be used."),
)
"""Every word of the page itself."""


def listing(commands: Iterable[Command], say: Say) -> list[dict[str, Any]]:
    """What the page draws forms and suggestions from."""
    return [
        {
            "name": command.name,
            "summary": say(command.summary),
            "example": command.example,
            "options": [
                {**asdict(option), "description": say(option.description)}
                for option in command.options
            ],
        }
        for command in commands
    ]


def words(say: Say) -> dict[str, str]:
    """The page's words in a person's language."""
    return {text: say(text) for text in WORDS}
