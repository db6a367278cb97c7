# Two commands are enough:
#   make demo   the main job on a real retailer's data
#   make test   the proof: lint, types, tests, examples, notebooks, then a second run on the warm kernel cache
# Each makes its own .venv first where there is none, and installs again when pyproject.toml has changed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test lint types docs bench clean
.DELETE_ON_ERROR:

demo: $(VENV)/.demo
	$(BIN)/crmintel demo

test: lint types $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist loadfile
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=600 notebooks
	# once more in a new process: every example in the docstrings, on the cache that the first run has written
	$(BIN)/python -m pytest crmintel tests/kernels

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.compare

# a venv whose Python has gone leaves a dangling link, which make takes for a missing file
$(BIN)/python:
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[data,io,progress]"
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[dev,lifetimes]"
	@touch $@

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[docs]"
	@touch $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[bench]"
	@touch $@

clean:
	rm -rf $(VENV) .nox docs/_build docs/reference/generated docs/jupyter_execute
