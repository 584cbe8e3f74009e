"""Chat platforms as the crash table needs them: what a person does, and what is left to be seen.

Each stage is a strict pretend server with one person in it; every row of the table gets a chat of
its own. What is seen is reduced to `Shown`, so that the rules of the table know no platform.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from PIL import Image

from tests.servers import discord, telegram
from tests.servers.discord_records import Channel
from tests.servers.telegram_people import GroupChat

PATIENCE = 120.0
"""Seconds a person waits for something to show."""


async def until(
    check: Callable[[], object], what: str | Callable[[], str], timeout: float = PATIENCE
) -> None:
    """Wait for something that only looking can tell. Raises `AssertionError`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    while not check():
        if loop.time() > end:
            raise AssertionError(f"no {what if isinstance(what, str) else what()} in {timeout:g} s")
        await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Shown:
    """A message of the bot that is in the chat now."""

    text: str
    files: int
    buttons: tuple[str, ...]
    raw: Any

    @property
    def picture(self) -> bool:
        """Whether it shows a file."""
        return self.files > 0

    def label(self, words: str) -> str:
        """The whole label of the button with these words."""
        return next(label for label in self.buttons if words in label)

    def says(self, *words: str) -> bool:
        """Whether all of the words are in it."""
        return all(word in self.text for word in words)


Check = Callable[[Shown], object]
Answers = Sequence[str]
"""One for each question of a form; `-` keeps what stands there."""


class Stage(Protocol):
    """One platform with one person."""

    name: str
    nonces: bool
    """Whether the platform shows a message that is sent twice only once."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def settings(self) -> dict[str, Any]:
        """The platform's section of the settings."""
        ...

    def expect(self) -> None:
        """A bot is about to start."""
        ...

    async def ready(self) -> None:
        """Wait until the bot listens that was expected."""
        ...

    def enter(self, name: str) -> Any:
        """A new chat."""
        ...

    def seen(self, chat: Any) -> list[Shown]:
        """What the bot has left in the chat."""
        ...

    def toasts(self) -> list[str]:
        """What presses were answered with, beside the chat."""
        ...

    async def wait(self, chat: Any, check: Check) -> Shown: ...

    async def use(self, chat: Any, command: str, **options: Any) -> Any:
        """Use a command, its main option first. Returns the event."""
        ...

    def redeliver(self, event: Any) -> None:
        """Tell the bot of it once more."""
        ...

    async def describe(self, chat: Any) -> None: ...

    async def press(self, chat: Any, shown: Shown, label: str, *, other: bool = False) -> Any:
        """Press a button; `other`: somebody else does. Returns the event."""
        ...

    async def open(self, chat: Any, shown: Shown, label: str, answers: Answers) -> Any:
        """Press a button that opens a form, and answer all of it but the last; returns the form."""
        ...

    async def fill(self, chat: Any, form: Any, answers: Answers) -> None:
        """Hand in the answers of a form that was opened with the same ones."""
        ...

    def swallow_result(self) -> Callable[[], bool]:
        """Let the next message with a picture, or with the buttons under several files, have its
        effect and keep the answer back; returns how to ask whether that has happened.
        """
        ...

    def calm(self) -> None:
        """End all faults."""
        ...

    def unanswered(self) -> bool:
        """The person is told that the bot did not answer their last act, and does it again."""

    @property
    def violations(self) -> list[str]: ...


def picture() -> bytes:
    """A picture to send."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "orange").save(out, "PNG")
    return out.getvalue()


class Telegram:
    """Telegram, in groups."""

    name = "telegram"
    nonces = False

    def __init__(self) -> None:
        self.server = telegram.TelegramServer(flood=telegram.Flood(on=False))
        self.ann = self.server.user("Ann")
        self._since = 0

    async def start(self) -> None:
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()

    def settings(self) -> dict[str, Any]:
        return {"telegram": {"token": self.server.token, "api_url": self.server.url}}

    def expect(self) -> None:
        self._since = len(self.server.calls)

    async def ready(self) -> None:
        """It listens when it asks for updates."""
        calls, since = self.server.calls, self._since
        await until(
            lambda: any(call.method == "getUpdates" for call in calls[since:]),
            "question for updates",
        )

    def enter(self, name: str) -> GroupChat:
        chat = self.server.group(name)
        chat.join(self.ann)
        return chat

    def seen(self, chat: GroupChat) -> list[Shown]:
        return [_of_telegram(m) for m in chat.from_bot if not m.service]

    def toasts(self) -> list[str]:
        return [press.answered.text for press in self.server.presses if press.answered]

    async def wait(self, chat: GroupChat, check: Check) -> Shown:
        await chat.wait(lambda c: any(check(s) for s in self.seen(c)), PATIENCE)
        return next(s for s in self.seen(chat) if check(s))

    async def use(self, chat: GroupChat, command: str, **options: Any) -> Any:
        main, *more = options.items()
        flags = "".join(f" --{name} {value}" for name, value in more)
        return await self.ann.say(chat, f"/{command} {main[1]}{flags}")

    def redeliver(self, event: Any) -> None:
        self.server.redeliver(event)

    async def describe(self, chat: GroupChat) -> None:
        await self.ann.send_photo(chat, picture(), caption="/describe")

    async def press(self, chat: GroupChat, shown: Shown, label: str, *, other: bool = False) -> Any:
        person = self.server.user("Ben") if other else self.ann
        return await person.press(shown.raw, shown.label(label))

    async def open(self, chat: GroupChat, shown: Shown, label: str, answers: Answers) -> Any:
        await self.ann.press(shown.raw, shown.label(label))
        question = await self._question(chat, after=shown.raw.id)
        for answer in answers[:-1]:
            await self.ann.say(chat, answer, reply_to=question)
            question = await self._question(chat, after=question.id)
        return question

    async def _question(self, chat: GroupChat, after: int) -> Any:
        return await chat.wait_message(lambda m: m.force_reply and m.id > after, PATIENCE)

    async def fill(self, chat: GroupChat, form: Any, answers: Answers) -> None:
        await self.ann.say(chat, answers[-1], reply_to=form)

    def swallow_result(self) -> Callable[[], bool]:
        fault = self.server.hang("sendPhoto|sendMediaGroup", after_effect=True)
        return lambda: bool(fault.hits)

    def calm(self) -> None:
        self.server.faults.clear()

    def unanswered(self) -> bool:
        return False

    @property
    def violations(self) -> list[str]:
        return self.server.violations


def _of_telegram(message: Any) -> Shown:
    labels = tuple(label for row in message.labels for label in row)
    return Shown(message.caption or message.text or "", int(bool(message.media)), labels, message)


class Discord:
    """Discord, in channels of a server where the bot is a member."""

    name = "discord"
    nonces = True

    def __init__(self) -> None:
        self.server = discord.DiscordServer(limits=discord.Limits(on=False))
        self.ann = self.server.user("Ann")
        self._lives = 0

    async def start(self) -> None:
        await self.server.start()
        self._guild = self.server.guild("Studio")

    async def stop(self) -> None:
        await self.server.stop()

    def settings(self) -> dict[str, Any]:
        server = self.server
        return {
            "discord": {
                "token": server.token,
                "api_url": server.api_url,
                "gateway_url": server.gateway_url,
            }
        }

    def expect(self) -> None:
        self._lives = self.server.gateway.identifies

    async def ready(self) -> None:
        """Discord tells only who listens, and takes a moment to notice who died."""
        gateway = self.server.gateway
        await self.server.world.watch.until(
            lambda: gateway.identifies > self._lives and gateway.connected,
            PATIENCE,
            lambda: "the bot at the gateway",
        )
        self._lives = gateway.identifies
        await self.server.wait_commands(timeout=PATIENCE)

    def enter(self, name: str) -> Channel:
        chat = self._guild.channel(name)
        self._guild.members[self.ann.id] = self.ann
        return chat

    def seen(self, chat: Channel) -> list[Shown]:
        return [_of_discord(m) for m in chat.messages if m.author is self.server.bot]

    def toasts(self) -> list[str]:
        return []  # here they are messages for one person alone

    async def wait(self, chat: Channel, check: Check) -> Shown:
        return _of_discord(
            await chat.wait_message(lambda m: check(_of_discord(m)), timeout=PATIENCE)
        )

    async def use(self, chat: Channel, command: str, **options: Any) -> Any:
        return await self.ann.slash(chat, command, **options)

    def redeliver(self, event: Any) -> None:
        self.server.redeliver(event)

    async def describe(self, chat: Channel) -> None:
        file = discord.Attachment(picture(), filename="picture.png")
        await self.ann.slash(chat, "describe", image=file)

    async def press(self, chat: Channel, shown: Shown, label: str, *, other: bool = False) -> Any:
        person = self.server.user("Ben") if other else self.ann
        self._guild.members[person.id] = person
        return await person.click(shown.raw, shown.label(label))

    async def open(self, chat: Channel, shown: Shown, label: str, answers: Answers) -> Any:
        del answers  # a window takes them all at once
        pressed = await self.ann.click(shown.raw, shown.label(label))
        await self.server.world.watch.until(
            lambda: pressed.modal, PATIENCE, lambda: f"a window for {label}"
        )
        return pressed.modal

    async def fill(self, chat: Channel, form: Any, answers: Answers) -> None:
        given = zip(form.fields, answers, strict=True)
        await self.ann.submit(form, {field.custom_id: a for field, a in given if a != "-"})

    def swallow_result(self) -> Callable[[], bool]:
        fault = self.server.hang(r"^/channels/\d+/messages$", method="POST", after_effect=True)
        return lambda: fault.hits > 0

    def lose_answer(self, *, heard: bool) -> Callable[[], bool]:
        """Have the bot hear nothing of its first answer to an act, which arrived or did not."""
        if heard:
            fault = self.server.hang("/callback", method="POST", after_effect=True)
        else:
            fault = self.server.drop("/callback", None, method="POST")
        return lambda: fault.hits > 0

    def calm(self) -> None:
        self.server.api.faults.clear()

    def unanswered(self) -> bool:
        return self.server.interactions[-1].original is None

    @property
    def violations(self) -> list[str]:
        return self.server.violations


def _of_discord(message: Any) -> Shown:
    labels = tuple(b.label or b.emoji or "" for b in message.buttons)
    return Shown(message.text, len(message.attachments), labels, message)
