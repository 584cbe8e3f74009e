"""What each button makes of the picture it stands under.

Owns the step from a press to a plan. It knows nothing of HTTP, money or states.
"""

from dataclasses import replace
from functools import partial

from bot.sandbox.midjourney.buttons import Press
from bot.sandbox.midjourney.prompts import Prompt, read
from bot.sandbox.midjourney.studio import Plan
from bot.sandbox.midjourney.tasks import Ending, Making, Task
from bot.sandbox.midjourney.texts import choices
from bot.sandbox.pictures import Picture, makings
from bot.sandbox.pictures.cells import Cell

_WITH_REMIX = frozenset({"VARIATION", "REROLL", "HIGH_VARIATION", "LOW_VARIATION", "PAN", "ZOOM"})
_NO_VIDEO = "[Subscription required] This account makes no videos."


def plan_for(parent: Task, press: Press, *, remix: bool) -> Plan | None:
    """What a press on a button of `parent` asks for; None for one that makes no task.

    `remix` opens a window before a variation, as an account's remix setting does.
    """
    if press.name.startswith("Job::"):
        return _imagine_choice(parent, press)
    if press.name == "Picread::Retry":
        return Plan("DESCRIBE", parent.prompt, source=parent.source, text=parent.text)
    if press.name.startswith("animate"):
        return Plan(
            "VIDEO",
            parent.prompt,
            parent=parent,
            ending=Ending("FAILURE", 0.1, _NO_VIDEO),
        )
    if parent.picture is None or press.name == "BOOKMARK":
        return None
    plan = _picture_plan(parent, parent.picture, press)
    wants = remix or "window" in parent.words
    if not plan.window and wants and plan.action in _WITH_REMIX:
        return replace(plan, window="REMIX")
    return plan


def _picture_plan(parent: Task, picture: Picture, press: Press) -> Plan:
    picks = press.name in ("upsample", "variation")
    index = press.number if picks else parent.index
    cell = picture.cells[press.number - 1 if picks else 0]
    return Plan(
        action=press.action,
        prompt=parent.prompt,
        making=_making(press, cell, parent, picture.ratio),
        ratio=_ratio(press, picture.ratio),
        label=str(index) if press.name == "upsample" else picture.labels,
        parent=parent,
        index=index,
        custom_id=press.custom_id,
        window={"CustomZoom": "CUSTOM_ZOOM", "Inpaint": "INPAINT"}.get(press.name, ""),
        large=press.name.startswith("upsample_"),
    )


def _making(press: Press, cell: Cell, parent: Task, ratio: float) -> Making:
    match press.name:
        case "reroll":
            return parent.making or partial(makings.imagined, ())
        case "low_variation" | "Inpaint":
            return partial(makings.varied, cell, 0.3)
        case "variation" | "high_variation":
            return partial(makings.varied, cell, 1.0)
        case "Outpaint" if press.number == 100:
            return partial(makings.reshaped, cell, ratio, 1.0, 1.0)
        case "Outpaint" | "CustomZoom":
            return partial(makings.zoomed, cell, 1.5 if press.number == 75 else 2.0)
        case "pan_left" | "pan_right" | "pan_up" | "pan_down":
            return partial(makings.panned, cell, press.name.removeprefix("pan_"))
        case _:
            return partial(makings.cut_out, cell)


def _ratio(press: Press, ratio: float) -> float:
    """Width divided by height of what the press makes."""
    match press.name:
        case "Outpaint" if press.number == 100:
            return 1.0
        case "pan_left" | "pan_right":
            return ratio * 1.5
        case "pan_up" | "pan_down":
            return ratio / 1.5
        case _:
            return ratio


def _imagine_choice(parent: Task, press: Press) -> Plan | None:
    """One of the prompts a describe or shorten proposed; the first for "all of them"."""
    texts = choices(parent.text)
    if not texts:
        return None
    prompt = read(texts[min(max(press.number, 1), len(texts)) - 1])
    wide, tall = prompt.ratio
    return Plan(
        action="IMAGINE",
        prompt=prompt,
        making=partial(makings.imagined, ()),
        ratio=wide / tall,
        parent=parent,
        index=press.number,
        custom_id=press.custom_id,
    )


def answered(task: Task, parent: Task, prompt: Prompt, mask: bytes) -> Plan:
    """What a task is to do once its window has been answered with `prompt` and `mask`."""
    plan = Plan(task.action, prompt, making=task.making)
    if parent.picture is None:
        return plan
    cell, ratio = parent.picture.cells[0], parent.picture.ratio
    match task.window:
        case "INPAINT":
            return replace(plan, making=partial(makings.repainted, cell, mask), ratio=ratio)
        case "CUSTOM_ZOOM":
            return _zoomed(plan, cell, ratio)
        case _:
            return replace(plan, ratio=task.picture.ratio if task.picture else ratio)


def _zoomed(plan: Plan, cell: Cell, ratio: float) -> Plan:
    """A zoom by `--zoom`; with an `--ar` of its own, into those proportions."""
    wide, tall = plan.prompt.ratio
    factor = plan.prompt.zoom or 2.0
    if "--ar " not in plan.prompt.text or abs(wide / tall - ratio) < 0.01:
        return replace(plan, making=partial(makings.zoomed, cell, factor), ratio=ratio)
    new = wide / tall
    return replace(plan, making=partial(makings.reshaped, cell, ratio, new, factor), ratio=new)
