"""DNS data of the groups: lines to records, questions to answers; checked by reading the answers back."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.zone import TYPES, MalformedZone, parse_zone

ZONE = parse_zone(
    """
# the world
example.net A 192.0.2.1
example.net A 192.0.2.2
example.net MX 10 mx.example.net
EXAMPLE.org TXT "v=spf1 -all"
a.b.example.com AAAA 2001:db8::1
198.51.100.7 PTR client.example.net
2001:db8::7 PTR client.example.net
alias.example CNAME example.net
loop.example CNAME loop.example
broken.example SERVFAIL
nothing.example EMPTY
"""
)


def ask(name: str, kind: str) -> tuple[int, list[tuple[int, bytes]]]:
    """Code and records (type, data) of the answer."""
    wire = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    query = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + wire + struct.pack(">HH", TYPES[kind], 1)
    answer = ZONE.answer(query)
    number, flags, questions, count, _, _ = struct.unpack_from(">HHHHHH", answer)
    assert (number, questions, flags & 0x8000) == (7, 1, 0x8000)
    assert answer[12 : len(query)] == query[12:], "the question comes back"
    return flags & 15, list(_records(answer, len(query), count))


def _records(answer: bytes, position: int, count: int) -> list[tuple[int, bytes]]:
    found = []
    for _ in range(count):
        while size := answer[position]:
            position += size + 1
        kind, _, _, length = struct.unpack_from(">HHIH", answer, position + 1)
        found.append((kind, answer[position + 11 : position + 11 + length]))
        position += 11 + length
    assert position == len(answer)
    return found


def test_all_records_of_a_name_and_type_are_answered() -> None:
    assert ask("example.net", "A") == (0, [(1, bytes([192, 0, 2, 1])), (1, bytes([192, 0, 2, 2]))])
    assert ask("example.net", "MX") == (0, [(15, b"\0\x0a\x02mx\x07example\x03net\0")])


def test_names_have_no_case() -> None:
    assert ask("Example.ORG", "TXT") == (0, [(16, b"\x0bv=spf1 -all")])


def test_addresses_stand_for_their_reverse_names() -> None:
    assert ask("7.100.51.198.in-addr.arpa", "PTR") == (0, [(12, b"\x06client\x07example\x03net\0")])
    nibbles = ".".join(reversed("20010db8000000000000000000000007"))
    assert ask(f"{nibbles}.ip6.arpa", "PTR")[1]


def test_aliases_are_followed_and_loops_end() -> None:
    code, records = ask("alias.example", "A")
    assert (code, [kind for kind, _ in records]) == (0, [5, 1, 1])
    assert {kind for kind, _ in ask("loop.example", "A")[1]} == {5}


@pytest.mark.parametrize(
    ("name", "code"),
    [("example.net", 0), ("nothing.example", 0), ("b.example.com", 0), ("x.example.net", 3), ("broken.example", 2)],
)
def test_names_without_such_records(name: str, code: int) -> None:
    assert ask(name, "AAAA") == (code, [])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("example.net", "'' is no type"),
        ("example.net SRV 1", "'SRV' is no type"),
        ("example.net A", "A wants data"),
        ("example.net SERVFAIL now", "SERVFAIL wants no data"),
        ("example.net A 2001:db8::1", "'2001:db8::1' is no data of type A"),
        ("example.net MX mx.example.net", "is no data of type MX"),
        ("example.net MX 99999 mx.example.net", "is no data of type MX"),
        ("example.net TXT bare", "'bare' is no data of type TXT"),
        (f"example.net PTR {'x' * 64}.example", "is no data of type PTR"),
    ],
)
def test_what_is_no_record_says_where_and_why(line: str, says: str) -> None:
    with pytest.raises(MalformedZone, match=f"^line 2: .*{says}"):
        parse_zone(f"# zone\n{line}\n")


@given(st.text(max_size=80))
def test_a_text_is_a_zone_or_malformed(text: str) -> None:
    line = 1
    try:
        parse_zone(text)
    except MalformedZone as malformed:
        line = malformed.line
    assert 1 <= line <= len(text.splitlines()) + 1
