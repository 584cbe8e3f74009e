"""The browser playground: events in over HTTP, messages out over server-sent events.

An adapter like the others. Owns the routes and the Adapter port. Who may come in is `guard`'s, what
a session shows `feed`'s, what the page posts `intake`'s. A session is one person in a private chat.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from importlib import resources
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from adapters.web import commands, intake, render
from adapters.web.feed import Feed
from adapters.web.guard import Guard
from adapters.web.settings import WebSettings
from core.desk import Desk
from core.errors import AdapterError, BadInput, BotError, Offline, StoreError, UserError
from core.i18n import mark
from core.messages import (
    Attachment,
    Caller,
    Event,
    Invocation,
    Limits,
    Media,
    Message,
    Place,
    Ref,
)

__all__ = ["WebAdapter", "WebSettings"]

log = logging.getLogger(__name__)

UPLOAD = 25_000_000
"""Bytes of the largest file a person may send."""
DRAINED = 500_000_000
"""Bytes of a refused upload that are read and thrown away, so that the refusal is heard."""
ALIVE = 15.0
"""Seconds between two signs of life on a quiet stream."""
SWEEP = 60.0
"""Seconds between two looks for sessions nobody uses."""
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
STATIC = (
    "page.css",
    "composer.css",
    "dialogs.css",
    "cards.css",
    "icon.svg",
    "page.js",
    "net.js",
    "text.js",
    "icons.js",
    "light.js",
    "cards.js",
    "forms.js",
    "pictures.js",
    "composer.js",
    "suggest.js",
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
LIMITS = Limits(
    text=100_000,
    caption=100_000,
    file_bytes=500_000_000,
    photo_bytes=500_000_000,
    photo_sides=100_000,
    budget=1000,
    window=1.0,
    edit_gap=0.3,
    bar=False,
    restyles=True,
)
"""A browser takes nearly anything."""
UNREADABLE = mark("That could not be read. Reload the page and try again.")
TOO_BIG = mark("That file is too big: at most {n} MB can be used.")


class WebAdapter:
    """One browser session is one private chat."""

    platform = "web"
    entrance = ""

    def __init__(
        self, settings: WebSettings, desk: Desk, *, notice: str = "", clock: Callable[[], float]
    ) -> None:
        """`notice` is shown at the top of the page."""
        self._desk = desk
        self._notice = notice
        self._guard = Guard(settings)
        self._feed = Feed(desk, clock)
        self._tasks: asyncio.TaskGroup | None = None
        self.ready = False
        self.problem = ""

    # -- the program's side --------------------------------------------------------------------

    def setup(self, app: web.Application) -> None:
        """Add the playground's routes."""
        routes = app.router
        routes.add_get("/", self._page)
        routes.add_get("/favicon.ico", self._icon)
        for name in STATIC:
            routes.add_get(f"/static/{name}", self._static)
        routes.add_get("/api/commands", self._commands)
        routes.add_get("/api/suggest", self._suggest)
        routes.add_post("/api/events", self._event)
        routes.add_post("/api/files", self._upload)
        routes.add_get("/api/form/{token}", self._form)
        routes.add_get("/api/stream", self._stream)
        routes.add_get("/media/{mark}/{hash}", self._media)

    async def run(self) -> None:
        """Take up what a restart left and work until cancelled."""
        secret = await self._desk.kept("web:secret")
        if secret is None:
            secret = secrets.token_hex(32)
            await self._desk.keep("web:secret", secret)
        left = await self._desk.pending("web")
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for key, body in left:
                tasks.create_task(self._take_up(key, body))
            self._guard.open(bytes.fromhex(secret))
            self.ready = True
            while True:
                await asyncio.sleep(SWEEP)
                with contextlib.suppress(Offline):
                    await self._feed.rest()

    async def close(self) -> None:
        """End every open stream and write what is unsaved."""
        self.ready = False
        self._feed.wake()
        with contextlib.suppress(Offline):
            await self._feed.save()

    # -- core's side (the Adapter port) --------------------------------------------------------

    def limits(self, place: Place) -> Limits:
        """The same everywhere."""
        del place
        return LIMITS

    def aside(self, place: Place, caller: Caller) -> Place:
        """Every session is one person's alone."""
        del caller
        return place

    async def around(self, place: Place) -> Sequence[str]:
        """Chats stand alone here."""
        del place
        return ()

    async def reads(self, chat: Place, caller: Caller) -> bool:
        """Every session is one person's alone."""
        del chat, caller
        return False

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        """Show a message; the same nonce shows it once."""
        del reply_to
        await self._feed.add(place.chat, self._card(place.chat, nonce, message))
        return Ref("web", place.chat, nonce)

    async def edit(self, ref: Ref, message: Message) -> Ref:
        """Change a message that is shown."""
        await self._feed.change(ref.chat, self._card(ref.chat, ref.message, message))
        return ref

    async def whisper(self, ack: Ref, message: Message) -> bool:
        """Presses are answered by messages here."""
        del ack, message
        return False

    async def delete(self, ref: Ref) -> None:
        """Take a message away."""
        await self._feed.remove(ref.chat, ref.message)

    async def locate(self, attachment: Attachment) -> str:
        """Uploads are in the archive already; nothing else is sent here."""
        return attachment.url

    def _card(self, session: str, key: str, message: Message) -> render.Card:
        return render.card(key, message, session, self._signer(session), self._desk.page)

    def _signer(self, session: str) -> render.Sign:
        return lambda value: self._guard.mark(session, value)

    # -- the page ------------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.Response:
        self._guard.admit(request)
        response = _asset("page.html")
        self._guard.welcome(request, response)
        return response

    async def _static(self, request: web.Request) -> web.Response:
        return _asset(request.path.rpartition("/")[2])

    async def _icon(self, request: web.Request) -> web.Response:
        del request
        return _asset("icon.svg")

    async def _commands(self, request: web.Request) -> web.Response:
        session = self._guard.session(request)
        caller = _caller(request, session)
        say = self._desk.say(caller.lang)
        return web.json_response(
            {
                "commands": commands.listing(self._desk.offered(caller), say),
                "words": commands.words(say),
                "notice": self._notice,
                "upload": UPLOAD,
            }
        )

    async def _suggest(self, request: web.Request) -> web.Response:
        """Values of an option to offer while a person types."""
        caller = _caller(request, self._guard.session(request))
        command, option, text = (request.query.get(n, "") for n in ("command", "option", "text"))
        return web.json_response(await self._desk.suggest(command, option, text, caller))

    async def _form(self, request: web.Request) -> web.Response:
        caller = _caller(request, self._guard.session(request))
        try:
            form = await self._desk.form(request.match_info["token"], caller)
        except UserError as error:
            return self._sorry(caller, error)
        return web.json_response(render.form(form, self._desk.page))

    def _sorry(self, caller: Caller, error: BotError, status: int = 400) -> web.Response:
        """An error as one plain sentence."""
        say = self._desk.say(caller.lang)
        return web.json_response({"error": say(error.text, **error.values)}, status=status)

    # -- files ---------------------------------------------------------------------------------

    async def _upload(self, request: web.Request) -> web.Response:
        session = self._guard.session(request)
        caller = _caller(request, session)
        name = unquote(request.headers.get("X-File-Name", ""))[:200]
        try:
            if (request.content_length or 0) > UPLOAD:
                raise BadInput(TOO_BIG, n=UPLOAD // 1_000_000)
            media = await self._desk.store_file(_chunks(request), name=name, limit=UPLOAD)
        except BotError as error:
            await _drain(request)
            return self._sorry(caller, error)
        shown = render.shown(media, session, self._signer(session))
        return web.json_response({"handle": intake.handle(self._guard, session, media), **shown})

    async def _media(self, request: web.Request) -> web.StreamResponse:
        """A file, for the session it was shown to alone."""
        session = self._guard.session(request)
        digest, mime = request.match_info["hash"], request.query.get("type", "")
        signed = render.signed_file(digest, mime)
        if not self._guard.holds(session, signed, request.match_info["mark"]):
            raise web.HTTPNotFound
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Content-Type": mime,
            "Content-Security-Policy": "default-src 'none'",
            "Cache-Control": "private, max-age=31536000, immutable",
        }
        return web.FileResponse(self._desk.path(Media(digest, mime, 0)), headers=headers)

    # -- events --------------------------------------------------------------------------------

    async def _event(self, request: web.Request) -> web.Response:
        session = self._guard.session(request)
        caller = _caller(request, session)
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="JSON is needed here.")
        try:
            given = await request.json()
            event = intake.read(self._guard, session, caller, given)
            body = intake.dump(event)
        except (ValueError, RecursionError, web.HTTPRequestEntityTooLarge):
            return self._sorry(caller, BadInput(UNREADABLE))
        try:
            fresh = await self._desk.take_in("web", [(event.key, body)])
        except StoreError as error:
            return self._sorry(caller, error, 503)
        if fresh and self._tasks is not None:
            if isinstance(event, Invocation):
                await self._say_it(session, event)
            self._tasks.create_task(self._desk.handle(event))
        return web.json_response({"ok": True}, status=202)

    async def _say_it(self, session: str, event: Invocation) -> None:
        """Show what the person asked for; not worth failing over."""
        known = next((c for c in self._desk.commands if c.name == event.command), None)
        line = render.line(known, event.command, event.values)
        if event.text is not None:
            line = f"{line} {event.text}".rstrip()
        given = [v if isinstance(v, list) else [v] for v in event.values.values()]
        media = [m for some in given for m in some if isinstance(m, Media)]
        key = f"me-{hashlib.sha256(event.key.encode()).hexdigest()[:20]}"
        card = render.said(key, line, media, session, self._signer(session))
        with contextlib.suppress(AdapterError):
            await self._feed.add(session, card)

    async def _take_up(self, key: str, body: str) -> None:
        """Deal with an event that an earlier run took in."""
        try:
            event: Event = intake.load(body)
        except ValueError:
            log.exception("a stored event cannot be read", extra={"event": key})
            await self._desk.finish(key)
            return
        await self._desk.handle(event)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """All cards of the session, then every change."""
        session = self._guard.session(request)
        if not self.ready:
            raise web.HTTPServiceUnavailable(text="Atelier is stopping.")
        cards = await self._feed.cards(session)
        headers = {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
        response = web.StreamResponse(headers=headers)
        with self._feed.watch(session) as stream, contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await _tell(response, "all", cards)
            while self.ready:
                try:
                    async with asyncio.timeout(ALIVE):
                        await stream.bell.wait()
                except TimeoutError:
                    await response.write(b": still here\n\n")
                for key, card in stream.take():
                    await _tell(response, "change", {"key": key, "card": card})
        return response


def _caller(request: web.Request, session: str) -> Caller:
    lang = request.headers.get("Accept-Language", "").split(",")[0].split(";")[0]
    return Caller("web", session, "You", lang.strip()[:20])


def _asset(name: str) -> web.Response:
    text = resources.files("adapters.web").joinpath("static", name).read_text("utf-8")
    headers = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return web.Response(text=text, content_type=TYPES[name.rpartition(".")[2]], headers=headers)


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_chunked(256 * 1024):
        yield chunk


async def _drain(request: web.Request) -> None:
    """Read the rest of a body: a browser that is cut off while it sends never reads the answer."""
    left = DRAINED
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(30):
            async for chunk in _chunks(request):
                left -= len(chunk)
                if left < 0:
                    return


async def _tell(response: web.StreamResponse, name: str, data: Any) -> None:
    text = json.dumps(data, ensure_ascii=False)
    await response.write(f"event: {name}\ndata: {text}\n\n".encode())
