"""Listeners, logins and TLS: what is a mistake, and what only looks like one."""

from __future__ import annotations

import pytest

from compiler.checking import ANNA, CERTIFICATE, HASH, HOST, OWNER, found, places, told

SERVED = f"{ANNA}{CERTIFICATE}"


@pytest.mark.parametrize(
    "listeners",
    [
        "smtp: {}, submission: {}, smtps: {}, imap: {}, imaps: {}, pop3: {}, pop3s: {}",
        "smtp: {on: ['192.0.2.1:25']}, submission: {on: ['192.0.2.2:25', '*:587']}",
        "smtp: {on: ['*:25', '*:2525']}",
        "imap: {enabled: false}, submission: {on: ['*:143']}",
        "smtp: {max_connections: 100, max_per_network: 20, max_per_address: 10}",
        "smtp: {auth_tls: [PLAIN]}",
        "submission: {auth: [PLAIN], require_tls: true}",
        "imap: {on: ['127.0.0.1:143'], require_tls: false}",
        "imap: {}, imaps: {}",
    ],
)
def test_these_listeners_are_in_order(listeners: str) -> None:
    assert found(f"{SERVED}listeners: {{{listeners}}}\n") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("smtp: {}", "submission: {on: ['*:25']}"),
        ("smtp: {}", "submission: {on: ['192.0.2.1:25']}"),
        ("smtp: {on: ['192.0.2.1:25']}", "submission: {on: ['192.0.2.1:25']}"),
        ("imaps: {on: ['[::]:993']}", "smtps: {on: ['192.0.2.1:993']}"),
        ("imap: {on: ['*:110']}", "pop3: {}"),
    ],
)
def test_these_listeners_cannot_both_start(one: str, other: str) -> None:
    assert "port-clash" in found(f"{SERVED}listeners: {{{one}, {other}}}\n")


def test_ports_that_settings_say_are_compared_as_well() -> None:
    site = f"{SERVED}listeners: {{smtp: {{}}, imap: {{}}}}\nsettings: {{imapd: {{PORT: [25]}}}}\n"
    assert places(site, "port-clash") == ["settings.imapd.PORT"]


def test_the_usual_limits_of_courier_are_not_the_sites_mistake() -> None:
    assert found(f"{HOST}listeners: {{smtp: {{max_connections: 10}}}}\n") == []


def test_lowering_the_outer_limit_is_as_much_a_mistake_as_raising_the_inner() -> None:
    assert places(f"{HOST}listeners: {{smtp: {{max_connections: 3}}}}\n", "limits-contradict") == [
        "listeners.smtp.max_connections"
    ]


def test_options_of_listeners_depend_on_the_release() -> None:
    site = f"{HOST}listeners: {{smtp: {{}}}}\nsettings: {{esmtpd: {{TCPDOPTS: [-noidentlookup]}}}}\n"
    assert found(site) == []
    assert "listener-option-fatal" in found(f"profile: upstream-2.0\n{site}")


def test_clear_text_logins_are_told_of_each_service() -> None:
    listeners = "listeners: {submission: {auth: [LOGIN]}, pop3: {auth: [PLAIN], require_tls: false}}\n"
    assert sorted(places(f"{SERVED}{listeners}", "login-in-clear")) == [
        "listeners.pop3.auth",
        "listeners.submission.auth",
    ]


def test_challenges_may_cross_the_network_in_clear() -> None:
    account = "accounts: {anna: {cram: true, password: {from_file: secrets/anna}}}\n"
    site = f"{HOST}{OWNER}{account}{CERTIFICATE}listeners: {{submission: {{auth: [CRAM-MD5]}}}}\n"
    assert found(site) == []


@pytest.mark.parametrize(
    ("backend", "able"),
    [
        ("pam: true", False),
        ("ldap: {uri: ['ldaps://l.example.org'], base: dc=x}", False),
        ("ldap: {uri: ['ldaps://l.example.org'], base: dc=x, clear_password: clearPassword}", True),
        ("ldap: {uri: ['ldaps://l.example.org'], base: dc=x, clear_password: c, bind_to_login: true}", False),
        ("sqlite: {database: /srv/a.db}", False),
        ("sqlite: {database: /srv/a.db, columns: {clear_password: clear}}", True),
        ("pipe: {program: /usr/local/bin/accounts}", True),
    ],
)
def test_whether_challenges_can_be_answered_depends_on_the_back_end(backend: str, able: bool) -> None:
    site = f"{HOST}{CERTIFICATE}listeners: {{submission: {{auth_tls: [CRAM-MD5]}}}}\nauth: {{{backend}}}\n"
    assert ("challenge-without-secret" in found(site)) is not able


def test_accounts_without_secret_are_named() -> None:
    accounts = f"accounts: {{anna: {{password: {HASH}}}, berta: {{cram: true, password: {{from_file: b}}}}}}\n"
    site = f"{HOST}{OWNER}{accounts}{CERTIFICATE}listeners: {{submission: {{auth_tls: [CRAM-MD5]}}}}\n"
    assert told(site, "challenge-for-some") == ["submission offers CRAM-MD5, but there is no secret for anna"]


def test_a_certificate_may_be_named_for_one_service_alone() -> None:
    site = f"{ANNA}listeners: {{submission: {{tls: {{certificate: /etc/ssl/mx.pem}}}}}}\n"
    assert found(site) == []
    assert "tls-certificate-unnamed" in found(f"{ANNA}listeners: {{submission: {{}}}}\n")


def test_a_certificate_may_be_named_as_a_setting() -> None:
    site = f"{ANNA}listeners: {{submission: {{}}}}\nsettings: {{esmtpd: {{TLS_CERTFILE: /etc/ssl/mx.pem}}}}\n"
    assert found(site) == []


def test_verified_clients_with_an_authority_of_ones_own_are_fine() -> None:
    tls = "tls: {certificate: /a.pem, trust: /ca.pem, verify_clients: optional, login_field: emailaddress}\n"
    assert found(f"{ANNA}{tls}listeners: {{submission: {{}}, imaps: {{}}}}\n") == []


def test_one_section_is_told_once_however_many_services_share_it() -> None:
    tls = "tls: {certificate: /a.pem, verify_clients: required}\n"
    assert places(f"{ANNA}{tls}listeners: {{submission: {{}}, imaps: {{}}}}\n", "tls-verify-without-trust") == [
        "tls.verify_clients"
    ]


def test_the_library_of_the_target_decides_which_cipher_setting_counts() -> None:
    site = f"{HOST}tls: {{priority: NORMAL}}\n"
    assert found(site) == []
    assert "tls-other-library" in found(f"{HOST}tls: {{ciphers: HIGH}}\n")
