"""An imported host answers as it did: the old configuration and the rebuilt one, each run on the real Courier 1.0.16,
are asked the same from the same addresses.

The composed installations were made for builds in directories of their own, and for users that Debian's packages do
not have. Before they can start on 1.0.16 they are moved as an administrator would who installs the packages: the
directories and the user are those of Debian, settings files that the old release did not have are as the packages ship
them, and Courier's own commands make the databases. No other step is needed: 1.0.16 reads the old files as they are.
"""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from compiler.old_installations import MD5, copied, provider
from courier_compiler.cli import main
from courier_compiler.importing.installation import read_installation
from courier_schema.legacy.formats.bofh import parse
from courier_schema.legacy.manifest import NAME, load_manifest
from real.conversations import Script, add_addresses, converse, expansions, moved, running
from real.name_server import NameServer
from real.test_import_real import stored

STOCK = Path("/etc/courier")
SETTINGS = (
    "courierd",
    "esmtpd",
    "esmtpd-msa",
    "esmtpd-ssl",
    "imapd",
    "imapd-ssl",
    "pop3d",
    "pop3d-ssl",
    "authdaemonrc",
)
STRANGERS = ("198.51.100.77", "203.0.113.78", "10.99.0.1")
KNOWN_HASH = "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1"
"""Of the password `secret`."""
SERVERS = {"smarthost-0.54": "192.168.1.1", "webmail-0.66": "192.0.2.9"}
"""The address of those that do not listen everywhere, which the machine must have before they can start."""
INSTALLATIONS = (
    "stock", "unmarked-0.29", "mysql-0.42", "ldap-0.47", "smarthost-0.54", "webmail-0.66", "hand-edited-1.0",
    "upstream-2.0", "qmail-style", "null-client-0.59", "patched-0.60", "windows-edited-0.61", "provider",
)  # fmt: skip
_ADDRESS = re.compile(r"(\d+)(\.\d+){0,3}")


def original(name: str, target: Path) -> Path:
    """An old installation, on the way to Debian's packages."""
    if name == "stock":
        shutil.copytree(STOCK, target, symlinks=True)
        return target
    if name == "provider":
        directory = provider(target)
        (directory / "userdb").write_text((directory / "userdb").read_text().replace(MD5, KNOWN_HASH))
        esmtpd = (STOCK / "esmtpd").read_text()
        rc = (STOCK / "authdaemonrc").read_text()
        (directory / "authdaemonrc").write_text(re.sub("(?m)^authmodulelist=.*$", 'authmodulelist="authuserdb"', rc))
        (directory / "esmtpd").write_text(re.sub("(?m)^ESMTPAUTH_TLS=.*$", 'ESMTPAUTH_TLS="PLAIN LOGIN"', esmtpd))
    else:
        directory = copied(name, target)
    for path in (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()):
        path.write_bytes(moved(path.read_bytes()).replace(b"/etc/letsencrypt/live/mx1.firm.example", b"/etc/courier"))
    if name == "hand-edited-1.0":  # its certificate and key, in place of those that were got by ACME
        for pem in ("fullchain.pem", "privkey.pem"):
            shutil.copy2(STOCK / "esmtpd.pem", directory / pem)
    for file in SETTINGS:
        if not (directory / file).exists():
            shutil.copy2(STOCK / file, directory / file)
    if name == "qmail-style":  # says too little to start with: what it does not say is as shipped
        old = (directory / "esmtpd").read_text()
        (directory / "esmtpd").write_text(f"{(STOCK / 'esmtpd').read_text()}\n{old}")
    for file in ("ldapaliasrc", "esmtpauthclient"):
        if (directory / file).exists():
            shutil.chown(directory / file, "root", "courier")
            (directory / file).chmod(0o640)
    return directory


def rebuilt(old: Path, scratch: Path) -> Path:
    """What the site of an installation builds, with owners and modes, and the certificates that are no part of it."""
    site, build = scratch / "site.yaml", scratch / "build"
    main(["import", str(old), "-o", str(site), "--host-name", socket.gethostname(), "--sysconfdir", "/etc/courier"])
    assert main(["build", str(site), "-o", str(build)]) == 0
    for path, entry in load_manifest((build / NAME).read_bytes()).files.items():
        if not entry.link:
            shutil.chown(build / path, entry.owner, entry.group)
            (build / path).chmod(int(entry.mode, 8))
    for pem in (*STOCK.glob("*.pem"), *old.glob("*.pem")):
        for directory in (old, build / "etc/courier"):
            if not (directory / pem.name).exists():
                shutil.copy2(pem, directory / pem.name)
                shutil.chown(directory / pem.name, "root", "courier")
    return build / "etc/courier"


def script_for(name: str, old: Path) -> Script:
    """What to ask an installation: every kind of name that it knows, and some that it does not."""
    found = read_installation(old, None, socket.gethostname(), "/etc/courier")
    domains = [*_entries(found.content("locals")), *_entries(found.content("esmtpacceptmailfor"))]
    for directory in ("hosteddomains", "esmtpacceptmailfor.dir"):
        inside = [f"{directory}/{one}" for one in found.below(directory)]
        for file in [directory] if directory in found.files else inside:
            domains += _entries(found.content(file))
    plain = [domain for domain in dict.fromkeys(domains) if not domain.startswith(".")][:12]
    sub = [f"www{domain}" for domain in dict.fromkeys(domains) if domain.startswith(".")][:4]
    aliases = _sample([key.decode() for key in _records(old / "aliases.dat") if b"\n" not in key], 16)
    accounts = _sample([key.decode() for key in _records(old / "userdb.dat")], 8)
    percent = [one.removeprefix("!") for one in _entries(found.content("esmtppercentrelay"))]
    behind_percent = [f"www{one}" if one.startswith(".") else one for one in percent]
    recipients = [
        *aliases,
        *accounts,
        *(f"nobody-we-know@{domain}" for domain in (*plain, *sub)),
        *(f"{account.partition('@')[0]}@{domain}" for account in accounts[:1] for domain in plain[:3]),
        *(f"somebody%{name}@{domain}" for domain in plain[:1] for name in ("elsewhere.example", *behind_percent)),
        "somebody@elsewhere.example",
        "nobody",
    ]
    bofh = parse(found.source("bofh"))[0] if "bofh" in found.files else None
    blocked = [one if "@" in one and not one.startswith("@") else f"x{one}" for one in (bofh.badfrom if bofh else ())]
    return Script(
        (*STRANGERS, *_sources(old)),
        ["friend@example.net", "", *(one.replace("x@.", "x@a.") for one in blocked[:6])],
        [one for one in dict.fromkeys(recipients) if one.isascii()],
        [(account, word) for account in accounts[:3] for word in ("secret", "wrong")],
        SERVERS.get(name, "127.0.0.1"),
    )


def alias_names(old: Path) -> list[tuple[str, str]]:
    """Every name that the old databases of aliases have, some of those of a great many, with the way to ask for it."""
    found: list[tuple[str, str]] = []
    for path in sorted(old.glob("aliases*.dat")):
        module = path.stem.removeprefix("aliases").removeprefix("-") or "local"
        keys = [key.decode() for key in _records(path) if b"\n" not in key]
        found += ((module, name) for name in _sample(keys, 200))
    return found


def _sources(old: Path) -> Iterator[str]:
    """An address of each network that the access table names."""
    found = [key.decode() for name in ("smtpaccess.dat", "relaying.dat") for key in _records(old / name)]
    for key in _sample(found, 8):
        if _ADDRESS.fullmatch(key):
            octets = [str(int(octet)) for octet in key.split(".")]
            yield ".".join([*octets, "9", "9", "9"][:4]) if len(octets) < 4 else ".".join(octets)


def _records(path: Path) -> dict[bytes, bytes]:
    return stored(path) if path.exists() else {}


def _entries(content: bytes | None) -> list[str]:
    lines = (line.partition("#")[0].split() for line in (content or b"").decode(errors="replace").splitlines())
    return [line[0] for line in lines if line]


def _sample(names: list[str], count: int) -> list[str]:
    """Some of many, spread evenly."""
    ordered = sorted(names)
    return ordered[:: max(1, len(ordered) // count)][:count]


@pytest.fixture(scope="module", autouse=True)
def _name_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    server = NameServer(tmp_path_factory.mktemp("names"))
    yield
    server.close()


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_the_rebuilt_host_answers_as_the_old_one(name: str, tmp_path: Path) -> None:
    old = original(name, tmp_path / "old")
    new = rebuilt(old, tmp_path)
    add_addresses(*STRANGERS, SERVERS.get(name, "127.0.0.1"))
    with running(old, tmp_path / "first", SERVERS.get(name, "127.0.0.1"), make=True):
        script = script_for(name, old)
        add_addresses(*script.sources)
        before = converse(script)
        names = alias_names(old)
        expanded = expansions(names)
    with running(new, tmp_path / "second", script.server, make=False):
        after = converse(script)
        expanded_now = expansions(names)
    assert len(before) > 12
    assert _without_offers(after) == _without_offers(before)
    assert expanded_now == expanded
    for database in old.glob("aliases*.dat"):
        records, rebuilt_records = _records(database), _records(new / database.name)
        assert {key: rebuilt_records.get(key) for key in records} == records, database.name


def _without_offers(told: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The answers without the offer of STARTTLS: a certificate is no part of a site, and where the old one's is not at
    hand, the host shows the one that the package made."""
    return [(question, answer.replace(" / 250-STARTTLS", "")) for question, answer in told]
