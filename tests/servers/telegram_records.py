"""The records of the pretend Telegram: users, chats, topics, messages, presses.

Owns what these are, how they look on the wire and how tests wait for their changes. Says nothing
about what a bot may do, what people do, or how anything travels.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.servers.telegram_files import Media
from tests.servers.telegram_text import Entity, cut
from tests.servers.telegram_wire import name_set

if TYPE_CHECKING:
    from tests.servers.telegram_world import World


@dataclass(eq=False, slots=True)
class User:
    """A person or a bot."""

    id: int
    first_name: str
    username: str = ""
    language_code: str = ""
    last_name: str = ""
    is_bot: bool = False

    def wire(self) -> dict[str, Any]:
        """The User object."""
        optional = {
            "last_name": self.last_name,
            "username": self.username,
            "language_code": self.language_code,
        }
        shown = {key: value for key, value in optional.items() if value}
        return {
            "id": self.id,
            "is_bot": self.is_bot,
            "first_name": self.first_name,
            **shown,
        }


@dataclass(frozen=True, slots=True)
class Button:
    """One inline button as a person sees it; `raw` is all the bot said of it."""

    text: str
    data: str | None
    url: str | None
    disabled: bool
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a message: when (Unix), by which method, and what it looked like after."""

    at: float
    method: str
    text: str
    buttons: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot answered to a press."""

    text: str
    alert: bool
    at: float
    url: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One "is typing…" line: what, when (Unix), in which thread."""

    action: str
    at: float
    thread: int | None


@dataclass(frozen=True, slots=True)
class Draft:
    """One state of a streamed draft."""

    draft_id: int
    text: str
    at: float


@dataclass(eq=False, repr=False, slots=True)
class Message:
    """A message, visible or deleted, with its history.

    `buttons`, `photo`, `document` and `text` are what a person sees now; `update` is what the
    bot was sent for it, None where it was sent nothing (privacy mode, updates not asked for).
    """

    chat: "Chat"
    id: int
    author: User
    at: float
    words: str = ""
    entities: list[Entity] = field(default_factory=list)
    media: Media | None = None
    service: dict[str, Any] = field(default_factory=dict)
    topic: "Topic | None" = None
    reply_to: "Message | None" = None
    quote: str = ""
    media_group_id: str = ""
    markup: dict[str, Any] | None = None
    force_reply: dict[str, Any] | None = None
    keyboard: dict[str, Any] | None = None
    has_spoiler: bool = False
    silent: bool = False
    protected: bool = False
    link_preview_options: dict[str, Any] | None = None
    reactions: list[str] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    pinged: list[User] = field(default_factory=list)
    deleted_at: float | None = None
    updates: list[dict[str, Any]] = field(default_factory=list)

    @property
    def update(self) -> dict[str, Any] | None:
        """The first update the bot was sent for it; `updates` has those for its edits too."""
        return self.updates[0] if self.updates else None

    @property
    def deleted(self) -> bool:
        """Whether it is gone from the chat."""
        return self.deleted_at is not None

    @property
    def text(self) -> str | None:
        """The text of a text message."""
        return None if self.media or self.service else self.words

    @property
    def caption(self) -> str | None:
        """The caption of a media message."""
        return self.words if self.media else None

    @property
    def thread(self) -> int | None:
        """The forum topic's id."""
        return self.topic.id if self.topic else None

    @property
    def photo(self) -> bytes | None:
        """The bytes uploaded as a photo."""
        return self._bytes("photo")

    @property
    def document(self) -> bytes | None:
        """The bytes uploaded as a document."""
        return self._bytes("document")

    @property
    def file(self) -> bytes | None:
        """The bytes of whatever medium it has."""
        return self.media.upload.data if self.media else None

    @property
    def buttons(self) -> list[list[Button]]:
        """The inline keyboard, row by row."""
        rows = (self.markup or {}).get("inline_keyboard", [])
        return [[_button(raw) for raw in row] for row in rows]

    @property
    def labels(self) -> list[list[str]]:
        """The texts of the inline keyboard."""
        return [[button.text for button in row] for row in self.buttons]

    def button(self, what: str) -> Button:
        """Finds a button by its text or its callback data.

        Raises:
            AssertionError: There is none; the text lists those there are.
        """
        for button in itertools.chain.from_iterable(self.buttons):
            if what in (button.text, button.data):
                return button
        raise AssertionError(f"no button {what!r} under {self}: {self.labels}")

    def styled(self, kind: str) -> list[str]:
        """The parts of the text that carry an entity of a kind."""
        return [cut(self.words, entity) for entity in self.entities if entity["type"] == kind]

    def record_edit(self, method: str) -> None:
        """Notes that the message has just changed."""
        labels = tuple(tuple(row) for row in self.labels)
        self.edits.append(Edit(self.chat.world.clock.now(), method, self.words, labels))
        self.chat.world.watch.notify()

    async def wait(self, pred: "Callable[[Message], object]", timeout: float = 5.0) -> "Message":
        """Waits until the message itself is as wanted; sees deletion too."""
        watch = self.chat.world.watch
        return await watch.until(lambda: self if pred(self) else None, timeout, lambda: str(self))

    def wire(self, *, nested: bool = True) -> dict[str, Any]:
        """The Message object; `nested` includes the message replied to."""
        out: dict[str, Any] = {
            "message_id": self.id,
            "from": self.author.wire(),
            "chat": self.chat.wire(),
            "date": int(self.at),
        }
        out |= self._thread_wire()
        if nested and (shown := self._replied()):
            out["reply_to_message"] = shown.wire(nested=False)
            if self.quote:
                out["quote"] = {"text": self.quote, "position": 0, "is_manual": True}
        if self.edits:
            out["edit_date"] = int(self.edits[-1].at)
        return out | self._content_wire() | self.service

    def _content_wire(self) -> dict[str, Any]:
        name = "caption" if self.media else "text"
        marks = "caption_entities" if self.media else "entities"
        optional: dict[str, Any] = {
            name: self.words,
            marks: self.entities,
            "media_group_id": self.media_group_id,
            "has_media_spoiler": self.has_spoiler,
            "has_protected_content": self.protected,
            "link_preview_options": self.link_preview_options,
            "reply_markup": self.markup,
        }
        if self.media:
            optional[self.media.kind] = self.media.wire()
        return {key: value for key, value in optional.items() if value}

    def _thread_wire(self) -> dict[str, Any]:
        if self.topic:
            return {"message_thread_id": self.topic.id, "is_topic_message": True}
        root = self.reply_to
        if root is None or self.chat.type != "supergroup":
            return {}
        while root.reply_to:
            root = root.reply_to
        # Replies outside forums carry a thread id too; sending with it fails.
        return {"message_thread_id": root.id}

    def _replied(self) -> "Message | None":
        """In a topic, what replies to nothing replies to the topic's own first message."""
        if self.reply_to is None:
            opener = self.topic.opener if self.topic else None
            return opener if opener is not self else None
        return None if self.reply_to.deleted else self.reply_to

    def _bytes(self, kind: str) -> bytes | None:
        return self.media.upload.data if self.media and self.media.kind == kind else None

    def __str__(self) -> str:
        kind = self.media.kind if self.media else ", ".join(self.service) or "text"
        gone = " DELETED" if self.deleted else ""
        return f"#{self.id} {self.author.first_name} [{kind}]{gone} {self.words!r} {self.labels}"

    __repr__ = __str__


def _button(raw: dict[str, Any]) -> Button:
    return Button(raw["text"], raw.get("callback_data"), raw.get("url"), "disabled" in raw, raw)


@dataclass(eq=False, repr=False, slots=True)
class Topic:
    """A forum topic; people can be told to write here as in a chat."""

    chat: "Chat"
    id: int
    name: str
    opener: Message
    closed: bool = False
    deleted: bool = False

    @property
    def messages(self) -> list[Message]:
        """What is visible in the topic."""
        return [message for message in self.chat.messages if message.topic is self]

    async def wait_message(
        self, pred: Callable[[Message], object] | None = None, timeout: float = 5.0
    ) -> Message:
        """Like `Chat.wait_message`, in this topic."""
        wanted = pred or (lambda message: message.author.is_bot and not message.service)
        return await self.chat.wait_message(lambda m: m.topic is self and wanted(m), timeout)


@dataclass(eq=False, repr=False, slots=True)
class Press:
    """A pressed button. `answered` stays None while the person sees it spinning."""

    id: str
    person: User
    message: Message
    data: str
    at: float
    answered: Answer | None = None
    update: dict[str, Any] | None = None

    async def wait_answer(self, timeout: float = 5.0) -> Answer:
        """Waits until the bot has answered."""
        watch = self.message.chat.world.watch
        return await watch.until(lambda: self.answered, timeout, lambda: f"{self.data!r} spins")


@dataclass(eq=False, repr=False)
class Chat:
    """A private chat, a basic group or a supergroup, as its people see it."""

    world: "World"
    id: int
    type: str
    title: str = ""
    person: User | None = None
    is_forum: bool = False
    privacy: bool = True
    bot_is_admin: bool = False
    albums_whole: bool = False
    """Whether privacy mode lets the other pictures of an album with a command through."""
    blocked: bool = False
    """The person has blocked the bot, or the group has removed it."""
    migrated_to: "Chat | None" = None
    general_closed: bool = False
    forbidden: set[str] = field(default_factory=set)
    """Kinds of message the bot may not send here: `text`, `photo`, `document` …"""
    members: dict[int, User] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    history: list[Message] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    _by_id: dict[int, Message] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._supergroup_ids = itertools.count(2)

    @property
    def is_group(self) -> bool:
        """Whether more than one person is here."""
        return self.type != "private"

    @property
    def messages(self) -> list[Message]:
        """What is visible, oldest first; `history` has the deleted ones too."""
        return [message for message in self.history if not message.deleted]

    @property
    def from_bot(self) -> list[Message]:
        """The visible messages of the bot under test."""
        return [message for message in self.messages if message.author is self.world.bot]

    def find(self, message_id: int | None) -> Message | None:
        """A message that was not deleted."""
        message = self._by_id.get(message_id or 0)
        return message if message and not message.deleted else None

    def add(self, message: Message) -> Message:
        """Puts a new message into the chat."""
        self.history.append(message)
        self._by_id[message.id] = message
        self.world.watch.notify()
        return message

    def next_id(self) -> int:
        """Ids run through all private chats and basic groups, but per supergroup."""
        own = self.type == "supergroup"
        return next(self._supergroup_ids if own else self.world.message_ids)

    async def wait_message(
        self, pred: Callable[[Message], object] | None = None, timeout: float = 5.0
    ) -> Message:
        """Waits for a visible message; edits are looked at too.

        Args:
            pred: What is wanted; without it, any message of the bot.
            timeout: Real seconds.

        Raises:
            AssertionError: With the chat as it stands.
        """
        wanted = pred or (lambda message: message.author is self.world.bot and not message.service)
        return await self.world.watch.until(
            lambda: next((m for m in self.messages if wanted(m)), None),
            timeout,
            self.transcript,
        )

    async def wait(self, pred: "Callable[[Chat], object]", timeout: float = 5.0) -> None:
        """Waits until the chat as a whole is as wanted."""
        await self.world.watch.until(lambda: self if pred(self) else None, timeout, self.transcript)

    def transcript(self) -> str:
        """The whole chat, deleted messages included, for failure texts."""
        return "\n".join([f"chat {self.id} {self.title}:", *map(str, self.history)])

    def wire(self) -> dict[str, Any]:
        """The Chat object."""
        if self.person:
            shown: dict[str, Any] = self.person.wire()
            for key in ("is_bot", "language_code"):
                shown.pop(key, None)
            return {**shown, "type": self.type}
        forum = {"is_forum": True} if self.is_forum else {}
        return {"id": self.id, "type": self.type, "title": self.title, **forum}

    def __repr__(self) -> str:
        return f"Chat({self.id}, {self.type}, {self.title!r})"


Place = Chat | Topic

_ADMIN_RIGHTS = name_set(
    "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats "
    "can_restrict_members can_promote_members can_change_info can_invite_users can_post_stories "
    "can_edit_stories can_delete_stories"
)


def member(user: User, status: str) -> dict[str, Any]:
    """A ChatMember object: member, administrator, left or kicked."""
    out: dict[str, Any] = {"user": user.wire(), "status": status}
    if status == "administrator":
        out |= dict.fromkeys(_ADMIN_RIGHTS, False) | {"can_manage_chat": True}
        out["can_delete_messages"] = True
    if status == "kicked":
        out["until_date"] = 0
    return out
