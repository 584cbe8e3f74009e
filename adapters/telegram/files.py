"""Files as Telegram shows them: photo, video, song, voice message or plain file. Pure but for
reading where a file lies.
"""

from __future__ import annotations

import contextlib
import mimetypes
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, TypeAlias

from telegram import (
    InputFile,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)

from adapters.telegram.faults import How
from core.messages import Media, Message

Kind: TypeAlias = Literal["photo", "video", "animation", "audio", "voice", "document"]
AlbumPart: TypeAlias = InputMediaPhoto | InputMediaVideo | InputMediaAudio | InputMediaDocument

PHOTO_BYTES = 10_000_000
PHOTO_SIDES = 10_000
"""Width plus height of a photo."""
THUMBNAIL = 200_000
"""Bytes of a thumbnail."""
ALBUM = 10
"""Most files of an album."""

_KINDS: dict[str, Kind] = {
    "image/png": "photo",
    "image/jpeg": "photo",
    "image/webp": "photo",
    "image/gif": "animation",
    "video/mp4": "video",
    "audio/mpeg": "audio",
    "audio/mp4": "audio",
    "audio/x-m4a": "audio",
}
_TOGETHER: dict[Kind, str] = {
    "photo": "seen",
    "video": "seen",
    "audio": "heard",
    "document": "files",
}
"""Kinds that may stand in one album."""
_PARTS: dict[Kind, Callable[..., AlbumPart]] = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "audio": InputMediaAudio,
    "document": InputMediaDocument,
}


def kind_of(media: Media, message: Message, how: How) -> Kind:
    """How a file of a message is shown; Telegram recompresses photos and bounds their shape."""
    if message.as_file or how.as_file:
        return "document"
    if media.voice and media.mime == "audio/ogg":
        return "voice"
    kind = _KINDS.get(media.mime, "document")
    wide, narrow = max(media.width, media.height), min(media.width, media.height)
    fits = (
        media.size <= PHOTO_BYTES
        and media.width + media.height <= PHOTO_SIDES
        and wide <= 20 * max(narrow, 1)
    )
    return kind if fits or kind != "photo" else "document"


def albums(message: Message, how: How) -> list[Sequence[Media]]:
    """A message's files in the albums they are sent as; one alone goes by itself."""
    found: list[Sequence[Media]] = []
    for name, group in groupby(
        message.media, key=lambda m: _TOGETHER.get(kind_of(m, message, how), "")
    ):
        same = list(group)
        size = ALBUM if name else 1
        found += [same[start : start + size] for start in range(0, len(same), size)]
    return found


class Shelf:
    """Opens files of the archive for the length of one call."""

    def __init__(self, path: Callable[[Media], Path]) -> None:
        """`path` tells where an archived file lies."""
        self._path = path

    @contextlib.contextmanager
    def call(self, media: Media, message: Message, how: How) -> Iterator[tuple[str, Any]]:
        """The method that sends one file, and its arguments."""
        kind = kind_of(media, message, how)
        with contextlib.ExitStack() as stack:
            values = {kind: self._open(stack, media), **self._facts(stack, media, kind)}
            if kind == "document" and message.as_file:
                values["disable_content_type_detection"] = True
            yield f"send_{kind}", values

    @contextlib.contextmanager
    def album(
        self, media: Sequence[Media], message: Message, how: How, **more: Any
    ) -> Iterator[list[AlbumPart]]:
        """Files as attachments of one call; `more` goes with each."""
        with contextlib.ExitStack() as stack:
            parts = []
            for one in media:
                kind = kind_of(one, message, how)
                make = _PARTS.get(kind, InputMediaDocument)
                facts = self._facts(stack, one, kind)
                parts.append(make(self._open(stack, one, attach=True), **facts, **more))
            yield parts

    def _open(
        self, stack: contextlib.ExitStack, media: Media, *, attach: bool = False
    ) -> InputFile:
        """A file that is read from disk as it goes out."""
        stream = stack.enter_context(self._path(media).open("rb"))
        name = media.name or f"file{mimetypes.guess_extension(media.mime) or ''}"
        return InputFile(stream, filename=name, attach=attach, read_file_handle=False)

    def _facts(self, stack: contextlib.ExitStack, media: Media, kind: Kind) -> dict[str, Any]:
        """What Telegram is told about a file."""
        facts: dict[str, Any] = {}
        if kind in ("photo", "video", "animation"):
            facts["has_spoiler"] = media.spoiler
        if kind in ("video", "animation"):
            facts |= {"width": media.width or None, "height": media.height or None}
        if kind == "video":
            facts["supports_streaming"] = True
        if kind in ("video", "animation", "audio", "voice"):
            facts["duration"] = round(media.seconds) or None
        if kind == "audio":
            facts |= {"title": media.title or None, "performer": media.artist or None}
        if kind in ("video", "audio") and media.cover:
            facts |= self._thumbnail(stack, media)
        return facts

    def _thumbnail(self, stack: contextlib.ExitStack, media: Media) -> dict[str, Any]:
        """The small picture beside a song or video, where it is small enough."""
        cover = Media(media.cover, "image/jpeg", 0, name="cover.jpg")
        with contextlib.suppress(OSError):
            if self._path(cover).stat().st_size < THUMBNAIL:
                return {"thumbnail": self._open(stack, cover, attach=True)}
        return {}
