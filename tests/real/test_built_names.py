"""The real account library and submit on a built tree: who can log in, and which names take mail."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from compiler.built_sites import resolved_site
from courier_compiler.build import build, manifest
from courier_compiler.tree import write_tree
from courier_schema.source.secrets import FileSecret, FixedSecrets
from real.courier_host import RUN, STATE, CourierHost, eventually

SITE = """
site: example.org
host: {name: mx.example.org, postmaster: anna}
account_defaults: {uid: 65534, gid: 65534, home: "/tmp"}
accounts: {anna: {password: {from_file: anna}, passwords: {smtp: {from_file: smtp}}}, ben: {}}
aliases: {info: anna, gone: nobody-here}
domains:
  example.org: {}
  branch.example: {}
  open.example:
    kind: hosted
    accounts: {clara: {password: {from_file: clara}, cram: true}}
    aliases: {Desk: clara}
    catch_all: clara
  shut.example: {kind: hosted, accounts: {dora: {}}}
  also-open.example: {kind: hosted, alias_of: open.example}
virtual_hosts:
  192.0.2.26:
    default_domain: branch.example
    local_domains: [branch.example]
    accept: [branch.example]
"""
LOCAL_CATCH_ALL = """
site: example.org
host: {name: mx.example.org, postmaster: anna}
account_defaults: {uid: 65534, gid: 65534, home: "/tmp"}
accounts: {anna: {}}
domains:
  example.org: {catch_all: anna}
  branch.example: {}
"""
PASSWORDS = {"anna": "anna's secret", "smtp": "another one", "clara": "clara's secret"}
SUBMIT = "/usr/lib/courier/courier/submit"


def _host(site: str, scratch: Path) -> CourierHost:
    resolved = resolved_site(site)
    secrets = FixedSecrets({FileSecret(name): text for name, text in PASSWORDS.items()})
    built = build(resolved, secrets, "site.yaml")
    assert built.problems == ()
    write_tree(scratch / "tree", built.artefacts, manifest(resolved, built.artefacts))
    host = CourierHost(scratch / "tree")
    host.install(scratch)
    host.start("authdaemond")
    assert eventually((RUN / "authdaemon/socket").exists)
    return host


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CourierHost]:
    host = _host(SITE, tmp_path_factory.mktemp("names"))
    yield host
    host.stop()


def _answer(address: str, virtual_host: str = "") -> str:
    """Where a server's mail for an address goes, or the reply that refuses it."""
    for queued in STATE.rglob("C*"):
        queued.unlink()
    message = f"sender@example.com\n{address}\n\nSubject: test\n\n.\n"
    command = ["runuser", "-u", "courier", "--", SUBMIT]
    command += [f"-vhost={virtual_host}"] if virtual_host else []
    command += ["esmtp", "dns; client (client [192.0.2.1])"]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TCPREMOTEIP": "192.0.2.1", "BOFHCHECKDNS": "0"}
    done = subprocess.run(command, input=message, env=environment, capture_output=True, text=True, check=False)
    reply = done.stdout.splitlines()[1].strip()
    if not reply.startswith("250"):
        return reply
    (control,) = (path for path in STATE.rglob("C*") if path.is_file())
    return next(line[1:] for line in control.read_text().splitlines() if line.startswith("r"))


def _logs_in(login: str, password: str, service: str) -> bool:
    command = ["authtest", "-s", service, login, password]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("address", "recipient"),
    [
        ("anna@example.org", "anna@example.org"),
        ("ANNA@branch.example", "ANNA@branch.example"),
        ("info@example.org", "anna@example.org"),
        ("INFO@branch.example", "anna@example.org"),
        ("postmaster@mx.example.org", "anna@example.org"),
        ("abuse@branch.example", "anna@example.org"),
        ("clara@open.example", "clara@open.example"),
        ("clara@also-open.example", "clara@also-open.example"),
        ("DESK@open.example", "clara@open.example"),
        ("desk@also-open.example", "clara@open.example"),
        ("whoever@open.example", "whoever@open.example"),
        ("who-ever@also-open.example", "who-ever@also-open.example"),
        ("dora@shut.example", "dora@shut.example"),
        ("postmaster@shut.example", "anna@example.org"),
    ],
)
def test_name_of_the_site_takes_mail(names: CourierHost, address: str, recipient: str) -> None:
    assert _answer(address) == recipient


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("whoever@example.org", "550 User <whoever> unknown"),
        ("whoever@shut.example", "550 User <whoever@shut.example> unknown"),
        ("anna@shut.example", "550 User <anna@shut.example> unknown"),
        ("gone@example.org", "550 User <nobody-here> unknown"),
        ("someone@elsewhere.example", "513 Relaying denied."),
    ],
)
def test_name_that_the_site_does_not_have_is_refused(names: CourierHost, address: str, answer: str) -> None:
    assert _answer(address) == answer


def test_virtual_host_finds_the_local_aliases_under_its_own_default_domain(names: CourierHost) -> None:
    assert _answer("info@branch.example", "192.0.2.26") == "anna@branch.example"
    assert _answer("info@example.org", "192.0.2.26") == "513 Relaying denied."
    assert _answer("clara@open.example", "192.0.2.26") == "513 Relaying denied."


@pytest.mark.parametrize(
    ("login", "password", "service", "expected"),
    [
        ("anna", "anna's secret", "imap", True),
        ("anna", "another one", "imap", False),
        ("anna", "another one", "esmtp", True),
        ("anna", "anna's secret", "esmtp", False),
        ("clara@open.example", "clara's secret", "pop3", True),
        ("alias@open.example", "", "imap", False),
        ("ben", "", "imap", False),
    ],
)
def test_login_needs_the_password_of_its_service(
    names: CourierHost, login: str, password: str, service: str, expected: bool
) -> None:
    assert _logs_in(login, password, service) is expected


def test_catch_all_of_local_domains_takes_what_nobody_else_does(tmp_path: Path, names: CourierHost) -> None:
    host = _host(LOCAL_CATCH_ALL, tmp_path)
    try:
        assert _answer("whoever@branch.example") == "whoever@branch.example"
        assert _answer("anna@example.org") == "anna@example.org"
        assert _answer("root@example.org") == "anna@example.org"
    finally:
        host.stop()


def test_mail_for_an_unknown_name_of_a_hosted_domain_is_delivered_by_its_catch_all(
    tmp_path: Path, names: CourierHost
) -> None:
    homes = tmp_path / "homes"
    for directory in (tmp_path, *tmp_path.parents[:-1]):
        directory.chmod(directory.stat().st_mode | 0o055)
    host = _host(SITE.replace("/tmp", f"{homes}/{{user}}"), tmp_path)
    try:
        maildir = host.make_mailbox(homes / "clara", 65534, 65534)
        host.start("courier")
        command = ["sendmail", "-f", "anna@example.org", "whoever@open.example"]
        subprocess.run(command, input=b"Subject: hello\n\n.\n", check=True)
        assert eventually(lambda: any((maildir / "new").iterdir())), host.log.lines[-8:]
        (message,) = (maildir / "new").iterdir()
        assert b"Delivered-To: clara@open.example" in message.read_bytes()
    finally:
        host.stop()
