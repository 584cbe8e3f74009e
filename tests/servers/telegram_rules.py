"""Rules every sending method shares: may it go there, may it look like that.

Reads the common parameters of a call and refuses what Telegram refuses. Changes nothing but the
flood budget.
"""

import re
from dataclasses import dataclass
from typing import Any

from tests.servers.telegram_records import Chat, Message, Topic
from tests.servers.telegram_wire import ApiError, Params, bad, forbidden, name_set
from tests.servers.telegram_world import World

GENERAL = 1
"""The id of a forum's General topic: accepted by sendChatAction, refused by the sends."""

_BEYOND = name_set(
    "business_connection_id direct_messages_topic_id ephemeral_message_parameters "
    "suggested_post_parameters rich_message inline_message_id"
)
_ACTIONS = name_set(
    "url callback_data web_app login_url switch_inline_query switch_inline_query_current_chat "
    "switch_inline_query_chosen_chat copy_text callback_game pay disabled"
)
_STYLES = frozenset({"danger", "success", "primary"})


@dataclass(frozen=True, slots=True)
class Markup:
    """The three things `reply_markup` can mean."""

    inline: dict[str, Any] | None = None
    force_reply: dict[str, Any] | None = None
    keyboard: dict[str, Any] | None = None


def target(world: World, params: Params) -> Chat:
    """The chat a call is about, if the bot may write there.

    Raises:
        ApiError: 400 for an unknown or migrated chat, 403 where the bot is not wanted.
    """
    refuse_beyond(params)
    chat_id = params.text("chat_id")
    if not chat_id:
        raise bad("chat_id is empty")
    try:
        chat = world.chat(chat_id)
    except ApiError:
        if chat_id.isdigit() and int(chat_id) in world.users:
            raise forbidden("bot can't initiate conversation with a user") from None
        raise
    if chat.migrated_to:
        raise ApiError(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=chat.migrated_to.id,
        )
    if chat.blocked:
        raise forbidden(_unwanted(chat))
    return chat


def _unwanted(chat: Chat) -> str:
    match chat.type:
        case "private":
            return "bot was blocked by the user"
        case "group":
            return "bot was kicked from the group chat"
        case _:
            return "bot was kicked from the supergroup chat"


def refuse_beyond(params: Params) -> None:
    """Says no to parameters this server does not play, rather than ignoring them."""
    for name in _BEYOND:
        if params.text(name):
            raise bad(f"{name} is not supported here")


def charge(world: World, chat: Chat, method: str, cost: int = 1) -> None:
    """Takes a visible call out of the chat's budget, or refuses it with 429."""
    world.flood.admit(chat.id, method, world.clock.now(), group=chat.is_group, cost=cost)


def may_send(chat: Chat, kind: str) -> None:
    """Refuses kinds of message forbidden in a chat."""
    if kind in chat.forbidden:
        raise bad(f"not enough rights to send {'text messages' if kind == 'text' else kind + 's'}")


def topic_of(chat: Chat, params: Params, reply_to: Message | None) -> Topic | None:
    """The topic a message goes to: the named one, or that of the message replied to."""
    thread = params.integer("message_thread_id")
    if thread is None:
        topic = reply_to.topic if reply_to else None
        if topic is None and chat.is_forum and chat.general_closed:
            raise bad("TOPIC_CLOSED")
    else:
        topic = chat.topics.get(thread)
        if topic is None or topic.deleted:
            raise bad("message thread not found")
    if topic and topic.closed:
        raise bad("TOPIC_CLOSED")
    return topic


def reply_of(chat: Chat, params: Params) -> tuple[Message | None, str]:
    """The message replied to and the part of it quoted.

    Raises:
        ApiError: 400 where it is gone and `allow_sending_without_reply` was not said.
    """
    wanted = params.json("reply_parameters")
    if wanted is None:
        return None, ""
    if not isinstance(wanted, dict) or not isinstance(wanted.get("message_id"), int):
        raise bad("can't parse reply parameters JSON object")
    if str(wanted.get("chat_id") or chat.id) != str(chat.id):
        raise bad("replies to other chats are not supported here")
    message = chat.find(wanted["message_id"])
    if message is None:
        if wanted.get("allow_sending_without_reply"):
            return None, ""
        raise bad("message to be replied not found")
    quote = str(wanted.get("quote") or "")
    if quote and quote not in message.words:
        raise bad("QUOTE_TEXT_INVALID")
    return message, quote


def markup_of(params: Params, *, inline_only: bool = False) -> Markup:
    """Reads and checks `reply_markup`.

    Raises:
        ApiError: 400 for a keyboard no client could show.
    """
    wanted = params.json("reply_markup")
    if wanted is None:
        return Markup()
    if not isinstance(wanted, dict):
        raise bad("object expected as reply markup")
    if "inline_keyboard" in wanted:
        return Markup(inline=_inline(wanted))
    if inline_only:
        raise bad("inline keyboard expected")
    if wanted.get("force_reply"):
        if len(str(wanted.get("input_field_placeholder") or "")) > 64:
            raise bad("input field placeholder is too long")
        return Markup(force_reply=wanted)
    if "keyboard" in wanted or "remove_keyboard" in wanted:
        return Markup(keyboard=wanted)
    raise bad("can't parse reply keyboard markup JSON object")


def _inline(wanted: dict[str, Any]) -> dict[str, Any] | None:
    rows = wanted["inline_keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("can't parse inline keyboard: expected an Array of Array")
    rows = [row for row in rows if row]
    if any(len(row) > 8 for row in rows) or sum(map(len, rows)) > 100:
        raise bad("reply markup is too long")
    for row in rows:
        for button in row:
            _check_button(button)
    return {**wanted, "inline_keyboard": rows} if rows else None


def _check_button(button: object) -> None:
    if not isinstance(button, dict):
        raise bad("can't parse inline keyboard button: expected an Object")
    if not str(button.get("text") or "").strip():
        raise bad("can't parse inline keyboard button: text must be non-empty")
    actions = [name for name in _ACTIONS if name in button]
    if not actions:
        raise bad("can't parse inline keyboard button: text buttons are unallowed")
    if len(actions) > 1:
        raise bad(f"inline keyboard button has several actions: {', '.join(actions)}")
    if button.get("style") not in {None, *_STYLES}:
        raise bad("can't parse inline keyboard button: invalid button style specified")
    if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= 64:
        raise bad("BUTTON_DATA_INVALID")
    if "url" in button and not re.match(r"(https?|tg)://\S+|[\w-]+\.\w\S*$", str(button["url"])):
        raise bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")


def own_message(world: World, params: Params) -> Message:
    """The message of the bot's own that an edit is about.

    Raises:
        ApiError: 400 for a missing, foreign or uneditable message.
    """
    chat = target(world, params)
    message_id = params.integer("message_id")
    if not message_id:
        raise bad("message identifier is not specified")
    message = chat.find(message_id)
    if message is None:
        raise bad("message to edit not found")
    if message.author is not world.bot or message.force_reply or message.keyboard:
        raise bad("message can't be edited")
    return message
