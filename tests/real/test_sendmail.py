"""The command sendmail of both servers: same words and same text in, same answer and same mail out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from dialogue.zone import parse_zone
from real.courier_host import eventually
from real.machine import Exchange
from real.mail_host import MailHost, is_idle, new
from real.self_checks import USERS, both_running, inbox, site

DNS = "example.org MX 10 mx.example.org\nmx.example.org A 198.18.1.10\nfailing.example SERVFAIL\n"
TEXT = "Subject: x\n\nhi\n"
STRANGER = 4321
"""A user id that no account has."""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, MailHost]]:
    exchange = Exchange(parse_zone(DNS))
    with both_running(site("smtp"), ("198.18.1.10", "198.18.1.11"), tmp_path_factory.mktemp("sendmail")) as running:
        yield running
    exchange.close()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("anna",), TEXT),
        (("anna", "probe"), TEXT),
        (("anna@example.org", "anna"), TEXT),
        ((), "To: anna\nCc: probe\nBcc: tester\n\nhi\n"),
        ((), 'To: "x, y" <anna>, group: probe, anna;\n\n'),
        ((), "Resent-To: probe\nTo: anna\n\n"),
        (("-t", "anna"), "To: probe\n\n"),
        (("-bcc",), "To: anna\nBcc: probe\n\n"),
        (("-bcc", "anna"), "To: tester\nBcc: probe\n\n"),
        (("-oi", "anna"), TEXT),
        (("-o", "i", "anna"), TEXT),
        (("-x", "anna"), TEXT),
        (("-", "anna"), TEXT),
        (("-f", "probe@example.org", "anna"), TEXT),
        (("-f", "", "anna"), TEXT),
        (("-verp", "-f", "probe@example.org", "anna"), TEXT),
        (("-F", "Ä. Ö", "anna"), TEXT),
        (("-F", "n n", "anna"), "From: a b <c@d.example>\n\nhi\n"),
        (("anna",), ""),
        (("anna",), "\n"),
        (("anna",), "\nbody"),
        (("anna",), "To: x"),
        (("anna",), "no header\n\nbody"),
        (("anna",), " folded\nSubject: x\n\nhi"),
        (("anna",), "Return-Path: <a@b>\nReceived: x\nDelivered-To: me\n\n"),
        (("anna",), "Subject: x\r\n\r\nhi\r\n"),
    ],
    ids=repr,
)
def test_the_same_mail_reaches_the_same_people(
    hosts: Mapping[str, MailHost], words: tuple[str, ...], text: str
) -> None:
    real, ours = (_delivered(hosts[name], words, text) for name in ("courier", "ours"))
    assert ours == real
    assert real, "the case says nothing"


def _delivered(host: MailHost, words: tuple[str, ...], text: str) -> list[tuple[str, str]]:
    for user in USERS:
        for path in (inbox(host, user) / "new").iterdir():
            path.unlink()
    done = host.sendmail(*words, text=text, uid=USERS["tester"])
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert eventually(lambda: any(new(inbox(host, user)) for user in USERS)), host.machine.log[-9:]
    assert is_idle(host)
    return [(user, _general(message)) for user in USERS for message in new(inbox(host, user))]


def _general(message: bytes) -> str:
    """A message without its identity and time."""
    text = re.sub(r"\b[0-9A-F]{16}\.[0-9A-F]{8,16}(\.[0-9A-F]{8})?\b", "ID", message.decode())
    return re.sub(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "DATE", text)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), TEXT),
        (("-q",), TEXT),
        (("-f",), TEXT),
        (("-S", "FOO", "anna"), TEXT),
        (("anna",), f"X: {'y' * 200_000}\n\n"),
    ],
    ids=["nobody", "nobody but an option", "option without a word", "wrong security", "huge header"],
)
def test_what_is_refused_is_refused_in_the_same_words(
    hosts: Mapping[str, MailHost], words: tuple[str, ...], text: str
) -> None:
    real, ours = (hosts[name].sendmail(*words, text=text, uid=USERS["tester"]) for name in ("courier", "ours"))
    assert (ours.returncode, ours.stdout, ours.stderr) == (real.returncode, real.stdout, real.stderr)
    assert real.returncode != 0


@pytest.mark.parametrize("recipient", ["x!y", "123@fax"])
def test_a_path_that_leads_nowhere_is_refused_at_once(hosts: Mapping[str, MailHost], recipient: str) -> None:
    real, ours = (hosts[name].sendmail(recipient, text=TEXT, uid=USERS["tester"]) for name in ("courier", "ours"))
    assert (ours.returncode, ours.stdout) == (real.returncode, real.stdout)


@pytest.mark.parametrize("text", ["To: x\n\n", "To: x\nFrom: a b <c@d.example>\n\n"], ids=["anonymous", "signed"])
@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"MAILNAME": "mail name", "NAME": "name"},
        {"NAME": "na.me"},
        {"MAILUSER": "mu", "LOGNAME": "log"},
        {"MAILHOST": "mh.example"},
        {"MAILSUSER": "su", "MAILSHOST": "sh.example"},
        {"LOGNAME": "log", "USER": "us"},
        {"USER": "us"},
    ],
    ids=lambda environment: " ".join(environment) or "none",
)
def test_the_environment_signs_alike(hosts: Mapping[str, MailHost], text: str, environment: dict[str, str]) -> None:
    real, ours = (
        hosts[name].sendmail("-n", text=text, uid=USERS["tester"], environment=environment)
        for name in ("courier", "ours")
    )
    assert ours.stdout == real.stdout


def test_the_queue_is_listed_alike(hosts: Mapping[str, MailHost]) -> None:
    for host in hosts.values():
        assert host.sendmail("anna", "x@failing.example", text=TEXT, uid=USERS["tester"]).returncode == 0
        assert eventually(partial(_has_delivered, host)), host.mailq()
    real, ours = (_listed(host.mailq()) for host in hosts.values())
    assert ours == real


@pytest.mark.parametrize("words", [("-sort",), ("-sort", "-batch"), ("-x",)], ids=" ".join)
@pytest.mark.parametrize("uid", [0, USERS["tester"], USERS["anna"], STRANGER])
def test_everybody_sees_his_own_mail_alone(hosts: Mapping[str, MailHost], words: tuple[str, ...], uid: int) -> None:
    for host in hosts.values():
        for person in (USERS["tester"], STRANGER):
            host.sendmail(f"{person}@failing.example", text=TEXT, uid=person)
    real, ours = (_said(host, "mailq", *words, uid=uid) for host in hosts.values())
    assert ours == real


def test_a_message_of_somebody_else_cannot_be_cancelled(hosts: Mapping[str, MailHost]) -> None:
    real, ours = (_cancelled(host) for host in hosts.values())
    assert ours == real
    assert [status for status, *_ in real] == [1, 0, 1]


def _cancelled(host: MailHost) -> list[tuple[object, ...]]:
    host.sendmail("tocancel@failing.example", text=TEXT, uid=USERS["tester"])
    listing = host.machine.do(_command(host, "mailq"), "-batch", environment={}).decode()
    name = next(line.split(";")[1] for line in listing.splitlines() if "tocancel" in line)
    ends = [
        host.machine.run(_command(host, "cancelmsg"), name, uid=uid, environment={})
        for uid in (USERS["anna"], USERS["tester"], USERS["tester"])
    ]
    return [(end.returncode, end.stdout, end.stderr) for end in ends]


def _said(host: MailHost, command: str, *words: str, uid: int) -> tuple[int, list[str], bytes]:
    done = host.machine.run(_command(host, command), *words, uid=uid, environment={})
    listed = re.sub("[0-9A-F]{16}[0-9A-F.]+", "ID", _listed(done.stdout.decode()))
    return done.returncode, sorted(listed.splitlines()), done.stderr  # those of one second are in any order


def _command(host: MailHost, name: str) -> Path:
    return Path("/usr/bin" if host.sendmail_path == "/usr/sbin/sendmail" else Path(host.sendmail_path).parent, name)


def _has_delivered(host: MailHost) -> bool:
    return "done" in host.mailq()


def _listed(text: str) -> str:
    """A listing without identities, sizes and times."""
    text = re.sub(r"^\d+ +[0-9A-F.]+ ", "SIZE ID ", text, flags=re.MULTILINE)
    return re.sub(r"[A-Z][a-z]{2} \d\d \d\d:\d\d", "DATE", text)
