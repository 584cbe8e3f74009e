"""The browser playground: events in over HTTP, messages out over server-sent events. An adapter like the others.

Owns sessions, uploads and what each browser shows. A session is one person; its messages are kept so that a reload, a
reconnect or a restart shows them again with live buttons.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from importlib import resources
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter, field_validator

from core.desk import Desk
from core.errors import BotError, MessageGone, StoreError, UserError
from core.messages import (
    Attachment,
    Caller,
    Event,
    Filling,
    Form,
    Invocation,
    Limits,
    Media,
    Message,
    Place,
    Press,
    Ref,
)

log = logging.getLogger(__name__)

KEPT = 120
"""Messages kept per session."""
UPLOAD = 25_000_000
_EVENTS: dict[str, TypeAdapter[Any]] = {
    "invocation": TypeAdapter(Invocation),
    "press": TypeAdapter(Press),
    "filling": TypeAdapter(Filling),
}
STATIC = {"page.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class WebSettings(BaseModel):
    """`[web]`: the program's own web server."""

    model_config = ConfigDict(extra="forbid")

    listen: str = "127.0.0.1:8080"
    """`host:port`, for the playground, /healthz and /metrics."""
    playground: bool = True
    """Serve the browser playground; off whenever `listen` can be reached from elsewhere without a password."""
    password: SecretStr = SecretStr("")
    """Asked for (user name: any) before the playground opens."""

    @field_validator("listen")
    @classmethod
    def _address(cls, listen: str) -> str:
        host, _, port = listen.strip().rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            raise ValueError('write "host:port", such as "127.0.0.1:8080"')
        return listen.strip()

    @property
    def open(self) -> bool:
        """Whether the playground is served."""
        host = self.listen.rpartition(":")[0].strip("[]")
        try:
            here = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            here = False
        return self.playground and (here or bool(self.password.get_secret_value()))


class WebAdapter:
    """One browser session is one private chat."""

    platform = "web"

    def __init__(
        self, settings: WebSettings, desk: Desk, *, notice: str = "", clock: Callable[[], float]
    ) -> None:
        """`notice` is shown at the top of the page."""
        self._settings = settings
        self._desk = desk
        self._notice = notice
        self._clock = clock
        self._logs: dict[str, dict[str, Any]] = {}
        self._bells: dict[str, set[asyncio.Event]] = {}
        self._files: dict[str, Media] = {}
        self._secret = b""
        self._tasks: asyncio.TaskGroup | None = None
        self.ready = False
        self.problem = ""

    # -- the program's side --------------------------------------------------------------------

    def setup(self, app: web.Application) -> None:
        """Add the playground's routes."""
        routes = app.router
        routes.add_get("/", self._page)
        for name in STATIC:
            routes.add_get(f"/static/{name}", self._static)
        routes.add_get("/api/commands", self._commands)
        routes.add_post("/api/events", self._event)
        routes.add_post("/api/files", self._upload)
        routes.add_get("/api/form/{token}", self._form)
        routes.add_get("/api/stream", self._stream)
        routes.add_get("/media/{session}/{mark}/{hash}", self._media)

    async def run(self) -> None:
        """Take up what a restart left and work until cancelled."""
        secret = await self._desk.kept("web:secret")
        if secret is None:
            secret = secrets.token_hex(32)
            await self._desk.keep("web:secret", secret)
        self._secret = bytes.fromhex(secret)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for key, body in await self._desk.pending("web"):
                tasks.create_task(self._handle(key, body))
            self.ready = True
            await asyncio.Event().wait()

    async def close(self) -> None:
        """Wake every open stream so that it ends."""
        self.ready = False
        for bells in self._bells.values():
            for bell in bells:
                bell.set()

    # -- core's side (the Adapter port) --------------------------------------------------------

    def limits(self, place: Place) -> Limits:
        """A browser takes nearly anything."""
        del place
        return Limits(
            text=100_000,
            caption=100_000,
            file_bytes=500_000_000,
            photo_bytes=500_000_000,
            photo_sides=100_000,
            budget=1000,
            window=1.0,
            edit_gap=0.3,
            bar=False,
        )

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        """Show a message; the same nonce shows it once."""
        del reply_to
        shown = await self._log(place.chat)
        if nonce not in shown["messages"]:
            await self._put(place.chat, nonce, message)
        return Ref("web", place.chat, nonce)

    async def edit(self, ref: Ref, message: Message) -> Ref:
        """Change a message that is shown."""
        shown = await self._log(ref.chat)
        if ref.message not in shown["messages"]:
            raise MessageGone
        await self._put(ref.chat, ref.message, message)
        return ref

    async def delete(self, ref: Ref) -> None:
        """Take a message away."""
        shown = await self._log(ref.chat)
        if shown["messages"].pop(ref.message, None) is not None:
            await self._changed(ref.chat, ref.message, None)

    async def locate(self, attachment: Attachment) -> str:
        """Uploads are in the archive already; nothing else is sent here."""
        return attachment.url

    # -- what a session shows ------------------------------------------------------------------

    async def _log(self, session: str) -> dict[str, Any]:
        if session not in self._logs:
            note = await self._desk.kept(f"web:log:{session}")
            found = json.loads(note) if note else {"next": 1, "messages": {}}
            # Another request may have read it meanwhile: there is one log a session.
            self._logs.setdefault(session, {**found, "recent": []})
        return self._logs[session]

    async def _put(self, session: str, key: str, message: Message) -> None:
        shown = await self._log(session)
        shown["messages"][key] = self._card(session, key, message)
        while len(shown["messages"]) > KEPT:
            shown["messages"].pop(next(iter(shown["messages"])))
        await self._changed(session, key, shown["messages"][key])

    async def _changed(self, session: str, key: str, card: dict[str, Any] | None) -> None:
        shown = self._logs[session]
        number = shown["next"]
        shown["next"] = number + 1
        shown["recent"] = [*shown["recent"][-199:], (number, {"key": key, "card": card})]
        kept = {"next": shown["next"], "messages": shown["messages"]}
        await self._desk.keep(f"web:log:{session}", json.dumps(kept, ensure_ascii=False))
        for bell in self._bells.get(session, ()):
            bell.set()

    def _card(self, session: str, key: str, message: Message) -> dict[str, Any]:
        return {
            "key": key,
            "text": message.text,
            "media": [self._shown(session, m) for m in message.media],
            "buttons": [asdict(b) for b in message.buttons],
            "progress": message.progress,
            "form": asdict(message.form) if message.form else None,
        }

    def _shown(self, session: str, media: Media) -> dict[str, Any]:
        url = f"/media/{session}/{self._mark(session, media.hash)}/{media.hash}?n={media.mime}"
        return {
            "url": url,
            "alt": media.alt,
            "name": media.name,
            "width": media.width,
            "height": media.height,
            "mime": media.mime,
            "spoiler": media.spoiler,
        }

    def _mark(self, session: str, value: str) -> str:
        return hmac.new(self._secret, f"{session}/{value}".encode(), "sha256").hexdigest()[:24]

    # -- requests ------------------------------------------------------------------------------

    def _check_host(self, request: web.Request) -> None:
        """Refuse names that merely point here (DNS rebinding) and pages of other origins."""
        name = request.host.rpartition(":")[0] or request.host
        bound = self._settings.listen.rpartition(":")[0]
        local = bound in ("127.0.0.1", "localhost", "[::1]")
        if local and name not in ("127.0.0.1", "localhost", "[::1]"):
            raise web.HTTPForbidden(text="open this page as http://127.0.0.1")
        origin = request.headers.get("Origin")
        if origin and origin.rpartition("//")[2] != request.host:
            raise web.HTTPForbidden(text="another origin")

    def _check_password(self, request: web.Request) -> None:
        wanted = self._settings.password.get_secret_value()
        if not wanted:
            return
        from aiohttp import BasicAuth  # noqa: PLC0415  (only where a password is set)

        try:
            given = BasicAuth.decode(request.headers.get("Authorization", "")).password
        except ValueError:
            given = ""
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="Atelier"'})

    def _session(self, request: web.Request) -> str:
        """The browser's session; raises 401 without one."""
        self._check_host(request)
        self._check_password(request)
        session, _, mark = request.cookies.get("atelier", "").partition(".")
        if not session or not hmac.compare_digest(mark, self._mark(session, "session")):
            raise web.HTTPUnauthorized(text="reload the page")
        return session

    def _caller(self, request: web.Request, session: str) -> Caller:
        lang = request.headers.get("Accept-Language", "").split(",")[0].split(";")[0]
        return Caller("web", session, "You", lang)

    async def _page(self, request: web.Request) -> web.Response:
        self._check_host(request)
        self._check_password(request)
        if not self._secret:
            raise web.HTTPServiceUnavailable(text="starting, reload in a moment")
        response = self._asset("page.html")
        try:
            self._session(request)
        except web.HTTPUnauthorized:
            session = secrets.token_urlsafe(12)
            value = f"{session}.{self._mark(session, 'session')}"
            response.set_cookie(
                "atelier", value, httponly=True, samesite="Strict", max_age=3600 * 24 * 365
            )
        return response

    async def _static(self, request: web.Request) -> web.Response:
        return self._asset(request.path.rpartition("/")[2])

    def _asset(self, name: str) -> web.Response:
        text = resources.files("adapters.web").joinpath("static", name).read_text("utf-8")
        headers = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        }
        return web.Response(text=text, content_type=STATIC[name], headers=headers)

    async def _commands(self, request: web.Request) -> web.Response:
        session = self._session(request)
        say = self._desk.say(self._caller(request, session).lang)
        commands = [
            {
                "name": c.name,
                "summary": say(c.summary),
                "example": c.example,
                "options": [{**asdict(o), "description": say(o.description)} for o in c.options],
            }
            for c in self._desk.commands
        ]
        return web.json_response({"commands": commands, "notice": self._notice})

    async def _upload(self, request: web.Request) -> web.Response:
        session = self._session(request)

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in request.content.iter_chunked(256 * 1024):
                yield chunk

        name = request.headers.get("X-File-Name", "")[:200]
        try:
            media = await self._desk.store_file(chunks(), name=name, limit=UPLOAD)
        except BotError as error:
            return self._sorry(request, session, error)
        handle = secrets.token_urlsafe(12)
        self._files[f"{session}/{handle}"] = media
        return web.json_response({"handle": handle, **self._shown(session, media)})

    def _sorry(self, request: web.Request, session: str, error: BotError) -> web.Response:
        say = self._desk.say(self._caller(request, session).lang)
        return web.json_response({"error": say(error.text, **error.values)}, status=400)

    async def _form(self, request: web.Request) -> web.Response:
        session = self._session(request)
        caller = self._caller(request, session)
        try:
            form: Form = await self._desk.form(request.match_info["token"], caller)
        except UserError as error:
            return self._sorry(request, session, error)
        return web.json_response(asdict(form))

    async def _event(self, request: web.Request) -> web.Response:
        session = self._session(request)
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        try:
            given = await request.json()
            kind, event = self._read(request, session, given)
        except (ValueError, KeyError, TypeError, AttributeError):
            return web.json_response({"error": "That could not be read."}, status=400)
        body = json.dumps({"kind": kind, "event": json.loads(_EVENTS[kind].dump_json(event))})
        try:
            fresh = await self._desk.take_in("web", [(event.key, body)])
        except StoreError as error:
            return self._sorry(request, session, error)
        if fresh and self._tasks is not None:
            self._tasks.create_task(self._handle(event.key, body))
        return web.json_response({"ok": True}, status=202)

    def _read(self, request: web.Request, session: str, given: Any) -> tuple[str, Event]:
        """One event as the page posts it. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        key = f"web:{session}:{str(given['id'])[:60]}"
        caller = self._caller(request, session)
        place = Place("web", session, private=True)
        values = {str(k): self._value(session, v) for k, v in (given.get("values") or {}).items()}
        if token := given.get("token"):
            ref = Ref("web", session, str(given.get("message", "")))
            if "values" in given:
                return "filling", Filling(key, caller, place, str(token), values)  # type: ignore[arg-type]
            return "press", Press(key, caller, place, str(token), ref)
        if "text" in given:
            line = str(given["text"]).strip()
            head, _, rest = line.partition(" ")
            name = head.removeprefix("/").lower() if head.startswith("/") else "imagine"
            rest = rest if head.startswith("/") else line
            return "invocation", Invocation(key, caller, place, name, values, text=rest)
        command = str(given["command"])
        return "invocation", Invocation(key, caller, place, command, values)

    def _value(self, session: str, value: Any) -> Any:
        if isinstance(value, dict):
            return self._files[f"{session}/{value['handle']}"]
        if isinstance(value, list):
            return [self._value(session, one) for one in value]
        if isinstance(value, str | int | float | bool):
            return value
        raise TypeError

    async def _handle(self, key: str, body: str) -> None:
        try:
            found = json.loads(body)
            event = _EVENTS[found["kind"]].validate_python(found["event"])
        except (ValueError, KeyError):
            log.exception("a stored event cannot be read")
            await self._desk.finish(key)
            return
        await self._desk.handle(replace(event, key=key))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """All messages of the session, then every change."""
        session = self._session(request)
        shown = await self._log(session)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        bell = asyncio.Event()
        self._bells.setdefault(session, set()).add(bell)
        last = shown["next"] - 1
        await _tell(response, last, "all", list(shown["messages"].values()))
        try:
            while self.ready:
                bell.clear()
                for number, change in [c for c in shown["recent"] if c[0] > last]:
                    await _tell(response, number, "change", change)
                    last = number
                try:
                    async with asyncio.timeout(15):
                        await bell.wait()
                except TimeoutError:
                    await response.write(b": still here\n\n")
        except ConnectionError:
            pass
        finally:
            self._bells[session].discard(bell)
        return response

    async def _media(self, request: web.Request) -> web.StreamResponse:
        """A file, for the session it was shown to alone."""
        session = self._session(request)
        info = request.match_info
        right = info["session"] == session and hmac.compare_digest(
            info["mark"], self._mark(session, info["hash"])
        )
        mime = request.query.get("n", "")
        if not right or not mime.startswith(("image/", "video/", "audio/")) or "svg" in mime:
            raise web.HTTPNotFound
        path = self._desk.path(Media(info["hash"], mime, 0))
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Content-Type": mime,
            "Content-Security-Policy": "default-src 'none'",
            "Cache-Control": "private, max-age=31536000, immutable",
        }
        return web.FileResponse(path, headers=headers)


async def _tell(response: web.StreamResponse, number: int, name: str, data: Any) -> None:
    text = json.dumps(data, ensure_ascii=False)
    await response.write(f"id: {number}\nevent: {name}\ndata: {text}\n\n".encode())
