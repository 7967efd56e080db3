"""What a plan takes for the limits, places and environment of a listener is what the start scripts of Courier 1.0.16
hand to it: they expand some words before they make the environment, from files in another order."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from compiler.resolving import built
from courier_compiler.planning.effects._services import SERVICES, Service
from courier_compiler.planning.sides import Content, Side
from real import namespace

ETC = Path("/etc/courier")
PROGRAMS = (Path("/usr/sbin/couriertcpd"), Path("/usr/sbin/courierlogger"))
FILES = ("esmtpd", "esmtpd-msa", "esmtpd-ssl", "imapd", "imapd-ssl", "pop3d", "pop3d-ssl")
SETTINGS = tuple(
    dict.fromkeys(
        setting
        for service in SERVICES
        for setting in (
            service.port, service.address, "MAXDAEMONS", "MAXPERIP", "MAXPERC", service.auth, service.auth_tls,
            service.tls_required, service.starttls, "COURIERTLS", "TLS_CERTFILE", "TLS_PRIORITY", "TLS_VERIFYPEER",
        )
        if setting
    )
)  # fmt: skip


@pytest.fixture
def side(tmp_path: Path) -> Iterator[Side]:
    """Files that all speak of every setting, each with values of its own, in the place of the machine's."""
    tree = tmp_path / "files"
    tree.mkdir()
    (tree / "access.dat").touch()
    private = f"TLS_CACHEFILE=\nPIDFILE={tree}/pid\nSSLPIDFILE={tree}/pid\nIMAPACCESSFILE={tree}/access\nACCESSFILE=\n"
    for artefact in built("host: {name: mx.example.org}\n").artefacts:
        name = Path(artefact.path).name
        if artefact.path == f"etc/courier/{name}" and name in FILES:
            number = 1000 * (FILES.index(name) + 1)
            said = "".join(f"{setting}={number + at}\n" for at, setting in enumerate(SETTINGS))
            (tree / name).write_bytes(artefact.content + f"{private}{said}".encode())
    namespace.bind(tree, ETC)
    yield Side({name: Content(name, (tree / name).read_bytes()) for name in FILES})
    namespace.release(ETC)


@pytest.fixture
def handed(tmp_path: Path) -> Iterator[Path]:
    """Where the words of couriertcpd are written, and its environment, instead of a listener that starts."""
    stub = tmp_path / "stub"
    stub.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/words\nenv >{tmp_path}/environment\n')
    stub.chmod(0o755)
    for program in PROGRAMS:
        namespace.bind(stub, program)
    yield tmp_path
    for program in PROGRAMS:
        namespace.release(program)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_plan_reads_of_a_listener_what_its_start_script_hands_to_it(
    side: Side, handed: Path, service: Service
) -> None:
    subprocess.run([f"/usr/sbin/{service.own}", "start"], check=True, capture_output=True)
    words = (handed / "words").read_text().splitlines()
    environment = dict(line.split("=", 1) for line in (handed / "environment").read_text().splitlines() if "=" in line)
    read = service.settings(side)
    limits = [f"-maxprocs={read['MAXDAEMONS']}", f"-maxperip={read['MAXPERIP']}"]
    assert {f"-address={read[service.address]}", read[service.port], *limits} <= {*words}
    if service.own.startswith("esmtpd"):
        assert f"-maxperc={read['MAXPERC']}" in words
    in_environment = [service.auth, service.auth_tls, service.tls_required, "TLS_CERTFILE", "TLS_PRIORITY"]
    for setting in filter(None, in_environment):
        assert (setting, read[setting]) == (setting, environment[setting])
    if service.starttls:
        seen = environment.get("IMAP_STARTTLS") or environment["POP3_STARTTLS"]
        assert read[service.starttls] == seen


LOGINS = "/usr/lib/courier/courier"
CLIENT = {
    "TCPREMOTEIP": "::ffff:127.0.0.1", "TCPREMOTEHOST": "localhost", "TCPREMOTEPORT": "1024",
    "TCPLOCALIP": "::ffff:127.0.0.1", "TCPLOCALHOST": "localhost", "TCPLOCALPORT": "25",
    "COURIERTLS": "/usr/bin/couriertls", "TLS_CERTFILE": "/etc/courier/esmtpd.pem",
}  # fmt: skip


@pytest.mark.parametrize(
    ("program", "settings", "asked", "refusal"),
    [
        (
            [f"{LOGINS}/imaplogin", "/bin/true", "Maildir"],
            {"IMAP_STARTTLS": "YES", "IMAP_TLS_REQUIRED": "1", "IMAP_CAPABILITY": "IMAP4rev1 AUTH=CRAM-MD5"},
            "1 AUTHENTICATE CRAM-MD5\r\n2 LOGIN anna secret\r\n3 LOGOUT\r\n",
            ["1 NO STARTTLS required", "2 NO STARTTLS required"],
        ),
        (
            [f"{LOGINS}/courierpop3login", "/bin/true", "Maildir"],
            {"POP3_STARTTLS": "YES", "POP3_TLS_REQUIRED": "1", "POP3AUTH": "LOGIN CRAM-MD5"},
            "AUTH CRAM-MD5\r\nUSER anna\r\nQUIT\r\n",
            ["-ERR TLS required to log in.", "-ERR TLS required to log in."],
        ),
        (
            ["/usr/sbin/courieresmtpd"],
            {"ESMTP_TLS_REQUIRED": "1", "ESMTPAUTH": "CRAM-MD5"},
            "EHLO client.example\r\nAUTH CRAM-MD5\r\nQUIT\r\n",
            ["250-AUTH CRAM-MD5", "400 STARTTLS is required first."],
        ),
    ],
    ids=["imap", "pop3", "smtp"],
)
def test_a_login_in_clear_text_is_refused_where_tls_is_required_whatever_is_listed(
    program: list[str], settings: dict[str, str], asked: str, refusal: list[str]
) -> None:
    done = subprocess.run(
        program, input=asked, env=CLIENT | settings, capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout.splitlines()
    assert [line for line in said if line in refusal] == refusal
