"""schema, reference and dump: what the program prints of what it knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from courier_compiler.cli import main
from courier_compiler.problem_pages import pages
from courier_schema.export.json_schema import json_schema
from courier_schema.legacy.formats import gdbm

Capture = pytest.CaptureFixture[str]


def test_the_schema_is_that_of_the_site_language(capsys: Capture) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(json_schema("site")))


def test_included_files_have_a_schema_that_demands_less(capsys: Capture) -> None:
    assert main(["schema", "--fragment"]) == 0
    fragment = json.loads(capsys.readouterr().out)
    assert fragment == json.loads(json.dumps(json_schema("fragment")))
    assert not fragment.get("required")


def test_the_reference_has_every_section_setting_and_problem(capsys: Capture) -> None:
    assert main(["reference"]) == 0
    printed = capsys.readouterr().out
    assert "## The site language" in printed
    assert "MAXPERIP" in printed
    assert all(f"\n### {name}\n" in printed for name in pages())


def test_a_dump_is_sorted_and_escaped(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "x.dat").write_bytes(gdbm.dumps({b"b": b"one\n", b"a": b"\xc3\xbc\\", b"\t": b""}))
    assert main(["dump", str(tmp_path / "x.dat")]) == 0
    assert capsys.readouterr().out == "\\t\t\na\t\\xc3\\xbc\\\\\nb\tone\\n\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty, not a database"),
        (b"root:x:0:0\n" * 500, "malformed GDBM database"),
        (gdbm.dumps({b"%d" % number: b"x" * 50 for number in range(900)})[:9000], "is not inside the file"),
    ],
)
def test_what_is_no_database_is_told_by_name(content: bytes, says: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(content)
    assert main(["dump", str(path)]) == 1
    complaint = capsys.readouterr().err
    assert str(path) in complaint
    assert says in complaint
