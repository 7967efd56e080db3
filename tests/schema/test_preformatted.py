"""Preformatted settings files: header, groups, comments, and what makes a template doubtful."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.preformatted import (
    HEADER_LINES,
    Group,
    Preformatted,
    comments,
    doubts,
    marker,
    no_version,
    parse,
)
from courier_schema.legacy.formats.source import Source

FILE = b"""\
##VERSION: 7
# about the file

##NAME: PORT:1
# about the port
PORT=25
##NAME: net : work:2
"""

pieces = st.sampled_from([b"##VERSION: 1", b"##NAME: A:1", b"##NAME: a : b: 2", b"#", b"", b"A='", b"\\", b"\r", b"\n"])
texts = st.binary(max_size=60) | st.lists(pieces, max_size=30).map(b"\n".join)


def _parsed(content: bytes) -> Preformatted:
    parsed = parse(Source("esmtpd.dist", content))
    assert parsed is not None
    return parsed


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def test_a_file_falls_into_header_preamble_and_groups() -> None:
    parsed = _parsed(FILE)

    assert parsed.version == b"##VERSION: 7\n"
    assert parsed.preamble == (b"# about the file\n", b"\n")
    assert parsed.groups == (
        Group(b"PORT", b"1", b"##NAME: PORT:1\n", (b"# about the port\n", b"PORT=25\n"), 4),
        Group(b"net:work", b"2", b"##NAME: net : work:2\n", (), 7),
    )


@given(texts)
def test_what_was_parsed_is_written_back_byte_for_byte(content: bytes) -> None:
    parsed = parse(Source("any", content))

    assert parsed is None or parsed.dump() == content


@given(texts)
def test_a_group_s_line_is_where_its_marker_stands(content: bytes) -> None:
    parsed = parse(Source("any", b"##VERSION: 1\n" + content))

    assert parsed is not None
    lines = parsed.dump().split(b"\n")
    assert all(lines[group.line - 1] == group.marker.rstrip(b"\n") for group in parsed.groups)


def test_the_version_line_is_looked_for_in_twenty_lines() -> None:
    above = b"#\n" * (HEADER_LINES - 1)

    assert len(_parsed(above + FILE).header) == HEADER_LINES
    assert parse(Source("esmtpd.dist", b"#\n" + above + FILE)) is None


def test_carriage_returns_are_part_of_a_revision_and_blanks_are_not() -> None:
    assert _parsed(b"##VERSION: 1\r\n##NAME: A\t:\t1 2 \r\n").groups[0].revision == b"12\r"


@given(st.text("AZ:09é").map(str.encode), st.text("AZ09").map(str.encode))
def test_a_marker_is_read_back_as_it_was_meant(name: bytes, revision: bytes) -> None:
    group = _parsed(b"##VERSION: 1\n" + marker(name, revision)).groups[0]

    assert (group.name, group.revision) == (name, revision)


@pytest.mark.parametrize(("name", "revision"), [(b"A B", b"1"), (b"A", b"1:2"), (b"A\nB", b"1"), (b"A", b"\t")])
def test_a_marker_that_would_be_misread_is_refused(name: bytes, revision: bytes) -> None:
    with pytest.raises(ValueError, match="no marker can say"):
        marker(name, revision)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"# a\nA=1\n# b\n", (True, False, True)),
        (b'A="x\n# y\nz"\n# b\n', (False, False, False, True)),
        (b"A='x\\\n# y'\n# b\n", (False, False, True)),
        (b'A="x\\"\n# y"\n# b\n', (False, False, True)),
        (b"A=x\\\n# y\n# b\n", (False, False, True)),
        (b"A=\\\\\n# b\n", (False, True)),
        (b"A=1 # it's\n# b\n", (False, True)),
        (b" # it's\n# b\n", (False, True)),
        (b"# it's\nA=1\n# b\n", (True, False, True)),
        (b"CN O'Hara\n# b\n", (False, True)),
        (b"A=it's\nB=\\\n# y\n", (False, False, False)),
    ],
)
def test_a_line_inside_a_value_is_no_comment(value: bytes, expected: tuple[bool, ...]) -> None:
    assert comments(_lines(value)) == expected


def test_a_sound_template_leaves_no_doubt() -> None:
    assert list(doubts(_parsed(FILE))) == []


def test_a_template_s_markers_are_doubted_where_they_mislead() -> None:
    template = b"##NAME: A:1\n##VERSION: 1\n##NAME: A\n##NAME: B:1\n##NAME:\n##NAME: B:2\n"

    assert [(problem.id, str(problem.mark)) for problem in doubts(_parsed(template))] == [
        ("preformatted-marker-early", "esmtpd.dist:1:1"),
        ("preformatted-marker-revision", "esmtpd.dist:3:1"),
        ("preformatted-marker-revision", "esmtpd.dist:5:1"),
        ("preformatted-marker-repeated", "esmtpd.dist:6:1"),
    ]


def test_a_file_without_version_line_is_a_problem_of_its_first_line() -> None:
    problem = no_version(Source("esmtpd.dist", b"A=1\n"))

    assert problem.id == "preformatted-no-version"
    assert str(problem.mark) == "esmtpd.dist:1:1"
