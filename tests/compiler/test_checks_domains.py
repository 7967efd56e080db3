"""Domains, names and addresses: what is a mistake, and what only looks like one."""

from __future__ import annotations

import pytest

from compiler.checking import ANNA, HASH, HOST, found, places, told

HOSTED = "kind: hosted, aliases: {info: x@example.net}"


@pytest.mark.parametrize(
    "domains",
    [
        "example.com: {}, .example.com: {}",
        f"example.com: {{{HOSTED}, subdomains: true}}",
        f"example.com: {{{HOSTED}}}, example.edu: {{kind: hosted, alias_of: example.com}}",
        f"a.example: {{{HOSTED}}}, b.example: {{kind: hosted, alias_of: a.example}},"
        " c.example: {kind: hosted, alias_of: b.example}",
        "backup.example: {kind: relay}",
        "bücher.example: {}",
        "mx.example.org: {}",
        f"example.org: {{{HOSTED}}}",
        f".example.com: {{kind: hosted, accounts: {{info: {{password: {HASH}}}}}}}",
        f".example.com: {{excluding: [shop.example.com]}}, shop.example.com: {{{HOSTED}}}",
        ".example.com: {excluding: [old.example.com]}, old.example.com: {kind: relay}",
        "example.com: {subdomains: true, excluding: [old.example.com, .lab.example.com]}, a.lab.example.com: {}",
    ],
)
def test_these_domains_are_in_order(domains: str) -> None:
    assert found(f"{HOST}account_defaults: {{uid: 5000, gid: 5000}}\ndomains: {{{domains}}}\n") == []


SENDING_ONLY = (
    "site: example.org\nhost: {name: web.example.org}\n"
    "domains: {example.org: {kind: relay, accept: false}, web.example.org: {kind: relay, accept: false}}\n"
)


@pytest.mark.parametrize(
    "way_out",
    [
        "smarthost: relay.example.net",
        'routes: {example.org: relay.example.net, .example.org: "[192.0.2.25]"}',
        'routes: {"*": {via: relay.example.net}}',
    ],
)
def test_a_host_that_only_sends_is_in_order_when_it_says_where_to(way_out: str) -> None:
    assert found(f"{SENDING_ONLY}{way_out}\n") == []


@pytest.mark.parametrize("nowhere", ["", "routes: {other.example: relay.example.net}", "routes: {'*': {family: ipv4}}"])
def test_a_host_that_only_sends_and_leaves_its_own_mail_to_dns_is_warned(nowhere: str) -> None:
    assert {"host-name-relayed", "default-domain-relayed"} <= set(found(f"{SENDING_ONLY}{nowhere}\n"))


def test_the_main_domain_may_be_hosted_and_complete_names_all_the_same() -> None:
    site = (
        "host: {name: mx.example.org, postmaster: anna}\naccount_defaults: {uid: 5000, gid: 5000}\n"
        f"domains: {{example.org: {{kind: hosted, accounts: {{anna: {{password: {HASH}}}}}}}}}\n"
    )
    assert found(site) == ["postmaster-unreachable"]
    assert found(site.replace("postmaster: anna", "postmaster: anna@example.org")) == []


def test_a_hosted_domain_above_a_local_wildcard_is_not_hidden() -> None:
    site = f"{HOST}domains: {{.lan.example.com: {{}}, example.com: {{{HOSTED}}}, lan.example.com: {{{HOSTED}}}}}\n"
    assert found(site) == []


def test_an_empty_hosted_domain_may_live_on_another_back_end() -> None:
    domains = "domains: {example.com: {kind: hosted}}\n"
    assert found(f"{ANNA}{domains}") == ["domain-empty"]
    assert found(f"{ANNA}{domains}auth: {{order: [userdb, sqlite], sqlite: {{database: /srv/a.db}}}}\n") == []
    assert found(f"{ANNA}{domains}aliases: {{info@example.com: anna}}\n") == []
    assert found(f"{ANNA}{domains}aliases: {{'@example.com': anna}}\n") == []


def test_five_labels_below_a_wildcard_are_found_and_six_are_not() -> None:
    wild = f"domains: {{.example.com: {{kind: hosted, accounts: {{post: {{password: {HASH}}}}}}}}}\n"
    assert found(f"{ANNA}{wild}aliases: {{a: post@e.d.c.b.a.example.com}}\n") == []
    assert places(f"{ANNA}{wild}aliases: {{a: post@f.e.d.c.b.a.example.com}}\n", "domain-too-deep") == ["aliases.a"]


def test_a_domain_in_three_spellings_is_told_twice() -> None:
    site = f"{HOST}domains: {{bücher.example: {{}}, BÜCHER.example: {{}}, xn--bcher-kva.example: {{}}}}\n"
    assert places(site, "domain-twice") == ["domains.BÜCHER.example", "domains.xn--bcher-kva.example"]


@pytest.mark.parametrize("greeting", ["mx.example.org ESMTP", "mail.example.org", "mx.example.org ready\nsecond line"])
def test_these_greetings_begin_with_a_host(greeting: str) -> None:
    site = f"host:\n  name: mx.example.org\n  postmaster: a@example.net\n  greeting: {greeting!r}\n"
    assert "greeting-without-host" not in found(site.replace("'", '"'))


def test_source_addresses_of_virtual_hosts_are_looked_at_as_well() -> None:
    site = f"{HOST}virtual_hosts: {{192.0.2.1: {{source_ipv6: 192.0.2.1}}}}\n"
    assert places(site, "address-family") == ["virtual_hosts.192.0.2.1.source_ipv6"]


def test_relays_in_brackets_are_addresses() -> None:
    site = f"{HOST}routes: {{example.com: '[192.0.2.300]', example.net: '[192.0.2.3]'}}\n"
    assert told(site, "ip-address") == ["routes.example.com.via: 192.0.2.300 is not an IP address"]
