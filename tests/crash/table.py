"""The crash table: where the program dies, and what has to be true when it is back.

A row is a story and one or more points; the program dies at each in turn and is started again. The
rules are checked from outside: at the gateway, in the chat and in the store's file.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bot.sandbox import Seen
from tests.crash.house import House
from tests.crash.stages import Shown, until
from tests.crash.stories import STORIES, Story

End = Literal["result", "unsure", "cancelled", "nothing"]
STATES = {"result": "done", "unsure": "unsure", "cancelled": "cancelled"}
CLOSED = {"result": ["hold", "settle"], "unsure": ["hold"], "cancelled": ["hold", "settle"]}
"""What the ledger says of a job at each end: an unsure one stays open until it is answered."""


@dataclass(frozen=True)
class Row:
    """One row."""

    story: str
    points: tuple[str, ...]
    """`spot:when[:n]`; `during` lets the other side act and keeps its answer back."""
    end: End = "result"
    twice: bool = False
    """A platform that knows no nonces may show the last message twice."""
    only: str = ""
    """The one platform that passes this point."""
    deferred: bool = False
    """Where the platform delivers an event once, it is lost: nothing happens there."""

    @property
    def id(self) -> str:
        """For the table's reader."""
        return f"{self.story}, {' and '.join(self.points)}".replace(":", " ")


def _rows(story: str, ends: dict[str, End], **more: Any) -> list[Row]:
    """Rows of one point each: `spot when/when`."""
    found = []
    for points, end in ends.items():
        spot, _, whens = points.partition(":")
        found += [Row(story, (f"{spot}:{when}",), end, **more) for when in whens.split("/")]
    return found


def _in_turn(*rows: Row) -> list[Row]:
    """Rows that are played on one platform each, in turn: what they add is their story's, and what
    differs between the platforms stands in other rows.
    """
    turns = ("telegram", "discord")
    return [replace(row, only=row.only or turns[n % 2]) for n, row in enumerate(rows)]


ROWS: tuple[Row, ...] = (
    Row("imagine", ("event stored:before",), deferred=True),
    Row("imagine", ("answer heard:during",), only="discord"),
    Row("imagine", ("answer unheard:during",), only="discord", deferred=True),
    Row("U2", ("answer heard:during",), only="discord"),
    Row("U2", ("answer unheard:during",), only="discord", deferred=True),
    *_rows(
        "imagine",
        {
            "event stored:after": "result",
            "job stored:before": "result",
            "job stored:after": "unsure",
            "submit:before/during/after": "unsure",
            "id stored:before": "unsure",
            "id stored:after": "result",
            "result stored:before/after": "result",
            "file archived:before/during/after": "result",
            "ready stored:before/after": "result",
            "result sent:before": "result",
        },
    ),
    *_rows(
        "slow",
        {"look:before/during/after": "result", "progress stored:before/after": "result"},
    ),
    Row("imagine", ("result sent:during",), twice=True),
    Row("imagine", ("result sent:after",), twice=True),
    *_rows(
        "imagine",
        {
            "ref stored:after": "result",
            "progress removed:before/after": "result",
            "status cleared:after": "result",
            "settled:before/after": "result",
        },
    ),
    Row("imagine", ("job stored:before", "id stored:after")),
    Row("imagine", ("id stored:after", "file archived:after", "settled:before")),
    Row("imagine", ("submit:after", "doubt stored:before", "doubt stored:after"), "unsure"),
    Row("imagine", ("submit:after", "end sent:before"), "unsure"),
    Row("imagine", ("submit:after", "end sent:after"), "unsure", twice=True),
    Row("imagine", ("submit:after", "ref stored:after"), "unsure"),
    *_in_turn(
        *_rows(
            "queued",
            {
                "job stored:after": "result",
                "progress shown:before/after": "result",
                "submitting:after": "unsure",
                "submit:during": "unsure",
                "id stored:after": "result",
            },
        ),
    ),
    Row("U2", ("event stored:before",), deferred=True),
    *_rows(
        "U2",
        {
            "event stored:after": "result",
            "job stored:before": "result",
            "job stored:after": "unsure",
            "submit:during": "unsure",
            "id stored:after": "result",
            "result stored:after": "result",
            "settled:before": "result",
        },
    ),
    Row("U2", ("result sent:during",), twice=True),
    *_in_turn(
        *_rows(
            "zoom",
            {
                "event stored:after": "result",
                "job stored:before": "result",
                "submit:during/after": "unsure",
                "id stored:before": "unsure",
                "id stored:after": "result",
                "submitting:after": "unsure",
                "window answer:before/during/after": "unsure",
                "id stored:before:2": "unsure",
                "id stored:after:2": "result",
            },
        ),
    ),
    Row("zoom", ("answer kept:after",), only="telegram"),
    *_in_turn(
        *_rows(
            "describe",
            {
                "event stored:after": "result",
                "job stored:before": "result",
                "submit:during": "unsure",
                "result stored:before/after": "result",
                "result sent:before": "result",
            },
        ),
        Row("describe", ("result sent:after",), twice=True),
    ),
    *_rows("remix", {"id stored:after": "result", "question sent:before": "result"}),
    *_rows("remix", {"question stored:before": "result"}, twice=True),
    *_rows("remix", {"question stored:after": "result"}),
    *_rows(
        "answer",
        {
            "event stored:after": "result",
            "answer stored:before/after": "result",
            "submitting:after": "unsure",
            "window answer:during": "unsure",
            "id stored:after": "result",
        },
    ),
    *_in_turn(
        *_rows(
            "cancel",
            {
                "event stored:after": "cancelled",
                "cancel asked:before/after": "cancelled",
                "cancelled:before/after": "cancelled",
                "end edited:before/after": "cancelled",
            },
        ),
    ),
    *_in_turn(  # a task of another family: two files, looked at by another way
        *_rows(
            "song",
            {
                "event stored:after": "result",
                "job stored:before": "result",
                "job stored:after": "unsure",
                "submit:before/during/after": "unsure",
                "id stored:before": "unsure",
                "id stored:after": "result",
            },
        ),
        *_rows(
            "slow song",
            {"look:before/during/after": "result", "progress stored:before/after": "result"},
        ),
        *_rows(
            "song",
            {
                "result stored:before/after": "result",
                "file archived:before/during/after": "result",
                "file archived:after:2": "result",
                "ready stored:before/after": "result",
                "result sent:before": "result",
            },
        ),
        *_rows("song", {"result sent:during/after": "result"}, twice=True),
        *_rows("song", {"ref stored:after": "result", "settled:before/after": "result"}),
    ),
    Row("song", ("part noted:before",), only="telegram", twice=True),
    Row("song", ("part noted:after",), only="telegram"),
    *_in_turn(  # a call whose answer is the result: until that is stored, it is in doubt
        *_rows(
            "pictures",
            {
                "event stored:after": "result",
                "job stored:before": "result",
                "job stored:after": "unsure",
                "submit:before/during/after": "unsure",
                "result stored:before": "unsure",
                "result stored:after": "result",
                "file archived:before/during/after": "result",
                "file archived:after:2": "result",
                "ready stored:after": "result",
                "result sent:before": "result",
            },
        ),
        *_rows("pictures", {"result sent:during/after": "result"}, twice=True),
        *_rows("pictures", {"settled:before/after": "result"}),
        Row("pictures", ("submit:during", "doubt stored:before", "doubt stored:after"), "unsure"),
        Row("pictures", ("result stored:before", "end sent:after"), "unsure", twice=True),
        *_rows("speak", {"submit:after": "unsure", "result stored:after": "result"}),
        *_rows("ask", {"stream:before/during/after": "unsure", "result stored:before": "unsure"}),
        *_rows("ask", {"result stored:after": "result", "settled:before": "result"}),
    ),
    Row("half said", ("answer growing:during",), "unsure"),
    Row("essay", ("part noted:before:3",), twice=True),
    Row("essay", ("result sent:after",), only="telegram", twice=True),
)


SUBMIT = r"/submit/(?!modal)|/ideogram/|/v1/"


# -- one row -----------------------------------------------------------------------------------


async def play(house: House, row: Row) -> str:
    """Play a row and check the rules; returns what was seen, in brief. Raises `AssertionError`."""
    story = STORIES[row.story]
    chat = house.stage.enter("room")
    thing = await story.setup(house, chat)
    since, asked = house.bot.last_job() - (not story.makes), len(house.gateway.journal)
    for number, point in enumerate(row.points):
        with_fault = _arm(house, chat, point, asked)
        if number == 0:
            await story.act(house, chat, thing)
        else:
            house.bot.start()
        if with_fault is not None:
            await until(with_fault, f"call at {point}")
            await house.bot.kill()
        else:
            await house.bot.died(point)
        house.calm()
    await house.begin()
    lost = row.deferred or ("event stored:after" in row.points and house.stage.unanswered())
    end = "nothing" if lost and house.stage.nonces else row.end
    if end == "nothing":
        await asyncio.sleep(0.3)
        assert house.bot.jobs(since) == [], "a job was made of an event that was never stored"
        await house.idle()
        return end
    if story.after is not None and end == "result":
        await story.after(house, chat)
    await until(lambda: house.bot.jobs(since), "job")
    await house.idle()
    return _judge(house, row, story, chat, since, house.gateway.journal[asked:])


def _arm(house: House, chat: Any, point: str, asked: int) -> Callable[[], object] | None:
    """Order a death; for `during`, returns how to see that it is time to kill from here."""
    spot, when, *_ = point.split(":")
    if when != "during":
        house.bot.order(point)
        return None
    if spot == "result sent":
        return house.stage.swallow_result()
    if spot in ("answer heard", "answer unheard"):  # the event is stored while it travels
        lost = house.stage.lose_answer(heard=spot == "answer heard")
        return lambda: lost() and house.bot.open_events()
    if spot == "answer growing":
        return lambda: any(shown.says("You asked") for shown in house.stage.seen(chat))
    faults, journal = house.gateway.faults, house.gateway.journal
    match spot:
        case "submit" | "stream":
            faults.add(SUBMIT, method="POST", hang=True, effect=True)
            return lambda: any(seen.task for seen in journal[asked:] if seen.is_submit)
        case "window answer":
            faults.add(r"/submit/modal", method="POST", hang=True, effect=True)
            return lambda: any(seen.task for seen in journal[asked:] if "/modal" in seen.path)
        case "look":
            fault = faults.add(r"/task/|/fetch", hang=True)
        case "file archived":
            fault = faults.add(r"\.(png|webp|mp3)$", method="GET", hang=True)
        case _:
            raise AssertionError(f"nothing can be kept back at {spot}")
    return lambda: fault.met


def _judge(
    house: House, row: Row, story: Story, chat: Any, since: int, calls: Sequence[Seen]
) -> str:
    """The rules."""
    (job,) = house.bot.jobs(since)
    end = row.end
    if "job stored:after" in row.points and job[1] == STATES["result"]:
        end = "result"  # it was stored to wait its turn, and so was surely not begun
    if "event stored:after" in row.points and job[1] == STATES["unsure"]:
        assert not house.stage.nonces, "only what the platform brings again waits for its job"
        end = "unsure"  # its job shared the commit, and may have been begun
    assert job[1] == STATES[end], f"the job is {job[1]}"
    entries = house.bot.ledger(job[0])
    assert [kind for kind, _ in entries] == CLOSED[end], f"the ledger says {entries}"
    submits = Counter(seen.path for seen in calls if seen.is_submit)
    assert not [path for path, n in submits.items() if n > 1], f"sent again: {submits}"
    if end == "result":
        assert submits.total() == story.steps, f"not all sent: {submits}"
        assert sum(seen.paid for seen in calls) == story.pays, "paid otherwise than once"
        tasks = {seen.task for seen in calls if seen.is_submit}
        cost = sum(seen.charged for seen in house.gateway.journal if seen.task in tasks)
        paid = entries[-1][1]
        right = paid > 0 if story.metered else paid == round(cost * 1e6)
        assert right, f"cost {cost}, the ledger says {entries}"
    seen = house.stage.seen(chat)
    times = _told(end, story, seen)
    most = 2 if row.twice and not house.stage.nonces else 1
    assert 1 <= times <= most, f"shown {times} times: {_brief(seen)}"
    left = [shown for shown in seen if _is_progress(shown)]
    repeated = _repeated(story if end == "result" else None, seen, left)
    assert repeated < most, f"{repeated} messages are there again: {_brief(seen)}"
    # Without nonces, a message sent in the moment of death is one that nobody knows of.
    spare = 0 if house.stage.nonces else len(row.points)
    assert len(left) <= spare, f"progress is left: {_brief(left)}"
    return f"{end}, shown {times}x, {submits.total()} submit(s)"


def _told(end: End, story: Story, seen: Sequence[Shown]) -> int:
    """How often the end is in the chat."""
    if end == "result":
        return sum(map(story.ended, seen))
    words = {"unsure": "answer was lost", "cancelled": "Cancelled."}[end]
    return sum(shown.says(words, story.title) and len(shown.buttons) > 0 for shown in seen)


def _repeated(story: Story | None, seen: Sequence[Shown], left: Sequence[Shown]) -> int:
    """How many messages are there a second time; a song without its file is none."""
    ends = [shown for shown in seen if shown not in left]
    texts = Counter(shown.text for shown in ends if shown.text)
    again = texts.total() - len(texts)
    alone = sum(shown.files for shown in ends if not shown.text)  # an album's have no words
    if story is None or not story.files:
        return again
    files = sum(shown.files for shown in ends)
    assert files >= story.files, f"only {files} files: {_brief(seen)}"
    return again + (alone > story.files)


def _is_progress(shown: Shown) -> bool:
    return any("Cancel" in label for label in shown.buttons) or shown.says("bringing it here")


def _brief(seen: Sequence[Shown]) -> str:
    return "; ".join(f"{shown.text[:90]!r} {list(shown.buttons)[:3]}" for shown in seen)
