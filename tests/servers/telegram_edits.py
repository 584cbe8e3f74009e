"""The methods that change what is there: edits, deletions, reactions, answers to presses.

Each function takes the world and one call's parameters, does what Telegram would, and returns
the method's result.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.servers import telegram_rules as rules
from tests.servers.telegram_records import Answer, Chat, Message
from tests.servers.telegram_sends import album_item
from tests.servers.telegram_text import MAX_CAPTION, MAX_TEXT, Entity, read_text
from tests.servers.telegram_wire import ApiError, Params, bad, name_set
from tests.servers.telegram_world import CALLBACK_LIFETIME, World

Handler = Callable[[World, Params], Awaitable[Any]]

DELETE_WITHIN = 48 * 3600.0
"""Seconds after which a message can no longer be deleted."""

_REACTIONS = name_set(
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 "
    "🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 "
    "🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 "
    "🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ "
    "😡"
)


def _not_modified() -> ApiError:
    return bad(
        "message is not modified: specified new message content and reply markup are exactly "
        "the same as a current content and reply markup of the message"
    )


def _write(
    world: World,
    message: Message,
    method: str,
    words: str,
    entities: list[Entity],
    markup: rules.Markup,
) -> dict[str, Any]:
    """Puts new words and keyboard under a message; no keyboard given means none left."""
    known = world.known_entities(entities)
    same = (message.words, message.entities, message.markup) == (
        words,
        known,
        markup.inline,
    )
    rules.charge(world, message.chat, method)
    if same:
        raise _not_modified()
    message.words, message.entities, message.markup = words, known, markup.inline
    message.record_edit(method)
    return message.wire()


async def edit_text(world: World, params: Params) -> dict[str, Any]:
    """`editMessageText`."""
    message = rules.own_message(world, params)
    markup = rules.markup_of(params, inline_only=True)
    words, entities = read_text(params, "text", MAX_TEXT)
    if not words:
        raise bad("message text is empty")
    if message.media or message.service:
        raise bad("there is no text in the message to edit")
    return _write(world, message, "editMessageText", words, entities, markup)


async def edit_caption(world: World, params: Params) -> dict[str, Any]:
    """`editMessageCaption`."""
    message = rules.own_message(world, params)
    markup = rules.markup_of(params, inline_only=True)
    words, entities = read_text(params, "caption", MAX_CAPTION)
    if not message.media:
        raise bad("there is no caption in the message to edit")
    return _write(world, message, "editMessageCaption", words, entities, markup)


async def edit_markup(world: World, params: Params) -> dict[str, Any]:
    """`editMessageReplyMarkup`."""
    message = rules.own_message(world, params)
    markup = rules.markup_of(params, inline_only=True)
    return _write(
        world,
        message,
        "editMessageReplyMarkup",
        message.words,
        message.entities,
        markup,
    )


async def edit_media(world: World, params: Params) -> dict[str, Any]:
    """`editMessageMedia`; a text message may become a picture."""
    message = rules.own_message(world, params)
    markup = rules.markup_of(params, inline_only=True)
    item = params.json("media")
    media, words, entities = await album_item(world, params, item)
    if message.media_group_id and message.media and message.media.kind != media.kind:
        raise bad("can't change media type in the album")
    rules.charge(world, message.chat, "editMessageMedia")
    known = world.known_entities(entities)
    before = (message.words, message.entities, message.markup)
    if media.same_as(message.media) and before == (words, known, markup.inline):
        raise _not_modified()
    message.media, message.has_spoiler = media, bool(item.get("has_spoiler"))
    message.words, message.entities, message.markup = words, known, markup.inline
    message.record_edit("editMessageMedia")
    return message.wire()


def _deletable(world: World, chat: Chat, message: Message) -> bool:
    if world.clock.now() - message.at > DELETE_WITHIN:
        return False
    return message.author is world.bot or not chat.is_group or chat.bot_is_admin


async def delete_message(world: World, params: Params) -> bool:
    """`deleteMessage`: own messages, people's in private chats, all for administrators."""
    chat = rules.target(world, params)
    message = chat.find(params.integer("message_id"))
    if message is None:
        raise bad("message to delete not found")
    if not _deletable(world, chat, message):
        raise bad("message can't be deleted for everyone")
    rules.charge(world, chat, "deleteMessage")
    message.deleted_at = world.clock.now()
    world.watch.notify()
    return True


async def delete_messages(world: World, params: Params) -> bool:
    """`deleteMessages`: what is not there is passed over."""
    chat = rules.target(world, params)
    numbers = params.json("message_ids")
    if not isinstance(numbers, list) or not 1 <= len(numbers) <= 100:
        raise bad("message identifiers must be an Array of 1 to 100 numbers")
    found = [message for number in numbers if (message := chat.find(number))]
    if not all(_deletable(world, chat, message) for message in found):
        raise bad("message can't be deleted for everyone")
    rules.charge(world, chat, "deleteMessages")
    for message in found:
        message.deleted_at = world.clock.now()
    world.watch.notify()
    return True


async def answer_callback_query(world: World, params: Params) -> bool:
    """`answerCallbackQuery`: once, and within `CALLBACK_LIFETIME`."""
    press = world.presses.get(params.text("callback_query_id"))
    now = world.clock.now()
    text = params.text("text")
    if len(text) > 200:
        raise bad("MESSAGE_TOO_LONG")
    if press is None or press.answered or now - press.at > CALLBACK_LIFETIME:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    url = params.text("url")
    if url and f"t.me/{world.bot.username}?start=" not in url:
        raise bad("URL_INVALID")
    press.answered = Answer(text, params.flag("show_alert"), now, url)
    world.watch.notify()
    return True


async def set_reaction(world: World, params: Params) -> bool:
    """`setMessageReaction`: bots have one, from the fixed list."""
    chat = rules.target(world, params)
    message = chat.find(params.integer("message_id"))
    if message is None:
        raise bad("message to react not found")
    wanted = params.json("reaction") or []
    if len(wanted) > 1:
        raise bad("REACTIONS_TOO_MANY")
    emoji = [str(item.get("emoji")).replace("\ufe0f", "") for item in wanted]
    if not set(emoji) <= _REACTIONS:
        raise bad("REACTION_INVALID")
    message.reactions = emoji
    world.watch.notify()
    return True


EDITS: dict[str, Handler] = {
    "editMessageText": edit_text,
    "editMessageCaption": edit_caption,
    "editMessageReplyMarkup": edit_markup,
    "editMessageMedia": edit_media,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "answerCallbackQuery": answer_callback_query,
    "setMessageReaction": set_reaction,
}
