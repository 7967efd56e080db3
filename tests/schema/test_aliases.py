"""The source language of aliases: what a text defines, where it fails, and what it loses in silence."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.address import Module
from courier_schema.legacy.formats.aliases.compile import AliasTable, compile_aliases, select
from courier_schema.legacy.formats.aliases.definitions import Definitions
from courier_schema.legacy.formats.aliases.doubts import problem
from courier_schema.legacy.formats.aliases.source import parse_aliases
from courier_schema.legacy.formats.domains import Locality
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Severity

FILES = {"me": b"mx.example.net\n", "defaultdomain": b"example.com\n", "locals": b"example.com\nexample.net\n"}
INCLUDED = {"/lists/all": b"# all\nalice, bob # old\n\n  carol\r\n|/bin/x\nlost"}


def failing_with(code: int) -> Callable[[str], bytes]:
    def include(path: str) -> bytes:
        raise OSError(code, os.strerror(code), path)

    return include


def include(path: str) -> bytes:
    return INCLUDED[path] if path in INCLUDED else failing_with(errno.ENOENT)(path)


def parsed(*texts: bytes, files: Mapping[str, bytes] = FILES, module: Module = "local") -> Definitions:
    sources = [Source(f"file{number}", text) for number, text in enumerate(texts)]
    return parse_aliases(sources, Locality.from_files(files, "mailhost"), module=module, include=include)


def defined(*texts: bytes) -> list[tuple[str, tuple[str, ...]]]:
    return [(definition.name, definition.recipients) for definition in parsed(*texts)]


def compiled(text: bytes, files: Mapping[str, bytes] = FILES, module: Module = "local") -> AliasTable:
    locality = Locality.from_files(files, "mailhost")
    return compile_aliases([Source("aliases", text)], locality, module=module, include=include)


A, B, C = "alice@example.com", "bob@example.com", "carol@example.com"


@pytest.mark.parametrize(
    ("text", "definitions"),
    [
        (b"staff: alice, bob\n", [("staff@example.com", (A, B))]),
        (b"staff :alice\n", [("staff@example.com", (A,))]),
        (b"  staff: alice\n", [("staff@example.com", (A,))]),
        (b"staff: alice,\n\tbob\n  , carol\n", [("staff@example.com", (A, B, C))]),
        (b"staff:\n alice\n", [("staff@example.com", (A,))]),
        (b"staff: alice # bob\n", [("staff@example.com", (A,))]),
        (b'staff: "ali#ce\n', [("staff@example.com", ('"ali"@example.com',))]),
        (b"staff: alice\r\n", [("staff@example.com", (A,))]),
        (b"a: alice\n\nb: bob\n", [("a@example.com", (A,)), ("b@example.com", (B,))]),
        (b"a: alice\na: bob\n", [("a@example.com", (A,)), ("a@example.com", (B,))]),
        (b"a: grp: alice, bob;\n", [("a@example.com", (A, B))]),
        (b"a: Alice <alice>, (x) bob\n", [("a@example.com", (A, B))]),
        (b"@virt.org: Jack, hub!leaf!, x@Y\n", [("@virt.org", ("Jack", "hub!leaf!", "x@Y"))]),
        (b"two words: alice\n", [("two words@example.com", (A,))]),
        (b"Staff@Example.ORG: alice\n", [("Staff@example.org", (A,))]),
        (b"x.y@a.xn--mnchen-3ya.de: alice\n", [("x.y@a.m\u00fcnchen.de".encode().decode(), (A,))]),
        (b"a: alice\0, bob\n", [("a@example.com", (A,))]),
        (b"a: :Include:/lists/all\n", [("a@example.com", ("/lists/all@example.com",))]),
        (b"a: , | prog -x\n", [("a@example.com", ("|@example.com", "prog@example.com", "-x@example.com"))]),
        (b"a: alice", []),
        (b"# only comments\n\n", []),
        (b"", []),
    ],
)
def test_a_text_defines(text: bytes, definitions: list[tuple[str, tuple[str, ...]]]) -> None:
    assert defined(text) == definitions


def test_an_empty_line_or_a_comment_ends_a_definition() -> None:
    for between in (b"\n", b"#\n", b" \t\n", b" # x\n"):
        definitions = parsed(b"a: alice\n" + between + b" bob\nb: carol\n")
        assert [definition.name for definition in definitions] == ["a@example.com", "b@example.com"]
        assert [str(found.mark) for found in definitions.problems] == ["file0:3:2"]


def test_a_file_without_a_final_newline_runs_on_into_the_next_one() -> None:
    assert defined(b"a: alice", b" bob\nc: carol\n") == [
        ("a@example.com", (A, "bob@example.com")),
        ("c@example.com", (C,)),
    ]
    assert defined(b"a: alice\n", b"c: carol\n") == [("a@example.com", (A,)), ("c@example.com", (C,))]
    assert defined(b"a: alice", b"c: carol") == [("a@example.com", (A,))]


def test_an_included_file_is_one_list_per_line() -> None:
    assert defined(b"a: :include:/lists/all\n") == [("a@example.com", (A, B, C, "|/bin/x@example.com"))]


def test_programs_and_mailboxes_become_delivery_files() -> None:
    definitions = parsed(b"a.b: | prog --x, y\na.b: /var/mail/x\n@v: |p\n")
    address = '".xalias/a+2eb@example+2ecom"@example.com'
    assert definitions.recipients("a.b@example.com") == (address, address)
    assert definitions.programs == {b"a+2eb@example+2ecom": b"| prog --x, y\n/var/mail/x\n", b"@v": b"|p\n"}


def test_the_aliases_of_a_protocol_have_a_directory_of_their_own() -> None:
    locality = Locality.from_files(FILES, "mailhost")
    definitions = parse_aliases([Source("s", b"a: |x\n")], locality, protocol="esmtp", include=include)
    assert definitions.recipients("a@example.com") == ('".xalias-esmtp/a@example+2ecom"@example.com',)


def test_definitions_can_be_walked() -> None:
    definitions = parsed(b"a: b\nb: c\n", b"# more\na: d\n")
    assert len(definitions) == 2
    assert "a@example.com" in definitions
    assert "c@example.com" not in definitions
    assert 5 not in definitions
    assert definitions.recipients("a@example.com") == ("b@example.com", "d@example.com")
    assert [(one.name, one.mark) for one in definitions] == [
        ("a@example.com", Mark("file0", 1)),
        ("b@example.com", Mark("file0", 2)),
        ("a@example.com", Mark("file1", 2)),
    ]
    with pytest.raises(KeyError):
        definitions.recipients("c@example.com")


@pytest.mark.parametrize(
    ("text", "place", "id_"),
    [
        (b"a: b\n\n  no colon\n", "aliases:3:3", "alias-without-colon"),
        (b"a: b,\n  c,  d@\n", "aliases:2:7", "alias-bad-address"),
        (b"a..b: c\n", "aliases:1:1", "alias-bad-address"),
        ("ä: ö, x.\n".encode(), "aliases:1:7", "alias-bad-address"),
        (b'a: "|prog args"\n', "aliases:1:4", "alias-bad-address"),
        (b": |x\n", "aliases:1:3", "alias-program-name"),
        (b"n" * 250 + b": |x\n", "aliases:1:253", "alias-program-name"),
        (b"a: :include:x\n", "aliases:1:4", "alias-include-relative"),
        (b"a: :include: /lists/all\n", "aliases:1:4", "alias-include-relative"),
        (b"a: :include:/nowhere\n", "aliases:1:4", "alias-include-unreadable"),
        (b"a..: |x\n", "aliases:1:1", "alias-bad-address"),
    ],
)
def test_an_error_stands_where_the_real_tool_stops(text: bytes, place: str, id_: str) -> None:
    errors = [found for found in compiled(text).problems if found.severity is Severity.ERROR]
    assert [(str(found.mark), found.id) for found in errors] == [(place, id_)]


def test_a_bad_default_domain_is_reported_once() -> None:
    files = {"defaultdomain": b"example.com \n"}
    assert [found.id for found in compiled(b"a: b\nc: d\n", files).problems] == ["alias-bad-default-domain"]
    assert [found.id for found in compiled(b"a@b.c: d@e.f\n", files).problems] == []


def test_errors_in_an_included_file_are_placed_there() -> None:
    locality = Locality.from_files(FILES, "mailhost")
    table = compile_aliases([Source("s", b"a: :include:/x\n")], locality, include=lambda _: b"ok\nbob, c@\n")
    assert [str(found.mark) for found in table.problems] == ["/x:2:6"]


def test_every_mistake_is_reported_and_none_hides_another() -> None:
    problems = compiled(b"x\na: b@\nc: d@, e@\nf: g\n").problems
    assert [found.mark and found.mark.line for found in problems] == [1, 2, 3, 3]


LOWERED = FILES | {"locallowercase": b""}
ENCODED = FILES | {"defaultdomain": b"xn--mnchen-3ya.de\n", "locals": b"xn--mnchen-3ya.de\nmx.example.net\n"}
ME_LOCAL = FILES | {"locals": b"example.com\nexample.net\nmx.example.net\n"}
WARNINGS: list[tuple[bytes, Mapping[str, bytes], list[str]]] = [
    (b"a: b\nc: d", FILES, ["alias-line-lost"]),
    (b"a: b\n# the end", FILES, []),
    (b"a: :include:/lists/all\n", FILES, ["alias-carriage-return", "alias-line-lost", "alias-recipient-literal"]),
    (b"a: b\r\nc: d\r\n", FILES, ["alias-carriage-return"]),
    (b"a: b\0c\n", FILES, ["alias-nul-byte"]),
    (b"a:\n", FILES, ["alias-empty"]),
    (b"a:\na: b\n", FILES, []),
    (b"a: b, <>\n", FILES, ["alias-empty-recipient"]),
    (b"a: b, /var/mail/x\n", FILES, ["alias-recipient-literal"]),
    (b'a: "|prog"\n', FILES, ["alias-recipient-literal"]),
    (b"info@example.net: b\n", FILES, ["alias-other-local-domain"]),
    (b"Info@example.net: b\n", FILES, ["alias-other-local-domain"]),
    (b"info@example.com: b\n", FILES, []),
    (b"info@example.org: b\nsales@example.org: b\n", FILES, []),
    (b"Info@example.org: b\n", FILES, []),
    (b"Info@example.org: b\n", LOWERED, ["alias-case-never-matches"]),
    (b"PostMaster@example.org: b\n", FILES, ["alias-case-never-matches"]),
    (b"PostMaster: b\n", FILES, []),
    (b'"joe": b\n', FILES, ["alias-quoted-name"]),
    (b"two words: b\n", FILES, ["alias-name-with-blank"]),
    (b"hub!leaf: b\n", FILES, ["alias-name-without-domain"]),
    (b"hub!leaf!: b\n", FILES, []),
    (b": b\n", FILES, ["alias-name-missing"]),
    (b"a: b\n", ENCODED, ["alias-default-domain-encoded"]),
    (b"@virt.org: b\n", ME_LOCAL, []),
    (b"@virt.org: b, c\n", ME_LOCAL, ["alias-virtual-domain-list"]),
    (b"@virt.org: b\n@virt.org: c\n", ME_LOCAL, ["alias-virtual-domain-list"]),
    (b"@virt.org: b@c\n", ME_LOCAL, ["alias-virtual-domain-address"]),
    (b"@example.com: b\n", ME_LOCAL, ["alias-virtual-domain-catch-all"]),
    (b"@virt.org: b\n", FILES, ["alias-virtual-domain-elsewhere"]),
    (b"a: b\nb: a\n", FILES, ["alias-loop", "alias-loop"]),
    (b"a: b, x\nb: a, y\n", FILES, []),
    (b"a: a, b\n", FILES, []),
]


@pytest.mark.parametrize(("text", "files", "ids"), WARNINGS)
def test_what_is_lost_or_useless_is_a_warning(text: bytes, files: Mapping[str, bytes], ids: list[str]) -> None:
    problems = compiled(text, files).problems
    assert sorted(found.id for found in problems) == ids
    assert {found.severity for found in problems} <= {Severity.WARNING}


def test_names_without_a_domain_are_useless_where_none_is_added() -> None:
    problems = compiled(b"a: b\nc@d.org: e\n", module="esmtp").problems
    assert [(found.id, found.mark) for found in problems] == [("alias-name-without-domain", Mark("aliases", 1, 1))]


def test_a_final_newline_that_only_the_next_file_spares_is_noted() -> None:
    found = parsed(b"a: b", b"c: d\n").problems
    assert [(one.id, one.severity, str(one.mark)) for one in found] == [
        ("alias-no-final-newline", Severity.NOTE, "file0:1:1")
    ]


def test_an_included_directory_includes_nothing() -> None:
    locality = Locality.from_files(FILES, "mailhost")
    sources = [Source("s", b"a: :include:/etc\n")]
    table = compile_aliases(sources, locality, include=failing_with(errno.EISDIR))
    assert [found.id for found in table.problems] == ["alias-include-directory", "alias-empty"]
    assert table.records == {}


def test_every_problem_is_a_sentence_with_a_remedy() -> None:
    for text, files, _ in WARNINGS:
        for found in compiled(text, files).problems:
            assert found.says
            assert found.remedy
            assert "{" not in found.says + found.remedy
            assert not found.says.endswith(".")
    with pytest.raises(KeyError):
        problem("alias-unknown", None)


def test_a_directory_is_read_in_byte_order_without_hidden_files() -> None:
    chosen = select(["9", "10", ".hidden", "B", "a", "\u00e4", "two words", "system~", "x.rpmnew"])
    assert chosen.names == ("10", "9", "B", "a", "system~", "x.rpmnew", "\u00e4")
    assert [(found.id, found.mark and found.mark.file) for found in chosen.problems] == [
        ("alias-file-leftover", "system~"),
        ("alias-file-skipped", "two words"),
        ("alias-file-leftover", "x.rpmnew"),
    ]


plain_lines = st.from_regex(
    rb"[a-z]{1,3}(@[a-z]{1,2}\.org)?: ?[a-z]{1,3}(@[a-z.]{1,3}[a-z])?(\t?,[ ]?[a-z]{1,3}(@[a-z])?){0,2}\n",
    fullmatch=True,
)
odd_lines = st.sampled_from(
    [b"\n", b"# c\n", b" d\n", b"A: b, c\n", b"x: y # z\n", b"x\n", b"p: |q\n", b" \n", b"n: m@o.org \n"]
)


@given(st.lists(st.one_of(plain_lines, odd_lines)))
def test_the_short_way_of_plain_lines_leads_to_the_same_definitions(lines: list[bytes]) -> None:
    text = b"".join(lines)
    long_way = text.replace(b":", b"\v:")
    assert defined(text) == defined(long_way)
    assert [one.mark for one in parsed(text)] == [one.mark for one in parsed(long_way)]


pieces = st.lists(
    st.one_of(
        st.binary(max_size=6),
        st.sampled_from(
            [b": ", b", ", b"\n", b"\n ", b"@", b"<", b">", b'"', b"(", b"|/x", b"#", b":include:/lists/all"]
        ),
    )
)


@given(st.lists(pieces, max_size=3))
def test_no_text_breaks_the_compiler(texts: list[list[bytes]]) -> None:
    sources = [Source(f"file{number}", b"".join(text)) for number, text in enumerate(texts)]
    table = compile_aliases(sources, Locality.from_files(FILES, "mailhost"), include=include)
    assert all(isinstance(value, bytes) and value for value in table.records.values())
    assert all(found.mark is None or found.mark.line >= 1 for found in table.problems)
