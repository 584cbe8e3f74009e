"""A light pretend Bot API: people who type at a given rate; a note of what they saw and when."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from tests.bench.serving import serve
from tests.bench.words import END

HEAD = 1 << 16
"""Bytes of a body that are looked at; the rest of an upload is counted only."""
PROMPT = re.compile(r"bench \d+")
IMAGINE = "/imagine {name}"
FILES = ("sendPhoto", "sendDocument", "sendVideo", "sendAudio", "sendMediaGroup")
CURSOR = "▌"
"""What an answer ends with that is still growing."""
GROUP = -1001
"""The first group; the others' numbers are below."""


class Chats:
    """Who typed what, and what came back."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []
        self.bell = asyncio.Event()
        self.ids = itertools.count(1)
        self.said: dict[str, float] = {}
        self.seen: list[tuple[float, str, int, str]] = []
        """(time, method, chat, text) of every visible call."""
        self.calls: defaultdict[int, deque[float]] = defaultdict(deque)
        self.limit = (0, 60.0)
        """(visible calls, in seconds) of a group; 0 for none."""
        self.refused = 0
        self.typing: set[asyncio.Task[None]] = set()
        self.keep_all = False
        self.done: set[str] = set()
        """Prompts whose result has come."""
        self.groups = 0
        """Those that are used up: their budgets are spent for a minute."""

    def clear(self) -> None:
        """Forget what happened."""
        self.said.clear()
        self.seen.clear()
        self.done.clear()
        self.refused = 0

    async def type(
        self,
        count: int,
        rate: float,
        group: bool = False,
        texts: Sequence[str] = (IMAGINE,),
        groups: int = 0,
    ) -> None:
        """Have `count` people type `texts` in turns, `rate` a second: each in a chat of their own,
        all in one `group`, or every second one in one of so many new `groups`.
        """
        begun, first = time.time(), GROUP - self.groups
        self.groups += groups
        for number in range(count):
            await asyncio.sleep(max(begun + number / rate - time.time(), 0))
            name, chat = f"bench {number}", 1000 + number
            if group or (groups and number % 2):
                chat = first - (number // 2 % groups if groups else 0)
            self.said[name] = time.time()
            self._say(number, texts[number % len(texts)].format(name=name), chat)

    def _say(self, number: int, text: str, where: int) -> None:
        person = {"id": 1000 + number, "is_bot": False, "first_name": f"Person {number}"}
        chat: dict[str, Any] = {"id": where, "type": "private"}
        if where < 0:
            chat = {"id": where, "type": "supergroup", "title": "Group"}
        message = {
            "message_id": next(self.ids),
            "from": person | {"language_code": "en"},
            "chat": chat,
            "date": int(time.time()),
            "text": text,
            "entities": [{"type": "bot_command", "offset": 0, "length": text.index(" ")}],
        }
        self.updates.append({"update_id": next(self.ids), "message": message})
        self.bell.set()

    async def next(self, offset: int, wait: float) -> list[dict[str, Any]]:
        """A long poll."""
        self.updates = [u for u in self.updates if u["update_id"] >= offset]
        if not self.updates:
            self.bell.clear()
            try:
                async with asyncio.timeout(wait):
                    await self.bell.wait()
            except TimeoutError:
                pass
        return self.updates[:100]

    def pause(self, chat: int) -> int:
        """Seconds a group has to wait for its next visible call; 0 takes it."""
        most, window = self.limit
        if not most or chat > 0:
            return 0
        calls, now = self.calls[chat], time.time()
        while calls and calls[0] <= now - window:
            calls.popleft()
        if len(calls) >= most:
            self.refused += 1
            return int(calls[0] + window - now) + 1
        calls.append(now)
        return 0


async def _body(request: web.Request) -> dict[str, Any]:
    """The parameters of a call; of an upload only the words are kept."""
    head = bytearray()
    async for chunk in request.content.iter_chunked(1 << 18):
        if len(head) < HEAD:
            head += chunk
    if not request.content_type.startswith("multipart/"):
        return {k: v[0] for k, v in parse_qs(head.decode()).items()}
    text = head[:HEAD].decode("utf-8", "replace")
    fields = re.findall(r'name="(\w+)"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r]*)\r\n', text)
    return dict(fields)


def application() -> web.Application:
    """The server."""
    chats = Chats()

    async def call(request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given = await _body(request)
        match method:
            case "getMe":
                found: Any = {"id": 42, "is_bot": True, "first_name": "B", "username": "bench_bot"}
            case "getUpdates":
                wait = float(given.get("timeout", 0))
                found = await chats.next(int(given.get("offset") or 0), wait)
            case "setMyCommands" | "deleteWebhook" | "answerCallbackQuery":
                found = True
            case _:
                return _visible(chats, method, given)
        return web.json_response({"ok": True, "result": found})

    async def type_(request: web.Request) -> web.Response:
        given = await request.json()
        chats.clear()
        chats.keep_all = given.pop("keep_all", False)
        chats.limit = tuple(given.pop("limit", (0, 60.0)))
        task = asyncio.create_task(chats.type(**given))
        chats.typing.add(task)
        task.add_done_callback(chats.typing.discard)
        return web.json_response({})

    async def report(request: web.Request) -> web.Response:
        del request
        return web.json_response({"said": chats.said, "seen": chats.seen, "refused": chats.refused})

    async def count(request: web.Request) -> web.Response:
        del request
        return web.json_response({"said": len(chats.said), "results": len(chats.done)})

    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/bot{token}/{method}", call)
    app.router.add_post("/bench/type", type_)
    app.router.add_get("/bench/report", report)
    app.router.add_get("/bench/count", count)
    return app


def _visible(chats: Chats, method: str, given: dict[str, Any]) -> web.Response:
    chat = int(given["chat_id"])
    pause = chats.pause(chat)
    if pause:
        error = {"ok": False, "error_code": 429, "description": f"Too Many Requests: {pause}"}
        return web.json_response(error | {"parameters": {"retry_after": pause}}, status=429)
    text = str(given.get("text") or given.get("caption") or given.get("media") or "")
    own = [f"bench {chat - 1000}"] if chat > 0 else []
    names = PROMPT.findall(text)[:1] or own  # an album's words are in the message after it
    chats.seen.append((time.time(), method, chat, text if chats.keep_all else " ".join(names)))
    if method in FILES or (method == "sendMessage" and END in text and CURSOR not in text):
        chats.done.update(names)
    if method == "deleteMessage":
        return _json(True)
    if method == "sendMediaGroup":
        return _json([_message(next(chats.ids), chat) for _ in json.loads(given["media"])])
    return _json(_message(int(given.get("message_id") or next(chats.ids)), chat))


def _json(found: Any) -> web.Response:
    return web.Response(
        text=json.dumps({"ok": True, "result": found}), content_type="application/json"
    )


def _message(number: int, chat: int) -> dict[str, Any]:
    about = {"id": chat, "type": "private" if chat > 0 else "supergroup"}
    return {"message_id": number, "date": int(time.time()), "text": "…", "chat": about}


if __name__ == "__main__":
    serve(application())
