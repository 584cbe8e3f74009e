"""The endpoints that start work: imagine, blend, describe, shorten, and what follows a result.

Owns the checks of each, in the order a gateway makes them.
"""

import asyncio
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import web

from bot.sandbox.answers import DroppedError, RefusedError, openai_error
from bot.sandbox.ground import VISIT, Ground
from bot.sandbox.midjourney import buttons, fields, presses, prompts, texts
from bot.sandbox.midjourney.buttons import Press
from bot.sandbox.midjourney.dialects import Dialect, Raw, upstream
from bot.sandbox.midjourney.prices import price_of
from bot.sandbox.midjourney.studio import Order, Plan, Studio
from bot.sandbox.midjourney.tasks import Source, Task
from bot.sandbox.pictures import makings

_DIMENSIONS: Mapping[str, float] = {
    "": 1.0,
    "SQUARE": 1.0,
    "PORTRAIT": 2 / 3,
    "LANDSCAPE": 1.5,
}
_CHANGES = ("UPSCALE", "VARIATION", "REROLL")
_CHANGEABLE = ("IMAGINE", "VARIATION", "REROLL", "BLEND")
_SIMPLE = re.compile(r"(\S+)\s+(?:([UV])([1-4])|(R))")
_SIMPLE_ACTIONS = {"U": "UPSCALE", "V": "VARIATION", None: "REROLL"}


class Submits:
    """Handlers of `POST /mj/submit/...`."""

    def __init__(self, ground: Ground, dialect: Dialect, studio: Studio) -> None:
        self._ground = ground
        self._dialect = dialect
        self._studio = studio

    async def imagine(self, request: web.Request) -> web.Response:
        """A prompt, and pictures to go with it."""
        order = self._order(request, fields.IMAGINE)
        text = self._prompt(order)
        given = await asyncio.to_thread(fields.uploads, order.body.get("base64Array", []))
        prompt = prompts.read(text, niji=_wants_niji(order), pictures=bool(given))
        wide, tall = prompt.ratio
        making = partial(makings.imagined, tuple(upload.colours for upload in given))
        return self._studio.start(order, Plan("IMAGINE", prompt, making, ratio=wide / tall))

    async def blend(self, request: web.Request) -> web.Response:
        """Two to five pictures."""
        order = self._order(request, fields.BLEND)
        uris, shape = (
            order.body.get("base64Array", []),
            order.body.get("dimensions", ""),
        )
        if not 2 <= len(uris) <= 5:
            raise RefusedError(upstream(4, "base64List参数错误: two to five pictures"))
        if shape not in _DIMENSIONS:
            raise RefusedError(upstream(4, "dimensions参数错误"))
        given = await asyncio.to_thread(fields.uploads, uris)
        making = partial(makings.blended, tuple(upload.thumbnail for upload in given))
        prompt = _no_prompt(niji=_wants_niji(order))
        plan = Plan("BLEND", prompt, making, ratio=_DIMENSIONS[shape])
        return self._studio.start(order, plan)

    async def describe(self, request: web.Request) -> web.Response:
        """Four prompts for one picture."""
        order = self._order(request, fields.DESCRIBE)
        uri = order.body.get("base64", "")
        if not uri:
            raise RefusedError(upstream(4, "base64不能为空"))
        (given,) = await asyncio.to_thread(fields.uploads, [uri])
        seed = self._ground.dice.getrandbits(32)
        text = texts.described(given.colours, given.size, seed)
        source = Source(given.data, given.mime)
        prompt = _no_prompt(niji=_wants_niji(order))
        return self._studio.start(order, Plan("DESCRIBE", prompt, source=source, text=text))

    async def shorten(self, request: web.Request) -> web.Response:
        """Which words of a prompt matter."""
        order = self._order(request, fields.SHORTEN)
        prompt = prompts.read(self._prompt(order), niji=_wants_niji(order))
        text = texts.shortened(prompt.words)
        return self._studio.start(order, Plan("SHORTEN", prompt, text=text))

    async def change(self, request: web.Request) -> web.Response:
        """U, V and R by number."""
        order = self._order(request, fields.CHANGE)
        action, index = order.body.get("action", ""), order.body.get("index", 0)
        self._check_change(order, action, index)
        return self._change(order, order.body["taskId"], action, index)

    async def simple_change(self, request: web.Request) -> web.Response:
        """The same as one line of text; the stock gateway finds no model to bill it under."""
        order = self._order(request, fields.SIMPLE_CHANGE)
        if not isinstance(self._dialect, Raw):
            raise RefusedError(_no_channel("mj_"))
        match = _SIMPLE.fullmatch(order.body.get("content", "").strip())
        if match is None:
            raise RefusedError(upstream(4, "content参数错误"))
        action = _SIMPLE_ACTIONS[match[2]]
        return self._change(order, match[1], action, int(match[3] or 1))

    async def action(self, request: web.Request) -> web.Response:
        """A press on any button, by its custom id."""
        order = self._order(request, fields.ACTION)
        press = self._press(order)
        parent = self._parent(order.body.get("taskId", ""))
        if not buttons.offers(parent, press.custom_id):
            request[VISIT].seen.warn("custom id is not under this task")
            raise RefusedError(upstream(4, "customId is not one of the task's buttons"))
        return self._follow(order, parent, press, remix=order.body.get("enableRemix", False))

    async def modal(self, request: web.Request) -> web.Response:
        """The answer to a window."""
        order = self._order(request, fields.MODAL)
        self._need(order, "taskId", "task_id_is_required")
        task = self._studio.tasks.get(order.body["taskId"])
        if task is None:
            raise RefusedError(self._dialect.no_parent())
        prompt, mask = await self._window_answer(order, task)
        words = self._studio.words_of(order, prompt)
        self._studio.refuse_by_words(words, prompt)
        self._studio.check_money("MODAL")
        # Last, with nothing to wait for in between: of two answers at once only one may count.
        if task.look(self._ground.clock()).status != "MODAL":
            raise RefusedError(upstream(4, "Task is not waiting for a window"))
        plan = presses.answered(task, self._studio.tasks[task.parent], prompt, mask)
        starts = task.window != "REMIX"  # a remix was paid when its button was pressed
        self._ground.charge(request, task.id, price_of("MODAL"), starts=starts)
        self._studio.confirm(task, plan, words)
        if "lostanswer" in words:
            raise DroppedError
        return self._dialect.accepted(task, 1, "Submit success", {})

    async def _window_answer(self, order: Order, task: Task) -> tuple[prompts.Prompt, bytes]:
        """The prompt and the mask of an answer, as far as this window needs them."""
        text = order.body.get("prompt") or task.prompt.text
        prompt = prompts.read(text, niji=task.prompt.niji)
        for objection in prompts.objections(text):
            order.request[VISIT].seen.warn(objection)
        if task.window == "CUSTOM_ZOOM" and prompt.zoom is None:
            raise RefusedError(upstream(4, "prompt参数错误: --zoom 1 to 2 is needed"))
        if task.window != "INPAINT":
            return prompt, b""
        if not order.body.get("maskBase64"):
            raise RefusedError(upstream(4, "maskBase64不能为空"))
        return prompt, await asyncio.to_thread(fields.mask_of, order.body["maskBase64"])

    def _order(self, request: web.Request, allowed: Mapping[str, fields.Check]) -> Order:
        return Order(request, fields.read(request, request[VISIT].json, allowed, self._dialect))

    def _need(self, order: Order, name: str, otherwise: str) -> None:
        if not order.body.get(name):
            raise RefusedError(self._dialect.refuse(4, otherwise))

    def _prompt(self, order: Order) -> str:
        text: str = order.body.get("prompt", "")
        if not text.strip():
            raise RefusedError(self._dialect.refuse(4, "prompt_is_required"))
        for objection in prompts.objections(text):
            order.request[VISIT].seen.warn(objection)
        return text

    def _check_change(self, order: Order, action: str, index: int) -> None:
        is_stock = not isinstance(self._dialect, Raw)
        if is_stock and action.upper() not in _CHANGES:
            raise RefusedError(_no_channel(f"mj_{action.lower()}"))
        self._need(order, "taskId", "task_id_is_required")
        if action not in _CHANGES:
            raise RefusedError(self._dialect.refuse(4, f"unknown_action:{action}"))
        if not index and (is_stock or action != "REROLL"):
            raise RefusedError(self._dialect.refuse(4, "index_is_required"))

    def _change(self, order: Order, task: str, action: str, index: int) -> web.Response:
        parent = self._parent(task)
        if parent.action not in _CHANGEABLE:
            raise RefusedError(upstream(4, "关联任务不允许执行变化"))
        if not 1 <= index <= 4 and action != "REROLL":
            raise RefusedError(upstream(4, "index参数错误"))
        custom_id = {
            "UPSCALE": buttons.upscale_id(parent, index),
            "VARIATION": buttons.variation_id(parent, index),
            "REROLL": buttons.reroll_id(parent),
        }[action]
        return self._follow(order, parent, buttons.read(custom_id), remix=False)

    def _follow(self, order: Order, parent: Task, press: Press, *, remix: bool) -> web.Response:
        """Do what a button says; for one that makes no task, say yes and name none."""
        plan = presses.plan_for(parent, press, remix=remix)
        if plan is None:
            return upstream(1, "Submit success", result="")
        return self._studio.start(order, plan)

    def _parent(self, task: str) -> Task:
        """The task to follow up; it must have succeeded as far as whoever answers knows."""
        parent = self._studio.tasks.get(task)
        if parent is None:
            raise RefusedError(self._dialect.no_parent())
        if self._dialect.known(parent).status != "SUCCESS":
            raise RefusedError(self._dialect.parent_not_done())
        return parent

    def _press(self, order: Order) -> Press:
        custom_id: str = order.body.get("customId", "")
        self._need(order, "customId", "custom_id_is_required")
        try:
            press = buttons.read(custom_id)
        except buttons.MalformedError:
            raise RefusedError(self._broken()) from None
        if not buttons.is_well_formed(custom_id):
            order.request[VISIT].seen.warn("custom id does not look like Midjourney's")
        if not press.action and not isinstance(self._dialect, Raw):
            raise RefusedError(self._dialect.refuse(4, f"unknown_action:{custom_id}"))
        self._need(order, "taskId", "task_id_is_required")
        return press

    def _broken(self) -> web.Response:
        """What a custom id without `::` does: the gateway itself falls over."""
        if isinstance(self._dialect, Raw):
            return upstream(4, "customId参数错误")
        panic = "Panic detected, error: runtime error: index out of range [1] with length 1."
        return openai_error(500, panic, kind="new_api_panic")


def _wants_niji(order: Order) -> bool:
    wants: Any = order.body.get("botType")
    return bool(wants == "NIJI_JOURNEY")


def _no_prompt(*, niji: bool) -> prompts.Prompt:
    """Of tasks that take no text."""
    return prompts.read("", niji=niji, pictures=True)


def _no_channel(model: str) -> web.Response:
    return openai_error(503, f"当前分组 default 下对于模型 {model} 无可用渠道")
