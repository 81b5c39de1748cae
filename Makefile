# `make demo` is the whole product on this machine, `make test` and `make check` prove it.
# Everything is installed into .venv; servers come from the distribution's packages (docs).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := fleet store tickets ingest rules predict api dashboard simulators ironpulse benchmarks
export PIP_ROOT_USER_ACTION = ignore
export PIP_DISABLE_PIP_VERSION_CHECK = 1

DEMO_ARGS = $(if $(PORT),--port $(PORT)) $(if $(MACHINES),--machines $(MACHINES)) \
	$(if $(SEED),--seed $(SEED)) $(if $(SPEED),--speed $(SPEED)) $(if $(FRESH),--fresh) $(ARGS)

.PHONY: help setup demo test check format constraints clean

help:
	@echo "make demo         run everything here; PORT= MACHINES= SEED= SPEED= FRESH=1 are optional"
	@echo "make test         run all tests on a private database and broker"
	@echo "make check        ruff, mypy, import rules, tests of the documentation"
	@echo "make setup        only make the environment in $(VENV)"
	@echo "make clean        remove $(VENV) and caches of tools; data of stacks stay"

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Ironpulse needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=python3.11 or newer."; \
		exit 1; }
	@test -x $(BIN)/pip || PYTHON=$(PYTHON) sh .ci/make-venv $(VENV)
	@echo "Installing Ironpulse and what it needs into $(VENV) ..."
	@$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup
	@exec $(BIN)/ironpulse demo $(DEMO_ARGS)

test: setup
	$(BIN)/pytest $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/docs

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Pins what .venv holds now; addresses of where it came from are left out.
constraints:
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/ @ .*//' | grep == > constraints.txt

clean:
	rm -rf $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
