# `make demo` and `make test` need Python ≥ 3.11 and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SPARK := .venv-dialects
STAMP := $(VENV)/$(if $(CI),.ci,.dev)
DEV := $(if $(CI),requirements-ci.txt,requirements-dev.txt)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo test check dialects wire bench faults pictures sbom lock

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

dialects: $(SPARK)/.done  ## every statement on DuckDB and on Sail (Spark, Delta): equal rows, also on generated estates
	@RUST_LOG=error $(SPARK)/bin/python -m pytest tests/dialects $(ARGS)

wire: $(STAMP)  ## what every fault of the wire to Databricks comes to, and how long it takes
	@WIRE=1 $(BIN)/python -m pytest tests/wire $(ARGS)

bench: $(STAMP)  ## timings, as ratios within one run
	@$(BIN)/python -m tests.bench

faults: $(STAMP)  ## each switch of the demo: alerted after, presses, green after (ten minutes)
	@$(BIN)/python -m tests.bench.faults $(ARGS)

pictures: $(STAMP)  ## the README's screenshots again, from the story in a real browser
	@PICTURES=docs/pictures SPEED=60 $(BIN)/python -m pytest tests/browser

sbom: $(VENV)/.demo $(VENV)-sbom/.made  ## what the bot needs at run time, as CycloneDX: sbom.cdx.json
	@$(VENV)-sbom/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml -o $(VENV)-sbom/found.json $(BIN)/python
	@$(VENV)-sbom/bin/python -m tests.sbom $(VENV)-sbom/found.json requirements.txt sbom.cdx.json

lock:  ## pin the requirements again (needs pip-tools on the PATH)
	pip-compile $(LOCK) --output-file requirements.txt pyproject.toml
	pip-compile $(LOCK) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	pip-compile $(LOCK) --extra dev --extra dialects --constraint requirements-dev.txt --output-file requirements-dialects.txt pyproject.toml
	pip-compile $(LOCK) --extra dev --extra ci --constraint requirements-dev.txt --output-file requirements-ci.txt pyproject.toml
	pip-compile $(filter-out --all-build-deps,$(LOCK)) --output-file requirements-sbom.txt requirements-sbom.in
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

$(VENV)-sbom/.made: requirements-sbom.txt
	@$(PYTHON) -m venv $(VENV)-sbom
	@$(VENV)-sbom/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-sbom.txt
	@touch $@

$(STAMP): $(DEV) $(VENV)/.demo
	@echo "Installing what the tests need into $(VENV) …"
	@$(PIP) install --require-hashes -r $(DEV)
	@touch $@

$(SPARK)/.done: requirements-dialects.txt
	@$(PYTHON) -m venv $(SPARK)
	@echo "Installing Sail into $(SPARK) …"
	@$(SPARK)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-dialects.txt
	@touch $@
