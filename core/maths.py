"""Formulas as people read them: LaTeX in an answer becomes signs, fractions and raised letters.

No chat shows LaTeX. What stands in code stays as it is, and so do prices in dollars.
"""

from __future__ import annotations

import logging
import re

from telegramify_markdown.latex_escape.helper import LatexToUnicodeHelper

from core.messages import escape

log = logging.getLogger(__name__)

LONGEST = 2000
"""Characters of a formula that is made readable."""
_PARTS = re.compile(
    r"""
    (?P<code>^[ ]{0,3}(?P<mark>`{3,}|~{3,})[^\n]*\n.*?(?:^[ ]{0,3}(?P=mark)[^\n]*$|\Z)
        | (?P<ticks>`+)[^`\n]+(?P=ticks))
    | \$\$(?P<shown>(?:(?!\$\$).)+)\$\$
    | \\\[(?P<bracketed>(?:(?!\\[\[\]]).)+)\\\]
    | \\\((?P<rounded>(?:(?!\\[()])[^\n])+)\\\)
    | (?<![\\$\w])\$(?P<dollars>(?![\s$])[^$\n]*?(?<![\s\\]))\$(?![\d$])
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_FORMULA = re.compile(r"[\\^_=<>+]|^-?\w$")
"""What tells a formula from words between two prices."""
_ROOT = re.compile(r"√((?:[^\u0305]\u0305)+)")
_LEFT = re.compile(r"\\(?=[A-Za-z])")
"""A command that has no sign is better read without its stroke."""


def readable(markdown: str) -> str:
    """CommonMark with its formulas in plain signs."""
    if "$" not in markdown and "\\[" not in markdown and "\\(" not in markdown:
        return markdown
    return _PARTS.sub(_part, markdown)


def _part(found: re.Match[str]) -> str:
    if found["code"] is not None:
        return found[0]
    shown = found["shown"] or found["bracketed"]
    inner = shown or found["rounded"] or found["dollars"] or ""
    dollars = found["dollars"] is not None
    if len(inner) > LONGEST or (dollars and not _FORMULA.search(inner)):
        return found[0]
    signs = _signs(inner.strip())
    return escape(signs) if signs else found[0]


def _signs(latex: str) -> str:
    """A formula in signs; empty where it cannot be read."""
    try:
        signs: str = LatexToUnicodeHelper().convert(latex)  # type: ignore[no-untyped-call]
    except Exception:  # whatever a model has written, its answer is shown
        log.info("a formula could not be read")
        return ""
    signs = _ROOT.sub(_root, signs)
    lines = (re.sub(r"[ \t]+", " ", line).strip() for line in _LEFT.sub("", signs).splitlines())
    return "\n".join(line for line in lines if line)


def _root(found: re.Match[str]) -> str:
    """Brackets instead of a line above, which many fonts lack."""
    inner = found[1].replace("\u0305", "").strip()
    return f"√{inner}" if len(inner) == 1 else f"√({inner})"
