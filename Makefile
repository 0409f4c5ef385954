# `make demo` and `make test` need Python ≥ 3.11 and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/$(if $(CI),.ci,.dev)
DEV := $(if $(CI),requirements-ci.txt,requirements-dev.txt)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo test check wire bench faults pictures lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## what tests and checks need, in .venv

demo: $(VENV)/.demo  ## everything on this machine: a channel in the browser, a pipeline to break
	@$(BIN)/sync-health demo $(ARGS)

test: $(STAMP)  ## every test that this machine can run (FULL=1: the long ones too)
	@$(BIN)/python -m pytest -n 4 --dist worksteal $(if $(CI)$(FULL),,-m "not full") $(ARGS)

check: $(STAMP)  ## lint, format, types, layers, and that the tests of checks/ reach every line and branch of it
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/coverage run -m pytest -p no:cacheprovider $(addprefix tests/unit/test_,catalog.py check_texts.py judge.py)
	@$(BIN)/coverage report

wire: $(STAMP)  ## what every fault of the wire to Databricks comes to, and how long it takes
	@WIRE=1 $(BIN)/python -m pytest tests/wire $(ARGS)

bench: $(STAMP)  ## timings, as ratios within one run
	@$(BIN)/python -m tests.bench

faults: $(STAMP)  ## each switch of the demo: alerted after, presses, green after (ten minutes)
	@$(BIN)/python -m tests.bench.faults $(ARGS)

pictures: $(STAMP)  ## the README's screenshots again, from the story in a real browser
	@PICTURES=docs/pictures SPEED=60 $(BIN)/python -m pytest tests/browser

lock:  ## pin the requirements again (needs pip-tools on the PATH)
	pip-compile $(LOCK) --output-file requirements.txt pyproject.toml
	pip-compile $(LOCK) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	pip-compile $(LOCK) --extra dev --extra ci --constraint requirements-dev.txt --output-file requirements-ci.txt pyproject.toml
LOCK := --quiet --generate-hashes --allow-unsafe --strip-extras --all-build-deps --no-header --no-annotate \
	--no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sync Health needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the bot needs into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(STAMP): $(DEV) $(VENV)/.demo
	@echo "Installing what the tests need into $(VENV) …"
	@$(PIP) install --require-hashes -r $(DEV)
	@touch $@
