"""The port a chat platform implements.

An adapter turns the platform's events into `Invocation`, `Press` and `Filling` and hands them to
the Desk, and shows `Message` and `Form` with native parts. It decides nothing about jobs or money.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.messages import Attachment, Caller, Limits, Message, Place, Ref


class Adapter(Protocol):
    """One chat platform.

    All methods may be called at any time, from any task, also while the platform is away: then they
    raise `Offline`. None of them retries on its own what may have had an effect; the outbox does
    that. Every one returns or raises within 120 s. Errors: `SlowDown` (with the pause the platform
    asked for), `ChatGone` (never try this chat again), `TooBig` (a file is over the limit),
    `Offline` (certainly no effect), `MaybeSent` (the answer was lost), `MessageGone` (edit and
    delete only), and nothing else.
    """

    platform: str
    """The platform's name in keys and settings: `discord`, `telegram`, `web`."""

    def limits(self, place: Place) -> Limits:
        """What this chat takes. Must not block."""
        ...

    def aside(self, place: Place, caller: Caller) -> Place:
        """Where one person alone reads what is said to them in `place`. Must not block."""
        ...

    async def around(self, place: Place) -> Sequence[str]:
        """`Place.shared` of further chats that all may read who read this one; none where that is
        not known. Never raises, and takes a few seconds at most.
        """
        ...

    async def reads(self, chat: Place, caller: Caller) -> bool:
        """Whether a person is known to read another chat now. Never raises."""
        ...

    @property
    def entrance(self) -> str:
        """An address at which a person begins a chat with the bot alone; empty where that needs no
        beginning, or is not known yet.
        """
        ...

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        """Send a new message and return where it is.

        `message` has been fitted to `limits(place)`. `nonce` (at most 25 characters of `a-z0-9-`)
        is the same when the outbox sends the same message again; a platform that can, shows such a
        message once. When `place.door` does not open any more, the adapter falls back to whatever
        reaches the chat, then to a direct message to `message.mention`. When `reply_to` is gone the
        message is sent without it.
        """
        ...

    async def edit(self, ref: Ref, message: Message) -> Ref:
        """Change a message that was sent, or fill an ack slot, to exactly `message`; returns its
        (new) Ref.

        A `private` message into a slot that everybody can see is shown to the caller alone instead,
        and the slot is removed. An ack slot takes one answer; what comes after goes by `send`.
        """
        ...

    async def whisper(self, ack: Ref, message: Message) -> bool:
        """Answer a press in itself, which the caller alone sees and no limit of the chat counts;
        False where that cannot be, and `edit` has to answer. Never raises.
        """
        ...

    async def delete(self, ref: Ref) -> None:
        """Remove a message. One that is already gone is not an error."""
        ...

    async def locate(self, attachment: Attachment) -> str:
        """Give the address to fetch a person's file from now; may hold a secret, so never log or
        show it.

        Raises `core.errors.BadInput` when the file cannot be had (too big for the platform's own
        download).
        """
        ...
