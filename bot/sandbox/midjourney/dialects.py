"""The two ways the same Midjourney is answered for: a new-api gateway, or a bare proxy behind one.

Owns spelling: error shapes, codes, the fields of a task. What happens is decided elsewhere.
"""

from typing import Any, Protocol

from aiohttp import web

from bot.sandbox.answers import json_answer, openai_error
from bot.sandbox.ground import Ground
from bot.sandbox.midjourney.buttons import buttons_of
from bot.sandbox.midjourney.tasks import Look, Task

WAITING = "Waiting for window confirm"
_PREVIEW_FROM, _PREVIEW_STEP = 20, 15


class Dialect(Protocol):
    """How answers are spelled."""

    name: str
    lets_bans_through: bool
    """Whether a banned word is found only when the job runs."""

    def new_id(self) -> str:
        """A task id nobody has."""

    def refuse(self, code: int, text: str) -> web.Response:
        """The gateway itself says no."""

    def no_task(self) -> web.Response:
        """A look at a task that does not exist."""

    def no_parent(self) -> web.Response:
        """A follow-up to a task that does not exist."""

    def parent_not_done(self) -> web.Response:
        """A follow-up to a task that has not succeeded, as far as is known."""

    def no_money(self) -> web.Response:
        """The account cannot pay for this."""

    def known(self, task: Task) -> Look:
        """The state as far as whoever answers knows it."""

    def accepted(
        self, task: Task, code: int, text: str, properties: dict[str, Any]
    ) -> web.Response:
        """A submit went through: with code 1, 21 (exists, or wants a window) or 22 (queued)."""

    def rows(self, task: Task, base: str) -> list[dict[str, Any]]:
        """The task as JSON; the first row is what `fetch` answers."""


def upstream(
    code: int,
    text: str,
    *,
    result: str | None = None,
    properties: dict[str, Any] | None = None,
) -> web.Response:
    """What the proxy behind the gateway says, which passes through unchanged: HTTP 200 always."""
    body = {
        "code": code,
        "description": text,
        "result": result,
        "properties": properties or {},
    }
    return json_answer(body)


def saturated() -> web.Response:
    """Code 30, the one that comes with HTTP 429 in any dialect."""
    text = "当前分组上游负载已饱和，请稍后再试 "
    return json_answer({"description": text, "type": "upstream_error", "code": 30}, 429)


def image_url(task: Task, look: Look, base: str) -> str:
    """Where its picture is at this moment: a preview, the result, or "" for nowhere yet."""
    if look.status == "SUCCESS":
        if "loopback" in task.words:
            return "http://169.254.169.254/latest/meta-data/picture.png"
        if task.source and task.action == "DESCRIBE":
            ending = task.source.mime.removeprefix("image/")
            return f"{base}/sandbox/media/{task.hash}.{ending}?{_signature(task)}"
        return f"{base}/sandbox/media/{task.hash}.png?{_signature(task)}" if task.picture else ""
    if look.status not in ("IN_PROGRESS", "REVIEWING") or look.percent < _PREVIEW_FROM:
        return ""
    if task.picture is None or "nulls" in task.words:
        return ""
    step = look.percent - (look.percent - _PREVIEW_FROM) % _PREVIEW_STEP
    ending = "webp" if "webp" in task.words else "png"
    return f"{base}/sandbox/media/{task.hash}.{ending}?{_signature(task)}step={step}&"


LINK_SECONDS = 86_400
"""How long a picture's address works, from the submit on; it is never renewed."""


def _signature(task: Task) -> str:
    """Issued, expires and signed, in the manner of Discord's media links."""
    issued = int(task.submitted)
    return f"ex={issued + LINK_SECONDS:x}&is={issued:x}&hm={signed(task)}&"


def signed(task: Task) -> str:
    """What `hm` must be for this task's links."""
    return (task.hash.replace("-", "") * 2)[:64]


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


class Stock:
    """new-api: a table of its own, refreshed every few seconds, with a fixed set of fields."""

    name = "stock"
    lets_bans_through = True

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def new_id(self) -> str:
        """The time in milliseconds and three digits."""
        while True:
            found = f"{_ms(self._ground.clock())}{self._ground.dice.randrange(1000):03}"
            if found not in self._ground.tasks:
                return found

    def refuse(self, code: int, text: str) -> web.Response:
        """HTTP 400; the text ends in a space, as it is `<text> <nothing>`."""
        return json_answer({"description": f"{text} ", "type": "upstream_error", "code": code}, 400)

    def no_task(self) -> web.Response:
        """Its own spelling of "not found"."""
        return self.refuse(4, "task_no_found")

    def no_parent(self) -> web.Response:
        """The other spelling."""
        return self.refuse(4, "task_not_found")

    def parent_not_done(self) -> web.Response:
        """Not SUCCESS in its own table."""
        return self.refuse(4, "task_status_not_success")

    def no_money(self) -> web.Response:
        """Found by the Midjourney relay."""
        return self.refuse(4, "quota_not_enough")

    def known(self, task: Task) -> Look:
        """As of the last refresh of the table."""
        return task.look(self._ground.table_time())

    def accepted(
        self, task: Task, code: int, text: str, properties: dict[str, Any]
    ) -> web.Response:
        """Codes 21 and 22 become 1, by replacing bytes, except for the two real windows."""
        spaced = "spaced" in task.words
        if not spaced and (code == 22 or (code == 21 and task.window in ("", "REMIX"))):
            code = 1
        result: int | str = int(task.id) if "numeric" in task.words else task.id
        body = {
            "code": code,
            "description": text,
            "properties": properties,
            "result": result,
        }
        return json_answer(body, spaced=spaced)

    def rows(self, task: Task, base: str) -> list[dict[str, Any]]:
        """After a window two rows share the id, and the older one lags one refresh more."""
        if task.confirmed is None:
            return [self._row(task, self.known(task), base, task.action)]
        older = task.look(self._ground.table_time(1))
        return [
            self._row(task, older, base, task.action),
            self._row(task, self.known(task), base, "MODAL"),
        ]

    def _row(self, task: Task, look: Look, base: str, action: str) -> dict[str, Any]:
        done = look.status == "SUCCESS"
        prompt = task.text if task.action == "DESCRIBE" and done else task.prompt.text
        final = task.text or task.prompt.final
        row = {
            "id": task.id,
            "action": action,
            "customId": "",
            "botType": "",
            "prompt": prompt,
            "promptEn": prompt,
            "description": task.description if look.status else "Submit success",
            "state": task.state if look.status else "",
            "submitTime": _ms(task.submitted),
            "startTime": _ms(look.started),
            "finishTime": _ms(look.finished),
            "imageUrl": image_url(task, look, base),
            "status": look.status,
            "progress": f"{look.percent}%",
            "failReason": look.reason,
            "buttons": buttons_of(task) if done else ([] if look.started else None),
            "maskBase64": "",
            "properties": {"finalPrompt": final if done else "", "finalZhPrompt": ""}
            if look.started
            else None,
        }
        return _with_nulls(task, look, row)


class Raw:
    """midjourney-proxy, answering through: HTTP 200 for refusals, nulls, many more fields."""

    name = "raw"
    lets_bans_through = False

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def new_id(self) -> str:
        """Nineteen digits, more than a double can hold."""
        while True:
            found = str(self._ground.dice.randrange(10**18, 9 * 10**18))
            if found not in self._ground.tasks:
                return found

    def refuse(self, code: int, text: str) -> web.Response:
        """HTTP 200 with the code in the body."""
        return upstream(code, text)

    def no_task(self) -> web.Response:
        """A real 404 this time, but not the shape of a wrong address."""
        return json_answer({"code": 3, "description": "数据未找到", "result": None}, 404)

    def no_parent(self) -> web.Response:
        """HTTP 200, code 3."""
        return upstream(3, "关联任务不存在或已失效")

    def parent_not_done(self) -> web.Response:
        """HTTP 200, code 4."""
        return upstream(4, "关联任务状态错误")

    def no_money(self) -> web.Response:
        """Found by the gateway in front, before the proxy is asked."""
        return openai_error(403, "用户额度不足", code="insufficient_user_quota")

    def known(self, task: Task) -> Look:
        """As it is."""
        return task.look(self._ground.clock())

    def accepted(
        self, task: Task, code: int, text: str, properties: dict[str, Any]
    ) -> web.Response:
        """Every code as it is."""
        result: int | str = int(task.id) if "numeric" in task.words else task.id
        return json_answer(
            {
                "code": code,
                "description": text,
                "result": result,
                "properties": properties,
            },
            spaced="spaced" in task.words,
        )

    def rows(self, task: Task, base: str) -> list[dict[str, Any]]:
        """One row; empty means null."""
        look = self.known(task)
        done = look.status == "SUCCESS"
        url = image_url(task, look, base) or None
        properties = {
            "finalPrompt": (task.text or task.prompt.final) if done else None,
            "finalZhPrompt": None,
            "discordInstanceId": "1118138338562560102",
            "messageId": str(int(task.hash[:12].replace("-", ""), 16)) if look.started else None,
            "messageHash": task.hash if done else None,
            "nonce": task.id,
            "flags": 0,
        }
        row = {
            "id": task.id,
            "action": task.action,
            "customId": task.custom_id or None,
            "botType": task.bot,
            "prompt": task.text if task.action == "DESCRIBE" and done else task.prompt.text or None,
            "promptEn": task.prompt.text or None,
            "promptFull": task.prompt.final if done else None,
            "description": task.description,
            "state": task.state or None,
            "submitTime": _ms(task.submitted),
            "startTime": _ms(look.started) or None,
            "finishTime": _ms(look.finished) or None,
            "imageUrl": url,
            "thumbnailUrl": url,
            "imageUrls": [],
            "status": look.status or "NOT_START",
            "progress": self._progress(look),
            "failReason": look.reason or None,
            "buttons": buttons_of(task) if done else None,
            "maskBase64": None,
            "properties": properties,
            "mode": task.mode or None,
            "parentId": task.parent or None,
            "jobId": task.hash if done else None,
            "seed": str(task.seed) if done else None,
            "instanceId": "1118138338562560102",
            "isWhite": False,
        }
        return [_with_nulls(task, look, row)]

    def _progress(self, look: Look) -> str | None:
        if look.status == "FAILURE":
            return ""
        return f"{look.percent}%" if look.status else None


def _with_nulls(task: Task, look: Look, row: dict[str, Any]) -> dict[str, Any]:
    if "nulls" in task.words and look.status not in ("SUCCESS", "FAILURE", "CANCEL"):
        row.update(progress=None, imageUrl=None, buttons=None, properties=None, failReason=None)
    return row
