"""All there is in the pretend Telegram: its time, its users and chats, its numbers.

Owns the registries and the rule whom a message calls. Says nothing about what a bot may do
(sends, edits, settings) or what people do (people), and nothing of HTTP.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tests.servers.telegram_files import Files
from tests.servers.telegram_flood import Flood
from tests.servers.telegram_records import Chat, Message, Press, User
from tests.servers.telegram_text import Entity, cut
from tests.servers.telegram_wire import bad

if TYPE_CHECKING:
    from tests.servers.telegram_updates import Feed

T = TypeVar("T")

CALLBACK_LIFETIME = 15.0
"""Seconds a press can be answered."""

SLOW = 8.0
"""How many times slower than a quick machine this one may be."""


@dataclass(eq=False, slots=True)
class Clock:
    """The server's time: the real one, moved on by tests that cannot wait."""

    ahead: float = 0.0

    def now(self) -> float:
        """Unix time, seconds."""
        return time.time() + self.ahead

    def advance(self, seconds: float) -> None:
        """Lets time pass on the server alone."""
        self.ahead += seconds


class Watch:
    """Lets tests wait for a change of the world."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Something changed."""
        self._event.set()
        self._event = asyncio.Event()

    async def until(
        self, look: Callable[[], T | None], timeout: float, say: Callable[[], str]
    ) -> T:
        """Looks after every change until something is found.

        Args:
            look: Returns what is waited for, or None.
            timeout: Seconds on a quick machine; a slow one is given more.
            say: Describes the world for the failure text.

        Raises:
            AssertionError: Nothing was found in time.
        """
        try:
            async with asyncio.timeout(timeout * SLOW):
                while (found := look()) is None:
                    await self._event.wait()
        except TimeoutError:
            raise AssertionError(f"waited {timeout} s in vain; {say()}") from None
        return found


class World:
    """Everything there is, and the numbers it hands out.

    Args:
        bot: The bot under test.
        files: The registry of files.
        flood: The limits in force.
        clock: The server's time.
    """

    def __init__(self, bot: User, files: Files, flood: Flood, clock: Clock) -> None:
        self.bot = bot
        self.files = files
        self.flood = flood
        self.clock = clock
        self.watch = Watch()
        self.me: dict[str, Any] = {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }
        """What getMe says besides the name; tests may change it."""
        self.users: dict[int, User] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.presses: dict[str, Press] = {}
        self.settings: dict[tuple[Any, ...], Any] = {}
        self.message_ids = itertools.count(11)
        self.query_ids = itertools.count(4_100_000_000_000_000_001)
        self.feed: Feed

    def by_username(self, name: str) -> User | None:
        """A user by @name, in any case."""
        wanted = name.removeprefix("@").lower()
        users = self.users.values()
        return next((u for u in users if u.username and u.username.lower() == wanted), None)

    def known_entities(self, entities: Sequence[Entity]) -> list[Entity]:
        """Fills in the users of mentions; mentions of strangers lose their mark."""
        kept: list[Entity] = []
        for entity in entities:
            if entity["type"] != "text_mention":
                kept.append(entity)
            elif person := self.users.get(entity["user"]["id"]):
                kept.append({**entity, "user": person.wire()})
        return kept

    def notified(self, message: Message) -> Iterator[User]:
        """Whom a new message calls: the mentioned, and the author it replies to."""
        people: dict[int, User] = {}
        for entity in message.entities:
            if entity["type"] == "text_mention":
                people[entity["user"]["id"]] = self.users[entity["user"]["id"]]
            elif entity["type"] == "mention":
                person = self.by_username(cut(message.words, entity))
                if person:
                    people[person.id] = person
        if message.reply_to:
            people[message.reply_to.author.id] = message.reply_to.author
        return (p for p in people.values() if not p.is_bot and p is not message.author)

    def chat(self, chat_id: int | str) -> Chat:
        """A chat by number; no chat here has an @name.

        Raises:
            ApiError: 400 for a chat the bot has never met.
        """
        try:
            return self.chats[int(chat_id)]
        except (KeyError, ValueError):
            raise bad("chat not found") from None
