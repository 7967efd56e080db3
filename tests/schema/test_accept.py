"""esmtpacceptmailfor and esmtppercentrelay: the text list first, then the database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.accept import AcceptAnswer, inspect, lookup_accept, relay_percent
from courier_schema.legacy.formats.domains import DomainList
from courier_schema.legacy.formats.hosted import Place, lookup_hosted
from schema import database_cases as cases
from schema.database_cases import Case

NOTHING: dict[bytes, bytes] = {}
HOST = "mx.example.net"


def ask(domain: str, listed: tuple[str, ...] = (), stored: tuple[str, ...] = ()) -> AcceptAnswer:
    records = {key.encode(): b"1" for key in stored}
    return lookup_accept(domain, DomainList.of(listed, HOST), records.get, HOST)


@pytest.mark.parametrize("case", cases.with_lookups(cases.named("accept")), ids=str)
def test_each_recipient_of_the_cases_is_accepted_or_refused_as_by_submit(case: Case) -> None:
    records = case.databases["esmtpacceptmailfor.dat"]
    listed = cases.text_list(case, "esmtpacceptmailfor", [cases.locality(case).me])
    for lookup in case.lookups:
        domain = lookup["query"].rpartition("@")[2]
        accepted = lookup_accept(domain, listed, records.get, cases.HOST_NAME).is_accepted
        assert ("250 Ok." if accepted else "513 Relaying denied.") == lookup["result"], domain


@pytest.mark.parametrize("case", cases.with_lookups(cases.named("percent")), ids=str)
def test_each_percent_address_of_the_cases_goes_where_submit_sends_it(case: Case) -> None:
    records = case.databases["esmtppercentrelay.dat"]
    listed = cases.text_list(case, "esmtppercentrelay", [])
    local_domains = cases.locality(case).locals

    def is_ours(domain: str) -> bool:
        return lookup_hosted(domain, NOTHING.get, cases.HOST_NAME, local_domains).place is not Place.REMOTE

    def relays(domain: str) -> AcceptAnswer:
        return lookup_accept(domain, listed, records.get, cases.HOST_NAME)

    for lookup in case.lookups:
        address = relay_percent(lookup["query"], is_ours, relays).address
        local_part, _, domain = address.rpartition("@")
        reply = f"550 User <{local_part}> unknown" if is_ours(domain) else "550 Remote address."
        assert reply == lookup["result"], lookup["query"]


def test_the_text_list_decides_without_asking_the_database() -> None:
    assert ask("plain.org", listed=("plain.org",)) == AcceptAnswer("plain.org", ())


def test_the_database_has_the_domain_itself_or_one_of_its_ends() -> None:
    answer = ask("X.Wild.org", stored=(".wild.org",))
    assert (answer.found, answer.tried) == (".wild.org", ("x.wild.org", ".wild.org"))
    assert not ask("wild.org", stored=(".wild.org",)).is_accepted


def test_an_exclusion_ends_the_search_of_the_text_list_only() -> None:
    assert not ask("a.org", listed=("!a.org", "a.org")).is_accepted
    assert ask("a.org", listed=("!a.org",), stored=("a.org",)).found == "a.org"
    assert ask("a.org", stored=("!a.org",)).found is None


def test_eight_keys_are_tried() -> None:
    assert ask("a.b.c.d.e.f.g.org", stored=(".org",)).is_accepted
    beyond = ask("z.a.b.c.d.e.f.g.org", stored=(".org",))
    assert (beyond.is_accepted, len(beyond.tried)) == (False, 8)


def test_a_star_stands_for_the_host_name() -> None:
    assert ask(HOST, stored=("*",)).found == "*"
    assert ask(f"{HOST}.lan", stored=("*.lan",)).tried == ("*.lan",)


@pytest.mark.parametrize(
    ("address", "becomes"),
    [
        ("a%in.org@ours.org", "a@in.org"),
        ("a%b%in.org@ours.org", "a%b@in.org"),
        ("a%out.org@ours.org", "a%out.org@ours.org"),
        ("a%in.org@theirs.org", "a%in.org@theirs.org"),
        ("a@ours.org", "a@ours.org"),
    ],
)
def test_a_percent_address_is_relayed_through_domains_of_ours_to_listed_ones(address: str, becomes: str) -> None:
    answer = relay_percent(address, lambda domain: domain == "ours.org", lambda domain: ask(domain, ("in.org",)))
    assert answer.address == becomes
    assert (answer.inner is not None) is ("%" in address and address.endswith("@ours.org"))


@given(st.text(max_size=20), st.text(max_size=6))
def test_every_domain_gets_an_answer(domain: str, key: str) -> None:
    assert ask(domain, stored=(key,)).is_accepted is (key in ask(domain).tried)


def test_rows_that_cannot_be_meant_are_named() -> None:
    rows = {b"a.org": b"1", b"Upper.org": b"1", b"!no.org": b"1", b"b.org": b"smtp:relay"}
    assert [(row, problem.id) for row, problem in inspect(rows)] == [
        (b"Upper.org", "domain-not-normal"),
        (b"!no.org", "domain-exclusion"),
        (b"b.org", "domain-value-ignored"),
    ]
