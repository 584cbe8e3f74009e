"""Discord as an adapter: its settings, and how connection, intake and delivery work together."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from adapters.discord.answer import Answerer
from adapters.discord.commands import for_everywhere, for_server
from adapters.discord.deliver import Deliverer
from adapters.discord.door import read_door
from adapters.discord.events import PLATFORM, Raw, open_channels
from adapters.discord.intake import Intake
from adapters.discord.link import Client, Ears, Link, point, quiet
from adapters.discord.register import EVERYWHERE, Payloads, Registrar
from adapters.discord.rest import RefusedError, Rest
from adapters.discord.words import concerns
from core.desk import Desk
from core.errors import AdapterError, BadInput, StoreError
from core.i18n import mark
from core.messages import Attachment, Caller, Limits, Message, Place, Ref

log = logging.getLogger(__name__)

LOOK_AROUND = 5.0
"""Seconds that each of the two calls for a server's channels may take."""

ServerId = Annotated[str, StringConstraints(pattern=r"^\d{1,20}$")]


class DiscordSettings(BaseModel):
    """`[discord]`: off without a token."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = SecretStr("")
    """The bot's token, from the Bot page of the developer portal."""
    api_url: str = ""
    """Another server than Discord's own, with the version: `http://127.0.0.1:8787/api/v10`."""
    gateway_url: str = ""
    """That server's gateway: `ws://127.0.0.1:8788`."""
    user_install: bool = True
    """Offer the commands also to people who install the app for themselves, in all their chats."""
    guild_ids: Annotated[list[ServerId], NoDecode] = Field(default_factory=list)
    """Offer the commands in these servers alone, where changes show at once; empty: everywhere."""

    @field_validator("token")
    @classmethod
    def _bare(cls, token: SecretStr) -> SecretStr:
        """People copy blanks and the `Bot` of the header along."""
        return SecretStr(token.get_secret_value().strip().removeprefix("Bot ").strip())

    @field_validator("api_url")
    @classmethod
    def _versioned(cls, url: str) -> str:
        """Add what of `/api/v10` is missing."""
        url = url.strip().rstrip("/")
        missing = {"": "/api/v10", "/api": "/v10"}
        return url + missing.get(urlsplit(url).path, "") if url else ""

    @field_validator("guild_ids", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        """Take numbers, one or several; `1, 2` and JSON too, as environment variables have it."""
        if isinstance(given, str):
            given = json.loads(given) if given.lstrip().startswith("[") else given.split(",")
        several = given if isinstance(given, list) else [given]
        found = [str(one).strip() if isinstance(one, str | int) else one for one in several]
        return [one for one in found if one != ""]

    @field_validator("guild_ids")
    @classmethod
    def _once(cls, given: list[str]) -> list[str]:
        return list(dict.fromkeys(given))

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.api_url) != bool(self.gateway_url):
            raise ValueError(
                "set both api_url and gateway_url, or neither: with one alone the token would go "
                "to two different servers"
            )
        return self


class DiscordAdapter:
    """One bot."""

    platform = PLATFORM
    entrance = ""
    """Answers hide in the same chat."""

    def __init__(
        self, settings: DiscordSettings, desk: Desk, *, clock: Callable[[], float]
    ) -> None:
        """`clock` gives Unix seconds."""
        self._settings = settings
        self._desk = desk
        token = settings.token.get_secret_value()
        self._link = Link(token, Ears(self._heard, self._read, self._logged_in))
        self._rest = Rest(lambda: self._link.http)
        self._deliverer = Deliverer(self._rest, desk.path, clock)
        self._intake = Intake(desk, Answerer(self._rest), self._deliverer, clock)
        self._registrar = Registrar(self._rest, desk, self._wanted())
        self._tasks: asyncio.TaskGroup | None = None
        self._app = ""
        self._known = asyncio.Event()

    def _wanted(self) -> dict[str, Payloads]:
        """The commands of every place: everywhere, or in the chosen servers and nowhere else."""
        commands = self._desk.commands
        if not self._settings.guild_ids:
            user_install = self._settings.user_install
            return {EVERYWHERE: for_everywhere(commands, user_install=user_install)}
        here = for_server(commands)
        return {EVERYWHERE: (), **dict.fromkeys(self._settings.guild_ids, here)}

    # -- running ---------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether events arrive."""
        return self._link.ready

    @property
    def problem(self) -> str:
        """What the owner of the bot should look at, in words; empty when all is well."""
        return self._link.problem or self._registrar.problem

    async def run(self) -> None:
        """Work until closed or cancelled; whatever Discord answers is waited out."""
        point(self._settings.api_url, self._settings.gateway_url)
        quiet()
        async with self._rest.opened(), asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            begun = tasks.create_task(self._begin(tasks))
            try:
                await self._link.run()
            finally:
                self._tasks = None
                begun.cancel()

    async def close(self) -> None:
        """Take no more events; what was stored and is not finished waits for the next start."""
        await self._link.close()

    def _heard(self, raw: Raw) -> None:
        """Take an interaction; called by discord.py, which does not survive an exception here."""
        if self._tasks is not None:
            self._tasks.create_task(self._intake.take(raw))

    def _read(self, raw: Raw) -> None:
        """Take a message; most are people's among themselves, and cost no more than this look."""
        try:
            here = self._settings.guild_ids
            served = not here or str(raw.get("guild_id")) in here
            if self._tasks is not None and served and concerns(raw, self._link.me):
                self._tasks.create_task(self._intake.hear(raw, self._link.me))
        except Exception:
            log.exception("a message could not be read")

    def _logged_in(self, client: Client) -> None:
        self._app = str(client.application_id or "")
        self._known.set()

    async def _begin(self, tasks: asyncio.TaskGroup) -> None:
        """With a good token: go on with what an earlier life left, then register commands."""
        await self._known.wait()
        try:
            for key, body in await self._desk.pending(PLATFORM):
                tasks.create_task(self._intake.resume(key, body))
        except StoreError as error:
            log.error("stored interactions wait for the next start: %s", error)
        await self._registrar.run(self._app)

    # -- core's side (the Adapter port) ----------------------------------------------------------

    def limits(self, place: Place) -> Limits:
        """What a chat takes."""
        return self._deliverer.limits(place)

    def aside(self, place: Place, caller: Caller) -> Place:
        """The same chat, by answers that only the person sees."""
        del caller
        return replace(place, hidden=not place.private)

    async def reads(self, chat: Place, caller: Caller) -> bool:
        """What was found is looked at where it was looked for."""
        del chat, caller
        return False

    async def around(self, place: Place) -> Sequence[str]:
        """The server's channels that are open to all its members."""
        guild = read_door(place.door).guild
        if not guild.isdecimal():
            return ()
        try:
            roles = await self._rest.bot(
                lambda http: http.get_roles(int(guild)), patience=LOOK_AROUND
            )
            channels = await self._rest.bot(
                lambda http: http.get_all_guild_channels(int(guild)), patience=LOOK_AROUND
            )
        except (AdapterError, RefusedError) as error:
            log.info("a server's channels are not known: %s", type(error).__name__)
            return ()
        found = open_channels(guild, roles, channels)
        return [Place(PLATFORM, channel).shared for channel in found]

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        """Send a new message; the same nonce shows once."""
        return await self._deliverer.send(place, message, nonce=nonce, reply_to=reply_to)

    async def edit(self, ref: Ref, message: Message) -> Ref:
        """Change a message, or fill an answer slot."""
        return await self._deliverer.edit(ref, message)

    async def whisper(self, ack: Ref, message: Message) -> bool:
        """Presses are answered by messages here."""
        del ack, message
        return False

    async def delete(self, ref: Ref) -> None:
        """Remove a message."""
        await self._deliverer.delete(ref)

    async def locate(self, attachment: Attachment) -> str:
        """Where a file can be fetched: Discord says so with the interaction."""
        if not attachment.url:
            raise BadInput(mark("That file is not there any more. Please send it again."))
        return attachment.url
