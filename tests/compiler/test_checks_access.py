"""Access rules, domains and addresses: what is a mistake, and what only looks like one."""

from __future__ import annotations

import pytest

from compiler.checking import ANNA, CERTIFICATE, HOST, found, places, told


@pytest.mark.parametrize(
    "rules",
    [
        "10.0.0.0/8: relay",
        "10.0.0.0/8: relay, 192.168.0.0/16: relay, 'fd00::/8': relay",
        "'*': allow",
        "'*': deny, 127.0.0.1: relay",
        "0.0.0.0/0: deny, 127.0.0.0/8: relay",
        "'*': {action: relay, require_auth: true}",
        "192.0.2.0/24: {set: {BOFHCHECKDNS: false, MAXCPERIP: 20, FAXRELAYCLIENT: null}}",
        "'2001:db8:0:1::/64': relay",
        "10.0.0.1-10.0.0.20: relay",
    ],
)
def test_these_rules_are_in_order(rules: str) -> None:
    assert [name for name in found(f"{HOST}access: {{{rules}}}\n") if name != "access-overlap"] in (
        [],
        ["access-loopback-denied"],
    )


@pytest.mark.parametrize(
    "network", ["'*'", "0.0.0.0/0", "'::/0'", "128.0.0.0/1", "16.0.0.0/4", "'2000::/3'", "0.0.0.0-255.255.255.255"]
)
def test_these_networks_make_an_open_relay(network: str) -> None:
    assert "open-relay" in found(f"{HOST}access: {{{network}: relay}}\n")


def test_submission_with_logins_is_no_open_relay() -> None:
    site = f"{ANNA}{CERTIFICATE}listeners: {{submission: {{}}}}\nsubmission_access: {{'*': relay}}\n"
    assert found(site) == []


def test_a_wide_network_of_the_internet_is_mentioned_and_a_private_one_is_not() -> None:
    listeners = f"{ANNA}{CERTIFICATE}listeners: {{submission: {{}}}}\n"
    assert found(f"{listeners}access: {{8.0.0.0/9: relay}}\n") == ["relay-wide"]
    assert found(f"{listeners}access: {{10.0.0.0/9: relay, 8.8.8.0/24: relay}}\n") == []


def test_a_narrower_rule_of_the_same_kind_is_no_contradiction() -> None:
    assert found(f"{HOST}access: {{10.0.0.0/8: relay, 10.1.0.0/16: relay}}\n") == []


def test_the_rule_around_is_the_narrowest_of_another_kind() -> None:
    site = f"{HOST}access: {{10.0.0.0/8: relay, 10.1.0.0/16: allow, 10.1.2.0/24: relay, 10.1.2.3: relay}}\n"
    assert told(site, "access-overlap") == [
        "10.1.0.0/16 (allow) lies in 10.0.0.0/8 (relay); for its clients only the narrower rule counts",
        "10.1.2.0/24 (relay) lies in 10.1.0.0/16 (allow); for its clients only the narrower rule counts",
        "10.1.2.3 (relay) lies in 10.1.0.0/16 (allow); for its clients only the narrower rule counts",
    ]


def test_one_network_in_three_spellings_is_told_twice() -> None:
    site = f"{HOST}access: {{10.1.2.0/24: relay, 10.1.2.0-10.1.2.255: relay, '::ffff:10.1.2.0/120': relay}}\n"
    assert places(site, "access-twice") == ["access.10.1.2.0-10.1.2.255", "access.::ffff:10.1.2.0/120"]


@pytest.mark.parametrize(
    "text", ["1.2.3.400", "10.0.0.0/33", "10.0.0.9-10.0.0.1", "'10.0.0.1-::1'", "'2001:db8::/129'", "1.2.3"]
)
def test_these_are_no_networks(text: str) -> None:
    assert "network" in found(f"{HOST}access: {{{text}: deny}}\n")


def test_thousands_of_rules_are_compared_quickly() -> None:
    rules = "\n".join(f"  10.{at // 250}.{at % 250}.0/24: relay" for at in range(5000))
    assert found(f"{HOST}access:\n  10.0.0.0/8: relay\n{rules}\n") == []


def test_percent_relaying_to_what_lies_behind_the_server_is_fine() -> None:
    site = f"{HOST}domains: {{example.com: {{kind: hosted, aliases: {{info: x@example.net}}}}}}\n"
    assert found(f"{site}percent_relay: [lan.example.org, example.com]\n") == []


def test_sub_domains_of_the_site_are_not_just_any_domain_with_its_end() -> None:
    assert found(f"{HOST}percent_relay: [badexample.org]\n") == ["percent-relay-foreign"]


def test_the_tables_of_both_services_are_looked_at() -> None:
    site = f"{ANNA}{CERTIFICATE}listeners: {{imap: {{}}}}\nmailbox_access: {{10.0.0.1/8: allow}}\n"
    assert places(site, "access-host-bits") == ["mailbox_access.10.0.0.1/8"]


def test_variables_of_imap_are_others_than_those_of_smtp() -> None:
    site = f"{ANNA}{CERTIFICATE}listeners: {{imap: {{}}}}\n"
    assert found(f"{site}mailbox_access: {{10.0.0.0/8: {{set: {{IMAP_TLS_REQUIRED: false}}}}}}\n") == []
    assert found(f"{site}access: {{10.0.0.0/8: {{set: {{IMAP_TLS_REQUIRED: false}}}}}}\n") == [
        "access-variable-unknown"
    ]


@pytest.mark.parametrize("file", ["esmtpd", "esmtpd-msa", "esmtpd-ssl"])
@pytest.mark.parametrize("name", ["RELAYCLIENT", "FAXRELAYCLIENT"])
def test_relaying_in_the_environment_is_relaying_for_everybody(file: str, name: str) -> None:
    assert "open-relay" in found(f'{HOST}environment: {{{file}: {{{name}: ""}}}}\n')


def test_many_networks_are_judged_by_what_they_hold_together() -> None:
    def site(*networks: str) -> str:
        return f"{ANNA}{CERTIFICATE}listeners: {{submission: {{}}}}\naccess:\n" + "".join(
            f"  '{network}': relay\n" for network in networks
        )

    slices = [f"{first}.{second}.0.0/16" for first in (20, 30) for second in range(256)]
    assert found(site(*slices)) == ["open-relay"]
    assert found(site("203.10.0.0/16", "203.11.0.0/16")) == ["relay-wide"]
    assert found(site("2a00:1000::/32", "2a00:2000::/32")) == ["relay-wide"]
    assert found(site("203.10.0.0/16", "203.10.0.0/20", "203.10.8.0/24")) == []
    assert found(site("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")) == []
