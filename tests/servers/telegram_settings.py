"""The methods about the bot itself and its chats: identity, updates, menus, look-ups, files.

Each function takes the world and one call's parameters, does what Telegram would, and returns
the method's result.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from tests.servers.telegram_records import Chat, Topic, User, member
from tests.servers.telegram_updates import Hook
from tests.servers.telegram_wire import Params, bad, name_set
from tests.servers.telegram_world import World

Handler = Callable[[World, Params], Awaitable[Any]]
_Scope = tuple[str, int, int]

_SCOPES = name_set(
    "default all_private_chats all_group_chats all_chat_administrators chat "
    "chat_administrators chat_member"
)


async def get_me(world: World, params: Params) -> dict[str, Any]:
    """`getMe`."""
    return {**world.bot.wire(), **world.me}


async def get_updates(world: World, params: Params) -> list[dict[str, Any]]:
    """`getUpdates`."""
    return await world.feed.poll(
        params.integer("offset") or 0,
        params.integer("limit") or 100,
        params.integer("timeout") or 0,
        _update_names(params),
    )


def _update_names(params: Params) -> list[str] | None:
    names = params.json("allowed_updates")
    if names is not None and not isinstance(names, list):
        raise bad("can't parse allowed_updates: expected an Array of String")
    return names


async def set_webhook(world: World, params: Params) -> bool:
    """`setWebhook`."""
    hook = Hook(
        params.text("url"),
        params.text("secret_token"),
        params.integer("max_connections") or 40,
    )
    if not 1 <= hook.max_connections <= 100:
        raise bad("max_connections must be between 1 and 100")
    drop = params.flag("drop_pending_updates")
    world.feed.set_webhook(hook, _update_names(params), drop=drop)
    return True


async def delete_webhook(world: World, params: Params) -> bool:
    """`deleteWebhook`."""
    world.feed.set_webhook(Hook(""), None, drop=params.flag("drop_pending_updates"))
    return True


async def get_webhook_info(world: World, params: Params) -> dict[str, Any]:
    """`getWebhookInfo`."""
    hook = world.feed.hook
    info: dict[str, Any] = {
        "url": hook.url if hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(world.feed.pending),
    }
    if world.feed.allowed:
        info["allowed_updates"] = world.feed.allowed
    if hook:
        info["max_connections"] = hook.max_connections
        if hook.last_error:
            info["last_error_date"] = int(hook.last_error_at)
            info["last_error_message"] = hook.last_error
    return info


async def close(world: World, params: Params) -> bool:
    """`close`."""
    return True


async def log_out(world: World, params: Params) -> bool:
    """`logOut`: afterwards this server knows the bot no more."""
    world.settings["logged out",] = True
    return True


def _language(params: Params) -> str:
    code = params.text("language_code")
    if not re.fullmatch(r"([a-z]{2})?", code):
        raise bad("invalid language code specified")
    return code


def _scope(world: World, params: Params) -> _Scope:
    wanted = params.json("scope") or {"type": "default"}
    if not isinstance(wanted, dict) or wanted.get("type") not in _SCOPES:
        raise bad("can't parse BotCommandScope: unsupported type specified")
    chat = user = 0
    if wanted["type"].startswith("chat"):
        chat = world.chat(wanted.get("chat_id") or 0).id
    if wanted["type"] == "chat_member":
        user = int(wanted.get("user_id") or 0)
        if user not in world.users:
            raise bad("user not found")
    return wanted["type"], chat, user


async def set_my_commands(world: World, params: Params) -> bool:
    """`setMyCommands`."""
    commands = params.json("commands")
    if not isinstance(commands, list):
        raise bad("can't parse commands: expected an Array of BotCommand")
    if len(commands) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command"))):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description") or "").strip()) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    world.settings["commands", _scope(world, params), _language(params)] = commands
    return True


async def get_my_commands(world: World, params: Params) -> list[dict[str, Any]]:
    """`getMyCommands`: exactly what was set for this scope and language."""
    key = ("commands", _scope(world, params), _language(params))
    commands: list[dict[str, Any]] = world.settings.get(key, [])
    return commands


async def delete_my_commands(world: World, params: Params) -> bool:
    """`deleteMyCommands`."""
    world.settings.pop(("commands", _scope(world, params), _language(params)), None)
    return True


def menu(world: World, person: User, place: Chat | Topic) -> list[tuple[str, str]]:
    """What a person sees after typing "/": the first set list of Telegram's fixed order."""
    chat = place.chat if isinstance(place, Topic) else place
    for scope in _scopes_seen(person, chat):
        for language in dict.fromkeys((person.language_code, "")):
            commands = world.settings.get(("commands", scope, language))
            if commands:
                return [(item["command"], item["description"]) for item in commands]
    return []


def _scopes_seen(person: User, chat: Chat) -> Iterator[_Scope]:
    if chat.is_group:
        yield "chat_member", chat.id, person.id
        yield "chat", chat.id, 0
        yield "all_group_chats", 0, 0
    else:
        yield "chat", chat.id, 0
        yield "all_private_chats", 0, 0
    yield "default", 0, 0


def _text_setting(name: str, limit: int) -> tuple[Handler, Handler]:
    """Makes the pair of methods for one text per language."""

    async def put(world: World, params: Params) -> bool:
        text = params.text(name)
        if len(text) > limit:
            raise bad(f"{name} is too long")
        world.settings[name, _language(params)] = text
        return True

    async def get(world: World, params: Params) -> dict[str, str]:
        return {name: world.settings.get((name, _language(params)), "")}

    return put, get


async def set_menu_button(world: World, params: Params) -> bool:
    """`setChatMenuButton`."""
    button = params.json("menu_button") or {"type": "default"}
    if not isinstance(button, dict) or button.get("type") not in (
        "commands",
        "default",
        "web_app",
    ):
        raise bad("MenuButton has unsupported type")
    world.settings["menu_button", params.integer("chat_id") or 0] = button
    return True


async def get_menu_button(world: World, params: Params) -> dict[str, Any]:
    """`getChatMenuButton`."""
    key = ("menu_button", params.integer("chat_id") or 0)
    button: dict[str, Any] = world.settings.get(key, {"type": "default"})
    return button


async def get_chat(world: World, params: Params) -> dict[str, Any]:
    """`getChat`."""
    chat = world.chat(params.text("chat_id"))
    gifts = "unlimited_gifts limited_gifts unique_gifts premium_subscription gifts_from_channels"
    return {
        **chat.wire(),
        "accent_color_id": 1,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts.split(), False),
    }


async def get_chat_member(world: World, params: Params) -> dict[str, Any]:
    """`getChatMember`."""
    chat = world.chat(params.text("chat_id"))
    user = world.users.get(params.integer("user_id") or 0)
    if user is None:
        raise bad("PARTICIPANT_ID_INVALID")
    if user is world.bot:
        inside = "administrator" if chat.bot_is_admin else "member"
        return member(user, "kicked" if chat.blocked else inside)
    return member(user, "member" if user.id in chat.members else "left")


async def get_chat_member_count(world: World, params: Params) -> int:
    """`getChatMemberCount`."""
    return len(world.chat(params.text("chat_id")).members) + 1


async def get_file(world: World, params: Params) -> dict[str, Any]:
    """`getFile`."""
    stored = world.files.open(params.text("file_id"), world.clock.now())
    return {**stored.wire(), "file_path": stored.path}


_DESCRIPTION = _text_setting("description", 512)
_SHORT = _text_setting("short_description", 120)
_NAME = _text_setting("name", 64)

SETTINGS: dict[str, Handler] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "close": close,
    "logOut": log_out,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyDescription": _DESCRIPTION[0],
    "getMyDescription": _DESCRIPTION[1],
    "setMyShortDescription": _SHORT[0],
    "getMyShortDescription": _SHORT[1],
    "setMyName": _NAME[0],
    "getMyName": _NAME[1],
    "setChatMenuButton": set_menu_button,
    "getChatMenuButton": get_menu_button,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatMemberCount": get_chat_member_count,
    "getFile": get_file,
}
