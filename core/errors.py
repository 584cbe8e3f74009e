"""The error tree: what can go wrong, who is told, and whether money was spent.

BotError                the docstring's first line is the default text, a catalogue entry
├── UserError           shown to the person, never logged as a fault
│   ├── BadInput        a value, a picture or a combination that cannot work, with the fix
│   ├── NotYours        a button or job of somebody else
│   ├── Gone            a button, job or picture that is not there any more
│   └── Denied          a rule of the owner says no
├── GatewayError        `spent` says whether the call may have cost money
│   ├── Unreachable     never connected, or the answer was lost
│   ├── Refused         the gateway said no, and nothing was spent
│   │   ├── BadKey      the operator's key does not work
│   │   ├── OutOfCredit the operator's account is empty
│   │   ├── Moderated   the prompt or a picture was turned down
│   │   ├── Busy        try again later
│   │   └── NotThere    no such path, task or model at this gateway
│   │       └── NoChannel  a model that nothing serves just now
│   └── Garbled         an answer that nobody can read
├── AdapterError        a chat platform did not take a message
│   ├── ChatGone        the chat is closed to us for good
│   ├── TooBig          the file is over the platform's limit
│   ├── SlowDown        the platform asked for a pause
│   ├── Offline         certainly not sent; try later
│   ├── MaybeSent       the answer was lost; the message may be there
│   └── MessageGone     the message to change is not there
└── StoreError          the database or the archive did not take a write
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Spent(StrEnum):
    """Whether a call cost money."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


class BotError(Exception):
    """Something went wrong."""

    def __init__(self, text: str | None = None, **values: object) -> None:
        """Take a catalogue text (English, with `{names}`) and its values."""
        lines = (type(self).__doc__ or "").strip().splitlines()
        self.text = text or (lines[0] if lines else "Something went wrong.")
        self.values: Mapping[str, object] = values
        super().__init__(self.text)

    def __str__(self) -> str:
        try:
            return self.text.format(**self.values)
        except (KeyError, IndexError, ValueError):
            return self.text


class UserError(BotError):
    """That did not work."""


class BadInput(UserError):
    """That cannot be used."""


class NotYours(UserError):
    """That belongs to somebody else."""


class Gone(UserError):
    """That is not there any more."""


class Denied(UserError):
    """That is not allowed here."""


class GatewayError(BotError):
    """The image service did not do it."""

    spent: Spent = Spent.UNKNOWN
    again: bool = False
    tries: int | None = None
    """How often the same call is worth another try; None for as long as one has patience."""
    tokens: tuple[int, int] | None = None
    """Tokens of question and answer that were paid for all the same, where the answer tells."""

    def __init__(
        self,
        text: str | None = None,
        *,
        spent: Spent | None = None,
        again: bool | None = None,
        retry_after: float | None = None,
        detail: str = "",
        **values: object,
    ) -> None:
        """Describe a failed call.

        Args:
            text: What a person may read (a catalogue text).
            spent: Whether money may have gone; the class has a default.
            again: Whether the same call may work later.
            retry_after: Seconds the gateway asked us to wait, if it did.
            detail: What the gateway said, for the log only; masked, never shown in a chat.
            **values: Values of `text`.
        """
        super().__init__(text, **values)
        self.spent = type(self).spent if spent is None else spent
        self.again = type(self).again if again is None else again
        self.retry_after = retry_after
        self.detail = detail


class Unreachable(GatewayError):
    """The image service cannot be reached right now."""

    again = True


class Refused(GatewayError):
    """The image service refused this."""

    spent = Spent.NO


class BadKey(Refused):
    """The image service does not accept this bot's key. The owner of the bot has to look at it."""


class OutOfCredit(Refused):
    """This bot's account at the image service is empty. The owner of the bot has to top it up."""


class Moderated(Refused):
    """The image service turned this down for its content."""


class Busy(Refused):
    """The image service is busy."""

    again = True


class NotThere(Refused):
    """The image service does not offer this."""


class NoChannel(NotThere):
    """The image service has nothing that serves this just now."""

    again = True
    tries = 3


class Garbled(GatewayError):
    """The image service gave an answer that makes no sense."""


class AdapterError(BotError):
    """The chat did not take the message."""


class ChatGone(AdapterError):
    """This chat is closed to the bot."""


class TooBig(AdapterError):
    """The file is too big for this chat."""

    def __init__(self, text: str | None = None, *, limit: int = 0, **values: object) -> None:
        """`limit`: the most bytes the chat takes, 0 when it did not say."""
        super().__init__(text, **values)
        self.limit = limit


class SlowDown(AdapterError):
    """The chat asked for a pause."""

    def __init__(
        self, text: str | None = None, *, retry_after: float = 1.0, **values: object
    ) -> None:
        """`retry_after`: seconds."""
        super().__init__(text, **values)
        self.retry_after = retry_after


class Offline(AdapterError):
    """The chat platform cannot be reached."""


class MaybeSent(AdapterError):
    """The chat platform's answer was lost."""


class MessageGone(AdapterError):
    """That message is not there any more."""


class StoreError(BotError):
    """Nothing could be saved just now, so nothing was started. Please try again in a minute."""
