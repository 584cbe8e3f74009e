"""Files of the pretend Discord: what people and the bot upload, and the CDN that serves it.

Owns the bytes (those of the bot stand on disk, so that a test process stays small), and the
signed links that expire. Knows nothing of messages.
"""

import hashlib
import hmac
import io
import mimetypes
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from PIL import Image, UnidentifiedImageError

MIB = 1024 * 1024
LINK_SECONDS = 24 * 3600
"""How long a signed link lives (docs, "Signed Attachment CDN URLs": `ex` is about a day off)."""


@dataclass(eq=False, slots=True)
class Attachment:
    """A file at a message, or one a person is about to send.

    Args:
        content: The bytes, or the file that holds them.
        filename: As its sender named it; Discord replaces odd characters.
        content_type: What the sender claims; guessed from the name when None.
        description: The alternative text.
    """

    content: bytes | Path
    filename: str = "picture.png"
    content_type: str | None = None
    description: str | None = None
    id: int = 0
    channel_id: int = 0
    ephemeral: bool = False
    voice: dict[str, Any] = field(default_factory=dict)
    _measured: list[tuple[int, int] | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.filename = clean_name(self.filename)
        if self.content_type is None:
            self.content_type = mimetypes.guess_type(self.filename)[0]

    @property
    def data(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    @property
    def spoiler(self) -> bool:
        return self.filename.startswith("SPOILER_")

    def dimensions(self) -> tuple[int, int] | None:
        """Width and height where it is a picture; looked at once."""
        if not self._measured:
            self._measured.append(_measure(self.content))
        return self._measured[0]


def _measure(content: bytes | Path) -> tuple[int, int] | None:
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        with Image.open(source) as picture:
            return picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None


def clean_name(name: str) -> str:
    """Discord's own clean-up of file names, as far as it is seen: no paths, no spaces, no signs."""
    return re.sub(r"[^\w.\-]", "_", name.rpartition("/")[2]) or "unknown"


class Files:
    """The store and the CDN.

    Args:
        folder: Where uploads of the bot are kept.
        now: The server's time in epoch seconds.

    Attributes:
        root: The URL of the CDN, without a slash at its end; known once the server listens.
    """

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        self.root = ""
        self._folder = folder
        self._now = now
        self._key = secrets.token_bytes(16)
        self._known: dict[int, Attachment] = {}

    def new_path(self) -> Path:
        """A fresh file for an upload."""
        return self._folder / secrets.token_hex(8)

    def add(self, attachment: Attachment) -> Attachment:
        """Makes a file downloadable; it has its id and channel by now."""
        self._known[attachment.id] = attachment
        return attachment

    def url(self, attachment: Attachment) -> str:
        """A signed link that lives for a day."""
        path = self._path(attachment)
        issued = int(self._now())
        expires = f"{issued + LINK_SECONDS:x}"
        signature = self._sign(path, expires)
        return f"{self.root}{quote(path)}?ex={expires}&is={issued:x}&hm={signature}&"

    def wire(self, attachment: Attachment) -> dict[str, Any]:
        """The attachment object of a message or of resolved data."""
        url = self.url(attachment)
        shown: dict[str, Any] = {
            "id": str(attachment.id),
            "filename": attachment.filename,
            "size": attachment.size,
            "url": url,
            "proxy_url": url.replace(self.root, f"{self.root}/proxy", 1),
            **attachment.voice,
        }
        if attachment.content_type:
            shown["content_type"] = attachment.content_type
        if attachment.description:
            shown["description"] = attachment.description
        if attachment.ephemeral:
            shown["ephemeral"] = True
        kind = attachment.content_type or ""
        size = attachment.dimensions() if kind.startswith("image/") else None
        if size:
            shown["width"], shown["height"] = size
        return shown

    def answer(self, request: web.Request) -> web.StreamResponse:
        """Serves a download; 404 for a link that expired or was tampered with, as Discord does."""
        path = request.path.removeprefix("/proxy")
        expires = request.query.get("ex", "")
        good = hmac.compare_digest(self._sign(path, expires), request.query.get("hm", ""))
        attachment = self._known.get(int(request.match_info["id"]))
        if not good or int(expires, 16) < self._now() or attachment is None:
            return web.Response(status=404, text="This content is no longer available.")
        kind = attachment.content_type or "application/octet-stream"
        headers = {"Content-Type": kind, "Cache-Control": "private, max-age=86400"}
        if isinstance(attachment.content, Path):
            return web.FileResponse(attachment.content, headers=headers)
        return web.Response(body=attachment.content, headers=headers)

    def _path(self, attachment: Attachment) -> str:
        folder = "ephemeral-attachments" if attachment.ephemeral else "attachments"
        return f"/{folder}/{attachment.channel_id}/{attachment.id}/{attachment.filename}"

    def _sign(self, path: str, expires: str) -> str:
        return hmac.new(self._key, f"{path}?{expires}".encode(), hashlib.sha256).hexdigest()
