"""Tasks of families other than Midjourney: how they go on by the clock, and what comes of them.

Owns the course of a task; each family has its own words for it.
"""

import asyncio
import secrets
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from bot.sandbox.answers import DroppedError, RefusedError, html_page, json_answer
from bot.sandbox.ground import Ground, base_of
from bot.sandbox.magic import words_in

Stage = Literal["queued", "running", "done", "failed", "cancelled"]
Make = Callable[[], bytes]

WRAPPER: Mapping[str, str] = {
    "queued": "QUEUED",
    "running": "IN_PROGRESS",
    "done": "SUCCESS",
    "failed": "FAILURE",
    "cancelled": "FAILURE",
}
"""The words of the gateway's own envelope around a family's task."""


def seed_of(prompt: str) -> int:
    """A number that is the same for the same words in every run."""
    return zlib.crc32(prompt.encode()) & 0xFFFF


@dataclass(slots=True)
class Piece:
    """One file of a result, made when it is first asked for."""

    make: Make
    mime: str
    url: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def address(self, ground: Ground, base: str) -> str:
        """Where it is served."""
        async with self.lock:
            if not self.url:
                data = await asyncio.to_thread(self.make)
                self.url = ground.files.keep(base, data, self.mime)
        return self.url


@dataclass(slots=True)
class Work:
    """One task."""

    id: str
    family: str
    prompt: str
    born: float
    seconds: float
    pieces: list[Piece]
    words: frozenset[str]
    ground: Ground
    more: dict[str, Any] = field(default_factory=dict)

    def stage(self) -> Stage:
        """How it stands now."""
        share = self.share()
        if share < 0.15:
            return "queued"
        if share < 1 or "stall" in self.words:
            return "running"
        if "cancelled" in self.words:
            return "cancelled"
        return "failed" if self.words & {"fail", "moderated"} else "done"

    def word(self, words: Mapping[str, str]) -> str:
        """How it stands in its family's words, or in one nobody knows."""
        stage = self.stage()
        return "PAUSED" if stage == "running" and "unknownstatus" in self.words else words[stage]

    @property
    def printed(self) -> str | int:
        """Its id as it is printed."""
        return int(self.id) if "numeric" in self.words else self.id

    def share(self) -> float:
        """How far on it is, 0 to 1."""
        share = (self.ground.table_time() - self.born) / max(self.seconds * self.ground.pace, 1e-6)
        return min(max(share, 0.0), 0.46 if "stall" in self.words else 1.0)

    def percent(self) -> int:
        """The same in percent."""
        return round(self.share() * 100)

    def reason(self) -> str:
        """Why it failed."""
        if "moderated" in self.words:
            return "content moderation: the prompt goes against our policy"
        return "the renderer gave up: **@everyone** see https://example.com/why"

    def refunded(self, now: float) -> bool:
        """Failures give the money back."""
        return self.stage() == "failed"

    def summary(self, now: float) -> dict[str, Any]:
        """For the sandbox's own list."""
        return {"id": self.id, "family": self.family, "stage": self.stage(), "prompt": self.prompt}

    async def urls(self, request: web.Request) -> list[str]:
        """Where its files are; some words lead elsewhere."""
        base = base_of(request)
        if "nofile" in self.words:
            return []
        if "gone404" in self.words:
            return [f"{base}/sandbox/files/gone.bin" for _ in self.pieces]
        if "notimage" in self.words:
            page = b"<!DOCTYPE html><title>Not here</title>"
            return [self.ground.files.keep(base, page, "text/html") for _ in self.pieces]
        if "loopback" in self.words:
            return ["http://169.254.169.254/secret" for _ in self.pieces]
        whole = [await piece.address(self.ground, base) for piece in self.pieces]
        if "truncated" in self.words:
            return [self.ground.files.half(base, url) for url in whole]
        return whole


class Works:
    """The tasks of one family."""

    def __init__(self, ground: Ground, family: str) -> None:
        self._ground = ground
        self._family = family

    async def start(
        self,
        request: web.Request,
        *,
        prompt: str,
        price: float,
        seconds: float,
        pieces: list[Piece],
        task_id: str = "",
        **more: Any,
    ) -> Work:
        """Charge and begin a task; a lost answer is lost after that."""
        words = words_in(prompt)
        if "slow" in words:
            seconds *= 5
        if "saturated" in words:
            raise RefusedError(_no("当前分组上游负载已饱和，请稍后再试", 429))
        if "numeric" in words:
            task_id = str(10**17 + secrets.randbelow(10**17))
        work = Work(
            task_id or secrets.token_urlsafe(12),
            self._family,
            prompt,
            self._ground.clock(),
            seconds,
            pieces,
            words,
            self._ground,
            more,
        )
        self._ground.tasks[work.id] = work
        self._ground.charge(request, work.id, price, starts=True)
        if "lostanswer" in words:
            raise DroppedError
        if "e500" in words:
            raise RefusedError(_no("do_request_failed", 500))
        return work

    def find(self, task_id: str) -> Work | None:
        """A task of this family."""
        found = self._ground.tasks.get(task_id)
        if not isinstance(found, Work) or found.family != self._family:
            return None
        if "html" in found.words and found.share() < 0.6:
            raise RefusedError(html_page(502))
        return found


def _no(message: str, status: int) -> web.Response:
    return json_answer({"code": message, "message": message, "data": None}, status)
