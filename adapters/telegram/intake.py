"""What happens to an update: each becomes a command, a press, an answer, or is closed.

Owns the order of what one person says in one chat. Nothing it does raises. Knows nothing of how
updates come or how messages go out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from adapters.telegram.albums import Albums, Part
from adapters.telegram.answers import Answers, Launch
from adapters.telegram.asking import Asking
from adapters.telegram.door import Slot
from adapters.telegram.events import (
    PLATFORM,
    Json,
    caller_of,
    command_of,
    file_of,
    file_options,
    invocation,
    place_of,
    placed,
    pressed,
    ref_of,
    words_of,
)
from adapters.telegram.render import plain
from core.commands import TALK
from core.desk import Desk, sentence
from core.errors import BotError, StoreError, UserError
from core.i18n import mark
from core.messages import Invocation, Message, Press, Ref, Stored

log = logging.getLogger(__name__)

NOT_MINE = mark("This button is not one of mine.")
NOBODY = mark("I cannot tell who you are while you write as a group or channel. Write as yourself.")
WHAT_WITH_IT = mark(
    "What shall I do with it? Send it with a command as its caption, or reply to it with one: "
    "{commands}."
)
OF_NO_USE = mark("Files of that kind are of no use to me: I take pictures, sounds and videos.")
HIDDEN_PARTS = mark(
    "Telegram shows me only the first picture of an album here. Send the album in our private "
    "chat, or make me an administrator of this group."
)


class Intake:
    """Takes updates that are in the store."""

    def __init__(
        self,
        desk: Desk,
        answers: Answers,
        asking: Asking,
        launch: Launch,
        *,
        flowing: Callable[[], bool],
        moved: Callable[[str, str], Awaitable[None]],
    ) -> None:
        """`flowing`: whether updates arrive; `moved`: told a group's old and new id."""
        self._desk = desk
        self._answers = answers
        self._asking = asking
        self._moved = moved
        self._albums = Albums(launch, flowing, self._album)
        self._commands = {command.name: command for command in desk.commands}
        self._lanes: dict[str, tuple[asyncio.Lock, list[None]]] = {}
        self.username = ""
        """The bot's own."""

    async def take(self, key: str, update: Json, stored: Stored) -> None:
        """Deal with an update to the end, once; a plain command begins while it is being stored."""
        event = None
        with contextlib.suppress(Exception):  # what is wrong with it is told once it is stored
            event = self._swift(key, update)
        if event is not None:
            async with self._lane(update["message"]):
                await self._desk.handle(event, stored)
            return
        with contextlib.suppress(StoreError):  # Telegram brings it again
            if key in await asyncio.shield(stored):
                await self._take_whole(key, update, resumed=False)

    async def resume(self, key: str, update: Json) -> None:
        """Deal with an update that an earlier life had taken in."""
        await self._take_whole(key, update, resumed=True)

    def _swift(self, key: str, update: Json) -> Invocation | None:
        """The command of an update that is a message with one and nothing else."""
        message = update.get("message") or {}
        if not (message.get("text") and message.get("from")) or _not_a_person(message):
            return None
        event = self._event(key, [message], message)
        return event if event is not None and self._desk.ahead(event.command) else None

    async def _take_whole(self, key: str, update: Json, *, resumed: bool) -> None:
        try:
            await self._take(key, update, resumed)
        except Exception:
            log.exception("an update could not be handled", extra={"event": key})
            await self._close(key)

    async def _take(self, key: str, update: Json, resumed: bool) -> None:
        if query := update.get("callback_query"):
            await self._press(key, query)
        elif (message := update.get("message")) and message.get("from"):
            async with self._lane(message):
                await self._message(key, message, resumed)
        else:
            if member := update.get("my_chat_member"):
                status = (member.get("new_chat_member") or {}).get("status")
                log.info("a chat says of the bot: %s", status)
            await self._close(key)

    async def _close(self, *keys: str) -> None:
        """These updates need nothing more."""
        for key in keys:
            try:
                await self._desk.finish(key)
            except StoreError as error:
                log.error("an update waits for the next start: %s", error, extra={"event": key})

    @contextlib.asynccontextmanager
    async def _lane(self, message: Json) -> AsyncIterator[None]:
        """One after the other, what one person says in one chat."""
        name = f"{message['chat']['id']}:{message['from']['id']}"
        lock, users = self._lanes.setdefault(name, (asyncio.Lock(), []))
        users.append(None)
        try:
            async with lock:
                yield
        finally:
            users.pop()
            if not users:
                self._lanes.pop(name, None)

    async def _tell(self, key: str, message: Json, error: BotError) -> None:
        """Say one sentence to the person who wrote."""
        caller = caller_of(message["from"])
        text = Message(sentence(self._desk.say(caller.lang), error), private=True)
        await self._desk.post(
            place_of(message), text, nonce=f"{key[-20:]}-t", reply_to=ref_of(message)
        )

    # -- messages ------------------------------------------------------------------------------

    async def _message(self, key: str, message: Json, resumed: bool) -> None:
        if new := message.get("migrate_to_chat_id"):
            await self._moved(str(message["chat"]["id"]), str(new))
        if _not_a_person(message):
            if message.get("sender_chat") and command_of(message, self.username):
                await self._tell(key, message, UserError(NOBODY))
            await self._close(key)
        elif (group := message.get("media_group_id")) is not None:
            if not self._albums.add(str(group), (key, message), resumed=resumed):
                await self._close(key)
        else:
            await self._heard(key, [message])

    async def _album(self, parts: list[Part], resumed: bool) -> None:
        """A whole album: one of its parts carries the words."""
        key, spoken = next((p for p in parts if words_of(p[1])), parts[0])
        try:
            if words_of(spoken) or not resumed:  # else it is the rest of one that was handled
                await self._heard(key, [message for _, message in parts])
        except Exception:
            log.exception("an album could not be handled", extra={"event": key})
        await self._close(*(key for key, _ in parts))

    async def _heard(self, key: str, messages: Sequence[Json]) -> None:
        """Deal with a message, or an album as one, to the end."""
        spoken = next((m for m in messages if words_of(m)), messages[0])
        try:
            if not command_of(spoken, self.username) and await self._asking.answer(key, spoken):
                return
            event = self._event(key, messages, spoken) or await self._talk(key, messages, spoken)
            if event is not None:
                await self._desk.handle(event)
                return
        except (UserError, StoreError) as error:
            await self._tell(key, spoken, error)
        await self._close(key)

    def _event(self, key: str, messages: Sequence[Json], spoken: Json) -> Invocation | None:
        """What a message asks for; None for nothing. Raises `UserError` for what cannot be."""
        event = invocation(key, messages, self.username, self._commands)
        private = place_of(spoken).private
        if event is not None:
            command = self._commands.get(event.command)
            found = command_of(spoken, self.username)
            if command is None and not private and not (found and found.addressed):
                return None  # some other bot's
            needed = sum(max(o.at_least, o.required) for o in file_options(command))
            cut = not private and spoken.get("media_group_id") and len(messages) == 1
            if cut and needed > 1:
                raise UserError(HIDDEN_PARTS)
            return event
        if not private:
            return None
        file = file_of(spoken)
        if file and not (words_of(spoken).strip() and placed(self._commands[TALK], [file])):
            fit = [f"/{c.name}" for c in self._desk.commands if placed(c, [file])]
            raise UserError(WHAT_WITH_IT if fit else OF_NO_USE, commands=", ".join(fit))
        return None

    async def _talk(self, key: str, messages: Sequence[Json], spoken: Json) -> Invocation | None:
        """Plain words, perhaps with files: a wish in a private chat, or the next question to the
        assistant in reply to its answer.
        """
        words, caller, place = words_of(spoken), caller_of(spoken["from"]), place_of(spoken)
        answered = spoken.get("reply_to_message")
        if not words.strip() or command_of(spoken, self.username):
            return None
        alone = spoken["chat"].get("type") == "private"  # said so, since answers cost
        if not alone and not (answered and await self._desk.conversed(caller, ref_of(answered))):
            return None
        files = [file for message in messages if (file := file_of(message))]
        values = {"prompt": words, **placed(self._commands[TALK], files)}
        return Invocation(key, caller, place, TALK, values, ref=ref_of(spoken))

    # -- presses -------------------------------------------------------------------------------

    async def _press(self, key: str, query: Json) -> None:
        """Do what a button means; the press itself is answered beside, and at the latest now."""
        number = str(query.get("id") or "")
        self._answers.heard(number)
        caller = caller_of(query["from"])
        message: dict[str, Any] | None = query.get("message")
        kind, _, token = str(query.get("data") or "").partition(":")
        say = self._desk.say(caller.lang)
        if message is None or kind not in ("b", "f") or not token:
            await self._answers.give(number, say(NOT_MINE))
            await self._close(key)
            return
        place, ref = place_of(message), pressed(message)
        slot = Slot(number, caller.id, place.thread, ref.message)
        try:
            if kind == "f":
                await self._asking.begin(token, caller)
        except StoreError as error:
            await self._answers.give(number, plain(sentence(say, error)))
            await self._close(key)
            return
        ack = Ref(PLATFORM, place.chat, "", slot.write())
        await self._desk.handle(Press(key, caller, place, token, ref, ack))
        await self._answers.give(number)


def _not_a_person(message: Json) -> bool:
    """Whether a bot or a channel speaks."""
    return bool(message["from"].get("is_bot") or message.get("is_automatic_forward"))
