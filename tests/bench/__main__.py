"""`python -m tests.bench [name…] [--readme]`: run benchmarks, print one table.

The last result of each is kept in `artefacts/bench.json`, so that they can be run one by one.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import platform
import re
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.bench.kit import ROOT, Row

ALL = ("start", "path", "crowd", "files", "load", "chat", "mix")
"""Each a module with `bench(folder) -> rows`."""


KEPT = ROOT / "artefacts" / "bench.json"


def machine() -> str:
    """This machine in one line."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1]) / 1048576  # type: ignore[index]
    kind = found[1].strip() if found else platform.machine()
    python = platform.python_version()
    return f"{os.cpu_count()} × {kind}, {memory:.0f} GB, Python {python}, {platform.system()}"


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| What | At most | Measured | |", "|---|---|---|---|"]
    lines += [f"| {r.what} | {r.goal} | {r.value} | {'✓' if r.ok else '✗'} |" for r in rows]
    return "\n".join(lines)


def into_readme(text: str) -> None:
    """Put the table between README's markers."""
    readme = ROOT / "README.md"
    marks = r"(<!-- bench:start -->\n).*?(<!-- bench:end -->)"
    old = readme.read_text("utf-8")
    new, count = re.subn(marks, lambda m: f"{m[1]}{text}\n{m[2]}", old, flags=re.DOTALL)
    if not count:
        sys.exit("README.md has no <!-- bench:start --> … <!-- bench:end --> markers.")
    readme.write_text(new, "utf-8")


def kept() -> dict[str, list[Row]]:
    """The last results, by benchmark."""
    found = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    return {name: [Row(**row) for row in found[name]] for name in ALL if name in found}


async def run(name: str) -> list[Row]:
    """Run one benchmark, print its rows and keep them."""
    with tempfile.TemporaryDirectory(prefix=f"atelier-bench-{name}-") as folder:
        rows: list[Row] = await importlib.import_module(f"tests.bench.{name}").bench(Path(folder))
    for row in rows:
        print(f"{'ok ' if row.ok else 'NOT'} {row.what}: {row.value} ({row.goal})", flush=True)
    return rows


def keep(name: str, rows: list[Row]) -> None:
    """Remember the result of a benchmark."""
    found = kept() | {name: rows}
    KEPT.parent.mkdir(exist_ok=True)
    plain = {each: [asdict(row) for row in made] for each, made in found.items()}
    KEPT.write_text(json.dumps(plain, indent=1, ensure_ascii=False), "utf-8")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(ALL)}")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    given = parser.parse_args()
    rows = []
    for name in given.names or ALL:
        found = asyncio.run(run(name))
        keep(name, found)
        rows += found
    text = f"{table(rows)}\n\nMeasured on {machine()}."
    print(f"\n{text}")
    if given.readme:
        last = [row for each in kept().values() for row in each]
        into_readme(f"{table(last)}\n\nMeasured on {machine()}.")
    sys.exit(any(not row.ok for row in rows))


if __name__ == "__main__":
    main()
