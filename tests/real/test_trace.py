"""`courier-compile trace` foretells what the real Courier 1.0.16 answers, envelope by envelope."""

from __future__ import annotations

import base64
import os
import shutil
import smtplib
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from courier_compiler.tracing.host import CompiledHost
from courier_compiler.tracing.trace import trace
from courier_compiler.tracing.values import Envelope, Reply
from real import namespace
from real.courier_host import ETC, EXAMPLES, Example
from real.name_server import NameServer

PORTS: Final = {"smtp": 25, "submission": 587, "smtps": 465}
UNVERIFIED: Final = ssl._create_unverified_context()
STRANGER, TRUSTED, BLOCKED = "198.51.100.17", "192.168.10.7", "203.0.113.66"
FRIEND: Final = "friend@example.net"

OFFICE: Final = (
    Envelope(FRIEND, "anna@example.org", STRANGER),
    Envelope(FRIEND, "Anna@EXAMPLE.COM", STRANGER),
    Envelope(FRIEND, "sales@example.com", STRANGER),
    Envelope(FRIEND, "tickets@example.org", STRANGER),
    Envelope(FRIEND, "archive@example.org", STRANGER),
    Envelope(FRIEND, "erik@example.org", STRANGER),
    Envelope(FRIEND, "nobody@example.org", STRANGER),
    Envelope(FRIEND, "anna-list@example.org", STRANGER),
    Envelope(FRIEND, ".xalias@example.org", STRANGER),
    Envelope(FRIEND, "postmaster@www.shop.example", STRANGER),
    Envelope(FRIEND, "nobody@shop.example", STRANGER),
    Envelope(FRIEND, "team@www.shop.example", STRANGER),
    Envelope(FRIEND, "orders-today@shop.example", STRANGER),
    Envelope(FRIEND, "somebody@elsewhere.example", STRANGER),
    Envelope(FRIEND, "anna", STRANGER),
    Envelope(FRIEND, "anna@localhost", STRANGER),
    Envelope(FRIEND, "a%elsewhere.example@example.org", STRANGER),
    Envelope(FRIEND, "hub!anna@example.org", STRANGER),
    Envelope("", "anna@example.org", STRANGER),
    Envelope("bare", "anna@example.org", STRANGER),
    Envelope(FRIEND, "somebody@elsewhere.example", TRUSTED),
    Envelope(FRIEND, "nobody@example.com", TRUSTED),
    Envelope(FRIEND, "somebody@elsewhere.example", "127.0.0.1"),
    Envelope(FRIEND, "anna@example.org", BLOCKED),
    Envelope(FRIEND, "somebody@elsewhere.example", BLOCKED),
    Envelope(FRIEND, "anna@example.org", STRANGER, service="submission"),
    Envelope(FRIEND, "anna@example.org", STRANGER, tls=True, service="submission"),
    Envelope(FRIEND, "anna@example.org", STRANGER, login="boris", service="submission"),
    Envelope(FRIEND, "somebody@elsewhere.example", STRANGER, "boris", True, "submission"),
    Envelope(FRIEND, "somebody@elsewhere.example", BLOCKED, "clara@shop.example", True, "submission"),
    Envelope(FRIEND, "nobody@example.org", STRANGER, "boris", True, "submission"),
    Envelope(FRIEND, "anna@example.org", STRANGER, "boris", True, "smtp"),
)
# This site also asks PAM for accounts, which a trace takes for granted: names that only PAM could have are left out.
EVERYTHING: Final = (
    Envelope(FRIEND, "staff@example.org", STRANGER),
    Envelope(FRIEND, "reception@branch.example", STRANGER),
    Envelope(FRIEND, "build.robot@example.org", STRANGER),
    Envelope(FRIEND, "noreply@example.org", STRANGER),
    Envelope(FRIEND, "drop-box@example.org", STRANGER),
    Envelope(FRIEND, "unknown@north.shop.example", STRANGER),
    Envelope(FRIEND, "laden@xn--bcher-kva.example", STRANGER),
    Envelope(FRIEND, "feed@shop.example.com", STRANGER),
    Envelope(FRIEND, "office@deep.lab.example.org", STRANGER),
    Envelope(FRIEND, "somebody@example.info", STRANGER),
    Envelope(FRIEND, "somebody@deep.example.info", STRANGER),
    Envelope(FRIEND, "u%intranet.example.org@example.org", STRANGER),
    Envelope(FRIEND, "somebody@remote.example", STRANGER),
    Envelope(FRIEND, "somebody@remote.example", TRUSTED),
    Envelope(FRIEND, "hub!anna@example.org", STRANGER),
    Envelope(FRIEND, "leaf!far!anna@example.org", STRANGER),
    Envelope(FRIEND, "office@example.org", "203.0.113.9"),
    Envelope(FRIEND, "office@example.org", "198.51.100.9"),
    Envelope(FRIEND, "office@example.org", "198.51.100.7"),
    Envelope(FRIEND, "office@example.org", "198.51.100.8"),
    Envelope(FRIEND, "office@example.org", "198.51.100.7", tls=True),
    Envelope(FRIEND, "office@example.org", "192.0.2.77"),
    Envelope("spam@example.net", "office@example.org", STRANGER),
    Envelope("Spam@example.net", "office@example.org", STRANGER),
    Envelope("x@junk.example", "office@example.org", STRANGER),
    Envelope("x@deep.junk.example", "office@example.org", TRUSTED),
    Envelope("root@example.biz", "office@example.org", STRANGER),
    Envelope(FRIEND, "office@example.org", STRANGER, service="smtps"),
    Envelope(FRIEND, "somebody@elsewhere.example", STRANGER, "office", True, "submission"),
    Envelope(FRIEND, "somebody@elsewhere.example", STRANGER, "office", True, "smtps"),
)


class Server:
    """A running example with the same files in memory."""

    def __init__(self, host: Example, name: str) -> None:
        self.host = host
        self.compiled = CompiledHost.of(host.resolved)
        secrets = EXAMPLES / name / "secrets"
        self._passwords = {path.name: path.read_text().strip() for path in secrets.iterdir()}

    def answers(self, envelopes: tuple[Envelope, ...]) -> Mapping[Envelope, Reply]:
        """The last reply to each envelope; two at a time, because refusals are given slowly."""
        addresses = {envelope.client for envelope in envelopes} - {"127.0.0.1"}
        for address in addresses:
            subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
        with ThreadPoolExecutor(2) as pool:
            return dict(zip(envelopes, pool.map(self._ask, envelopes), strict=True))

    def _ask(self, envelope: Envelope) -> Reply:
        try:
            with self._connect(envelope) as client:
                return self._talk(client, envelope)
        except (smtplib.SMTPServerDisconnected, ConnectionError):
            return Reply("connect", 0, "the connection is closed")

    def _connect(self, envelope: Envelope) -> smtplib.SMTP:
        place = ("127.0.0.1", PORTS[envelope.service])
        if envelope.service == "smtps":
            return smtplib.SMTP_SSL(*place, source_address=(envelope.client, 0), context=UNVERIFIED)
        return smtplib.SMTP(*place, source_address=(envelope.client, 0))

    def _talk(self, client: smtplib.SMTP, envelope: Envelope) -> Reply:
        name = f"[{envelope.client}]"  # which no check of the HELO name can doubt
        client.ehlo(name)
        if envelope.tls and envelope.service != "smtps":
            client.starttls(context=UNVERIFIED)
            name = f"[{envelope.client}]"  # which no check of the HELO name can doubt
        client.ehlo(name)
        if envelope.login:
            password = self._passwords[envelope.login.partition("@")[0]]
            words = base64.b64encode(f"\0{envelope.login}\0{password}".encode()).decode()
            code, text = client.docmd("AUTH", f"PLAIN {words}")
            if code != 235:
                return Reply("AUTH", code, text.decode())
        code, text = client.docmd(f"MAIL FROM:<{envelope.sender}>")
        if code != 250:
            return Reply("MAIL", code, text.decode())
        code, text = client.docmd(f"RCPT TO:<{envelope.recipient}>")
        return Reply("RCPT", code, text.decode())


Replies = Mapping[Envelope, tuple[Reply, Reply]]
"""Foretold and given reply of each envelope."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Replies:
    with _running("small-office", tmp_path_factory.mktemp("office")) as host:
        host.start("authdaemond", "courier", "esmtpd", "esmtpd-msa")
        host.wait_for(25, 587)
        return _both(Server(host, "small-office"), OFFICE)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Replies:
    namespace.empty(Path("/home"))
    try:
        with _running("everything", tmp_path_factory.mktemp("everything")) as host:
            _provide(host)
            host.start("authdaemond", "courierfilter", "courier", "esmtpd", "esmtpd-msa", "esmtpd-ssl")
            host.wait_for(25, 587, 465)
            return _both(Server(host, "everything"), EVERYTHING)
    finally:
        namespace.release(Path("/home"))


@contextmanager
def _running(name: str, scratch: Path) -> Iterator[Example]:
    """An example with a name server of its own; both are gone before another one begins."""
    names = NameServer(scratch)
    host = Example(name, scratch)
    try:
        yield host
    finally:
        host.stop()
        names.close()


def _provide(host: Example) -> None:
    """What the site names and its administrator would have."""
    (ETC / "ldapaliasrc").unlink()  # with it, Courier defers all mail while the directory does not answer
    program = Path(str(host.resolved.site.delivery.recipient_filter))
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    home = Path(str(host.resolved.site.delivery.alias_filter_home))
    home.mkdir(parents=True)
    os.chown(home, 5000, 5000)
    archive = Path(str(host.resolved.site.host.archive))
    archive.mkdir()
    shutil.chown(archive, "courier", "courier")
    host.make_mailbox(Path("/home/anna"), 1001, 1001)


def _both(server: Server, envelopes: tuple[Envelope, ...]) -> Replies:
    given = server.answers(envelopes)
    return {envelope: (trace(server.compiled, envelope).reply, reply) for envelope, reply in given.items()}


def _label(envelope: Envelope) -> str:
    words = (envelope.sender or "<>", envelope.recipient, envelope.client, envelope.service, envelope.login or "")
    return " ".join((*words, "tls" if envelope.tls else "")).strip()


@pytest.mark.parametrize("envelope", OFFICE, ids=_label)
def test_small_office_answers_as_foretold(office: Replies, envelope: Envelope) -> None:
    foretold, given = office[envelope]
    assert (given.command, str(given)) == (foretold.command, str(foretold))


@pytest.mark.parametrize("envelope", EVERYTHING, ids=_label)
def test_the_host_that_says_everything_answers_as_foretold(everything: Replies, envelope: Envelope) -> None:
    foretold, given = everything[envelope]
    assert (given.command, str(given)) == (foretold.command, str(foretold))
