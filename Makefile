# `make try` runs the studio against a pretend gateway; `make test` passes the tests. Both make .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: try test lint

.venv/.made: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "venv is missing: apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch .venv/.made

try: .venv/.made
	$(BIN)/atelier try

test: .venv/.made
	$(BIN)/pytest -q

lint: .venv/.made
	$(BIN)/ruff check --select E9,F --ignore F401 .
