"""Messages: foreign text shows as typed, and long text is cut where it may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegramify_markdown import convert

from core.messages import Limits, Media, Message, clean, escape, fit


@given(st.text(alphabet="ab1 .*_`~|<>#+-![](){}$^&=@:/\\\"'%;,?é😀—1️⃣", min_size=1, max_size=60))
def test_escaped_text_shows_exactly_as_typed(text: str) -> None:
    """A CommonMark reader gives back what was typed, with no formatting at all."""
    line = " ".join(text.split())
    if not line:
        return

    shown, entities = convert(f"x {escape(line)} y", latex_escape=False)

    assert f"x {clean(line).replace('@', '@⁠').replace('://', ':⁠//')} y" == shown.rstrip("\n")
    assert [] == entities


@pytest.mark.parametrize("bad", ["\u202e", "\u200b", "\ufeff", "\x07", "\u2066"])
def test_invisible_characters_are_removed(bad: str) -> None:
    """Direction overrides, zero-width characters and controls do not survive."""
    assert "ab" == clean(f"a{bad}b")


def test_a_mention_is_broken() -> None:
    """No @name of a prompt reaches a platform whole."""
    assert "@everyone" not in escape("hi @everyone")


@given(st.text(max_size=3000))
def test_every_part_fits(text: str) -> None:
    """However long a text is, each part keeps to the limit and the buttons come last."""
    media = (Media("0" * 64, "image/png", 1),)

    parts = fit(Message(text, media), Limits(text=400, caption=100))

    assert all(len(p.text) <= (100 if n == 0 else 400) for n, p in enumerate(parts))
    assert media == parts[0].media
    assert all(not p.media for p in parts[1:])
