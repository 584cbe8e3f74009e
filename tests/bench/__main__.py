"""`python -m tests.bench [name…] [--readme]`: run benchmarks, print one table.

With `--readme` the result of each is kept in `last.json`, and README.md shows the last one of all:
they can be run one by one.
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
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.kit import ROOT, TICK, Row

ALL = ("start", "path", "crowd", "files", "load", "chat", "mix")
"""Each a module with `bench(folder) -> rows`."""


KEPT = ROOT / "tests" / "bench" / "last.json"
"""The last result of each, which the README shows."""


@dataclass(slots=True)
class Part:
    """What a benchmark found the last time.

    Attributes:
        beside: What else the machine did meanwhile, in words.
    """

    rows: list[Row]
    beside: str


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


def kept() -> dict[str, Part]:
    """The last results, by benchmark."""
    found = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    return {
        name: Part([Row(**row) for row in found[name]["rows"]], found[name]["beside"])
        for name in ALL
        if name in found
    }


def keep(name: str, part: Part) -> None:
    """Remember the result of a benchmark; the others' stay."""
    plain = {each: asdict(found) for each, found in (kept() | {name: part}).items()}
    KEPT.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", "utf-8")


def report(parts: Mapping[str, Part]) -> str:
    """The table and what it was measured on."""
    beside: dict[str, list[str]] = {}
    for name, part in parts.items():
        beside.setdefault(part.beside, []).append(name)
    told = "; ".join(f"{', '.join(names)}: {what}" for what, names in beside.items())
    rows = [row for part in parts.values() for row in part.rows]
    return f"{table(rows)}\n\nMeasured on {machine()}. Beside it – {told}."


class Others:
    """How busy other programs keep the machine."""

    def __init__(self) -> None:
        """From now on."""
        self._begun = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Seconds of all processors, of their work, and of that for us and what we have run."""
        ticks = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        idle = ticks[3] + ticks[4]
        own = sum(os.times()[:4])
        return sum(ticks) / TICK, (sum(ticks) - idle) / TICK, own

    def __str__(self) -> str:
        """Their share, in words."""
        whole, busy, own = (now - then for now, then in zip(self._now(), self._begun, strict=True))
        return (
            f"other programs took {max(busy - own, 0.0) / max(whole, 0.01):.0%} of the processors"
        )


async def run(name: str) -> Part:
    """Run one benchmark and print its rows."""
    others = Others()
    with tempfile.TemporaryDirectory(prefix=f"atelier-bench-{name}-") as folder:
        rows: list[Row] = await importlib.import_module(f"tests.bench.{name}").bench(Path(folder))
    for row in rows:
        print(f"{'ok ' if row.ok else 'NOT'} {row.what}: {row.value} ({row.goal})", flush=True)
    return Part(rows, str(others))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(ALL)}")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    given = parser.parse_args()
    parts: dict[str, Part] = {}
    for name in given.names or ALL:
        parts[name] = asyncio.run(run(name))
    print(f"\n{report(parts)}")
    if given.readme:
        for name, part in parts.items():
            keep(name, part)
        into_readme(report(kept()))
    sys.exit(any(not row.ok for part in parts.values() for row in part.rows))


if __name__ == "__main__":
    main()
