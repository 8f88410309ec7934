# Everything a person or the CI runs. Each target sets up what it needs.
.PHONY: help setup train search test coverage check validate bench clean docs
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
EXPERIMENT ?= stage2_mamcl
ARGS ?=
# Everything built in works without a hub; a real checkpoint by its hub name needs HF_HUB_OFFLINE=0.
export HF_HUB_OFFLINE ?= 1
export WANDB_MODE ?= offline

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP)  ## a virtual environment in .venv with the tested versions

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("unite needs Python 3.11 or newer, but this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

train: setup  ## the main job: trains on the built-in world and evaluates (ARGS="trainer.max_steps=100" to override)
	$(BIN)/python -m unite.train +experiment=$(EXPERIMENT) $(ARGS)

search: setup  ## a search page over the emoji world, by the newest run of `make train` (ARGS="index=<folder>" for your own)
	$(BIN)/python -m unite.search $(ARGS)

test: setup  ## the tests
	$(BIN)/python -m pytest -n 2 $(ARGS)

coverage: setup  ## the tests, and which share of each package they run
	$(BIN)/python -m slipcover --source unite --json --out .coverage.json -m pytest -n 2 $(ARGS)
	$(BIN)/python scripts/coverage_by_package.py

check: setup  ## lint, format, types, import floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

validate: setup  ## composes every config option and experiment
	$(BIN)/python -m unite.config.validate

docs: setup  ## the documentation, into docs/_build; a warning is an error
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --jobs auto docs docs/_build

bench: setup  ## the benchmarks, into experiments/performance
	$(BIN)/python -m benchmarks $(ARGS)

clean:  ## removes the environment and caches; keeps runs/ and data/
	rm -rf .venv docs/_build .coverage.json .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
