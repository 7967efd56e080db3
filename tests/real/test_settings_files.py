"""Our settings files, read by the programs that Courier itself has for them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from courier_compiler.profile import in_force, load_profile
from courier_compiler.settings_file import compose, spelt
from courier_schema.legacy.table import Table
from courier_schema.legacy.tables import table
from courier_schema.legacy.tables.authdaemon import Authdaemonrc
from courier_schema.legacy.tables.courierd import Courierd
from courier_schema.legacy.tables.esmtpd import Esmtpd
from courier_schema.legacy.tables.esmtpd_msa import EsmtpdMsa
from courier_schema.legacy.tables.esmtpd_ssl import EsmtpdSsl
from courier_schema.legacy.tables.imapd import Imapd
from courier_schema.legacy.tables.imapd_ssl import ImapdSsl
from courier_schema.legacy.tables.pop3d import Pop3d
from courier_schema.legacy.tables.pop3d_ssl import Pop3dSsl
from courier_schema.legacy.tables.webmlm import Webmlmrc
from real import namespace
from real.courier_host import Syslog, eventually

ETC = Path("/etc/courier")
DEBIAN = load_profile("debian-12")

SITES: list[Table] = [
    Courierd(
        defaultdelivery="| /usr/bin/maildrop -d '$LOGNAME'\n./Maildir",
        esmtp_use_starttls=False,
        tls_trustcerts=None,
        uuxflags=(),
        archivedir="/srv/mail archive/`date`",
    ),
    Esmtpd(
        maxdaemons=12,
        bofhcheckdns=True,
        blacklists=("-allow=list.example", '-block=zen.example,BLOCK,it\'s a $5 "list"'),
        esmtpauth=("PLAIN", "LOGIN"),
        tls_external="emailaddress",
        tarpit=None,
    ),
    EsmtpdMsa(port=("127.0.0.1.587",), auth_required=True, esmtp_tls_required=True),
    EsmtpdSsl(sslport=("465", "::1.4650"), maxperip=1),
    Imapd(imap_capability=("IMAP4rev1", "IDLE"), defdomain="@example.org", imap_umask=None, headerfrom=None),
    ImapdSsl(imap_tls_required=True, tls_priority="NORMAL:-VERS-ALL:+VERS-TLS1.3"),
    Pop3d(pop3auth=("LOGIN", "CRAM-MD5"), authservice110="pop3-clear"),
    Pop3dSsl(pop3dsslstart=False, tls_cachefile=None),
    Webmlmrc(lists=("/srv/lists/a", "/srv/lists/b"), prefork=1),
    Authdaemonrc(authmodulelist=("authuserdb", "authpam"), defaultoptions=(("disablewebmail", "1"), ("group", "a b"))),
]
EXTRA = (("X_LOCAL", "kept 'as' it \"is\""),)


def written(values: Table) -> bytes:
    return compose(values.file, values, DEBIAN, "site.yaml", EXTRA)


def expected(values: Table) -> dict[str, str]:
    """The environment that a site's file stands for."""
    texts = spelt(values.over(in_force(values.file, DEBIAN)))
    texts.pop("SYSLOCALE_LINE", None)
    return texts | dict(EXTRA)


def environment(path: Path) -> dict[str, str]:
    """What a file leaves in an empty environment."""
    shell = ["/usr/bin/env", "-i", "/bin/sh", "-c", f"set -a; . {path}; exec env -0"]
    seen = subprocess.run(shell, capture_output=True, check=True).stdout
    found = dict(entry.decode().split("=", 1) for entry in seen.split(b"\0") if entry)
    return {name: text for name, text in found.items() if name not in {"PWD", "_"}}


@pytest.fixture(params=SITES, ids=lambda values: values.file)
def values(request: pytest.FixtureRequest) -> Table:
    found = request.param
    assert isinstance(found, Table)
    return found


def test_a_shell_sees_exactly_the_values_in_force(values: Table, tmp_path: Path) -> None:
    path = tmp_path / values.file
    path.write_bytes(written(values))
    seen = environment(path)
    assert {name: seen.get(name) for name in expected(values)} == expected(values)
    assert set(seen) - set(expected(values)) <= environment_of_the_system()


def environment_of_the_system() -> set[str]:
    return set(environment(Path("/etc/environment"))) if Path("/etc/environment").exists() else set()


def test_the_upgrade_leaves_a_file_of_the_installed_version_alone(values: Table, tmp_path: Path) -> None:
    (tmp_path / values.file).write_bytes(written(values))
    shutil.copy(ETC / values.file, tmp_path / f"{values.file}.dist")
    done = upgrade(tmp_path, values.file)
    assert done.stdout == ""
    assert (tmp_path / values.file).read_bytes() == written(values)


def test_the_upgrade_carries_every_value_into_another_version(values: Table, tmp_path: Path) -> None:
    (tmp_path / values.file).write_bytes(written(values))
    newer = (ETC / values.file).read_bytes().replace(b"$Id: ", b"$Id: f", 1)
    (tmp_path / f"{values.file}.dist").write_bytes(newer)
    done = upgrade(tmp_path, values.file)
    assert {line.split(": ")[1] for line in done.stdout.splitlines()[1:]} == {"unchanged"}
    assert "Written by courier-compile" not in (tmp_path / values.file).read_text()
    seen = environment(tmp_path / values.file)
    assert {name: seen.get(name) for name in expected(values)} == expected(values)
    assert set(seen) - set(expected(values)) <= environment_of_the_system()


def upgrade(directory: Path, file: str) -> subprocess.CompletedProcess[str]:
    command = ["/usr/share/sysconftool/sysconftool", f"{file}.dist"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)


@pytest.fixture
def etc(tmp_path: Path) -> Iterator[Path]:
    """A copy of the configuration directory, shown in its place."""
    copy = tmp_path / "etc-courier"
    shutil.copytree(ETC, copy, symlinks=True)
    for path in (ETC, *ETC.rglob("*")):
        shutil.chown(copy / path.relative_to(ETC), path.owner(), path.group())
    namespace.bind(copy, ETC)
    yield ETC
    namespace.release(ETC)


@pytest.fixture
def run() -> Iterator[Path]:
    """An empty directory in the place of the authentication daemon's socket."""
    directory = Path("/run/courier/authdaemon")
    owner, group = directory.owner(), directory.group()
    namespace.empty(directory, "0750")
    shutil.chown(directory, owner, group)
    yield directory
    namespace.release(directory)


@pytest.fixture
def spy(tmp_path: Path) -> Iterator[Path]:
    """Shown in the place of the listener: a script that writes its arguments down, one a line."""
    script, heard = tmp_path / "spy", tmp_path / "heard"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {heard}\n')
    script.chmod(0o755)
    places = [Path("/usr/sbin/couriertcpd"), Path("/usr/sbin/courierlogger")]
    for place in places:
        namespace.bind(script, place)
    yield heard
    for place in places:
        namespace.release(place)


def arguments(heard: Path) -> list[str]:
    assert eventually(heard.exists)
    assert eventually(lambda: heard.read_text().endswith("\n"))
    return heard.read_text().splitlines()


def test_options_reach_the_smtp_listener_word_by_word(etc: Path, spy: Path) -> None:
    options = ("-allow=list.example", '-block=zen.example,BLOCK,it\'s a $5 "list" & more; `x`')
    said = Esmtpd(blacklists=options, drop=("-drop",), port=("127.0.0.1.25", "587"), maxperip=3)
    (etc / "esmtpd").write_bytes(written(said))
    subprocess.run(["/usr/sbin/esmtpd", "start"], check=True)
    found = arguments(spy)
    assert set(options) | {"-drop", "-maxperip=3", "127.0.0.1.25,587", "-user=courier"} <= set(found)


def test_the_submission_listener_has_its_own_port_and_the_rest_of_esmtpd(etc: Path, spy: Path) -> None:
    (etc / "esmtpd").write_bytes(written(Esmtpd(drop=("-drop",))))
    (etc / "esmtpd-msa").write_bytes(written(EsmtpdMsa(maxperip=2, port=("587",))))
    subprocess.run(["/usr/sbin/esmtpd-msa", "start"], check=True)
    found = arguments(spy)
    assert {"587", "-maxperip=2", "-drop", "-address=0", "-pid=/run/courier/esmtpd-msa.pid"} <= set(found)


def test_options_reach_the_imap_listener_word_by_word(etc: Path, spy: Path) -> None:
    said = Imapd(tcpdopts=("-nodnslookup", "-denymsg=go away, it's $5"), loggeropts=("-name=mail", "-facility=local0"))
    (etc / "imapd").write_bytes(written(said))
    (etc / "imapaccess.dat").touch()
    subprocess.run(["/usr/sbin/imapd", "start"], check=True)
    found = arguments(spy)
    assert {"-nodnslookup", "-denymsg=go away, it's $5", "-name=mail", "-facility=local0", "-maxprocs=40"} <= set(found)


def test_the_boot_scripts_find_the_start_switch_by_its_text() -> None:
    pattern = "s/^ESMTPDSTART[[:space:]]*=[[:space:]]*['\\\"]\\?\\(\\w*\\)['\\\"]\\?/\\L\\1/p"
    for start, word in ((True, "yes"), (False, "no")):
        content = written(Esmtpd(esmtpdstart=start))
        found = subprocess.run(["sed", "-ne", pattern], input=content, capture_output=True, check=True)
        assert found.stdout.decode() == f"{word}\n"


def test_the_authentication_daemon_reads_its_file_as_the_shell_does(etc: Path, run: Path) -> None:
    said = Authdaemonrc(
        authmodulelist=("authuserdb",), daemons=2, defaultoptions=(("disablewebmail", "1"), ("sharedgroup", "a b"))
    )
    (etc / "authdaemonrc").write_bytes(compose("authdaemonrc", said, DEBIAN, "site.yaml"))
    (etc / "userdb").write_text("anna\tuid=1234|gid=1234|home=/home/anna|mail=/home/anna/Maildir\n")
    (etc / "userdb").chmod(0o600)
    subprocess.run(["/usr/sbin/makeuserdb"], check=True)
    log = Syslog()
    subprocess.run(["/usr/sbin/authdaemond", "start"], check=True)
    try:
        assert eventually((run / "socket").exists)
        assert eventually(lambda: options_of("anna"))
        assert options_of("anna") == "disablewebmail=1,sharedgroup=a b"
        assert not [line for line in log.lines if "libauthpam" in line]
    finally:
        subprocess.run(["/usr/sbin/authdaemond", "stop"], check=True)
        log.close()


def options_of(account: str) -> str:
    """An account's options as the daemon tells them."""
    done = subprocess.run(["/usr/sbin/authtest", account], capture_output=True, text=True, check=False)
    lines = (line.strip() for line in done.stdout.splitlines())
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("Options:")), "")


def test_every_file_of_the_packages_can_be_composed() -> None:
    for file, layout in DEBIAN.files.items():
        if any(part.settings for part in layout.groups):
            assert compose(file, table(file)(), DEBIAN, "site.yaml").endswith(b"\n")
