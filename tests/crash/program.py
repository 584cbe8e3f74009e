"""The program as the crash table runs it: the real one, in a process of its own, with a trap.

Owns where it can be made to die. A trap wraps a method of the product from outside, so that the
product itself knows nothing of tests. The order to die is a file in the program's folder that says
`spot:when` or `spot:when:n`, and is read whenever a spot is passed; without it nothing happens.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.__main__ import main
from bot.app import App
from core.delivery import Delivery
from core.gateway import Gateway, Leave
from core.halves import Halves
from core.jobs import State
from core.outbox import Outbox
from core.store import Store

__all__ = ["ORDER", "SPOTS", "App", "live"]

ORDER = "order"
"""Name of the file that says where to die."""

Fits = Callable[..., object]
"""Given a call's arguments (without self), tells whether it is the one."""


@dataclass(frozen=True)
class Spot:
    """One commit point: the call of a method with such arguments."""

    owner: type
    method: str
    fits: Fits = lambda *_, **__: True
    gave: Callable[[Any], object] = lambda _: True
    """Given the result, tells whether `after` is reached."""


def _moves(*to: State, of: tuple[State, ...] = tuple(State)) -> Fits:
    return lambda before, after, *_, **__: before.state in of and after.state in to


def _sends(path: str) -> Fits:
    return lambda call, **_: path in call.path


def _nonce(ending: str) -> Fits:
    return lambda *_, nonce, **__: nonce.endswith(ending)


SPOTS: dict[str, Spot] = {
    "event stored": Spot(Store, "take_in", lambda _, found, **__: found),
    "job stored": Spot(Store, "add_job"),
    "submitting": Spot(Store, "claim_queued", gave=bool),
    "submit": Spot(
        Gateway,
        "send",
        lambda call, **_: call.method == "POST" and not call.reads and "/modal" not in call.path,
    ),
    "stream": Spot(Gateway, "stream"),
    "window answer": Spot(Gateway, "send", _sends("/submit/modal")),
    "id stored": Spot(
        Store,
        "save",
        _moves(State.RUNNING, State.WAITING, State.QUEUED, of=(State.SUBMITTING,)),
    ),
    "progress shown": Spot(Delivery, "shown"),
    "look": Spot(Gateway, "send", lambda call, **_: call.method == "GET" or call.reads),
    "progress stored": Spot(Store, "save_many", lambda changes, **_: changes),
    "result stored": Spot(
        Store,
        "save",
        _moves(State.FETCHING, State.READY, of=(State.SUBMITTING, State.RUNNING)),
    ),
    "file archived": Spot(Delivery, "fetch"),
    "ready stored": Spot(Store, "save", _moves(State.READY, of=(State.FETCHING,))),
    "result sent": Spot(Outbox, "send", _nonce("-r")),
    "part noted": Spot(Halves, "add"),
    "ref stored": Spot(Store, "set_result"),
    "progress removed": Spot(Outbox, "delete"),
    "status cleared": Spot(Store, "drop_status"),
    "settled": Spot(Store, "save", _moves(State.DONE)),
    "question sent": Spot(Outbox, "send", _nonce("-q")),
    "question stored": Spot(Store, "set_asked"),
    "answer kept": Spot(Store, "keep", lambda key, *_, **__: key.startswith("telegram:ask")),
    "answer stored": Spot(Store, "save", _moves(State.QUEUED, of=(State.WAITING,))),
    "cancel asked": Spot(Store, "request_cancel"),
    "cancelled": Spot(Store, "save", _moves(State.CANCELLED)),
    "doubt stored": Spot(Store, "save", _moves(State.UNSURE)),
    "end edited": Spot(Outbox, "edit"),
    "end sent": Spot(Outbox, "send", lambda *_, nonce, **__: "-e" in nonce),
}
"""Every place where the program can be told to die."""


class Trap:
    """Kills the process where the order says."""

    def __init__(self, order: Path) -> None:
        self._order = order
        self._passed: Counter[str] = Counter()

    def set(self) -> None:
        """Wrap the spots; several on one method nest."""
        for name, spot in SPOTS.items():
            setattr(spot.owner, spot.method, self._wrapped(name, spot))

    def _wrapped(self, name: str, spot: Spot) -> Callable[..., Awaitable[Any]]:
        inner = getattr(spot.owner, spot.method)

        @functools.wraps(inner)
        async def call(self_: Any, *args: Any, **kwargs: Any) -> Any:
            fits = spot.fits(*args, **kwargs)
            if fits and (leave := kwargs.get("leave")):
                kwargs["leave"] = self._then(leave, f"{name}:before")
            elif fits:
                self._pass(f"{name}:before")
            result = await inner(self_, *args, **kwargs)
            if fits and spot.gave(result):
                self._pass(f"{name}:after")
            return result

        return call

    def _then(self, leave: Leave, here: str) -> Leave:
        """A submit that is held has its moment when it may leave."""

        async def left() -> None:
            await leave()
            self._pass(here)

        return left

    def _pass(self, here: str) -> None:
        try:
            order = self._order.read_text()
        except FileNotFoundError:
            return
        name, when, number = f"{order}:1".split(":")[:3]
        if f"{name}:{when}" != here:
            return
        self._passed[order] += 1
        if self._passed[order] == int(number):
            os.kill(os.getpid(), signal.SIGKILL)


def live(folder: str) -> None:
    """Run `atelier run` until it dies; what it says goes to `log` in its folder."""
    home = Path(folder)
    log = os.open(home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    Trap(home / ORDER).set()
    sys.argv = ["atelier", "run", "--config", str(home / "config.toml")]
    main()
