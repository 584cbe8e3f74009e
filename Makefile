# `make try` runs the studio against a pretend gateway; `make test` passes the tests.
# Both make .venv first, from nothing. `make lint` checks the code, `make lock` renews the lock files.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable
export PLAYWRIGHT_BROWSERS_PATH ?= $(CURDIR)/.venv/browsers

.PHONY: try test lint lock browser clean

try: .venv/.made
	$(BIN)/atelier try

test: .venv/.made browser
	$(BIN)/pytest -q

lint: .venv/.made
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The exact packages of requirements.lock, checked by their hashes.
.venv/.made: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not that."; \
	  echo "Install it (Debian, Ubuntu: apt install python3 python3-venv) or name another: make PYTHON=python3.12"; \
	  exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "This Python cannot make environments. Please run: apt install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
	@echo "Installing what Atelier needs into .venv; this takes a minute."
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps -e .
	@touch $@

# A Chromium for the tests of the page: Debian's or Ubuntu's, else Playwright's own.
browser: .venv/.made
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	ls -d "$(PLAYWRIGHT_BROWSERS_PATH)"/chromium* >/dev/null 2>&1 && exit 0; \
	echo "Installing Chromium for the tests of the page."; \
	sudo=""; test "$$(id -u)" = 0 || sudo="sudo -n"; \
	if command -v apt-get >/dev/null && $$sudo true 2>/dev/null \
	  && $$sudo apt-get -qq update >/dev/null 2>&1 \
	  && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null 2>&1 \
	  && chromium --version >/dev/null 2>&1; then exit 0; fi; \
	if $(BIN)/python -m playwright install chromium >/dev/null 2>&1; then exit 0; fi; \
	echo "Chromium could not be installed here. Please run as root: apt install chromium"; exit 1

lock:
	uv lock
	uv export --quiet --frozen --extra dev --extra postgres --no-emit-project --no-annotate --no-header \
	  --format requirements-txt -o requirements.lock

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .hypothesis
