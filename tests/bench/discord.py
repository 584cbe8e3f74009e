"""A light pretend Discord: one gateway session, people who run `/imagine` at a given rate, and a
note of what they saw and when.

Ids are consecutive numbers; nothing is checked. `tests.servers.discord` is for that.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
import zlib
from collections import defaultdict, deque
from typing import Any

from aiohttp import WSMsgType, web

from tests.bench.serving import serve

APP, GUILD, SHARED = 42, 77, 5000
HEAD = 1 << 16
PROMPT = re.compile(r"bench \d+")
EVERYTHING = str(1 << 3)
FILES = 100 * 1024 * 1024


class Rooms:
    """Channels, who asked what in them, and what came back."""

    def __init__(self) -> None:
        self.ids = itertools.count(10_000)
        self.said: dict[str, float] = {}
        self.seen: list[tuple[float, str, int, str]] = []
        """(time, what, channel, text) of every visible call."""
        self.calls: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self.limit = (0, 5.0)
        """(calls, in seconds) of one bucket; 0 for none."""
        self.refused = 0
        self.keep_all = False
        self.ws: web.WebSocketResponse | None = None
        self.packer = zlib.compressobj()
        self.seq = 0
        self.command = 0
        self.typing: set[asyncio.Task[None]] = set()

    async def send(self, op: int, data: Any, event: str | None = None) -> None:
        """One frame to the bot."""
        if self.ws is None:
            return
        if op == 0:
            self.seq += 1
        frame = json.dumps({"op": op, "t": event, "s": self.seq if op == 0 else None, "d": data})
        packed = self.packer.compress(frame.encode()) + self.packer.flush(zlib.Z_SYNC_FLUSH)
        await self.ws.send_bytes(packed)

    async def type(self, count: int, rate: float, group: bool) -> None:
        """Have `count` people run `/imagine`, `rate` a second; in one channel if `group`."""
        begun = time.time()
        for number in range(count):
            await asyncio.sleep(max(begun + number / rate - time.time(), 0))
            await self._run(number, SHARED if group else SHARED + 1 + number)

    async def _run(self, number: int, channel: int) -> None:
        prompt, own = f"bench {number}", next(self.ids)
        user = {"id": str(900_000 + number), "username": f"p{number}", "discriminator": "0"}
        user |= {"global_name": f"Person {number}", "avatar": None}
        member = {"user": user, "roles": [], "joined_at": "2024-01-01T00:00:00+00:00"}
        member |= {"deaf": False, "mute": False, "permissions": EVERYTHING, "flags": 0}
        options = [{"name": "prompt", "type": 3, "value": prompt}]
        data = {"id": str(self.command), "name": "imagine", "type": 1, "options": options}
        self.said[prompt] = time.time()
        event = {
            "id": str(own),
            "application_id": str(APP),
            "type": 2,
            "token": f"token-{own}",
            "version": 1,
            "data": data,
            "guild_id": str(GUILD),
            "channel_id": str(channel),
            "channel": _room(channel),
            "guild": {"id": str(GUILD), "locale": "en-GB", "features": []},
            "member": member,
            "locale": "en-GB",
            "app_permissions": EVERYTHING,
            "authorizing_integration_owners": {"0": str(GUILD)},
            "context": 0,
            "entitlements": [],
            "attachment_size_limit": FILES,
        }
        await self.send(0, event, "INTERACTION_CREATE")

    def pause(self, kind: str, where: str) -> float:
        """Seconds a bucket has to wait for its next call; 0 takes it."""
        most, window = self.limit
        if not most:
            return 0.0
        calls, now = self.calls[kind, where], time.time()
        while calls and calls[0] <= now - window:
            calls.popleft()
        if len(calls) >= most:
            self.refused += 1
            return calls[0] + window - now
        calls.append(now)
        return 0.0


async def _head(request: web.Request) -> str:
    """The words of a body; of an upload the rest is let go."""
    head = bytearray()
    async for chunk in request.content.iter_chunked(1 << 18):
        if len(head) < HEAD:
            head += chunk
    return head[:HEAD].decode("utf-8", "replace")


class Api:
    """The routes."""

    def __init__(self) -> None:
        self.rooms = Rooms()
        self.names: dict[str, str] = {}

    async def fixed(self, request: web.Request) -> web.Response:
        host = request.host
        match request.path.removeprefix("/api/v10"):
            case "/gateway/bot" | "/gateway":
                limit = {"total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": 1}
                found: Any = {"url": f"ws://{host}/ws", "shards": 1, "session_start_limit": limit}
            case "/users/@me":
                found = {"id": str(APP), "username": "bench", "discriminator": "0", "avatar": None}
                found |= {"bot": True, "global_name": None}
            case _:
                found = {"id": str(APP), "name": "bench", "description": "", "flags": 0}
                found |= {"icon": None, "bot_public": True, "bot_require_code_grant": False}
                found |= {"verify_key": "", "team": None, "summary": "", "rpc_origins": []}
                found["owner"] = {"id": "1", "username": "o", "discriminator": "0", "avatar": None}
        return _json(found)

    async def commands(self, request: web.Request) -> web.Response:
        made = [
            {**one, "id": str(next(self.rooms.ids)), "application_id": str(APP), "version": "1"}
            for one in await request.json()
        ]
        self.rooms.command = next(int(one["id"]) for one in made if one["name"] == "imagine")
        return _json(made)

    async def callback(self, request: web.Request) -> web.Response:
        own = request.match_info["id"]
        await request.read()
        message = str(next(self.rooms.ids))
        self.names[request.match_info["token"]] = message
        about = {"id": own, "type": 2, "response_message_id": message}
        resource = {"type": 5, "message": _message(self.rooms, message, "0", "")}
        return _json({"interaction": about, "resource": resource})

    async def visible(self, request: web.Request) -> web.Response:
        text, given = await _head(request), request.match_info
        where = given.get("channel") or given.get("token", "")
        kind = f"{request.method} {'channel' if 'channel' in given else 'hook'}"
        if pause := self.rooms.pause(kind, where):
            body = {"message": "You are being rate limited.", "retry_after": pause, "global": False}
            return _json(
                body, status=429, headers={"Retry-After": f"{pause:.3f}", "Via": "1.1 bench"}
            )
        files = request.content_type.startswith("multipart/")
        what = {"POST": "send", "PATCH": "edit", "DELETE": "delete"}[request.method]
        words = text if self.rooms.keep_all else " ".join(PROMPT.findall(text)[:1])
        self.rooms.seen.append((time.time(), "result" if files else what, _number(where), words))
        headers = {"X-RateLimit-Bucket": kind.replace(" ", "-")}
        if request.method == "DELETE":
            return web.Response(status=204, headers=headers)
        message = given.get("message", "")
        number = (
            message if message.isdigit() else self.names.get(where) or str(next(self.rooms.ids))
        )
        if request.method == "POST":
            number = str(next(self.rooms.ids))
        return _json(_message(self.rooms, number, where, "file" if files else ""), headers=headers)

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self.rooms.ws, self.rooms.packer, self.rooms.seq = ws, zlib.compressobj(), 0
        await self.rooms.send(10, {"heartbeat_interval": 41_250})
        async for frame in ws:
            if frame.type is not WSMsgType.TEXT:
                continue
            op = json.loads(frame.data)["op"]
            if op == 1:
                await self.rooms.send(11, None)
            if op == 2:
                user = {"id": str(APP), "username": "bench", "discriminator": "0", "avatar": None}
                ready = {"v": 10, "user": user | {"bot": True}, "guilds": [], "shard": [0, 1]}
                ready |= {"session_id": "s", "resume_gateway_url": f"ws://{request.host}/ws"}
                ready |= {"application": {"id": str(APP), "flags": 0}, "private_channels": []}
                await self.rooms.send(0, ready, "READY")
        return ws

    async def type_(self, request: web.Request) -> web.Response:
        given = await request.json()
        self.rooms.said.clear()
        self.rooms.seen.clear()
        self.rooms.refused = 0
        self.rooms.keep_all = given.pop("keep_all", False)
        self.rooms.limit = tuple(given.pop("limit", (0, 5.0)))
        task = asyncio.create_task(self.rooms.type(**given))
        self.rooms.typing.add(task)
        task.add_done_callback(self.rooms.typing.discard)
        return _json({})

    async def report(self, request: web.Request) -> web.Response:
        del request
        return _json(
            {"said": self.rooms.said, "seen": self.rooms.seen, "refused": self.rooms.refused}
        )

    async def count(self, request: web.Request) -> web.Response:
        del request
        done = sum(1 for _, what, *_ in self.rooms.seen if what == "result")
        return _json({"said": len(self.rooms.said), "results": done})


def application() -> web.Application:
    """The server."""
    api = Api()
    app = web.Application(client_max_size=1 << 30)
    for path in ("/gateway", "/gateway/bot", "/users/@me", "/oauth2/applications/@me"):
        app.router.add_get(f"/api/v10{path}", api.fixed)
    app.router.add_put("/api/v10/applications/{app}/commands", api.commands)
    app.router.add_put("/api/v10/applications/{app}/guilds/{guild}/commands", api.commands)
    app.router.add_post("/api/v10/interactions/{id}/{token}/callback", api.callback)
    app.router.add_post("/api/v10/channels/{channel}/messages", api.visible)
    app.router.add_route("*", "/api/v10/channels/{channel}/messages/{message}", api.visible)
    app.router.add_post("/api/v10/webhooks/{app}/{token}", api.visible)
    app.router.add_route("*", "/api/v10/webhooks/{app}/{token}/messages/{message}", api.visible)
    app.router.add_get("/ws", api.socket)
    app.router.add_get("/ws/", api.socket)
    app.router.add_post("/bench/type", api.type_)
    app.router.add_get("/bench/report", api.report)
    app.router.add_get("/bench/count", api.count)
    return app


def _room(channel: int) -> dict[str, Any]:
    found: dict[str, Any] = {"id": str(channel), "type": 0, "name": "room", "guild_id": str(GUILD)}
    found |= {"position": 0, "parent_id": None, "nsfw": False, "topic": None, "flags": 0}
    return found | {"permissions": EVERYTHING, "last_message_id": None, "rate_limit_per_user": 0}


def _json(found: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer whose type is written as Discord writes it, which discord.py insists on."""
    kind = {"Content-Type": "application/json"}
    return web.Response(
        body=json.dumps(found).encode(), status=status, headers=kind | (headers or {})
    )


def _number(where: str) -> int:
    return int(where) if where.isdigit() else 0


def _message(rooms: Rooms, number: str, channel: str, file: str) -> dict[str, Any]:
    author = {"id": str(APP), "username": "bench", "discriminator": "0", "avatar": None}
    found: dict[str, Any] = {"id": number, "channel_id": channel, "author": author, "type": 0}
    found |= {"content": "", "timestamp": "2024-01-01T00:00:00+00:00", "edited_timestamp": None}
    found |= {"tts": False, "mention_everyone": False, "mentions": [], "mention_roles": []}
    found |= {"embeds": [], "pinned": False, "components": [], "flags": 0, "attachments": []}
    if file:
        name = str(next(rooms.ids))
        found["attachments"] = [
            {"id": name, "filename": "a.png", "size": 1, "url": "http://x/a", "proxy_url": ""}
        ]
    return found


if __name__ == "__main__":
    serve(application())
