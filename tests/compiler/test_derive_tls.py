"""From tls and sending_tls to the TLS settings of every file."""

from __future__ import annotations

import pytest

from compiler.resolving import ids, said_of, understand
from courier_compiler.derive._tls import gnutls_priority

SERVERS = ("esmtpd", "esmtpd-ssl", "imapd-ssl", "pop3d-ssl")


@pytest.mark.parametrize("file", SERVERS)
@pytest.mark.parametrize(
    ("said", "name", "value"),
    [
        ("certificate: /a.pem", "TLS_CERTFILE", "/a.pem"),
        ("key: /a.key", "TLS_PRIVATE_KEYFILE", "/a.key"),
        ("dh_parameters: /dh.pem", "TLS_DHPARAMS", "/dh.pem"),
        ("ciphers: HIGH", "TLS_CIPHER_LIST", "HIGH"),
        ("trust: /ca.pem", "TLS_TRUSTCERTS", "/ca.pem"),
        ("verify_clients: none", "TLS_VERIFYPEER", "NONE"),
        ("verify_clients: optional", "TLS_VERIFYPEER", "PEER"),
        ("verify_clients: required", "TLS_VERIFYPEER", "REQUIREPEER"),
        ("login_field: emailaddress", "TLS_EXTERNAL", "emailaddress"),
        ("minimum: '1.2'", "TLS_PRIORITY", "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"),
        ("priority: 'SECURE256', minimum: '1.0'", "TLS_PRIORITY", "SECURE256"),
    ],
)
def test_rules_for_all_listeners_stand_in_every_file_with_tls(file: str, said: str, name: str, value: str) -> None:
    assert said_of(f"tls: {{{said}}}", file, name) == {name: value}


def test_submission_has_its_rules_from_the_file_that_is_read_before() -> None:
    assert said_of("tls: {certificate: /a.pem}", "esmtpd-msa", "TLS_CERTFILE") == {"TLS_CERTFILE": None}


@pytest.mark.parametrize(
    ("listener", "file"),
    [
        ("smtp", "esmtpd"),
        ("submission", "esmtpd-msa"),
        ("smtps", "esmtpd-ssl"),
        ("imap", "imapd-ssl"),
        ("imaps", "imapd-ssl"),
        ("pop3", "pop3d-ssl"),
        ("pop3s", "pop3d-ssl"),
    ],
)
def test_a_listener_wins_over_the_rules_for_all(listener: str, file: str) -> None:
    text = (
        f"tls: {{certificate: /all.pem, key: /all.key}}\nlisteners: {{{listener}: {{tls: {{certificate: /own.pem}}}}}}"
    )
    assert said_of(text, file, "TLS_CERTFILE") == {"TLS_CERTFILE": "/own.pem"}


@pytest.mark.parametrize(
    ("oldest", "priority"),
    [
        ("1.0", "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:+VERS-TLS1.1:+VERS-TLS1.0"),
        ("1.1", "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:+VERS-TLS1.1"),
        ("1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"),
        ("1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3"),
    ],
)
def test_gnutls_is_told_every_version_from_the_oldest_on(oldest: str, priority: str) -> None:
    assert gnutls_priority(oldest) == priority


@pytest.mark.parametrize(("oldest", "protocol"), [("1.0", "TLSv1"), ("1.1", "TLSv1.1"), ("1.2", "TLSv1.2")])
def test_openssl_is_told_the_oldest_version(oldest: str, protocol: str) -> None:
    text = f"profile: upstream-2.0\ntls: {{minimum: '{oldest}'}}\nsending_tls: {{minimum: '{oldest}'}}"
    for file in (*SERVERS, "courierd"):
        assert said_of(text, file, "TLS_PROTOCOL", "TLS_PRIORITY") == {"TLS_PROTOCOL": protocol, "TLS_PRIORITY": None}


def test_openssl_cannot_be_told_to_refuse_tls_1_2() -> None:
    _, problems = understand("profile: upstream-2.0\ntls: {minimum: '1.3'}")
    assert ids(problems) == ["not-in-target"]
    assert problems[0].path == ("tls", "minimum")
    assert "cannot refuse TLS 1.2" in problems[0].says


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        ("enabled: false", {"ESMTP_USE_STARTTLS": "0"}),
        ("verify: true", {"ESMTP_TLS_VERIFY_DOMAIN": "1", "TLS_VERIFYPEER": "PEER"}),
        ("verify: false", {"ESMTP_TLS_VERIFY_DOMAIN": "0", "TLS_VERIFYPEER": "NONE"}),
        ("trust: /ca.pem", {"TLS_TRUSTCERTS": "/ca.pem"}),
        ("security_trust: /own.pem", {"TLS_TRUSTSECURITYCERTS": "/own.pem"}),
        ("certificate: /a.pem, key: /a.key", {"TLS_CERTFILE": "/a.pem", "TLS_PRIVATE_KEYFILE": "/a.key"}),
        ("minimum: '1.3'", {"TLS_PRIORITY": "NORMAL:-VERS-ALL:+VERS-TLS1.3"}),
        ("priority: SECURE128", {"TLS_PRIORITY": "SECURE128"}),
    ],
)
def test_rules_for_sending_stand_in_courierd(said: str, settings: dict[str, str]) -> None:
    assert said_of(f"sending_tls: {{{said}}}", "courierd", *settings) == settings


def test_rules_for_listeners_and_for_sending_do_not_mix() -> None:
    text = "tls: {certificate: /in.pem}\nsending_tls: {certificate: /out.pem}"
    assert said_of(text, "esmtpd", "TLS_CERTFILE") == {"TLS_CERTFILE": "/in.pem"}
    assert said_of(text, "courierd", "TLS_CERTFILE") == {"TLS_CERTFILE": "/out.pem"}
