"""Files that fakes have made, at addresses of their own.

Owns bytes and addresses; knows nothing of what they are results of.
"""

import secrets
from collections import OrderedDict
from collections.abc import Iterable

from aiohttp import web

from bot.sandbox.answers import html_page

_KEPT = 400
_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "video/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "text/html": "html",
}
FILES = "/sandbox/files/"
"""Where they are; like everything that families serve, they can be kept back or lost."""


class Files:
    """The latest files, by random names."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, tuple[bytes, str]] = OrderedDict()

    def keep(self, base: str, data: bytes, mime: str) -> str:
        """Keep a file; returns its address under `base`."""
        name = f"{secrets.token_hex(12)}.{_ENDINGS[mime]}"
        self._files[name] = (data, mime)
        while len(self._files) > _KEPT:
            self._files.popitem(last=False)
        return f"{base}{FILES}{name}"

    def half(self, base: str, url: str) -> str:
        """The first half of a file as a file of its own; returns its address."""
        data, mime = self._files[url.rpartition("/")[2]]
        return self.keep(base, data[: len(data) // 2], mime)

    def routes(self) -> Iterable[web.RouteDef]:
        """Where they are fetched; no key is needed."""
        yield web.get(f"{FILES}{{name}}", self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        found = self._files.get(request.match_info["name"])
        if found is None:
            return html_page(404)
        data, mime = found
        return web.Response(body=data, content_type=mime)
