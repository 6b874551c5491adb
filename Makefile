# One word per task. `make demo` and `make test` do all the set-up they need themselves.

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
NODE := tests/counterparts/node
ARGS ?=

.PHONY: help setup serve demo test check bench docs editor clean

help:
	@echo "make demo    try it: the server with a practice third party and one connection of each type"
	@echo "make test    run every test (installs PostgreSQL, nginx, a browser and the counterparts if missing)"
	@echo "make serve   the server on ./isthmus-data"
	@echo "make check   ruff, mypy and the import rules"
	@echo "make bench   print the published figures"
	@echo "make docs    write the generated pages anew"
	@echo "make editor  bundle the console's editor anew (needs npm)"

$(VENV)/product: pyproject.toml
	@PYTHON=$(PYTHON) tools/system-packages python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/tests: pyproject.toml $(VENV)/product
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,check]'
	@touch $@

$(NODE)/node_modules/.installed: $(NODE)/package.json
	@tools/system-packages tests
	cd $(NODE) && npm install --no-audit --no-fund --no-package-lock --silent
	@touch $@

setup: $(VENV)/tests $(NODE)/node_modules/.installed
	@tools/system-packages tests

serve: $(VENV)/product
	$(BIN)/isthmus serve $(ARGS)

demo: $(VENV)/product
	$(BIN)/isthmus demo $(ARGS)

test: setup
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/tests
	$(BIN)/ruff check src tests bench tools
	$(BIN)/ruff format --check src tests bench tools
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m bench.run $(ARGS)

docs: $(VENV)/tests
	$(BIN)/python -m tools.generate_docs

editor:
	cd tools/editor && npm install --no-audit --no-fund --no-package-lock --silent && npm run --silent build

clean:
	rm -rf $(VENV) $(NODE)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
