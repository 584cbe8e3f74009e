"""How jobs look: what a person reads at each stage, and which buttons stand under it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import buttons, cards
from core.cards import Standing
from core.i18n import translator
from core.jobs import Action, Entry, Job, State, Verb
from core.messages import Button, Field, Form, Media, Place
from core.providers import catalogue, providers
from core.providers.base import Offer, Request, Ticket

say = translator("en")
OFFERS = catalogue(providers(), {})
FOX = Request("mj_imagine", "image", "a fox --ar 3:2")
PICTURE = Media("a" * 64, "image/png", 1_500_000, 64, 64, "fox.png")


def job(state: State = State.DONE, **more: Any) -> Job:
    base = Job(
        "k7f3q2x",
        "web:1",
        "Ann",
        Place("web", "1"),
        "en",
        "imagine",
        FOX,
        100_000,
        1.0,
        state=state,
        submitted_at=10.0,
    )
    return replace(base, **more)


def action(verb: Verb = Verb.CONTINUE, key: str = "UPSCALE:1", **more: Any) -> Action:
    return Action(token=key, verb=verb, owner="web:1", job="k7f3q2x", key=key, **more)


# -- progress --------------------------------------------------------------------------------------


STANDINGS: list[tuple[Job, Standing, str]] = [
    (job(State.QUEUED), Standing(0), "Next in line"),
    (job(State.QUEUED), Standing(0, 42.0), "Next in line · starts in about 40 s"),
    (job(State.QUEUED), Standing(3, 150.0), "Waiting: 3 before you · starts in about 2 min"),
    (job(State.SUBMITTING), Standing(), "Handing it over…"),
    (job(State.RUNNING), Standing(0, 33.0), "Accepted, waiting to start · about 35 s left"),
    (job(State.RUNNING, started_at=9.0), Standing(), "▱▱▱▱▱▱▱▱▱▱▱▱ 0 %"),
    (
        job(State.RUNNING, started_at=9.0, percent=99),
        Standing(0, 1.0, late=True, bar=False),
        "99 % · taking longer than usual",
    ),
    (job(State.SUBMITTING), Standing(0, 20.0), "Being made… · about 20 s left"),
    (job(State.SUBMITTING), Standing(0, 0.0), "Being made…"),
    (
        job(State.RUNNING, started_at=9.0, percent=50),
        Standing(0, 12.0),
        "▰▰▰▰▰▰▱▱▱▱▱▱ 50 % · about 10 s left",
    ),
    (job(State.RUNNING, started_at=9.0, percent=50), Standing(bar=False), "50 %"),
    (job(State.WAITING), Standing(), "Needs your answer: press the button."),
    (job(State.FETCHING), Standing(), "Finished, bringing it here…"),
]


@pytest.mark.parametrize(("live", "standing", "line"), STANDINGS)
def test_how_a_live_job_stands(live: Job, standing: Standing, line: str) -> None:
    """State, place, time and percent in one line."""
    assert cards.state_line(say, live, standing) == line


def test_progress_names_the_price_while_it_can_be_stopped() -> None:
    """Nobody is surprised after the fact; afterwards the result says it."""
    stop = action(Verb.CANCEL, "cancel", label="Cancel", emoji="✖️")
    going = cards.status(say, job(State.RUNNING), Standing(), [stop])
    ending = cards.status(say, job(State.READY), Standing(), [stop])

    assert "$0.10" in going.text
    assert [b.label for b in going.buttons] == ["Cancel"]
    assert "$0.10" not in ending.text
    assert ending.buttons == ()


def test_what_was_changed_is_told_at_once_and_with_the_result() -> None:
    """Notes on the prompt stand under the progress and under the result, as plain text."""
    told = {"notes": ["I read --ar 16-9 as --ar 16:9.", "I do not know --foo."]}
    noted = job(request=replace(FOX, options=told))
    line = "ℹ️ I read \\-\\-ar 16\\-9 as \\-\\-ar 16\\:9\\. I do not know \\-\\-foo\\."

    assert line in cards.status(say, noted, Standing(), []).text
    assert line in cards.result(say, noted, "Midjourney", ()).text
    failed = replace(noted, state=State.FAILED)
    assert line in cards.ended(say, failed, [], "").text


def test_a_board_lists_every_job_with_its_own_cancel() -> None:
    """Twelve lines at most, ten buttons, the rest as a number."""
    jobs = [job(State.RUNNING, id=f"job{n}", owner_name="<@1>") for n in range(14)]
    stops = [replace(action(Verb.CANCEL, f"c{n}"), job=f"job{n}") for n in range(14)]
    board = cards.board(say, [(one, Standing()) for one in jobs], stops)

    assert "**14 jobs under way**" in board.text
    assert "… and 2 more" in board.text
    assert "<@1>" not in board.text
    assert [b.label for b in board.buttons] == [f"✖ {n}" for n in range(1, 11)]
    rows = [b.row for b in board.buttons]
    assert max(rows.count(row) for row in rows) <= 5


# -- results ---------------------------------------------------------------------------------------


def test_a_result_says_prompt_model_time_price_and_id() -> None:
    """In few lines, for its requester alone."""
    message = cards.result(say, job(finished_at=44.0, media=(PICTURE,)), "Midjourney", ())

    assert message.text.splitlines() == [
        "**Imagine** · a fox \\-\\-ar 3\\:2",
        "",
        "Midjourney · 34 s · $0.10 · `k7f3q2x`",
    ]
    assert message.mention
    assert message.mention.id == "1"
    assert message.media == (PICTURE,)


def test_a_blend_shows_its_shape_and_how_many_pictures() -> None:
    """It has no prompt to show them in."""
    mixed = Request("mj_blend", "blend", "", (PICTURE,) * 3, {"dimensions": "PORTRAIT"})
    text = cards.result(say, job(request=mixed, command="blend"), "Midjourney", ()).text

    assert text.startswith("**Blend**\n")
    assert "Midjourney · portrait · 🖼️ ×3 · $0.10" in text


def test_a_covered_place_covers_its_pictures() -> None:
    """Whatever the picture itself says."""
    hidden = job(place=Place("web", "1", spoiler=True), media=(PICTURE,))
    assert cards.result(say, hidden, "M", ()).media[0].spoiler


def test_a_shrunk_picture_says_so() -> None:
    """With the size of the file that is kept."""
    text = cards.result(say, job(media=(PICTURE,)), "M", (), shrunk=True).text
    assert "1.5 MB" in text


@pytest.mark.parametrize(
    ("prompt", "limit", "shown"),
    [
        ("a fox --ar 3:2", 40, "a fox --ar 3:2"),
        ("a very long tale of a fox --ar 3:2", 24, "a very long ta… --ar 3:2"),
        ("a\nfox   in rain", 40, "a fox in rain"),
        ("a fox --no " + "dogs, " * 20, 20, "a fox --no dogs, do…"),
        ("", 10, ""),
    ],
)
def test_a_long_prompt_keeps_its_flags(prompt: str, limit: int, shown: str) -> None:
    """Words are cut first: the options are part of what was asked for."""
    assert cards.brief_prompt(prompt, limit) == shown


@given(st.text(max_size=300), st.integers(1, 120))
def test_a_shown_prompt_keeps_to_its_limit(prompt: str, limit: int) -> None:
    """Whatever it holds."""
    assert len(cards.brief_prompt(prompt, limit)) <= limit


def test_after_a_window_the_prompt_that_was_used_is_shown() -> None:
    """The person changed it there."""
    varied = job(answered=True, final_prompt="a wolf")
    assert "a wolf" in cards.headline(say, varied)
    assert "a fox" in cards.headline(say, replace(varied, answered=False))


# -- buttons ---------------------------------------------------------------------------------------


def buttons_of(*actions: Action, **more: Any) -> tuple[Button, ...]:
    given: dict[str, Any] = {"original": False} | more
    used, person = given.pop("used", ()), given.pop("person", {})
    return buttons.under_result(say, job(), actions, used, OFFERS, person, **given)


def test_a_button_that_was_pressed_shows_it() -> None:
    """By its colour; the others stay plain."""
    one, two = buttons_of(action(), action(key="UPSCALE:2"), used={"UPSCALE:2"})
    assert (one.style, two.style) == ("plain", "primary")


def test_a_dear_button_says_its_price() -> None:
    """Far dearer than what it stands under: an animation, four pictures at once."""
    film = action(key="a", label="Animate", request=Request("mj_video", "continue"))
    four = Request("mj_imagine", "image", options={"each": ["a"] * 4})
    usual = action(key="c", label="U1", request=Request("mj_upscale", "continue"))
    labels = [b.label for b in buttons_of(film, action(key="b", label="All", request=four), usual)]

    assert labels == ["Animate · $0.80", "All · $0.40", "U1"]


@pytest.mark.parametrize(
    ("person", "price"),
    [
        ({}, "$0.50"),
        ({"video": "dear-film"}, "$3.00"),
        ({"video": "film-of-words"}, "$0.50"),
        ({"video": "gone-film"}, "$0.50"),
        ({"video": "never-heard-of"}, "$0.50"),
    ],
)
def test_a_command_says_what_it_costs_with_the_persons_own_model(
    person: dict[str, str], price: str
) -> None:
    """Where that takes the picture and is still offered; else with the first one that does."""
    film = Offer("film", "f", "video", "Film", 0.5, media=(0, 1))
    offers = {
        "film": film,
        "dear-film": replace(film, key="dear-film", price=3.0),
        "film-of-words": replace(film, key="film-of-words", price=7.0, media=(0, 0)),
        "gone-film": replace(film, key="gone-film", price=9.0, hidden=True),
    }
    values = {"command": "video", "image": "file:0"}
    asks = action(Verb.COMMAND, "v", label="Animate", values=values)
    asks = replace(asks, request=Request("film", "video"))
    (drawn,) = buttons.under_result(say, job(), [asks], (), offers, person, original=False)
    assert drawn.label == f"Animate · {price}"


def test_a_link_stays_a_link() -> None:
    """It leads where the gateway says and carries no action."""
    (link,) = buttons_of(action(label="Web", values={"url": "https://www.midjourney.com/"}))
    assert link.url == "https://www.midjourney.com/"


def test_the_untouched_file_is_offered_where_the_chat_loses_quality() -> None:
    """And only there."""
    original = action(Verb.ORIGINAL, "original", label="Full quality")
    assert [b.label for b in buttons_of(original, original=True)] == ["Full quality"]
    assert buttons_of(original) == ()


@given(st.lists(st.integers(0, 8), max_size=25), st.booleans())
def test_large_buttons_stand_three_abreast_where_there_is_room(
    rows: list[int], large: bool
) -> None:
    """Never more than five rows because of it, and none is lost."""
    made = tuple(Button(label=str(n), token=str(n), row=row) for n, row in enumerate(sorted(rows)))
    wide = buttons.enlarge(made)

    assert {b.token for b in wide} == {b.token for b in made}
    if wide != made:
        counts = [sum(b.row == row for b in wide) for row in {b.row for b in wide}]
        assert len(counts) <= 5
        assert max(counts) <= 3


# -- ends ------------------------------------------------------------------------------------------


ENDS: list[tuple[State, Entry | None, str, list[str]]] = [
    (State.FAILED, Entry.REFUND, "Nothing was charged.", ["Run again", "Look again"]),
    (State.FAILED, Entry.SETTLE, "It cost $0.10.", ["Run again", "Look again"]),
    (State.CANCELLED, Entry.REFUND, "Nothing was charged.", ["Run again", "Look again"]),
    (State.CANCELLED, Entry.SETTLE, "still costs $0.10", ["Run again", "Look again"]),
    (State.UNSURE, None, "may have cost $0.10", ["Run again", "Leave it"]),
]


@pytest.mark.parametrize(("state", "closing", "words", "offered"), ENDS)
def test_an_end_says_what_happened_what_it_cost_and_what_can_be_done(
    state: State, closing: Entry | None, words: str, offered: list[str]
) -> None:
    """Each end has its own buttons."""
    made = [
        action(Verb.AGAIN, "again", label="Run again"),
        action(Verb.LEAVE, "leave", label="Leave it"),
        action(Verb.RESUME, "resume", label="Look again"),
        action(Verb.CANCEL, "cancel", label="Cancel"),
    ]
    over = job(state, ticket=Ticket("midjourney", "17-30"))
    message = cards.ended(say, over, made, cards.cost(say, over, closing))

    assert words in message.text
    assert sorted(b.label for b in message.buttons) == sorted(offered)
    assert ("`17-30`" in message.text) == (state is not State.CANCELLED)
    assert "`k7f3q2x`" in message.text


def test_foreign_words_in_a_reason_are_escaped() -> None:
    """A failure's text cannot ping, link or format."""
    note = {
        "note": "It said: {reason}",
        "note_values": {"reason": "@everyone **x** [y](https://z)"},
    }
    text = cards.ended(say, job(State.FAILED, **note), [], "").text

    assert "@everyone" not in text
    assert "**x**" not in text
    assert "](http" not in text


# -- forms -----------------------------------------------------------------------------------------


def test_a_form_is_asked_in_the_persons_language() -> None:
    """Labels and hints; what they wrote themselves stays."""
    asked = Form(
        "Custom zoom",
        (
            Field("p", "Prompt", value="Prompt", hint="such as 16:9"),
            Field("c", "Prompt", kind="choice", choices=(("Prompt", "Prompt"),)),
        ),
        token="t",
    )

    def shout(text: str, /, **values: object) -> str:
        return text.upper().format(**values)

    spoken = cards.form(shout, asked)

    assert (spoken.title, spoken.token) == ("CUSTOM ZOOM", "t")
    assert [f.label for f in spoken.fields] == ["PROMPT", "PROMPT"]
    assert (spoken.fields[0].value, spoken.fields[0].hint) == ("Prompt", "SUCH AS 16:9")
    assert spoken.fields[1].choices == (("Prompt", "PROMPT"),)
