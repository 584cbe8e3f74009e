"""A light pretend gateway: jobs that take a drawn time, a picture at the end, and a note of it all.

Speaks just enough of the protocol at a few microseconds a request. Nothing is drawn or checked:
`bot.sandbox` is for that.
"""

from __future__ import annotations

import io
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web
from PIL import Image

from tests.bench import words, works
from tests.bench.serving import serve


@dataclass(slots=True)
class Setup:
    """What the next jobs are like.

    Attributes:
        median: Seconds a job takes; the times are log-normal around it.
        sigma: Width of that, 0 for always the median.
        least: Shortest time.
        size: Bytes of a result, made by padding a small picture (or a large one, see `kind`).
        kind: `png`, `mp4`, or `noise` for a picture that really has `size` bytes of pixels.
    """

    median: float = 1.0
    sigma: float = 0.0
    least: float = 0.0
    size: int = 0
    kind: str = "png"


@dataclass(slots=True)
class Task:
    """One job; times are Unix seconds."""

    id: str
    prompt: str
    submitted: float
    finish: float
    looks: int = 0
    served: float = 0.0
    read: list[tuple[float, int]] = field(default_factory=list)
    """When the bot looked and what it was told, percent."""


@dataclass
class State:
    """Everything that happened since the last clearing."""

    setup: Setup = field(default_factory=Setup)
    words: words.Pace = field(default_factory=words.Pace)
    tasks: dict[str, Task] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    """Calls by family: `mj`, `suno`."""
    number: int = 0
    files: dict[tuple[str, int], bytes] = field(default_factory=dict)


def _picture(kind: str, size: int) -> bytes:
    """The bytes every result begins with."""
    if kind == "mp4":
        head = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"
        return head + random.Random(1).randbytes(max(size - len(head), 0))
    out = io.BytesIO()
    if kind == "noise":
        side = int((size / 3) ** 0.5)
        raw = random.Random(1).randbytes(side * side * 3)
        Image.frombytes("RGB", (side, side), raw).save(out, "PNG", compress_level=1)
        return out.getvalue()
    Image.new("RGB", (64, 64), "teal").save(out, "PNG")
    return out.getvalue() + bytes(max(size - out.tell(), 0))


class Service:
    """The routes."""

    def __init__(self) -> None:
        self.state = State()
        self._random = random.Random(7)

    @web.middleware
    async def counted(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Count a call for its family."""
        family = request.path.split("/")[1]
        if family not in ("bench", "files"):
            self.state.asked[family] += 1
        return await handler(request)

    # -- jobs ----------------------------------------------------------------------------------

    def begin(self, prompt: str, times: float = 1.0) -> Task:
        """A new job."""
        state, now, setup = self.state, time.time(), self.state.setup
        state.number += 1
        took = max(setup.median * self._random.lognormvariate(0.0, setup.sigma), setup.least)
        task = Task(f"{state.number:016d}", prompt, now, now + took * times)
        state.tasks[task.id] = task
        return task

    def look(self, one: str) -> tuple[Task, int] | None:
        """A job and its percent."""
        task = self.state.tasks.get(one)
        if task is None:
            return None
        now = time.time()
        task.looks += 1
        share = (now - task.submitted) / (task.finish - task.submitted)
        percent = 100 if share >= 1 else min(int(share * 100), 99)
        if self.state.setup.size:  # few jobs, of which everything is wanted
            task.read.append((now, percent))
        return task, percent

    # -- pictures, and words -------------------------------------------------------------------

    async def submit(self, request: web.Request) -> web.Response:
        task = self.begin((await request.json())["prompt"])
        return web.json_response({"code": 1, "description": "Submit success", "result": task.id})

    def _view(self, request: web.Request, one: str) -> dict[str, Any] | None:
        found = self.look(one)
        if found is None:
            return None
        task, percent = found
        done = percent == 100
        return {
            "id": task.id,
            "action": "IMAGINE",
            "prompt": task.prompt,
            "status": "SUCCESS" if done else "SUBMITTED" if percent < 5 else "IN_PROGRESS",
            "progress": f"{percent}%",
            "imageUrl": f"http://{request.host}/files/{task.id}" if done else "",
            "failReason": "",
            "buttons": _BUTTONS if done else [],
            "properties": {"finalPrompt": task.prompt},
        }

    async def fetch(self, request: web.Request) -> web.Response:
        return web.json_response(self._view(request, request.match_info["id"]))

    async def many(self, request: web.Request) -> web.Response:
        found = [self._view(request, one) for one in (await request.json())["ids"]]
        return web.json_response([one for one in found if one])

    async def chat(self, request: web.Request) -> web.StreamResponse:
        question = str((await request.json())["messages"][-1]["content"])
        return await words.answer(request, question, self.state.words)

    # -- files ---------------------------------------------------------------------------------

    async def file(self, request: web.Request) -> web.StreamResponse:
        state, setup = self.state, self.state.setup
        task, key = state.tasks[request.match_info["id"]], (setup.kind, setup.size)
        if key not in state.files:
            state.files[key] = _picture(*key)
        body, tail = memoryview(state.files[key]), task.id.encode()  # no two files are the same
        answer = web.StreamResponse()
        answer.content_length = len(body) + len(tail)
        await answer.prepare(request)
        for start in range(0, len(body), 1 << 18):
            await answer.write(body[start : start + (1 << 18)])
        await answer.write(tail)
        task.served = time.time()
        return answer

    async def clip(self, request: web.Request) -> web.Response:
        kind, own = request.match_info["kind"], request.match_info["id"].encode()
        if kind == "mp3":
            return web.Response(body=works.mp3() + own)
        box = (8 + len(own)).to_bytes(4, "big") + b"free" + own
        return web.Response(body=works.mp4() + box)

    # -- the benchmark's own side --------------------------------------------------------------

    async def set_up(self, request: web.Request) -> web.Response:
        given, state = await request.json(), self.state
        state.words = words.Pace(**given.pop("words", {}))
        state.setup = Setup(**given)
        key = (state.setup.kind, state.setup.size)
        state.files = {key: _picture(*key)}
        state.tasks.clear()
        state.asked.clear()
        return web.json_response({})

    async def report(self, request: web.Request) -> web.Response:
        del request
        tasks = [asdict(task) for task in self.state.tasks.values()]
        asked = self.state.asked
        return web.json_response({"calls": asked.total(), "asked": asked, "tasks": tasks})


def application() -> web.Application:
    """The server."""
    service = Service()
    app = web.Application(client_max_size=1 << 26, middlewares=[service.counted])
    app.router.add_post("/mj/submit/imagine", service.submit)
    app.router.add_get("/mj/task/{id}/fetch", service.fetch)
    app.router.add_post("/mj/task/list-by-condition", service.many)
    app.router.add_post(words.PATH, service.chat)
    app.router.add_get("/files/{id}", service.file)
    app.router.add_get("/files/{kind}/{id}", service.clip)
    app.router.add_post("/bench/setup", service.set_up)
    app.router.add_get("/bench/report", service.report)
    works.routes(app, service.begin, service.look)
    return app


def _button(label: str, action: str, index: int) -> dict[str, Any]:
    custom_id = f"MJ::JOB::{action}::{index}::0123abcd-0123-4567-89ab-0123456789ab"
    return {"customId": custom_id, "emoji": "", "label": label, "style": 2, "type": 2}


_BUTTONS = [
    *(_button(f"U{n}", "upsample", n) for n in range(1, 5)),
    *(_button(f"V{n}", "variation", n) for n in range(1, 5)),
]

if __name__ == "__main__":
    serve(application())
