"""Interactions: what a person did, as the bot is told of it, and how far the answer got.

Owns the record and its payload; the routes that answer it are in `discord_webhooks`.
"""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.servers.discord_message import Message
from tests.servers.discord_records import EXTERNAL_APPS, Channel, User
from tests.servers.discord_wire import Component, walk
from tests.servers.discord_world import World

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
"""Interaction types."""
CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
"""Command types."""
OPTIONAL = frozenset(
    {
        "app_permissions",
        "attachment_size_limit",
        "authorizing_integration_owners",
        "channel",
        "context",
        "entitlement_sku_ids",
        "guild",
        "guild_locale",
        "locale",
    }
)
"""What an interaction may lack, by the docs or because older servers do not know it."""


@dataclass(frozen=True, slots=True)
class Field:
    """A question of a modal.

    Attributes:
        raw: The field's component.
        value: What is filled in already.
    """

    custom_id: str
    label: str
    type: int
    required: bool
    raw: Component

    @property
    def value(self) -> str:
        return str(self.raw.get("value") or "")


@dataclass(frozen=True, slots=True)
class Modal:
    """A form that the bot opened before a person's eyes."""

    title: str
    custom_id: str
    components: list[Component]

    @property
    def fields(self) -> list[Field]:
        found = []
        for part in self.components:
            inner = [part["component"]] if part["type"] == 18 else part.get("components") or []
            found += [_field(part, each) for each in inner]
        return found

    def field(self, name: str) -> Field:
        """Finds a field by its custom_id or label.

        Raises:
            AssertionError: There is none.
        """
        for each in self.fields:
            if name in (each.custom_id, each.label):
                return each
        raise AssertionError(f"no field {name!r} in {self.title!r}: {self.fields}")


def _field(outer: Component, inner: Component) -> Field:
    label = outer.get("label") or inner.get("label") or ""
    required = inner.get("required")
    return Field(inner["custom_id"], label, inner["type"], required is not False, inner)


@dataclass(eq=False)
class Interaction:
    """One thing a person did with the app.

    Attributes:
        kind: `COMMAND`, `COMPONENT`, `AUTOCOMPLETE` or `MODAL_SUBMIT`.
        data: The `data` of the payload.
        owners: `authorizing_integration_owners`: who installed the app.
        message: The message whose component was used.
        opener: For a submitted form, the interaction that opened it.
        target: For a message menu, the message it was used on.
        acked_at: When the bot answered first, in epoch seconds.
        ack_type: How: 4 message, 5 thinking, 6 silently, 7 edit, 8 choices, 9 form.
        original: The message `@original` stands for.
        followups: Further messages, deleted ones included.
        modal: The form it opened.
        choices: What autocomplete offered.
        reached: How many gateway sessions got it; 0 when no bot was there.
    """

    world: World
    kind: int
    user: User
    channel: Channel
    data: dict[str, Any]
    owners: dict[str, str]
    message: Message | None = None
    opener: "Interaction | None" = None
    target: Message | None = None
    id: int = field(init=False)
    token: str = field(init=False)
    created_at: float = field(init=False)
    expired: bool = False
    acked_at: float | None = None
    ack_type: int = 0
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal: Modal | None = None
    choices: list[dict[str, Any]] | None = None
    reached: int = 0

    def __post_init__(self) -> None:
        self.id = self.world.new_id()
        self.created_at = self.world.clock.now()
        secret = f"interaction:{self.id}:{secrets.token_urlsafe(100)}".encode()
        self.token = base64.urlsafe_b64encode(secret).decode().rstrip("=")
        self.payload = self._payload()
        self.world.interactions[self.id] = self

    def __repr__(self) -> str:
        what = self.data.get("name") or self.data.get("custom_id")
        return f"<interaction {what!r} of {self.user.name}>"

    @property
    def late(self) -> bool:
        """Whether it is too late for a first answer."""
        return self.world.clock.now() - self.created_at > self.world.ack_seconds

    @property
    def failed(self) -> bool:
        """Whether the person reads "The application did not respond"."""
        return self.acked_at is None and self.late

    @property
    def token_expired(self) -> bool:
        age = self.world.clock.now() - self.created_at
        return self.expired or age > self.world.token_seconds

    @property
    def without_bot(self) -> bool:
        """Whether only the person's own installation brought the app here."""
        return "0" not in self.owners and not self.channel.bot_is_in

    @property
    def must_be_ephemeral(self) -> bool:
        """Whether answers are seen by the person alone, because the channel wants it so."""
        in_guild = self.channel.guild is not None
        return in_guild and self.without_bot and not self.channel.app_permissions & EXTERNAL_APPS

    @property
    def file_bytes(self) -> int:
        """`attachment_size_limit`: the better of the guild's level and the person's plan."""
        return max(self.channel.file_bytes, self.user.upload_limit)

    @property
    def message_type(self) -> int:
        """The type of the message that answers it."""
        if self.kind != COMMAND:
            return 0
        return 20 if self.data["type"] == CHAT_INPUT else 23

    @property
    def replies(self) -> list[Message]:
        """Every message there is because of it: the first answer and the follow-ups."""
        own = self.original if self.original is not self.message else None
        return [message for message in (own, *self.followups) if message and not message.deleted]

    async def wait_ack(self, timeout: float = 5.0) -> "Interaction":
        """Waits for the first answer.

        Raises:
            AssertionError: None came in time.
        """
        await self.world.watch.until(
            lambda: self.acked_at is not None, timeout, lambda: f"an answer to {self}"
        )
        return self

    async def wait_reply(
        self, check: Callable[[Message], object] | None = None, timeout: float = 5.0
    ) -> Message:
        """Waits for a message that answers it, is no mere "thinking", and fits.

        Raises:
            AssertionError: None came in time.
        """

        def find() -> Message | None:
            there = (message for message in self.replies if not message.loading)
            return next((m for m in there if check is None or check(m)), None)

        return await self.world.watch.until(
            find, timeout, lambda: f"a reply to {self}; there are {self.replies}"
        )

    def acknowledge(self, how: int) -> None:
        """Notes the first answer."""
        self.acked_at, self.ack_type = self.world.clock.now(), how
        self.world.watch.notify()

    def send(self) -> None:
        """Tells the bot, at first or once more."""
        guild = self.channel.guild
        self.reached += self.world.feed.push(
            "INTERACTION_CREATE", self.payload, guild_id=guild.id if guild else None
        )

    def _payload(self) -> dict[str, Any]:
        channel, guild = self.channel, self.channel.guild
        payload: dict[str, Any] = {
            "id": str(self.id),
            "application_id": str(self.world.application_id),
            "type": self.kind,
            "data": self.data,
            "token": self.token,
            "version": 1,
            "channel_id": str(channel.id),
            "channel": channel.interaction_wire(),
            "app_permissions": str(channel.app_permissions),
            "locale": self.user.locale,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": self.owners,
            "context": channel.context,
            "attachment_size_limit": self.file_bytes,
        }
        if guild:
            payload["guild_id"] = str(guild.id)
            payload["guild"] = {"id": str(guild.id), "locale": guild.locale, "features": []}
            payload["guild_locale"] = guild.locale
            payload["member"] = self.user.member_wire(channel)
        else:
            payload["user"] = self.user.wire()
        if self.message is not None:
            payload["message"] = self.message.wire()
        if self.world.lean:
            payload = {name: part for name, part in payload.items() if name not in OPTIONAL}
        return payload

    def metadata(self) -> dict[str, Any]:
        """`interaction_metadata`, without what depends on the message."""
        shown: dict[str, Any] = {
            "id": str(self.id),
            "type": self.kind,
            "user": self.user.wire(),
            "authorizing_integration_owners": self.owners,
        }
        if self.kind == COMPONENT and self.message is not None:
            shown["interacted_message_id"] = str(self.message.id)
        if self.kind == MODAL_SUBMIT and self.opener is not None:
            shown["triggering_interaction_metadata"] = self.opener.metadata()
        if self.target is not None:
            shown["target_message_id"] = str(self.target.id)
        return shown

    def on_message(self, message: Message) -> dict[str, Any]:
        """What a message says of the interaction that made it."""
        metadata = self.metadata()
        if self.original is not None and self.original is not message:
            metadata["original_response_message_id"] = str(self.original.id)
        shown: dict[str, Any] = {"interaction_metadata": metadata}
        if self.kind == COMMAND:
            old = {key: metadata[key] for key in ("id", "type", "user")}
            shown["interaction"] = old | {"name": self.data["name"]}
        return shown

    def modal_from(self, data: dict[str, Any]) -> Modal:
        """The form as the person sees it."""
        parts = list(data["components"])
        for number, part in enumerate(walk(parts), 1):
            part.setdefault("id", number)
        return Modal(data["title"], data["custom_id"], parts)
