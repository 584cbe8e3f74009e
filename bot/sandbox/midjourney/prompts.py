"""How Midjourney reads a prompt: its flags, their bounds, and what it says about wrong ones.

Owns the grammar. It knows nothing of tasks.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 6_000
"""Characters a prompt may have; Discord takes no more for one option."""

NEWEST, NEWEST_NIJI = "7", "7"

_FLAG = re.compile(r"(?:^|\s)--([A-Za-z]\w*)(?:\s+|$)")
_URL = re.compile(r"https?://\S+")
_SMART = re.compile("[\u2013\u2014\u2018\u2019\u201c\u201d]")


def _number(low: float, high: float) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        return bool(re.fullmatch(r"\d*\.?\d+", value)) and low <= float(value) <= high

    return fits


def _whole(low: int, high: int) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        return bool(re.fullmatch(r"\d+", value)) and low <= int(value) <= high

    return fits


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


def _ratio(value: str) -> bool:
    match = re.fullmatch(r"(\d{1,5}):(\d{1,5})", value)
    return match is not None and int(match[1]) > 0 and int(match[2]) > 0


def _some(value: str) -> bool:
    return bool(value)


def _anything(value: str) -> bool:
    return True


_VERSIONS = _one_of(
    *("1", "2", "3", "4", "5", "5.0", "5.1", "5.2"),
    *("6", "6.0", "6.1", "7", "7.0", "8", "8.0", "8.1"),
)
_FLAGS: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(("v", "version"), _VERSIONS),
    "niji": _one_of("", "4", "5", "6", "7"),
    **dict.fromkeys(("ar", "aspect"), _ratio),
    **dict.fromkeys(("c", "chaos"), _whole(0, 100)),
    **dict.fromkeys(("s", "stylize"), _whole(0, 1000)),
    **dict.fromkeys(("w", "weird"), _whole(0, 3000)),
    **dict.fromkeys(("q", "quality"), _one_of(".25", "0.25", ".5", "0.5", "1", "2", "4")),
    "seed": _whole(0, 4_294_967_295),
    "stop": _whole(10, 100),
    **dict.fromkeys(("r", "repeat"), _whole(1, 40)),
    "no": _some,
    "iw": _number(0, 3),
    **dict.fromkeys(("cref", "sref", "oref", "end"), _some),
    "cw": _whole(0, 100),
    **dict.fromkeys(("sw", "ow"), _whole(0, 1000)),
    "sv": _whole(1, 10),
    "exp": _whole(0, 100),
    "style": _one_of("raw", "cute", "scenic", "expressive", "original"),
    **dict.fromkeys(
        ("raw", "tile", "draft", "fast", "relax", "turbo", "stealth", "public"),
        _anything,
    ),
    **dict.fromkeys(("p", "profile", "hd", "video", "loop"), _anything),
    "motion": _one_of("low", "high"),
    "bs": _one_of("1", "2", "4"),
    "zoom": _number(1, 2),
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt, read."""

    text: str
    """As it was sent."""
    words: str
    """Without flags and picture addresses."""
    ratio: tuple[int, int]
    version: str
    niji: bool
    seed: int | None
    zoom: float | None
    problem: str
    """Why Midjourney would refuse it, as it says so; "" if it would not."""

    @property
    def final(self) -> str:
        """As Midjourney repeats it: with the version it used."""
        if self.niji or "--v " in self.text or "--version " in self.text:
            return self.text
        return f"{self.text} --v {self.version}".strip()


def read(text: str, *, niji: bool = False, pictures: bool = False) -> Prompt:
    """Read a prompt; never fails, a wrong one has a `problem`.

    `niji` says which bot it was given to, `pictures` that some came with it.
    """
    parts = _FLAG.split(f"{text} ")
    flags = [
        (name.lower(), value.strip()) for name, value in zip(parts[1::2], parts[2::2], strict=True)
    ]
    words = _URL.sub("", parts[0]).strip()
    problem = _problem(words, pictures or _URL.search(parts[0]) is not None, flags)
    if len(text) > LONGEST:
        problem = f"[Invalid prompt] Your prompt is longer than {LONGEST} characters."
    known = {} if problem else dict(flags)
    ratio = known.get("ar") or known.get("aspect") or "1:1"
    wide, tall = ratio.split(":")
    niji = niji or "niji" in known
    version = known.get("niji") or NEWEST_NIJI if niji else known.get("v") or known.get("version")
    return Prompt(
        text=text,
        words=words,
        ratio=(int(wide), int(tall)),
        version=version or NEWEST,
        niji=niji,
        seed=int(known["seed"]) if "seed" in known else None,
        zoom=float(known["zoom"]) if "zoom" in known else None,
        problem=problem,
    )


def _problem(words: str, has_picture: bool, flags: list[tuple[str, str]]) -> str:
    unknown = [name for name, _ in flags if name not in _FLAGS]
    if unknown:
        listed = ", ".join(f"`--{name}`" for name in unknown)
        return f"[Unrecognized parameter] Unrecognized parameter(s): {listed}"
    for name, value in flags:
        if not _FLAGS[name](value):
            return f"[Invalid parameter] Invalid value provided for argument `--{name}`: `{value}`"
    if not words and not has_picture:
        return "[Empty prompt] You need to give some words or a picture to imagine."
    return ""


def objections(text: str) -> list[str]:
    """What Discord would change in a prompt, so that a proxy matching by text loses the job."""
    found = []
    if re.search(r"\s{2,}|[\n\t]", text):
        found.append("prompt: runs of white space")
    if text != text.strip():
        found.append("prompt: white space at an end")
    if _SMART.search(text):
        found.append("prompt: long dashes or curly quotes")
    if re.search(r"--(?:r|repeat)\s+(?:[2-9]|\d\d)|\{[^}]*,[^}]*\}", text):
        found.append("prompt: starts several jobs for one task id")
    return found
