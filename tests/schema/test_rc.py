"""Keyword files: a name, blanks, the value to the end of the line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.rc import RcFile, entry, parse
from courier_schema.legacy.formats.source import Source

names = st.from_regex(r"[A-Z][A-Z0-9_]{0,12}", fullmatch=True)
values = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]) | st.just("\t"))


def read(text: str) -> RcFile:
    return parse(Source("authldaprc", text.encode()))


def test_a_name_and_its_value_are_a_tab_apart() -> None:
    assert entry("LDAP_BASEDN", "o=example, c=com") == "LDAP_BASEDN\to=example, c=com"


def test_an_empty_value_is_the_name_alone() -> None:
    assert entry("LDAP_SOURCE", "") == "LDAP_SOURCE"
    assert read("LDAP_SOURCE\n").entries == {"LDAP_SOURCE": ""}


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("LDAP BASEDN", "x", "is not a keyword"),
        ("#X", "x", "is not a keyword"),
        ("X", "a\nb", "stays on one line"),
        ("X", "a ", "would lose its end"),
        ("X", "\ta", "would lose its end"),
        ("X", "a\\", "would lose its end"),
    ],
)
def test_what_the_reader_would_change_is_not_written(name: str, value: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        entry(name, value)


@given(st.dictionaries(names, values))
def test_what_we_write_we_read(said: dict[str, str]) -> None:
    lines = []
    for name, value in list(said.items()):
        try:
            lines.append(entry(name, value))
        except ValueError:
            del said[name]
    found = read("\n".join([*lines, "##NAME: MARKER:0", ""]))
    assert (dict(found.entries), found.problems, found.is_complete) == (said, (), True)


def test_quotes_and_number_signs_belong_to_the_value() -> None:
    assert read('X  "a" # b\n').entries == {"X": '"a" # b'}


def test_a_line_goes_on_after_a_backslash() -> None:
    text = "MYSQL_SELECT_CLAUSE SELECT a \\\n\t\tFROM b \\\n  WHERE c\nX 1\n"
    assert read(text).entries == {"MYSQL_SELECT_CLAUSE": "SELECT a  FROM b  WHERE c", "X": "1"}


def test_a_backslash_on_the_last_line_ends_the_file() -> None:
    assert read("X a\\").entries == {"X": "a"}


def test_comments_are_not_continued() -> None:
    assert read("# X a\\\nY b\n").entries == {"Y": "b"}


def test_of_two_lines_the_first_counts_and_the_second_is_a_problem() -> None:
    found = read("X 1\n\n X 2\n")
    assert found.entries == {"X": "1"}
    assert str(found.problems[0]).startswith("authldaprc:3:1: warning: X was said before, in line 1")


@pytest.mark.parametrize(
    ("text", "complete"),
    [("X 1\n##NAME: MARKER:0\n", True), ("##NAME:MARKER:1\n", True), ("X 1\n", False), ("# ##NAME: MARKER:0\n", False)],
)
def test_a_file_without_the_group_at_its_end_is_incomplete(text: str, complete: bool) -> None:
    assert read(text).is_complete is complete


@given(st.binary())
def test_reading_never_fails(content: bytes) -> None:
    found = parse(Source("x", content))
    assert set(found.marks) == set(found.entries)
