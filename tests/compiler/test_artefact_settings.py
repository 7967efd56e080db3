"""Settings files as they are built: contents, reasons, who may read them, and who has to start anew."""

from __future__ import annotations

from compiler.resolving import built
from courier_compiler.artefact import Artefact, Daemon
from courier_compiler.origin import Kind
from courier_schema.legacy.formats import shell
from courier_schema.legacy.formats.source import Source

EVERYWHERE = {
    "courierd", "esmtpd", "esmtpd-msa", "esmtpd-ssl", "imapd", "imapd-ssl", "pop3d", "pop3d-ssl", "authdaemonrc",
}  # fmt: skip


def artefacts(text: str, secrets: dict[str, str] | None = None) -> dict[str, Artefact]:
    """Artefacts by name in the configuration directory."""
    return {artefact.path.removeprefix("etc/courier/"): artefact for artefact in built(text, secrets).artefacts}


def assignments(artefact: Artefact) -> dict[str, str]:
    """What a shell file assigns."""
    parsed = shell.parse(Source(artefact.path, artefact.content))
    assert not parsed.problems
    return dict(parsed.assignments)


def test_every_host_has_the_files_of_the_mail_server_and_of_its_mailbox_servers() -> None:
    assert set(artefacts("listeners: {}")) >= EVERYWHERE


def test_every_assignment_has_a_reason_and_every_reason_an_assignment() -> None:
    made = artefacts("listeners: {smtp: {tarpit: false, tls: {key: /a.key}}, imaps: {max_connections: 3}}")
    for name in EVERYWHERE:
        assert set(made[name].origins) - {"SYSLOCALE_LINE"} == set(assignments(made[name])), name


def test_a_setting_without_a_place_in_the_release_s_file_is_assigned_all_the_same() -> None:
    made = artefacts(
        "tls: {key: /a.key}\nlisteners: {imaps: {max_connections: 3}}\nenvironment: {imapd: {OFFICE: a b}}"
    )
    assert assignments(made["esmtpd"])["TLS_PRIVATE_KEYFILE"] == "/a.key"
    assert assignments(made["imapd-ssl"])["MAXDAEMONS"] == "3"
    assert assignments(made["imapd"])["OFFICE"] == "a b"
    assert made["imapd"].origins["OFFICE"].kind is Kind.SAID


def test_limits_are_never_empty() -> None:
    made = artefacts("listeners: {}")
    for name in ("esmtpd", "esmtpd-msa", "esmtpd-ssl"):
        limits = {"MAXDAEMONS", "MAXPERC", "MAXPERIP"}
        assert all(assignments(made[name])[limit].isdecimal() for limit in limits), name
    for name in ("imapd", "pop3d"):
        assert all(assignments(made[name])[limit].isdecimal() for limit in ("MAXDAEMONS", "MAXPERIP")), name


def test_announced_capabilities_are_written_out() -> None:
    made = assignments(artefacts("listeners: {imap: {auth: [CRAM-MD5]}}")["imapd"])
    assert made["IMAP_CAPABILITY_TLS"] == f"{made['IMAP_CAPABILITY']} AUTH=PLAIN"


def test_files_with_passwords_are_secret_and_closed_to_others() -> None:
    text = (
        "auth: {mysql: {server: db, password: a}, postgresql: {connection: host=db}, "
        "ldap: {uri: ['ldap://a'], base: 'dc=a', bind_dn: 'cn=a', bind_password: {from_file: pw}}}\n"
        "ldap_aliases: {uri: ['ldap://a'], base: 'dc=a', bind_dn: 'cn=a', bind_password: b}"
    )
    made = artefacts(text, {"pw": "hush"})
    for name in ("authmysqlrc", "authpgsqlrc", "authldaprc", "ldapaliasrc"):
        assert made[name].secret, name
        assert made[name].mode & 0o007 == 0, name


def test_a_password_under_settings_closes_a_file_that_the_target_leaves_open() -> None:
    text = "profile: %s\nauth: {mysql: {server: db, password: a}}"
    for profile in ("debian-12", "upstream-2.0"):
        [file] = [artefact for artefact in built(text % profile).artefacts if artefact.path.endswith("authmysqlrc")]
        assert (file.secret, file.mode & 0o007) == (True, 0), profile


def test_files_without_passwords_keep_the_permissions_of_the_target() -> None:
    made = artefacts("auth: {sqlite: {database: /srv/users.db}}")
    assert (made["courierd"].mode, made["courierd"].owner, made["courierd"].secret) == (0o644, "root", False)
    assert (made["authsqliterc"].mode, made["authsqliterc"].secret) == (0o644, False)


def test_files_of_the_authentication_library_lie_in_its_directory() -> None:
    paths = {artefact.path for artefact in built("profile: upstream-2.0\nauth: {pam: true}").artefacts}
    assert "usr/local/etc/authlib/authdaemonrc" in paths
    assert "usr/lib/courier/etc/esmtpd" in paths


def test_daemons_that_read_a_file_at_their_start_are_touched_by_it() -> None:
    made = artefacts("auth: {sqlite: {database: /srv/users.db}}\nwebmail: {}")
    smtp = {Daemon.ESMTPD, Daemon.ESMTPD_MSA, Daemon.ESMTPD_SSL}
    expected = {
        "courierd": {Daemon.COURIERD, Daemon.COURIERFILTER},
        "esmtpd": smtp,
        "esmtpd-msa": {Daemon.ESMTPD_MSA},
        "esmtpd-ssl": {Daemon.ESMTPD_SSL},
        "imapd": {Daemon.IMAPD, Daemon.IMAPD_SSL},
        "imapd-ssl": {Daemon.IMAPD, Daemon.IMAPD_SSL},
        "pop3d": {Daemon.POP3D, Daemon.POP3D_SSL},
        "pop3d-ssl": {Daemon.POP3D, Daemon.POP3D_SSL},
        "authdaemonrc": {Daemon.AUTHDAEMOND},
        "authsqliterc": set(),
        "sqwebmaild": {Daemon.WEBMAILD},
    }
    assert {name: set(made[name].touches) for name in expected} == expected


def test_a_secret_that_a_keyword_file_cannot_hold_is_a_problem_at_its_place() -> None:
    found = built("auth: {mysql: {server: db, password: {from_file: pw}}}", {"pw": " two"})
    [problem] = [problem for problem in found.problems if problem.id == "unusable-secret"]
    assert problem.path == ("auth", "mysql", "password")
    assert "two" not in str(problem)
