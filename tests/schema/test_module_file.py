"""The files module.NAME, whose reader bears nothing but assignments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.module_file import dump, parse
from courier_schema.legacy.formats.source import Source

LOCAL = [("NAME", "local"), ("PRIORITY", "10"), ("PROG", "./courierlocal -v 2"), ("MAXDELS", "10")]


def test_a_file_is_one_assignment_a_line_and_nothing_else() -> None:
    assert dump(LOCAL) == b"NAME=local\nPRIORITY=10\nPROG=./courierlocal -v 2\nMAXDELS=10\n"


def test_what_we_write_we_read() -> None:
    found = parse(Source("module.local", dump(LOCAL)))
    assert (list(found.values.items()), found.problems) == (LOCAL, ())


@pytest.mark.parametrize(
    ("key", "value"), [("MAXDELS", "1 2"), ("MAXDELS", ""), ("PROG", "a#b"), ("PROG", "a\nb"), ("", "1")]
)
def test_a_value_that_the_reader_would_cut_is_not_written(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a module file"):
        dump([(key, value)])


def test_only_the_first_word_of_a_limit_counts_but_all_of_the_program() -> None:
    found = parse(Source("module.x", b"MAXDELS=4 MAXHOST=3\nPROG=./a b\nPROG=./c\nMAXRCPT=1 # one\n"))
    assert found.values == {"MAXDELS": "4", "PROG": "./a b", "MAXRCPT": "1"}


@pytest.mark.parametrize("content", [b"MAXDELS=4\n\nMAXHOST=3\n", b"MAXDELS=4\n# limits\n", b"MAXDELS=4\nmaxhost\n"])
def test_a_line_that_may_crash_the_daemon_is_a_problem(content: bytes) -> None:
    (problem,) = parse(Source("module.x", content)).problems
    assert str(problem).startswith("module.x:2:1: error: a line without KEY=value may crash")


@given(st.binary())
def test_reading_never_fails(content: bytes) -> None:
    assert parse(Source("x", content)).values is not None
