"""Berkeley DB files by the berkeleydb package, with Perl's DB_File as an independent peer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courier_compiler.cli import main
from courier_schema.legacy.formats import berkeley
from courier_schema.report import CourierSiteError

TABLE = {b"user%d@example.com" % i: b"box%d\n" % i for i in range(5000)} | {
    b"no value": b"",
    b"long": b"x" * 100_000,
    b"\x00\xff": b"\xfe\x01",
}

LIST = (
    "tie %h, 'DB_File', shift, 0, 0, $DB_HASH or die $!;"
    "print unpack('H*', $_), ' ', unpack('H*', $h{$_}), qq(\\n) for keys %h"
)
FILL = "tie %h, 'DB_File', shift, 0102, 0644, $DB_HASH or die $!; $h{$_} = 'v' . $_ for 1 .. 3000"


def perl(program: str, path: Path) -> bytes:
    return subprocess.run(["perl", "-MDB_File", "-e", program, path], check=True, capture_output=True).stdout


def test_what_is_written_is_read_back() -> None:
    assert berkeley.loads(berkeley.dumps(TABLE)) == TABLE
    assert berkeley.loads(berkeley.dumps({})) == {}


def test_perl_reads_every_record(tmp_path: Path) -> None:
    path = tmp_path / "aliases.dat"
    path.write_bytes(berkeley.dumps(TABLE))
    pairs = (line.split(" ") for line in perl(LIST, path).decode().splitlines())
    assert {bytes.fromhex(key): bytes.fromhex(value) for key, value in pairs} == TABLE


def test_a_file_written_by_perl_is_read(tmp_path: Path) -> None:
    path = tmp_path / "aliases.dat"
    perl(FILL, path)
    assert berkeley.loads(path.read_bytes()) == {b"%d" % i: b"v%d" % i for i in range(1, 3001)}


@pytest.mark.parametrize("size", [0, 100, 4096, -4096])
def test_a_cut_file_is_refused(size: int) -> None:
    with pytest.raises(CourierSiteError, match="not a Berkeley DB database, or a damaged one"):
        berkeley.loads(berkeley.dumps(TABLE)[:size])


def test_a_file_of_another_access_method_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "aliases.dat"
    perl(FILL.replace("HASH", "BTREE"), path)
    with pytest.raises(CourierSiteError, match=r"^Berkeley DB: .*unexpected file type or format$"):
        berkeley.loads(path.read_bytes())


def test_a_key_that_occurs_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the key b'a' occurs more than once"):
        berkeley.dumps([(b"a", b"1"), (b"a", b"2")])


@given(st.dictionaries(st.binary(max_size=40), st.binary(max_size=90), max_size=60))
@settings(max_examples=40, deadline=None)
def test_any_records_are_read_back(table: dict[bytes, bytes]) -> None:
    data = berkeley.dumps(table)
    assert berkeley.is_database(data[:16])
    assert berkeley.loads(data) == table


@given(st.binary(max_size=200) | st.builds(lambda cut: berkeley.dumps(TABLE)[:cut], st.integers(0, 20_000)))
@settings(max_examples=60, deadline=None)
def test_what_is_no_database_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(CourierSiteError) as caught:
        berkeley.loads(data)
    assert "\n" not in str(caught.value)


def test_sources_are_compiled_in_the_format_of_the_database_that_they_replace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hosteddomains").write_text("a.example\nb.example\ta.example\n")
    path = tmp_path / "hosteddomains.dat"
    path.write_bytes(berkeley.dumps({b"old": b"1"}))
    assert main(["tables", str(tmp_path), "--only", "hosteddomains"]) == 0
    pairs = (line.split(" ") for line in perl(LIST, path).decode().splitlines())
    wanted = {b"a.example": b"1", b"b.example": b"a.example"}
    assert {bytes.fromhex(key): bytes.fromhex(value) for key, value in pairs} == wanted
    capsys.readouterr()
    assert main(["dump", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split("\t") == ["b.example", "a.example"]
    assert main(["lookup", "hosted", "b.example", "--dir", str(tmp_path), "--host-name", "mx"]) == 0
