"""The real Courier starts from a tree that says everything a site can say, and every service answers."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from real import namespace
from real.courier_host import ETC, Example, eventually, send
from real.name_server import NameServer

PLAIN = {25: b"220 ", 587: b"220 ", 143: b"* OK", 110: b"+OK"}
ENCRYPTED = {465: b"220 ", 993: b"* OK", 995: b"+OK"}
NOT_INSTALLED = {"authmysql", "authpgsql", "authsqlite", "authldap", "authpipe"}
"""Back-ends that come with packages this machine need not have; Courier says so and goes on."""


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    scratch = tmp_path_factory.mktemp("everything")
    names = NameServer(scratch)
    namespace.empty(Path("/home"))
    host = Example("everything", scratch)
    _provide(host)
    host.start("authdaemond", "courierfilter", "courier", "esmtpd", "esmtpd-msa", "esmtpd-ssl")
    host.start("imapd", "imapd-ssl", "pop3d", "pop3d-ssl")
    host.wait_for(*PLAIN, *ENCRYPTED)
    yield host
    host.stop()
    names.close()
    namespace.release(Path("/home"))


def _provide(host: Example) -> None:
    """What the site names and its administrator would have: a filter program, homes; not the LDAP directory."""
    (ETC / "ldapaliasrc").unlink()  # with it, Courier defers all mail while the directory does not answer
    delivery = host.resolved.site.delivery
    assert delivery.recipient_filter is not None
    assert delivery.alias_filter_home is not None
    program = Path(delivery.recipient_filter)
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    Path(delivery.alias_filter_home).mkdir(parents=True)
    os.chown(delivery.alias_filter_home, 5000, 5000)
    archive = Path(str(host.resolved.site.host.archive))
    archive.mkdir()
    shutil.chown(archive, "courier", "courier")
    host.make_mailbox(Path("/home/anna"), 1001, 1001)


@pytest.mark.parametrize("port", PLAIN)
def test_every_service_greets(everything: Example, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        assert client.recv(500).startswith(PLAIN[port])


@pytest.mark.parametrize("port", ENCRYPTED)
def test_every_encrypted_service_greets(everything: Example, port: int) -> None:
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client, context.wrap_socket(client) as encrypted:
        assert encrypted.recv(500).startswith(ENCRYPTED[port])


@pytest.mark.parametrize(
    ("recipient", "login"),
    [
        ("office@example.org", "office"),
        ("info@example.org", "anna"),
        ("drop-box@example.org", "office"),
        ("reception@branch.example", "office"),
        ("front-desk@example.org", "office"),
        ("office@deep.lab.example.org", "office"),
        ("clara@shop.example", "clara@shop.example"),
        ("clara@north.shop.example", "clara@shop.example"),
        ("clara@shop.example.com", "clara@shop.example"),
        ("laden@xn--bcher-kva.example", "laden@bücher.example"),
        ("unknown@xn--bcher-kva.example", "laden@bücher.example"),
    ],
)
def test_mail_passes_the_filters_and_reaches_its_account(everything: Example, recipient: str, login: str) -> None:
    subject = f"to {recipient}"
    send(recipient, subject)
    assert eventually(partial(everything.arrived, login, subject)), "\n".join(everything.log.lines[-15:])


def test_all_four_filters_run(everything: Example) -> None:
    started = {line.split()[-1] for line in everything.log.lines if "courierfilter: Starting" in line}
    assert started == {"dupfilter", "ratefilter", "perlfilter", "verifyfilter"}


def test_the_logs_hold_no_complaint(everything: Example) -> None:
    assert not everything.log.complaints()[len(NOT_INSTALLED) :], "\n".join(everything.log.complaints())


def test_a_copy_of_every_message_is_archived(everything: Example) -> None:
    archive = Path(str(everything.resolved.site.host.archive))
    assert eventually(lambda: len([*archive.rglob("D*")]) >= 10)
