"""What is generated stands in the repository as it would be generated now."""

from __future__ import annotations

import json
from pathlib import Path

from courier_compiler.cli import verb_names
from courier_compiler.cli.reference import manual
from courier_compiler.command_pages import page, page_names
from courier_runtime.cli import STATUS, parser
from courier_runtime.commands.manpage import page as server_page
from courier_schema.export.json_schema import json_schema

ROOT = Path(__file__).parents[2]


def test_the_manual_is_the_one_that_make_docs_writes() -> None:
    assert (ROOT / "MANUAL.md").read_text() == "\n".join(manual()) + "\n"


def test_the_schema_is_the_one_that_make_docs_writes() -> None:
    assert json.loads((ROOT / "schema/site.schema.json").read_text()) == json.loads(json.dumps(json_schema()))


def test_the_manual_pages_are_those_that_make_docs_writes() -> None:
    kept = {path.name: path.read_text() for path in (ROOT / "compiler/man").glob("man*/*")}
    assert sorted(kept) == sorted(page_names())
    assert [name for name, text in kept.items() if text != "".join(f"{line}\n" for line in page(name))] == []


def test_the_manual_page_of_the_server_is_the_one_that_make_docs_writes() -> None:
    kept = (ROOT / "runtime/man/man1/courier-run.1").read_text()
    assert kept == "".join(f"{line}\n" for line in server_page(parser(), STATUS))


def test_every_verb_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [verb for verb in verb_names() if f"courier-compile {verb} " not in readme] == []
