"""A line that is too long is noticed however the text comes in pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.policy.headers import LONGEST_LINE, LineMeter


def has_overlong(*pieces: bytes) -> bool:
    meter = LineMeter()
    for piece in pieces:
        meter.take(piece)
    return meter.has_overlong


@pytest.mark.parametrize(
    ("size", "is_overlong"), [(0, False), (LONGEST_LINE, False), (LONGEST_LINE + 1, True), (3 * LONGEST_LINE, True)]
)
def test_the_end_of_a_line_does_not_count(size: int, is_overlong: bool) -> None:
    assert has_overlong(b"x" * size + b"\n") is is_overlong
    assert has_overlong(b"before\n" + b"x" * size + b"\nafter\n") is is_overlong
    assert has_overlong(b"x" * size) is is_overlong


def test_many_short_lines_are_fine() -> None:
    assert not has_overlong(*[(b"y" * 998 + b"\n") * 20] * 5)


@given(
    st.lists(st.integers(LONGEST_LINE - 2, LONGEST_LINE + 2) | st.integers(0, 90), max_size=6),
    st.lists(st.integers(0, 12_000), max_size=6),
)
def test_where_the_text_is_cut_makes_no_difference(lines: list[int], cuts: list[int]) -> None:
    text = b"\n".join(b"x" * size for size in lines)
    places = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert has_overlong(*pieces) is any(size > LONGEST_LINE for size in lines)
