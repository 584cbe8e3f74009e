"""Processes and numbers: starts the bot and the pretend servers, reads their cost from /proc."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
TELEGRAM_TOKEN = "123456:abcdefghijklmnopqrstuvwxyzABCDEFGHI"
DISCORD_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB"


@dataclass(slots=True)
class Row:
    """One line of the table.

    Attributes:
        what: What was measured.
        goal: What it must be at most, in words.
        value: What it was, in words.
        ok: Whether that is met.
    """

    what: str
    goal: str
    value: str
    ok: bool


@dataclass
class Process:
    """A running program."""

    process: asyncio.subprocess.Process
    url: str = ""
    log: Path | None = None

    @property
    def cpu(self) -> float:
        """Seconds of CPU it has used, user and system."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICK

    @property
    def rss(self) -> int:
        """Bytes of memory it holds now."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    async def stop(self) -> None:
        """End it, first by asking."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), 12)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start(module: str, *args: str, log: Path, env: dict[str, str] | None = None) -> Process:
    """Start `python -m module`; standard error goes to `log`. Bytecode is kept, as by default."""
    around = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *args,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=errors, env=around | (env or {}),
        )  # fmt: skip
    return Process(process, log=log)


async def server(module: str, folder: Path) -> Process:
    """Start a pretend server and learn its address."""
    made = await start(f"tests.bench.{module}", log=folder / f"{module}.log")
    assert made.process.stdout is not None
    made.url = (await asyncio.wait_for(made.process.stdout.readline(), 20)).decode().strip()
    return made


@dataclass
class House:
    """The bot and the servers it talks to."""

    folder: Path
    gateway: Process
    telegram: Process | None = None
    discord: Process | None = None
    bot: Process = field(init=False)
    http: aiohttp.ClientSession = field(init=False)
    port: int = field(default_factory=lambda: free_port())
    ready_after: float = 0.0

    async def ask(self, process: Process | None, path: str, body: Any = None) -> Any:
        """Speak to a pretend server's own side."""
        assert process is not None
        method = "GET" if body is None else "POST"
        async with self.http.request(method, f"{process.url}/bench/{path}", json=body) as answer:
            return await answer.json()

    @property
    def lag(self) -> dict[str, float]:
        """What the probe in the bot has seen since it was last cleared, in milliseconds."""
        return dict(json.loads((self.folder / "lag.json").read_text()))

    async def results(self, count: int, timeout: float, each: float = 0.5) -> list[int]:
        """Wait until so many results were seen; gives the bot's memory at every look."""
        seen, end = [], time.time() + timeout
        while time.time() < end:
            seen.append(self.bot.rss)
            done = 0
            for one in (self.telegram, self.discord):
                done += (await self.ask(one, "count"))["results"] if one else 0
            if done >= count:
                return seen
            await asyncio.sleep(each)
        raise TimeoutError(f"only {done} of {count} results after {timeout:.0f} s")


def settings(house: House, extra: str) -> str:
    """A `config.toml` for the servers that run."""
    lines = [
        f'[gateway]\nbase_url = "{house.gateway.url}"\napi_key = "bench"',
        f'[web]\nlisten = "127.0.0.1:{house.port}"',
        f'[store]\nurl = "sqlite:///{house.folder}/atelier.db"',
        f'[archive]\ndir = "{house.folder}/archive"',
    ]
    if house.telegram:
        lines.append(f'[telegram]\ntoken = "{TELEGRAM_TOKEN}"\napi_url = "{house.telegram.url}"')
    if house.discord:
        url = house.discord.url
        ws = url.replace("http", "ws")
        lines.append(
            f'[discord]\ntoken = "{DISCORD_TOKEN}"\n'
            f'api_url = "{url}/api/v10"\ngateway_url = "{ws}/ws"'
        )
    return "\n".join([*lines, extra, ""])


@contextlib.asynccontextmanager
async def house(
    folder: Path, parts: Sequence[str], extra: str = "", *, probe: bool = True
) -> AsyncIterator[House]:
    """Run the bot, as `atelier run` does, with the pretend servers of `parts` beside it; where
    nobody asks for its lag, without the probe, which takes its share of every moment.
    """
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  (before anything runs)
    servers = {name: await server(name, folder) for name in ("gateway", *parts)}
    made = House(folder, servers["gateway"], servers.get("telegram"), servers.get("discord"))
    made.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120))
    (folder / "config.toml").write_text(settings(made, extra))
    env = {"BENCH_LAG": str(folder / "lag.json")} if probe else {}
    begun = time.time()
    try:
        made.bot = await start(
            "tests.bench.launch", "run", "--config", str(folder / "config.toml"),
            log=folder / "bot.log", env=env,
        )  # fmt: skip
        made.ready_after = await _ready(made, begun)
        yield made
    finally:
        if hasattr(made, "bot"):
            await made.bot.stop()
        for one in servers.values():
            one.process.kill()
            await one.process.wait()
        await made.http.close()


async def _ready(made: House, begun: float) -> float:
    """Wait until `/healthz` says so; gives the seconds it took."""
    while time.time() < begun + 70:
        if made.bot.process.returncode is not None:
            break
        with contextlib.suppress(aiohttp.ClientError):
            async with made.http.get(f"http://127.0.0.1:{made.port}/healthz") as answer:
                parts = (await answer.json())["parts"]
                if answer.status == 200 and set(parts.values()) == {"ok"}:
                    return time.time() - begun
        await asyncio.sleep(0.01)
    log = made.bot.log.read_text()[-2000:] if made.bot.log else ""
    raise TimeoutError(f"the bot does not become ready: {log}")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def median(values: Iterable[float]) -> float:
    """The middle one."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def mean(values: Iterable[float]) -> float:
    """Their average."""
    found = list(values)
    return sum(found) / len(found)
