"""Addresses are read, printed, completed and refused as Courier's own parser does it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.address import (
    AddressError,
    Kind,
    Module,
    Rewriter,
    Token,
    render,
    split_list,
    tokenise,
)
from courier_schema.legacy.formats.domains import Locality

FILES = {"me": b"mx.example.net\n", "defaultdomain": b"example.com\n", "locals": b"example.com\nexample.net\n"}
LOCALITY = Locality.from_files(FILES, "mailhost")


def listed(text: bytes) -> list[bytes]:
    return [render(tokens) for tokens in split_list(tokenise(text))]


def stored(text: bytes, module: Module = "local", locality: Locality = LOCALITY) -> bytes:
    return Rewriter(locality, module).rewrite(tokenise(text))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (b"a @ b . c", b"a@b.c"),
        (b"a b", b"a b"),
        (b'"a b" c', b'"a b" c'),
        (b'"a\\"b"', b'"a\\"b"'),
        (b'"open', b'"open"'),
        (b'"open\\', b'"open\\\\"'),
        (b'a (open "x', b'a "(open \\"x"'),
        (b"a (one (two) \\) three) b", b"a (one (two) \\) three) b"),
        (b"a\\b)c", b"a b c"),
        (b"a > b", b"a b"),
        (b"<a <b>", b"<a b>"),
        (b"<>", b"<>"),
        (b"<<>>", b"<>"),
        (b"y=?a=b?=z", b"y =?a=b?= z"),
        (b"y=?a.b?=z", b"y=?a.b?=z"),
        (b"a\0b", b"a"),
        (b"\xff\x7f", b"\xff\x7f"),
        (b" \t\n\v\f\r", b""),
    ],
)
def test_an_address_is_printed_without_white_space_except_between_words(text: bytes, printed: bytes) -> None:
    assert render(tokenise(text)) == printed


def test_tokens_know_what_and_where_they_are() -> None:
    assert [(token.kind, token.text, token.at) for token in tokenise(b'a "b" (c) @')] == [
        (Kind.WORD, b"a", 0),
        (Kind.QUOTED, b"b", 2),
        (Kind.COMMENT, b"c", 6),
        (Kind.SPECIAL, b"@", 10),
    ]
    assert Token(Kind.WORD, b"a", 5) == Token(Kind.WORD, b"a", 9)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        (b"a,b;;,c", [b"a", b"b", b"c"]),
        (b"a b c", [b"a", b"b", b"c"]),
        (b"a(x)b", [b"a", b"b"]),
        (b"a . (x) b", [b"a.b"]),
        (b"Alice Example <alice@one.org>, bob", [b"alice@one.org", b"bob"]),
        (b'"Bob, Jr." <bob>', [b"bob"]),
        (b"a <b> c <d>", [b"b", b"d"]),
        (b"a <b,c> d", [b"b,c", b"d"]),
        (b"<b", [b"b"]),
        (b"<", []),
        (b"<<>>", []),
        (b"a <> b", [b"", b"b"]),
        (b"<c (x) d>", [b"c (x) d"]),
        (b"group name: a, b;", [b"a", b"b"]),
        (b"g: h: a", [b"a"]),
        (b"a.b:c", [b"a.b:c"]),
        (b"a (x): b", [b"a:b"]),
        (b"(only a comment)", []),
        (b"hub!leaf user%host", [b"hub!leaf", b"user%host"]),
    ],
)
def test_a_list_falls_apart_into_addresses(text: bytes, addresses: list[bytes]) -> None:
    assert listed(text) == addresses


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (b"alice", b"alice@example.com"),
        (b"Alice@Example.COM", b"Alice@example.com"),
        (b"PostMaster", b"postmaster@example.com"),
        (b"PostMaster@elsewhere.org", b"PostMaster@elsewhere.org"),
        (b"hub!leaf", b"hub!leaf"),
        (b"a@b@EXAMPLE.com", b"a@b@example.com"),
        (b"x@xn--mnchen-3ya.de", "x@münchen.de".encode()),
        (b"x@[1.2.3.4]", b"x@[1.2.3.4]"),
        (b'"a@B"', b'"a@B"@example.com'),
        (b"@Virtual.ORG", b"@virtual.org"),
        (b"@", b"@"),
        (b"two words", b"two words@example.com"),
        (b"", b""),
    ],
)
def test_an_address_is_completed_and_folded(text: bytes, form: bytes) -> None:
    assert stored(text) == form


@pytest.mark.parametrize(
    ("module", "text", "form"),
    [
        ("esmtp", b"alice", b"alice"),
        ("esmtp", b'"c@D"', b'"c@d"'),
        ("fax", b"alice", b"alice"),
        ("dsn", b"alice", b"alice@example.com"),
        ("uucp", b"alice", b"alice@example.com"),
        ("uucp", b"A!b!c", b"b!c@a"),
        ("uucp", b"a!b@c", b"a!b@c"),
        ("uucp", b"c!", b"@c"),
    ],
)
def test_each_transport_completes_in_its_own_way(module: Module, text: bytes, form: bytes) -> None:
    assert stored(text, module) == form


def test_local_parts_lose_their_case_only_where_they_are_local() -> None:
    locality = Locality.from_files(FILES | {"locallowercase": b""}, "mailhost")
    assert stored("ÄNNE".encode(), locality=locality) == "änne@example.com".encode()
    assert stored(b"Anne@Elsewhere.org", locality=locality) == b"Anne@elsewhere.org"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"bob@", "nothing stands behind @"),
        (b".bob", "nothing stands before ."),
        (b"bob.", "nothing stands before @"),
        (b"a..b", "nothing stands before ."),
        (b"a@.b", "nothing stands before ."),
        (b"a@b:", "nothing stands behind :"),
        (b"@@", "nothing stands before @"),
        (b'"a b"', "it contains a blank or a control character"),
        (b"a\x01b", "it contains a blank or a control character"),
        (b"a;b", "it contains ;"),
        (b"<a>", "it contains <"),
        (b"a (b)", "it contains a comment"),
        (b"a@[::1]", "nothing stands before :"),
    ],
)
def test_what_courier_refuses_is_refused_with_the_reason(text: bytes, reason: str) -> None:
    with pytest.raises(AddressError) as refused:
        stored(text)
    assert refused.value.reason == reason


def test_a_refusal_names_the_completed_address() -> None:
    with pytest.raises(AddressError) as refused:
        stored(b"bob.")
    assert refused.value.address == b"bob.@example.com"


def test_a_bad_default_domain_is_blamed_only_for_what_it_completes() -> None:
    rewriter = Rewriter(Locality.from_files({"me": b"x y\n"}, "mailhost"))
    assert rewriter.blames_default_domain(tokenise(b"alice"))
    assert not rewriter.blames_default_domain(tokenise(b"alice@"))
    assert not rewriter.blames_default_domain(tokenise(b"a..b"))
    assert not Rewriter(LOCALITY).blames_default_domain(tokenise(b"alice"))
    assert rewriter.plain_suffix is None


@pytest.mark.parametrize("domain", [b"", b"@odd", b"a..b", b"*.lan", b"EXAMPLE.com"])
def test_a_default_domain_is_one_word_that_need_not_be_a_domain(domain: bytes) -> None:
    rewriter = Rewriter(Locality.from_files({"defaultdomain": domain}, "mailhost"))
    assert rewriter.rewrite(tokenise(b"alice")) == b"alice@" + domain.lower()
    assert rewriter.plain_list(b"alice") == [b"alice@" + domain.lower()]


plain_addresses = st.from_regex(
    rb"[A-Za-z0-9_+-]{1,6}(\.[a-z]{1,3})?(@([a-zA-Z]{1,4}\.)?[a-zA-Z-]{1,8})?", fullmatch=True
)


@given(st.lists(plain_addresses, min_size=1), st.sampled_from(["local", "esmtp", "uucp"]), st.booleans())
def test_the_short_way_of_plain_lists_leads_to_the_same_place(
    addresses: list[bytes], module: Module, lowercase: bool
) -> None:
    files = FILES | ({"locallowercase": b""} if lowercase else {})
    rewriter = Rewriter(Locality.from_files(files, "mailhost"), module)
    text = b", ".join(addresses)
    assert rewriter.plain_list(text) == [rewriter.rewrite(tokens) for tokens in split_list(tokenise(text))]


@given(st.binary())
def test_any_bytes_can_be_read_and_are_stored_or_refused(text: bytes) -> None:
    rewriter = Rewriter(LOCALITY)
    for tokens in split_list(tokenise(text)):
        with suppress(AddressError):
            form = rewriter.rewrite(tokens)
            assert b"\0" not in form
            assert b"\n" not in form


@given(st.binary())
def test_printing_and_reading_again_changes_nothing(text: bytes) -> None:
    printed = render(tokenise(text))
    assert render(tokenise(printed)) == printed
