"""Who and what there is in the pretend Discord: users, guilds, channels.

Owns their state and their JSON. What people do is in `discord_people`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.servers import discord_errors as errors
from tests.servers.discord_files import MIB
from tests.servers.discord_world import World, iso

if TYPE_CHECKING:
    from tests.servers.discord_message import Message

VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
MANAGE_MESSAGES = 1 << 13
EMBED_LINKS = 1 << 14
ATTACH_FILES = 1 << 15
READ_HISTORY = 1 << 16
MENTION_EVERYONE = 1 << 17
EXTERNAL_EMOJIS = 1 << 18
USE_COMMANDS = 1 << 31
SEND_IN_THREADS = 1 << 38
EXTERNAL_APPS = 1 << 50
USUAL_PERMISSIONS = (
    VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_HISTORY
    | EXTERNAL_EMOJIS
    | USE_COMMANDS
    | SEND_IN_THREADS
    | EXTERNAL_APPS
)

TEXT, DM, GROUP_DM = 0, 1, 3
ANNOUNCEMENT_THREAD, THREAD, PRIVATE_THREAD = THREADS = (10, 11, 12)
"""Channel types. A post of a forum is a thread."""
IN_GUILD, IN_BOT_DM, IN_PRIVATE = 0, 1, 2
"""Interaction contexts."""
GUILD_INSTALL, USER_INSTALL = 0, 1

UPLOADS_BY_TIER = {2: 50 * MIB, 3: 100 * MIB}


@dataclass(eq=False)
class User:
    """An account.

    Attributes:
        installed: Whether the app is installed to the account (works everywhere for them).
        upload_limit: Bytes they may send in one file, and the bot when it answers them.
    """

    world: World
    id: int
    name: str
    is_bot: bool = False
    locale: str = "en-US"
    installed: bool = False
    upload_limit: int = 10 * MIB
    _dms_open: bool = True

    def __repr__(self) -> str:
        return f"<user {self.name}>"

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    @property
    def dms_open(self) -> bool:
        return self._dms_open

    def close_dms(self) -> None:
        """Refuses the bot's direct messages: they get 50007."""
        self._dms_open = False

    def open_dms(self) -> None:
        """Lets the bot write again."""
        self._dms_open = True

    def wire(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": str(self.id),
            "username": self.name.lower().replace(" ", "_"),
            "global_name": None if self.is_bot else self.name,
            "avatar": None,
            "discriminator": "0",
            "public_flags": 0,
            "flags": 0,
            "primary_guild": None,
        }
        return shown | {"bot": True} if self.is_bot else shown

    def member_wire(self, channel: "Channel") -> dict[str, Any]:
        """The member object of an interaction, without its user's place in a guild's lists."""
        return {
            "user": self.wire(),
            "nick": None,
            "avatar": None,
            "banner": None,
            "roles": [],
            "joined_at": iso(self.world.clock.now() - 86_400),
            "premium_since": None,
            "communication_disabled_until": None,
            "unusual_dm_activity_until": None,
            "pending": False,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "permissions": str(channel.app_permissions | MENTION_EVERYONE),
        }


@dataclass(eq=False)
class Guild:
    """A server of a community.

    Attributes:
        tier: Boost level 0-3; it decides how big files may be.
    """

    world: World
    id: int
    name: str
    bot_is_member: bool = True
    tier: int = 0
    locale: str = "en-US"
    members: dict[int, User] = field(default_factory=dict)
    channels: "list[Channel]" = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<guild {self.name}>"

    @property
    def file_bytes(self) -> int:
        """The largest file the bot may post here."""
        return max(self.world.limits.file_bytes, UPLOADS_BY_TIER.get(self.tier, 0))

    def channel(
        self,
        name: str,
        *,
        kind: int = TEXT,
        nsfw: bool = False,
        app_permissions: int = USUAL_PERMISSIONS,
    ) -> "Channel":
        """Opens a text channel, or a thread.

        Args:
            name: Without the hash sign.
            kind: The channel's type.
            nsfw: Whether it is age-restricted.
            app_permissions: What the bot may do in it, as bits; without `EXTERNAL_APPS` the
                answers of a merely user-installed app are seen by its user alone.
        """
        channel = Channel(
            self.world,
            self.world.new_id(),
            kind,
            name,
            guild=self,
            nsfw=nsfw,
            app_permissions=app_permissions,
        )
        self.channels.append(channel)
        self.world.channels[channel.id] = channel
        return channel

    def remove_bot(self) -> None:
        """The bot is thrown out."""
        self.bot_is_member = False
        gone = {"id": str(self.id)}
        self.world.feed.push("GUILD_DELETE", gone, guild_id=self.id, intents=1)

    def add_bot(self) -> None:
        """The bot is let in."""
        self.bot_is_member = True
        self.world.feed.push("GUILD_CREATE", self.create_wire(), guild_id=self.id, intents=1)

    def wire(self) -> dict[str, Any]:
        """The guild object."""
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(next(iter(self.members), self.world.bot.id)),
            "premium_tier": self.tier,
            "preferred_locale": self.locale,
            "roles": [self._everyone()],
            "max_members": 500_000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "afk_timeout": 300,
            "region": "deprecated",
            **{key: [] for key in ("features", "emojis", "stickers")},
            **dict.fromkeys(_GUILD_ZEROS, 0),
            **dict.fromkeys(_GUILD_NULLS),
            **dict.fromkeys(("widget_enabled", "premium_progress_bar_enabled", "nsfw"), False),
        }

    def create_wire(self) -> dict[str, Any]:
        """The payload of GUILD_CREATE: the guild and all that is in it."""
        bot = self.world.bot
        member = {"user": bot.wire(), "roles": [], "joined_at": iso(self.world.clock.now())}
        lists = ("threads", "voice_states", "presences", "stage_instances", "soundboard_sounds")
        return {
            **self.wire(),
            "joined_at": iso(self.world.clock.now()),
            "large": False,
            "unavailable": False,
            "member_count": len(self.members) + 1,
            "members": [member | {"deaf": False, "mute": False, "flags": 0}],
            "channels": [channel.wire() for channel in self.channels],
            "guild_scheduled_events": [],
            **{key: [] for key in lists},
        }

    def _everyone(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "name": "@everyone",
            "description": None,
            "permissions": str(USUAL_PERMISSIONS),
            "position": 0,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }


_GUILD_ZEROS = (
    "system_channel_flags",
    "verification_level",
    "default_message_notifications",
    "mfa_level",
    "explicit_content_filter",
    "premium_subscription_count",
    "nsfw_level",
)
_GUILD_NULLS = (
    "icon",
    "description",
    "home_header",
    "splash",
    "discovery_splash",
    "banner",
    "application_id",
    "afk_channel_id",
    "system_channel_id",
    "widget_channel_id",
    "max_presences",
    "vanity_url_code",
    "rules_channel_id",
    "safety_alerts_channel_id",
    "public_updates_channel_id",
    "incidents_data",
)


@dataclass(eq=False)
class Channel:
    """A place where messages are: a guild's text channel, a direct message, a group.

    Attributes:
        recipients: The people of a direct message or group; the bot is in its own direct messages.
        overwrites: Who may do more or less here than elsewhere, as Discord prints it.
        app_permissions: What the bot may do, as bits.
        log: All messages ever, deleted and ephemeral ones included.
        typing: When the bot was typing, in epoch seconds.
    """

    world: World
    id: int
    type: int
    name: str
    guild: Guild | None = None
    recipients: list[User] = field(default_factory=list)
    nsfw: bool = False
    overwrites: list[dict[str, Any]] = field(default_factory=list)
    app_permissions: int = USUAL_PERMISSIONS
    log: "list[Message]" = field(default_factory=list)
    typing: list[float] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<channel {self.name}>"

    @property
    def context(self) -> int:
        """Where an interaction here happens: guild, the bot's own direct messages, or private."""
        if self.guild is not None:
            return IN_GUILD
        return IN_BOT_DM if self.type == DM and len(self.recipients) == 1 else IN_PRIVATE

    @property
    def bot_is_in(self) -> bool:
        """Whether the bot may use this channel by its own token."""
        if self.guild is not None:
            return self.guild.bot_is_member and bool(self.app_permissions & VIEW_CHANNEL)
        return self.context == IN_BOT_DM

    @property
    def file_bytes(self) -> int:
        """The largest file the bot may post here by its own token."""
        return self.guild.file_bytes if self.guild else self.world.limits.file_bytes

    @property
    def messages(self) -> "list[Message]":
        """What is there now, oldest first: no deleted ones; ephemeral ones say so themselves."""
        return [message for message in self.log if not message.deleted]

    async def wait_message(
        self,
        check: "Callable[[Message], object] | None" = None,
        timeout: float = 5.0,
    ) -> "Message":
        """Waits for a message that is there and fits; one that is there already does.

        Raises:
            AssertionError: None fits in time.
        """

        def find() -> "Message | None":
            fitting = (m for m in self.messages if check is None or check(m))
            return next(fitting, None)

        return await self.world.watch.until(
            find, timeout, lambda: f"a message in {self}; there are {self.messages}"
        )

    def visible_to(self, user: User) -> bool:
        """Whether a person, or the bot, can see the channel."""
        if user is self.world.bot:
            return self.bot_is_in
        return user in self.recipients or bool(self.guild and user.id in self.guild.members)

    def wire(self) -> dict[str, Any]:
        last = self.log[-1].id if self.log else None
        shown: dict[str, Any] = {
            "id": str(self.id),
            "type": self.type,
            "flags": 0,
            "last_message_id": None if last is None else str(last),
        }
        if self.guild is None:
            shown["recipients"] = [user.wire() for user in self.recipients]
            if self.type == GROUP_DM:
                owner = str(self.recipients[0].id)
                shown |= {"name": self.name, "icon": None, "owner_id": owner}
            return shown
        return shown | {
            "guild_id": str(self.guild.id),
            "name": self.name,
            "position": self.guild.channels.index(self),
            "parent_id": None,
            "topic": None,
            "nsfw": self.nsfw,
            "rate_limit_per_user": 0,
            "permission_overwrites": self.overwrites,
        }

    def interaction_wire(self) -> dict[str, Any]:
        """The channel object of an interaction: direct messages come without their recipient."""
        shown = self.wire()
        if self.type == DM:
            del shown["recipients"]
        if self.guild:
            shown["permissions"] = str(self.app_permissions)
        return shown

    def require_bot(self, *, to_send: bool = False) -> None:
        """Refuses the bot where it has no access.

        Raises:
            ApiError: 50001, 50007 or 50013.
        """
        if not self.bot_is_in:
            raise errors.missing_access()
        if to_send and self.guild is None and not self.recipients[0].dms_open:
            raise errors.closed_dms()
        needed = SEND_IN_THREADS if self.type in THREADS else SEND_MESSAGES
        if to_send and self.guild and not self.app_permissions & needed:
            raise errors.missing_permissions()
