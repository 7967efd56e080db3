"""The text form of databases: what it looks like, and that it loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats import dump

CASES = Path(__file__).parents[1] / "cases" / "databases"
tables = st.dictionaries(st.binary(max_size=20), st.binary(max_size=20), max_size=20)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b'"j.doe"@example.com ~!', '"j.doe"@example.com ~!'),
        (b"a\tb\nc\rd\\e", r"a\tb\nc\rd\\e"),
        (b"m\xc3\xbcnchen.de", r"m\xc3\xbcnchen.de"),
        (b"\x00\x0b\x1f\x7f\xff", r"\x00\x0b\x1f\x7f\xff"),
        (rb"\x41 \n", r"\\x41 \\n"),
    ],
)
def test_bytes_that_do_not_print_are_escaped(data: bytes, text: str) -> None:
    assert dump.escape(data) == text


def test_records_are_lines_in_the_order_of_their_keys() -> None:
    records = {b"b\n1": b"late\n", b"b": b"early\n", b"": b"", b"\xff": b"\t"}
    assert list(dump.dump(records)) == ["\t", "b\tearly\\n", "b\\n1\tlate\\n", "\\xff\t\\t"]


def test_pairs_are_dumped_like_a_mapping_and_a_repeated_key_is_refused() -> None:
    assert list(dump.dump([(b"b", b"2"), (b"a", b"1")])) == ["a\t1", "b\t2"]
    with pytest.raises(ValueError, match=r"the key b'a' occurs more than once"):
        list(dump.dump([(b"a", b"1"), (b"a", b"1")]))


@given(tables)
def test_what_is_dumped_parses_back(records: dict[bytes, bytes]) -> None:
    lines = list(dump.dump(records))
    assert len(lines) == len(records)
    assert all(line.isascii() and "\n" not in line for line in lines)
    assert dump.parse("\n".join(lines)) == records
    assert dump.parse("".join(f"{line}\n" for line in lines)) == records


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\t1\nno tab\n", "line 2 of the dump is not a key, a tab and a value: 'no tab'"),
        ("a\t1\t2\n", "line 1 of the dump is not"),
        ("a\t1\n\nb\t2\n", "line 2 of the dump is not"),
        ("a\t\\q\n", "line 1 of the dump is not"),
        ("a\t\\xC3\n", "line 1 of the dump is not"),
        ("a\t\\\n", "line 1 of the dump is not"),
        ("a\tü\n", "line 1 of the dump is not"),
        ("a\t1\r\n", "line 1 of the dump is not"),
        ("a\\n\t1\nb\t2\na\\n\t1\n", r"line 3 of the dump repeats the key 'a\\\\n'"),
    ],
)
def test_text_that_no_dump_contains_is_refused_by_line(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        dump.parse(text)


@given(st.text(alphabet="a\\xntr0c\t\n\r", max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        records = dump.parse(text)
    except ValueError:
        return
    assert dump.parse("\n".join(dump.dump(records))) == records


def test_the_dumps_of_all_cases_parse_and_come_out_byte_for_byte() -> None:
    paths = sorted(CASES.glob("*/expected/*.dat.txt"))
    assert len(paths) > 50
    for path in paths:
        text = path.read_bytes().decode("ascii")
        assert "".join(f"{line}\n" for line in dump.dump(dump.parse(text))) == text, path
