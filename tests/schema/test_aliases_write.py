"""Definitions are written as a source that reads back as the same, or refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.aliases.compile import compile_aliases
from courier_schema.legacy.formats.aliases.records import unpack
from courier_schema.legacy.formats.aliases.source import parse_aliases
from courier_schema.legacy.formats.aliases.write import dump_aliases
from courier_schema.legacy.formats.domains import Locality
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Severity

LOCALITY = Locality.from_files({"me": b"x\n"}, "mailhost")


def read_back(text: bytes) -> list[tuple[str, tuple[str, ...]]]:
    definitions = parse_aliases([Source("aliases", text)], LOCALITY, include=lambda path: b"")
    assert [found for found in definitions.problems if found.severity is Severity.ERROR] == []
    return [(one.name, one.recipients) for one in definitions]


@pytest.mark.parametrize(
    ("name", "recipients", "text"),
    [
        ("a@x", ["b@x"], b"a@x: b@x\n"),
        ("a", ["b", "c"], b"a: b, c\n"),
        ("a", ["|/bin/prog --x, y"], b"a: |/bin/prog --x, y\n"),
        ("a", ["/var/mail/a"], b"a: /var/mail/a\n"),
        ("a", [":include:/lists/a"], b"a: :include:/lists/a\n"),
        ("@v.org", ["jack", "x..y"], b"@v.org: jack, x..y\n"),
        ('"odd!name"@x', ['"j.doe"@y'], b'"odd!name"@x: "j.doe"@y\n'),
        ("a", ["m\udcff@x"], b"a: m\xff@x\n"),
        ("two words@x", ["hub!leaf"], b"two words@x: hub!leaf\n"),
        ("a", [], b""),
    ],
)
def test_a_definition_is_one_line(name: str, recipients: Sequence[str], text: bytes) -> None:
    assert dump_aliases([(name, recipients)]) == text


def test_a_long_list_is_folded_between_addresses() -> None:
    recipients = [f"person{number:02}@lists.example.org" for number in range(9)]
    text = dump_aliases([("everyone@x", recipients)])
    lines = text.decode().splitlines()
    assert max(map(len, lines)) <= 79
    assert lines[1].startswith("        person02@lists.example.org, person03")
    assert read_back(text) == [("everyone@x", tuple(recipients))]


@pytest.mark.parametrize(
    ("name", "recipients", "reason"),
    [
        ("a:b", ["c"], "colon"),
        ("a#", ["c"], "'#'"),
        ("a", ["c#d"], "'#'"),
        ("a", ["c\nd"], "a source file cannot hold"),
        ("a", ["|prog # x"], "a source file cannot hold"),
        ("a", ["|prog "], "white space"),
        ("a", ["b", "|prog"], "the only recipient"),
        ("a", ["b", "/var/mail/x"], "the only recipient"),
        ("a", ["b", ""], "empty recipient"),
        ("a", ["b c"], "not one address"),
        ("a", ["b,c"], "not one address"),
        ("@v", ["b;c"], "not one address"),
        ("a", ["Bob <b>"], "refuses"),
        ("a", ["b@"], "nothing stands behind @"),
        ("a", ["b "], "would be read as `b`"),
        ("a", ["x@[::1]"], "refuses"),
        ("a..b", ["c"], "nothing stands before ."),
        ("a (b)", ["c"], "comment"),
        ("", ["c"], "would be read as"),
    ],
)
def test_what_the_language_cannot_say_is_refused(name: str, recipients: Sequence[str], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        dump_aliases([(name, recipients)])


addresses = st.from_regex(
    r'([a-z0-9_+-]{1,5}(\.[a-z]{1,3})?|"[a-z.!,;:@ü]{1,5}"|[a-z]!ü)@[a-zü]{1,4}(\.[a-z]{1,3})?', fullmatch=True
)


@given(st.lists(st.tuples(addresses.filter(lambda name: ":" not in name), st.lists(addresses, min_size=1, max_size=9))))
def test_what_was_written_reads_back_as_the_same(definitions: list[tuple[str, list[str]]]) -> None:
    assert read_back(dump_aliases(definitions)) == [(name, tuple(listed)) for name, listed in definitions]


@given(st.lists(st.tuples(st.text(max_size=6), st.lists(st.text(max_size=8), min_size=1, max_size=3)), max_size=3))
def test_any_text_is_either_refused_or_read_back_as_so_many_definitions(
    definitions: list[tuple[str, list[str]]],
) -> None:
    with suppress(ValueError):
        text = dump_aliases(definitions)
        assert len(text.splitlines()) >= len(read_back(text)) == len(definitions)


def test_a_database_becomes_a_source_again() -> None:
    source = Source("aliases", b"a: b, c\nlong: " + b", ".join(b"p%d@q" % n for n in range(90)) + b"\n@v: jack\n")
    records = compile_aliases([source], LOCALITY, include=lambda path: b"").records
    assert read_back(dump_aliases(unpack(records))) == list(unpack(records))
