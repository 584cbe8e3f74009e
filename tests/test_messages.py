"""Messages: foreign text shows as typed, and long text is cut where it may be."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.discord.render import text as discord_text
from adapters.telegram.render import text_of as telegram_text
from core.messages import (
    Button,
    Caller,
    Limits,
    Media,
    Message,
    clean,
    ending,
    escape,
    fit,
    shorten,
)

NASTY = [
    "@everyone and @here",
    "<@123> <@!123> <@&456> <#789> <:cat:1> <a:cat:1> </imagine:1> <t:1:R> <id:customize>",
    "https://evil.example/x and <https://evil.example>",
    "[free](https://evil.example) ![x](y) [a][b]",
    "**bold** __under__ *it* _it_ ~~gone~~ ||secret|| `code` ```block```",
    "# big > quote >>> all - list -# small 1. one 2) two",
    "a\\\\*b* \\_c\\_ \\",
    "&lt;b&gt; &amp; &#64;everyone $x^2$ {a} == | a | b |",
    "tom@example.com ::: --- *** ___ +++ ===",
    "--ar 3:2 --v 6.1 --no a, b",
    "שלום world مرحبا 狐狸 🦊 👩‍👩‍👧 e\u0301",
    ":smile: :+1: 100% 1️⃣ #️⃣",
]
typed = st.sampled_from(NASTY) | st.text(
    alphabet="ab1 .*_`~|<>#+-![](){}$^&=@:/\\\"'%;,?é😀—1️⃣\u202e\u200b", min_size=1, max_size=60
)


def seen(words: str) -> str:
    """What a person sees of escaped text: the words, with the joiners that break mentions."""
    return clean(words).replace("@", "@\u2060").replace("://", ":\u2060//")


@given(typed)
def test_escaped_text_shows_in_telegram_exactly_as_typed(words: str) -> None:
    """What a CommonMark reader gives back is what was typed, with no formatting at all."""
    line = " ".join(clean(words).split())

    shown, entities = telegram_text(f"x {escape(line)} y")

    assert shown == f"x {seen(line)} y"
    assert entities == []


@given(typed)
@example("a" * 50 + "\\")
def test_escaped_text_shows_in_discord_exactly_as_typed(words: str) -> None:
    """Every mark that means something there stands behind a backslash; nobody is mentioned."""
    line = " ".join(clean(words).split())

    sent = discord_text(f"x {escape(line)} y")

    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", sent) == f"x {seen(line)} y"
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", sent)
    assert not re.search(r"[*_~|`<>\[\]\\]|@(?!\u2060)|://", bare), bare


@given(typed, st.integers(1, 40))
def test_a_shortened_text_is_escaped_whole(words: str, limit: int) -> None:
    """Shortening comes before escaping, so no half escape is left."""
    line = " ".join(clean(words).split())
    shown, entities = telegram_text(f"x {escape(shorten(line, limit))} y")

    assert entities == []
    assert shown.startswith("x ")


@pytest.mark.parametrize(
    "bad", [*"\u202e\u200b\ufeff\x07\u2066\u061c\u2060\u3164\u00ad\u200f\ufffb\ud800\U000e0041"]
)
def test_invisible_characters_are_removed(bad: str) -> None:
    """Direction overrides, zero-width characters and controls do not survive."""
    assert "ab" == clean(f"a{bad}b")


@pytest.mark.parametrize("kept", ["👩\u200d👩\u200d👧", "می\u200cخواهم", "a\nb", "é", "e\u0301"])
def test_what_writing_needs_is_kept(kept: str) -> None:
    """Joiners in emoji and scripts, accents and line breaks are no tricks."""
    assert kept == clean(kept)


def test_line_ends_are_one_kind() -> None:
    """Whatever a platform calls a line end."""
    assert clean("a\r\nb\rc\u2028d\u2029e") == "a\nb\nc\nd\ne"


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    """So it does not matter how often it is done."""
    assert clean(clean(text)) == clean(text)


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


def test_parts_of_a_file_go_ahead_of_the_rest() -> None:
    """Each in a message of its own that says which it is; the last one is where the words, the
    buttons and other files are, and what an edit of it shows.
    """
    parts = [Media(str(n), "video/mp4", 9, caption=f"Part {n} of 3") for n in (1, 2, 3)]
    whole = Media("4", "video/mp4", 9)
    button = Button("U1", token="t")
    message = Message("**Video**", tuple(parts), (button,), mention=Caller("pretend", "1"))
    *ahead, last = fit(message, Limits())
    assert [(m.text, m.media, m.buttons, m.mention) for m in ahead] == [
        (f"Part {n} of 3", (parts[n - 1],), (), None) for n in (1, 2)
    ]
    assert last.text == "**Video**\n\nPart 3 of 3"
    assert (last.media, last.buttons, last.mention) == ((parts[2],), (button,), message.mention)
    assert ending(message) == last
    *ahead, last = fit(replace(message, media=(whole, *parts)), Limits())
    assert len(ahead) == 3
    assert (last.text, last.media) == ("**Video**", (whole,))
