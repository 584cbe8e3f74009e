"""Long answers in parts: nothing is lost, and nothing is broken that was whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.discord.render import text as discord_text
from adapters.telegram.render import text_of as telegram_text
from core.messages import tame
from core.split import closed, split

CODE = "```python\n" + "\n".join(f"print({n})" for n in range(60)) + "\n```"
TABLE = "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | {n * n} |" for n in range(60))
LIST = "\n".join(f"{n}. item number {n} of a list" for n in range(1, 40))

blocks = st.lists(
    st.sampled_from(
        [
            CODE,
            TABLE,
            LIST,
            "## A heading",
            "A paragraph with **bold** words and a [link](https://example.com/a/page).",
            "~~~\nplain\n~~~",
            "x" * 300,
            "- one\n  - two inside\n- three",
            "ends in backslashes \\\\\\*" * 9,
        ]
    )
    | st.text(alphabet="ab `~|\\*_[]()\n#-é😀", max_size=200),
    min_size=1,
    max_size=8,
)


def bare(text: str) -> str:
    """A text without what a cut may add or take: fences, heads of tables, blanks."""
    return re.sub(r"`{3,}\w*|~{3,}|\| a \| b \||\|---\|---\||\s", "", text)


@given(blocks, st.integers(80, 400))
@example([CODE], 100)
@example([TABLE], 100)
def test_the_parts_together_are_the_whole(pieces: list[str], room: int) -> None:
    """Every part fits and not a word is lost or doubled."""
    whole = "\n\n".join(pieces)

    parts = split(whole, room, room)

    assert all(len(part) <= room for part in parts)
    assert bare("\n".join(parts)) == bare(whole)


def test_a_code_block_goes_on_as_one() -> None:
    """It is closed at the end of a part and opened again with its language in the next."""
    parts = split(f"Look:\n\n{CODE}\n\nThat is all.", 200, 200)

    assert len(parts) > 3
    assert all(part.count("```") % 2 == 0 for part in parts)
    assert all(part.startswith("```python\n") for part in parts[1:-1])
    assert parts[-1].endswith("That is all.")


def test_a_line_of_code_that_is_too_long_stays_code() -> None:
    """One line longer than a message is cut inside code blocks."""
    parts = split("```json\n" + "x" * 500 + "\n```", 200, 200)

    assert all(part.startswith("```json\n") and part.endswith("```") for part in parts)
    assert sum(part.count("x") for part in parts) == 500


def test_a_table_goes_on_under_its_own_head() -> None:
    """Rows stay whole, and every part shows what its columns are."""
    parts = split(f"Before.\n\n{TABLE}\n\nAfter.", 300, 300)

    rows = [part for part in parts if "|" in part]
    assert len(rows) > 2
    assert all("| a | b |\n|---|---|\n" in part for part in rows)
    assert all(line.count("|") == 3 for part in rows for line in part.split("\n") if "|" in line)


def test_a_list_is_cut_between_its_items() -> None:
    """Each part begins with an item and its number."""
    parts = split(LIST, 300, 300)

    assert len(parts) > 2
    assert all(re.match(r"\d+\. item", part) for part in parts)


@pytest.mark.parametrize(
    "piece",
    [
        "[a link with words](https://example.com/x)",
        "`some code in a line`",
        "https://e.com/" + "y" * 40,
    ],
)
def test_a_link_is_never_parted(piece: str) -> None:
    """Wherever the end of a part falls, it falls beside a link, never into one."""
    for before in range(60, 140):
        parts = split("w" * before + " " + piece + " " + "z " * 60, 140, 140)

        assert any(piece in part for part in parts), (before, parts)


def test_a_code_block_that_fits_is_not_cut() -> None:
    """What fits into the next part whole goes there whole."""
    block = "```js\n" + "a();\n" * 20 + "```"
    parts = split("word " * 30 + "\n\n" + block, 200, 200)

    assert block in parts


def test_parts_fit_as_the_platform_counts() -> None:
    """Links that grow when Discord draws them are counted as drawn."""
    source = "[x](https://example.com/a) " * 300

    parts = split(source, 1970, 1970, lambda words: len(discord_text(words)))

    assert all(len(discord_text(part)) <= 1970 for part in parts)
    assert "".join(parts).count("example") == 300


@pytest.mark.parametrize("text", ["a\n```py\nx", "~~~\nx", "````\n```\nx"])
def test_text_that_breaks_off_closes_its_code(text: str) -> None:
    """An answer that is still growing never turns the rest of the card into code."""
    shown, entities = telegram_text(f"{closed(text)}\n\nafter")

    assert "after" in shown
    assert all(e.offset + e.length <= shown.index("after") for e in entities)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("hello @everyone", "hello @\u2060everyone"),
        ("`@app.route`", "`@app.route`"),
        ("```py\n@app.get\n```\n@ann", "```py\n@app.get\n```\n@\u2060ann"),
        ("\\`@ann\\`", "\\`@\u2060ann\\`"),
        ("https://example.com/@ann and @bob", "https://example.com/@ann and @\u2060bob"),
    ],
)
def test_a_models_words_ping_nobody_and_code_stays_code(said: str, shown: str) -> None:
    """Mentions are broken, but not inside code or addresses, where they mean something else."""
    assert tame(said) == shown


def test_cutting_is_linear() -> None:
    """A very long answer is cut in the time of a blink."""
    parts = split(f"{CODE}\n\n" * 400, 1970, 1970)

    assert len(parts) > 100
