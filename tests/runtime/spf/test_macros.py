"""Macros of policies, by the examples of RFC 7208, section 7.4."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.spf.macros import MalformedMacro, Question, expand, expand_name

FOUR = Question(ip_address("192.0.2.3"), "strong-bad@email.example.com", "cli.example", "mx.example.org", 1_000_000.9)
SIX = Question(
    ip_address("2001:db8::cb01"), "strong-bad@email.example.com", "cli.example", "mx.example.org", 0.0, "c.example"
)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{i}.%{h}", "192.0.2.3.cli.example"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{c} %{r} %{t} %{p}", "192.0.2.3 mx.example.org 1000000 unknown"),
        ("%%%_%-", "% %20"),
    ],
)
def test_macros_are_expanded(text: str, expanded: str) -> None:
    assert expand(text, "email.example.com", FOUR) == expanded


def test_an_ipv6_address_is_spelt_nibble_by_nibble() -> None:
    nibbles = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    assert expand("%{ir}.%{v}", "d.example", SIX) == f"{nibbles}.ip6"
    assert expand("%{c} %{p}", "d.example", SIX) == "2001:db8::cb01 c.example"


@pytest.mark.parametrize("text", ["%", "%a", "%{", "%{x}", "%{s", "50% off"])
def test_other_per_cent_signs_are_mistakes(text: str) -> None:
    with pytest.raises(MalformedMacro):
        expand(text, "d.example", FOUR)


def test_a_name_that_is_too_long_loses_labels_from_its_left() -> None:
    name = expand_name(".".join(["%{d}"] * 40) + ".", "label.example", FOUR)
    assert len(name) <= 253
    assert name.endswith("label.example.label.example")


@given(st.text(max_size=60))
def test_any_text_is_expanded_or_is_a_mistake(text: str) -> None:
    try:
        expanded = expand(text, "d.example", FOUR)
    except MalformedMacro:
        return
    assert "%" in text or expanded == text
