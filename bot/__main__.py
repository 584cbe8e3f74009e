"""The `atelier` command: run, try."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bot.config import ConfigError, Settings, load
from bot.log import set_up
from core.errors import StoreError

log = logging.getLogger("atelier")

cli = typer.Typer(add_completion=False, no_args_is_help=True, help="An AI studio for community servers.")


@cli.command()
def run(
    config: Annotated[Path, typer.Option(help="The settings file.")] = Path("config.toml"),
) -> None:
    """Run the bot with the settings of a file and the environment."""
    try:
        settings = load(config if config.exists() or str(config) != "config.toml" else None)
    except ConfigError as error:
        sys.exit(str(error))
    _serve(settings)


@cli.command(name="try")
def try_out(
    port: Annotated[int, typer.Option(help="Where the playground is served.")] = 8080,
) -> None:
    """Try everything with a pretend image service: no key, no network."""
    with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
        asyncio.run(_try(port, Path(folder)))


async def _try(port: int, folder: Path) -> None:
    from bot.sandbox import Sandbox  # noqa: PLC0415  (not needed by `run`)

    sandbox = Sandbox()
    base = await sandbox.start()
    settings = Settings.model_validate(
        {
            "gateway": {"base_url": base, "api_key": "sandbox"},
            "web": {"listen": f"127.0.0.1:{port}"},
            "store": {"url": f"sqlite:///{folder}/atelier.db"},
            "archive": {"dir": str(folder / "archive")},
            "jobs": {"poll_scale": 0.3},
        }
    )
    notice = f"This is the sandbox: nothing is paid and nothing leaves this machine. Magic words: {base}/"
    try:
        await _run(settings, notice)
    finally:
        await sandbox.stop()


def _serve(settings: Settings) -> None:
    asyncio.run(_run(settings, ""))


def _secrets(settings: Settings) -> list[str]:
    found = [
        settings.gateway.api_key,
        *settings.gateway.keys.values(),
        settings.discord.token,
        settings.telegram.token,
        settings.web.password,
    ]
    return [s.get_secret_value() for s in found if s.get_secret_value()]


async def _run(settings: Settings, notice: str) -> None:
    from bot.app import App  # noqa: PLC0415  (settings first: a mistake there shows at once)

    set_up(settings.log.level, settings.log.format, _secrets(settings))
    app = App(settings, notice=notice)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, app.stop.set)

    def ready() -> None:
        log.info("ready: %s", app.address)
        if notice:
            typer.echo(f"\n  Open {app.address} in a browser. Stop with Ctrl+C.\n")

    try:
        await app.run(ready)
    except StoreError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"[web] listen = {settings.web.listen} cannot be used: {error.strerror or error}")


def main() -> None:
    """Run the command line."""
    cli()


if __name__ == "__main__":
    main()
