"""Files on Telegram's side: ids, photo sizes, what may be sent as what, and downloads.

Owns the registry of file ids and the rules about pictures. Uploaded bytes stay on disk. Knows
nothing of chats; URLs are only "fetched" from what a test has put into `urls`.
"""

import asyncio
import io
import itertools
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from tests.servers.telegram_wire import ApiError, Upload, bad, keep

MAX_PHOTO = 10 * 1024 * 1024
MAX_DOWNLOAD = 20 * 1024 * 1024
MAX_URL_PHOTO = 5 * 1024 * 1024
MAX_URL_FILE = 20 * 1024 * 1024
PATH_LIFETIME = 3600.0
"""Seconds a `file_path` works after getFile (documented: at least one hour)."""

_SIZES = (90, 320, 800, 1280)
_PREFIX = {"photo": "AgACAgIAAxkB", "document": "BQACAgIAAxkB", "video": "BAACAgIAAxkB"}
_NAMES = {
    "photo": "jpg",
    "video": "mp4",
    "audio": "mp3",
    "voice": "oga",
    "animation": "mp4",
}


@dataclass(slots=True)
class StoredFile:
    """One downloadable file with its own id; a photo has one for each size."""

    file_id: str
    unique_id: str
    kind: str
    upload: Upload
    path: str
    box: tuple[int, int] | None = None
    """For photo sizes: the picture is scaled to this and recompressed when downloaded."""
    rendered: bytes | None = None
    opened_at: float = -PATH_LIFETIME

    @property
    def size(self) -> int:
        """Bytes a download has; for a size nobody rendered yet, a guess as good as any."""
        if self.rendered is not None:
            return len(self.rendered)
        if self.box:
            return min(self.upload.size, self.box[0] * self.box[1] // 6 + 600)
        return self.upload.size

    def render(self) -> bytes:
        """The JPEG of this size, made once."""
        if self.rendered is None:
            with Image.open(self.upload.path) as picture:
                small = picture.convert("RGB").resize(self.box or picture.size)
            buffer = io.BytesIO()
            small.save(buffer, "JPEG", quality=87)
            self.rendered = buffer.getvalue()
        return self.rendered

    def wire(self) -> dict[str, Any]:
        """The fields every file type shares."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": self.size,
        }


@dataclass(slots=True)
class Media:
    """The medium of one message: `kind` is the message field it appears in."""

    kind: str
    upload: Upload
    files: list[StoredFile]
    meta: dict[str, Any] = field(default_factory=dict)

    def wire(self) -> Any:
        """The value of the message field."""
        if self.kind != "photo":
            return {**self.files[0].wire(), **self.meta}
        return [
            {**size.wire(), "width": size.box[0], "height": size.box[1]}
            for size in self.files
            if size.box
        ]

    def same_as(self, other: "Media | None") -> bool:
        """Whether an edit to the other would change nothing."""
        return other is not None and (self.kind, self.upload.digest) == (
            other.kind,
            other.upload.digest,
        )


def photo_size(upload: Upload) -> tuple[int, int]:
    """Decodes a picture fully and returns its width and height.

    Raises:
        ApiError: 400 as Telegram does for pictures it cannot take.
    """
    try:
        with Image.open(upload.path) as picture:
            width, height = picture.size
            if width + height > 10_000 or max(width, height) > 20 * min(width, height):
                raise bad("PHOTO_INVALID_DIMENSIONS")
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise bad("IMAGE_PROCESS_FAILED") from None
    return width, height


def sent_as(kind: str, upload: Upload) -> str:
    """What a file becomes: audio, voice and video of other formats turn into documents."""
    head = upload.head()
    brand = head[4:8] == b"ftyp"
    fits = {
        "audio": head[:3] == b"ID3" or head[:1] == b"\xff" or brand,
        "voice": head[:4] == b"OggS",
        "video": brand,
        "animation": brand or head[:4] == b"GIF8",
    }
    return kind if fits.get(kind, True) else "document"


class Files:
    """Every file the server knows.

    Args:
        folder: Where uploads live.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.urls: dict[str, tuple[bytes, str]] = {}
        self._by_id: dict[str, tuple[StoredFile, Media]] = {}
        self._by_path: dict[str, StoredFile] = {}
        self._numbers = itertools.count(1)
        self._sizes: dict[str, tuple[int, int]] = {}

    async def accept(
        self, kind: str, source: Upload | str | None, meta: dict[str, Any] | None = None
    ) -> Media:
        """Makes a medium of what a call names.

        Args:
            kind: The message field wanted: photo, document, video, audio, voice, animation.
            source: An upload, a file_id, an URL, or nothing.
            meta: What the caller says of it: duration, width, height, performer, title.

        Raises:
            ApiError: 400 for whatever Telegram would not take.
        """
        if source is None or source == "":
            raise bad(f"there is no {kind} in the request")
        if isinstance(source, str):
            if not source.startswith(("http://", "https://")):
                return self._reuse(kind, source)
            source = self._fetch(kind, source)
        if source.size == 0:
            raise bad("file must be non-empty")
        if kind == "photo":
            return await self._photo(source)
        return self._file(sent_as(kind, source), source, meta or {})

    async def received(self, kind: str, data: bytes, name: str, mime: str | None = None) -> Media:
        """Makes a medium of what a person sends; a person's photo is rendered at once."""
        upload = keep(self.folder, data, name, mime)
        if kind != "photo":
            return self._file(kind, upload, {"duration": 3} if kind == "voice" else {})
        media = await self._photo(upload)
        await asyncio.to_thread(media.files[-1].render)
        return media

    def open(self, file_id: str, now: float) -> StoredFile:
        """Finds a file for getFile and makes its path valid for an hour."""
        stored = self._find(file_id)[0]
        if stored.size > MAX_DOWNLOAD:
            raise bad("file is too big")
        stored.opened_at = now
        return stored

    def at(self, path: str, now: float) -> StoredFile:
        """Finds a file for a download."""
        stored = self._by_path.get(path)
        if stored is None or now - stored.opened_at > PATH_LIFETIME:
            raise ApiError(404, "Not Found")
        return stored

    def _find(self, file_id: str) -> tuple[StoredFile, Media]:
        if file_id not in self._by_id:
            raise bad("wrong file identifier/HTTP URL specified")
        return self._by_id[file_id]

    def _reuse(self, kind: str, file_id: str) -> Media:
        media = self._find(file_id)[1]
        if media.kind != kind:
            raise bad(f"can't use file of type {media.kind.capitalize()} as {kind.capitalize()}")
        return media

    def _fetch(self, kind: str, url: str) -> Upload:
        data, mime = self.urls.get(url, (b"", ""))
        limit = MAX_URL_PHOTO if kind == "photo" else MAX_URL_FILE
        if not data or len(data) > limit:
            raise bad("failed to get HTTP URL content")
        return keep(self.folder, data, url.rsplit("/", 1)[-1], mime)

    async def _photo(self, upload: Upload) -> Media:
        if upload.size > MAX_PHOTO:
            raise bad(
                f"file of size {upload.size} bytes is too big for a photo; "
                f"the maximum size is {MAX_PHOTO} bytes"
            )
        if upload.digest not in self._sizes:
            self._sizes[upload.digest] = await asyncio.to_thread(photo_size, upload)
        width, height = self._sizes[upload.digest]
        boxes = [limit for limit in _SIZES if limit < max(width, height)]
        scales = [limit / max(width, height) for limit in boxes]
        if max(width, height) <= _SIZES[-1]:
            scales.append(1.0)
        media = Media("photo", upload, [])
        for scale in scales:
            box = max(round(width * scale), 1), max(round(height * scale), 1)
            media.files.append(self._store("photo", upload, media, box))
        return media

    def _file(self, kind: str, upload: Upload, meta: dict[str, Any]) -> Media:
        shown: dict[str, Any] = {"mime_type": upload.mime}
        if kind != "voice":
            shown["file_name"] = upload.name
        if kind in ("video", "animation"):
            shown |= {name: int(meta.get(name) or 0) for name in ("width", "height", "duration")}
        elif kind in ("audio", "voice"):
            shown["duration"] = int(meta.get("duration") or 0)
        if kind == "audio":
            shown |= {name: meta[name] for name in ("performer", "title") if meta.get(name)}
        media = Media(kind, upload, [], shown)
        media.files.append(self._store(kind, upload, media, None))
        return media

    def _store(
        self, kind: str, upload: Upload, media: Media, box: tuple[int, int] | None
    ) -> StoredFile:
        number = next(self._numbers)
        suffix = _NAMES.get(kind) or Path(upload.name).suffix.lstrip(".") or "bin"
        stored = StoredFile(
            file_id=_PREFIX.get(kind, "CQACAgIAAxkB") + secrets.token_urlsafe(40),
            unique_id=f"AQAD{upload.digest[:10]}{box[0] if box else ''}",
            kind=kind,
            upload=upload,
            path=f"{kind}s/file_{number}.{suffix}",
            box=box,
        )
        self._by_id[stored.file_id] = (stored, media)
        self._by_path[stored.path] = stored
        return stored
