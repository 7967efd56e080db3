"""Rules for fax numbers do what the real Courier 1.0.16 does with them; its answers are recorded here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.faxrc import dialled, parse_faxrc


@pytest.mark.parametrize(
    ("rules", "number", "result"),
    [
        ("accept nnnnnnn local", "5551234", "5551234"),
        ("accept nnnnnnn local", "555123", None),
        ("accept nnnnnnn local", "55512345", None),
        ("accept^ 555 local", "5551234", "5551234"),
        ("accept^ 555 local", "555", "555"),
        ("rw^ 1 9\naccept 9nnn local", "1234", None),
        ("rw^ 1 9$9\naccept 9nnn local", "1234", "9234"),
        ("rw (nnn)(nn) $2-$1\naccept nn-nnn local", "12345", "45-123"),
        ("rw* (.)5 $1\naccept n local", "155", None),
        ("rw* (.)5 $1\naccept n local", "15", "1"),
        ("rw (n)W(n) $2+-~$1\naccept n+-~n local", "3W4", "4+-#3"),
        ("rw (nn).7 $1+1\naccept nn+1 local", "12,7", "12+1"),
        ("rw 47 $1x$9\naccept x local", "47", "x"),
        ("accept A.* local", "A1*", "A1*"),
        ("  accept nn local", "12", "12"),
        ("# accept nnn local", "123", None),
        ("accept nnnn local # x", "1234", "1234"),
        ("accept\tnnnnn\tLOCAL", "12345", None),
        ("ACCEPT nnnnnn local", "123456", None),
        ("accept nnnnnnn", "1234567", None),
        ("rw nnnnnnnn\naccept nnnnnnnn local", "12345678", "12345678"),
        ("accept n esmtp", "1", None),
        ("accept nnn local\nreject 123 local", "123", None),
        ("accept nnn local\nreject 124 esmtp", "124", "124"),
        ("accept nnn local\nrw 125 777777", "125", "777777"),
        ("reject 1nn local\naccept nnn local", "122", None),
        ("accept (n local\naccept n local", "1", "1"),
        ("", "123", None),
    ],
)
def test_rules_apply_in_order(rules: str, number: str, result: str | None) -> None:
    assert dialled(parse_faxrc(f"{rules}\n".encode()), number, "local") == result


def test_mail_that_was_taken_in_is_not_asked_where_it_came_from() -> None:
    rules = parse_faxrc(b"rw^ 1 9$9\naccept 9n local\nreject 91 esmtp\n")
    assert [dialled(rules, "11", source) for source in ("", "local", "esmtp")] == ["91", "91", None]


@given(st.text("rwacept^*j local n().~$1239-+#\n\t", max_size=80), st.text("0123456789ABCDWw*#,@", max_size=12))
def test_no_rules_keep_a_number_from_being_judged(rules: str, number: str) -> None:
    found = dialled(parse_faxrc(rules.encode()), number, "local")
    assert found is None or isinstance(found, str)


def test_a_rule_that_repeats_without_end_is_left() -> None:
    assert dialled(parse_faxrc(b"rw^* 1 11$9\naccept^ 1 local\n"), "1") is not None
