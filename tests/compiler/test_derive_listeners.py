"""From listeners to esmtpd, esmtpd-msa, esmtpd-ssl, imapd, imapd-ssl, pop3d and pop3d-ssl."""

from __future__ import annotations

import pytest

from compiler.resolving import decided, ids, in_force, said_of, understand
from courier_compiler.derive._listeners import address_and_ports
from courier_schema.report import Severity

STARTS = {
    "smtp": ("esmtpd", "ESMTPDSTART"),
    "submission": ("esmtpd-msa", "ESMTPDSTART"),
    "smtps": ("esmtpd-ssl", "ESMTPDSSLSTART"),
    "imap": ("imapd", "IMAPDSTART"),
    "imaps": ("imapd-ssl", "IMAPDSSLSTART"),
    "pop3": ("pop3d", "POP3DSTART"),
    "pop3s": ("pop3d-ssl", "POP3DSSLSTART"),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_listener_that_is_named_starts_and_all_others_do_not(name: str) -> None:
    resolved = in_force(f"listeners: {{{name}: {{}}}}")
    starts = {listener: decided(resolved, file)[setting] for listener, (file, setting) in STARTS.items()}
    assert starts == dict.fromkeys(STARTS, "NO") | {name: "YES"}


def test_a_listener_that_is_named_but_switched_off_does_not_start() -> None:
    text = "listeners: {smtp: {enabled: false, tarpit: false}}"
    assert said_of(text, "esmtpd", "ESMTPDSTART", "TARPIT") == {"ESMTPDSTART": "NO", "TARPIT": "0"}


@pytest.mark.parametrize(
    ("on", "address", "ports"),
    [
        (["*:25"], "0", ("25",)),
        (["25"], "0", ("25",)),
        (["[::]:25"], "0", ("25",)),
        (["0.0.0.0:25"], "0.0.0.0", ("25",)),
        (["192.0.2.1:25"], "192.0.2.1", ("25",)),
        (["[2001:db8::1]:25"], "2001:db8::1", ("25",)),
        (["192.0.2.1:25", "192.0.2.1:26"], "192.0.2.1", ("25", "26")),
        (["*:25", "*:26"], "0", ("25", "26")),
        (["192.0.2.1:25", "[2001:db8::1]:25"], "0", ("192.0.2.1.25", "2001:db8::1.25")),
        (["*:25", "192.0.2.1:26"], "0", ("25", "192.0.2.1.26")),
        (["0.0.0.0:25", "[::]:25"], "0", ("25",)),
        (["*:25", "127.0.0.1:25", "[::1]:25"], "0", ("25",)),
        (["0.0.0.0:25", "127.0.0.1:25", "[::1]:25"], "0", ("0.0.0.0.25", "::1.25")),
    ],
)
def test_endpoints_become_one_address_and_ports_or_ports_with_addresses(
    on: list[str], address: str, ports: tuple[str, ...]
) -> None:
    assert address_and_ports(on) == (address, ports)


@pytest.mark.parametrize(
    ("name", "file", "address", "port"),
    [
        ("smtp", "esmtpd", "ADDRESS", "PORT"),
        ("submission", "esmtpd-msa", "ADDRESS", "PORT"),
        ("smtps", "esmtpd-ssl", "SSLADDRESS", "SSLPORT"),
        ("imap", "imapd", "ADDRESS", "PORT"),
        ("imaps", "imapd-ssl", "SSLADDRESS", "SSLPORT"),
        ("pop3", "pop3d", "ADDRESS", "PORT"),
        ("pop3s", "pop3d-ssl", "SSLADDRESS", "SSLPORT"),
    ],
)
def test_every_listener_listens_where_it_is_told(name: str, file: str, address: str, port: str) -> None:
    text = f"listeners: {{{name}: {{on: ['192.0.2.1:2000']}}}}"
    assert said_of(text, file, address, port) == {address: "192.0.2.1", port: "2000"}


def test_submission_says_its_own_port_because_it_would_have_that_of_smtp() -> None:
    text = "listeners: {smtp: {on: ['192.0.2.1:25']}, submission: {}}"
    assert said_of(text, "esmtpd-msa", "ADDRESS", "PORT") == {"ADDRESS": "0", "PORT": "587"}


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        ("max_connections: 7", {"MAXDAEMONS": "7"}),
        ("max_per_address: 7", {"MAXPERIP": "7"}),
        ("max_per_network: 7", {"MAXPERC": "7"}),
        ("require_tls: true", {"ESMTP_TLS_REQUIRED": "1"}),
        ("require_auth: false", {"AUTH_REQUIRED": "0"}),
        ("auth: [LOGIN, CRAM-MD5]", {"ESMTPAUTH": "LOGIN CRAM-MD5"}),
        ("auth_tls: [PLAIN]", {"ESMTPAUTH_TLS": "PLAIN"}),
        ("check_sender_domain: false", {"BOFHCHECKDNS": "0"}),
        ("vrfy: true", {"BOFHNOVRFY": "0"}),
        ("expn: false", {"BOFHNOEXPN": "1"}),
        ("tarpit: false", {"TARPIT": "0"}),
        ("add_message_id: true", {"NOADDMSGID": "0"}),
        ("add_date: false", {"NOADDDATE": "1"}),
        ("log_dialog: true", {"ESMTP_LOG_DIALOG": "1"}),
        ("tls: {certificate: /etc/ssl/a.pem}", {"TLS_CERTFILE": "/etc/ssl/a.pem"}),
    ],
)
@pytest.mark.parametrize(("name", "file"), [("smtp", "esmtpd"), ("submission", "esmtpd-msa"), ("smtps", "esmtpd-ssl")])
def test_what_a_smtp_listener_says_stands_in_its_own_file(
    name: str, file: str, said: str, settings: dict[str, str]
) -> None:
    assert said_of(f"listeners: {{{name}: {{{said}}}}}", file, *settings) == settings


@pytest.mark.parametrize("name", ["submission", "smtps"])
def test_a_listener_for_users_wants_logins_and_takes_passwords_under_tls_only(name: str) -> None:
    file = STARTS[name][0]
    found = said_of(f"listeners: {{{name}: {{}}}}", file, "AUTH_REQUIRED", "ESMTPAUTH", "ESMTPAUTH_TLS")
    assert found == {"AUTH_REQUIRED": "1", "ESMTPAUTH": "", "ESMTPAUTH_TLS": "PLAIN LOGIN"}


def test_port_25_offers_no_login_unless_the_site_says_so() -> None:
    nothing = {"ESMTPAUTH": None, "ESMTPAUTH_TLS": None, "AUTH_REQUIRED": None}
    assert said_of("listeners: {smtp: {}}", "esmtpd", *nothing) == nothing


def test_what_is_offered_in_clear_text_is_offered_under_tls_as_well() -> None:
    smtp = said_of("listeners: {submission: {auth: [CRAM-MD5]}}", "esmtpd-msa", "ESMTPAUTH", "ESMTPAUTH_TLS")
    assert smtp == {"ESMTPAUTH": "CRAM-MD5", "ESMTPAUTH_TLS": "PLAIN LOGIN CRAM-MD5"}
    pop3 = said_of("listeners: {pop3: {auth: [CRAM-MD5]}}", "pop3d", "POP3AUTH", "POP3AUTH_TLS")
    assert pop3 == {"POP3AUTH": "CRAM-MD5", "POP3AUTH_TLS": "PLAIN LOGIN CRAM-MD5"}


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("smtp: {auth: [PLAIN], auth_tls: []}", "smtp.auth_tls"),
        ("pop3: {auth: [PLAIN], auth_tls: []}", "pop3.auth_tls"),
        ("imaps: {starttls: true}", "imaps.starttls"),
        ("pop3s: {require_tls: false}", "pop3s.require_tls"),
    ],
)
def test_what_no_courier_can_do_is_a_warning(said: str, path: str) -> None:
    _, problems = understand(f"listeners: {{{said}}}")
    assert ids(problems) == ["not-in-target"]
    assert problems[0].path == ("listeners", *path.split("."))
    assert problems[0].severity is Severity.WARNING


def test_what_smtp_says_of_itself_is_taken_back_for_the_other_two_where_their_files_would_inherit_it() -> None:
    text = "listeners: {smtp: {tarpit: false, expn: true, require_tls: true}, submission: {expn: false}, smtps: {}}"
    msa = said_of(text, "esmtpd-msa", "TARPIT", "BOFHNOEXPN", "ESMTP_TLS_REQUIRED")
    assert msa == {"TARPIT": "1", "BOFHNOEXPN": "1", "ESMTP_TLS_REQUIRED": "0"}
    ssl = said_of(text, "esmtpd-ssl", "TARPIT", "ESMTP_TLS_REQUIRED")
    assert ssl == {"TARPIT": None, "ESMTP_TLS_REQUIRED": "0"}


@pytest.mark.parametrize(
    ("submission", "read_from"), [("", "/etc/courier/esmtpd.pem"), ("tls: {certificate: /own.pem}", "/own.pem")]
)
def test_a_key_of_smtp_alone_is_taken_back_by_naming_the_certificate_that_holds_the_others(
    submission: str, read_from: str
) -> None:
    text = f"listeners: {{smtp: {{tls: {{certificate: /mx.pem, key: /mx.key}}}}, submission: {{{submission}}}}}"
    assert said_of(text, "esmtpd", "TLS_PRIVATE_KEYFILE") == {"TLS_PRIVATE_KEYFILE": "/mx.key"}
    assert said_of(text, "esmtpd-msa", "TLS_PRIVATE_KEYFILE") == {"TLS_PRIVATE_KEYFILE": read_from}


def test_what_is_taken_back_becomes_what_the_site_says_for_all() -> None:
    text = (
        "tls: {certificate: /all.pem}\nlisteners: {smtp: {tls: {certificate: /mx.pem, ciphers: HIGH}}, submission: {}}"
    )
    assert said_of(text, "esmtpd", "TLS_CERTFILE", "TLS_CIPHER_LIST") == {
        "TLS_CERTFILE": "/mx.pem",
        "TLS_CIPHER_LIST": "HIGH",
    }
    assert said_of(text, "esmtpd-msa", "TLS_CERTFILE", "TLS_CIPHER_LIST") == {
        "TLS_CERTFILE": "/all.pem",
        "TLS_CIPHER_LIST": "",
    }


def test_the_table_of_submission_is_named_only_where_it_has_one_of_its_own() -> None:
    own = "listeners: {submission: {}}\nsubmission_access: {10.0.0.0/8: relay}"
    assert said_of(own, "esmtpd-msa", "ACCESSFILE") == {"ACCESSFILE": "/etc/courier/smtpaccess-msa"}
    assert said_of("listeners: {submission: {}}", "esmtpd-msa", "ACCESSFILE") == {"ACCESSFILE": None}


@pytest.mark.parametrize(
    ("protocol", "file", "proxy"), [("imap", "imapd", "IMAP_PROXY"), ("pop3", "pop3d", "POP3_PROXY")]
)
@pytest.mark.parametrize("suffix", ["", "s"])
def test_what_mailbox_listeners_share_may_be_said_by_either(protocol: str, file: str, proxy: str, suffix: str) -> None:
    fields = "default_domain: '@example.org', proxy: true, proxy_name: one.example.org"
    assert said_of(f"listeners: {{{protocol}{suffix}: {{{fields}}}}}", file, "DEFDOMAIN", proxy, "PROXY_HOSTNAME") == {
        "DEFDOMAIN": "@example.org",
        proxy: "1",
        "PROXY_HOSTNAME": "one.example.org",
    }


def test_mailbox_listeners_that_share_a_file_cannot_contradict_each_other() -> None:
    text = "listeners:\n  imap: {default_domain: '@example.org'}\n  imaps: {default_domain: '@example.com'}"
    [problem] = understand(text)[1]
    assert problem.id == "listeners-disagree"
    assert problem.path == ("listeners", "imaps", "default_domain")
    assert str(problem.mark) == "site.yaml:5:11"


def test_mailbox_listeners_may_say_the_same_twice() -> None:
    text = "listeners: {imap: {default_domain: '@example.org'}, imaps: {default_domain: '@example.org'}}"
    assert said_of(text, "imapd", "DEFDOMAIN") == {"DEFDOMAIN": "@example.org"}


@pytest.mark.parametrize(("protocol", "file"), [("imap", "imapd"), ("pop3", "pop3d")])
def test_limits_of_the_two_mailbox_listeners_are_their_own(protocol: str, file: str) -> None:
    text = f"listeners: {{{protocol}: {{max_connections: 9}}, {protocol}s: {{max_per_address: 3}}}}"
    assert said_of(text, file, "MAXDAEMONS", "MAXPERIP") == {"MAXDAEMONS": "9", "MAXPERIP": None}
    assert said_of(text, f"{file}-ssl", "MAXDAEMONS", "MAXPERIP") == {"MAXDAEMONS": "40", "MAXPERIP": "3"}


def test_maildirs_of_the_two_mailbox_listeners_are_their_own() -> None:
    text = "account_defaults: {maildir: Mail}\nlisteners: {imap: {maildir: In}, imaps: {}}"
    assert said_of(text, "imapd", "MAILDIRPATH") == {"MAILDIRPATH": "In"}
    assert said_of(text, "imapd-ssl", "MAILDIRPATH") == {"MAILDIRPATH": "Mail"}


@pytest.mark.parametrize(
    ("protocol", "file", "starttls", "required"),
    [
        ("imap", "imapd-ssl", "IMAPDSTARTTLS", "IMAP_TLS_REQUIRED"),
        ("pop3", "pop3d-ssl", "POP3_STARTTLS", "POP3_TLS_REQUIRED"),
    ],
)
def test_a_mailbox_listener_with_a_certificate_takes_passwords_under_tls_only(
    protocol: str, file: str, starttls: str, required: str
) -> None:
    certificate = "tls: {certificate: /etc/ssl/mx.pem}\n"
    for text, expected in (
        (f"{certificate}listeners: {{{protocol}: {{}}}}", {starttls: None, required: "1"}),
        (f"{certificate}listeners: {{{protocol}: {{require_tls: false}}}}", {starttls: None, required: "0"}),
        (f"{certificate}listeners: {{{protocol}: {{auth: [CRAM-MD5]}}}}", {starttls: None, required: None}),
        (f"{certificate}listeners: {{{protocol}: {{starttls: false}}}}", {starttls: "NO", required: None}),
        (f"listeners: {{{protocol}: {{}}}}", {starttls: None, required: None}),
    ):
        assert said_of(text, file, starttls, required) == expected, text


@pytest.mark.parametrize(
    ("said", "clear", "tls"),
    [
        ("imap: {}", None, None),
        ("imap: {auth: [CRAM-MD5]}", "IDLE AUTH=CRAM-MD5", None),
        ("imaps: {auth_tls: [PLAIN, LOGIN]}", None, "${IMAP_CAPABILITY} AUTH=PLAIN AUTH=LOGIN"),
        (
            "imap: {auth: [CRAM-MD5], auth_tls: [CRAM-MD5, PLAIN]}",
            "IDLE AUTH=CRAM-MD5",
            "${IMAP_CAPABILITY} AUTH=PLAIN",
        ),
        ("imap: {auth: [CRAM-MD5], auth_tls: [PLAIN]}", "IDLE AUTH=CRAM-MD5", "IDLE AUTH=PLAIN"),
    ],
)
def test_imap_announces_login_methods_among_its_capabilities(said: str, clear: str | None, tls: str | None) -> None:
    found = said_of(f"listeners: {{{said}}}", "imapd", "IMAP_CAPABILITY", "IMAP_CAPABILITY_TLS")
    assert [text and text.removeprefix(FEATURES) for text in found.values()] == [clear, tls]


FEATURES = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA "


def test_settings_of_the_file_before_may_be_said_anew_for_the_listener_with_tls() -> None:
    resolved, problems = understand("listeners: {imaps: {}}\nsettings: {imapd-ssl: {MAXDAEMONS: 3, MAXPERIP: x}}")
    assert ids(problems) == ["wrong-setting"]
    assert decided(resolved, "imapd-ssl")["MAXDAEMONS"] == "3"
