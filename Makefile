# Everything a person types. `make` alone lists it.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo run test check cover bench chaos lock clean

BIN   := .venv/bin
TESTS ?= tests
ARGS  ?=

# Where the person names no interpreter, the first on the PATH that runs, is new enough and can make environments.
PROBE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
ifeq ($(origin PYTHON),undefined)
PYTHON = $(eval PYTHON := $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(if $(shell \
	$(p) -c '$(PROBE)' 2>/dev/null && echo yes),$(p)))))$(PYTHON)
endif

# Both are asked before the first command of a rule runs, so that what is wrong is said in one line.
need_python = $(if $(shell "$(PYTHON)" -c '$(PROBE)' 2>/dev/null && echo yes),,$(error Dung Han needs Python 3.11 or \
	later with its venv module; found $(or $(shell "$(or $(PYTHON),python3)" --version 2>&1 | head -n 1),none). \
	Choose one with: make PYTHON=/path/to/python3.11))
need_folder = $(if $(shell mkdir -p .venv 2>/dev/null && touch .venv/.writable 2>/dev/null && rm .venv/.writable \
	&& echo yes),,$(error This folder cannot be written: $(CURDIR)/.venv))

# An environment whose interpreter was removed or moved is made again.
ifneq ($(shell test ! -d $(BIN) || $(BIN)/python -c '' 2>/dev/null || echo broken),)
$(shell rm -rf .venv)
endif

PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.installed ## Everything from a bare checkout: a year of sample dossiers, served until Ctrl-C (PORT, DUNGHAN_HOME, DOSSIERS)
	@exec $(BIN)/python -m app.cli demo

run: .venv/.installed ## Serve web and jobs with your own settings (dunghan up)
	@exec $(BIN)/python -m app.cli up

test: .venv/.dev-installed ## The whole suite (TESTS=tests/core ARGS=-x to choose)
	@exec $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile $(ARGS) $(TESTS)

check: .venv/.dev-installed ## Format, lint, types, import contracts, dependencies: seconds
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/deptry .

cover: .venv/.dev-installed ## The law's own room must be covered whole, branch by branch, by its own tests
	@$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --cov=app.core --cov-branch --cov-report= tests/core
	@$(BIN)/coverage report --include='app/core/*' --show-missing --skip-covered --fail-under=100

bench: .venv/.dev-installed ## Measurements (tests/benchmarks), one after the other
	@exec $(BIN)/python -m pytest -q -s -p no:randomly -o 'python_files=bench_*.py' $(ARGS) tests/benchmarks

chaos: .venv/.dev-installed ## What must never happen, tried for long: kills, a year, eight clients, bombs, fuzz (ARGS=--database=…); 45 minutes
	@$(BIN)/python -m tests.chaos.kill_intake $(ARGS)
	@$(BIN)/python -m tests.chaos.eight_clients $(ARGS)
	@$(BIN)/python -m tests.chaos.a_year $(ARGS)
	@$(BIN)/python -m tests.chaos.kill_time $(ARGS)
	@$(BIN)/python -m tests.chaos.bombs $(ARGS)
	@$(BIN)/python -m tests.fuzz $(ARGS)

lock: ## Choose the newest versions pyproject.toml allows and write both lock files
	$(need_python)@rm -rf .lock-venv && "$(PYTHON)" -m venv .lock-venv
	@.lock-venv/bin/python -m pip install -qq --disable-pip-version-check --no-input uv
	@$(UV_COMPILE) --upgrade pyproject.toml -o requirements.lock
	@$(UV_COMPILE) --upgrade pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	@rm -rf .lock-venv

UV_COMPILE := .lock-venv/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

clean: ## Remove the environment and every cache (not your data)
	@rm -rf .venv .lock-venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage* build dist *.egg-info
	@find app jobs migrations tests -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

.venv/.installed: requirements.lock | $(BIN)/dunghan
	$(need_folder)@$(PIP) -r requirements.lock
	@touch $@

# The development lock holds the runtime lock's pins too, so one installation serves both stamps.
.venv/.dev-installed: requirements-dev.lock requirements.lock | $(BIN)/dunghan
	$(need_folder)@$(PIP) -r requirements-dev.lock
	@touch .venv/.installed $@

# The command without a build: it runs the checkout it belongs to, from any folder.
$(BIN)/dunghan: | $(BIN)/pip
	$(need_folder)@printf '%s\n' '#!/bin/sh' \
	'top=$$(cd "$$(dirname "$$(readlink -f "$$0")")/../.." && pwd) || exit 1' \
	'export PYTHONPATH="$$top$${PYTHONPATH:+:$$PYTHONPATH}"' \
	'exec "$$top/.venv/bin/python" -m app.cli "$$@"' > $@
	@chmod +x $@

$(BIN)/pip:
	$(need_python)$(need_folder)@"$(PYTHON)" -m venv --clear .venv
