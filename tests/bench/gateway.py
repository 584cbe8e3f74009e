"""A light pretend gateway: jobs that take a drawn time, a picture at the end, and a note of it all.

Speaks just enough of the protocol at a few microseconds a request. Nothing is drawn or checked:
`bot.sandbox` is for that.
"""

from __future__ import annotations

import io
import random
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web
from PIL import Image

from tests.bench import words
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
    calls: int = 0
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


def application() -> web.Application:
    """The server."""
    state, random_ = State(), random.Random(7)

    async def submit(request: web.Request) -> web.Response:
        now = time.time()
        body = await request.json()
        state.calls += 1
        state.number += 1
        setup = state.setup
        took = max(setup.median * random_.lognormvariate(0.0, setup.sigma), setup.least)
        task = Task(f"{state.number:016d}", body["prompt"], now, now + took)
        state.tasks[task.id] = task
        return web.json_response({"code": 1, "description": "Submit success", "result": task.id})

    def view(request: web.Request, task: Task) -> dict[str, Any]:
        now = time.time()
        task.looks += 1
        share = (now - task.submitted) / (task.finish - task.submitted)
        done = share >= 1
        percent = 100 if done else min(int(share * 100), 99)
        if state.setup.size:  # few jobs, of which everything is wanted
            task.read.append((now, percent))
        status = "SUCCESS" if done else "SUBMITTED" if share < 0.05 else "IN_PROGRESS"
        return {
            "id": task.id,
            "action": "IMAGINE",
            "prompt": task.prompt,
            "status": status,
            "progress": f"{percent}%",
            "imageUrl": f"http://{request.host}/files/{task.id}" if done else "",
            "failReason": "",
            "buttons": _BUTTONS if done else [],
            "properties": {"finalPrompt": task.prompt},
        }

    async def fetch(request: web.Request) -> web.Response:
        state.calls += 1
        return web.json_response(view(request, state.tasks[request.match_info["id"]]))

    async def many(request: web.Request) -> web.Response:
        state.calls += 1
        ids = (await request.json())["ids"]
        found = [view(request, state.tasks[i]) for i in ids if i in state.tasks]
        return web.json_response(found)

    async def file(request: web.Request) -> web.StreamResponse:
        task, setup = state.tasks[request.match_info["id"]], state.setup
        key = (setup.kind, setup.size)
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

    async def chat(request: web.Request) -> web.StreamResponse:
        state.calls += 1
        question = str((await request.json())["messages"][-1]["content"])
        return await words.answer(request, question, state.words)

    async def set_up(request: web.Request) -> web.Response:
        given = await request.json()
        state.words = words.Pace(**given.pop("words", {}))
        state.setup = Setup(**given)
        key = (state.setup.kind, state.setup.size)
        state.files = {key: _picture(*key)}
        state.tasks.clear()
        state.calls = 0
        return web.json_response({})

    async def report(request: web.Request) -> web.Response:
        del request
        tasks = [asdict(task) for task in state.tasks.values()]
        return web.json_response({"calls": state.calls, "tasks": tasks})

    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/mj/submit/imagine", submit)
    app.router.add_get("/mj/task/{id}/fetch", fetch)
    app.router.add_post("/mj/task/list-by-condition", many)
    app.router.add_post(words.PATH, chat)
    app.router.add_get("/files/{id}", file)
    app.router.add_post("/bench/setup", set_up)
    app.router.add_get("/bench/report", report)
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
