"""Formulas and tables of an answer, in chats that have neither."""

from __future__ import annotations

import time

import pytest

from adapters.discord import render
from adapters.discord.deliver import LIMITS
from adapters.discord.tables import plain_tables
from adapters.telegram.render import plain
from core.maths import readable


def bare(text: str) -> str:
    """Without the strokes and joiners that keep signs from being markup."""
    return text.replace("\\", "").replace("\u2060", "")


FORMULAS = {
    r"$n_1 \sin\theta_1 = n_2 \sin\theta_2$": "n₁ sinθ₁ = n₂ sinθ₂",
    r"$$x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$$": "x = (-b ± √(b² - 4ac))/2a",
    r"\[\int_0^\infty e^{-x}\,dx\]": "∫₀^∞ e⁻ˣ dx",
    r"so \(a^2\) it is": "so a² it is",
    r"a square of side $x$ and $-1$": "a square of side x and -1",
    r"$\sqrt{2}$": "√2",
}


@pytest.mark.parametrize("latex", FORMULAS)
def test_a_formula_is_written_in_plain_signs(latex: str) -> None:
    """Greek letters, fractions, roots, what is raised and lowered."""
    assert bare(readable(latex)) == FORMULAS[latex]


@pytest.mark.parametrize(
    "text",
    [
        "it costs $5 and $10 a month",
        "between $5-$10, or $3_000",
        "```sh\necho $HOME and $PATH_X$\n```",
        "in code: `$x_1$` stays",
        "US$ or A$",
        "an \\[escaped bracket",
        "a lone $x_1 without an end",
    ],
)
def test_what_is_no_formula_stays(text: str) -> None:
    """Prices, code and shells."""
    assert readable(text) == text


def test_a_formula_is_no_markup() -> None:
    """A product of stars is neither bold nor italic."""
    assert "\\*" in readable("$a * b * c = d$")


def test_a_formula_nobody_can_read_is_shown_as_it_is() -> None:
    """Whatever a model writes, nothing of the answer is lost."""
    for text in ("$\\frac{a_1$ and the rest", "$\\begin{a}\\begin{b}$ and the rest"):
        shown = readable(text)
        assert shown.endswith(" and the rest")
        assert len(shown) > len(" and the rest")


@pytest.mark.parametrize("piece", ["\\[ a", "\\( a", "$$a", "$x ", "`$", "$\\frac{"])
def test_odd_text_takes_no_time(piece: str) -> None:
    """Nothing that is never closed makes the search start over and over."""
    began = time.process_time()
    readable(piece * 20_000)
    assert time.process_time() - began < 5.0


TABLE = """\
Before:

| medium | index |
|:-------|------:|
| **air** | 1.000 |
| a \\| b | 1 |

After."""


def test_a_table_stands_in_columns_on_discord() -> None:
    """As a block of code, without marks inside; numbers at the right."""
    columns = "medium │ index\n───────┼──────\nair    │ 1.000\na | b  │     1"
    assert plain_tables(TABLE) == f"Before:\n\n```\n{columns}\n```\n\nAfter."
    assert "medium │ index" in render.text(TABLE)


def test_a_wide_table_is_told_row_by_row() -> None:
    """Where its columns would not fit side by side."""
    words = "a very long cell that goes on and on"
    source = f"| name | first | second |\n|---|---|---|\n| one | {words} | {words} |"
    assert plain_tables(source) == f"- **one** · first: {words} · second: {words}"


@pytest.mark.parametrize("text", ["a | b\nc | d", "```\n| a | b |\n|---|---|\n```", "a\n---\nb"])
def test_what_is_no_table_stays(text: str) -> None:
    """Strokes in words and in code."""
    assert plain_tables(text) == text


def test_a_table_counts_as_long_as_it_is_shown() -> None:
    """So that no part of an answer is cut for its padding."""
    assert LIMITS.measure(TABLE) == len(render.text(TABLE))


def test_telegram_shows_a_table_in_columns() -> None:
    """It always did."""
    assert "medium" in plain(TABLE)
    assert "|:--" not in plain(TABLE)
