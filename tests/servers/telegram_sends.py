"""The methods that make messages: texts, media, albums, drafts, chat actions.

Each function takes the world and one call's parameters, does what Telegram would, and returns
the method's result. Shared rules are in `telegram_rules`.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from tests.servers import telegram_rules as rules
from tests.servers.telegram_files import Media
from tests.servers.telegram_records import Action, Chat, Draft, Message, Topic
from tests.servers.telegram_text import (
    MAX_CAPTION,
    MAX_TEXT,
    Entity,
    format_text,
    read_text,
)
from tests.servers.telegram_wire import Params, Upload, bad, name_set
from tests.servers.telegram_world import World

Handler = Callable[[World, Params], Awaitable[Any]]

_META = ("duration", "width", "height", "performer", "title")
_CHAT_ACTIONS = name_set(
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document "
    "choose_sticker find_location record_video_note upload_video_note"
)
_ALBUM_KINDS = {
    "photo": "visual",
    "video": "visual",
    "document": "document",
    "audio": "audio",
}


@dataclass(frozen=True, slots=True)
class _Envelope:
    """Where a message goes and what hangs on it, whatever it says."""

    chat: Chat
    topic: Topic | None
    reply_to: Message | None
    quote: str
    markup: rules.Markup
    silent: bool
    protected: bool


def _envelope(world: World, params: Params) -> _Envelope:
    chat = rules.target(world, params)
    reply_to, quote = rules.reply_of(chat, params)
    return _Envelope(
        chat=chat,
        topic=rules.topic_of(chat, params, reply_to),
        reply_to=reply_to,
        quote=quote,
        markup=rules.markup_of(params),
        silent=params.flag("disable_notification"),
        protected=params.flag("protect_content"),
    )


def _post(
    world: World,
    envelope: _Envelope,
    words: str,
    entities: list[Entity],
    **content: Any,
) -> Message:
    message = Message(
        envelope.chat,
        envelope.chat.next_id(),
        world.bot,
        world.clock.now(),
        words=words,
        entities=world.known_entities(entities),
        topic=envelope.topic,
        reply_to=envelope.reply_to,
        quote=envelope.quote,
        markup=envelope.markup.inline,
        force_reply=envelope.markup.force_reply,
        keyboard=envelope.markup.keyboard,
        silent=envelope.silent,
        protected=envelope.protected,
        **content,
    )
    message.pinged = list(world.notified(message))
    return envelope.chat.add(message)


async def send_message(world: World, params: Params) -> dict[str, Any]:
    """`sendMessage`."""
    envelope = _envelope(world, params)
    words, entities = read_text(params, "text", MAX_TEXT)
    if not words:
        raise bad("message text is empty")
    rules.may_send(envelope.chat, "text")
    rules.charge(world, envelope.chat, "sendMessage")
    preview = params.json("link_preview_options")
    return _post(world, envelope, words, entities, link_preview_options=preview).wire()


def _send_media(kind: str) -> Handler:
    """Makes the method for one kind of medium."""

    async def send(world: World, params: Params) -> dict[str, Any]:
        envelope = _envelope(world, params)
        words, entities = read_text(params, "caption", MAX_CAPTION)
        media = await world.files.accept(kind, params.source(kind), _meta(params.values))
        _thumbnail(media, params.source("thumbnail"))
        rules.may_send(envelope.chat, media.kind)
        rules.charge(world, envelope.chat, f"send{kind.capitalize()}")
        spoiler = params.flag("has_spoiler")
        return _post(world, envelope, words, entities, media=media, has_spoiler=spoiler).wire()

    return send


def _meta(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in _META if name in values}


def _thumbnail(media: Media, given: Upload | str | None) -> None:
    """Notes a thumbnail; as Telegram does, it passes over one that breaks the rules.

    "JPEG, less than 200 kB; width and height should not exceed 320. Can't be reused, and can only
    be uploaded as a new file."
    """
    if given is None:
        return
    if isinstance(given, str):
        raise bad("thumbnail must be uploaded as a new file")
    with Image.open(given.path) as picture:
        (width, height), jpeg = picture.size, picture.format == "JPEG"
    if jpeg and max(width, height) <= 320 and given.size < 200_000:
        about = {"width": width, "height": height, "file_size": given.size}
        number = given.digest[:12]
        media.meta["thumbnail"] = {"file_id": number, "file_unique_id": number, **about}


async def send_media_group(world: World, params: Params) -> list[dict[str, Any]]:
    """`sendMediaGroup`: an album is one message for each item."""
    if "reply_markup" in params:
        raise bad("reply_markup can't be used with media groups")
    envelope = _envelope(world, params)
    items = params.json("media")
    if not isinstance(items, list):
        raise bad("expected an Array of InputMedia")
    if not 2 <= len(items) <= 10:
        raise bad("too many messages to send as an album" if items else "media group is empty")
    group = str(13_000_000_000_000_000 + secrets.randbelow(10**15))
    ready = [(item, await album_item(world, params, item)) for item in items]
    if len({_ALBUM_KINDS.get(media.kind, "") for _, (media, _, _) in ready}) > 1:
        raise bad("document and audio can't be mixed with other media types")
    for _, (media, _, _) in ready:
        rules.may_send(envelope.chat, media.kind)
    rules.charge(world, envelope.chat, "sendMediaGroup", len(items))
    sent = [
        _post(
            world,
            envelope,
            words,
            entities,
            media=media,
            has_spoiler=bool(item.get("has_spoiler")),
            media_group_id=group,
        )
        for item, (media, words, entities) in ready
    ]
    return [message.wire() for message in sent]


async def album_item(world: World, params: Params, item: object) -> tuple[Media, str, list[Entity]]:
    """Reads one InputMedia: its medium, caption and entities."""
    if not isinstance(item, dict) or item.get("type") not in {
        *_ALBUM_KINDS,
        "animation",
    }:
        raise bad("can't parse InputMedia: unknown type")
    reference = str(item.get("media") or "")
    source: Upload | str = reference
    if reference.startswith("attach://"):
        source = params.attached(reference)
    media = await world.files.accept(str(item["type"]), source, _meta(item))
    if small := str(item.get("thumbnail") or ""):
        _thumbnail(media, params.attached(small))
    words, entities = format_text(
        str(item.get("caption") or ""),
        str(item.get("parse_mode") or ""),
        item.get("caption_entities"),
        MAX_CAPTION,
        caption=True,
    )
    return media, words, entities


async def send_chat_action(world: World, params: Params) -> bool:
    """`sendChatAction`; counts in the chat's budget like a message."""
    chat = rules.target(world, params)
    action = params.text("action")
    if action not in _CHAT_ACTIONS:
        raise bad("wrong parameter action in request")
    thread = params.integer("message_thread_id")
    if thread not in (None, rules.GENERAL):
        rules.topic_of(chat, params, None)
    rules.charge(world, chat, "sendChatAction")
    chat.actions.append(Action(action, world.clock.now(), thread))
    world.watch.notify()
    return True


async def send_message_draft(world: World, params: Params) -> bool:
    """`sendMessageDraft`: private chats only, and nothing stays."""
    chat = rules.target(world, params)
    if chat.is_group:
        raise bad("drafts can be sent only to private chats")
    draft_id = params.integer("draft_id")
    if not draft_id:
        raise bad("draft_id must be non-zero")
    words, _ = read_text(params, "text", MAX_TEXT)
    rules.charge(world, chat, "sendMessageDraft")
    chat.drafts.append(Draft(draft_id, words, world.clock.now()))
    world.watch.notify()
    return True


SENDS: dict[str, Handler] = {
    "sendMessage": send_message,
    "sendPhoto": _send_media("photo"),
    "sendDocument": _send_media("document"),
    "sendVideo": _send_media("video"),
    "sendAudio": _send_media("audio"),
    "sendVoice": _send_media("voice"),
    "sendAnimation": _send_media("animation"),
    "sendMediaGroup": send_media_group,
    "sendChatAction": send_chat_action,
    "sendMessageDraft": send_message_draft,
}
