"""The buttons under a Midjourney result: which ones to offer, as what, and in which rows.

Owns custom ids, labels and emojis. Rows are Midjourney's own: U1-U4 and 🔄 over V1-V4 under a
grid; upscalers and variations, zooms, arrows, animations under a single picture. Knows neither
the gateway's addresses nor states.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.messages import Style, clean, shorten
from core.providers.base import Invite, Request, Ticket
from core.providers.midjourney_prompts import TEN
from core.providers.midjourney_windows import INPAINT, ZOOM, form

CUSTOM_ID = re.compile(r"MJ::[A-Za-z_0-9]+::.+")
"""What a custom id must look like; the stock gateway falls over one without its `::`."""

GRIDS = frozenset({"IMAGINE", "VARIATION", "REROLL", "BLEND"})
"""Actions whose results `/mj/submit/change` takes; for every other parent only a button's own id
counts."""

CHANGES = frozenset({"UPSCALE", "VARIATION", "REROLL"})
"""What `/mj/submit/change` can do."""

PER_ROW, ROWS = 5, 4
"""One row of the five that chat platforms show stays free for the bot's own buttons."""
MOST = PER_ROW * ROWS


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of button."""

    pattern: re.Pattern[str]
    """Searched in the custom id after its `MJ::`."""
    offer: str
    action: str
    """What the gateway books it as, or empty."""
    row: int
    label: str = ""
    emoji: str = ""
    window: str = ""
    """The window that opens; see `midjourney_windows`."""
    dead: bool = False
    """It makes no task, or is answered here: never shown."""


def _sort(
    pattern: str, offer: str, action: str, row: int, label: str, emoji: str = "", **more: Any
) -> Sort:
    return Sort(re.compile(pattern), offer, action, row, label, emoji, **more)


_NONE = re.compile(
    r"BOOKMARK|CancelJob|iframe|(?:Remix|Pan|Animate|Imagine|OutpaintCustomZoom)Modal"
    r"|Job::PicReader|Picread|Job::PromptAnalyzer"
)

SORTS: tuple[Sort, ...] = (
    Sort(_NONE, "", "", 0, dead=True),
    _sort(r"^JOB::upsample::([1-4])", "mj_upscale", "UPSCALE", 0, "U{n}"),
    _sort(r"^JOB::video_virtual_upscale::([1-4])", "mj_upscale", "", 0, "U{n}"),
    _sort(r"^JOB::reroll", "mj_reroll", "REROLL", 0, "Reroll", "🔄"),
    _sort(r"^JOB::variation::([1-4])", "mj_variation", "VARIATION", 1, "V{n}"),
    _sort(r"^JOB::upsample_\w*subtle", "mj_upscale", "UPSCALE", 0, "Upscale (Subtle)", "⏫"),
    _sort(r"^JOB::upsample_\w*creative", "mj_upscale", "UPSCALE", 0, "Upscale (Creative)", "⏫"),
    _sort(r"^JOB::upsample_\w*([24])x", "mj_upscale", "UPSCALE", 0, "Upscale ({n}x)", "⏫"),
    _sort(r"^JOB::upsample_", "mj_upscale", "UPSCALE", 0, "Upscale", "⏫"),
    _sort(r"^JOB::low_variation", "mj_low_variation", "LOW_VARIATION", 0, "Vary (Subtle)", "🪄"),
    _sort(r"^JOB::high_variation", "mj_high_variation", "HIGH_VARIATION", 0, "Vary (Strong)", "🪄"),
    _sort(r"^Inpaint", "mj_modal", "INPAINT", 0, "Vary (Region)", "🖌️", window=INPAINT),
    _sort(r"^Outpaint::50", "mj_zoom", "ZOOM", 1, "Zoom Out 2x", "🔍"),
    _sort(r"^Outpaint::75", "mj_zoom", "ZOOM", 1, "Zoom Out 1.5x", "🔍"),
    _sort(r"^Outpaint::100", "mj_zoom", "ZOOM", 1, "Make Square", "↔️"),
    _sort(r"^Outpaint", "mj_zoom", "ZOOM", 1, "Zoom Out", "🔍"),
    _sort(r"^CustomZoom", "mj_modal", "CUSTOM_ZOOM", 1, "Custom Zoom", "🔍", window=ZOOM),
    _sort(r"^JOB::pan_left", "mj_pan", "PAN", 2, "Pan left", "⬅️"),
    _sort(r"^JOB::pan_right", "mj_pan", "PAN", 2, "Pan right", "➡️"),
    _sort(r"^JOB::pan_up", "mj_pan", "PAN", 2, "Pan up", "⬆️"),
    _sort(r"^JOB::pan_down", "mj_pan", "PAN", 2, "Pan down", "⬇️"),
    _sort(r"^JOB::animate_high_extend", "mj_video", "VIDEO_EXTEND", 3, "Extend (High motion)", "🎞️"),
    _sort(r"^JOB::animate_low_extend", "mj_video", "VIDEO_EXTEND", 3, "Extend (Low motion)", "🎞️"),
    _sort(r"^JOB::animate_high", "mj_video", "VIDEO", 3, "Animate (High motion)", "🎞️"),
    _sort(r"^JOB::animate_low", "mj_video", "VIDEO", 3, "Animate (Low motion)", "🎞️"),
    _sort(r"^JOB::video", "mj_video", "VIDEO", 3, "Animate", "🎞️"),
    _sort(r"", "mj_variation", "", 4, ""),
)
"""The first that matches counts; the last takes what nobody knows."""

_WEB = re.compile(r"https://([a-z0-9.-]{1,80})(?:[/?#][!-~]{0,400})?", re.IGNORECASE)

_STYLES: Mapping[object, Style] = {1: "primary", 3: "success", 4: "danger"}
"""Discord's button styles; a button that was used comes back as 1 or 3."""

_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2190-\u21ff\u23e9-\u23ff\u2600-\u27bf\u2b00-\u2bff\u3030\u303d]"
    "[\U0001f3fb-\U0001f3ff\ufe0f\u200d\U0001f000-\U0001faff\u2640\u2642]{0,8}|[0-9#*]\ufe0f?\u20e3"
)


def invites(buttons: object, ticket: Ticket, prompt: str, action: str) -> tuple[Invite, ...]:
    """The follow-ups a task's `buttons` offer.

    Left out are buttons that make no task (bookmark), malformed ids, doubles, and what goes beyond
    `MOST`; buttons that only link stay links.

    Args:
        buttons: The field as it came: null, or a list of anything.
        ticket: The task they stand under.
        prompt: Its prompt.
        action: Its action; decides whether U, V and 🔄 may go by number.
    """
    found: dict[str, Invite] = {}
    for button in buttons if isinstance(buttons, list) else ():
        made = _invite(button, ticket, prompt, numbered=action.upper() in GRIDS)
        if made is not None:
            found.setdefault(made.key, made)
    return arrange(found.values())


def standard(ticket: Ticket, prompt: str) -> tuple[Invite, ...]:
    """U1-U4, 🔄 and V1-V4 by number alone, for a grid whose buttons the gateway does not tell."""
    made = [_numbered("UPSCALE", "mj_upscale", n, f"U{n}", 0, ticket, prompt) for n in range(1, 5)]
    made.append(replace(_numbered("REROLL", "mj_reroll", 1, "", 0, ticket, prompt), emoji="🔄"))
    made += [
        _numbered("VARIATION", "mj_variation", n, f"V{n}", 1, ticket, prompt) for n in range(1, 5)
    ]
    return tuple(made)


def _numbered(
    action: str, offer: str, index: int, label: str, row: int, ticket: Ticket, prompt: str
) -> Invite:
    options = {"action": action, "index": index}
    request = Request(offer, "continue", prompt, options=options, parent=ticket)
    return Invite(f"{action}:{index}", request, label, row=row)


def _invite(button: object, ticket: Ticket, prompt: str, *, numbered: bool) -> Invite | None:
    if not isinstance(button, dict):
        return None
    custom_id = button.get("customId")
    if not custom_id:
        return _link(button)
    if not isinstance(custom_id, str) or not CUSTOM_ID.fullmatch(custom_id):
        return None
    sort, number = _sorted(custom_id.removeprefix("MJ::"))
    if sort.dead:
        return None
    options: dict[str, Any] = {"custom_id": custom_id}
    if sort.action:
        options["action"] = sort.action
    key = custom_id
    if (
        numbered
        and sort.action in CHANGES
        and re.match(r"MJ::JOB::(?:upsample|variation|reroll)::", custom_id)
    ):
        options["index"] = number or 1
        key = f"{sort.action}:{number or 1}"
    if sort.window:
        options["window"] = sort.window
    label, emoji = _face(button, sort, number, custom_id)
    return Invite(
        key,
        Request(sort.offer, "continue", prompt, options=options, parent=ticket),
        label,
        emoji,
        _style(button),
        sort.row,
        form(sort.window, prompt) if sort.window else None,
    )


def _link(button: Mapping[str, object]) -> Invite | None:
    """A button that only leads somewhere, with the name of where it leads when it has no label."""
    url = button.get("url")
    found = _WEB.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        return None
    words, emoji = _given(button)
    return Invite(f"link:{found[0]}", None, words or found[1], emoji, row=4, url=found[0])


def _sorted(rest: str) -> tuple[Sort, int]:
    """The sort of a custom id and the number in it, 0 without one."""
    for sort in SORTS:
        if found := sort.pattern.search(rest):
            return sort, int(found[1]) if found.re.groups else 0
    raise AssertionError("the last sort takes everything")


def _style(button: Mapping[str, object]) -> Style:
    style = button.get("style")
    return _STYLES.get(style, "plain") if isinstance(style, int) else "plain"


def _face(button: Mapping[str, object], sort: Sort, number: int, custom_id: str) -> tuple[str, str]:
    """Label and emoji, at least one of them: what the gateway gives, or else Midjourney's own."""
    words, emoji = _given(button)
    face = emoji or sort.emoji
    if not words and not face:
        words = shorten(sort.label.format(n=number) or _spoken(custom_id), 80)
    return words, face


def _given(button: Mapping[str, object]) -> tuple[str, str]:
    """The label and the emoji as the gateway gives them; names of custom emoji count as none."""
    label, emoji = button.get("label"), button.get("emoji")
    words = " ".join(clean(label).split()) if isinstance(label, str) else ""
    face = emoji if isinstance(emoji, str) and _EMOJI.fullmatch(emoji) else ""
    return shorten(words, 80), face


def _spoken(custom_id: str) -> str:
    """Words for a button nobody knows: `MJ::JOB::make_it_better::1::hash` is `Make it better`."""
    parts = custom_id.split("::")
    name = parts[2] if parts[1] == "JOB" and len(parts) > 2 else parts[1]
    return name.replace("_", " ").strip().capitalize() or "…"


def arrange(found: Iterable[Invite]) -> tuple[Invite, ...]:
    """Put invites into rows of at most five: a full row goes on in the next, and rows beyond four
    are closed up.
    """
    ordered = sorted(found, key=lambda invite: invite.row)[:MOST]
    lines: list[list[Invite]] = []
    for row in sorted({invite.row for invite in ordered}):
        line = [invite for invite in ordered if invite.row == row]
        lines += [line[i : i + PER_ROW] for i in range(0, len(line), PER_ROW)]
    if len(lines) > ROWS:
        lines = _closed_up(lines)
    return tuple(replace(invite, row=n) for n, line in enumerate(lines) for invite in line)


def _closed_up(lines: Sequence[Sequence[Invite]]) -> list[list[Invite]]:
    """Join neighbouring short rows from the end on, as far as needed."""
    rows = [list(line) for line in lines]
    at = len(rows) - 1
    while len(rows) > ROWS and at > 0:
        if len(rows[at - 1]) + len(rows[at]) <= PER_ROW:
            rows[at - 1 : at + 1] = [rows[at - 1] + rows[at]]
        at -= 1
    if len(rows) > ROWS:
        flat = [invite for row in rows for invite in row]
        rows = [flat[i : i + PER_ROW] for i in range(0, len(flat), PER_ROW)]
    return rows


def of_choices(prompts: Sequence[str], *, everything: bool) -> list[Invite]:
    """A button for each proposed prompt that imagines it; with `everything` also one for all of
    them.

    That one's request holds the prompts as `options["each"]`: whoever makes jobs of it makes one
    for each, with that prompt and without options.
    """
    made = [
        Invite(
            f"imagine:{n}",
            Request("mj_imagine", "image", prompt),
            _number(n),
            _keycap(n),
            row=(n - 1) // 5,
        )
        for n, prompt in enumerate(prompts, 1)
    ]
    if everything and len(prompts) > 1:
        each = Request("mj_imagine", "image", options={"each": list(prompts)})
        made.append(Invite("imagine:all", each, "Imagine all", "🎉", row=5))
    return made


def once_more(request: Request) -> Invite:
    """The button that asks for the very same again."""
    return Invite("again", request, emoji="🔄", row=0)


def _keycap(number: int) -> str:
    return TEN[number - 1] if number <= len(TEN) else ""


def _number(number: int) -> str:
    return "" if number <= len(TEN) else str(number)
