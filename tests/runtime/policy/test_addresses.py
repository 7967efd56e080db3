"""Envelope addresses in the real server's reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.policy.addresses import is_route, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@b.c", "a@b.c"),
        ("A.b+c@B.C", "A.b+c@B.C"),
        ("a@b.c.", "a@b.c"),
        (".a@b.c", ".a@b.c"),
        ("a..b@b.c", "a..b@b.c"),
        ('"a"@b.c', "a@b.c"),
        ('"a;ls"@b.c', "a;ls@b.c"),
        ('"a\\"b"@b.c', '"a\\"b"@b.c'),
        ('"a@b"@b.c', '"a@b"@b.c'),
        ('re"m"ote@b.c', 're "m" ote@b.c'),
        ("<anna@b.c", "<anna@b.c"),
        ("a b@b.c", "a b@b.c"),
        ("a@b@c.d", "a%b@c.d"),
        ("a@[192.0.2.25]", "a@home.example"),
        ("a@b", None),
        ("a", None),
        ("@b.c", None),
        ("", None),
        ("a@b..c", None),
        ("a@.b.c", None),
        ("a@b/c.d", None),
        ("a@b.c:25", None),
        ('a@"b.c"', None),
        ("a@[192.0.2.26]", None),
        ("a\n@b.c", None),
        ("a\x7f@b.c", None),
    ],
)
def test_an_address_is_read(text: str, address: str | None) -> None:
    found = parse(text, local_ip="::ffff:192.0.2.25", default_domain="home.example")
    assert found == address


@pytest.mark.parametrize(("text", "address"), [('"a b"@b.c', "a b@b.c"), ("a(b)@b.c", "a (b)@b.c")])
def test_recipients_may_hold_what_senders_may_not(text: str, address: str) -> None:
    assert parse(text) is None
    assert parse(text, is_recipient=True) == address


def test_source_routes_are_known() -> None:
    assert is_route("@a.b:c@d.e")
    assert not is_route("c@d.e")


@given(st.text())
def test_every_text_has_a_reading_without_control_characters(text: str) -> None:
    found = parse(text, is_recipient=True)
    assert found is None or ("@" in found and not any(character < " " for character in found))
