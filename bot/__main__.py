"""The `atelier` command: run, try, doctor, docs.

Loads what a command needs only when it is given, so that a word of help comes at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from bot.config import Settings

log = logging.getLogger("atelier")

PACKAGE = "atelier-bot"
CONFIG = Path("config.toml")
PATIENCE = 9.5
"""Seconds after which a stop that was asked for is made, whatever still hangs: nothing is lost."""
MMAP_THRESHOLD, MMAP_FROM = -3, 1 << 20
"""glibc's name for the size from which a block of memory is its own, and that size in bytes."""
COLLECTIONS = (700, 10, 1000)
"""Objects before the young are looked through, such looks before the middle-aged are, and before
all are: looking through everything in flight holds the loop, and hardly anything is found there."""
NOTHING_SET = """\
There are no settings yet. Either
  copy config.example.toml to config.toml and fill in the gateway's key and a bot's token,
  or set them as ATELIER_GATEWAY__API_KEY, ATELIER_DISCORD__TOKEN, ATELIER_TELEGRAM__TOKEN.
`atelier doctor` then checks everything. `atelier try` shows the bot without any of it."""

cli = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="An AI studio for community servers.",
)
Config = Annotated[Path, typer.Option(help="The settings file.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"atelier {version(PACKAGE)}")
        raise typer.Exit


@cli.callback()
def _every(
    shown: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say which version."),
    ] = False,
) -> None:
    del shown


@cli.command()
def run(config: Config = CONFIG) -> None:
    """Run the bot with the settings of a file and of the environment."""
    from bot.config import PREFIX

    path = _file(config)
    if path is None and not any(name.upper().startswith(PREFIX) for name in os.environ):
        _quit(NOTHING_SET)
    asyncio.run(_run(_settings(path), config=path))


@cli.command(name="try")
def try_out(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where the page is served.")] = 8080,
) -> None:
    """Try everything with a pretend image service: no key, no network."""
    with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
        asyncio.run(_try(port, Path(folder)))


@cli.command()
def doctor(config: Config = CONFIG) -> None:
    """Check tokens, keys, servers and this machine, and say what to do."""
    from bot.doctor import examine, written

    path = _file(config)
    settings = _settings(path)
    typer.echo(f"Settings: {path or f'no {config}, so only ATELIER_… variables'}\n")
    reports = asyncio.run(examine(settings))
    for line in written(reports):
        typer.echo(line)
    if not all(report.well for report in reports):
        raise typer.Exit(1)


@cli.command()
def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail when it is out of date.")
    ] = False,
    readme: Annotated[Path, typer.Option(help="The file to bring up to date.")] = Path("README.md"),
) -> None:
    """Write the README's tables of commands, models and settings anew."""
    from bot.docs import refreshed

    try:
        old = readme.read_text("utf-8")
        new = refreshed(old, readme.parent)
    except (OSError, ValueError) as error:
        _quit(f"{readme}: {error}")
    if old == new:
        typer.echo(f"{readme} is up to date.")
    elif check:
        _quit(f"{readme} is out of date: run `atelier docs`")
    else:
        readme.write_text(new, "utf-8")
        typer.echo(f"{readme} is brought up to date.")


# -- settings ----------------------------------------------------------------------------------


def _file(config: Path) -> Path | None:
    """The settings file; None when the usual one is not there, which is no mistake."""
    return config if config.exists() or config != CONFIG else None


def _settings(path: Path | None) -> Settings:
    from bot.config import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        _quit(str(error))


def _quit(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(1)


# -- running -----------------------------------------------------------------------------------


async def _try(port: int, folder: Path) -> None:
    from bot.config import FixedSettings
    from bot.sandbox import Sandbox

    sandbox = Sandbox(pace=0.65)  # quick enough to wait for, slow enough to see progress
    base = await sandbox.start()
    settings = FixedSettings.model_validate(
        {
            "gateway": {"base_url": base, "api_key": "sandbox"},
            "web": {"listen": f"127.0.0.1:{port}"},
            "owner": {"ids": ["web"]},
            "store": {"url": f"sqlite:///{folder}/atelier.db"},
            "archive": {"dir": str(folder / "archive")},
            "jobs": {"poll_scale": 0.3},
        }
    )
    notice = (
        "This is the sandbox: nothing is paid and nothing leaves this machine. "
        f"Magic words: {base}/"
    )
    try:
        await _run(settings, notice, busy="Choose another port: `atelier try --port 8081`.")
    finally:
        await sandbox.stop()


async def _run(
    settings: Settings, notice: str = "", busy: str = "", config: Path | None = None
) -> None:
    from bot.app import App, StartError
    from bot.log import Masker, set_up

    gc.freeze()
    gc.set_threshold(*COLLECTIONS)
    gc.enable()
    _give_back()
    set_up(settings.log.level, settings.log.format, settings.secrets())
    app = App(settings, notice=notice, config=config)
    _on_signals(app.stop.set)

    def ready() -> None:
        gc.freeze()  # what the start made stays too, and is not looked through in mid-work
        log.info("ready: %s", app.address)
        if notice:
            typer.echo(f"\n  Open {app.address} in a browser. Stop with Ctrl+C.\n")

    try:
        await app.run(ready)
    except StartError as error:
        mask = Masker(settings.secrets())
        _quit(mask(f"{error} {busy}".rstrip() if error.address else str(error)))


def _give_back() -> None:
    """Have the memory of pictures given back when they are done with: glibc learns from the first
    large block that it frees to keep the next ones.
    """
    with contextlib.suppress(OSError, AttributeError):  # other C libraries have no such thing
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, MMAP_FROM)


def _on_signals(stop: Callable[[], None]) -> None:
    """Stop cleanly on the first SIGTERM or Ctrl+C, and at once on the second."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def asked() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        last = threading.Timer(PATIENCE, _leave)
        last.daemon = True
        last.start()
        stop()

    for number in numbers:
        loop.add_signal_handler(number, asked)


def _leave() -> None:
    log.warning("something did not let go in time; leaving all the same, nothing is lost")
    sys.stderr.flush()
    os._exit(0)


def main() -> None:
    """Run the command line."""
    # What is loaded stays; looking through it again and again costs a fifth of the start.
    gc.disable()
    with contextlib.suppress(KeyboardInterrupt):
        cli()


if __name__ == "__main__":
    main()
