"""Midjourney's flags: what passes as typed, what is mended and said, what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.commands.mjprompt import Composed, compose
from core.errors import BadInput
from core.providers.midjourney_prompts import LONGEST


def made(prompt: str, **options: Any) -> Composed:
    return compose(prompt, options)


def notes(composed: Composed) -> list[str]:
    return [text.format(**values) for text, values in composed.notes]


AS_TYPED = [
    "a fox",
    "a fox in the rain --ar 3:2",
    "a fox --v 6.1 --stylize 250 --chaos 10 --weird 500 --q .5 --seed 4294967295",
    "a fox --niji 6 --style expressive",
    "a fox --niji",
    "a fox --no dogs, red mice and cats --tile",
    "a fox --sref random --sw 100",
    "a fox --sref https://a.example/1.png https://a.example/2.png --sv 4",
    "a fox --cref https://a.example/1.png --cw 0",
    "a fox --oref https://a.example/1.png --ow 400 --v 7",
    "a fox --p --raw --draft --exp 25",
    "a fox --p abc123x m7k2p9q --fast",
    "a fox --iw 1.5",
    "a fox --s 0 --c 0 --w 0",
    "a fox --profile x9y8z7",
    "https://a.example/1.png a fox",
    "a fox 24 --v 7",
    "red-and-blue fox, 50 - 60 years",
    "a fox \\{not, a list\\}",
    "a {lonely} fox",
    "fox::2 rain::-0.5 --ar 16:9",
    "el zorro “no”".replace("“", '"').replace("”", '"'),
    "狐狸 --ar 1:1",
    "🦊 --tile",
]


@pytest.mark.parametrize("prompt", AS_TYPED)
def test_right_flags_stay_exactly_as_typed(prompt: str) -> None:
    """Nothing is moved, renamed or remarked on."""
    assert made(prompt) == Composed(
        prompt, niji="--niji" in prompt, speed="fast" if "--fast" in prompt else ""
    )


MENDED: list[tuple[str, str, str]] = [
    # typed, sent, what the person is told
    ("a fox --ar 16-9", "a fox --ar 16:9", "I read --ar 16-9 as --ar 16:9."),
    ("a fox --ar 16x9", "a fox --ar 16:9", "I read --ar 16x9"),
    ("a fox --ar 16 : 9", "a fox --ar 16:9", "I read --ar 16 : 9"),
    ("a fox --ar=3:2", "a fox --ar 3:2", ""),
    ("a fox --ar 16:9.", "a fox --ar 16:9", "I read --ar 16:9."),
    ("a fox —ar 3:2", "a fox --ar 3:2", ""),
    ("a fox –v 7", "a fox --v 7", ""),
    ("a fox -—ar 3:2", "a fox --ar 3:2", ""),
    ("a fox -- ar 3:2", "a fox --ar 3:2", ""),
    ("a fox --v7", "a fox --v 7", ""),
    ("a fox --v v6.1", "a fox --v 6.1", "I read --v v6.1 as --v 6.1."),
    ("a fox --AR 3:2", "a fox --ar 3:2", ""),
    ("--ar 3:2 a fox", "a fox --ar 3:2", "moved yours to the end"),
    ("a fox --v 7 in rain", "a fox in rain --v 7", "moved yours to the end"),
    ("a fox https://a.example/1.png", "https://a.example/1.png a fox", "moved yours to the front"),
    ("a fox <https://a.example/1.png>", "https://a.example/1.png a fox", "moved yours"),
    ("a fox --foo bar", "a fox --foo bar", "I do not know --foo"),
    ("a fox --Foo", "a fox --Foo", "I do not know --Foo"),
    ("a fox --v 12", "a fox --v 12", "I do not know --v 12"),
    ("a fox --niji 9", "a fox --niji 9", "I do not know --niji 9"),
    ("a fox --tile yes --raw no --v 7", "a fox --tile --v 7", ""),
    ("a fox --tile no more", "a fox no more --tile", "moved yours to the end"),
    ("a  fox\n\nin\train", "a fox in rain", ""),
    ("a\u200bfo\u202ex", "afox", ""),
]


@pytest.mark.parametrize(("typed", "sent", "told"), MENDED)
def test_slips_are_mended_and_said(typed: str, sent: str, told: str) -> None:
    """What people may notice they are told; what they may not is mended silently."""
    composed = made(typed)

    assert composed.prompt == sent
    assert [] == notes(composed) if not told else told in " ".join(notes(composed))


REFUSED: list[tuple[str, str]] = [
    # typed, words of the fix
    ("", "Say what the picture shall show"),
    ("   \n ", "Say what the picture shall show"),
    ("\u200b\u2060", "Say what the picture shall show"),
    ("--ar 3:2", "before any flags"),
    ("x" * 10_000, "at most 6000"),
    ("a fox --ar wide", "such as 16:9"),
    ("a fox --ar 0:2", "such as 16:9"),
    ("a fox --ar 1.5:1", "such as 16:9"),
    ("a fox --ar", "such as 16:9"),
    ("a fox --chaos 101", "from 0 to 100"),
    ("a fox --stylize -5", "from 0 to 1000"),
    ("a fox --s many", "from 0 to 1000"),
    ("a fox --weird 3001", "from 0 to 3000"),
    ("a fox --seed random", "from 0 to 4294967295"),
    ("a fox --seed 4294967296", "from 0 to 4294967295"),
    ("a fox --q 3", "can be .25, .5, 1, 2, 4"),
    ("a fox --style vivid", "can be raw, cute, scenic"),
    ("a fox --stop 5", "from 10 to 100"),
    ("a fox --iw 3.5", "from 0 to 3"),
    ("a fox --v new", "needs a version number"),
    ("a fox --v", "needs a version number"),
    ("a fox --niji cute", ""),
    ("a fox --motion fast", "can be low, high"),
    ("a fox --no", "needs something behind it"),
    ("a fox --sref", "needs something behind it"),
    ("a fox --repeat 4", "--repeat would start several"),
    ("a fox --r 4", "--repeat would start several"),
    ("a fox —r 4", "--repeat would start several"),
    ("a {red, blue} fox", "{red, blue} would start several"),
    ("a fox --v {6,7}", "{6,7} would start several"),
]


@pytest.mark.parametrize(("typed", "fix"), [case for case in REFUSED if case[1]])
def test_what_cannot_work_is_refused_with_the_fix(typed: str, fix: str) -> None:
    """Before anything is sent or held."""
    with pytest.raises(BadInput) as caught:
        made(typed)
    assert fix in str(caught.value)


def test_a_word_behind_niji_is_part_of_the_prompt() -> None:
    """Niji takes a number or nothing."""
    composed = made("a fox --niji cute")
    assert composed.prompt == "a fox cute --niji"
    assert composed.niji


OPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("a fox", {"ar": "3:2"}, "a fox --ar 3:2"),
    ("a fox", {"ar": "3-2"}, "a fox --ar 3:2"),
    ("a fox", {"version": "7", "stylize": 0, "chaos": 5}, "a fox --v 7 --stylize 0 --chaos 5"),
    ("a fox", {"raw": True, "tile": True}, "a fox --raw --tile"),
    ("a fox", {"raw": False, "ar": None, "no": ""}, "a fox"),
    ("a fox", {"no": "dogs, cats"}, "a fox --no dogs, cats"),
    ("a fox --no mice", {"no": "dogs, mice"}, "a fox --no mice, dogs"),
    ("a fox", {"speed": "turbo"}, "a fox --turbo"),
    ("a fox", {"niji": "6"}, "a fox --niji 6"),
    ("a fox", {"niji": "6", "version": "7"}, "a fox --niji 6"),
    ("a fox", {"quality": ".5", "seed": 7, "weird": 1}, "a fox --weird 1 --quality .5 --seed 7"),
]


@pytest.mark.parametrize(("prompt", "options", "sent"), OPTIONS)
def test_options_become_flags_behind_the_text(
    prompt: str, options: dict[str, Any], sent: str
) -> None:
    """In one order, each as Midjourney spells it."""
    assert made(prompt, **options).prompt == sent


@pytest.mark.parametrize(
    ("prompt", "options"),
    [
        ("a fox --ar 1:1", {"ar": "3:2"}),
        ("a fox --v 6", {"version": "7"}),
        ("a fox --s 5", {"stylize": 9}),
        ("a fox --fast", {"speed": "turbo"}),
        ("a fox --style cute", {"raw": True}),
        ("a fox --v 6", {"niji": "6"}),
    ],
)
def test_what_was_typed_counts_more_than_an_option(prompt: str, options: dict[str, Any]) -> None:
    """And the person is told which of the two was left out."""
    composed = made(prompt, **options)

    assert composed.prompt == prompt
    assert "was left out" in " ".join(notes(composed))


def test_the_same_said_twice_is_said_once_and_not_remarked_on() -> None:
    """Only a contradiction is worth a word."""
    assert made("a fox --ar 3:2", ar="3:2") == Composed("a fox --ar 3:2")


def test_an_option_cannot_smuggle_flags() -> None:
    """What not to draw is words."""
    with pytest.raises(BadInput, match="takes no flags"):
        made("a fox", no="dogs --repeat 9")


def test_defaults_give_way_silently() -> None:
    """To what was typed, to what was chosen, and to niji."""
    mine = {"version": "6", "ar": "3:2", "stylize": "50", "speed": "relax"}

    assert compose("a fox", {}, mine).prompt == "a fox --ar 3:2 --v 6 --stylize 50 --relax"
    kept = compose("a fox --v 7 --fast", {"ar": "1:1"}, mine)
    assert kept.prompt == "a fox --v 7 --fast --ar 1:1 --stylize 50"
    assert kept.notes == ()
    assert kept.speed == "fast"
    assert (
        compose("a fox --niji 6", {}, mine).prompt == "a fox --niji 6 --ar 3:2 --stylize 50 --relax"
    )


_WORDS = st.lists(st.text("abcxyz,.", min_size=1, max_size=6), min_size=1, max_size=8)
_FLAGS = st.lists(
    st.sampled_from(["--ar 3:2", "--v 7", "--s 50", "--tile", "--no a, b", "--seed 7", "--raw"]),
    unique=True,
    max_size=4,
)


@given(_WORDS, _FLAGS)
def test_words_and_right_flags_always_pass_as_typed(words: list[str], flags: list[str]) -> None:
    """Whatever the words are."""
    prompt = " ".join([*words, *flags])
    assert made(prompt) == Composed(prompt)


@given(
    st.text(max_size=200) | st.text(alphabet="ab --—–,.:;={}16x9\n\"'“\\rvno", max_size=80),
    st.fixed_dictionaries({}, optional={"no": st.text(max_size=20), "ar": st.text(max_size=8)}),
)
def test_any_prompt_is_composed_or_explained(prompt: str, options: dict[str, str]) -> None:
    """Nothing but `BadInput` is ever raised, and what comes out is one line that can be sent."""
    try:
        composed = compose(prompt, options)
    except BadInput as error:
        str(error)
        return
    assert composed.prompt.strip() == composed.prompt
    assert "\n" not in composed.prompt
    assert 0 < len(composed.prompt) <= LONGEST
    assert all(notes(composed))


@given(st.text(alphabet="ab -—,.:={}16x9rvno", max_size=60))
def test_composing_twice_changes_nothing_more(prompt: str) -> None:
    """A composed prompt typed again is the same prompt, so that /again and copies agree."""
    try:
        once = compose(prompt, {}).prompt
    except BadInput:
        return
    assert compose(once, {}).prompt == once
