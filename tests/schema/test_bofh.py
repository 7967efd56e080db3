"""The file bofh: what submit refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.bofh import Bofh, dump, parse
from courier_schema.legacy.formats.source import Source

word = st.from_regex(r"[!-\"$-~]{1,10}", fullmatch=True)
words = st.lists(word, max_size=3).map(tuple)
number = st.integers(min_value=1, max_value=10**6)
files = st.builds(
    Bofh,
    badfrom=words,
    badmx=words,
    freemail=st.lists(st.lists(word, min_size=1, max_size=3).map(tuple), max_size=2).map(tuple),
    spamtrap=words,
    maxrcpts=number,
    is_hard=st.booleans(),
    options=st.dictionaries(st.from_regex(r"[A-Z]{1,8}", fullmatch=True), word, max_size=3),
)


def read(text: str) -> Bofh:
    bofh, problems = parse(Source("bofh", text.encode()))
    assert problems == ()
    return bofh


def test_every_directive_is_a_line() -> None:
    bofh = Bofh(
        badfrom=("spam@example.com", "@.example.net"),
        badmx=("192.0.2.1",),
        freemail=(("example.com", "example.net"),),
        spamtrap=("trap@example.org",),
        maxrcpts=50,
        is_hard=True,
        options={"BOFHSPFHELO": "pass,none"},
    )
    assert dump(bofh).decode().splitlines() == [
        "badfrom spam@example.com",
        "badfrom @.example.net",
        "badmx 192.0.2.1",
        "freemail example.com example.net",
        "spamtrap trap@example.org",
        "maxrcpts 50 hard",
        "opt BOFHSPFHELO=pass,none",
    ]


def test_nothing_said_is_an_empty_file() -> None:
    assert dump(Bofh()) == b""
    assert read("") == Bofh()


@given(files)
def test_what_we_write_we_read(bofh: Bofh) -> None:
    assert read(dump(bofh).decode()) == bofh


@pytest.mark.parametrize("text", ["a b", "a#b", "", "a\nb"])
def test_a_word_that_would_fall_apart_is_not_written(text: str) -> None:
    with pytest.raises(ValueError, match="takes words without blanks and number signs"):
        dump(Bofh(badfrom=(text,)))


def test_case_comments_and_tabs_do_not_matter() -> None:
    assert read("BadFrom\t@example.com\t# no more\n\n# maxrcpts 5\n").badfrom == ("@example.com",)


def test_zero_recipients_keep_the_number_but_not_its_hardness() -> None:
    assert read("maxrcpts 20 hard\nmaxrcpts 0\n") == Bofh(maxrcpts=20)


def test_of_two_options_the_first_counts() -> None:
    assert read("opt X=1\nopt X=2\nopt Y=\n").options == {"X": "1", "Y": ""}


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("badform a@b", "write one of badfrom, badmx"),
        ("badfrom", "write badfrom user@domain"),
        ("freemail", "write freemail domain"),
        ("maxrcpts many", "write maxrcpts 100"),
        ("opt X", "write opt NAME=value"),
    ],
)
def test_a_line_that_does_nothing_is_a_problem(line: str, remedy: str) -> None:
    bofh, (problem,) = parse(Source("bofh", f"badmx 1.2.3.4\n{line}\n".encode()))
    assert str(problem).startswith("bofh:2:1: warning: submit makes nothing of")
    assert remedy in problem.remedy
    assert bofh == Bofh(badmx=("1.2.3.4",))


@given(st.binary())
def test_reading_never_fails(content: bytes) -> None:
    bofh, _ = parse(Source("x", content))
    assert isinstance(bofh, Bofh)
