"""How jobs look as messages. Pure: jobs and facts in, Messages out; no I/O, no clock.

Foreign text (prompts, names, the gateway's words) is escaped here, once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.i18n import Say, mark
from core.jobs import Action, Entry, Job, State, Verb
from core.ledger import micro, money
from core.maths import readable
from core.messages import (
    Button,
    Caller,
    Field,
    Form,
    Media,
    Message,
    escape,
    shorten,
    tame,
)
from core.providers.base import Offer, Request
from core.split import closed

PROMPT_SHOWN = 500
"""Characters of a prompt shown with a result."""
PROMPT_BRIEF = 80
"""Characters of a prompt shown in lists."""
SAID = 1200
"""Characters shown of an answer that is still growing."""
BAR = 12
"""Cells of a progress bar."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about a live job beyond its row."""

    ahead: int = 0
    """Jobs that start before it."""
    left: float | None = None
    """Seconds it will still take."""
    late: bool = False
    """It takes so much longer than others that no guess is worth telling."""
    bar: bool = True
    """Draw a bar in characters."""
    said: str = ""
    """What there is of an answer that is still growing, CommonMark."""
    listed: bool = False
    """The chat's list of jobs shows how it stands."""


def requester(job: Job) -> Caller:
    """The person a job belongs to, as far as a message needs."""
    platform, _, person = job.owner.partition(":")
    return Caller(platform, person, job.owner_name, job.lang)


def span(say: Say, seconds: float) -> str:
    """A duration in words, honest to its precision: `20 s`, `3 min`, `2 h`."""
    if seconds < 90:
        return say("{n} s", n=max(5 * round(seconds / 5), 5))
    if seconds < 5400:
        return say("{n} min", n=round(seconds / 60))
    return say("{n} h", n=round(seconds / 3600))


def took(say: Say, seconds: float) -> str:
    """A measured duration: `34 s`, `2 min 5 s`."""
    whole = max(round(seconds), 1)
    if whole < 60:
        return say("{n} s", n=whole)
    return say("{m} min {s} s", m=whole // 60, s=whole % 60)


COMMAND_NAMES = {
    "imagine": mark("Imagine"),
    "blend": mark("Blend"),
    "describe": mark("Describe"),
    "edit": mark("Edit"),
    "remix": mark("Remix"),
    "tryon": mark("Try on"),
    "video": mark("Video"),
    "song": mark("Song"),
    "shorten": mark("Shorten"),
    "lyrics": mark("Lyrics"),
    "ask": mark("Ask"),
    "prompt": mark("Prompts"),
    "complete": mark("Complete"),
    "speak": mark("Speak"),
    "transcribe": mark("Transcript"),
    "translate": mark("Translation"),
    "find": mark("Search"),
}


def headline(say: Say, job: Job, limit: int = PROMPT_SHOWN) -> str:
    """What the job is, in one bold line: `**U2** · a fox in the rain`."""
    name = escape(job.title) if job.title else say(COMMAND_NAMES.get(job.command, job.command))
    prompt = (job.answered and job.final_prompt) or job.request.prompt
    shown = escape(brief_prompt(prompt, limit))
    return f"**{name}** · {shown}" if shown else f"**{name}**"


_FLAGS = re.compile(r"\s(?=--[A-Za-z])")


def brief_prompt(prompt: str, limit: int) -> str:
    """A prompt in one line of at most `limit` characters; its words are cut before its flags."""
    prompt = " ".join(prompt.split())
    words, *flags = _FLAGS.split(prompt, maxsplit=1)
    tail = f" {flags[0]}" if flags else ""
    if len(prompt) <= limit or len(tail) > limit // 2:
        return shorten(prompt, limit)
    return shorten(words, limit - len(tail)) + tail


def bare_prompt(prompt: str) -> str:
    """A prompt without its flags."""
    return _FLAGS.split(prompt, maxsplit=1)[0].strip()


def notes_line(job: Job) -> str:
    """What was changed in the person's words, told in their language; or empty."""
    notes = job.request.options.get("notes")
    told = " ".join(str(note) for note in notes) if isinstance(notes, list) else ""
    return f"ℹ️ {escape(shorten(told, 600))}" if told else ""


def bar(percent: int) -> str:
    """A bar of `BAR` cells."""
    full = round(max(min(percent, 100), 0) * BAR / 100)
    return "▰" * full + "▱" * (BAR - full)


def state_line(say: Say, job: Job, standing: Standing) -> str:
    """How a live job stands, in words."""
    match job.state:
        case State.QUEUED:
            ahead = standing.ahead
            place = say("Waiting: {n} before you", n=ahead) if ahead else say("Next in line")
            time = span(say, standing.left) if standing.left and not job.note else ""
            return dotted(place, time and say("starts in about {time}", time=time))
        case State.SUBMITTING if standing.left is not None:
            return dotted(say("Being made…"), _time_left(say, standing))
        case State.SUBMITTING:
            return say("Handing it over…")
        case State.RUNNING:
            percent = max(job.percent, 0)
            drawn = f"{bar(percent)} " if standing.bar else ""
            stage = f"{drawn}{percent} %" if job.started_at else say("Accepted, waiting to start")
            return dotted(stage, _time_left(say, standing))
        case State.WAITING:
            return say("Needs your answer: press the button.")
        case State.FETCHING | State.READY:
            return say("Finished, bringing it here…")
        case _:
            return ""


def _time_left(say: Say, standing: Standing) -> str:
    if standing.late:
        return say("taking longer than usual")
    return say("about {time} left", time=span(say, standing.left)) if standing.left else ""


def dotted(*parts: str) -> str:
    """Facts side by side in one line; empty ones are left out."""
    return " · ".join(part for part in parts if part)


def note_line(say: Say, job: Job) -> str:
    """The note about the present state, or empty."""
    if not job.note:
        return ""
    values = {name: escape(value) for name, value in job.note_values.items()}
    return say(job.note, **values)


def status(
    say: Say,
    job: Job,
    standing: Standing,
    actions: Sequence[Action],
    preview: Media | None = None,
) -> Message:
    """The progress message of a live job; it names the price, for it can still be cancelled."""
    price = money(job.price) if job.price and job.state not in (State.FETCHING, State.READY) else ""
    stands = dotted(state_line(say, job, standing), price)
    if standing.listed and job.state is not State.WAITING:
        stands, job = say("How far it is stands in the list of this chat."), replace(job, note="")
        standing, preview = Standing(listed=True), None
    lines = [
        headline(say, job, 200),
        f"\n{growing(standing.said)}\n" if standing.said else stands,
        note_line(say, job),
        notes_line(job),
    ]
    wanted = {Verb.CANCEL, Verb.FILL} if job.state is State.WAITING else {Verb.CANCEL}
    if job.state in (State.FETCHING, State.READY):
        wanted = set()
    return Message(
        text="\n".join(line for line in lines if line),
        media=(replace(preview, spoiler=job.place.spoiler),) if preview else (),
        buttons=tuple(button(say, a) for a in actions if a.verb in wanted),
        progress=0 if standing.listed else max(job.percent, 0),
        private=job.place.hidden,
    )


def growing(text: str) -> str:
    """The end of an answer that is still growing, with a cursor."""
    if len(text) > SAID:
        text = "…" + text[-SAID:].partition("\n")[2]
    return f"{closed(tame(readable(text)))} ▌"


def board(say: Say, rows: Sequence[tuple[Job, Standing]], actions: Sequence[Action]) -> Message:
    """One message for all live jobs of a chat: newest last, with their Cancel buttons."""
    lines = [say("**{n} jobs under way**", n=len(rows))]
    for number, (job, standing) in enumerate(rows[:12], 1):
        who = escape(shorten(job.owner_name, 24))
        brief = headline(say, job, 40)
        lines.append(f"{number}\\. {brief} — {who}\n{state_line(say, job, standing)}")
    if len(rows) > 12:
        lines.append(say("… and {n} more", n=len(rows) - 12))
    numbers = {job.id: n for n, (job, _) in enumerate(rows[:10], 1)}
    buttons = tuple(
        replace(button(say, a), label=f"✖ {numbers[a.job]}", emoji="", row=numbers[a.job] // 6)
        for a in sorted(actions, key=lambda a: numbers.get(a.job, 99))
        if a.job in numbers and a.verb is Verb.CANCEL
    )
    return Message(text="\n".join(lines), buttons=buttons, progress=0)


def button(say: Say, action: Action, *, used: bool = False, windows: bool = False) -> Button:
    """An action as a button; one that was pressed shows it. Where forms open in `windows`, a form
    that may be painted comes with a message instead, which has the link to that.
    """
    url = action.values.get("url", "") if action.verb is Verb.CONTINUE else ""
    return Button(
        label=say(action.label) if action.label else "",
        emoji=action.emoji,
        token=action.token,
        style="primary" if used and action.style == "plain" else action.style,
        row=action.row,
        url=url,
        form=action.form is not None and not (windows and painted(action.form)),
    )


def painted(asked: Form) -> Field | None:
    """The question of a form that may be answered with the brush."""
    return next((field for field in asked.fields if field.paint), None)


def form(say: Say, asked: Form) -> Form:
    """A form in a person's language; what they wrote themselves stays as it is."""
    fields = (
        replace(
            field,
            label=say(field.label),
            hint=say(field.hint) if field.hint else "",
            choices=tuple((value, say(label)) for value, label in field.choices),
        )
        for field in asked.fields
    )
    return replace(asked, title=say(asked.title), fields=tuple(fields))


def price_of(request: Request, offers: Mapping[str, Offer]) -> int:
    """What a request costs, micro-USD; one that holds several prompts costs each of them."""
    offer, each = offers.get(request.offer), request.options.get("each")
    count = len(each) if isinstance(each, list) else 1
    return micro(offer.cost(request.options)) * count if offer else 0


def receipt(say: Say, job: Job, model: str) -> str:
    """Model, options, time, price and id of a finished job, in one quiet line."""
    lasted = job.finished_at - job.submitted_at if job.submitted_at else 0.0
    return dotted(
        escape(model),
        *options(say, job),
        took(say, lasted) if lasted > 0 else "",
        spoken(say, job),
        money(job.price) if job.price else "",
        f"`{job.id}`",
    )


def remark(say: Say, told: str | tuple[str, Mapping[str, object]]) -> str:
    """A word about a result: a catalogue text, alone or with its values."""
    text, values = (told, {}) if isinstance(told, str) else told
    return say(text, **{name: escape(shorten(str(v), 300)) for name, v in values.items()})


def spoken(say: Say, job: Job) -> str:
    """How much was said to a language model and by it, where it told."""
    tokens = job.facts.get("tokens")
    if tokens and not tokens[1]:
        return say("{n} tokens", n=tokens[0])
    return say("{asked} + {said} tokens", asked=tokens[0], said=tokens[1]) if tokens else ""


SHAPES = {
    "SQUARE": mark("square"),
    "PORTRAIT": mark("portrait"),
    "LANDSCAPE": mark("landscape"),
}


def options(say: Say, job: Job) -> list[str]:
    """What was asked for besides the prompt, whose flags it shows itself."""
    shape = SHAPES.get(str(job.request.options.get("dimensions", "")))
    pictures = len(job.request.media) if job.request.kind in ("image", "blend", "video") else 0
    drawn = f"🖼️ ×{pictures}" if pictures else ""
    film = _of_film(say, job.request.options) if job.request.kind == "video" else []
    return [part for part in (say(shape) if shape else "", *film, drawn) if part]


def _of_film(say: Say, options: Mapping[str, object]) -> list[str]:
    """Length, shape, mode, camera and effect of a film, as far as they were chosen."""
    seconds = str(options.get("seconds") or "")
    chosen = [str(options.get(name) or "") for name in ("ar", "mode", "camera", "effect")]
    return [say("{n} s", n=seconds) if seconds else "", *map(escape, chosen)]


def result(
    say: Say, job: Job, model: str, buttons: tuple[Button, ...], *, shrunk: bool = False
) -> Message:
    """The result of a job as a new message."""
    lines = [headline(say, job)]
    if job.text:
        lines.append(closed(tame(readable(job.text))) if job.markdown else escape(job.text))
    lines += [f"ℹ️ {remark(say, one)}" for one in job.facts.get("remarks") or ()]
    if notes := notes_line(job):
        lines.append(notes)
    lines.append(receipt(say, job, model))
    if shrunk:
        lines.append(
            say("Shown smaller than it is ({size}); the file itself is kept.", size=sizes(job))
        )
    media = tuple(replace(m, spoiler=m.spoiler or job.place.spoiler) for m in job.media)
    hidden = job.place.hidden
    return Message("\n\n".join(lines), media, buttons, mention=requester(job), private=hidden)


def sizes(job: Job) -> str:
    """The size of a job's files together."""
    return megabytes(sum(m.size for m in job.media))


def megabytes(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1_000_000:.1f} MB"


def parted(say: Say, media: Sequence[Media]) -> str:
    """That files come in parts, where they do."""
    if not any(m.caption for m in media):
        return ""
    return "\n\n" + say("Too big for one message here, so it comes in parts; the whole is kept.")


def apart(say: Say, media: Media, url: str) -> str:
    """How to get a file that is too big for a chat: by its link, or from the owner."""
    facts = {"name": escape(media.name), "size": megabytes(media.size)}
    if url:
        words = say("{name} ({size}) is too big for this chat.", **facts)
        return f"{words} [{say('Open it here, for a week')}]({url})"
    return say(
        "{name} ({size}) is too big for this chat. It is kept: the owner of the bot finds it in "
        "the archive as {path}, and can have such files sent as links: see [web] public_url.",
        **facts,
        path=f"`{media.hash[:2]}/{media.hash}`",
    )


def ended(say: Say, job: Job, actions: Sequence[Action], closing: str) -> Message:
    """A job that failed, was cancelled or is unsure: what happened, its cost, what can be done."""
    words = {
        State.FAILED: say("That did not work."),
        State.CANCELLED: say("Cancelled."),
        State.UNSURE: say(
            "The image service's answer was lost, so it may or may not be working on this. "
            "I will not send it again by myself: run it again, or leave it."
        ),
    }
    happened = note_line(say, job) or words.get(job.state, "")
    number = ""
    if job.ticket is not None and job.state is not State.CANCELLED:
        number = say("at the image service: `{id}`", id=job.ticket.id.replace("`", ""))
    changed = notes_line(job) if job.state is State.FAILED else ""
    lines = [headline(say, job, 200), happened, changed, closing, dotted(f"`{job.id}`", number)]
    wanted = OFFERED[job.state]
    return Message(
        text="\n".join(line for line in lines if line),
        buttons=tuple(button(say, a) for a in actions if a.verb in wanted),
        mention=None if job.state is State.CANCELLED else requester(job),
        private=job.place.hidden,
    )


def cost(say: Say, job: Job, closing: Entry | None) -> str:
    """What a job cost, by how its hold was closed."""
    price = money(job.price)
    match closing:
        case Entry.REFUND:
            return say("Nothing was charged.")
        case Entry.SETTLE if job.state is State.CANCELLED:
            return say("It was already being made, so it still costs {price}.", price=price)
        case Entry.SETTLE:
            return say("It cost {price}.", price=price)
        case _:
            return say(
                "It may have cost {price}. Running it again costs another {price}.", price=price
            )


OFFERED: Mapping[State, frozenset[Verb]] = {
    State.FAILED: frozenset({Verb.AGAIN, Verb.RESUME}),
    State.CANCELLED: frozenset({Verb.AGAIN, Verb.RESUME}),
    State.UNSURE: frozenset({Verb.AGAIN, Verb.LEAVE}),
}


def brief(say: Say, job: Job, standing: Standing) -> str:
    """One job in a list."""
    words = {
        State.DONE: say("done"),
        State.FAILED: say("failed"),
        State.CANCELLED: say("cancelled"),
        State.UNSURE: say("unsure"),
    }
    state = (
        words[State.DONE]
        if job.shown
        else words.get(job.state) or state_line(say, job, replace(standing, bar=False))
    )
    return f"`{job.id}` {headline(say, job, PROMPT_BRIEF)} — {state}"
