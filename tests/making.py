"""Jobs, actions and a clock for tests of what is below the desk."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from core.jobs import Action, Job, Verb
from core.messages import Place
from core.providers.base import Request

START = 1_700_000_000.0
_numbers = itertools.count(1)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def make_job(number: int | None = None, **values: Any) -> Job:
    """A queued job of its own event; `number` orders jobs in time."""
    number = next(_numbers) if number is None else number
    job = Job(
        id=f"j{number}",
        owner="web:ann",
        owner_name="Ann",
        place=Place("web", "room"),
        lang="en",
        command="imagine",
        request=Request(offer="midjourney", kind="image", prompt="a fox in the rain"),
        price=50_000,
        created_at=START + number,
        wake_at=START,
        event_key=f"event-{number}",
    )
    return replace(job, **values)


def make_action(job: str, key: str, token: str, **values: Any) -> Action:
    """A button."""
    return Action(
        token=token, verb=Verb.CONTINUE, owner="web:ann", job=job, key=key, label=key, **values
    )
