"""The gateway of the pretend Discord: sessions over WebSocket, resumed or begun anew.

Owns sockets, sessions, sequence numbers and what is replayed. Knows events as JSON only. Sources:
Discord's docs, "Gateway" (connection lifecycle, close codes, 120 sends a minute, identify limit).
"""

import asyncio
import contextlib
import json
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.servers.discord_world import World

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME, RECONNECT = 0, 1, 2, 3, 6, 7
INVALID_SESSION, HELLO, ACK = 9, 10, 11
UNKNOWN_ERROR, UNKNOWN_OP, DECODE_ERROR, NOT_AUTHENTICATED = 4000, 4001, 4002, 4003
WRONG_TOKEN, ALREADY_AUTHENTICATED, RATE_LIMITED, TIMED_OUT = 4004, 4005, 4008, 4009
INVALID_SHARD, SHARDING_REQUIRED, INVALID_INTENTS, DISALLOWED_INTENTS = 4010, 4011, 4013, 4014
MESSAGE_CONTENT = 1 << 15
PRIVILEGED = 1 << 1 | 1 << 8 | MESSAGE_CONTENT
"""Intents an app must be granted: members, presences, message content."""
SENDS = (120, 60.0)
"""How many payloads a client may send in how many seconds."""
LARGEST = 4096
"""Bytes a payload of the client may have."""

Json = dict[str, Any]


@dataclass(eq=False)
class Session:
    """A session of one shard; it outlives its socket until it is ended.

    Attributes:
        log: Every event of it, by sequence number, for those who resume.
    """

    shard: int
    shards: int
    intents: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    seq: int = 0
    log: list[Json] = field(default_factory=list)
    socket: "Socket | None" = None

    def wants(self, guild_id: int | None, intents: int) -> bool:
        """Whether an event is for this session."""
        shard = 0 if guild_id is None else (guild_id >> 22) % self.shards
        return shard == self.shard and (not intents or bool(self.intents & intents))

    def dispatch(self, event: str, data: Any) -> None:
        """Numbers an event and sends it, now or when the session is resumed."""
        self.seq += 1
        frame = {"op": DISPATCH, "t": event, "s": self.seq, "d": data}
        # A copy as of now: what the bot is told later of the same thing must not change it.
        self.log.append(json.loads(json.dumps(frame)))
        if self.socket is not None:
            self.socket.send(self.log[-1])


@dataclass(eq=False)
class Socket:
    """One connection: its own compression, its own order of frames.

    Attributes:
        code: What the server closes it with.
    """

    ws: web.WebSocketResponse
    compressed: bool
    session: Session | None = None
    code: int | None = None
    heard: float = 0.0
    sent_at: list[float] = field(default_factory=list)
    _frames: "asyncio.Queue[Json | None]" = field(default_factory=asyncio.Queue)

    def send(self, frame: Json) -> None:
        """Puts a frame behind those that wait."""
        self._frames.put_nowait(frame)

    def close(self, code: int) -> None:
        """Ends the connection after what waits."""
        self.code = self.code or code
        self._frames.put_nowait(None)

    async def write(self) -> None:
        """Sends frames until closed."""
        packer = zlib.compressobj()
        while (frame := await self._frames.get()) is not None:
            text = json.dumps(frame, separators=(",", ":"))
            if not self.compressed:
                await self.ws.send_str(text)
                continue
            data = packer.compress(text.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
            await self.ws.send_bytes(data)
        await self.ws.close(code=self.code or UNKNOWN_ERROR)


class Gateway:
    """All sessions.

    Args:
        world: What exists.
        token: The bot's.
        violations: Where breaches of the protocol are noted.
        heartbeat: Seconds between heartbeats; who misses one and a half is cut off.

    Attributes:
        url: Where sessions are resumed; known once the server listens.
        identifies: How many sessions were asked for.
        resumes: How many were resumed.
        identify_gap: Seconds between two IDENTIFYs, 5 at Discord; sooner means INVALID_SESSION.
        allowed_intents: Privileged intents the app was granted.
        shard_count: How many shards `/gateway/bot` recommends; 0: that route is not there.
        compresses: Whether `compress=zlib-stream` is heeded; else frames come as plain text.
        lean: Whether READY lacks what the docs mark as optional.
        refuses: A code that every IDENTIFY is answered with, 0 for none.
        mute: Whether connections are taken and then nothing is said, not even HELLO.
    """

    def __init__(
        self, world: World, token: str, violations: list[str], *, heartbeat: float
    ) -> None:
        self.url = ""
        self.identifies = self.resumes = 0
        self.identify_gap = 0.0
        self.allowed_intents = 0
        self.shard_count = 1
        self.compresses = True
        self.lean = self.mute = False
        self.refuses = 0
        self.sessions: dict[str, Session] = {}
        self._world = world
        self._token = token
        self._violations = violations
        self._heartbeat = heartbeat
        self._sockets: set[Socket] = set()
        self._identified = float("-inf")

    # -- what tests and the world ask for --------------------------------------------------------

    def push(self, event: str, data: Json, *, guild_id: int | None = None, intents: int = 0) -> int:
        """Sends an event; see `Feed`."""
        found = [each for each in self.sessions.values() if each.wants(guild_id, intents)]
        for session in found:
            hidden = guild_id is not None and event.startswith("MESSAGE_")
            session.dispatch(event, self._veiled(session, data) if hidden else data)
        return len(found)

    def _veiled(self, session: Session, message: Json) -> Json:
        """What a session may read of a guild's message without the message content intent.

        The docs do not say whether what is replied to comes whole with a reply that does: here it
        is judged by itself, which is the stricter reading.
        """
        me = str(self._world.bot.id)
        if replied := message.get("referenced_message"):
            message = message | {"referenced_message": self._veiled(session, replied)}
        named = [
            each["id"] for each in (message.get("author"), *message.get("mentions", [])) if each
        ]
        if session.intents & MESSAGE_CONTENT or "author" not in message or me in named:
            return message
        return message | {"content": "", "embeds": [], "attachments": [], "components": []}

    @property
    def connected(self) -> int:
        """How many sessions have a socket."""
        return sum(session.socket is not None for session in self.sessions.values())

    async def wait_connected(self, shards: int = 1, timeout: float = 10.0) -> None:
        """Waits until so many shards listen.

        Raises:
            AssertionError: They do not in time.
        """
        await self._world.watch.until(
            lambda: self.connected >= shards, timeout, lambda: f"{shards} shards at the gateway"
        )

    def disconnect(self, *, resumable: bool = True, code: int = UNKNOWN_ERROR) -> None:
        """Cuts every connection; without `resumable` the sessions are gone as well."""
        for socket in list(self._sockets):
            self._detach(socket, keep=resumable)
            socket.close(code)
        if not resumable:
            self.sessions.clear()

    def reconnect(self) -> None:
        """Asks every client to come again and resume (op 7)."""
        for socket in list(self._sockets):
            socket.send({"op": RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool = False) -> None:
        """Tells every client that its session is invalid (op 9)."""
        for socket in list(self._sockets):
            if not resumable:
                self._detach(socket, keep=False)
            socket.send({"op": INVALID_SESSION, "d": resumable})

    async def close(self) -> None:
        """Cuts every connection and waits until they are."""
        sockets = list(self._sockets)
        self.disconnect()
        for socket in sockets:
            with contextlib.suppress(TimeoutError, ConnectionError):
                await asyncio.wait_for(socket.ws.close(code=1001), 0.5)

    # -- connections -----------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serves one connection."""
        query = request.query
        if query.get("v") != "10" or query.get("encoding") != "json":
            self._violations.append(f"gateway: not v=10, encoding=json: {dict(query)}")
        if query.get("compress") not in (None, "zlib-stream"):
            self._violations.append(f"gateway: {query['compress']} is not served here")
        ws = web.WebSocketResponse(compress=False, timeout=0.2)
        await ws.prepare(request)
        compressed = self.compresses and query.get("compress") == "zlib-stream"
        socket = Socket(ws, compressed, heard=_now())
        self._sockets.add(socket)
        interval = int(self._heartbeat * 1000)
        if not self.mute:
            socket.send({"op": HELLO, "d": {"heartbeat_interval": interval, "_trace": ["[]"]}})
        tasks = [asyncio.create_task(run(socket)) for run in (_writing, self._reading, self._pulse)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._lost(socket)
        return ws

    def _lost(self, socket: Socket) -> None:
        self._sockets.discard(socket)
        # A client that says goodbye in order gives its session up (docs, "Disconnecting").
        gone = socket.code is None and socket.ws.close_code in (1000, 1001)
        self._detach(socket, keep=not gone)
        self._world.watch.notify()

    def _detach(self, socket: Socket, *, keep: bool) -> None:
        session, socket.session = socket.session, None
        if session is None or session.socket is not socket:
            return
        session.socket = None
        if not keep:
            self.sessions.pop(session.id, None)

    async def _pulse(self, socket: Socket) -> None:
        """Cuts a client off whose heart does not beat."""
        while _now() - socket.heard < self._heartbeat * 1.5:  # noqa: ASYNC110  (time is awaited)
            await asyncio.sleep(self._heartbeat / 4)
        self._violations.append("gateway: no heartbeat in time")
        socket.close(TIMED_OUT)
        await asyncio.sleep(1)

    async def _reading(self, socket: Socket) -> None:
        async for message in socket.ws:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                continue
            code = self._received(socket, message.data)
            if code and code == self.refuses:
                socket.close(code)
            elif code:
                self._violations.append(f"gateway: closed with {code} on {str(message.data)[:80]}")
                socket.close(code)

    def _received(self, socket: Socket, text: str | bytes) -> int:
        """Takes a payload; returns the code to close with, 0 for none."""
        now = _now()
        socket.sent_at = [at for at in socket.sent_at if at > now - SENDS[1]] + [now]
        if len(socket.sent_at) > SENDS[0]:
            return RATE_LIMITED
        try:
            frame = json.loads(text)
            op, data = frame["op"], frame.get("d")
        except (ValueError, KeyError, TypeError):
            return DECODE_ERROR
        if len(text) > LARGEST:
            return DECODE_ERROR
        handlers: dict[int, Callable[[Socket, Any], int]] = {
            HEARTBEAT: self._beat,
            IDENTIFY: self._identify,
            RESUME: self._resume,
            PRESENCE: _ignored,
        }
        if op not in handlers:
            return UNKNOWN_OP
        return handlers[op](socket, data)

    def _beat(self, socket: Socket, data: Any) -> int:
        socket.heard = _now()
        session = socket.session
        if data is not None and not isinstance(data, int):
            return DECODE_ERROR
        if session is not None and data is not None and data > session.seq:
            return 4007
        socket.send({"op": ACK})
        return 0

    def _identify(self, socket: Socket, data: Any) -> int:
        self.identifies += 1
        if code := self._refusal(socket, data):
            return code
        early = _now() - self._identified < self.identify_gap
        self._identified = _now()
        if early:
            socket.send({"op": INVALID_SESSION, "d": False})
            return 0
        number, count = data.get("shard") or (0, 1)
        # Who begins anew does not come back for what the same shard left behind.
        stale = [each for each in self.sessions.values() if not each.socket]
        for old in stale:
            if old.shard == number:
                del self.sessions[old.id]
        session = Session(number, count, data["intents"])
        self.sessions[session.id] = session
        self._attach(socket, session)
        self._greet(session)
        return 0

    def _refusal(self, socket: Socket, data: Any) -> int:
        if socket.session is not None:
            return ALREADY_AUTHENTICATED
        if not isinstance(data, dict) or not isinstance(data.get("properties"), dict):
            return DECODE_ERROR
        if data.get("token") != self._token:
            return WRONG_TOKEN
        if self.refuses:
            return self.refuses
        intents = data.get("intents")
        if not isinstance(intents, int) or not 0 <= intents < 1 << 26:
            return INVALID_INTENTS
        if intents & PRIVILEGED & ~self.allowed_intents:
            return DISALLOWED_INTENTS
        number, count = data.get("shard") or (0, 1)
        return 0 if 0 <= number < count else INVALID_SHARD

    def _attach(self, socket: Socket, session: Session) -> None:
        socket.session, session.socket = session, socket
        self._world.watch.notify()

    def _greet(self, session: Session) -> None:
        world = self._world
        own = [
            guild
            for guild in world.guilds.values()
            if guild.bot_is_member and session.wants(guild.id, 0)
        ]
        ready: Json = {
            "v": 10,
            "user": {**world.bot.wire(), "verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in own],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "application": {"id": str(world.application_id), "flags": 0},
        }
        if not self.lean:
            ready |= {"shard": [session.shard, session.shards], "session_type": "normal"}
            ready |= {key: [] for key in ("private_channels", "relationships", "presences")}
        session.dispatch("READY", ready)
        if session.intents & 1:
            for guild in own:
                session.dispatch("GUILD_CREATE", guild.create_wire())

    def _resume(self, socket: Socket, data: Any) -> int:
        if socket.session is not None:
            return ALREADY_AUTHENTICATED
        if not isinstance(data, dict):
            return DECODE_ERROR
        if data.get("token") != self._token:
            return WRONG_TOKEN
        session = self.sessions.get(str(data.get("session_id")))
        seq = data.get("seq")
        if session is None or not isinstance(seq, int) or not 0 <= seq <= session.seq:
            socket.send({"op": INVALID_SESSION, "d": False})
            return 0
        self.resumes += 1
        if session.socket is not None:
            session.socket.close(UNKNOWN_ERROR)
            session.socket.session = None
        for frame in session.log[seq:]:
            socket.send(frame)
        self._attach(socket, session)
        session.dispatch("RESUMED", {"_trace": ["[]"]})
        return 0


async def _writing(socket: Socket) -> None:
    await socket.write()


def _ignored(socket: Socket, data: Any) -> int:
    return 0 if socket.session is not None else NOT_AUTHENTICATED


def _now() -> float:
    return asyncio.get_running_loop().time()
