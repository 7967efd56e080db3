"""Faxes of both servers: the same numbers are taken, and converters and sendfax are given the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from dialogue.zone import parse_zone
from real.courier_host import eventually
from real.machine import Exchange
from real.mail_host import MailHost
from real.self_checks import both_running, site
from real.test_local_smtp import DNS, general

SITE = """\
fax:
  rules:
    - {rewrite: "1 9$9", prefix: true}
    - {accept: "nnnnnnn local"}
    - {accept: "9nn local"}
    - {accept: "n.n local"}
    - {accept: "8 esmtp", prefix: true}
    - {reject: "5559999 local"}
"""
RECORD = """#!/bin/sh
# Tells what a converter, or sendfax, is given; the directory has another name at each server.
{ echo "$(basename "$0")"
  for word in "$@"; do echo "<$(basename "$word")>"; done
  env | grep -E '^(FROM|TO|SUBJECT|FAXRES|PAGES)=' | sort
  cat; echo
} >> /tmp/fax
"""
ONE_PAGE = f'{RECORD}echo page > "$1/page.g3"\n'
TWO_PAGES = f'{ONE_PAGE}echo other > "$1/qage.g3"\n'
CONVERTERS = "/usr/lib/courier/faxmail"
SENDFAX = "/usr/sbin/sendfax"
HEAD = (
    "From: Anna Berg <anna@example.org>\nTo: Joe <j@x.example>, k@x.example\nCc: =?utf-8?q?Z=C3=B6e?= <z@x.example>\n"
)
PLAIN = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nsch=C3=B6n\n"
SCRIPT = "Content-Type: application/postscript\nContent-Transfer-Encoding: base64\n\nJSFQUwo=\n"
ODD = "Content-Type: application/x-odd\n\nodd\n"
HTML = "Content-Type: text/html\n\n<b>bold</b>\n"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, MailHost]]:
    exchange = Exchange(parse_zone(DNS))
    described, addresses = site("smtp", SITE), ("198.18.1.12", "198.18.1.13")
    with both_running(described, addresses, tmp_path_factory.mktemp("fax")) as running:
        for host in running.values():
            host.machine.do("mkdir", "-p", "/var/lib/courier/faxtmp", CONVERTERS)
            host.machine.do("chown", "courier:courier", "/var/lib/courier/faxtmp")
            _install(host, SENDFAX, RECORD)
            _install(host, f"{CONVERTERS}/coverpage", ONE_PAGE)
            for name in ("application-postscript", "text-html", "text-plain"):
                _install(host, f"{CONVERTERS}/{name}.filter", TWO_PAGES)
        yield running
    exchange.close()


def _install(host: MailHost, path: str, script: str) -> None:
    host.machine.path(path).write_text(script)
    host.machine.path(path).chmod(0o755)


def mixed(*parts: str, kind: str = "mixed") -> str:
    inner = "".join(f"--x\n{part}\n" for part in parts)
    return f'{HEAD}Subject: pages\nMime-Version: 1.0\nContent-Type: multipart/{kind}; boundary="x"\n\n{inner}--x--\n'


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("5551234@fax", f"{HEAD}Subject: =?utf-8?q?caf=C3=A9?= x\n\nhello\nworld\n"),
        ("5551234@fax-lowres", f"{HEAD}Subject: low\n\nhello\n"),
        ("5551234@FAX-lowres-ignore", mixed(PLAIN, ODD, SCRIPT)),
        ("1-1@fax", f"{HEAD}\n"),
        ("123@fax", f"{HEAD}{PLAIN}"),
        ("5551234@fax", mixed(PLAIN, SCRIPT, SCRIPT)),
        ("5551234@fax-cover", mixed(PLAIN, SCRIPT, ODD)),
        ("5551234@fax", mixed(SCRIPT, PLAIN)),
        ("5551234@fax", mixed(PLAIN, HTML, kind="alternative")),
        ("5551234@fax", mixed(HTML, SCRIPT, kind="related")),
        ("5551234@fax", mixed(PLAIN, ODD, kind="signed")),
    ],
)
def test_converters_and_sendfax_are_given_the_same(hosts: Mapping[str, MailHost], address: str, text: str) -> None:
    real, ours = (_faxed(hosts[name], address, text) for name in ("courier", "ours"))
    assert "sendfax" in real
    assert ours == real


@pytest.mark.parametrize(
    ("address", "does"),
    [
        ("5551234@fax", "exit 0"),
        ("5551234@fax", "exit 1"),
        ("5551234@fax", "echo a; echo b >&2; exit 3"),
        ("5551234@fax", "kill -9 $$"),
        ("5551234@fax", "exit 10"),
        ("5551234@fax", "echo busy; exit 11"),
        ("5551234@fax", 'rm "$4"; exit 5'),
    ],
)
def test_the_log_tells_the_same_of_sendfax(hosts: Mapping[str, MailHost], address: str, does: str) -> None:
    real, ours = (_logged(hosts[name], address, does) for name in ("courier", "ours"))
    assert real
    assert ours == real


@pytest.mark.parametrize(
    ("does", "text"),
    [("exit 0", mixed(PLAIN, ODD)), ("exit 0", mixed(PLAIN, SCRIPT)), ("echo a; echo b >&2; exit 3", mixed(SCRIPT))],
)
def test_the_log_tells_the_same_of_what_cannot_be_faxed(hosts: Mapping[str, MailHost], does: str, text: str) -> None:
    real, ours = (_refused(hosts[name], does, text) for name in ("courier", "ours"))
    assert len(real) == 2, "why, in one line, and that it failed"
    assert ours == real


@pytest.mark.parametrize(
    "address",
    [
        "5551234@fax", "5551234@fax.", "(555)1234@fax", "555 1234@fax", "555.1234@fax", "555-1234@fax", "+5551234@fax",
        "5559999@fax", "81@fax", "123@fax", "1e1@fax", "1#1@fax", "1w1@fax", "1a1@fax", "1f1@fax", "5551234@fax-LOWRES",
        "5551234@fax-cover-lowres", "55512341@fax", "55_51234@fax",
    ],
)  # fmt: skip
def test_the_same_numbers_are_taken(hosts: Mapping[str, MailHost], address: str) -> None:
    real, ours = (_taken(hosts[name], address) for name in ("courier", "ours"))
    assert ours == real


def _refused(host: MailHost, does: str, text: str) -> list[str]:
    program, before = f"{CONVERTERS}/application-postscript.filter", len(host.machine.log)
    _install(host, program, f"#!/bin/sh\ncat > /dev/null\n{does}\n")

    def said() -> list[str]:
        return [general(line) for line in host.machine.log[before:] if line.startswith("courierfax: ")]

    try:
        assert host.sendmail("-f", "anna", "5551234@fax", text=text).returncode == 0
        assert eventually(lambda: any("status" in line for line in said()))
    finally:
        _install(host, program, TWO_PAGES)
    return said()


def _taken(host: MailHost, address: str) -> tuple[int, bytes, list[str]]:
    before = len(host.machine.log)
    done = host.sendmail("-f", "anna", address, text=f"{HEAD}\nhi\n")

    def started() -> list[str]:
        return [line.split(",module=")[1] for line in host.machine.log[before:] if ",module=" in line]

    if done.returncode == 0:
        assert eventually(started)
        assert eventually(lambda: any("completed" in line for line in host.machine.log[before:]))
    return done.returncode, done.stdout, started()[:1]


def _faxed(host: MailHost, address: str, text: str) -> str:
    told = host.machine.path("/tmp/fax")
    told.unlink(missing_ok=True)
    before = len(host.machine.log)
    assert host.sendmail("-f", "anna", address, text=text).returncode == 0
    assert eventually(lambda: any(line.startswith("courierfax") for line in host.machine.log[before:]))
    outcome = [general(line) for line in host.machine.log[before:] if line.startswith("courierfax")]
    return re.sub(r"\n+", "\n", told.read_text(errors="replace")) + "\n".join(outcome)


def _logged(host: MailHost, address: str, does: str) -> list[str]:
    before = len(host.machine.log)
    _install(host, SENDFAX, f"#!/bin/sh\n{does}\n")

    def said() -> list[str]:
        return [general(line) for line in host.machine.log[before:] if line.startswith("courierfax: ")]

    try:
        assert host.sendmail("-f", "anna", address, text=f"{HEAD}\nhi\n").returncode == 0
        assert eventually(lambda: any("success" in line or "status" in line for line in said()))
    finally:
        _install(host, SENDFAX, RECORD)
    return said()
