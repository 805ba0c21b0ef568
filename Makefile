# Every check has a name here; continuous integration calls the same ones.
# Each target sets up what it needs.

PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PEERS  := $(VENV)/.ready-bench

# Tests that need a program of the system: left out, by name, where it is not installed.
LACKS_BROWSER  := $(if $(shell command -v chromium),,not browser)
LACKS_POSTGRES := $(if $(or $(shell command -v initdb),$(wildcard /usr/lib/postgresql/*/bin/initdb)),,not postgres)
MARKS := not snowflake and not drill$(if $(LACKS_BROWSER), and $(LACKS_BROWSER))$(if $(LACKS_POSTGRES), and $(LACKS_POSTGRES))

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

.PHONY: setup
setup: $(READY) ## Make the virtual environment in .venv, with everything

.PHONY: demo
demo: $(READY) ## Three simulated organizations, two days, one AHT, and the Dagster UI
	$(BIN)/aggregation-platform demo

.PHONY: test
test: $(READY) ## The tests
	$(if $(LACKS_BROWSER),@echo "Left out here: the browser tests (Debian: apt-get install chromium chromium-driver)")
	$(if $(LACKS_POSTGRES),@echo "Left out here: the PostgreSQL tests (Debian: apt-get install postgresql)")
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "$(MARKS)"

.PHONY: test-snowflake
test-snowflake: $(READY) ## The contract of warehouses on a real account (SNOWFLAKE_* variables; empties its tables)
	$(BIN)/python -m pytest -m snowflake aggregation_platform_tests/contracts

.PHONY: check
check: $(READY) ## Format, lint, import floors, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright

$(PEERS): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	touch $(PEERS)

.PHONY: bench
bench: $(PEERS) ## Benchmarks, as ratios against a peer in the same run (most of an hour)
	$(BIN)/python -m benchmarks

.PHONY: drill
drill: $(READY) ## Drills with real processes that are really killed (many minutes)
	$(BIN)/python -m pytest -m drill --timeout 3600

.PHONY: dev
dev: $(READY) ## Dagster UI and daemon on the configuration found
	$(BIN)/aggregation-platform dev

.PHONY: dev-production
dev-production: $(READY) ## Production's processes here: PostgreSQL, a Snowflake emulator, three of Dagster
	$(BIN)/aggregation-platform dev-production

.PHONY: constraints
constraints: $(READY) ## Pin the newest versions that fit pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml --extra dev --extra bench -o constraints.txt
