# One command per intention. Everything runs in .venv, made from pinned constraints; a stamp says what is in it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --constraint constraints.txt

.PHONY: help demo test lint format bench screenshots clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Steelyard needs Python 3.11 or newer; say which with: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.user: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[boost]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.user

demo: $(VENV)/.user  ## study a real imbalanced table (examples/hypothyroid4.csv)
	$(BIN)/steelyard study examples/hypothyroid4.csv --target Class --out demo-study --force

test: $(VENV)/.dev  ## run the whole test suite
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.dev  ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## measure speed, memory and verdicts against peers (minutes)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/inspection.py
	$(BIN)/python benchmarks/counts.py
	$(BIN)/python benchmarks/losses.py
	$(BIN)/python benchmarks/samplers.py --large
	$(BIN)/python benchmarks/engine.py --compile
	$(BIN)/python benchmarks/linear.py
	$(BIN)/python benchmarks/decisions.py
	$(BIN)/python benchmarks/whole_study.py --cold
	$(BIN)/python benchmarks/folders.py
	$(BIN)/python benchmarks/crossfit.py
	$(BIN)/python benchmarks/verdicts.py null --seeds 20

screenshots: $(VENV)/.dev demo  ## pictures of the demo's report (needs chromium)
	$(BIN)/python scripts/screenshots.py demo-study/report.html docs/images

clean:  ## remove the environment and what was built
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache demo-study
