"""ARCHIVEDIR of both servers: the same files for the same messages, but for numbers, times and earlier attempts."""

from __future__ import annotations

import re
import shutil
import smtplib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from dialogue.zone import parse_zone
from real.courier_host import eventually
from real.machine import Exchange
from real.mail_host import MailHost, is_idle
from real.self_checks import both_running, site

DNS: Final = "example.org MX 10 mx.example.org\nmx.example.org A 198.18.1.12\n"
ARCHIVE: Final = "/var/lib/courier/archive"
SITE: Final = site(
    "authsmtp",
    '    later: "|exit 75\\n"\naliases:\n  team: [tester, probe]\n  chief: [anna]\n'
    "protocol_aliases:\n"
    "  dsn: {mailer: [tester, probe], deputy: [anna], lost: [gone@example.org], postmaster: [tester]}\n"
    "queue: {retry_pause: 1h}\n",
).replace("postmaster: anna}", f"postmaster: anna, archive: {ARCHIVE}}}")

Kept = Mapping[str, tuple[list[str], str]]
"""By subject: the lines of the queue file, and the text."""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, MailHost]]:
    exchange = Exchange(parse_zone(DNS))
    with both_running(SITE, ("198.18.1.12", "198.18.1.13"), tmp_path_factory.mktemp("archive")) as running:
        for host in running.values():
            directory = host.machine.path(ARCHIVE)
            directory.mkdir(mode=0o750)
            shutil.chown(directory, "courier", "courier")
            _send_all(host)
        yield running
    exchange.close()


@pytest.fixture(scope="module")
def both(hosts: Mapping[str, MailHost]) -> tuple[Kept, Kept]:
    """What the real server keeps, and what ours does."""
    return _kept(hosts["courier"]), _kept(hosts["ours"])


def _send_all(host: MailHost) -> None:
    _send(host, "delivered", ["anna@example.org"], rcpt=["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;b+2Bx@y"])
    _send(host, "failed", ["gone@example.org"])
    _send(host, "list", ["team@example.org"], mail=["VERP", "RET=FULL", "ENVID=QQ+2B1"])
    _send(host, "alias", ["chief@example.org"], mail=["RET=HDRS"])
    _send(host, "h\xe9llo", ["anna@example.org"], mail=["BODY=8BITMIME"])
    for sender in ("mailer", "deputy", "lost"):
        _send(host, f"from {sender}", ["gone@example.org"], sender=f"{sender}@example.org")
    assert is_idle(host)
    _send(host, "cancelled", ["later@example.org"])
    assert eventually(lambda: any("status: deferred" in line for line in host.machine.log))
    (name,) = re.findall(r"id=(\S+?),.*status: deferred", "\n".join(host.machine.log))
    commands = f"{Path(host.sendmail_path).parent}:/usr/bin:/bin"
    host.machine.do("cancelmsg", name, "because", environment={"PATH": commands})
    assert is_idle(host)
    assert eventually(lambda: len([*host.machine.path(ARCHIVE).rglob("C*")]) == len(SUBJECTS) + len(NOTICES))


def _send(
    host: MailHost,
    subject: str,
    to: Sequence[str],
    mail: Sequence[str] = (),
    rcpt: Sequence[str] = (),
    sender: str = "anna@example.org",
) -> None:
    text = f"Subject: {subject}\n\nh\xe9\n" if not subject.isascii() else f"Subject: {subject}\n\nhello\n"
    with smtplib.SMTP(host.machine.address, 25, timeout=30, local_hostname="client.example") as client:
        client.sendmail(sender, to, text.encode(), mail_options=mail, rcpt_options=rcpt)


def _kept(host: MailHost) -> Kept:
    found: dict[str, tuple[list[str], str]] = {}
    for path in host.machine.path(ARCHIVE).rglob("C*"):
        text = path.with_name(f"D{path.name[1:]}").read_text()
        lines = path.read_text().splitlines()
        subject = re.findall(r"^Subject: (.*)$", text, re.MULTILINE)[-1]  # in a notice, that of what comes back
        name = {"s": "notice of ", "s#@[]": "notice of notice of "}.get(lines[0], "") + subject
        assert name not in found
        found[name] = lines, text
    return found


def _comparable(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """What was known at acceptance, times counted from it to ten seconds; and, by recipient, what became of it."""
    first = next(number for number, line in enumerate(lines) if line.startswith("A"))
    arrival = int(lines[first][1:])
    head = [
        re.sub(r"^([EpWA])(\d+)$", lambda found: f"{found[1]}+{round(int(found[2]) - arrival, -1)}", line)
        for line in lines[: first + 1]
    ]
    head = ["M" if line.startswith("M") else re.sub(r"^(S\d+) \d+", r"\1 T", line) for line in head]
    last = [line for line in lines[first + 1 :] if line[0] not in "DA"]
    assert last[-1].startswith("C")
    end = [re.sub(r"^([SF]\d+) \d+", r"\1 T", line) for line in last if not line.startswith("C")]
    return head, sorted(end, key=lambda line: found[1] if (found := re.match(r"[ISF](\d+) ", line)) else "")


SUBJECTS: Final = (
    "delivered", "failed", "list", "alias", "h\xe9llo", "cancelled", "from mailer", "from deputy", "from lost",
)  # fmt: skip
NOTICES: Final = (
    "notice of failed", "notice of cancelled", "notice of from mailer", "notice of from deputy", "notice of from lost",
    "notice of notice of from lost",
)  # fmt: skip


def test_both_keep_the_same_messages(both: tuple[Kept, Kept]) -> None:
    real, ours = both
    assert sorted(real) == sorted(ours) == sorted((*SUBJECTS, *NOTICES))


@pytest.mark.parametrize("subject", [*SUBJECTS, *NOTICES])
def test_queue_files_are_the_same(both: tuple[Kept, Kept], subject: str) -> None:
    real, ours = (_comparable(kept[subject][0]) for kept in both)
    assert ours == real


@pytest.mark.parametrize("subject", SUBJECTS)
def test_texts_are_the_same(both: tuple[Kept, Kept], subject: str) -> None:
    real, ours = (_undated(kept[subject][1]) for kept in both)
    assert ours == real


def _undated(text: str) -> str:
    return re.sub(r"id [0-9A-F.]{42}; .*", "id ID; DATE", text)


def test_directories_and_files_have_the_same_names_owners_and_modes(hosts: Mapping[str, MailHost]) -> None:
    real, ours = (_facts(host.machine.path(ARCHIVE)) for host in hosts.values())
    assert ours == real
    assert {name for name, *_ in ours} == {"day", "C", "D"}


def _facts(directory: Path) -> set[tuple[str, int, int, int]]:
    found = set()
    for path in directory.rglob("*"):
        facts = path.stat()
        name = "day" if re.fullmatch(r"\d{4}\.\d\d\.\d\d", path.name) else re.sub(r"^([CD])[1-9]\d*$", r"\1", path.name)
        found.add((name, facts.st_uid, facts.st_gid, facts.st_mode))
    return found
