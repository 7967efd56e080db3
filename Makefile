# The whole ritual. Every target sets up what it needs; the first run makes .venv, later ones only look.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check real bench setup docs clean

demo: setup                ## compile the small office into build/ and show what was made
	@chmod -R go= site-examples/*/secrets
	@$(BIN)/courier-compile check site-examples/small-office
	@$(BIN)/courier-compile build site-examples/small-office -o build
	@echo && (cd build && find . -type f | sort | sed 's|^\./|build/|')
	@echo && $(BIN)/courier-compile dump build/etc/courier/aliases.dat

test: setup                ## everything that needs no root and no Courier
	$(BIN)/python -m pytest -n auto --ignore=tests/real

check: setup               ## formatting, lints, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

real: setup                ## the same files against the real Courier (root, Debian packages: see CONTRIBUTING)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,berkeley]'
	$(BIN)/python -m pytest tests/real

bench: setup               ## side by side with the real tools
	$(BIN)/python tests/bench/run.py

docs: setup                ## the generated part of the manual and the schema
	$(BIN)/courier-compile reference > MANUAL.md
	$(BIN)/courier-compile schema > schema/site.schema.json

setup: .venv/.ready

.venv/.ready: pyproject.toml
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv build dist
