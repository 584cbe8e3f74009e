"""What people do: write, send pictures, press buttons, edit, join, block.

Everything a person does appears in the chat and reaches the bot as an update, if the bot may see
it. Knows nothing of the methods a bot calls.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.servers.telegram_files import Media
from tests.servers.telegram_records import (
    Chat,
    Message,
    Place,
    Press,
    Topic,
    User,
    member,
)
from tests.servers.telegram_text import (
    MAX_CAPTION,
    MAX_TEXT,
    Entity,
    format_text,
    leading_command,
)
from tests.servers.telegram_world import World


def visible_to_bot(message: Message) -> bool:
    """Whether the bot is told of a person's message: privacy mode hides most of a group."""
    chat = message.chat
    if chat.blocked:
        return False
    if not chat.is_group or not chat.privacy or chat.bot_is_admin or message.service:
        return True
    world = chat.world
    if world.me["can_read_all_group_messages"]:
        return True
    if message.reply_to and message.reply_to.author is world.bot:
        return True
    command = leading_command(message.words)
    return command is not None and command[1] in ("", world.bot.username.lower())


def deliver(message: Message, kind: str = "message") -> None:
    """Tells the bot of a message, if it may see it."""
    if visible_to_bot(message):
        tell(message, kind)


def tell(message: Message, kind: str = "message") -> None:
    """Tells the bot of a message, whatever privacy mode says."""
    update = message.chat.world.feed.push(kind, message.wire())
    if update:
        message.updates.append(update)


@dataclass(eq=False, slots=True)
class Person(User):
    """A user that tests move. Every method returns what the person then sees."""

    world: World = field(kw_only=True, repr=False)

    async def say(
        self,
        place: Place,
        text: str,
        *,
        reply_to: Message | None = None,
        entities: Sequence[Entity] = (),
    ) -> Message:
        """Sends a text.

        Args:
            place: A chat, or a topic of a forum.
            text: At most 4096 characters; see `paste` for more.
            reply_to: The message answered.
            entities: Formatting; commands, mentions and links are found without it.
        """
        words, found = format_text(text, "", list(entities), MAX_TEXT)
        assert words, "Telegram's apps send no empty message"
        return self._post(self._message(place, reply_to, words=words, entities=found))

    async def paste(self, place: Place, text: str) -> list[Message]:
        """Sends a text of any length, split at 4096 characters as Telegram's apps do."""
        parts = [text[start : start + MAX_TEXT] for start in range(0, len(text), MAX_TEXT)]
        return [await self.say(place, part) for part in parts]

    async def send_photo(
        self,
        place: Place,
        data: bytes,
        *,
        caption: str = "",
        reply_to: Message | None = None,
        spoiler: bool = False,
    ) -> Message:
        """Sends a picture as a photo: the bot can download recompressed sizes of it."""
        media = await self.world.files.received("photo", data, "photo.jpg")
        return self._post(self._with_media(place, media, caption, reply_to, spoiler=spoiler))

    async def send_document(
        self,
        place: Place,
        data: bytes,
        *,
        filename: str = "picture.png",
        mime: str | None = None,
        caption: str = "",
        reply_to: Message | None = None,
    ) -> Message:
        """Sends a file of any kind as it is."""
        media = await self.world.files.received("document", data, filename, mime)
        return self._post(self._with_media(place, media, caption, reply_to))

    async def send_voice(
        self,
        place: Place,
        data: bytes,
        *,
        caption: str = "",
        reply_to: Message | None = None,
    ) -> Message:
        """Sends a voice message."""
        media = await self.world.files.received("voice", data, "voice.oga", "audio/ogg")
        return self._post(self._with_media(place, media, caption, reply_to))

    async def album(
        self,
        place: Place,
        pictures: Sequence[bytes],
        *,
        caption: str = "",
        reply_to: Message | None = None,
        as_files: bool = False,
        captioned: int = 0,
        told: Sequence[int] | None = None,
    ) -> list[Message]:
        """Sends pictures together: one message each, the caption at the first.

        Args:
            place: A chat, or a topic of a forum.
            pictures: Two to ten files.
            caption: The words under one of them.
            reply_to: The message answered.
            as_files: Whether they go as documents.
            captioned: Which of them has the caption.
            told: Which of them the bot is told of now, in this order; all of them unless given.
                For the others there is `tell`.
        """
        group = str(13_000_000_000_000_000 + secrets.randbelow(10**15))
        kind = "document" if as_files else "photo"
        sent: list[Message] = []
        for number, data in enumerate(pictures):
            media = await self.world.files.received(kind, data, f"picture{number}.png")
            words = caption if number == captioned else ""
            message = self._with_media(place, media, words, reply_to)
            message.media_group_id = group
            sent.append(message)
        whole = bool(sent) and sent[0].chat.albums_whole and visible_to_bot(sent[0])
        for message in sent:
            message.pinged = list(self.world.notified(message))
            message.chat.add(message)
        for message in sent if told is None else [sent[number] for number in told]:
            if whole or visible_to_bot(message):
                tell(message)
        return sent

    async def edit(self, message: Message, text: str) -> Message:
        """Changes an own message's text or caption; the bot gets `edited_message`."""
        assert message.author is self, f"{self.first_name} cannot edit {message}"
        limit = MAX_CAPTION if message.media else MAX_TEXT
        message.words, message.entities = format_text(text, "", [], limit)
        message.record_edit("person")
        deliver(message, "edited_message")
        return message

    async def delete(self, message: Message) -> None:
        """Deletes a message; bots are not told."""
        message.deleted_at = self.world.clock.now()
        self.world.watch.notify()

    async def press(
        self,
        message: Message,
        what: str,
        *,
        inaccessible: bool = False,
        forged: bool = False,
    ) -> Press:
        """Presses an inline button.

        Args:
            message: The message whose keyboard it is.
            what: The button's text or its callback data.
            inaccessible: Telegram has forgotten the message: the bot gets only its id.
            forged: The data is sent as it stands, though no button has it (an old keyboard
                still on a screen, or somebody's own client).

        Raises:
            AssertionError: There is no such button, or it does nothing.
        """
        data = what if forged else self._data_of(message, what)
        query_id = str(next(self.world.query_ids))
        press = Press(query_id, self, message, data, self.world.clock.now())
        self.world.presses[query_id] = press
        payload = {
            "id": query_id,
            "from": self.wire(),
            "message": _forgotten(message) if inaccessible else message.wire(),
            "chat_instance": str(-3_000_000_000_000_000_000 - message.chat.id % 10**9),
            "data": data,
        }
        press.update = self.world.feed.push("callback_query", payload)
        return press

    def _data_of(self, message: Message, what: str) -> str:
        assert not message.deleted, f"{message} is gone"
        button = message.button(what)
        assert not button.disabled, f"the button {what!r} is disabled"
        assert button.data is not None, f"the button {what!r} sends nothing: {button.raw}"
        return button.data

    def _message(self, place: Place, reply_to: Message | None, **content: Any) -> Message:
        topic = place if isinstance(place, Topic) else None
        chat = place.chat if isinstance(place, Topic) else place
        if reply_to is not None:
            assert reply_to.chat is chat, "a reply stays in its chat"
            topic = topic or reply_to.topic
        assert not (chat.person and chat.person is not self), f"{chat} is somebody else's"
        now = self.world.clock.now()
        return Message(chat, chat.next_id(), self, now, topic=topic, reply_to=reply_to, **content)

    def _with_media(
        self,
        place: Place,
        media: Media,
        caption: str,
        reply_to: Message | None,
        *,
        spoiler: bool = False,
    ) -> Message:
        words, entities = format_text(caption, "", [], MAX_CAPTION, caption=True)
        return self._message(
            place,
            reply_to,
            words=words,
            entities=entities,
            media=media,
            has_spoiler=spoiler,
        )

    def _post(self, message: Message) -> Message:
        message.chat.members.setdefault(self.id, self)
        message.pinged = list(self.world.notified(message))
        message.chat.add(message)
        deliver(message)
        return message


def _forgotten(message: Message) -> dict[str, Any]:
    return {"chat": message.chat.wire(), "message_id": message.id, "date": 0}


def announce(chat: Chat, author: User, **service: Any) -> Message:
    """Posts a service message: somebody joined, a topic was opened, the group moved."""
    message = Message(chat, chat.next_id(), author, chat.world.clock.now(), service=service)
    chat.add(message)
    deliver(message)
    return message


@dataclass(eq=False, repr=False)
class PrivateChat(Chat):
    """A person's chat with the bot, from the moment the bot was started."""

    def block(self) -> None:
        """The person blocks the bot: its calls get 403."""
        self._switch(blocked=True)

    def unblock(self) -> None:
        """The person lets the bot in again."""
        self._switch(blocked=False)

    def _switch(self, *, blocked: bool) -> None:
        assert self.person is not None
        self.blocked = blocked
        _tell_membership(self, self.person, "member" if blocked else "kicked")


@dataclass(eq=False, repr=False)
class GroupChat(Chat):
    """A group with the bot in it."""

    def topic(self, name: str, author: User | None = None) -> Topic:
        """Opens a forum topic; by default somebody else than the bot does."""
        assert self.is_forum, f"{self} is no forum"
        creator = author or next(iter(self.members.values()), self.world.bot)
        number = self.next_id()
        service = {"forum_topic_created": {"name": name, "icon_color": 7_322_096}}
        opener = Message(self, number, creator, self.world.clock.now(), service=service)
        topic = Topic(self, number, name, opener)
        opener.topic = self.topics[number] = topic
        self.add(opener)
        deliver(opener)
        return topic

    def join(self, person: User) -> Message:
        """Somebody joins."""
        self.members[person.id] = person
        return announce(self, person, new_chat_members=[person.wire()])

    def remove_bot(self, by: User) -> None:
        """The bot is thrown out: its calls get 403."""
        self.blocked = True
        _tell_membership(self, by, "member")

    def add_bot(self, by: User) -> None:
        """The bot is let in again."""
        self.blocked = False
        _tell_membership(self, by, "kicked")

    def migrate(self) -> "GroupChat":
        """Turns a basic group into a supergroup; calls to the old id are told the new one."""
        assert self.type == "group", f"{self} is a supergroup already"
        number = -1_002_500_000_000 + self.id
        new = GroupChat(self.world, number, "supergroup", self.title, privacy=self.privacy)
        new.members = dict(self.members)
        self.world.chats[number] = new
        author = next(iter(self.members.values()), self.world.bot)
        announce(self, author, migrate_to_chat_id=number)
        announce(new, author, migrate_from_chat_id=self.id)
        self.migrated_to = new
        return new


def _tell_membership(chat: Chat, by: User, before: str) -> None:
    bot = chat.world.bot
    chat.world.feed.push(
        "my_chat_member",
        {
            "chat": chat.wire(),
            "from": by.wire(),
            "date": int(chat.world.clock.now()),
            "old_chat_member": member(bot, before),
            "new_chat_member": member(bot, "kicked" if chat.blocked else "member"),
        },
    )
    chat.world.watch.notify()
