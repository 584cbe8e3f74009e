"""One bot with its folder, chat platform and pretend gateway, that dies and is started again."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import sqlite3
from pathlib import Path
from typing import Any

from bot.sandbox import Sandbox
from tests.crash import program
from tests.crash.stages import PATIENCE, Stage, until

_FORKS = multiprocessing.get_context("forkserver")
"""Starts programs from a process that has imported everything already, and has no threads."""
_FORKS.set_forkserver_preload(["pytest", "tests.crash.program"])


class Books:
    """A bot's store, read from outside."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where `atelier.db` lies, or will."""
        self.folder = folder

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read its store; nothing while there is none."""
        path = self.folder / "atelier.db"
        if not path.exists():
            return []
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()

    def last_job(self) -> int:
        """Number of the newest job's row."""
        found = self.ask("SELECT coalesce(max(rowid), 0) FROM jobs")
        return int(found[0][0]) if found else 0

    def jobs(self, after: int) -> list[tuple[str, str, float]]:
        """(id, state, when it is looked at next; 0 for never) of the jobs made after a row."""
        return self.ask("SELECT id, state, wake_at FROM jobs WHERE rowid > ?", after)

    def ledger(self, job: str) -> list[tuple[str, int]]:
        """(entry, micro-USD) of a job."""
        return self.ask("SELECT entry, amount FROM ledger WHERE job = ? ORDER BY at", job)

    async def idle(self, timeout: float = PATIENCE) -> None:
        """Wait until there is nothing to do any more."""
        busy = "SELECT id, state FROM jobs WHERE wake_at > 0"
        await until(
            lambda: not self.ask(busy) and not self.open_events(),
            lambda: f"rest; open are {self.ask(busy)} and {self.open_events()} events",
            timeout,
        )

    def open_events(self) -> int:
        """Platform events that are stored and not dealt with."""
        found = self.ask("SELECT count(*) FROM events WHERE done_at IS NULL")
        return int(found[0][0]) if found else 0


class Bot(Books):
    """The program of one folder, one life after the other."""

    def __init__(self, folder: Path, settings: dict[str, dict[str, Any]]) -> None:
        """`settings`: sections of `config.toml`."""
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(toml(settings))
        self._process: Any = None
        self.lives = 0

    def start(self) -> None:
        """Begin a life."""
        self._process = _FORKS.Process(
            target=program.live, args=(str(self.folder),), daemon=True, name="atelier"
        )
        self._process.start()
        self.lives += 1

    def order(self, where: str) -> None:
        """Say where the program shall die: `spot:when`, see `program.SPOTS`."""
        draft = self.folder / "draft"
        draft.write_text(where)
        draft.replace(self.folder / program.ORDER)

    async def died(self, where: str) -> None:
        """Wait for the death that was ordered."""
        await until(lambda: self._process.exitcode is not None, f"death at {where}")
        assert self._process.exitcode == -signal.SIGKILL, f"ended with {self._process.exitcode}"
        (self.folder / program.ORDER).unlink(missing_ok=True)

    async def kill(self) -> None:
        """Kill it here and now."""
        if self.alive:
            os.kill(self._process.pid, signal.SIGKILL)
            await until(lambda: self._process.exitcode is not None, "death")

    def room(self, size: int = resource.RLIM_INFINITY) -> None:
        """Let its files grow to at most so many bytes, as a full disk would; without, to any."""
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    @property
    def alive(self) -> bool:
        """Whether a life is going on."""
        found = self._process
        return found is not None and found.pid is not None and found.exitcode is None

    @property
    def log(self) -> str:
        """Everything it has said so far."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""


def toml(settings: dict[str, dict[str, Any]]) -> str:
    """Settings as a file."""
    lines = []
    for section, values in settings.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


class House:
    """A stage, a gateway and a bot."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.gateway = Sandbox(pace=0.015, image_size=64)
        self._folder = folder
        self._stores = 0

    async def __aenter__(self) -> House:
        await self.stage.start()
        await self.gateway.start()
        self._make()
        return self

    def _make(self) -> None:
        """A bot with an empty store."""
        self._stores += 1
        folder = self._folder / str(self._stores)
        settings = {
            "gateway": {"base_url": self.gateway.url, "api_key": "sandbox"},
            "web": {"listen": "127.0.0.1:0"},
            "store": {"url": f"sqlite:///{folder}/atelier.db"},
            "archive": {"dir": str(folder / "archive")},
            "jobs": {"poll_scale": 0.01, "parallel": 1},
            **self.stage.settings(),
        }
        self.bot = Bot(folder, settings)

    async def __aexit__(self, *_: object) -> None:
        await self.bot.kill()
        await self.stage.stop()
        await self.gateway.stop()

    async def begin(self) -> None:
        """Start the bot; where the platform tells only who listens, wait until it does."""
        self.stage.expect()
        self.bot.start()
        await self.stage.ready()

    async def idle(self) -> None:
        """Wait until the bot has nothing to do any more."""
        await self.bot.idle()

    async def anew(self) -> None:
        """Go on after a row that failed: another store, nothing armed."""
        await self.bot.kill()
        self.calm()
        self._make()

    async def ready(self) -> None:
        """Start the bot if it is not running."""
        if not self.bot.alive:
            await self.begin()

    def calm(self) -> None:
        """End all faults."""
        self.gateway.faults.clear()
        self.stage.calm()
