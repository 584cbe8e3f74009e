"""The program as an owner starts and stops it: a process of its own, and its command line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
import time
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from typer.testing import CliRunner

from bot.__main__ import cli
from bot.app import App, StartError
from bot.config import Settings
from bot.sandbox import Sandbox
from tests.house import running
from tests.servers.discord import DiscordServer
from tests.servers.telegram import TelegramServer

ROOT = Path(__file__).parent.parent
KEY = "sk-program-key-123456"
TELEGRAM = "123456:abcdefghijklmnopqrstuvwxyzABCDEFGHI"
STOP = 10.0
"""Seconds a stop may take."""


@dataclass
class Program:
    """One process, and the file that takes what it says."""

    process: asyncio.subprocess.Process
    output: Path

    @property
    def said(self) -> str:
        """Everything it wrote so far."""
        return self.output.read_text("utf-8")

    async def wait_line(self, words: str, within: float = 120.0) -> str:
        """Wait until a line has the words; returns it."""
        async with asyncio.timeout(within):
            while True:
                over = self.process.returncode is not None
                found = [line for line in self.said.splitlines() if words in line]
                if found:
                    return found[0]
                assert not over, f"it ended without {words!r}:\n{self.said}"
                await asyncio.sleep(0.02)

    async def address(self) -> str:
        """Where it serves, once it is ready."""
        found = re.search(r"http://\S+", await self.wait_line("ready: "))
        assert found
        return found[0]

    async def stop(self, number: signal.Signals) -> float:
        """Send a signal; returns the seconds until it was gone."""
        began = time.monotonic()
        self.process.send_signal(number)
        await self.end()
        return time.monotonic() - began

    async def end(self) -> int:
        """Wait for its end; returns its exit code."""
        async with asyncio.timeout(STOP + 5):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def program(folder: Path, *words: str, **variables: str) -> AsyncIterator[Program]:
    """Start `atelier` in a folder, with settings from the environment alone."""
    plain = {k: v for k, v in os.environ.items() if not k.upper().startswith("ATELIER_")}
    given = {f"ATELIER_{name}": value for name, value in variables.items()}
    paths = {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "COLUMNS": "200"}
    output = folder / "output"
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *words),
            cwd=folder,
            env=plain | given | paths,
            stdout=file,
            stderr=file,
        )
    try:
        yield Program(process, output)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def left(folder: Path) -> list[Path]:
    """What lies where `try` keeps its things."""
    return list(folder.glob("atelier-*"))


async def fetched(url: str) -> tuple[int, str]:
    """(status, text) of an address of the program."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def healthy(base: str) -> str:
    """What /healthz says once it is 200."""
    async with asyncio.timeout(90):
        while True:
            status, text = await fetched(f"{base}/healthz")
            if status == 200:
                return text
            await asyncio.sleep(0.05)


# -- a life ------------------------------------------------------------------------------------


async def test_everything_on_starts_answers_and_stops_and_never_shows_a_secret(
    tmp_path: Path,
) -> None:
    """The environment alone sets it up; at `debug` the real libraries say all they can."""
    gateway = Sandbox(pace=0.03, image_size=64, keys=(KEY,))
    await gateway.start()
    async with (
        DiscordServer() as discord,
        TelegramServer(token=TELEGRAM) as telegram,
        program(
            tmp_path,
            "run",
            GATEWAY__BASE_URL=gateway.url,
            GATEWAY__API_KEY=KEY,
            DISCORD__TOKEN=discord.token,
            DISCORD__API_URL=discord.api_url,
            DISCORD__GATEWAY_URL=discord.gateway_url,
            TELEGRAM__TOKEN=TELEGRAM,
            TELEGRAM__API_URL=telegram.url,
            WEB__LISTEN="127.0.0.1:0",
            JOBS__POLL_SCALE="0.05",
            LOG__LEVEL="debug",
        ) as bot,
    ):
        base = await bot.address()
        assert '"discord": "ok"' in await healthy(base)
        telegram.drop("getUpdates", 2)
        ann = telegram.user("Ann")
        chat = telegram.private(ann)
        await ann.say(chat, "/imagine a fox")
        await chat.wait_message(lambda m: m.photo and m.buttons, timeout=20)
        _, metrics = await fetched(f"{base}/metrics")
        seconds = await bot.stop(signal.SIGTERM)
    await gateway.stop()
    assert bot.process.returncode == 0
    assert seconds < STOP
    assert 'atelier_part_up{part="discord"} 1.0' in metrics
    assert 'atelier_job_moves_total{state="ready"} 1.0' in metrics
    assert 'atelier_gateway_calls_total{family="midjourney",outcome="200"}' in metrics
    assert "stopped" in bot.said.splitlines()[-1]
    assert re.search(r"job=\w+", bot.said)
    parts = (discord.token, TELEGRAM, TELEGRAM.partition(":")[2], KEY)
    assert not [secret for secret in parts if secret in bot.said]
    assert "Traceback" not in bot.said


async def test_platforms_that_are_away_or_hang_hold_up_neither_start_nor_stop(
    tmp_path: Path,
) -> None:
    """Discord hangs, Telegram refuses, the gateway is away; the page is there all the same."""
    async with (
        DiscordServer() as discord,
        program(
            tmp_path,
            "run",
            GATEWAY__BASE_URL="http://127.0.0.1:9",
            GATEWAY__API_KEY=KEY,
            DISCORD__TOKEN=discord.token,
            DISCORD__API_URL=discord.api_url,
            DISCORD__GATEWAY_URL=discord.gateway_url,
            TELEGRAM__TOKEN=TELEGRAM,
            TELEGRAM__API_URL="http://127.0.0.1:9",
            WEB__LISTEN="127.0.0.1:0",
        ) as bot,
    ):
        discord.hang("", None)
        base = await bot.address()
        await bot.wait_line("Telegram")
        status, text = await fetched(f"{base}/healthz")
        assert (status, '"discord": "starting"' in text) == (503, True)
        assert '"telegram": "Telegram cannot be reached' in text
        assert (await fetched(f"{base}/"))[0] == 200
        assert await bot.stop(signal.SIGINT) < STOP
    assert bot.process.returncode == 0
    assert "Traceback" not in bot.said


async def test_try_needs_nothing_pays_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Real settings in the environment change nothing; Ctrl+C, and its folder is gone."""
    real = {
        "GATEWAY__BASE_URL": "http://127.0.0.1:9",
        "GATEWAY__API_KEY": KEY,
        "DISCORD__TOKEN": "x",
    }
    async with program(tmp_path, "try", "--port", str(_free_port()), **real) as bot:
        base = await bot.address()
        status, page = await fetched(f"{base}/")
        assert (status, "<html" in page) == (200, True)
        assert left(tmp_path)
        assert "Discord is off" in bot.said
        assert "127.0.0.1:9/" not in page
        assert await bot.stop(signal.SIGINT) < STOP
    assert bot.process.returncode == 0
    assert not left(tmp_path)


async def test_a_start_that_fails_says_why_in_one_line_and_exits_with_1(tmp_path: Path) -> None:
    """No traceback, no secret; the port is another program's."""
    taken = web.AppRunner(web.Application())
    await taken.setup()
    await web.TCPSite(taken, "127.0.0.1", 0).start()
    port = taken.addresses[0][1]
    async with program(tmp_path, "try", "--port", str(port)) as bot:
        assert await bot.end() == 1
    await taken.cleanup()
    last = bot.said.splitlines()[-1]
    assert f"127.0.0.1:{port} cannot be used: another program is there already" in last
    assert "atelier try --port" in last
    assert "Traceback" not in bot.said


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# -- starts that fail --------------------------------------------------------------------------


async def refused(folder: Path, **sections: dict[str, str]) -> str:
    """The sentence with which a start ends."""
    given = {
        "gateway": {"base_url": "http://127.0.0.1:9", "api_key": KEY},
        "web": {"listen": "127.0.0.1:0"},
        "store": {"url": f"sqlite:///{folder}/atelier.db"},
        "archive": {"dir": str(folder / "archive")},
    }
    with pytest.raises(StartError) as caught:
        await App(Settings.model_validate(given | sections)).run()
    return str(caught.value)


async def test_a_second_program_on_the_same_store_is_told_so(tmp_path: Path) -> None:
    """Two of them would do every job twice."""
    async with running(tmp_path, "http://127.0.0.1:9"):
        text = await refused(tmp_path)
    assert "Another Atelier is running" in text
    assert "[store] url" in text


async def test_folders_that_cannot_be_written_are_named_with_their_setting(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("in the way")
    inside = f"{tmp_path}/file/x"
    text = await refused(tmp_path, archive={"dir": inside})
    assert inside in text
    assert "[archive] dir" in text
    assert "[store] url" in await refused(tmp_path, store={"url": f"sqlite:///{inside}/a.db"})


async def test_an_address_that_cannot_be_listened_at_is_named(tmp_path: Path) -> None:
    """It is not this machine's."""
    text = await refused(tmp_path, web={"listen": "192.0.2.1:8080"})
    assert "[web] listen = 192.0.2.1:8080 cannot be used" in text


async def test_a_database_that_is_away_is_named(tmp_path: Path) -> None:
    """Nothing listens there."""
    text = await refused(tmp_path, store={"url": "postgresql://me:hunter22x@127.0.0.1:9/atelier"})
    assert "[store] url" in text


# -- the command line --------------------------------------------------------------------------


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Types in an empty folder, with no variable set."""
    for name in list(os.environ):
        if name.upper().startswith("ATELIER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def test_the_version_is_the_packages(typed: CliRunner) -> None:
    """It stands in one place."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert typed.invoke(cli, ["--version"]).output == f"atelier {project['version']}\n"


def test_run_without_any_setting_says_what_to_do(typed: CliRunner) -> None:
    """And starts nothing."""
    done = typed.invoke(cli, ["run"])
    assert done.exit_code == 1
    assert "copy config.example.toml to config.toml" in done.output
    assert "atelier try" in done.output
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_a_mistake_in_the_settings_ends_it_with_the_line(command: str, typed: CliRunner) -> None:
    """For a file that is there, and for one that is named and is not."""
    Path("config.toml").write_text("[web]\nlisen = 1\n", "utf-8")
    done = typed.invoke(cli, [command])
    assert (done.exit_code, "config.toml, line 2: unknown key" in done.output) == (1, True)
    done = typed.invoke(cli, [command, "--config", "other.toml"])
    assert (done.exit_code, "other.toml is not there" in done.output) == (1, True)


def test_doctor_without_settings_names_what_is_missing(typed: CliRunner) -> None:
    """It exits with 1, so that scripts can tell."""
    variables = {"ATELIER_GATEWAY__BASE_URL": "http://127.0.0.1:9"}
    done = typed.invoke(cli, ["doctor"], env=variables | {"ATELIER_WEB__LISTEN": "127.0.0.1:9"})
    assert done.exit_code == 1
    assert "no config.toml" in done.output
    assert "✘ [gateway] api_key is not set" in done.output
