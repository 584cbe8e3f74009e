"""Where Midjourney's tasks are made: refusals by magic word, money, the task itself, the answer.

Owns what every paid submit has in common. It does not read requests; that is `submits`.
"""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.answers import DroppedError, RefusedError, json_answer
from bot.sandbox.ground import VISIT, Ground, base_of
from bot.sandbox.magic import words_in
from bot.sandbox.midjourney.dialects import (
    WAITING,
    Dialect,
    image_url,
    saturated,
    upstream,
)
from bot.sandbox.midjourney.fields import Body
from bot.sandbox.midjourney.prices import (
    OTHER_SECONDS,
    QUEUE_SECONDS,
    SECONDS,
    price_of,
)
from bot.sandbox.midjourney.prompts import Prompt
from bot.sandbox.midjourney.tasks import Ending, Making, Source, Task, ending_for
from bot.sandbox.pictures import Picture

_MODES = {"mj-fast": "FAST", "mj-relax": "RELAX", "mj-turbo": "TURBO"}


@dataclass(frozen=True, slots=True)
class Order:
    """One submit as it came."""

    request: web.Request
    body: Body

    @property
    def mode(self) -> str:
        """The speed the address asks for; "" for none."""
        return _MODES.get(self.request.match_info.get("mode", ""), "")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a submit asks for, ready to be made."""

    action: str
    prompt: Prompt
    making: Making | None = None
    """None for what makes no picture."""
    ratio: float = 1.0
    label: str = ""
    """What is drawn in the corner of a single picture."""
    parent: Task | None = None
    index: int = 0
    custom_id: str = ""
    window: str = ""
    large: bool = False
    source: Source | None = None
    text: str = ""
    ending: Ending | None = None


class Studio:
    """Makes tasks and keeps them."""

    def __init__(self, ground: Ground, dialect: Dialect) -> None:
        self._ground = ground
        self._dialect = dialect
        self.tasks: dict[str, Task] = ground.tasks
        self.by_hash: dict[str, Task] = {}
        self._upscales: dict[tuple[str, str], Task] = {}

    def start(self, order: Order, plan: Plan) -> web.Response:
        """Make a task and answer for it.

        Raises:
            RefusedError: If a word in the prompt asks for it, or the money is used up.
            DroppedError: If the answer is to be lost.

        """
        words = self.words_of(order, plan.prompt)
        self.refuse_by_words(words, plan.prompt)
        self.check_money(plan.action)
        existing = self._existing(plan)
        task = existing or self._make(order, plan, words)
        price = price_of(plan.action)
        self._ground.charge(order.request, task.id, price, starts=price > 0)
        if plan.parent:
            plan.parent.pressed.add(plan.custom_id)
        if "lostanswer" in words:
            raise DroppedError
        return self._again(order, task) if existing else self._accepted(task)

    def words_of(self, order: Order, prompt: Prompt) -> frozenset[str]:
        """The magic words of this submit, those a fault adds included."""
        return words_in(prompt.text) | frozenset(order.request[VISIT].fault.words)

    def refuse_by_words(self, words: frozenset[str], prompt: Prompt) -> None:
        """Refuse where a word asks for it; nothing is made or charged.

        Raises:
            RefusedError: With the answer.

        """
        failed = {
            "description": "do_request_failed ",
            "type": "upstream_error",
            "code": 5,
        }
        if "saturated" in words:
            raise RefusedError(saturated())
        if "e500" in words:
            raise RefusedError(json_answer(failed, 500))
        if "e400" in words:
            raise RefusedError(json_answer(failed, 400))
        if "queuefull" in words:
            unusable = self._dialect.new_id()
            properties = {"discordInstanceId": "1118138338562560102"}
            text = "Queue full, try again later [sandbox word: queuefull]"
            raise RefusedError(upstream(23, text, result=unusable, properties=properties))
        if "noaccount" in words:
            raise RefusedError(upstream(3, "无可用的账号实例 [sandbox word: noaccount]"))
        if "syserror" in words:
            raise RefusedError(upstream(9, "系统异常，请稍后重试 [sandbox word: syserror]"))
        if "banned" in words and not self._dialect.lets_bans_through:
            properties = {"promptEn": prompt.text, "bannedWord": "banned"}
            raise RefusedError(upstream(24, "可能包含敏感词", properties=properties))

    def check_money(self, action: str) -> None:
        """Refuse when the account cannot pay for this action.

        Raises:
            RefusedError: With the answer.

        """
        if not self._ground.account.can_pay(price_of(action)):
            raise RefusedError(self._dialect.no_money())

    def confirm(self, task: Task, plan: Plan, words: frozenset[str]) -> None:
        """A window was answered: the task runs as `plan` says, from now on."""
        task.prompt, task.words = plan.prompt, words
        task.queue, task.run = self._durations(plan.action, words)
        task.ending = self._ending(plan, words)
        task.seed = self._seed(plan.prompt)
        task.making = plan.making
        task.picture = self._picture(plan, task.seed)
        task.confirmed = self._ground.clock()

    def _existing(self, plan: Plan) -> Task | None:
        """The upscale of the same picture that was asked for before and has not failed."""
        if plan.parent is None:
            return None
        task = self._upscales.get((plan.parent.id, plan.custom_id))
        if task is None or self._now_status(task) in ("FAILURE", "CANCEL"):
            return None
        return task

    def _now_status(self, task: Task) -> str:
        return task.look(self._ground.clock()).status

    def _make(self, order: Order, plan: Plan, words: frozenset[str]) -> Task:
        queue, run = self._durations(plan.action, words)
        seed = self._seed(plan.prompt)
        task = Task(
            id=self._dialect.new_id(),
            action=plan.action,
            prompt=plan.prompt,
            submitted=self._ground.clock(),
            queue=queue,
            run=run,
            pace=self._ground.pace,
            words=words,
            ending=self._ending(plan, words),
            mode=order.mode or _mode_of(plan.prompt),
            bot="NIJI_JOURNEY" if plan.prompt.niji else "MID_JOURNEY",
            state=order.body.get("state", ""),
            parent=plan.parent.id if plan.parent else "",
            index=plan.index,
            custom_id=plan.custom_id,
            seed=seed,
            picture=self._picture(plan, seed),
            making=plan.making,
            large=plan.large,
            source=plan.source,
            text=plan.text,
            window=plan.window,
        )
        self.tasks[task.id] = self.by_hash[task.hash] = task
        if plan.parent and plan.action == "UPSCALE" and not plan.large:
            self._upscales[plan.parent.id, plan.custom_id] = task
        return task

    def _durations(self, action: str, words: frozenset[str]) -> tuple[float, float]:
        """Seconds queued and seconds running."""
        stretch = self._ground.pace * (5 if "slow" in words else 1)
        queue = QUEUE_SECONDS * stretch
        return queue, max(0.001, SECONDS.get(action, OTHER_SECONDS) * stretch - queue)

    def _ending(self, plan: Plan, words: frozenset[str]) -> Ending:
        strict = self._dialect.lets_bans_through
        return plan.ending or ending_for(words, plan.prompt.problem, strict_bans=strict)

    def _seed(self, prompt: Prompt) -> int:
        return self._ground.dice.getrandbits(32) if prompt.seed is None else prompt.seed

    def _picture(self, plan: Plan, seed: int) -> Picture | None:
        if plan.making is None:
            return None
        cells = plan.making(seed, plan.prompt.words)
        labels = "1234" if len(cells) == 4 else plan.label
        return Picture(cells, plan.ratio, plan.prompt.words, labels)

    def _accepted(self, task: Task) -> web.Response:
        if task.window:
            properties: dict[str, Any] = {
                "finalPrompt": task.prompt.text,
                "remix": task.window == "REMIX",
            }
            task.description = WAITING
            return self._dialect.accepted(task, 21, WAITING, properties)
        if "queue" in task.words:
            task.description = "Job queued, there are 2 tasks ahead"
            properties = {
                "numberOfQueues": 2,
                "discordInstanceId": "1118138338562560102",
            }
            return self._dialect.accepted(task, 22, task.description, properties)
        return self._dialect.accepted(task, 1, "Submit success", {})

    def _again(self, order: Order, task: Task) -> web.Response:
        look = self._dialect.known(task)
        url = image_url(task, look, base_of(order.request))
        properties = {"status": look.status, "imageUrl": url}
        return self._dialect.accepted(task, 21, "Task already exists", properties)


def _mode_of(prompt: Prompt) -> str:
    tail = f"{prompt.text} "
    return next((m.upper() for m in ("fast", "relax", "turbo") if f" --{m} " in tail), "")
