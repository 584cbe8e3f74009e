"""The sandbox's own pages: what it is, and its controls for tests that run in another process.

Owns `/`, `/sandbox/faults`, `/sandbox/journal` and `/sandbox/tasks`. The controls answer only to
this machine.
"""

import html
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any

from aiohttp import web

from bot.sandbox.answers import RefusedError, json_answer
from bot.sandbox.ground import Ground, Work, base_of
from bot.sandbox.magic import GROUPS


class Admin:
    """The page and the controls."""

    def __init__(self, ground: Ground, endpoints: Iterable[str], *, controls: bool) -> None:
        self._ground = ground
        self._endpoints = sorted(set(endpoints))
        self._controls = controls

    def routes(self) -> Iterable[web.RouteDef]:
        """The page always, the controls where they are wanted."""
        yield web.get("/", self._page)
        if self._controls:
            yield web.post("/sandbox/faults", self._add_fault)
            yield web.get("/sandbox/faults", self._list_faults)
            yield web.delete("/sandbox/faults", self._clear_faults)
            yield web.get("/sandbox/journal", self._journal)
            yield web.get("/sandbox/tasks", self._tasks)

    async def _page(self, request: web.Request) -> web.Response:
        template = resources.files(__package__).joinpath("page.html").read_text("utf-8")
        now, tasks = self._ground.clock(), list(self._ground.tasks.values())
        ended = sum(1 for t in tasks if t.look(now).finished)
        values = {
            "base": html.escape(base_of(request)),
            "dialect": self._ground.dialect,
            "pace": f"{self._ground.pace:g}",
            "running": str(len(tasks) - ended),
            "ended": str(ended),
            "spent": f"{self._ground.account.used:.2f}",
            "words": "".join(_listed(title, words) for title, words in GROUPS.items()),
            "endpoints": "".join(
                f"<li><code>{html.escape(e)}</code></li>" for e in self._endpoints
            ),
        }
        text = re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)
        return web.Response(text=text, content_type="text/html")

    async def _add_fault(self, request: web.Request) -> web.Response:
        self._check_local(request)
        body = await self._object(request)
        faults = self._ground.faults
        if "down" in body:
            faults.is_down = bool(body.pop("down"))
        if "key_exhausted" in body:
            faults.key_exhausted = bool(body.pop("key_exhausted"))
        if not body:
            return json_answer({"ok": True})
        try:
            fault = faults.add(**body)
        except (TypeError, re.error) as error:
            return json_answer({"error": str(error)}, 400)
        return json_answer(asdict(fault))

    async def _list_faults(self, request: web.Request) -> web.Response:
        self._check_local(request)
        return json_answer([asdict(fault) for fault in self._ground.faults.listed])

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._check_local(request)
        self._ground.faults.clear()
        return json_answer({"ok": True})

    async def _journal(self, request: web.Request) -> web.Response:
        self._check_local(request)
        journal = self._ground.journal
        chosen = journal.submits if "submits" in request.query else journal.seen
        return json_answer([seen.as_json() for seen in chosen])

    async def _tasks(self, request: web.Request) -> web.Response:
        self._check_local(request)
        now = self._ground.clock()
        tasks: list[Work] = list(self._ground.tasks.values())
        return json_answer([task.summary(now) for task in tasks])

    def _check_local(self, request: web.Request) -> None:
        try:
            is_local = ipaddress.ip_address(request.remote or "").is_loopback
        except ValueError:
            is_local = False
        if not is_local:
            raise RefusedError(json_answer({"error": "only from this machine"}, 403))

    async def _object(self, request: web.Request) -> dict[str, Any]:
        """The JSON object sent. Its type must be declared, which a foreign web page cannot do."""
        try:
            body = await request.json()
        except ValueError:
            body = None
        if request.content_type != "application/json" or not isinstance(body, dict):
            raise RefusedError(json_answer({"error": "a JSON object is needed"}, 400))
        return body


def _listed(title: str, words: Mapping[str, str]) -> str:
    """One group of magic words as HTML."""
    rows = "".join(
        f"<div><dt><code>{html.escape(word)}</code></dt><dd>{html.escape(does)}</dd></div>"
        for word, does in words.items()
    )
    return f'<h3>{html.escape(title)}</h3><dl class="words">{rows}</dl>'
