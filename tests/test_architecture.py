"""The shape of the code: who imports whom, how long things are, and what nobody does."""

from __future__ import annotations

import ast
import gc
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = ("bot", "core", "adapters")
LONGEST_FILE = 500
LONGEST_FUNCTION = 60
USUAL_FUNCTION = 10

LOOSE = {
    "core/store/writer.py": "a commit is shared: who waits for it may be cancelled, it may not",
}
"""Files that start a task outside a group, each with its reason."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files(*folders: str) -> dict[str, ast.Module]:
    """Every Python file of some folders, parsed, by its path.

    A garbage collection in the middle, with a callback as Hypothesis has one, breaks the parser of
    Python 3.11.
    """
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    gc.disable()
    try:
        return {str(p.relative_to(ROOT)): ast.parse(p.read_text("utf-8"), str(p)) for p in found}
    finally:
        gc.enable()


@cache
def lengths(*folders: str) -> dict[str, int]:
    """Lines of every function by where it is, its docstring not counted."""
    return {
        f"{path}:{node.lineno} {node.name}": _length(node)
        for path, tree in files(*folders).items()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    }


def _length(node: Function) -> int:
    first = node.body[0]
    match first:
        case ast.Expr(value=ast.Constant(value=str())):
            told = (first.end_lineno or first.lineno) - first.lineno + 1
        case _:
            told = 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - told


def calls(*folders: str) -> Iterator[tuple[str, str]]:
    """(where, what) of every call, such as `("core/desk.py:12", "asyncio.sleep")`."""
    for path, tree in files(*folders).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield f"{path}:{node.lineno}", ast.unparse(node.func)


def worst(found: dict[str, int]) -> list[str]:
    """The five longest, longest first."""
    longest = sorted(found.items(), key=lambda item: -item[1])[:5]
    return [f"{lines:4} {where}" for where, lines in longest]


def test_everyone_imports_only_what_they_may() -> None:
    """The contracts of pyproject.toml hold."""
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_no_file_is_longer_than_500_lines() -> None:
    """Product and tests alike."""
    found = {
        path: (ROOT / path).read_text("utf-8").count("\n") for path in files(*PRODUCT, "tests")
    }
    print("\nThe longest files:", *worst(found), sep="\n")
    assert not {path: lines for path, lines in found.items() if lines > LONGEST_FILE}


def test_no_function_is_longer_than_60_lines_and_most_have_at_most_10() -> None:
    """Of the product; a table of test cases may be as long as it has to be."""
    found = lengths(*PRODUCT)
    print("\nThe longest functions:", *worst(found), sep="\n")
    assert not {where: lines for where, lines in found.items() if lines > LONGEST_FUNCTION}
    assert statistics.median(found.values()) <= USUAL_FUNCTION


def test_every_task_belongs_to_a_group() -> None:
    """A task of its own could be lost, and its failure with it."""
    loose = ("asyncio.create_task", "asyncio.ensure_future", "asyncio.get_event_loop")
    found = [
        where
        for where, what in calls(*PRODUCT)
        if what in loose or what.endswith(("loop.create_task", "loop().create_task"))
    ]
    assert not [where for where in found if where.partition(":")[0] not in LOOSE]


@pytest.mark.parametrize("clock", ["time.time", "datetime.now", "datetime.utcnow", "date.today"])
def test_core_is_handed_its_clock(clock: str) -> None:
    """So that tests can move it, and one job never sees two times."""
    assert not [where for where, what in calls("core") if what.endswith(clock)]


def test_the_product_prints_nothing_but_by_its_log_and_its_command_line() -> None:
    """What is printed otherwise is not masked."""
    found = [where for where, what in calls(*PRODUCT) if what == "print"]
    assert not [where for where in found if "/__main__.py:" not in where]


def test_the_code_knows_nothing_of_its_tests() -> None:
    """No module of the product imports a test, or asks whether one runs."""
    for path, tree in files(*PRODUCT).items():
        names = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        assert not [n for n in names if n.startswith(("tests", "pytest"))], path
        assert "PYTEST" not in (ROOT / path).read_text("utf-8"), path
