"""The tests of a site pass where its compiled files do what they say, and tell what is otherwise, and why."""

from __future__ import annotations

import pytest

from compiler.tracing_sites import failures, outcomes

SITE = """\
aliases: {sales: [anna, ext@far.example]}
access: {192.0.2.0/24: relay, 192.0.2.128/25: allow, 203.0.113.9: deny, 203.0.113.8: {block: 550 Stop}}
domains:
  example.org: {}
  shop.example: {kind: hosted, accounts: {clara: {password: {value: geheim}, quota: {size: 1G, messages: 500}}}}
  far.example: {kind: relay}
routes: {away.example: {via: mx.away.example, port: 2525, security: required}}
smarthost: {host: smart.example.net, login: {user: us, password: {value: geheim}}}
policy: {deny_senders: [boss@example.net]}
backscatter: {discard_bounces: [smtp]}
"""


@pytest.mark.parametrize(
    "tests",
    [
        "  mail: {sales@example.org: [ext@far.example, anna@mx.example.org]}",
        "  mail: {nobody@example.org: {refused: 550}}",
        "  mail: {nobody@example.org: {refused: unknown}}",
        "  mail: {our people write to us: {to: sales@example.org, login: anna, delivered: true}}",
        "  mail: {'': {to: sales@example.org, delivered: true}}",
        "  mail: {x@other.example: {client: 192.0.2.7, reaches: x@other.example}}",
        "  mail: {postmaster@shop.example: anna}",
        "  clients: {192.0.2.0/25: {relays: true, denied: false}}",
        "  clients: {203.0.113.9: {denied: true}, '*': {relays: false, denied: false}}",
        "  clients: {203.0.113.8: {set: {BLOCK: 550 Stop, RELAYCLIENT: null}}}",
        "  clients: {'192.0.2.1-192.0.2.20': {relays: true}, '2001:db8::-2001:db8::ff': {relays: false}}",
        "  listeners: {submission: {enabled: true, needs_tls: true, needs_login: true, clear_login: false}}",
        "  listeners: {smtps: {enabled: false, needs_tls: true}, imap: {enabled: false}}",
        "  logins: {clara@shop.example: {sends_as: clara@shop.example, not_as: [boss@example.net]}}",
        "  domains: {example.org: local, shop.example: hosted, far.example: backup, other.example: refused}",
        "  routes: {away.example: {via: MX.away.example, port: 2525, security: required, login: false}}",
        "  routes: {the rest: {domain: other.example, via: smart.example.net, security: none, login: us}}",
        "  notices: {anna@example.org: anna, x@other.example: false}",
        "  notices: {lost bounces: {sender: <>, told: postmaster}, <>: postmaster@mx.example.org}",
        "  mailboxes: {clara@shop.example: {quota: 1G, messages: 500}, anna: {quota: false}}",
    ],
)
def test_what_holds_passes(tests: str) -> None:
    assert failures(tests, SITE) == []


@pytest.mark.parametrize(
    ("tests", "says"),
    [
        (
            "  mail: {sales@example.org: anna}",
            "but it reaches anna, ext@far.example; decided by aliases.sales (site.yaml:11:11)",
        ),
        ("  mail: {anna@example.org: [anna, boris]}", "expected it to reach anna, boris, but it reaches anna"),
        ("  mail: {x@other.example: x@other.example}", "but it is refused: 513 Relaying denied."),
        (
            "  mail: {nobody@example.org: {refused: 513}}",
            "expected refusal with 513, but it is refused: 550 User <nobody>",
        ),
        ("  mail: {anna@example.org: {refused: Relaying}}", "expected refusal with 'Relaying', but it reaches anna"),
        ("  mail: {anna@example.org: {delivered: false}}", "expected refusal, but it reaches anna"),
        ("  clients: {192.0.2.0/24: {relays: true}}", "but 192.0.2.255 may not: 513 Relaying denied."),
        ("  clients: {192.0.2.1: {relays: false}}", "but 192.0.2.1 may relay; decided by access.192.0.2.0/24"),
        (
            "  clients: {203.0.113.0/24: {denied: false}}",
            "but 203.0.113.9 is turned away; decided by access.203.0.113.9",
        ),
        ("  clients: {203.0.113.7: {denied: true}}", "expected denial, but 203.0.113.7 may connect"),
        ("  clients: {203.0.113.8: {set: {BLOCK: no}}}", "expected BLOCK to be no, but for 203.0.113.8 it is 550 Stop"),
        ("  clients: {203.0.113.7: {set: {BLOCK: no}}}", "but for 203.0.113.7 it is not set"),
        ("  listeners: {smtp: {needs_tls: true}}", "expected needs_tls: true, but it is false"),
        ("  listeners: {submission: {needs_tls: false}}", "decided by listeners.submission.require_tls"),
        ("  logins: {anna: {sends_as: boss@example.net}}", "decided by policy.deny_senders.0"),
        ("  logins: {boris: {sends_as: boris}}", "but it is refused: 535 Authentication failed."),
        ("  domains: {far.example: hosted}", "expected kind hosted, but it is backup; decided by domains.far.example"),
        ("  routes: {away.example: {port: 25}}", "expected port 25, but it is 2525; decided by routes.away.example"),
        ("  routes: {other.example: {direct: true}}", "decided by smarthost"),
        ("  routes: {example.org: smart.example.net}", "expected mail to leave, but example.org is local"),
        ("  notices: {x@other.example: x@other.example}", "but notices to x@other.example are dropped"),
        ("  notices: {x@other.example: {client: 203.0.113.9, told: x@other.example}}", "but there is none"),
        ("  mailboxes: {clara@shop.example: 2G}", "expected quota 2147483648, but it is 1073741824"),
        ("  mailboxes: {nobody: 2G}", "expected an account, but there is no account nobody"),
    ],
)
def test_what_does_not_hold_is_told_with_what_decides(tests: str, says: str) -> None:
    found = failures(tests, SITE)
    assert len(found) == 1
    assert says in found[0]


def test_a_failure_stands_at_its_test() -> None:
    (outcome,) = outcomes("  mail:\n    anna@example.org: boris\n")
    (problem,) = outcome.problems()
    assert problem.id == "test-failed"
    assert problem.path == ("tests", "mail", "anna@example.org")
    assert str(problem.mark) == "site.yaml:13:5"
