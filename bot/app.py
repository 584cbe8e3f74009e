"""The composition root: builds every part from the settings, runs them together, stops them
cleanly.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from adapters.discord.app import DiscordAdapter
from adapters.telegram.app import TelegramAdapter
from adapters.web.app import WebAdapter
from bot.config import Settings
from bot.files import Files
from bot.http import Health, Site, serve_http
from bot.paint import Paint
from bot.reload import follow
from core.adapter import Adapter
from core.archive import Archive
from core.commands.chains import follow_ups
from core.commands.context import Studio
from core.commands.find import found
from core.delivery import Delivery
from core.desk import Desk
from core.engine import Engine
from core.errors import StoreError
from core.gateway import Gateway
from core.links import Links
from core.outbox import Outbox
from core.pace import Pace
from core.providers import catalogue, providers
from core.store import Store

log = logging.getLogger(__name__)

POSTGRES_MISSING = "PostgreSQL needs one more package: run `.venv/bin/pip install asyncpg`."


class Runner(Adapter, Protocol):
    """A chat platform as the program runs it."""

    @property
    def ready(self) -> bool:
        """Whether events arrive."""
        ...

    @property
    def problem(self) -> str:
        """Why they do not, or what else the owner should look at; empty when all is well."""
        ...

    async def run(self) -> None:
        """Work until cancelled."""
        ...

    async def close(self) -> None:
        """Take no more events and let go of the platform."""
        ...


class StartError(Exception):
    """The program cannot start; the text says what to do."""

    def __init__(self, text: str, *, address: bool = False) -> None:
        """`address`: it is the address to listen at that cannot be used."""
        super().__init__(text)
        self.address = address


class _StopError(Exception):
    """Ends the task group on a clean stop."""


class App:
    """Everything, wired."""

    def __init__(
        self,
        settings: Settings,
        *,
        notice: str = "",
        config: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`notice` is shown on the playground's page; `config` is followed for its models."""
        self._settings = settings
        self._notice = notice
        self._config = config
        self._offers = catalogue(providers(settings.midjourney), settings.models)
        self._clock = clock
        self.stop = asyncio.Event()
        self.address = ""
        """Where the playground and the probes are served, once they are."""

    async def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Run until `stop` is set. Raises `StartError` when it cannot begin."""
        self._remark()
        async with AsyncExitStack() as stack:
            engine, outbox, delivery, desk, own = await self._build(stack)
            health = Health(engine)
            runners = self._runners(desk)
            for runner in runners:
                desk.attach(runner)
                health.watch(runner)
            sites: list[Site] = [
                *own,
                *(r for r in runners if isinstance(r, WebAdapter | TelegramAdapter)),
            ]
            self.address = await self._serve(stack, health, sites)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(outbox.run(delivery))
                    tasks.create_task(engine.run())
                    if self._config:
                        tasks.create_task(follow(self._config, self._offers))
                    for runner in runners:
                        tasks.create_task(self._keep(runner.platform, runner.run))
                    await health.settled("engine", "web")
                    if on_ready:
                        on_ready()
                    await self.stop.wait()
                    await self._wind_down(engine, runners)
                    raise _StopError
            except* _StopError:
                log.info("stopped")

    async def _build(
        self, stack: AsyncExitStack
    ) -> tuple[Engine, Outbox, Delivery, Desk, list[Site]]:
        settings, clock = self._settings, self._clock
        store = await self._open()
        stack.push_async_callback(store.close)
        archive = self._archive()
        links = Links(settings.web.public_url, await self._secret(store), clock)
        gateway = await stack.enter_async_context(
            Gateway(settings.gateway, archive, trusted_hosts=self._trusted(), link=links.link)
        )
        families = providers(settings.midjourney)
        offers = self._offers
        outbox, pace = Outbox(archive, clock, store), Pace(settings.jobs.poll_scale)
        delivery = Delivery(
            store=store,
            gateway=gateway,
            archive=archive,
            offers=offers,
            outbox=outbox,
            pace=pace,
            clock=clock,
            parallel=settings.jobs.parallel,
            link=links.link,
            paints=bool(settings.web.public_url),
        )
        engine = Engine(
            store=store,
            gateway=gateway,
            providers=families,
            offers=offers,
            outbox=outbox,
            delivery=delivery,
            pace=pace,
            settings=settings.jobs,
            clock=clock,
            chain=partial(follow_ups, offers),
            meaning=partial(found, store, offers),
        )
        studio = Studio(
            store=store,
            engine=engine,
            outbox=outbox,
            delivery=delivery,
            offers=offers,
            jobs=settings.jobs,
            clock=clock,
            archive=archive,
            gateway=gateway,
            links=links,
            owners=frozenset(settings.owner.ids),
        )
        desk = Desk(studio, gateway=gateway, archive=archive, providers=families)
        own: list[Site] = [Files(links, archive), Paint(links, desk)]
        return engine, outbox, delivery, desk, own

    async def _open(self) -> Store:
        try:
            return await Store.open(self._settings.store.url, clock=self._clock)
        except ModuleNotFoundError:
            raise StartError(POSTGRES_MISSING) from None
        except StoreError as error:
            raise StartError(f"{error} See [store] url.") from error
        except OSError as error:
            raise StartError(
                f"The store cannot be opened ({error.strerror or error}): the program's user needs "
                "the folder of [store] url, to write in it."
            ) from error

    async def _secret(self, store: Store) -> bytes:
        """What links are signed with; in the store, so that they are good over restarts."""
        name = "links:secret"
        try:
            if await store.kept(name) is None:
                await store.keep(name, secrets.token_hex(32))
            return bytes.fromhex(await store.kept(name) or "")
        except StoreError as error:
            raise StartError(f"{error} See [store] url.") from error

    def _archive(self) -> Archive:
        folder = self._settings.archive.dir.absolute()
        try:
            archive = Archive(folder)
            with tempfile.TemporaryFile(dir=folder):
                return archive
        except OSError as error:
            raise StartError(
                f"The archive cannot be kept in {folder} ({error.strerror or error}): give the "
                "program's user the folder, or set [archive] dir to another."
            ) from error

    async def _serve(self, stack: AsyncExitStack, health: Health, sites: list[Site]) -> str:
        listen = self._settings.web.listen
        try:
            return await serve_http(stack, self._settings.web, health, sites)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "another program is there already" if taken else error.strerror or str(error)
            raise StartError(
                f"[web] listen = {listen} cannot be used: {reason}.", address=True
            ) from error

    def _trusted(self) -> list[str]:
        """The owner's trusted hosts, and those of every configured address, with their ports."""
        settings = self._settings
        bases = [settings.gateway.base_url, settings.discord.api_url, settings.telegram.api_url]
        found = [urlsplit(str(base)).netloc.rpartition("@")[2] for base in bases if base]
        return [*settings.security.trusted_hosts, *found]

    def _remark(self) -> None:
        """Say at once what would otherwise show only when somebody tries."""
        settings = self._settings
        keys = settings.gateway.api_key, *settings.gateway.keys.values()
        chats = settings.discord.token, settings.telegram.token
        if not any(key.get_secret_value() for key in keys):
            log.warning("[gateway] api_key is not set: every job will be refused")
        if not settings.web.open and not any(token.get_secret_value() for token in chats):
            log.warning("nobody can reach this bot: no chat platform and no playground is on")

    def _runners(self, desk: Desk) -> list[Runner]:
        """The platforms that are set up; one without a token is off and says so."""
        settings = self._settings
        runners: list[Runner] = []
        if settings.discord.token.get_secret_value():
            runners.append(DiscordAdapter(settings.discord, desk, clock=self._clock))
        else:
            log.info("Discord is off: [discord] token is not set")
        if settings.telegram.token.get_secret_value():
            runners.append(TelegramAdapter(settings.telegram, desk, clock=self._clock))
        else:
            log.info("Telegram is off: [telegram] token is not set")
        if settings.web.open:
            runners.append(WebAdapter(settings.web, desk, notice=self._notice, clock=self._clock))
        else:
            why = "it can be reached from elsewhere, so it needs [web] password"
            log.info("the playground is off%s", f": {why}" if settings.web.playground else "")
        return runners

    async def _keep(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a platform for ever; its failures are its own."""
        pause = 1.0
        while True:
            started = self._clock()
            try:
                await run()
            except Exception:
                log.exception("%s stumbled, starting it again", name)
            if self._clock() - started > 60:
                pause = 1.0
            await asyncio.sleep(pause)
            pause = min(pause * 2, 60.0)

    async def _wind_down(self, engine: Engine, runners: list[Runner]) -> None:
        """Take no more events, finish the steps in hand; at most 9 s in all."""
        log.info("stopping")
        await engine.stop(within=6.0)
        try:
            async with asyncio.timeout(2.5), asyncio.TaskGroup() as tasks:
                for runner in runners:
                    tasks.create_task(runner.close())
        except (TimeoutError, ExceptionGroup):
            log.warning("a platform did not let go in time")
