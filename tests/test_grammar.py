"""The one flag grammar of typed commands, for every command there is."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.commands import COMMANDS
from core.commands.grammar import parse
from core.commands.spec import Command
from core.errors import BadInput
from core.messages import Attachment

BY_NAME = {command.name: command for command in COMMANDS}
IMAGINE, BLEND, SHOW = BY_NAME["imagine"], BY_NAME["blend"], BY_NAME["show"]
URL = "https://a.example/cat.png"


def read(line: str) -> dict[str, Any]:
    """A whole command line, as a person types it."""
    name, _, rest = line.removeprefix("/").partition(" ")
    return parse(BY_NAME[name], rest)


READ: list[tuple[str, dict[str, Any]]] = [
    ("/imagine a fox", {"prompt": "a fox"}),
    ("/imagine", {}),
    ("/imagine   ", {}),
    ("/imagine a fox --ar 3:2 --v 7", {"prompt": "a fox --ar 3:2 --v 7"}),
    ("/imagine a fox --foo bar", {"prompt": "a fox --foo bar"}),
    ("/imagine a fox —ar 3:2", {"prompt": "a fox —ar 3:2"}),
    ("/imagine a fox --spoiler", {"prompt": "a fox", "spoiler": True}),
    ("/imagine a fox —spoiler", {"prompt": "a fox", "spoiler": True}),
    ("/imagine --spoiler a fox", {"prompt": "a fox", "spoiler": True}),
    ("/imagine a fox --spoiler yes", {"prompt": "a fox", "spoiler": True}),
    ("/imagine a --spoiler no --speed fast", {"prompt": "a", "spoiler": False, "speed": "fast"}),
    ("/imagine a fox --spoiler no more", {"prompt": "a fox no more", "spoiler": True}),
    ("/song a pig --instrumental Yes", {"idea": "a pig", "instrumental": True}),
    ("/imagine a fox --speed fast", {"prompt": "a fox", "speed": "fast"}),
    ("/imagine a fox --speed=fast in rain", {"prompt": "a fox in rain", "speed": "fast"}),
    (f"/imagine fox --image {URL}", {"prompt": "fox", "image": [Attachment(URL, "", "cat.png")]}),
    ("/imagine a fox -- at night", {"prompt": "a fox -- at night"}),
    ("/imagine fox – rain", {"prompt": "fox – rain"}),
    ("/imagine --prompt a fox --spoiler", {"prompt": "a fox", "spoiler": True}),
    ("/imagine prompt: a fox", {"prompt": "a fox"}),
    ("/imagine a prompt: fox", {"prompt": "a prompt: fox"}),
    ("/imagine one\ntwo --spoiler\nthree", {"prompt": "one\ntwo\nthree", "spoiler": True}),
    ("/imagine a\u202e fox\u200b", {"prompt": "a fox"}),
    ("/blend --dimensions portrait", {"dimensions": "portrait"}),
    ("/blend —dimensions=portrait.", {"dimensions": "portrait."}),
    (f"/blend {URL} {URL}", {"image": [Attachment(URL, "", "cat.png")] * 2}),
    ("/show k7f3q2x", {"job": "k7f3q2x"}),
    ("/show --job k7f3q2x", {"job": "k7f3q2x"}),
    ("/settings --version 7 --ar 16:9", {"version": "7", "ar": "16:9"}),
    ("/settings --reset", {"reset": True}),
    ("/ask --voice yes", {"voice": True}),
    ("/ask --voice yes why is it blue?", {"prompt": "why is it blue?", "voice": True}),
    ("/ask why? --voice no --private", {"prompt": "why?", "voice": False, "private": True}),
    ("/ask --voice no man is an island", {"prompt": "no man is an island", "voice": True}),
    ("/ask --voice yesterday was long", {"prompt": "yesterday was long", "voice": True}),
    ("/help imagine", {"command": "imagine"}),
    ("/jobs", {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "values"), READ)
def test_the_table_of_lines(line: str, values: dict[str, Any]) -> None:
    """Midjourney's own flags stay in the prompt; the command's own are taken out of it."""
    assert read(line) == values


REFUSED: list[tuple[str, str]] = [
    ("/show k7f3q2x --colour red", "There is --job"),
    ("/show --jop k7f3q2x", "Did you mean --job"),
    ("/jobs --all", "takes no options"),
    ("/jobs please", "takes nothing besides"),
    ("/blend a cat", "takes pictures, not words"),
    ("/blend --image cat.png", "a picture's address"),
    ("/blend --dimensions", "needs a value"),
    ("/settings 7", "takes its options by name, such as --version"),
    ("/settings --versoin 7", "Did you mean --version"),
    ("/describe file:///etc/passwd", "takes pictures, not words"),
]


@pytest.mark.parametrize(("line", "fix"), REFUSED)
def test_what_a_command_has_no_use_for_is_refused_with_the_fix(line: str, fix: str) -> None:
    """One sentence that names what there is."""
    with pytest.raises(BadInput) as caught:
        read(line)
    assert fix in str(caught.value)


_LINES = st.text(max_size=120) | st.text(
    alphabet="ab1 -—–=\"'“”,.\n\tjhttps:/\u200b\u202e", max_size=80
)
_TYPED = st.lists(
    st.sampled_from(
        [o.name for c in COMMANDS for o in c.options]
        + ["--", "—", "--v", "7", "a fox", '"', "=", "\n", URL, "--ar 3:2", "--nothing"]
    ).map(lambda word: word if word[0] in '-—"=' else f"--{word}"),
    max_size=8,
).map(" ".join)


@settings(max_examples=300)
@given(command=st.sampled_from(COMMANDS), line=_LINES | _TYPED)
def test_any_line_is_read_or_explained(command: Command, line: str) -> None:
    """Nothing but `BadInput` is raised; what is read are options of the command, with values."""
    try:
        values = parse(command, line)
    except BadInput as error:
        str(error)
        return
    assert set(values) <= {option.name for option in command.options}
    assert all(value not in ("", []) for value in values.values())


@given(st.lists(st.text("abcxyz,.", min_size=1, max_size=6), min_size=1, max_size=8))
def test_words_pass_as_typed(words: list[str]) -> None:
    """A prompt without flags is the prompt."""
    line = " ".join(words)
    assert parse(IMAGINE, line) == {"prompt": line}
