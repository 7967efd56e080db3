# The whole ritual. Every target sets up what it needs; the first run makes .venv, later ones only look.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run demo test soak check real bench setup docs clean

run: setup                 ## serve the small office below build/run, without root, and say how to send it a mail
	@chmod -R go= site-examples/*/secrets
	@$(BIN)/courier-run serve site-examples/small-office --embedded --state build/run

demo: setup                ## compile the small office into build/demo and show what was made
	@chmod -R go= site-examples/*/secrets
	@$(BIN)/courier-compile check site-examples/small-office
	@$(BIN)/courier-compile build site-examples/small-office -o build/demo
	@echo && find build/demo -type f | sort
	@echo && $(BIN)/courier-compile dump build/demo/etc/courier/aliases.dat

test: setup                ## everything that needs no root and no Courier
	$(BIN)/python -m pytest -n auto --ignore=tests/real

soak: setup                ## the tests of endurance in their long forms: half an hour of kills, crowds, edits and rubbish
	$(BIN)/python -m pytest --soak tests/crash/test_server_kill.py tests/runtime/faults

check: setup               ## formatting, lints, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

real: setup                ## the same files against the real Courier (root, Debian packages: see CONTRIBUTING)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,berkeley]'
	@cd tests && ../$(BIN)/python -m real.peers.packages
	$(BIN)/python -m pytest tests/real

bench: setup               ## side by side with the real tools
	$(BIN)/python tests/bench/run.py

docs: setup                ## the generated part of the manual, the schema and the manual pages
	$(BIN)/courier-compile reference > MANUAL.md
	$(BIN)/courier-compile schema > schema/site.schema.json
	rm -rf compiler/man && $(BIN)/courier-compile manpage --output compiler/man
	mkdir -p runtime/man/man1 && $(BIN)/courier-run manpage > runtime/man/man1/courier-run.1

setup: .venv/.ready

.venv/.ready: pyproject.toml
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv build dist
