"""Domains are compared in one form, listed in Courier's text lists, and default to the names of the server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.domains import (
    DomainList,
    Locality,
    first_line,
    lower,
    normal_form,
    server_name,
    under_host_name,
)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("example.com", "example.com"),
        ("Example.COM", "example.com"),
        ("xn--mnchen-3ya.de", "münchen.de"),
        ("XN--MNCHEN-3YA.DE", "münchen.de"),
        ("MÜNCHEN.de", "münchen.de"),
        ("straße.de", "straße.de"),
        ("xn--strae-oqa.de", "xn--strae-oqa.de"),
        ("xn--a", "xn--a"),
        ("xn--", "xn--"),
        ("xn--münchen", "xn--münchen"),
        ("a。b．c｡D", "a.b.c.d"),
        ("ΟΔΟΣ.gr", "οδοσ.gr"),
        ("İ.tr", "i.tr"),
        ("u\u0308ber.de", "u\u0308ber.de"),
        (".sub.Example", ".sub.example"),
        ("*.Example", "*.example"),
        ("", ""),
    ],
)
def test_a_domain_has_one_normal_form(typed: str, normal: str) -> None:
    assert normal_form(typed) == normal
    assert normal_form(typed.encode()) == normal.encode()


def test_a_label_newer_than_unicode_3_2_stays_encoded() -> None:
    newer = "ⱥ".encode("punycode").decode()
    assert normal_form(f"xn--{newer}.org") == f"xn--{newer}.org"


def test_text_that_is_not_utf_8_is_never_changed() -> None:
    assert normal_form(b"Caf\xe9.ORG") == b"Caf\xe9.ORG"
    assert lower(b"Caf\xe9") == b"Caf\xe9"
    assert lower("Caf\udce9") == "Caf\udce9"


def test_lower_case_knows_no_context() -> None:
    assert lower("ΣΑΣ") == "σασ"
    assert lower("İX") == "ix"
    assert lower(b"ABC") == b"abc"


@given(st.text())
def test_text_and_bytes_have_the_same_form(text: str) -> None:
    encoded = text.encode(errors="surrogatepass")
    assert normal_form(text.encode(errors="replace")) == normal_form(text.encode(errors="replace").decode()).encode()
    assert isinstance(normal_form(encoded), bytes)


@given(st.binary())
def test_any_bytes_survive_as_text(content: bytes) -> None:
    text = content.decode(errors="surrogateescape")
    assert normal_form(text).encode(errors="surrogateescape") == normal_form(content)


@given(st.from_regex(r"[a-zA-Z0-9.-]{0,30}", fullmatch=True))
def test_the_normal_form_of_a_normal_form_is_itself(domain: str) -> None:
    assert normal_form(normal_form(domain)) == normal_form(domain)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"mx.example.net\n", "mx.example.net"),
        (b"mx.example.net", "mx.example.net"),
        (b"mx \r\nsecond\n", "mx \r"),
        (b"", ""),
        (b"\nmx\n", ""),
        (b"mx\0rest\n", "mx"),
        (b"a" * 300 + b"\n", "a" * 255),
        (b"\xff\n", "\udcff"),
    ],
)
def test_a_one_line_file_is_taken_as_typed(content: bytes, value: str) -> None:
    assert first_line(content) == value


@pytest.mark.parametrize(
    ("content", "name"),
    [(None, "mailhost"), (b"mx.example\n", "mx.example"), (b"*.lan\n", "mailhost.lan"), (b"*\n", "*"), (b"", "")],
)
def test_me_is_the_host_name_unless_a_file_says_otherwise(content: bytes | None, name: str) -> None:
    assert server_name(content, "mailhost") == name


LISTS = [
    (b"example.com\n", "example.com", "example.com"),
    (b"example.com\n", "EXAMPLE.com", "example.com"),
    (b"xn--mnchen-3ya.de\n", "münchen.de", "xn--mnchen-3ya.de"),
    (b"example.com\n", "sub.example.com", None),
    (b".example.com\n", "a.b.example.com", ".example.com"),
    (b".example.com\n", "example.com", None),
    (b"example.com # note\n", "example.com", None),
    (b"example.com# note\n", "example.com", "example.com"),
    (b"one\rtwo\r\nthree", "two", "two"),
    (b"one\rtwo\r\nthree", "three", "three"),
    (b"!b.c\n.c\n", "b.c", None),
    (b"!b.c\n.c\n", "a.b.c", ".c"),
    (b".c\n!b.c\n", "b.c", ".c"),
    (b"!.b.c\n.c\nc\n", "a.b.c", None),
    (b"!.b.c\n.c\nc\n", "b.c", ".c"),
    (b"!!c\n", "c", None),
    (b"!\n", "", None),
    (b"c\0\nb.c\n", "c", "c"),
    (b"c\0\nb.c\n", "b.c", None),
    (b" c\n", "c", None),
    (b"*\n", "mailhost", "*"),
    (b"*\n", "mailhost.lan", None),
    (b"*.lan\n", "mailhost.lan", "*.lan"),
    (b"*\n", "other", None),
    (b"!mailhost\n*\n", "mailhost", "*"),
    (b"!*\nmailhost\n", "mailhost", "mailhost"),
    (b"!.lan\n*.lan\n", "mailhost.lan", None),
    (b"*.lan\n!.lan\n", "mailhost.lan", "*.lan"),
]


@pytest.mark.parametrize(("text", "domain", "entry"), LISTS)
def test_the_first_entry_that_matches_decides(text: bytes, domain: str, entry: str | None) -> None:
    domains = DomainList.parse(text, "mailhost")
    assert domains.match(domain) == entry
    assert (domain in domains) is (entry is not None)


def test_only_text_can_be_in_a_list() -> None:
    assert 5 not in DomainList.of(["5"], "mailhost")


def test_a_star_stands_for_the_host_name_and_what_follows_it() -> None:
    assert under_host_name("mailhost", "mailhost") == "*"
    assert under_host_name("mailhost.lan", "mailhost") == "*.lan"
    assert under_host_name("mailhost2", "mailhost") is None


def test_missing_files_have_defaults_and_empty_ones_do_not() -> None:
    nothing = Locality.from_files({}, "mailhost")
    assert (nothing.me, nothing.default_domain, nothing.locals.entries) == ("mailhost", "mailhost", ("mailhost",))
    assert not nothing.lowercase
    only_me = Locality.from_files({"me": b"MX.example.net\n"}, "mailhost")
    assert (only_me.default_domain, only_me.locals.entries) == ("MX.example.net", ("MX.example.net",))
    empty = Locality.from_files({"me": b"mx\n", "defaultdomain": b"", "locals": b"", "locallowercase": b""}, "mailhost")
    assert (empty.default_domain, empty.locals.entries, empty.lowercase) == ("", (), True)
