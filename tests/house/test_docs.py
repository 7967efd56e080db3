"""What is generated stands in the repository as it would be generated now."""

from __future__ import annotations

import json
from pathlib import Path

from courier_compiler.cli import verb_names
from courier_compiler.cli.reference import manual
from courier_schema.export.json_schema import json_schema

ROOT = Path(__file__).parents[2]


def test_the_manual_is_the_one_that_make_docs_writes() -> None:
    assert (ROOT / "MANUAL.md").read_text() == "\n".join(manual()) + "\n"


def test_the_schema_is_the_one_that_make_docs_writes() -> None:
    assert json.loads((ROOT / "schema/site.schema.json").read_text()) == json.loads(json.dumps(json_schema()))


def test_every_verb_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [verb for verb in verb_names() if f"courier-compile {verb} " not in readme] == []
