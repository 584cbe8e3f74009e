"""The values that travel between core and a chat platform; they know neither.

Every id is a string, every time a Unix time in seconds. `text` is CommonMark source: put foreign
text (prompts, names, the gateway's words) through `escape` first, so that it shows as typed, pings
nobody and links nowhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from core.split import split

Style: TypeAlias = Literal["plain", "primary", "success", "danger"]


@dataclass(frozen=True, slots=True)
class Caller:
    """A person on a platform."""

    platform: str
    id: str
    name: str = ""
    lang: str = ""
    """The platform's language tag, such as `en-GB`; empty when it gave none."""

    @property
    def key(self) -> str:
        """The person's one key in the store: `discord:123`."""
        return f"{self.platform}:{self.id}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message goes."""

    platform: str
    chat: str
    thread: str = ""
    private: bool = False
    """Only the caller and the bot are here."""
    spoiler: bool = False
    """Pictures must be covered here."""
    hidden: bool = False
    """What is shown here is for one person's eyes only."""
    alone: bool = False
    """The platform may show it to one person alone, though nobody asked for that."""
    door: str = ""
    """The adapter's own note on how to write here (a reply token and its end); never read by core.
    """

    @property
    def key(self) -> str:
        """One key per visible chat, without the door."""
        return f"{self.platform}:{self.chat}:{self.thread}"

    @property
    def shared(self) -> str:
        """One key for all that several people read here; empty where one person alone does."""
        unseen = self.private or self.hidden or self.alone
        return "" if unseen else f"{self.platform}:{self.chat}"


@dataclass(frozen=True, slots=True)
class Ref:
    """A message that was sent."""

    platform: str
    chat: str
    message: str
    door: str = ""
    """The adapter's own note on how to change this message; never read by core."""


@dataclass(frozen=True, slots=True)
class Media:
    """A file in the archive."""

    hash: str
    """SHA-256 of the bytes, hex: its key in the archive."""
    mime: str
    size: int
    """Bytes."""
    width: int = 0
    height: int = 0
    name: str = ""
    """What a person would call the file, with its ending."""
    alt: str = ""
    spoiler: bool = False
    seconds: float = 0.0
    """How long a video or a sound plays; 0 if unknown."""
    title: str = ""
    """Of a song."""
    artist: str = ""
    cover: str = ""
    """Hash of a JPEG in the archive: a song's cover, a video's thumbnail."""
    voice: bool = False
    """Spoken words, shown as a voice message where the platform has those."""
    caption: str = ""
    """A part of a file that was cut for a chat says here which; it goes in a message of its own."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file a person sent that has not been fetched yet."""

    url: str = ""
    """Where it can be fetched, or empty when the adapter must be asked (`Adapter.locate`)."""
    id: str = ""
    """The platform's own id of the file."""
    name: str = ""
    size: int = 0
    """Bytes as the platform claims, 0 if unknown."""


@dataclass(frozen=True, slots=True)
class Button:
    """One button: a stored action behind a token, or a link."""

    label: str = ""
    emoji: str = ""
    """A Unicode emoji, or empty."""
    token: str = ""
    style: Style = "plain"
    row: int = 0
    """Buttons of one row stand side by side; rows are shown in ascending order."""
    url: str = ""
    disabled: bool = False
    form: bool = False
    """Pressing it opens a form."""


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form."""

    name: str
    label: str
    kind: Literal["line", "text", "choice", "image"] = "line"
    value: str = ""
    hint: str = ""
    required: bool = True
    max_length: int = 0
    """Characters; 0 for the platform's own limit."""
    choices: tuple[tuple[str, str], ...] = ()
    """(value, label) pairs of a choice."""
    paint: Literal["", "white", "black"] = ""
    """The picture may be painted on a page of our own, over the one the form is about: in this
    colour where it is to change, in the other one elsewhere.
    """


@dataclass(frozen=True, slots=True)
class Form:
    """A few questions, asked with the platform's own means."""

    title: str
    fields: tuple[Field, ...]
    token: str = ""
    """The action that takes the answers."""


@dataclass(frozen=True, slots=True)
class Message:
    """What the bot says, before any platform's rules."""

    text: str = ""
    media: tuple[Media, ...] = ()
    buttons: tuple[Button, ...] = ()
    mention: Caller | None = None
    """The one person who is notified."""
    private: bool = False
    """For the caller's eyes only, where the platform can do that."""
    as_file: bool = False
    """Send media as files, untouched by the platform."""
    progress: int = -1
    """Percent done, for platforms that draw their own bar; -1 when it is no progress message."""
    form: Form | None = None
    """A question that comes with the message: asked in the chat where that is native, else behind a
    button.
    """


@dataclass(frozen=True, slots=True)
class Limits:
    """What a chat takes, as data."""

    text: int = 4096
    caption: int = 1024
    """Characters of text beside media."""
    file_bytes: int = 50_000_000
    photo_bytes: int = 10_000_000
    """Pictures over this are shrunk for show; the archive keeps the original."""
    photo_sides: int = 10_000
    """Width plus height of a picture shown as such, in pixels."""
    rows: int = 5
    per_row: int = 5
    budget: int = 5
    """Visible calls (sends, edits, deletions) in `window` seconds."""
    window: float = 5.0
    apart: bool = False
    """Sends, edits and deletions have such a budget each."""
    each: bool = False
    """Of several files that are sent together each counts, and so do the words that follow them."""
    edit_gap: float = 1.5
    """Least seconds between two edits of one progress message."""
    bar: bool = True
    """Progress needs a bar drawn in characters."""
    windows: bool = False
    """A form's button opens a window in which there is no place for a link."""
    restyles: bool = False
    """Buttons of a sent message can be changed without sending its files again."""
    measure: Callable[[str], int] = len
    """How long CommonMark becomes in the platform's own terms."""
    voice: str = "mp3"
    """The kind of sound file that shows best as spoken words."""
    lossy: bool = False
    """The platform recompresses pictures, so the untouched file is offered beside them."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A person ran a command."""

    key: str
    """Unique per platform event, the same when the event comes again: `telegram:42:100`."""
    caller: Caller
    place: Place
    command: str
    values: dict[str, str | int | float | bool | Attachment | Media | list[Attachment | Media]] = (
        field(default_factory=dict)
    )
    """Typed options, by name."""
    text: str | None = None
    """The untyped rest of the command line, for platforms without typed options; flags still in it.
    """
    ref: Ref | None = None
    """The message the command was typed in, to reply to."""
    ack: Ref | None = None
    """The answer slot that is already open (a deferred reply); the first answer goes there by
    `Adapter.edit`.
    """


@dataclass(frozen=True, slots=True)
class Press:
    """A person pressed a button."""

    key: str
    caller: Caller
    place: Place
    token: str
    ref: Ref
    """The message the button is on."""
    ack: Ref | None = None


@dataclass(frozen=True, slots=True)
class Filling:
    """A person answered a form."""

    key: str
    caller: Caller
    place: Place
    token: str
    values: dict[str, str | Attachment | Media] = field(default_factory=dict)
    ack: Ref | None = None
    ref: Ref | None = None
    """The message the answers came in, to reply to."""


Event: TypeAlias = Invocation | Press | Filling

Stored: TypeAlias = asyncio.Future[set[str]]
"""Events on their way into the store: the keys of those that are new. Ends with `StoreError`."""


_MARKS = re.compile(r"([\\`*_~|<>#+\-.\[\]()!&={}$^:])")
_INVISIBLE = dict.fromkeys(
    [
        *(0x00AD, 0x061C, 0x115F, 0x1160, 0x180E, 0x200B, 0x200E, 0x200F, 0x2060, 0x3164),
        *(0xFEFF, 0xFFA0, 0xFFF9, 0xFFFA, 0xFFFB),
        *range(0x202A, 0x202F),
        *range(0x2061, 0x2070),
        *range(0xE0000, 0xE0080),
        *(c for c in (*range(0x20), *range(0x7F, 0xA0)) if c not in (0x09, 0x0A)),
        *range(0xD800, 0xE000),
    ]
)
_ENDS = re.compile("\r\n|[\r\u2028\u2029]")


def clean(text: str) -> str:
    """Remove what cannot be seen but does harm: controls, direction overrides, zero-width
    characters.

    Joiners inside emoji and scripts (U+200C, U+200D) and newlines stay.
    """
    return _ENDS.sub("\n", text).translate(_INVISIBLE)


def escape(text: str) -> str:
    """Turn foreign text into CommonMark source that shows exactly it.

    An `@` is followed by a word joiner, so that no platform makes a mention of it; likewise the
    `://` of an address, so that none makes a link or a preview.
    """
    text = clean(text).replace("@", "@\u2060").replace("://", ":\u2060//")
    return _MARKS.sub(r"\\\1", text)


_AT = re.compile(
    r"(?P<kept>\\.|(?P<fence>`{3,}|~{3,}).*?(?:(?P=fence)|\Z)|`[^`\n]+`"
    r"|https?://[\w.-]+\.[a-z]+/[^\s)>]*)|@",
    re.DOTALL,
)


def tame(markdown: str) -> str:
    """CommonMark that somebody else wrote, a language model say, so that it pings nobody. Code and
    addresses, in which nothing does, stay as they are.
    """
    return _AT.sub(lambda found: found["kept"] or "@\u2060", clean(markdown))


_SPOKEN = re.compile(
    r"(?m)^ {0,3}(?:```|~~~).*$\n?|^ {0,3}(?:#{1,6}|>|[-*+])[ \t]+|!?\[(?P<words>[^\]\n]*)\]"
    r"\([^)\n]*\)|\\(?P<mark>[!-/:-@\[-`{-~])|\*+|(?<!\w)_+|_+(?!\w)|`"
)


def spoken(markdown: str) -> str:
    """CommonMark as words to be read aloud: without its marks."""
    text = _SPOKEN.sub(lambda found: found["words"] or found["mark"] or "", clean(markdown))
    return text.strip()


def shorten(text: str, limit: int) -> str:
    """Cut `text` to at most `limit` characters, ending in an ellipsis when something was cut."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def fit(message: Message, limits: Limits) -> list[Message]:
    """Cut a message into as many as the chat's text limit and its files ask for.

    Parts of files go ahead, each in a message of its own but the last. Other media go with the
    first part of the text, buttons and the form with the last; text is cut as `core.split` does.
    """
    ahead, message = _ahead(message)
    room = limits.caption if message.media else limits.text
    parts = split(message.text, room, limits.text, limits.measure)
    if len(parts) == 1:
        return [*ahead, message]
    head = replace(message, text=parts[0], buttons=(), form=None)
    middle = [replace(head, text=part, media=(), mention=None) for part in parts[1:-1]]
    return [*ahead, head, *middle, replace(message, text=parts[-1], media=(), mention=None)]


def _ahead(message: Message) -> tuple[list[Message], Message]:
    """The parts of files that go ahead of a message, and what is left of it."""
    parts = [media for media in message.media if media.caption]
    rest = tuple(media for media in message.media if not media.caption)
    if not parts:
        return [], message
    if not rest:
        rest = (parts.pop(),)
        message = replace(message, text=f"{message.text}\n\n{escape(rest[0].caption)}")
    bare = replace(message, buttons=(), form=None, mention=None)
    ahead = [replace(bare, text=escape(part.caption), media=(part,)) for part in parts]
    return ahead, replace(message, media=rest)


def ending(message: Message) -> Message:
    """What the last of the messages shows that a message with parts of files becomes."""
    return _ahead(message)[1]
