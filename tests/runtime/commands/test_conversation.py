"""What `sendmail -bs` reads reaches the server with CRLF at every line's end, however it was cut into pieces."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.commands.conversation import with_crlf

TEXTS = st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"bc", b"\r"]), max_size=12).map(b"".join)


@given(TEXTS, st.lists(st.integers(0, 20)))
def test_pieces_become_what_the_whole_becomes(text: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    made, before = b"", b""
    for start, end in itertools.pairwise(places):
        made += with_crlf(text[start:end], before.endswith(b"\r"))
        before = text[start:end] or before
    assert made == with_crlf(text, False)


@given(TEXTS)
def test_no_line_feed_is_left_alone_and_nothing_else_changes(text: bytes) -> None:
    made = with_crlf(text, False)
    assert made.count(b"\r\n") == made.count(b"\n")
    assert made.replace(b"\r\n", b"\n") == text.replace(b"\r\n", b"\n")
