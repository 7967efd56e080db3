"""Variables of a session, decoded once: the client's record over the listener's file over the options of bofh."""

from __future__ import annotations

import pytest

from courier_runtime.mail.envelope import Notify
from courier_runtime.policy.client import Client
from courier_runtime.policy.conduct import Conduct, SpfRules
from courier_schema.legacy.formats.bofh import Bofh

NOTHING = Bofh()


def conduct(**variables: str) -> Conduct:
    return Conduct.of(variables, NOTHING)


def test_nothing_is_granted_by_itself() -> None:
    found = conduct()
    assert (found.relay, found.block, found.fax, found.tarpit, found.checks_dns) == (None, None, False, False, False)
    assert (found.adds_date, found.adds_id, found.header_limit) == (True, True, 100000)
    assert found.suppresses == {"smtp"}


@pytest.mark.parametrize(
    ("text", "is_on"), [("1", True), ("0", False), ("", False), (" 2", True), ("yes", False), ("-1", False)]
)
def test_switches_are_numbers(text: str, is_on: bool) -> None:
    assert conduct(TARPIT=text).tarpit is is_on


def test_options_of_bofh_count_where_nobody_else_says_anything() -> None:
    bofh = Bofh(options={"BOFHCHECKDNS": "1", "BOFHCHECKHELO": "1", "BOFHNOVRFY": "1", "SIZELIMIT": "5"})
    found = Conduct.of({"BOFHCHECKHELO": "2"}, bofh)
    assert (found.checks_dns, found.checks_helo, found.size_limit) == (True, 2, 5)
    assert not found.no_vrfy, "the server does not read this one from bofh"


@pytest.mark.parametrize(("text", "limit"), [("5000", 5000), ("10", 1000), ("many", 1000), ("", 1000)])
def test_the_header_limit_has_a_least_value(text: str, limit: int) -> None:
    assert conduct(BOFHHEADERLIMIT=text).header_limit == limit
    assert conduct().header_limit == 100000


@pytest.mark.parametrize(
    ("text", "sources"),
    [("none", set()), ("smtp,authsmtp", {"smtp", "authsmtp"}), ("smtp authsmtp", {"smtp", "authsmtp"})],
)
def test_sources_whose_failures_are_remembered(text: str, sources: set[str]) -> None:
    assert conduct(BOFHSUPPRESSBACKSCATTER=text).suppresses == sources


def test_sender_policy_is_asked_for_where_results_are_accepted() -> None:
    assert conduct(BOFHSPFHELO="", BOFHSPFMAILFROM="off").spf is None
    found = conduct(
        BOFHSPFMAILFROM="pass, None", BOFHSPFFROM="pass,off", BOFHSPFHARDERROR="fail", BOFHSPFTRUSTME="1"
    ).spf
    assert found == SpfRules(mail_from=frozenset({"pass", "none"}), hard=frozenset({"fail"}), trusts_relays=True)
    assert conduct(BOFHSPFHELO="all").spf == SpfRules(helo=frozenset({"all"}))


def test_defaults_of_the_envelope() -> None:
    found = conduct(DSNNOTIFY="success,FAIL", DSNRET="Hdrs", DSNENVID="x")
    assert (found.notify, found.returns, found.envelope_id) == (Notify.SUCCESS | Notify.FAILURE, "headers", "x")


def test_mechanisms_under_tls_default_to_the_others() -> None:
    assert conduct(ESMTPAUTH="PLAIN LOGIN", ESMTPAUTH_TLS="").mechanisms_under_tls == ("PLAIN", "LOGIN")
    assert conduct(ESMTPAUTH="", ESMTPAUTH_TLS="PLAIN").mechanisms == ()


def test_a_login_brings_its_rights() -> None:
    client = Client("::ffff:192.0.2.1", 1, "", conduct(BLOCK="No", AUTHRELAYCLIENT=".relay"))
    assert (client.source, client.block) == ("smtp", "No")
    client.has_authenticated("bob", "PLAIN")
    assert (client.source, client.block, client.relay, client.may_fax) == ("authsmtp", "", ".relay", True)


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("", "cli ([::ffff:192.0.2.1])"),
        ("softdnserr", "cli ([::ffff:192.0.2.1])"),
        ("mail.example", "cli (mail.example [::ffff:192.0.2.1])"),
    ],
)
def test_the_origin_names_what_is_verified(name: str, origin: str) -> None:
    assert Client("::ffff:192.0.2.1", 1, "", conduct(), name=name, helo="cli").origin == origin
