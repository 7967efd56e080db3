"""The text of a policy, term by term."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.spf.record import Policy, Term, is_policy, parse_policy


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("v=spf1", True),
        ("v=spf1 -all", True),
        ("V=SPF1 a", True),
        ("v=spf10 -all", False),
        ("spf1", False),
        ("", False),
    ],
)
def test_a_policy_begins_with_its_version(text: str, is_one: bool) -> None:
    assert is_policy(text) is is_one


@pytest.mark.parametrize(
    ("word", "term"),
    [
        ("all", Term("pass", "all")),
        ("-ALL", Term("fail", "all")),
        ("~a", Term("softfail", "a")),
        ("?mx:b.example", Term("neutral", "mx", "b.example")),
        ("a/24", Term("pass", "a", "", 24)),
        ("a//64", Term("pass", "a", "", 32, 64)),
        ("mx:b.example/24//64", Term("pass", "mx", "b.example", 24, 64)),
        ("+ip4:192.0.2.0/24", Term("pass", "ip4", network=ip_network("192.0.2.0/24"))),
        ("-ip4:192.0.2.9/24", Term("fail", "ip4", network=ip_network("192.0.2.0/24"))),
        ("ip6:2001:db8::/32", Term("pass", "ip6", network=ip_network("2001:db8::/32"))),
        ("exists:%{i}.b.example", Term("pass", "exists", "%{i}.b.example")),
        ("include:b.example", Term("pass", "include", "b.example")),
        ("ptr", Term("pass", "ptr")),
    ],
)
def test_a_term_is_read(word: str, term: Term) -> None:
    assert parse_policy(f"v=spf1 {word}") == Policy((term,))


@pytest.mark.parametrize(
    "word",
    ["foo", "foo:bar", "include", "exists", "ip4", "ip4:", "ip4:2001:db8::1", "ip6:192.0.2.1", "a/33", "a//129", "-"],
)
def test_what_is_no_term_is_none(word: str) -> None:
    assert parse_policy(f"v=spf1 {word} -all") == Policy((Term("fail", "all"),))


def test_modifiers_stand_anywhere_and_the_first_of_a_name_counts() -> None:
    found = parse_policy("v=spf1 exp=e.example a redirect=r.example redirect=other.example x=y -all")
    assert (found.redirect, found.explanation) == ("r.example", "e.example")
    assert [term.mechanism for term in found.terms] == ["a", "all"]


@given(st.text(max_size=200))
def test_any_text_has_a_reading(text: str) -> None:
    for term in parse_policy("v=spf1 " + text).terms:
        assert 0 <= term.ipv4_bits <= 32
        assert 0 <= term.ipv6_bits <= 128
