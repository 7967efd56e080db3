"""What Courier's INSTALL document tells an administrator to try after installing: the real server and ours, from the
same compiled tree, each on a machine of its own.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Final

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from dialogue.zone import parse_zone
from real.courier_host import eventually
from real.machine import Exchange
from real.mail_host import KINDS, MailHost, build, home, is_idle, new, put
from real.self_checks import USERS, both_running, inbox, site
from real.throughput import RECIPIENTS, prepare, run

ROUNDS: Final = 100
"""Messages of the throughput check; `make bench` sends the thousand that INSTALL asks for."""

REMOTE: Final = "198.18.1.2"

DNS: Final = f"""
example.org MX 10 mx.example.org
mx.example.org A 198.18.1.10
198.18.1.10 PTR mx.example.org
remote.example MX 10 mx.remote.example
mx.remote.example A {REMOTE}
{REMOTE} PTR mx.remote.example
"""


class Remote:
    """The mail server of remote.example: takes everything."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Message]] = []
        self._controller = Controller(self, hostname=REMOTE, port=25, data_size_limit=0)
        self._controller.start()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        self.taken.append(((envelope.mail_from or "").strip("<>"), message_from_bytes(envelope.content)))
        return "250 Taken."

    def close(self) -> None:
        self._controller.stop()


@dataclass
class Stage:
    """Both servers, and the rest of their world."""

    hosts: Mapping[str, MailHost]
    remote: Remote


@pytest.fixture(scope="module")
def world() -> Iterator[Remote]:
    exchange = Exchange(parse_zone(DNS), addresses=(REMOTE,))
    remote = Remote()
    yield remote
    remote.close()
    exchange.close()


@pytest.fixture(scope="module")
def stage(world: Remote, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with both_running(site("smtp"), ("198.18.1.10", "198.18.1.11"), tmp_path_factory.mktemp("install")) as hosts:
        yield Stage(hosts, world)


@pytest.fixture(scope="module")
def open_stage(world: Remote, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The same, but that notices are sent for the mail of strangers, too."""
    with both_running(site(""), ("198.18.1.12", "198.18.1.13"), tmp_path_factory.mktemp("backscatter")) as hosts:
        yield Stage(hosts, world)


both = pytest.mark.parametrize("server", KINDS)


@both
def test_every_message_reaches_every_recipient_once(stage: Stage, server: str) -> None:
    host = stage.hosts[server]
    prepare(host)
    outcome = run(host, ROUNDS, 120)
    assert outcome.arrived == {f"{recipient}@example.org": ROUNDS for recipient in RECIPIENTS}
    assert outcome.bounced == 0
    assert [line for line in host.machine.log if "defer" in line.lower()] == []


@both
def test_no_process_is_left_unburied(stage: Stage, server: str) -> None:
    states = stage.hosts[server].machine.do("ps", "-eo", "ppid=,stat=,args=").decode().splitlines()
    assert [line for line in states if line.split()[1].startswith("Z") and line.split()[0] != "1"] == []


def _what_programs_see(host: MailHost) -> tuple[str, dict[str, str]]:
    uid = USERS["probe"]
    place = home(host, "probe", uid)
    put(place / ".courier", "| /usr/bin/id >ID\n| /usr/bin/env >ENV.new; mv ENV.new ENV\n", uid)
    assert host.sendmail(text="To: probe\n\n", uid=USERS["anna"]).returncode == 0
    assert eventually((place / "ENV").exists), host.machine.log[-5:]
    lines = (place / "ENV").read_text().splitlines()
    variables = dict(line.partition("=")[::2] for line in lines)
    return (place / "ID").read_text(), variables


@both
def test_programs_run_as_the_recipient_and_as_nobody_else(stage: Stage, server: str) -> None:
    identity, _ = _what_programs_see(stage.hosts[server])
    assert identity == "uid=3102(probe) gid=3102(probe) groups=3102(probe)\n"


DOCUMENTED: Final = {
    "HOME", "USER", "SENDER", "RECIPIENT", "LOCAL", "HOST", "EXT", "EXT2", "EXT3", "EXT4", "DEFAULT", "UFLINE",
    "RPLINE", "DTLINE", "PATH", "SHELL", "MAILDIRQUOTA", "MAILDROPDEFAULT", "PWD", "COURIER_HOME", "MAXDELS", "MAXHOST",
    "MAXRCPT",
}  # fmt: skip
OF_THE_SHELL: Final = {"_", "OLDPWD", "SHLVL"}


def test_programs_see_the_same_variables_from_both_servers(stage: Stage) -> None:
    seen = {name: set(_what_programs_see(host)[1]) - OF_THE_SHELL for name, host in stage.hosts.items()}
    assert seen["ours"] == seen["courier"]


@both
def test_programs_see_only_what_is_documented_and_what_the_file_courierd_sets(stage: Stage, server: str) -> None:
    host = stage.hosts[server]
    _, variables = _what_programs_see(host)
    text = host.machine.path("/etc/courier/courierd").read_text()
    configured = set(re.findall(r"^([A-Za-z_][A-Za-z_0-9]*)=", text, re.MULTILINE))
    assert set(variables) - OF_THE_SHELL - DOCUMENTED - configured == set()


def test_programs_see_the_same_values_from_both_servers(stage: Stage) -> None:
    varying = {"UFLINE", *OF_THE_SHELL}
    seen = {name: _what_programs_see(host)[1] for name, host in stage.hosts.items()}
    ours, real = (
        {key: value for key, value in each.items() if key not in varying} for each in (seen["ours"], seen["courier"])
    )
    assert ours == real


@both
def test_a_blank_message_to_postmaster_arrives_completed_and_its_receipt_comes_back(stage: Stage, server: str) -> None:
    host = stage.hosts[server]
    done = host.sendmail("-Nsuccess", text="To: postmaster\n", uid=USERS["probe"])
    assert done.returncode == 0, done.stderr
    assert eventually(lambda: any(b"\nTo: postmaster@" in text for text in new(inbox(host, "anna")))), host.machine.log[
        -9:
    ]
    (text,) = [text for text in new(inbox(host, "anna")) if b"\nTo: postmaster@" in text]
    message = message_from_bytes(text)
    assert message["From"] == "Some Body <probe@example.org>"
    assert message["Message-ID"].endswith("@mx.example.org>")
    assert message["Date"]
    assert not message.get_payload()


@both
def test_a_receipt_comes_back_to_the_sender_who_asked(stage: Stage, server: str) -> None:
    host = stage.hosts[server]
    assert host.sendmail("-Nsuccess", text="To: postmaster\n", uid=USERS["anna"]).returncode == 0
    assert eventually(lambda: _receipts(host)), host.machine.log[-9:]
    (receipt,) = _receipts(host)
    assert receipt["To"] == "anna@example.org"
    assert receipt["Return-Path"] == "<>"
    (status,) = [part for part in receipt.walk() if part.get_content_type() == "message/delivery-status"]
    of_message, of_recipient = (field for field in status.get_payload() if isinstance(field, Message))
    assert of_message["Reporting-MTA"] == "dns; mx.example.org"
    assert (of_recipient["Action"], of_recipient["Status"]) == ("delivered", "2.0.0")
    assert of_recipient["Final-Recipient"] == "rfc822; anna@example.org"
    assert of_recipient["Original-Recipient"] == "rfc822; postmaster@example.org"


def _receipts(host: MailHost) -> list[Message]:
    messages = [message_from_bytes(text) for text in new(inbox(host, "anna"))]
    return [message for message in messages if message.get_content_type() == "multipart/report"]


@both
def test_relaying_is_refused_to_strangers(stage: Stage, server: str) -> None:
    with smtplib.SMTP(stage.hosts[server].machine.address) as client:
        client.ehlo()
        client.mail("friend@remote.example")
        assert client.rcpt("somebody@elsewhere.example") == (513, b"Relaying denied.")
        assert client.rcpt("anna@example.org") == (250, b"Ok.")


@both
def test_a_tree_that_is_applied_is_in_force_without_a_restart(stage: Stage, server: str, tmp_path: Path) -> None:
    host = stage.hosts[server]
    assert _answer(host, "fresh@example.org").startswith("550")
    host.apply(build(site("smtp", "aliases: {fresh: anna}\n"), tmp_path))
    assert eventually(lambda: _answer(host, "fresh@example.org") == "250 Ok."), host.machine.log[-9:]


def _answer(host: MailHost, recipient: str) -> str:
    with smtplib.SMTP(host.machine.address) as client:
        client.ehlo()
        client.mail("friend@remote.example")
        code, text = client.rcpt(recipient)
        return f"{code} {text.decode()}"


def _bounced(host: MailHost, remote: Remote) -> list[tuple[str, Message]]:
    """What the stranger gets back whose mail nobody wants, once the server is done with it."""
    before = len(remote.taken)
    with smtplib.SMTP(host.machine.address) as client:
        client.sendmail("forged@remote.example", ["gone@example.org"], b"Subject: buy\r\n\r\nNow!\r\n")
    assert eventually(lambda: any("addr=<forged@remote.example>" in line for line in host.machine.log))
    assert is_idle(host), host.mailq()
    return remote.taken[before:]


@both
def test_no_notice_goes_to_a_stranger_where_backscatter_is_blocked(stage: Stage, server: str) -> None:
    host = stage.hosts[server]
    assert _bounced(host, stage.remote) == []
    assert any("success: delivered: backscatter bounce dropped" in line for line in host.machine.log)


@both
def test_a_notice_goes_to_a_stranger_where_backscatter_is_allowed(open_stage: Stage, server: str) -> None:
    ((sender, notice),) = _bounced(open_stage.hosts[server], open_stage.remote)
    assert sender == ""
    assert notice["To"] == "forged@remote.example"
    assert "No such person" in notice.as_string()
