"""Archived files for whoever has their signed address: friends of a chat, the gateway's models.

Knows nothing of jobs and people: the address alone decides (`core.links`).
"""

from __future__ import annotations

from aiohttp import web

from core.archive import Archive
from core.errors import BadInput
from core.links import PATH, Links


class Files:
    """The routes of signed files."""

    def __init__(self, links: Links, archive: Archive) -> None:
        """Serve what `links` made addresses of, from `archive`."""
        self._links = links
        self._archive = archive

    def setup(self, app: web.Application) -> None:
        """Add the route, for HEAD as well."""
        app.router.add_get(f"/{PATH}/{{mark}}/{{end}}/{{hash}}/{{name}}", self._file)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """A file, or the part of it that was asked for; a player asks for parts."""
        asked = request.match_info
        media = self._links.opened(asked["mark"], asked["end"], asked["hash"], asked["name"])
        try:
            if media is None or not self._archive.has(media):
                raise web.HTTPNotFound(text="This link is over, or was never one.")
            path = self._archive.path(media)
        except BadInput:
            raise web.HTTPNotFound from None
        headers = {
            "Content-Type": media.mime,
            "Content-Disposition": f'inline; filename="{media.name}"',
            "Content-Security-Policy": "default-src 'none'; img-src 'self'; media-src 'self'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "private, max-age=3600",
        }
        return web.FileResponse(path, headers=headers)
