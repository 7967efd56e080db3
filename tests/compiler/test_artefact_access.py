"""Access tables: networks in any notation become rows that couriertcpd looks up, with the right one for each client."""

from __future__ import annotations

import pytest

from compiler.built_sites import HEAD, BuiltSite, built_site
from courier_schema.legacy.formats import gdbm
from courier_schema.legacy.formats.access import AccessAnswer, lookup_access


def _answer(built: BuiltSite, client: str, table: str = "smtpaccess") -> AccessAnswer:
    reader = gdbm.Reader(built.files[f"etc/courier/{table}.dat"].content)
    return lookup_access(reader.get, client)


def _relays(built: BuiltSite, client: str, table: str = "smtpaccess") -> bool:
    return b"RELAYCLIENT" in _answer(built, client, table).environment


def test_this_machine_may_relay() -> None:
    built = built_site(HEAD)
    assert built.lines("smtpaccess/default") == [
        "127.0.0.1\tallow,RELAYCLIENT",
        ":0000:0000:0000:0000:0000:0000:0000:0001\tallow,RELAYCLIENT",
    ]


@pytest.mark.parametrize(
    ("rule", "relays_4", "relays_6"),
    [
        ("127.0.0.0/8: allow", False, True),
        ("127.0.0.1: deny", False, True),
        ("'::1': allow", True, False),
        ("'::/16': allow", True, False),
        ("'*': deny", True, True),
    ],
)
def test_this_machine_may_relay_unless_the_site_says_something_about_it(
    rule: str, relays_4: bool, relays_6: bool
) -> None:
    built = built_site(HEAD + f"access: {{{rule}}}\n")
    assert (_relays(built, "127.0.0.1"), _relays(built, "::1")) == (relays_4, relays_6)


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
        ("192.168.4.0/22", "192.168.7.9", "192.168.8.1"),
        ("192.0.2.64/29", "192.0.2.71", "192.0.2.72"),
        ("192.0.2.10-192.0.2.20", "192.0.2.20", "192.0.2.21"),
        ("2001:DB8::/32", "2001:db8:1::1", "2001:db9::1"),
        ("2001:db8::/47", "2001:db8:1::1", "2001:db8:2::1"),
        ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
        ("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"),
    ],
)
def test_network_of_any_notation_covers_exactly_its_clients(network: str, inside: str, outside: str) -> None:
    built = built_site(HEAD + f"access: {{'{network}': relay}}\n")
    assert built.problems == ()
    assert _relays(built, inside)
    assert not _relays(built, outside)


def test_source_holds_no_netblocks_that_other_versions_of_makedat_break() -> None:
    built = built_site(HEAD + "access: {'2001:db8::/32': relay, 10.0.0.0/15: relay}\n")
    lines = built.lines("smtpaccess/default")
    assert not any("/" in line.partition("\t")[0] for line in lines)
    assert [line.partition("\t")[0] for line in lines if line[:2] == "10"] == ["10.0", "10.1"]
    assert ":2001:0db8\tallow,RELAYCLIENT" in lines


def test_smaller_network_prevails_even_where_both_make_the_same_rows() -> None:
    built = built_site(HEAD + "access: {10.0.0.0/23: relay, 10.0.1.0/24: deny}\n")
    assert _relays(built, "10.0.0.9")
    assert _answer(built, "10.0.1.9").is_denied


def test_order_of_rules_has_no_meaning() -> None:
    rules = ["10.0.0.0/23: relay", "10.0.1.0/24: deny", "10.0.1.7: relay"]
    there, back = (built_site(HEAD + f"access: {{{', '.join(order)}}}\n") for order in (rules, rules[::-1]))
    assert there.text("smtpaccess/default") == back.text("smtpaccess/default")
    assert there.text("smtpaccess/default").index("10.0.1.7\tallow") > 0


def test_rule_becomes_the_variables_of_a_session() -> None:
    rule = "{action: relay, relay_suffix: '@gw.example.org', fax: true, max_message_size: 2K, max_per_address: 3}"
    built = built_site(HEAD + f"access: {{192.0.2.1: {rule}}}\n")
    assert _answer(built, "192.0.2.1").environment == {
        b"RELAYCLIENT": b"@gw.example.org",
        b"FAXRELAYCLIENT": b"",
        b"SIZELIMIT": b"2048",
        b"MAXCPERIP": b"3",
    }


def test_restrictions_and_other_variables_are_spelt_as_courier_reads_them() -> None:
    rule = "{block: 'no, \"thanks\"', require_tls: true, require_auth: false, set: {BOFHCHECKDNS: false, MIME: 8bit}}"
    built = built_site(HEAD + f"access: {{192.0.2.1: {rule}}}\n")
    assert _answer(built, "192.0.2.1").environment == {
        b"BLOCK": b'no, "thanks"',
        b"ESMTP_TLS_REQUIRED": b"1",
        b"AUTH_REQUIRED": b"0",
        b"BOFHCHECKDNS": b"0",
        b"MIME": b"8bit",
    }


def test_variable_without_a_value_is_set_to_nothing() -> None:
    built = built_site(HEAD + "access: {192.0.2.1: {set: {BLOCK: null, BOFHNOVRFY: true}}}\n")
    assert _answer(built, "192.0.2.1").environment == {b"BLOCK": b"", b"BOFHNOVRFY": b"1"}


def test_text_that_a_row_cannot_hold_is_a_problem_and_lets_nobody_in() -> None:
    built = built_site(HEAD + "access: {192.0.2.1: {action: relay, block: 'ends in a blank '}}\n")
    assert built.finds("access-value")
    assert _answer(built, "192.0.2.1").is_denied


def test_variable_set_twice_is_a_problem() -> None:
    built = built_site(HEAD + "access: {192.0.2.1: {max_message_size: 1K, set: {SIZELIMIT: 7}}}\n")
    assert built.finds("access-variable-twice")
    assert built.finds("access-variable-twice")[0].path == ("access", "192.0.2.1", "set", "SIZELIMIT")


@pytest.mark.parametrize("network", ["300.1.1.1", "10.0.0.0/33", "10.0.0.9-10.0.0.1"])
def test_network_that_is_none_is_a_problem(network: str) -> None:
    built = built_site(HEAD + f"access: {{{network}: relay}}\n")
    assert built.finds("network")
    assert built.finds("network")[0].path == ("access", network)


def test_network_of_thousands_of_rows_is_worth_a_warning() -> None:
    built = built_site(HEAD + "access: {'2001:db8::/33': relay}\n")
    assert built.finds("network-many-keys")
    assert _relays(built, "2001:db8:7fff::1")


def test_submission_uses_the_common_table_unless_it_has_one_of_its_own() -> None:
    assert not built_site(HEAD).has("smtpaccess-msa.dat")
    built = built_site(HEAD + "submission_access: {203.0.113.0/24: deny}\n")
    assert _answer(built, "203.0.113.9", "smtpaccess-msa").is_denied
    assert not _answer(built, "203.0.113.9").is_denied
    assert built.has("smtpaccess-msa/default")


def test_imap_table_exists_where_imap_is_served() -> None:
    assert not built_site(HEAD).has("imapaccess.dat")
    built = built_site(HEAD + "listeners: {imaps: {}}\nmailbox_access: {192.0.2.0/24: {require_tls: true}}\n")
    assert _answer(built, "192.0.2.9", "imapaccess").environment == {b"IMAP_TLS_REQUIRED": b"1"}
    assert not _relays(built, "127.0.0.1", "imapaccess")
