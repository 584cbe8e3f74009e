"""The fake Midjourney: its endpoints, put together.

Owns the list of routes. It is one of the sandbox's families and knows nothing of the others.
"""

import re
from collections.abc import Iterable

from aiohttp import web

from bot.sandbox.ground import Ground
from bot.sandbox.midjourney.dialects import Dialect, Raw, Stock
from bot.sandbox.midjourney.looks import Looks
from bot.sandbox.midjourney.media import MediaRoom
from bot.sandbox.midjourney.prices import PRICES
from bot.sandbox.midjourney.studio import Studio
from bot.sandbox.midjourney.submits import Submits

_MODE = "/{mode:(?!v1/|v1beta/|sandbox/)[^/]+}"
"""A first segment that names a speed: `/mj-fast/mj/...`. Any word will do, but not `/v1`."""


class Midjourney:
    """Everything under `/mj`."""

    submit = re.compile(r"/mj/submit/")
    public = re.compile(r"^(?:/[^/]+)?/mj/image/|^/sandbox/media/")
    prices = PRICES

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        dialect: Dialect = Raw(ground) if ground.dialect == "raw" else Stock(ground)
        studio = Studio(ground, dialect)
        self._submits = Submits(ground, dialect, studio)
        self._looks = Looks(ground, dialect, studio)
        self._media = MediaRoom(ground, studio)

    def routes(self) -> Iterable[web.RouteDef]:
        """Its endpoints, each with and without a speed in front."""
        for mode in ("", _MODE):
            yield from self._submit_routes(f"{mode}/mj/submit")
            yield from self._task_routes(f"{mode}/mj/task")
            yield web.get(f"{mode}/mj/image/{{id}}", self._media.by_id)
        yield web.get("/sandbox/media/{token}.{ending:[a-z]+}", self._media.by_address)

    def _submit_routes(self, root: str) -> Iterable[web.RouteDef]:
        submits = self._submits
        yield web.post(f"{root}/imagine", submits.imagine)
        yield web.post(f"{root}/blend", submits.blend)
        yield web.post(f"{root}/describe", submits.describe)
        yield web.post(f"{root}/shorten", submits.shorten)
        yield web.post(f"{root}/simple-change", submits.simple_change)
        yield web.post(f"{root}/action", submits.action)
        if self._ground.has_change:
            yield web.post(f"{root}/change", submits.change)
        if self._ground.has_modal:
            yield web.post(f"{root}/modal", submits.modal)

    def _task_routes(self, root: str) -> Iterable[web.RouteDef]:
        looks = self._looks
        yield web.get(f"{root}/{{id}}/fetch", looks.fetch)
        yield web.get(f"{root}/{{id}}/image-seed", looks.image_seed)
        if self._ground.has_list:
            yield web.post(f"{root}/list-by-condition", looks.list_by_condition)
        if self._ground.dialect == "raw":
            yield web.post(f"{root}/{{id}}/cancel", looks.cancel)
