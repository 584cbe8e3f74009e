"""Midjourney's flags: checked, mended where that is safe, and put together from what was typed and
what was chosen.

Owns which values a flag takes. A flag typed in the prompt stays as it was typed and counts more
than an option of the same meaning. Pure; every refusal is a `BadInput` with the fix, every change
that people may notice a note.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import BadInput
from core.i18n import mark
from core.providers.midjourney_prompts import (
    FLAG_NAMES,
    check_length,
    check_one_job,
    normalise,
    ratio,
)

__all__ = ["FLAG_NAMES", "Composed", "compose", "ratio"]

Note = tuple[str, dict[str, object]]
"""A catalogue text and its values."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A prompt ready to be sent."""

    prompt: str
    notes: tuple[Note, ...] = ()
    """What was changed, for the person."""
    niji: bool = False
    """It is for the anime model."""
    speed: str = ""
    """`fast`, `relax` or `turbo` when the prompt names one."""


def compose(
    prompt: str, options: Mapping[str, object], defaults: Mapping[str, str] | None = None
) -> Composed:
    """Make one prompt of what a person typed and chose.

    Args:
        prompt: What was typed, with or without flags.
        options: Chosen values by option name (`OPTIONS`); None, False and empty ones were not
            chosen. defaults: The person's own defaults by option name; they give way to everything,
            silently.

    Raises:
        BadInput: The prompt is empty or too long, a flag cannot work, or several jobs would start.
    """
    prompt = normalise(prompt)
    check_length(prompt)
    check_one_job(prompt)
    notes: list[Note] = []
    text, typed = _take_apart(prompt, notes)
    flags = [_checked(flag, notes) for flag in typed]
    text = _links_first(text, notes)
    if not text:
        raise BadInput(mark("Say what the picture shall show, before any flags."))
    _add_options(flags, options, notes)
    _add_defaults(flags, defaults or {})
    whole = " ".join([text, *(flag.text for flag in flags)])
    check_length(whole)
    meanings = {flag.meaning for flag in flags}
    speed = next((flag.name for flag in reversed(flags) if flag.meaning == "speed"), "")
    return Composed(whole, tuple(notes), "niji" in meanings, speed)


def split(prompt: str) -> tuple[str, dict[str, str]]:
    """For models without flags of their own: the text, and the options its flags stand for.

    `--seed`, `--no` and the like are read as options by their meaning; a flag that means nothing
    to any other model is there too, for whoever knows what the model takes.
    """
    text, typed = _take_apart(normalise(prompt), [])
    values = {flag.meaning: flag.value or flag.name for flag in typed}
    if "ar" in values:
        values["ar"] = ratio(values["ar"])
    return text, values


# -- values ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as it stands in a prompt."""

    name: str
    """As typed, without dashes; in lower case when Midjourney knows it."""
    value: str = ""

    @property
    def text(self) -> str:
        """As it is sent."""
        return f"--{self.name} {self.value}".rstrip()

    @property
    def meaning(self) -> str:
        """The option it says the same as."""
        return MEANINGS.get(self.name, self.name)


MEANINGS: Mapping[str, str] = {
    "v": "version",
    "aspect": "ar",
    "c": "chaos",
    "s": "stylize",
    "w": "weird",
    "q": "quality",
    "p": "profile",
    **dict.fromkeys(("fast", "relax", "turbo"), "speed"),
}
"""What spellings mean; every other flag means itself."""

Check = Callable[[str], str]
"""Returns the value as it is sent. Raises `BadInput`."""


def _bounds(name: str, low: str, high: str) -> BadInput:
    text = mark("{flag} goes from {low} to {high}.")
    return BadInput(text, flag=f"--{name}", low=low, high=high)


def _number(name: str, low: float, high: float, *, whole: bool = True) -> Check:
    shape = re.compile(r"[0-9]{1,12}" if whole else r"[0-9]{0,6}\.?[0-9]{1,6}")

    def check(value: str) -> str:
        value = value.replace(",", ".") if not whole else value
        if not shape.fullmatch(value) or not low <= float(value) <= high:
            raise _bounds(name, f"{low:.0f}", f"{high:.0f}")
        return value

    return check


def _one_of(name: str, *values: str) -> Check:
    shown = ", ".join(v for v in values if v and not v.startswith("0.") and not v.endswith(".0"))

    def check(value: str) -> str:
        plain = value.lower()
        if plain not in values:
            text = mark("{flag} can be {choices}, not {value}.")
            raise BadInput(text, flag=f"--{name}", choices=shown, value=value[:20] or "?")
        return plain

    return check


def _some(name: str) -> Check:
    def check(value: str) -> str:
        if not value:
            raise BadInput(mark("{flag} needs something behind it."), flag=f"--{name}")
        return value

    return check


def _release(name: str, *, bare: bool = False) -> Check:
    """A version by its number, also one that is newer than this list."""
    shape = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,2})?" + ("|" if bare else ""))

    def check(value: str) -> str:
        plain = value.lower().removeprefix("v")
        if not shape.fullmatch(plain):
            text = mark("{flag} needs a version number, such as 7, not {value}.")
            raise BadInput(text, flag=f"--{name}", value=value[:20] or "?")
        return plain

    return check


RELEASES: Mapping[str, frozenset[str]] = {
    "version": frozenset(
        (
            *("1", "2", "3", "4", "5", "5.0", "5.1", "5.2"),
            *("6", "6.0", "6.1", "7", "7.0", "8", "8.0", "8.1"),
        )
    ),
    "niji": frozenset(("", "4", "5", "6", "7")),
}
"""Versions there are known to be; another one is passed on, saying so."""

STYLES = ("raw", "cute", "scenic", "expressive", "original", "default", "4a", "4b", "4c")
"""What `--style` was ever good for; most of them are Niji's."""

CHECKS: Mapping[str, Check] = {
    "version": _release("version"),
    "niji": _release("niji", bare=True),
    "ar": ratio,
    "chaos": _number("chaos", 0, 100),
    "stylize": _number("stylize", 0, 1000),
    "weird": _number("weird", 0, 3000),
    "quality": _one_of("quality", ".25", "0.25", ".5", "0.5", "1", "2", "4"),
    "seed": _number("seed", 0, 4_294_967_295),
    "stop": _number("stop", 10, 100),
    "iw": _number("iw", 0, 3, whole=False),
    "cw": _number("cw", 0, 100),
    "sw": _number("sw", 0, 1000),
    "ow": _number("ow", 0, 1000),
    "sv": _number("sv", 1, 10),
    "exp": _number("exp", 0, 100),
    "zoom": _number("zoom", 1, 2, whole=False),
    "bs": _one_of("bs", "1", "2", "4"),
    "motion": _one_of("motion", "low", "high"),
    "no": _some("no"),
    "style": _one_of("style", *STYLES),
    "cref": _some("cref"),
    "sref": _some("sref"),
    "oref": _some("oref"),
    "end": _some("end"),
}
"""What the flags with a value take; by meaning. Ranges drift with Midjourney's versions: these are
the widest."""

ALONE = frozenset({"raw", "tile", "draft", "speed", "stealth", "public", "loop", "hd", "video"})
"""Flags without a value."""

ANSWERS: Mapping[str, bool] = {
    "yes": True,
    "true": True,
    "on": True,
    "no": False,
    "false": False,
    "off": False,
}
"""What people write behind a flag without a value."""

_LISTS = frozenset({"no"})
"""Flags whose value runs to the next flag."""
_REFERENCES = frozenset({"cref", "sref", "oref"})
"""Flags that take several addresses or codes."""
_REFERENCE = re.compile(r"https?://\S+|\d+(?:::\d*\.?\d+)?|random", re.IGNORECASE)
_CODE = re.compile(r"(?=\S*\d)[a-z0-9]{4,}(?:::\d*\.?\d+)?", re.IGNORECASE)


# -- taking a prompt apart -------------------------------------------------------------------------

_FLAG_WORD = re.compile(r"--([A-Za-z][\w-]*)(?:[=:](\S*)|[.,;!]*)")
_SLIP = re.compile(r"--([A-Za-z]+)([0-9][0-9.:x/,-]*)")
_SPACED = re.compile(r"(?<!\S)-- (?=([A-Za-z]+)[ =]?[0-9])")
_GLUED = re.compile(r"[.,;!]+$")

MOVED = mark("Flags go after the text: I moved yours to the end.")
LINKS_MOVED = mark("Picture addresses go before the text: I moved yours to the front.")
MENDED = mark("I read {typed} as {meant}.")
UNKNOWN = mark("I do not know {flag}; I passed it on as it is.")
REPEATED = mark("Your prompt says {flag} itself, so the option {option} was left out.")
NIJI_VERSION = mark("Niji has versions of its own, so the option version was left out.")


def _take_apart(prompt: str, notes: list[Note]) -> tuple[str, list[Flag]]:
    """Split a prompt into its text and its flags, in the order typed; nothing is lost."""
    words = _SPACED.sub(_close_up, prompt).split()
    text: list[str] = []
    flags: list[Flag] = []
    moved = False
    at = 0
    while at < len(words):
        opened = _opened(words[at])
        at += 1
        if opened is None:
            moved = moved or bool(flags)
            text.append(words[at - 1] if words[at - 1] != "--" else "-")
            continue
        name, value = opened
        while at < len(words) and _belongs(name, value, words[at]):
            value.append(words[at])
            at += 1
        answer = None if value else _answer(name, words[at : at + 2])
        at += answer is not None
        if answer is not False:
            flags.append(Flag(name, " ".join(value)))
    if moved:
        notes.append((MOVED, {}))
    return " ".join(text), flags


def _opened(word: str) -> tuple[str, list[str]] | None:
    """The flag a word is, with what of its value is glued to it (`--v6`, `--ar=16:9`), or None."""
    slip = _SLIP.fullmatch(word)
    if slip and slip[1].lower() in FLAG_NAMES:
        return slip[1].lower(), [slip[2]]
    found = _FLAG_WORD.fullmatch(word)
    if found is None:
        return None
    name = found[1].lower() if found[1].lower() in FLAG_NAMES else found[1]
    return name, [found[2]] if found[2] else []


def _close_up(found: re.Match[str]) -> str:
    """`-- ar 16:9` is a slip of `--ar 16:9`; before other words two dashes are left as they are."""
    return "--" if found[1].lower() in FLAG_NAMES else found[0]


def _belongs(name: str, value: Sequence[str], word: str) -> bool:
    """Tell whether the next word is (part of) a flag's value."""
    meaning = MEANINGS.get(name, name)
    if _opened(word) or meaning in ALONE:
        return False
    if meaning in _LISTS or name not in FLAG_NAMES:
        return True
    if meaning == "ar":
        return _more_of_a_ratio(value, word)
    if meaning in _REFERENCES:
        return not value or bool(_REFERENCE.fullmatch(word))
    if meaning == "profile":
        return bool(_CODE.fullmatch(word))
    if meaning == "niji":
        return not value and bool(re.fullmatch(r"\d(?:\.\d)?[.,;!]*", word))
    return not value


def _answer(name: str, ahead: Sequence[str]) -> bool | None:
    """The yes or no behind a flag that stands alone; None where a word of the text follows."""
    alone = MEANINGS.get(name, name) in ALONE and name in FLAG_NAMES
    if not alone or not ahead or (len(ahead) > 1 and _opened(ahead[1]) is None):
        return None
    return ANSWERS.get(ahead[0].lower())


def _more_of_a_ratio(value: Sequence[str], word: str) -> bool:
    """`--ar 16 : 9` is one value; `--ar 16:9 foxes` is not."""
    if not value:
        return True
    so_far = "".join(value)
    return bool(
        re.fullmatch(r"\d+[:x/]?|\d+", so_far) and re.fullmatch(r"[:x/]\d*|\d+", word)
    ) and (so_far[-1] in ":x/" or word[0] in ":x/")


def _checked(flag: Flag, notes: list[Note]) -> Flag:
    """A typed flag whose value Midjourney will take. Raises `BadInput`."""
    if flag.name not in FLAG_NAMES:
        notes.append((UNKNOWN, {"flag": f"--{flag.name}"}))
        return flag
    check = CHECKS.get(flag.meaning)
    if check is None:
        return flag
    bare = flag.value if flag.meaning in _LISTS else _GLUED.sub("", flag.value)
    value = check(bare)
    if value not in RELEASES.get(flag.meaning, {value}):
        notes.append((UNKNOWN, {"flag": f"--{flag.name} {value}"}))
    if value != flag.value:
        mended = Flag(flag.name, value)
        notes.append((MENDED, {"typed": flag.text[:60], "meant": mended.text[:60]}))
        return mended
    return flag


_PICTURE = re.compile(
    r"<?(https?://[^\s<>]+?\.(?:png|jpe?g|webp|gif)(?:\?[^\s<>]*?)?)>?[,;.]?", re.IGNORECASE
)


def _links_first(text: str, notes: list[Note]) -> str:
    """Midjourney takes picture addresses only before the words, one blank between; other addresses
    are words.
    """
    words = text.split()
    found = [_PICTURE.fullmatch(word) for word in words]
    links = [match[1] for match in found if match]
    rest = [word for word, match in zip(words, found, strict=True) if not match]
    whole = [*links, *rest]
    before = [match[1] if match else word for word, match in zip(words, found, strict=True)]
    if whole != before:
        notes.append((LINKS_MOVED, {}))
    return " ".join(whole)


# -- options and defaults --------------------------------------------------------------------------

_SPELLED: Mapping[str, str] = {"version": "v"}

OPTIONS = (
    "ar",
    "version",
    "stylize",
    "chaos",
    "weird",
    "quality",
    "no",
    "seed",
    "speed",
    "style",
    "niji",
    "raw",
    "tile",
)
"""The options there are, in the order in which their flags are added."""


def _flag_of(option: str, value: object) -> Flag | None:
    """The flag an option stands for, None when it was not chosen. Raises `BadInput`."""
    if value is None or value is False or value == "":
        return None
    if option in ("raw", "tile"):
        return Flag(option)
    words = normalise(str(value))
    if option == "speed":
        return Flag(_one_of("speed", "fast", "relax", "turbo")(words))
    if _has_flag(words):
        raise BadInput(mark("The option {option} takes no flags of its own."), option=option)
    return Flag(_SPELLED.get(option, option), CHECKS[option](words))


def _has_flag(words: str) -> bool:
    return any(word.startswith("--") for word in words.split())


def _add_options(flags: list[Flag], options: Mapping[str, object], notes: list[Note]) -> None:
    """Append the flags of chosen options, except where the prompt says the same itself."""
    for option in OPTIONS:
        flag = _flag_of(option, options.get(option))
        if flag is None:
            continue
        if option == "version" and _niji_wanted(flags, options):
            notes.append((NIJI_VERSION, {}))
            continue
        typed = next((i for i, one in enumerate(flags) if _same(one, flag)), None)
        if typed is None:
            flags.append(flag)
        elif option == "no":
            flags[typed] = _joined(flags[typed], flag)
        elif not _equal(flags[typed], flag):
            notes.append((REPEATED, {"flag": flags[typed].text[:60], "option": option}))


def _same(one: Flag, other: Flag) -> bool:
    """Tell whether two flags cannot stand in one prompt, `other` being an option's."""
    match other.meaning:
        case "raw":
            return one.name in ("raw", "style")
        case "niji":
            return one.meaning in ("niji", "version")
        case _:
            return one.meaning == other.meaning


def _equal(one: Flag, other: Flag) -> bool:
    """Tell whether two flags ask for the very same."""
    if other.meaning == "raw":
        return one.name == "raw" or one.value == "raw"
    spelled = other.meaning != "speed" or one.name == other.name
    return one.meaning == other.meaning and one.value == other.value and spelled


def _niji_wanted(flags: Sequence[Flag], options: Mapping[str, object]) -> bool:
    return bool(options.get("niji")) or any(flag.meaning == "niji" for flag in flags)


def _joined(typed: Flag, chosen: Flag) -> Flag:
    """Two lists of what not to draw as one, nothing twice."""
    listed = [item.strip() for item in f"{typed.value},{chosen.value}".split(",")]
    return Flag(typed.name, ", ".join(dict.fromkeys(item for item in listed if item)))


def _add_defaults(flags: list[Flag], defaults: Mapping[str, str]) -> None:
    """Append a person's defaults where nothing else was said."""
    for option in OPTIONS:
        flag = _flag_of(option, defaults.get(option))
        if flag is None or any(_same(one, flag) for one in flags):
            continue
        if option == "version" and any(one.meaning == "niji" for one in flags):
            continue
        flags.append(flag)
