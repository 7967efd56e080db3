"""The hosteddomains database: local, hosted or remote, as every Courier program decides it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.domains import DomainList
from courier_schema.legacy.formats.hosted import HostedAnswer, Place, inspect, lookup_hosted
from schema import database_cases as cases
from schema.database_cases import Case

HOST = "mx.example.net"


def ask(domain: str, records: dict[str, str], local: tuple[str, ...] = ()) -> HostedAnswer:
    table = {key.encode(): value.encode() for key, value in records.items()}
    return lookup_hosted(domain, table.get, HOST, DomainList.of(local, HOST))


def problems(rows: dict[bytes, bytes]) -> list[tuple[bytes, str]]:
    return [(row, problem.id) for row, problem in inspect(rows)]


def at_in_ace(domain: str | None) -> str:
    """How submit shows the domain of an account."""
    return "" if domain is None else "@" + ".".join(label.encode("idna").decode() for label in domain.split("."))


@pytest.mark.parametrize("case", cases.with_lookups(cases.named("hosted")), ids=str)
def test_each_address_of_the_cases_is_where_submit_says_it_is(case: Case) -> None:
    records = case.databases["hosteddomains.dat"]
    for lookup in case.lookups:
        local_part, _, domain = lookup["query"].partition("@")
        answer = lookup_hosted(domain, records.get, cases.HOST_NAME, cases.locality(case).locals)
        if answer.place is Place.REMOTE:
            reply = "550 Remote address."
        else:
            reply = f"550 User <{local_part}{at_in_ace(answer.domain)}> unknown"
        assert reply == lookup["result"], lookup["query"]


@pytest.mark.parametrize(
    ("domain", "place", "account_domain", "found"),
    [
        ("local.org", Place.LOCAL, None, "local.org"),
        ("hosted.org", Place.HOSTED, "hosted.org", "hosted.org"),
        ("HOSTED.org", Place.HOSTED, "hosted.org", "hosted.org"),
        ("alias.org", Place.HOSTED, "hosted.org", "alias.org"),
        ("a.wild.org", Place.HOSTED, ".wild.org", ".wild.org"),
        ("a.map.org", Place.HOSTED, "canon.org", ".map.org"),
        ("wild.org", Place.REMOTE, None, None),
        ("x.hosted.org", Place.REMOTE, None, None),
        ("short.org", Place.HOSTED, "short.org", "short.org"),
        ("xn--mnchen-3ya.de", Place.HOSTED, "münchen.de", "münchen.de"),
    ],
)
def test_a_domain_is_local_hosted_or_remote(
    domain: str, place: Place, account_domain: str | None, found: str | None
) -> None:
    records = {
        "local.org": "elsewhere.org",
        "hosted.org": "1",
        "alias.org": "Hosted.ORG",
        ".wild.org": "1",
        ".map.org": "canon.org",
        "short.org": "x",
        "münchen.de": "1",
    }
    answer = ask(domain, records, local=("local.org",))
    assert (answer.place, answer.domain, answer.found) == (place, account_domain, found)


def test_a_wildcard_reaches_five_labels() -> None:
    assert ask("a.b.c.d.e.org", {".org": "1"}).place is Place.HOSTED
    assert ask("a.b.c.d.e.f.org", {".org": "1"}).place is Place.REMOTE


def test_the_longest_key_is_tried_first_and_local_domains_ask_for_none() -> None:
    assert ask("a.b.c.org", {}).tried == ("a.b.c.org", ".b.c.org", ".c.org", ".org")
    assert ask("local.org", {}, local=("local.org",)).tried == ()


def test_a_star_stands_for_the_host_name_and_keeps_the_domain() -> None:
    answer = ask("MX.example.net", {"*": "1"})
    assert (answer.domain, answer.found, answer.tried) == (HOST, "*", ("*",))
    assert ask(f"{HOST}.lan", {"*.lan": "canon.org"}).domain == "canon.org"
    assert ask(HOST, {HOST: "1"}).tried == ("*", HOST)
    assert ask("mx.example.network", {"*": "1"}).place is Place.REMOTE


def test_accounts_are_tried_without_their_extensions_and_then_as_catch_all() -> None:
    answer = ask("hosted.org", {"hosted.org": "1"})
    assert list(answer.accounts("a-b-c")) == ["a-b-c@hosted.org", "a-b@hosted.org", "a@hosted.org", "alias@hosted.org"]
    assert list(ask("remote.org", {}).accounts("a")) == []


@given(st.text(max_size=20), st.text(max_size=6))
def test_every_domain_gets_an_answer(domain: str, key: str) -> None:
    answer = ask(domain, {key: "1"})
    assert (answer.found is None) is (answer.place is Place.REMOTE)
    assert len(answer.tried) <= 7


@pytest.mark.parametrize(
    ("row", "value", "problem"),
    [
        (b"Upper.org", b"1", "domain-not-normal"),
        (b"xn--mnchen-3ya.de", b"1", "domain-not-normal"),
        (b".Wild.org", b"1", "domain-not-normal"),
        (b"!a.org", b"1", "domain-exclusion"),
        (b"a.org.", b"1", "domain-empty-label"),
        (b"a..org", b"1", "domain-empty-label"),
        (b"a.org", b"x", "hosted-short-target"),
        (b"a.org", b"b.org # b", "hosted-target-blank"),
        (b"a.org", b"b.org ", "hosted-target-blank"),
    ],
)
def test_rows_that_cannot_be_meant_are_named(row: bytes, value: bytes, problem: str) -> None:
    assert problems({row: value}) == [(row, problem)]


def test_a_chain_of_aliases_is_named_at_its_start() -> None:
    rows = {b"a.org": b"b.org", b"b.org": b"c.org", b"c.org": b"1", b"d.org": b"c.org"}
    assert problems(rows) == [(b"a.org", "hosted-chain")]


def test_ordinary_rows_pass_without_a_word() -> None:
    rows = {b"a.org": b"1", b".a.org": b"a.org", b"*": b"1", b"*.lan": b"a.org", "münchen.de".encode(): b"a.org"}
    assert problems(rows) == []
