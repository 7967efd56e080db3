"""The text behind DATA reads the same however the stream is cut, and only CRLF, dot, CRLF ends it."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.smtp.body import Body

WIRE = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"..", b"a", b"\0", b"\xff", b"bc"])).map(b"".join)


def decoded(*pieces: bytes) -> bytes:
    body = Body()
    return b"".join(body.feed(piece) for piece in pieces if not body.is_done)


def reference(wire: bytes) -> bytes:
    """The whole text at once, line by line: `wire` has the end in it."""
    text = b""
    for line in wire.split(b"\r\n"):
        if line == b".":
            break
        text += line.removeprefix(b".") + b"\n"
    return text


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\n"),
        (b"one\r\ntwo\r\n.\r\n", b"one\ntwo\n"),
        (b"..\r\n.\r\n", b".\n"),
        (b"..two\r\n...\r\n.\r\n", b".two\n..\n"),
        (b"one\n.\ntwo\r\n.\r\n", b"one\n.\ntwo\n"),
        (b"one\r\n.\ntwo\r\n.\r\n", b"one\n\ntwo\n"),
        (b"one\n.\r\ntwo\r\n.\r\n", b"one\n.\ntwo\n"),
        (b"one\rtwo\r\n.\r\n", b"one\rtwo\n"),
        (b"one\r.\r\r\n.\r\n", b"one\r.\r\n"),
        (b"nul\0byte\xff\r\n.\r\n", b"nul\0byte\xff\n"),
    ],
)
def test_a_text_is_decoded(wire: bytes, text: bytes) -> None:
    assert decoded(wire) == text


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r", b"\r\n.\0\r\n", b"\r\n. \r\n"])
def test_no_other_spelling_of_the_end_is_one(end: bytes) -> None:
    body = Body()
    body.feed(b"text" + end + b"MAIL FROM:<smuggled@example.net>\r\n")
    assert not body.is_done


@given(WIRE, st.lists(st.integers(0, 60)))
def test_a_text_reads_the_same_however_it_is_cut(wire: bytes, cuts: list[int]) -> None:
    whole = wire + b"\r\n.\r\n"
    places = sorted({0, *(cut for cut in cuts if cut < len(whole)), len(whole)})
    pieces = [whole[start:end] for start, end in pairwise(places)]
    assert decoded(*pieces) == reference(whole)


@given(WIRE)
def test_a_text_reads_the_same_byte_by_byte(wire: bytes) -> None:
    whole = wire + b"\r\n.\r\n"
    assert decoded(*(whole[at : at + 1] for at in range(len(whole)))) == reference(whole)


@given(st.binary())
def test_what_a_client_sends_comes_out_as_it_was(text: bytes) -> None:
    lines = re.split(rb"\r\n|\n", text)
    wire = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"
    assert decoded(wire) == b"".join(line + b"\n" for line in lines)


def test_what_follows_the_end_is_left_for_the_conversation() -> None:
    body = Body()
    body.feed(b"text\r\n.\r\nQUIT\r\n")
    assert body.is_done
    assert body.rest == b"QUIT\r\n"


def test_only_what_may_belong_to_the_end_is_held_back() -> None:
    body = Body()
    assert body.feed(b"a" * 100000 + b"\r\n.\r") == b"a" * 100000
    assert body.feed(b"b") == b"\n\rb"
