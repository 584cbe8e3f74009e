"""Midjourney's prompts as text: how they must look on the wire, and how the texts it writes are
taken apart.

Pure text work; knows neither tasks nor commands. Which flag values are right is
`core.commands.mjprompt`'s.
"""

from __future__ import annotations

import re

from core.errors import BadInput
from core.i18n import mark
from core.messages import clean

LONGEST = 6000
"""Characters of a prompt; Discord, through which every prompt goes, takes no more."""

_FLAGS = (
    "v version niji ar aspect c chaos s stylize w weird q quality seed stop r repeat no iw "
    "cref cw sref sw sv oref ow style raw tile draft exp p profile fast relax turbo stealth "
    "public motion loop end bs hd video zoom"
)
FLAG_NAMES = frozenset(_FLAGS.split())
"""Every flag Midjourney is known to understand, in all its spellings."""

TEN = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣", "🔟")
"""Emoji of the numbers of a list."""

_QUOTES = str.maketrans({**dict.fromkeys("“”„‟", '"'), **dict.fromkeys("‘’‚‛", "'")})
_LONG = "\u2010-\u2015\u2212"
_LONG_DASH = re.compile(rf"-*[{_LONG}][-{_LONG}]*")
_LONG_FLAG = re.compile(rf"(?<!\S)-*[{_LONG}][-{_LONG}]*([A-Za-z]+)(?=[\s\d=.,:;]|$)")
_REPEAT = re.compile(r"(?<!\S)--(?:r|repeat)(?![A-Za-z])", re.IGNORECASE)
_PERMUTATION = re.compile(r"(?<!\\)\{[^{}]*,[^{}]*\}")
_RATIO = re.compile(r"(\d{1,5})\s*[:x×*/\\-]\s*(\d{1,5})", re.IGNORECASE)

_KEYCAP = re.compile(r"^(?:[0-9]\ufe0f?\u20e3|🔟)\s*")
_BREAK = re.compile(r"\n[ \t]*\n\s*|\n(?=[ \t]*(?:[0-9]\ufe0f?\u20e3|🔟))")
_LINK = re.compile(r"\[([^\]\n]*)\]\([^)\s]*\)")
_MARKUP = re.compile(r"\*\*|~~|^#+ ", re.MULTILINE)


def normalise(prompt: str) -> str:
    """Spell a prompt as it will survive the way through Discord unchanged.

    A proxy finds its job again by comparing prompts, and loses one that Discord alters: curly
    quotes, the long dashes that phones make of `--`, runs of spaces, line breaks, characters that
    cannot be seen.
    """
    return " ".join(straighten(clean(prompt)).split())


def straighten(text: str) -> str:
    """Make quotes straight and dashes ASCII, `--` where one stands for that; all else stays."""
    text = _LONG_FLAG.sub(_flag, text.translate(_QUOTES))
    return _LONG_DASH.sub("-", text)


def _flag(found: re.Match[str]) -> str:
    name = found[1]
    return f"--{name}" if name.lower() in FLAG_NAMES else f"-{name}"


def check_one_job(prompt: str) -> None:
    """Refuse what would start several jobs: the gateway gives one number and shows one of them.

    Raises:
        BadInput: With the fix.
    """
    if _REPEAT.search(prompt):
        raise BadInput(
            mark(
                "--repeat would start several jobs at once. Leave it out, and press 🔄 under the "
                "result instead."
            )
        )
    if found := _PERMUTATION.search(prompt):
        raise BadInput(
            mark("{braces} would start several jobs at once. Send one prompt for each instead."),
            braces=found[0][:60],
        )


def check_length(prompt: str) -> None:
    """Raise `BadInput` for a prompt that is longer than can be sent."""
    if len(prompt) > LONGEST:
        raise BadInput(
            mark(
                "The prompt is {n} characters long, and at most {limit} can be used. "
                "Please shorten it."
            ),
            n=len(prompt),
            limit=LONGEST,
        )


def ratio(value: str) -> str:
    """Read a shape however it was typed (`16:9`, `16x9`, `16/9`, `16-9`) as Midjourney writes it:
    `16:9`.

    Raises:
        BadInput: When it is none.
    """
    found = _RATIO.fullmatch(normalise(value))
    if found is None or not int(found[1]) or not int(found[2]):
        raise BadInput(
            mark("{value} is no shape. Give width to height in whole numbers, such as 16:9."),
            value=value.strip()[:20] or "?",
        )
    return f"{int(found[1])}:{int(found[2])}"


def without_flags(prompt: str, *names: str) -> str:
    """Cut the flags of these names out, each with its one value."""
    wanted = "|".join(names)
    return " ".join(re.sub(rf"(?<!\S)--(?:{wanted})(?:[ =]+(?!--)\S+|(?!\S))", "", prompt).split())


def choices(text: str) -> list[str]:
    """The prompts in a text that Midjourney wrote: its numbered paragraphs, or else all of them."""
    parts = [part.strip() for part in _BREAK.split(text.replace("\r\n", "\n"))]
    numbered = [part for part in parts if _KEYCAP.match(part)]
    found = [normalise(unmarked(_KEYCAP.sub("", part, count=1))) for part in numbered or parts]
    return [prompt for prompt in found if prompt]


def unmarked(text: str) -> str:
    """Plain text of Markdown as Midjourney uses it: links become their words, emphasis goes."""
    return clean(_MARKUP.sub("", _LINK.sub(r"\1", text))).strip()
