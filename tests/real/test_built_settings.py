"""Settings that follow from a site, as the shell, couriertcpd and GnuTLS of an installed Courier see them."""

from __future__ import annotations

import ctypes
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from compiler.resolving import built, in_force
from courier_compiler.derive._listeners import address_and_ports
from courier_compiler.derive._tls import gnutls_priority
from courier_compiler.resolved import ResolvedSite
from courier_compiler.settings_file import spelt
from real import namespace

ETC = Path("/etc/courier")
LISTENER = Path("/usr/sbin/couriertcpd")

SITE = """
tls: {certificate: /etc/courier/esmtpd.pem, minimum: "1.2"}
host: {name: mx.example.org, archive: "/srv/it's an archive"}
listeners:
  smtp: {on: ["*:25", "192.0.2.1:26"], max_connections: 9, tarpit: false, require_tls: true, tls: {login_field: uid}}
  submission: {max_per_address: 2}
  smtps: {auth_tls: [PLAIN]}
  imap: {auth: [CRAM-MD5], max_connections: 7}
  imaps: {max_per_address: 3}
delivery: {forward_files: true, default: {program: /usr/bin/sort-mail --by "it's $HOME"}}
dns_lists:
  - {zone: friends.example.org, kind: allow}
  - {zone: zen.example.org, name: The List, message: "@ is listed: see it's (page) ?q=@&x"}
  - {zone: text.example.org, message: "*"}
settings: {esmtpd: {SYSLOGNAME: "a $b `c` \\\\d"}, imapd-ssl: {MAXDAEMONS: 5}}
environment: {imapd: {OFFICE: 'it''s "quoted" $HOME'}, courierd: {DSNRET: F}}
"""
ORDER = {
    "courierd": ("courierd",),
    "esmtpd": ("esmtpd",),
    "esmtpd-msa": ("esmtpd", "esmtpd-msa"),
    "esmtpd-ssl": ("esmtpd", "esmtpd-ssl"),
    "imapd-ssl": ("imapd", "imapd-ssl"),
    "pop3d-ssl": ("pop3d", "pop3d-ssl"),
}
"""Daemon to the files that its start script reads, in that order."""


@pytest.fixture(scope="module")
def etc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The built tree in the place of the machine's own."""
    tree = tmp_path_factory.mktemp("built")
    for artefact in built(SITE).artefacts:
        if not artefact.link:
            path = tree / artefact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(artefact.content)
    namespace.bind(tree / "etc/courier", ETC)
    yield ETC
    namespace.release(ETC)


def expected(resolved: ResolvedSite, daemon: str) -> dict[str, str]:
    """The environment that the tables of a daemon's files stand for."""
    texts: dict[str, str] = {}
    for file in ORDER[daemon]:
        settings = resolved.settings[file]
        table = settings.table
        spoken = {row.name for row, _ in table.items() if table.overlays is None or row.attribute in table.said()}
        texts |= {name: text for name, text in spelt(table).items() if name in spoken}
        texts |= {name: variable.value for name, variable in settings.variables.items()}
    texts.pop("SYSLOCALE_LINE", None)
    return texts


@pytest.mark.parametrize("daemon", ORDER)
def test_a_shell_that_reads_the_files_of_a_daemon_sees_what_is_in_force(etc: Path, daemon: str) -> None:
    reading = "".join(f". {etc / file};" for file in ORDER[daemon])
    shell = ["/usr/bin/env", "-i", "/bin/sh", "-c", f"set -a; {reading} exec env -0"]
    seen = subprocess.run(shell, capture_output=True, check=True).stdout
    found = dict(entry.decode().split("=", 1) for entry in seen.split(b"\0") if entry)
    meant = expected(in_force(SITE), daemon)
    assert {name: found.get(name) for name in meant} == meant


@pytest.fixture
def words(tmp_path: Path) -> Iterator[Path]:
    """A file with the words of couriertcpd's command line, one a line, after a start script was run."""
    told, stub = tmp_path / "words", tmp_path / "stub"
    stub.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{told}\n')
    stub.chmod(0o755)
    namespace.bind(stub, LISTENER)
    yield told
    namespace.release(LISTENER)


@pytest.mark.parametrize("script", ["esmtpd", "esmtpd-ssl"])
def test_a_start_script_hands_every_word_to_the_listener(etc: Path, words: Path, script: str) -> None:
    subprocess.run([f"/usr/sbin/{script}", "start"], check=True, capture_output=True)
    told = words.read_text().splitlines()
    if script == "esmtpd":
        assert "-allow=friends.example.org" in told
        assert "-block=zen.example.org=The List,BLOCK,@ is listed: see it's (page) ?q=@&x" in told
        assert "-block=text.example.org,BLOCK,*" in told
        assert {"-maxprocs=9", "25,192.0.2.1.26"} <= set(told)
    else:
        assert not [word for word in told if word.startswith(("-block", "-allow", "-drop"))]
        assert {"-maxprocs=40", "-address=0", "465"} <= set(told)


@pytest.mark.parametrize("file", ["esmtpd", "esmtpd-msa", "esmtpd-ssl"])
def test_quotes_blanks_and_patterns_reach_the_listener_of_each_smtp_service(
    tmp_path: Path, words: Path, file: str
) -> None:
    text = '5* it\'s [ab] ?? * /etc/p* (page) <a&b;c|d> ~ #1 `id` $HOME "x" {a,b} @'
    options = [f"-block=zen.example.org,BLOCK,{text}", "-allow=friends.example.org"]
    said = {"BLACKLISTS": options, "DROP": ["-drop"], "TCPDOPTS": [f"-denymsg={text}", "-nodnslookup"]}
    site = f"""
tls: {{certificate: /etc/courier/esmtpd.pem}}
host: {{name: mx.example.org}}
listeners: {{smtp: {{}}, submission: {{}}, smtps: {{}}}}
settings: {{{file}: {json.dumps(said)}}}
"""
    (tmp_path / "etc").mkdir()
    for artefact in built(site).artefacts:
        if artefact.path in (f"etc/courier/{name}" for name in ("esmtpd", "esmtpd-msa", "esmtpd-ssl")):
            (tmp_path / artefact.path.replace("etc/courier", "etc")).write_bytes(artefact.content)
    namespace.bind(tmp_path / "etc", ETC)
    subprocess.run([f"/usr/sbin/{file}", "start"], check=True, capture_output=True)
    namespace.release(ETC)
    assert {*options, "-drop", f"-denymsg={text}", "-nodnslookup"} <= {*words.read_text().splitlines()}


@pytest.mark.parametrize(
    ("on", "sockets"),
    [
        (["*:2525"], {("::", 2525)}),
        (["[::]:2525", "0.0.0.0:2525", "127.0.0.1:2525"], {("::", 2525)}),
        (["0.0.0.0:2525", "127.0.0.1:2525"], {("0.0.0.0", 2525)}),
        (["127.0.0.1:2525", "127.0.0.1:2526"], {("127.0.0.1", 2525), ("127.0.0.1", 2526)}),
        (["127.0.0.1:2525", "[::1]:2525"], {("127.0.0.1", 2525), ("::1", 2525)}),
        (["*:2525", "[::1]:2526"], {("::", 2525), ("::1", 2526)}),
    ],
)
def test_couriertcpd_listens_where_the_site_says(tmp_path: Path, on: list[str], sockets: set[tuple[str, int]]) -> None:
    address, ports = address_and_ports(on)
    pid = tmp_path / "pid"
    command = [str(LISTENER), f"-pid={pid}", f"-address={address}", "-nodnslookup", "-noidentlookup"]
    subprocess.run([*command, ",".join(ports), "/bin/true"], check=True, capture_output=True)
    try:
        deadline = time.monotonic() + 5
        while listening() != sockets and time.monotonic() < deadline:
            time.sleep(0.05)
        assert listening() == sockets
    finally:
        subprocess.run([str(LISTENER), f"-pid={pid}", "-stop"], check=False, capture_output=True)
        while listening() and time.monotonic() < deadline + 5:
            time.sleep(0.05)


def listening() -> set[tuple[str, int]]:
    """Addresses and ports on which anything in this network listens."""
    shown = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout
    places = (line.split()[3].rpartition(":") for line in shown.splitlines())
    return {("::" if address == "*" else address.strip("[]"), int(port)) for address, _, port in places}


@pytest.mark.parametrize("oldest", ["1.0", "1.1", "1.2", "1.3"])
def test_gnutls_understands_the_priorities_of_every_oldest_version(oldest: str) -> None:
    gnutls = ctypes.CDLL("libgnutls.so.30")
    priorities = ctypes.c_void_p()
    assert gnutls.gnutls_priority_init(ctypes.byref(priorities), gnutls_priority(oldest).encode(), None) == 0
    gnutls.gnutls_priority_deinit(priorities)
