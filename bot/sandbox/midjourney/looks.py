"""The endpoints that look: fetch, list, seed, and cancel where the proxy is reached directly.

Owns those answers; the fields of a task are the dialect's.
"""

from aiohttp import web

from bot.sandbox.answers import RefusedError, html_page, json_answer
from bot.sandbox.ground import VISIT, Ground, base_of
from bot.sandbox.midjourney import fields
from bot.sandbox.midjourney.dialects import Dialect, upstream
from bot.sandbox.midjourney.studio import Studio
from bot.sandbox.midjourney.tasks import Task


class Looks:
    """Handlers of `/mj/task/...`."""

    def __init__(self, ground: Ground, dialect: Dialect, studio: Studio) -> None:
        self._ground = ground
        self._dialect = dialect
        self._studio = studio

    async def fetch(self, request: web.Request) -> web.Response:
        """One task."""
        task = self._task(request)
        self._perhaps_html([task])
        return json_answer(self._dialect.rows(task, base_of(request))[0])

    async def list_by_condition(self, request: web.Request) -> web.Response:
        """Many tasks; those that do not exist are simply missing, some may come twice."""
        body = fields.read(request, request[VISIT].json, fields.LIST, self._dialect)
        wanted = dict.fromkeys(body.get("ids", []))
        tasks = [task for one in wanted if (task := self._studio.tasks.get(one))]
        self._perhaps_html(tasks)
        base = base_of(request)
        return json_answer([row for task in tasks for row in self._dialect.rows(task, base)])

    async def image_seed(self, request: web.Request) -> web.Response:
        """The number its pictures came from."""
        task = self._task(request)
        if not task.done(self._ground.clock()):
            raise RefusedError(upstream(4, "关联任务状态错误"))
        return upstream(1, "Submit success", result=str(task.seed))

    async def cancel(self, request: web.Request) -> web.Response:
        """Stop a task that has not ended."""
        task, now = self._task(request), self._ground.clock()
        if task.look(now).status in ("SUCCESS", "FAILURE", "CANCEL"):
            raise RefusedError(upstream(4, "任务已结束"))
        task.cancelled = now
        return upstream(1, "Submit success", result=task.id)

    def _task(self, request: web.Request) -> Task:
        task = self._studio.tasks.get(request.match_info["id"])
        if task is None:
            raise RefusedError(self._dialect.no_task())
        return task

    def _perhaps_html(self, tasks: list[Task]) -> None:
        """Answer like a broken proxy for the first part of the life of a task that says so."""
        now = self._ground.clock()
        for task in tasks:
            if "html" in task.words and now < task.submitted + task.queue + task.run / 2:
                raise RefusedError(html_page(502))
