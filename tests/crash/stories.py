"""What happens in a row of the crash table before, when and after the program dies.

A story brings a chat to the point where the person acts, acts, and says what the person still does
when the program is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.crash.house import House
from tests.crash.stages import Answers, Shown, until

Thing = Any
"""What the person acts on: a message, a form, or nothing."""


@dataclass(frozen=True)
class Story:
    """One thing that people do, and what comes of it."""

    title: str
    """How the messages about the job begin."""
    credit: str = field(default="", kw_only=True)
    """What only a result says, where it has too few buttons to be known by them."""
    files: int = field(default=0, kw_only=True)
    """Files of the result, where the chat shows no others."""
    metered: bool = field(default=False, kw_only=True)
    """It is paid for by what it took, which the pretend gateway does not count."""
    setup: Callable[[House, Any], Awaitable[Thing]]
    act: Callable[[House, Any, Thing], Awaitable[None]]
    after: Callable[[House, Any], Awaitable[None]] | None = None
    pays: int = 1
    """Paid calls at the gateway."""
    steps: int = 1
    """All submitting calls at the gateway."""
    makes: bool = True
    """Whether the act makes the job; else it is about the one there is."""

    def ended(self, shown: Shown) -> bool:
        """Whether it is the result."""
        known = shown.says(self.credit) if self.credit else len(shown.buttons) > 3
        return known and shown.says(self.title)


def finished(title: str) -> Callable[[Shown], bool]:
    """A result: its many buttons tell it from what else is said about the job."""
    return lambda shown: len(shown.buttons) > 3 and shown.says(title)


async def _nothing(house: House, chat: Any) -> None:
    del house, chat


def _uses(command: str, **options: Any) -> Callable[[House, Any, Thing], Awaitable[None]]:
    async def act(house: House, chat: Any, _: Thing) -> None:
        await house.stage.use(chat, command, **options)

    return act


_imagine = _uses("imagine", prompt="a fox")


async def _grid(house: House, chat: Any, prompt: str = "a fox") -> Shown:
    await house.stage.use(chat, "imagine", prompt=prompt)
    shown = await house.stage.wait(chat, finished("Imagine"))
    await house.idle()
    return shown


async def _press_u2(house: House, chat: Any, grid: Thing) -> None:
    await house.stage.press(chat, grid, "U2")


async def _zoom_form(house: House, chat: Any) -> Thing:
    await _press_u2(house, chat, await _grid(house, chat))
    single = await house.stage.wait(chat, finished("U2"))
    await house.idle()
    return await _opened(house, chat, single, "Custom Zoom", ZOOM)


async def _opened(house: House, chat: Any, shown: Shown, label: str, answers: Answers) -> Thing:
    """A form whose opening is over and done with."""
    form = await house.stage.open(chat, shown, label, answers)
    await until(lambda: not house.bot.open_events(), "rest")
    return form


ZOOM = ("1.5", "-", "-")
REMIX = ("a window with a cat",)
"""What the windows are answered with."""


async def _answer_zoom(house: House, chat: Any, form: Thing) -> None:
    await house.stage.fill(chat, form, ZOOM)


async def _behind_another(house: House, chat: Any) -> None:
    """The gateway's one place is taken, so that the next job has to wait."""
    since = house.bot.last_job()
    other = house.stage.enter("other")
    await house.stage.use(other, "imagine", prompt="a boat slow")
    await house.stage.wait(other, lambda shown: shown.says("a boat"))
    await until(lambda: [s for _, s, _ in house.bot.jobs(since) if s == "running"], "running job")
    await asyncio.sleep(0.1)  # where its progress is has to be stored too


async def _describe(house: House, chat: Any, _: Thing) -> None:
    await house.stage.describe(chat)


async def _window_grid(house: House, chat: Any) -> Thing:
    return await _grid(house, chat, "a window")


async def _press_v1(house: House, chat: Any, grid: Thing) -> None:
    await house.stage.press(chat, grid, "V1")


async def _answer_window(house: House, chat: Any) -> None:
    form = await _window_form(house, chat)
    await house.stage.fill(chat, form, REMIX)


async def _window_form(house: House, chat: Any) -> Thing:
    stage = house.stage
    asked = await stage.wait(chat, lambda shown: any("Answer" in label for label in shown.buttons))
    return await _opened(house, chat, asked, "Answer", REMIX)


async def _open_window(house: House, chat: Any) -> Thing:
    await _press_v1(house, chat, await _window_grid(house, chat))
    return await _window_form(house, chat)


async def _fill_window(house: House, chat: Any, form: Thing) -> None:
    await house.stage.fill(chat, form, REMIX)


def _can_stop(shown: Shown) -> bool:
    return any("Cancel" in label for label in shown.buttons) and "%" in shown.text


async def _slow_job(house: House, chat: Any) -> Thing:
    await house.stage.use(chat, "imagine", prompt="a fox stall")
    return await house.stage.wait(chat, _can_stop)


async def _cancel(house: House, chat: Any, progress: Shown) -> None:
    await house.stage.press(chat, progress, "Cancel")


STORIES: dict[str, Story] = {
    "imagine": Story("Imagine", _nothing, _imagine),
    "slow": Story("Imagine", _nothing, _uses("imagine", prompt="a fox slow")),
    "queued": Story("Imagine", _behind_another, _imagine),
    "U2": Story("U2", _grid, _press_u2),
    "zoom": Story("Custom Zoom", _zoom_form, _answer_zoom, steps=2),
    "describe": Story("Describe", _nothing, _describe),
    "remix": Story("V1", _window_grid, _press_v1, _answer_window, steps=2),
    "answer": Story("V1", _open_window, _fill_window, pays=0, makes=False),
    "cancel": Story("Imagine", _slow_job, _cancel, pays=0, steps=0, makes=False),
    "song": Story("Song", _nothing, _uses("song", idea="a tune"), credit="Suno 5 ·", files=2),
    "slow song": Story(
        "Song", _nothing, _uses("song", idea="a slow tune"), credit="Suno 5 ·", files=2
    ),
    "pictures": Story(
        "Imagine",
        _nothing,
        _uses("imagine", prompt="a fox", model="ideogram-v3", count=2),
        credit="Ideogram 3 ·",
        files=2,
    ),
    "ask": Story("Ask", _nothing, _uses("ask", prompt="a why"), credit="tokens ·", metered=True),
    "half said": Story("Ask", _nothing, _uses("ask", prompt="a why stall")),
    "essay": Story(
        "",
        _nothing,
        _uses("ask", prompt="an essay"),
        credit="tokens ·",
        files=1,
        metered=True,
    ),
    "speak": Story("Speak", _nothing, _uses("speak", text="a word"), credit="GPT voice ·", files=1),
}
"""By the name that stands in the table."""
