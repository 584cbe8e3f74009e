"""The routes that take the bot's own token: messages of channels, itself, the gateway's address.

Commands are in `discord_commands`, answers to interactions in `discord_webhooks`.
"""

from typing import Any

from tests.servers import discord_errors as errors
from tests.servers.discord_errors import Problem
from tests.servers.discord_gateway import Gateway
from tests.servers.discord_http import Answer, Call, Route
from tests.servers.discord_message import Message
from tests.servers.discord_messages import create, earlier_by_nonce, edit
from tests.servers.discord_records import DM, MANAGE_MESSAGES, Channel, Guild, User
from tests.servers.discord_world import World

_CHANNEL = "/channels/{channel_id}"
_MESSAGES = f"{_CHANNEL}/messages"
_MESSAGE = f"{_MESSAGES}/{{message_id}}"


def open_dm(world: World, user: User) -> Channel:
    """The direct messages between a person and the bot, opened when first asked for."""
    for channel in world.channels.values():
        if channel.type == DM and channel.recipients == [user]:
            return channel
    channel = Channel(world, world.new_id(), DM, f"DM with {user.name}", recipients=[user])
    world.channels[channel.id] = channel
    return channel


class Routes:
    """What the bot does by its own token."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway

    def routes(self) -> list[Route]:
        """All of them, exact ones first."""
        return [
            Route("GET", "/users/@me", lambda call: (200, self._me())),
            Route("POST", "/users/@me/channels", self._open),
            Route("GET", "/oauth2/applications/@me", lambda call: (200, self._application())),
            Route("GET", "/applications/@me", lambda call: (200, self._application())),
            Route("GET", "/gateway/bot", lambda call: (200, self._address())),
            Route("GET", "/gateway", self._public_address, with_token=False),
            Route("GET", "/guilds/{guild_id}/channels", self._channels),
            Route("GET", "/guilds/{guild_id}/roles", self._roles),
            Route("GET", _CHANNEL, lambda call: (200, self._channel(call).wire())),
            Route("POST", f"{_CHANNEL}/typing", self._typing),
            Route("GET", _MESSAGES, self._list),
            Route("POST", _MESSAGES, self._send, "messages"),
            Route("GET", _MESSAGE, lambda call: (200, self._message(call).wire())),
            Route("PATCH", _MESSAGE, self._edit, "edits"),
            Route("DELETE", _MESSAGE, self._delete, "deletes"),
        ]

    # -- the bot itself --------------------------------------------------------------------------

    def _me(self) -> dict[str, Any]:
        extra = {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}
        nulls = dict.fromkeys(("banner", "accent_color"))
        return self._world.bot.wire() | extra | nulls

    def _application(self) -> dict[str, Any]:
        world = self._world
        owner = User(world, world.application_id + 1, "Owner")
        return {
            "id": str(world.application_id),
            "name": world.bot.name,
            "icon": None,
            "description": "",
            "type": None,
            "verify_key": "0" * 64,
            "flags": 0,
            "flags_new": "0",
            "eligible_oauth2_scopes": [],
            "approximate_user_authorization_count": 0,
            "hook": True,
            "storefront_available": False,
            "bot_public": True,
            "bot_require_code_grant": False,
            "bot": world.bot.wire(),
            "owner": owner.wire(),
            "team": None,
            "rpc_origins": [],
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "approximate_guild_count": len(world.guilds),
            "approximate_user_install_count": sum(u.installed for u in world.users.values()),
            "explicit_content_filter": 0,
            "integration_types_config": {"0": {}, "1": {}},
        }

    def _address(self) -> dict[str, Any]:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 1}
        count = self._gateway.shard_count
        if not count:
            raise errors.not_found()
        return {"url": self._gateway.url, "shards": count, "session_start_limit": limit}

    def _public_address(self, call: Call) -> Answer:
        return 200, {"url": self._gateway.url}

    # -- servers ---------------------------------------------------------------------------------

    def _guild(self, call: Call) -> Guild:
        guild = self._world.guilds.get(call.number("guild_id"))
        if guild is None or not guild.bot_is_member:
            raise errors.missing_access()
        return guild

    def _channels(self, call: Call) -> Answer:
        return 200, [channel.wire() for channel in self._guild(call).channels]

    def _roles(self, call: Call) -> Answer:
        return 200, self._guild(call).wire()["roles"]

    # -- channels --------------------------------------------------------------------------------

    def _open(self, call: Call) -> Answer:
        wanted = str((call.body or {}).get("recipient_id"))
        user = self._world.users.get(int(wanted)) if wanted.isdecimal() else None
        if user is None or user.is_bot:
            raise errors.unknown_user()
        return 200, open_dm(self._world, user).wire()

    def _channel(self, call: Call, *, to_send: bool = False) -> Channel:
        channel = self._world.channels.get(call.number("channel_id"))
        if channel is None:
            raise errors.unknown_channel()
        channel.require_bot(to_send=to_send)
        return channel

    def _typing(self, call: Call) -> Answer:
        channel = self._channel(call, to_send=True)
        channel.typing.append(self._world.clock.now())
        self._world.watch.notify()
        return 204, None

    # -- messages --------------------------------------------------------------------------------

    def _message(self, call: Call) -> Message:
        channel = self._channel(call)
        message = self._world.messages.get(call.number("message_id"))
        # Ephemeral messages do not exist for the bot's own token.
        if not message or message.deleted or message.ephemeral or message.channel is not channel:
            raise errors.unknown_message()
        return message

    def _list(self, call: Call) -> Answer:
        limit = int(call.query.get("limit", "50"))
        shown = [each for each in self._channel(call).messages if not each.ephemeral]
        return 200, [message.wire() for message in shown[::-1][:limit]]

    def _send(self, call: Call) -> Answer:
        channel = self._channel(call, to_send=True)
        draft = call.draft(channel.file_bytes)
        if earlier := earlier_by_nonce(channel, draft.body):
            return 200, earlier.wire()
        return 200, create(channel, draft, reference=_reference(channel, draft.body)).wire()

    def _edit(self, call: Call) -> Answer:
        message = self._message(call)
        if message.author is not self._world.bot:
            raise errors.someone_elses_message()
        return 200, edit(message, call.draft(message.channel.file_bytes)).wire()

    def _delete(self, call: Call) -> Answer:
        message = self._message(call)
        manages = message.channel.guild and message.channel.app_permissions & MANAGE_MESSAGES
        if message.author is not self._world.bot and not manages:
            raise errors.missing_permissions()
        message.delete()
        return 204, None


def _reference(channel: Channel, body: dict[str, Any]) -> Message | None:
    wanted = body.get("message_reference")
    if not wanted:
        return None
    found = channel.world.messages.get(int(wanted.get("message_id") or 0))
    if found and not found.deleted and not found.ephemeral and found.channel is channel:
        return found
    if wanted.get("fail_if_not_exists") is False:
        return None
    code = "MESSAGE_REFERENCE_UNKNOWN_MESSAGE"
    raise errors.invalid([Problem(("message_reference",), code, "Unknown message")])
