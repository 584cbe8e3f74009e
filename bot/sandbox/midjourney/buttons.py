"""The buttons under a Midjourney result, in Midjourney's own order, and what a press on one means.

Owns custom ids, labels and emojis. It knows nothing of states or HTTP.
"""

import re
from dataclasses import dataclass
from typing import Any

from bot.sandbox.midjourney.tasks import Task

Button = dict[str, Any]

KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣")

# Substrings the stock gateway looks for, in this order, and the action it books.
_BOOKED_AS = (
    ("upsample", "UPSCALE"),
    ("low_variation", "LOW_VARIATION"),
    ("high_variation", "HIGH_VARIATION"),
    ("variation", "VARIATION"),
    ("pan", "PAN"),
    ("reroll", "REROLL"),
    ("Outpaint", "ZOOM"),
    ("CustomZoom", "CUSTOM_ZOOM"),
    ("Inpaint", "INPAINT"),
)


@dataclass(frozen=True, slots=True)
class Press:
    """A custom id, read."""

    custom_id: str
    name: str
    """`upsample`, `pan_left`, `Outpaint` ...: the field the gateway looks at."""
    number: int
    """The index or amount after the name; 0 without one."""
    action: str
    """What it is booked as; "" for what the stock gateway does not know."""


class MalformedError(ValueError):
    """A custom id without `::`, on which the stock gateway breaks."""


def read(custom_id: str) -> Press:
    """Read a custom id.

    Raises:
        MalformedError: If it has fewer than two fields.

    """
    fields = custom_id.split("::")
    if len(fields) < 2:
        raise MalformedError(custom_id)
    at = 2 if fields[1] == "JOB" and len(fields) > 2 else 1
    name = fields[at]
    action = next((action for part, action in _BOOKED_AS if part in name), "")
    if fields[1] in ("Job", "Picread"):
        name, at = "::".join(fields[1:3]), 2
    number = fields[at + 1] if len(fields) > at + 1 else ""
    return Press(custom_id, name, int(number) if number.isdigit() else 0, action)


def is_well_formed(custom_id: str) -> bool:
    """Whether it looks like one of Midjourney's."""
    return re.match(r"^MJ::[A-Za-z_0-9]+::.+", custom_id) is not None


def buttons_of(task: Task) -> list[Button]:
    """What a finished task offers."""
    if task.action == "DESCRIBE":
        return _under_describe()
    if task.action == "SHORTEN":
        return [_button(f"MJ::Job::PromptAnalyzer::{n}", emoji=KEYCAPS[n - 1]) for n in range(1, 6)]
    if task.picture is None:
        return []
    buttons = _under_grid(task) if task.is_grid else _under_single(task)
    return [_marked(button, task.pressed) for button in buttons]


def offers(task: Task, custom_id: str) -> bool:
    """Whether this button is under the task's result."""
    return any(button.get("customId") == custom_id for button in buttons_of(task))


def upscale_id(task: Task, index: int) -> str:
    """The custom id of U1 to U4 under a grid."""
    return f"MJ::JOB::upsample::{index}::{task.hash}"


def variation_id(task: Task, index: int) -> str:
    """The custom id of V1 to V4 under a grid."""
    return f"MJ::JOB::variation::{index}::{task.hash}"


def reroll_id(task: Task) -> str:
    """The custom id of the round arrow under a grid."""
    return f"MJ::JOB::reroll::0::{task.hash}::SOLO"


def _button(custom_id: str, label: str = "", emoji: str = "") -> Button:
    return {
        "customId": custom_id,
        "emoji": emoji,
        "label": label,
        "type": 2,
        "style": 2,
    }


def _marked(button: Button, pressed: set[str]) -> Button:
    if button.get("customId") in pressed:
        button["style"] = 1
    return button


def _under_grid(task: Task) -> list[Button]:
    return [
        *(_button(upscale_id(task, n), f"U{n}") for n in range(1, 5)),
        _button(reroll_id(task), emoji="🔄"),
        *(_button(variation_id(task, n), f"V{n}") for n in range(1, 5)),
    ]


def _under_describe() -> list[Button]:
    return [
        *(_button(f"MJ::Job::PicReader::{n}", emoji=KEYCAPS[n - 1]) for n in range(1, 5)),
        _button("MJ::Picread::Retry", emoji="🔄"),
        _button("MJ::Job::PicReader::all", "Imagine all", "🎉"),
    ]


def _under_single(task: Task) -> list[Button]:
    major = int(task.prompt.version.split(".")[0])
    rows = [_upscales(task, major), _variations(task, major)]
    if 5 <= major <= 7 and not task.large:
        rows += [_zooms(task, major), _pans(task)]
    rows.append(_last_row(task, major))
    return [button for row in rows for button in row]


def _job(task: Task, name: str, label: str = "", emoji: str = "") -> Button:
    return _button(f"MJ::JOB::{name}::1::{task.hash}::SOLO", label, emoji)


def _upscales(task: Task, major: int) -> list[Button]:
    redo = "Redo " if task.large else ""
    if major == 5:
        return [
            _job(task, f"upsample_v5_{n}x", f"{redo}Upscale ({n}x)", "upscale_1") for n in (2, 4)
        ]
    if major not in (6, 7):
        return []
    model = "v6r1" if task.prompt.version == "6.1" and not task.prompt.niji else f"v{major}"
    return [
        _job(
            task,
            f"upsample_{model}_2x_{way}",
            f"{redo}Upscale ({way.title()})",
            "upscale_1",
        )
        for way in ("subtle", "creative")
    ]


def _variations(task: Task, major: int) -> list[Button]:
    row = [
        _job(task, "low_variation", "Vary (Subtle)", "🪄"),
        _job(task, "high_variation", "Vary (Strong)", "🪄"),
    ]
    if major >= 5 and not task.large:
        row.append(_button(f"MJ::Inpaint::1::{task.hash}::SOLO", "Vary (Region)", "🖌️"))
    return row


def _zooms(task: Task, major: int) -> list[Button]:
    row = [
        _button(f"MJ::Outpaint::50::1::{task.hash}::SOLO", "Zoom Out 2x", "🔍"),
        _button(f"MJ::Outpaint::75::1::{task.hash}::SOLO", "Zoom Out 1.5x", "🔍"),
        _button(f"MJ::CustomZoom::{task.hash}", "Custom Zoom", "🔍"),
    ]
    is_square = task.picture is None or abs(task.picture.ratio - 1) < 0.01
    if major < 7 and not is_square:
        row.append(_button(f"MJ::Outpaint::100::1::{task.hash}::SOLO", "Make Square", "↔️"))
    return row


def _pans(task: Task) -> list[Button]:
    arrows = {"left": "⬅️", "right": "➡️", "up": "⬆️", "down": "⬇️"}
    return [_job(task, f"pan_{way}", emoji=arrow) for way, arrow in arrows.items()]


def _last_row(task: Task, major: int) -> list[Button]:
    row = []
    if major >= 7 and not task.prompt.niji:
        row = [
            _job(task, "animate_high", "Animate (High motion)", "🎞️"),
            _job(task, "animate_low", "Animate (Low motion)", "🎞️"),
        ]
    link = {
        "emoji": "",
        "label": "Web",
        "type": 2,
        "style": 5,
        "url": f"https://www.midjourney.com/jobs/{task.hash}?index=0",
    }
    return [*row, _button(f"MJ::BOOKMARK::{task.hash}", emoji="❤️"), link]
