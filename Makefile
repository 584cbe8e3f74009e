# `make try` runs the studio against a pretend gateway; `make test` passes the tests.
# Both make .venv first, from nothing; `make install` does only that. `make lint` checks the code, `make lock` renews the lock files.
PORT ?= 8080
# Tests that run side by side: they wait more than they work.
AT_ONCE ?= 4
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable
export PLAYWRIGHT_BROWSERS_PATH ?= $(CURDIR)/.venv/browsers

.PHONY: install try test lint lock browser clean

install: .venv/.made

try: .venv/.made
	$(BIN)/atelier try --port $(PORT)

test: .venv/.made-dev browser
	$(BIN)/pytest -q -n $(AT_ONCE) --dist worksteal

lint: .venv/.made-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The exact packages of requirements.lock, checked by their hashes.
.venv/.made: pyproject.toml requirements.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Atelier needs Python 3.11 or newer, and '$(PYTHON)' is none. As root, run:"; \
	  echo "  apt install python3 python3-venv       (Debian 12, Ubuntu 24.04 and newer)"; \
	  echo "  apt install python3.11 python3.11-venv (Ubuntu 22.04)"; \
	  echo "or name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; \
	  exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  name=$$($(PYTHON) -c 'import sys; print("python3." + str(sys.version_info[1]))'); \
	  echo "This Python cannot make environments. As root, run: apt install $$name-venv"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  $(PYTHON) -m venv --clear .venv || { rm -rf .venv; exit 1; }; }
	@echo "Installing what Atelier needs into .venv; this takes less than a minute."
	@$(PIP) install --quiet --no-compile --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps -e .
	@touch $@

# The same, with what the tests and the linters need.
.venv/.made-dev: .venv/.made requirements-dev.lock
	@echo "Installing what the tests need as well."
	@$(PIP) install --quiet --no-compile --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

# A Chromium for the tests of the page: Debian's or Ubuntu's, else Playwright's own.
browser: .venv/.made-dev
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	ls -d "$(PLAYWRIGHT_BROWSERS_PATH)"/chromium* >/dev/null 2>&1 && exit 0; \
	echo "Installing Chromium for the tests of the page."; \
	sudo=""; test "$$(id -u)" = 0 || sudo="sudo -n"; \
	if command -v apt-get >/dev/null && $$sudo true 2>/dev/null \
	  && $$sudo apt-get -qq update >/dev/null 2>&1 \
	  && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null 2>&1 \
	  && chromium --version >/dev/null 2>&1; then exit 0; fi; \
	if $(BIN)/python -m playwright install chromium >/dev/null 2>&1; then exit 0; fi; \
	echo "Chromium could not be installed here. As root, run: apt install chromium"; exit 1

EXPORT := uv export --quiet --frozen --extra postgres --extra media --no-emit-project --no-annotate --no-header \
  --format requirements-txt

lock:
	uv lock
	$(EXPORT) -o requirements.lock
	$(EXPORT) --extra dev -o requirements-dev.lock

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .hypothesis
