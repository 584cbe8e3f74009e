"""The README tells the truth, as far as a program can check it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import cli
from bot.config import Settings
from bot.docs import commands_table, models_table, refreshed, settings_table
from core.commands import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def test_its_tables_are_up_to_date() -> None:
    """`atelier docs` would change nothing."""
    assert refreshed(README, ROOT) == README


def test_docs_writes_the_tables_and_check_only_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--check` fails on an old table and leaves it; without it, the table is made anew."""
    monkeypatch.chdir(tmp_path)
    Path("config.example.toml").write_text((ROOT / "config.example.toml").read_text("utf-8"))
    old = README.replace("| `/jobs` |", "| `/work` |")
    readme = Path("README.md")
    readme.write_text(old, "utf-8")
    checked = CliRunner().invoke(cli, ["docs", "--check"])
    assert (checked.exit_code, readme.read_text("utf-8")) == (1, old)
    assert "run `atelier docs`" in checked.output
    assert CliRunner().invoke(cli, ["docs"]).exit_code == 0
    assert readme.read_text("utf-8") == README
    assert CliRunner().invoke(cli, ["docs", "--check"]).exit_code == 0


def test_a_readme_without_the_marks_is_refused(tmp_path: Path) -> None:
    """Rather than written to somewhere."""
    with pytest.raises(ValueError, match="<!-- commands -->"):
        refreshed("# Atelier\n", ROOT)
    done = CliRunner().invoke(cli, ["docs", "--readme", str(tmp_path / "none.md")])
    assert done.exit_code == 1


def test_every_command_model_and_setting_has_its_row() -> None:
    """Nothing that can be used is left out."""
    assert all(f"`/{command.name}" in commands_table() for command in COMMANDS)
    assert "| `mj_imagine` | Midjourney | $0.1 |" in models_table()
    example = (ROOT / "config.example.toml").read_text("utf-8")
    table = settings_table(example)
    for section, field in Settings.model_fields.items():
        for name in getattr(field.annotation, "model_fields", {}):
            written = f"`[{section}] {name}`" in table
            assert written or f"[{section}.{name}]" in example, f"[{section}] {name}"


def test_every_file_it_points_to_is_there() -> None:
    """Pictures too."""
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", README)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_every_make_target_and_program_command_it_names_exists() -> None:
    """`make try`, `make test`, `atelier doctor` … are what they are called."""
    targets = set(re.findall(r"(?:^|`)make ([a-z]+)\b", README, re.MULTILINE))
    assert {"try", "test"} <= targets
    assert not [name for name in targets if not re.search(rf"^{name}:", MAKEFILE, re.MULTILINE)]
    known = {"run", "try", "doctor", "docs"}
    assert set(re.findall(r"\batelier (run|try|doctor|docs|[a-z]+)`", README)) <= known


def test_its_changes_stand_at_the_end() -> None:
    """With the present version first."""
    *_, last = re.split(r"^## ", README, flags=re.MULTILINE)
    assert last.startswith("Changes\n\n### 0.1.0\n")
