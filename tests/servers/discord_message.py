"""A message of the pretend Discord: its state, what a person sees of it, its JSON.

The rules of making and changing messages are in `discord_messages`.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.servers.discord_files import Attachment
from tests.servers.discord_records import Channel, User
from tests.servers.discord_wire import attached_names, render_components, render_embed, walk
from tests.servers.discord_world import World, iso

if TYPE_CHECKING:
    from tests.servers.discord_interactions import Interaction

SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SILENT = 1 << 12
VOICE = 1 << 13
V2 = 1 << 15


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a message as a person sees it.

    Attributes:
        emoji: The emoji's name, `""` for none.
        custom_id: None for links.
        style: 1 blurple, 2 grey, 3 green, 4 red, 5 link, 6 premium.
    """

    label: str
    emoji: str
    custom_id: str | None
    style: int
    disabled: bool
    url: str | None
    id: int


@dataclass(frozen=True, slots=True)
class State:
    """What a message showed from a moment on."""

    at: float
    content: str
    embeds: list[dict[str, Any]]
    components: list[dict[str, Any]]
    attachments: list[Attachment]


@dataclass(eq=False)
class Message:
    """A message.

    Attributes:
        seen_by: The only one who sees an ephemeral message.
        interaction: What the message answers.
        pinged: Who got a notification because the message mentions them.
        history: What it showed, first to now.
        by_webhook: Whether it was sent through an interaction's token.
    """

    world: World
    id: int
    channel: Channel
    author: User
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    nonce: str | int | None = None
    reference: "Message | None" = None
    interaction: "Interaction | None" = None
    by_webhook: bool = False
    seen_by: User | None = None
    pinged: list[User] = field(default_factory=list)
    pinged_everyone: bool = False
    created_at: float = 0.0
    edited_at: float | None = None
    deleted_at: float | None = None
    history: list[State] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.created_at = self.world.clock.now()

    def __repr__(self) -> str:
        what = [self.content[:60]] if self.content else []
        what += [f"{len(self.attachments)} files"] if self.attachments else []
        what += [f"buttons {[b.label or b.emoji for b in self.buttons]}"] if self.buttons else []
        return f"<message of {self.author.name}: {', '.join(what) or '...'}>"

    @property
    def deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether it still says that the app is thinking."""
        return bool(self.flags & LOADING)

    @property
    def silent(self) -> bool:
        """Whether nobody is notified with a sound."""
        return bool(self.flags & SILENT)

    @property
    def v2(self) -> bool:
        """Whether it consists of components alone."""
        return bool(self.flags & V2)

    @property
    def edited(self) -> int:
        """How often it was changed after it was first shown."""
        return max(len(self.history) - 1, 0)

    @property
    def text(self) -> str:
        """All words a person reads: content, embeds, text displays."""
        parts = [self.content]
        for embed in self.embeds:
            parts += [embed.get("title") or "", embed.get("description") or ""]
            for pair in embed.get("fields") or []:
                parts += [pair["name"], pair["value"]]
            parts.append((embed.get("footer") or {}).get("text", ""))
        parts += [part["content"] for part in walk(self.components) if part["type"] == 10]
        return "\n".join(part for part in parts if part)

    @property
    def buttons(self) -> list[Button]:
        """All buttons, row by row."""
        return [_button(part) for part in walk(self.components) if part["type"] == 2]

    @property
    def rows(self) -> list[list[Button]]:
        """The buttons by rows."""
        rows = (part for part in walk(self.components) if part["type"] == 1)
        return [[_button(b) for b in row["components"] if b["type"] == 2] for row in rows]

    def button(self, what: str) -> Button:
        """Finds a button by its label, emoji or custom_id.

        Raises:
            AssertionError: There is none, or several.
        """
        names = (lambda b: b.custom_id, lambda b: b.label, lambda b: b.emoji)
        for name in names:
            found = [button for button in self.buttons if name(button) == what]
            if found:
                assert len(found) == 1, f"{len(found)} buttons are called {what!r} on {self}"
                return found[0]
        raise AssertionError(f"no button {what!r} on {self}")

    @property
    def shown_attachments(self) -> list[Attachment]:
        """The files a person sees: a message of components hides what no component shows."""
        if not self.v2:
            return self.attachments
        names = attached_names(self.components)
        return [attachment for attachment in self.attachments if attachment.filename in names]

    def remember(self) -> None:
        """Notes what the message shows now."""
        self.history.append(
            State(
                self.world.clock.now(),
                self.content,
                list(self.embeds),
                list(self.components),
                list(self.attachments),
            )
        )

    def delete(self) -> None:
        """Takes the message away and tells the bot, where it listens."""
        self.deleted_at = self.world.clock.now()
        self.announce("MESSAGE_DELETE")
        self.world.watch.notify()

    def announce(self, event: str) -> None:
        """Sends the bot an event about it, if its intents ask for one."""
        if self.ephemeral or not self.channel.bot_is_in:
            return
        guild = self.channel.guild
        data = self.wire()
        if event == "MESSAGE_DELETE":
            data = {"id": str(self.id), "channel_id": str(self.channel.id)}
        if guild:
            data["guild_id"] = str(guild.id)
        intent = 1 << 9 if guild else 1 << 12
        self.world.feed.push(event, data, guild_id=guild.id if guild else None, intents=intent)

    def wire(self) -> dict[str, Any]:
        files = self.world.files
        by_name = {attachment.filename: attachment for attachment in self.attachments}
        shown: dict[str, Any] = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "type": self._type(),
            "author": self.author.wire(),
            "content": self.content,
            "timestamp": iso(self.created_at),
            "edited_timestamp": None if self.edited_at is None else iso(self.edited_at),
            "tts": False,
            "pinned": False,
            "mention_everyone": self.pinged_everyone,
            "mentions": [user.wire() for user in self.pinged],
            "mention_roles": [],
            "attachments": [files.wire(attachment) for attachment in self.attachments],
            "embeds": [render_embed(embed, by_name, files) for embed in self.embeds],
            "components": render_components(self.components, by_name, files),
            "flags": self.flags,
        }
        if self.nonce is not None:
            shown["nonce"] = self.nonce
        if self.author.is_bot:
            shown["application_id"] = str(self.world.application_id)
        if self.by_webhook:
            shown["webhook_id"] = str(self.world.application_id)
        if self.interaction is not None:
            shown |= self.interaction.on_message(self)
        if self.reference is not None:
            shown |= self._reference(self.reference)
        return shown

    def _type(self) -> int:
        if self.interaction is not None and self is self.interaction.original:
            return self.interaction.message_type
        return 19 if self.reference is not None else 0

    def _reference(self, target: "Message") -> dict[str, Any]:
        pointer = {"type": 0, "channel_id": str(target.channel.id), "message_id": str(target.id)}
        if target.channel.guild:
            pointer["guild_id"] = str(target.channel.guild.id)
        seen = None if target.deleted else {**target.wire(), "referenced_message": None}
        if seen and target.reference is None:
            del seen["referenced_message"]
        return {"message_reference": pointer, "referenced_message": seen}


def _button(part: dict[str, Any]) -> Button:
    return Button(
        label=part.get("label") or "",
        emoji=(part.get("emoji") or {}).get("name") or "",
        custom_id=part.get("custom_id"),
        style=part["style"],
        disabled=bool(part.get("disabled")),
        url=part.get("url"),
        id=part["id"],
    )
