# Plain pip and venv. `make demo` and `make test` are all a fresh machine needs (Linux or macOS, Python >= 3.11).
# Overridable: PYTHON (the interpreter that makes the environment), VENV (where it is made), PYTEST_ARGS.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?= -m "not slow and not gpu"
# A file's tests stay in one process: they share fixtures, as a Ray cluster. Four clusters are enough for any machine.
PARALLEL := --numprocesses logical --maxprocesses 4 --dist loadfile

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types docs clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/'

# Stamps: a second call installs nothing unless pyproject.toml has changed.
$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "inception-nas needs Python >= 3.11: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV): torch is large, this takes some minutes."
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) with the development extras: torch is large, this takes some minutes."
	$(PIP_INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/.installed
	$(PIP_INSTALL) -e '.[docs]'
	@touch $@

demo: $(VENV)/.installed  ## search on scikit-learn's digits: the Pareto front beside GoogLeNet
	$(BIN)/nas search runs/demo.yaml --overwrite

test: $(VENV)/.installed-dev  ## all tests but the slow ones, with the coverage of the code that needs no torch
	$(BIN)/python -m pytest --cov $(PARALLEL) $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev  ## mypy
	$(BIN)/mypy

check: lint types test  ## ruff, mypy and the tests of `make test`

docs: $(VENV)/.installed-docs  ## the documentation, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:  ## remove the environment, caches and built files; runs/out stays
	rm -rf $(VENV) build dist site .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
