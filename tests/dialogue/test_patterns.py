"""Patterns of one line: literal text, kinds, names; every text is a pattern or says why it is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.patterns import KINDS, MalformedPattern, literal, parse_pattern

LINES = st.text(st.characters(exclude_characters="\n"))


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("250 Ok.", "250 Ok."),
        ("250 Ok. {TIME16}.{PID8}", "250 Ok. 000000006B0644EB.00000093"),
        ("| id {ID}; {DATE}", "| id 0000000000000019.000000006B06449F.00000080; Wed, 25 Nov 2026 02:14:55 +0000"),
        ("{*}", ""),
        ("a{*}z", "a b c z"),
        ("port={N}", "port=41234"),
        ("{{N}}", "{N}"),
        ("334 {BASE64}", "334 PDEyQG14Pg=="),
        ("(TLS: {TLS})", "(TLS: TLS1.3,256bits,TLS_AES_256_GCM_SHA384)"),
    ],
)
def test_a_line_matches_its_pattern(pattern: str, line: str) -> None:
    assert parse_pattern(pattern).match(line, {}) is not None


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("250 Ok.", "250 Ok. "),
        ("250 Ok.", "250 OkX"),
        ("250 Ok. {TIME16}.{PID8}", "250 Ok. 6B0644EB.00000093"),
        ("port={N}", "port="),
        ("{DATE}", "Wed, 25 Nov 2026 02:14:55 GMT"),
    ],
)
def test_nothing_but_the_whole_line_matches(pattern: str, line: str) -> None:
    assert parse_pattern(pattern).match(line, {}) is None


def test_a_name_wants_the_same_again() -> None:
    known = parse_pattern("newmsg,id={id:ID}").match("newmsg,id=0000000000000019.000000006B06449F.00000080", {})
    assert known is not None
    assert parse_pattern("completed,id={id}").match("completed,id=0000000000000019.000000006B06449F.00000080", known)
    assert (
        parse_pattern("completed,id={id}").match("completed,id=0000000000000020.000000006B06449F.00000080", known)
        is None
    )


def test_a_name_that_nothing_gave_matches_nothing() -> None:
    assert parse_pattern("{id}").match("", {}) is None


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a { b", "a lone {: write it twice if it is meant itself"),
        ("a } b", "a lone }: write it twice if it is meant itself"),
        ("{DAET}", "{DAET} is neither a kind"),
        ("{}", "{} is neither a kind"),
        ("{x:DAET}", "'DAET' is not a kind"),
        ("{X:DATE}", "{X:DATE} is neither a kind"),
        ("{x:N} {x:N}", "a name is given twice in one line"),
    ],
)
def test_what_is_no_pattern_says_why(pattern: str, says: str) -> None:
    with pytest.raises(MalformedPattern, match="^" + says.replace("{", r"\{").replace("}", r"\}")):
        parse_pattern(pattern)


@given(LINES)
def test_every_text_can_be_meant_literally(line: str) -> None:
    assert literal(line).match(line, {}) == {}
    assert parse_pattern(literal(line).source).match(line, {}) == {}


@given(st.text("{}:aN*DATE ", max_size=30))
def test_a_text_is_a_pattern_or_malformed_and_nothing_else(text: str) -> None:
    trouble = None
    try:
        parse_pattern(text).match(text, {})
    except MalformedPattern as malformed:
        trouble = str(malformed)
    assert trouble is None or trouble


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_whole_word_of_the_language(kind: str) -> None:
    assert parse_pattern(f"{{{kind}}}").parts
