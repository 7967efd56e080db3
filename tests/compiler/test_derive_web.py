"""From webmail, webadmin, mailing_lists, fax and ldap_aliases to their daemons' files and files of one value."""

from __future__ import annotations

import pytest

from compiler.resolving import UNSET, decided, files, in_force, said_of


@pytest.mark.parametrize(
    ("said", "name", "value"),
    [
        ("processes: 9", "SQWEBMAIL_PREFORK", "9"),
        ("idle_timeout: 600", "SQWEBMAIL_TIMEOUTSOFT", "600"),
        ("session_timeout: 7200", "SQWEBMAIL_TIMEOUTHARD", "7200"),
        ("max_message_size: 30M", "SQWEBMAIL_MAXMSGSIZE", "31457280"),
        ("max_attachment_size: 5000000", "SQWEBMAIL_MAXATTSIZE", "5000000"),
        ("banner_program: /opt/banner", "SQWEBMAIL_BANNERPROG", "/opt/banner"),
    ],
)
def test_webmail_as_its_daemon_reads_it(said: str, name: str, value: str) -> None:
    assert said_of(f"webmail: {{{said}}}", "sqwebmaild", name) == {name: value}


@pytest.mark.parametrize(
    ("said", "name", "value"),
    [
        ("calendar: net", "calendarmode", "net"),
        ("calendar: 'off'", "calendarmode", None),
        ("filter_file: ../.mailfilter", "maildirfilterconfig", "MAILDIRFILTER=../.mailfilter"),
        ("filter_maildir: ./Maildir", "maildirfilterconfig", "MAILDIR=./Maildir"),
        ("filter_file: a, filter_maildir: b", "maildirfilterconfig", "MAILDIRFILTER=a\nMAILDIR=b"),
        ("autoreplies: {count: 3}", "autoresponsesquota", "C3"),
        ("autoreplies: {count: 3, size: 1K}", "autoresponsesquota", "C3S1024"),
        ("name_charset: utf-8", "authcharset", "utf-8"),
        ("host_name: web.example.org", "hostname", "web.example.org"),
        ("dictionary: english", "ispelldict", "english"),
    ],
)
def test_webmail_in_files_of_one_value(said: str, name: str, value: str | None) -> None:
    assert said_of(f"webmail: {{{said}}}", "control", name) == {name: value}


def test_a_host_without_webmail_has_no_file_for_it() -> None:
    for text in ("webmail: {enabled: false}", "queue: {}"):
        assert "sqwebmaild" not in in_force(text).settings


def test_webmail_sees_the_index_of_shared_folders() -> None:
    text = "webmail: {}\ndelivery: {shared_index: 'x'}"
    assert said_of(text, "sqwebmaild", "SQWEBMAIL_SHAREDINDEXFILE") == {
        "SQWEBMAIL_SHAREDINDEXFILE": "/etc/courier/shared/index"
    }


@pytest.mark.parametrize(
    ("said", "name", "value"),
    [
        ("plain_http: true", "webadmin/unsecureok", ""),
        ("plain_http: false", "webadmin/unsecureok", None),
        ("plain_http: [127.0.0.1, '::1']", "webadmin/unsecureok", "127.0.0.1 ::1"),
        ("restart_command: /opt/restart", "webadmin/restartcmd", "/opt/restart"),
        ("auth_restart_command: /opt/auth", "webadmin/restartauthcmd", "/opt/auth"),
    ],
)
def test_web_administration(said: str, name: str, value: str | None) -> None:
    assert said_of(f"webadmin: {{{said}}}", "control", name) == {name: value}


def test_an_empty_list_of_addresses_is_an_empty_file() -> None:
    assert files("webadmin: {plain_http: true}")["webadmin/unsecureok"] == ""


def test_the_password_of_web_administration_is_in_its_file_only() -> None:
    made = files("webadmin: {password: open sesame}")
    assert [name for name, text in made.items() if "open sesame" in text] == ["webadmin/password"]
    assert made["webadmin/password"] == "open sesame\n"


LIST = "{directory: /srv/lists/%s, address: %s@example.org, owner: anna, web: %s}"


def test_lists_with_pages_are_served_by_their_daemon() -> None:
    entries = ", ".join(
        f"{name}: {LIST % (name, name, web)}" for name, web in (("a", "true"), ("b", "false"), ("c", "true"))
    )
    text = f"mailing_lists: {{socket: /run/webmlm, processes: 2, lists: {{{entries}}}}}"
    assert decided(in_force(text), "webmlmrc") == {
        "PORT": "/run/webmlm",
        "PREFORK": "2",
        "LISTS": "/srv/lists/a:/srv/lists/c",
    }


def test_a_host_whose_lists_have_no_pages_has_no_file_for_them() -> None:
    text = f"mailing_lists: {{lists: {{a: {LIST % ('a', 'a', 'false')}}}}}"
    assert "webmlmrc" not in in_force(text).settings


def test_received_faxes() -> None:
    said = "recipient: fax@example.org, sender: '', from_header: Fax, to_header: Us, subject: A fax, delete: false"
    assert decided(in_force(f"fax: {{notify: {{{said}}}}}"), "faxnotifyrc") == {
        "RCPTTO": "fax@example.org",
        "MAILFROM": "",
        "FROMHDR": "Fax",
        "TOHDR": "Us",
        "SUBJECTHDR": "A fax",
        "DODELETE": "0",
    }
    assert "faxnotifyrc" not in in_force("fax: {}").settings


def test_aliases_in_a_directory() -> None:
    said = (
        "uri: ['ldap://a.example.org'], base: 'dc=example', mail: alias, maildrop: to, virtual_domain: vd, "
        "virtual_user: vu, processes: 3"
    )
    assert decided(in_force(f"ldap_aliases: {{{said}}}"), "ldapaliasrc") == {
        "LDAP_ALIAS": "1",
        "LDAP_URI": "ldap://a.example.org",
        "LDAP_BASEDN": "dc=example",
        "LDAP_BINDDN": UNSET,
        "LDAP_BINDPW": UNSET,
        "LDAP_MAIL": "alias",
        "LDAP_MAILDROP": "to",
        "LDAP_VDOMAIN": "vd",
        "LDAP_VUSER": "vu",
        "LDAP_NUMPROCS": "3",
    }


def test_the_name_to_bind_as_and_its_password() -> None:
    text = "ldap_aliases: {uri: ['ldap://a.example.org'], base: 'dc=x', bind_dn: 'cn=r', bind_password: pw}"
    lines = files(text)["ldapaliasrc"].splitlines()
    assert {"LDAP_BINDDN\tcn=r", "LDAP_BINDPW\tpw"} <= set(lines)
