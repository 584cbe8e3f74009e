"""Languages: every text the bot can say is in every catalogue, and fits where it is shown.

After texts have changed, one line writes the new ones into all catalogues, to be translated there:

    UPDATE_LOCALES=1 .venv/bin/pytest tests/test_i18n.py
"""

from __future__ import annotations

import ast
import os
import re
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from bot.sandbox import Sandbox
from core import errors, i18n
from core.commands import COMMANDS
from core.i18n import languages, pick, translate, translator
from core.providers import midjourney_windows as windows
from tests.house import running
from tests.web_kit import browser, jar

ROOT = Path(__file__).parent.parent
LOCALES = ROOT / "core" / "locales"
OTHERS = [lang for lang in languages() if lang != i18n.DEFAULT]
HEADER = """msgid ""
msgstr ""
"Language: {}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
FIX = "run UPDATE_LOCALES=1 .venv/bin/pytest tests/test_i18n.py, then fill in core/locales/{}.po"


def _marked() -> Iterator[tuple[str, str]]:
    """(text, file) of every `mark("…")` and `say("…")`, and of the errors' own sentences."""
    for file in sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("adapters/**/*.py")]):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="mark" | "say") | ast.Attribute(attr="say"),
                    args=[ast.Constant(value=str() as text), *_],
                ):
                    yield text, file.relative_to(ROOT).as_posix()
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.BotError):
            yield kind().text, "core/errors.py"


def texts() -> dict[str, list[str]]:
    """Every text of the bot, with the files it stands in."""
    found: dict[str, list[str]] = {}
    for text, file in sorted(_marked(), key=lambda pair: pair[1]):
        if file not in found.setdefault(text, []):
            found[text].append(file)
    return found


def catalogue(lang: str) -> Catalog:
    with (LOCALES / f"{lang}.po").open("rb") as file:
        return read_po(file, locale=lang)


def pairs(lang: str) -> dict[str, str]:
    """Texts and their translations."""
    return {str(m.id): str(m.string) for m in catalogue(lang) if m.id}


def update(lang: str) -> None:
    """Add texts that are new, take out those that are gone, keep the rest in order of files."""
    before = pairs(lang)
    fresh = Catalog(locale=lang, fuzzy=False)
    for text, files in texts().items():
        fresh.add(text, before.get(text, ""), locations=[(file, None) for file in files])
    with (LOCALES / f"{lang}.po").open("wb") as file:
        file.write(HEADER.format(lang).encode())
        write_po(file, fresh, width=100, omit_header=True, include_lineno=False)


@pytest.fixture(scope="module", autouse=True)
def _updated() -> None:
    if os.environ.get("UPDATE_LOCALES"):
        for lang in OTHERS:
            update(lang)


def test_there_is_german() -> None:
    """The languages are those there are files for, English first."""
    assert languages() == (i18n.DEFAULT, *sorted(file.stem for file in LOCALES.glob("*.po")))
    assert "de" in languages()


@pytest.mark.parametrize("lang", OTHERS)
def test_every_text_is_translated_and_none_is_stale(lang: str) -> None:
    """A new text without a translation fails here, and so does a translation of nothing."""
    told, known = pairs(lang), texts()

    assert [t for t in known if not told.get(t)] == [], f"untranslated: {FIX.format(lang)}"
    assert [t for t in told if t not in known] == [], f"not said any more: {FIX.format(lang)}"
    assert [m.id for m in catalogue(lang) if m.id and m.fuzzy] == []


def _holes(text: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("lang", OTHERS)
def test_translations_have_the_same_holes_and_marks(lang: str) -> None:
    """The same `{names}`, the same bold and code; commands and emoji stay what they are."""
    wrong = []
    for text, told in pairs(lang).items():
        same = _holes(text) == _holes(told)
        for token in ("**", "`", "\n", "/show", "/imagine", "/jobs", "/help", "U1–U4", "🔄"):
            same = same and text.count(token) == told.count(token)
        if not same:
            wrong.append((text, told))
    assert wrong == []


@pytest.mark.parametrize("lang", languages())
def test_texts_fit_where_platforms_show_them(lang: str) -> None:
    """Descriptions 100 characters, menus 32, a form's labels 45: Discord takes no more."""
    say = translator(lang)
    shown = [(c.summary, 100) for c in COMMANDS]
    shown += [(o.description, 100) for c in COMMANDS for o in c.options]
    shown += [(menu.title, 32) for c in COMMANDS for menu in c.menus]
    for window in (windows.ZOOM, windows.INPAINT, windows.REMIX):
        form = windows.form(window, "a fox")
        shown += [(form.title, 45), *((field.label, 45) for field in form.fields)]
        shown += [(field.hint, 100) for field in form.fields]
    assert [(text, say(text)) for text, most in shown if text and len(say(text)) > most] == []


def test_no_sentence_is_glued_from_pieces() -> None:
    """A text ends where a thought ends: no leading or trailing blank waits for another piece."""
    assert [text for text in texts() if text != text.strip()] == []
    assert [text for text in texts() if re.match(r"[·,;]", text)] == []


@pytest.mark.parametrize(
    ("tag", "lang"),
    [("de", "de"), ("de-AT", "de"), ("DE_ch", "de"), ("en-GB", "en"), ("xx", "en"), ("", "en")],
)
def test_a_platforms_tag_finds_its_language(tag: str, lang: str) -> None:
    """English where there is none."""
    assert pick(tag) == lang


def test_nothing_is_ever_raised_for_a_text() -> None:
    """Unknown languages, unknown texts and wrong values show the English text as it is."""
    assert translate("xx", "Cancel") == "Cancel"
    assert translate("de", "no such text {n}", n=1) == "no such text 1"
    assert translate("de", "{n} s", m=1) == "{n} s"
    assert translate("de", "a { brace") == "a { brace"


async def test_the_bot_speaks_as_a_person_wishes(tmp_path: Path) -> None:
    """The browser's language at first, the one set with /settings from then on."""
    gateway = Sandbox(pace=0.03, image_size=64)
    await gateway.start()
    german = {"Accept-Language": "de-DE,de;q=0.9"}
    async with (
        running(tmp_path, gateway.url) as app,
        aiohttp.ClientSession(cookie_jar=jar(), headers=german) as session,
    ):
        ann = await browser(session, app.address)
        await ann.act(text="/jobs")
        await ann.see(lambda c: translate("de", NO_JOBS) in c["text"])
        await ann.act(text="/settings --language english")
        await ann.see(lambda c: "Your settings" in c["text"])
        await ann.act(text="/jobs")
        await ann.see(lambda c: NO_JOBS in c["text"])
        await ann.act(text="/settings --language Deutsch")
        await ann.act(text="/imagine a fox")
        await ann.see(lambda c: c["media"] and "Midjourney ·" in c["text"])
    await gateway.stop()


NO_JOBS = "You have no jobs yet. Start with /imagine."
