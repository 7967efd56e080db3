"""Control files of one value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.one_line import dump, parse
from courier_schema.legacy.formats.source import Source


@given(st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=60))
def test_what_we_write_we_read(value: str) -> None:
    assert parse(Source("me", dump(value))) == value


def test_only_the_first_line_counts_with_all_its_blanks() -> None:
    assert parse(Source("me", b"mx.example.org \r\nmore\n")) == "mx.example.org \r"


@pytest.mark.parametrize("value", ["a\nb", "a\0b", "x" * 256, "é" * 128])
def test_a_value_that_the_reader_would_cut_is_not_written(value: str) -> None:
    with pytest.raises(ValueError, match="one line of 255 bytes"):
        dump(value)
