"""`sendmail -bs`, `rmail`, `courier` and mail for UUCP of both servers: same words in, same answers and mail out."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from dialogue.zone import parse_zone
from real.courier_host import eventually
from real.machine import Exchange
from real.mail_host import MailHost, new
from real.self_checks import USERS, both_running, inbox, site

DNS = "example.org MX 10 mx.example.org\nmx.example.org A 198.18.1.12\nfailing.example SERVFAIL\n"
UUCP_SITE = """\
uucp:
  neighbours: {apple: [], gate: [gateway]}
  uux_options: -r
  rewrite_headers: true
"""
UUX = """#!/bin/sh
# uux(1) as far as it matters: it takes what it is given, and tells who gave it what.
exec >> /tmp/uux.$$ 2>&1
id -un
for word in "$@"; do echo "<$word>"; done
cat
mv /tmp/uux.$$ /tmp/uux
"""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, MailHost]]:
    exchange = Exchange(parse_zone(DNS))
    described, addresses = site("smtp", UUCP_SITE), ("198.18.1.12", "198.18.1.13")
    with both_running(described, addresses, tmp_path_factory.mktemp("smtp")) as running:
        for host in running.values():
            host.machine.path("/usr/bin/uux").write_text(UUX)
            host.machine.path("/usr/bin/uux").chmod(0o755)
        yield running
    exchange.close()


CONVERSATIONS = (
    ("HELO me", "QUIT"),
    ("EHLO me", "NOOP", "HELP", "AUTH PLAIN", "STARTTLS", "QUIT"),
    ("MAIL FROM:<anna@example.org>", "HELO me", "RCPT TO:<anna>", "QUIT"),
    ("HELO me", "MAIL FROM:<anna>", "RCPT TO:<joe@elsewhere.example>", "RCPT TO:<nobody-at-all>", "RSET", "QUIT"),
    ("HELO me", "MAIL FROM:<>", "RCPT TO:<5551234@fax>", "DATA", "QUIT"),
    ("EHLO me", "VRFY anna", "EXPN anna", "VRFY", "QUIT x", "QUIT"),
    (
        "EHLO me",
        "MAIL FROM:<anna@example.org> RET=HDRS",
        "RCPT TO:<anna@example.org>",
        "DATA",
        "Subject: x\n\none\n..two\r\nthree\n.",
        "QUIT",
    ),
)


@pytest.mark.parametrize("lines", CONVERSATIONS, ids=lambda lines: lines[-2][:20])
def test_the_same_conversation_has_the_same_replies(hosts: Mapping[str, MailHost], lines: tuple[str, ...]) -> None:
    real, ours = (converse(hosts[name], lines) for name in ("courier", "ours"))
    assert ours == real


def test_the_mail_bears_the_same_trace(hosts: Mapping[str, MailHost]) -> None:
    real, ours = (_received(hosts[name]) for name in ("courier", "ours"))
    assert ours == real


def _received(host: MailHost) -> str:
    before = len(new(inbox(host, "anna")))
    converse(
        host,
        (
            "EHLO me",
            "MAIL FROM:<anna@example.org>",
            "RCPT TO:<anna@example.org>",
            "DATA",
            "Subject: traced\n\nhi\n.",
            "QUIT",
        ),
        5001,
    )
    assert eventually(lambda: len(new(inbox(host, "anna"))) > before)
    return general(new(inbox(host, "anna"))[-1].decode())


UUCP = 10
TEXT = "Subject: by a neighbour\n\nhi\n"


@pytest.mark.parametrize(
    ("words", "uid", "environment"),
    [
        (("anna@example.org",), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}),
        (("-f", "pear!jane", "anna@example.org"), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}),
        (("-f", "apple!pear!jane", "mx!anna"), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}),
        (("-f", "shop.example!jane", "example.org!anna"), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}),
        (("-f", "apple!john", "anna"), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}),
        (("-f", "pear!x!jane", "anna"), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}),
        (("-f", "mx!gate!x!jane", "anna"), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}),
        (("-f", "", "anna"), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}),
        (("anna@example.org",), 5001, {"UU_MACHINE": "apple", "UU_USER": "john"}),
        (("anna@example.org",), UUCP, {"UU_MACHINE": "apple"}),
        ((), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}),
        (("-q", "anna@example.org"), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}),
    ],
    ids=repr,
)
def test_rmail_takes_the_same_mail_from_the_same_people(
    hosts: Mapping[str, MailHost], words: tuple[str, ...], uid: int, environment: Mapping[str, str]
) -> None:
    real, ours = (_brought(hosts[name], words, uid, environment) for name in ("courier", "ours"))
    assert ours == real


@pytest.mark.parametrize(
    ("sender", "recipients"),
    [
        ("anna@example.org", ("apple!john",)),
        ("x@other.example", ("gate!x!john", "gate!jane")),
        ("", ("apple!john",)),
        ("anna", ("apple!john@example.org",)),
    ],
    ids=repr,
)
def test_uux_is_given_the_same(hosts: Mapping[str, MailHost], sender: str, recipients: tuple[str, ...]) -> None:
    real, ours = (_handed_over(hosts[name], sender, recipients) for name in ("courier", "ours"))
    assert ours == real


ADDRESSES = ", ".join(
    (
        "apple!john", "q@apple", "gate!x!y@example.org", "Joe <joe@elsewhere.example>", "bare", '"a b"@example.org',
        "apple!p!q", "x@gate", "mx!anna", "(c) anna@EXAMPLE.org", "anna@mx.example.org", "x!y@other.example",
        "a%b@example.org", "anna@[127.0.0.1]", "@a:b@c.d", "a@b@c", "B <>", "a/b=c@example.org",
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("neighbour", "headers"),
    [
        ("apple!john", f"From: {ADDRESSES}\nSender: {ADDRESSES}\nTo: {ADDRESSES}\nResent-To: {ADDRESSES}\n"),
        ("gate!x!john", f"From: Anna <anna>\nCc: {ADDRESSES}\nReply-To: {ADDRESSES}\n"),
        ("apple!john", "From: <>\nTo: grp: anna@example.org, z@y.z;, undisclosed-recipients: ;\nReply-To: (alone)\n"),
        ("apple!john", f"To: {'a' * 90}, b\nCc: {', '.join(['abcde'] * 30)}\nReply-To: {', '.join(['ab'] * 30)}\n"),
        ("apple!john", "TO: apple!john,\n\tapple!jane\nfrom : anna\nReply-To:  \n"),
    ],
)
def test_the_headers_lead_a_neighbour_along_the_same_paths(
    hosts: Mapping[str, MailHost], neighbour: str, headers: str
) -> None:
    real, ours = (_handed_over(hosts[name], "anna", (neighbour,), headers + TEXT) for name in ("courier", "ours"))
    assert ours == real


@pytest.mark.parametrize("sender", ["anna@example.org", ""])
@pytest.mark.parametrize(
    "does", ["exit 0", "echo one; exit 0", "printf 'a\\n\\nb'", "exit 3", "printf 'a\\nb\\n'; exit 3", "echo; exit 3"]
)
def test_the_log_tells_the_same_of_uux(hosts: Mapping[str, MailHost], sender: str, does: str) -> None:
    real, ours = (_logged(hosts[name], sender, does) for name in ("courier", "ours"))
    assert ours == real


def _logged(host: MailHost, sender: str, does: str) -> list[str]:
    before = len(host.machine.log)

    def said() -> list[str]:
        lines = [general(line) for line in host.machine.log[before:]]
        return [line for line in lines if line.startswith("courieruucp: ") or ",module=uucp," in line]

    with _uux(host, does):
        assert host.sendmail("-f", sender, "apple!john", text=TEXT).returncode == 0
        assert eventually(lambda: any("success" in line or "status" in line for line in said()))
    return said()


@contextmanager
def _uux(host: MailHost, does: str) -> Iterator[None]:
    """A uux that reads the message, without which the real server is a matter of luck, and does this."""
    program = host.machine.path("/usr/bin/uux")
    program.write_text(f"#!/bin/sh\ncat > /dev/null\n{does}\n")
    try:
        yield
    finally:
        program.write_text(UUX)


@pytest.mark.parametrize("does", ["exit 0", "echo one; echo two", "echo; echo two; exit 3"])
def test_notices_tell_the_same_of_uux(hosts: Mapping[str, MailHost], does: str) -> None:
    real, ours = (_notice(hosts[name], does) for name in ("courier", "ours"))
    assert ours == real
    assert " <<< uux: " in real


def _notice(host: MailHost, does: str) -> str:
    """The parts of the notice, without what stands above them in words of each server's own."""
    before = len(new(inbox(host, "probe")))
    with _uux(host, does):
        words = ("-f", "probe", "-N", "success,failure", "apple!john", "gate!x!y")
        assert host.sendmail(*words, text=TEXT).returncode == 0
        assert eventually(lambda: len(new(inbox(host, "probe"))) > before)
    return general(new(inbox(host, "probe"))[-1].decode()).partition("--=_courier_0\n")[2]


def test_mail_belongs_in_the_queue_to_who_has_handed_it_in(hosts: Mapping[str, MailHost]) -> None:
    real, ours = (_owned(host) for host in hosts.values())
    assert ours == real
    assert len(real) == 3


def _owned(host: MailHost) -> list[tuple[str, ...]]:
    """Owner, sender and recipient of mail that came in each of three ways, cancelled afterwards by its owner."""
    envelope = ("MAIL FROM:<anna@example.org>", "RCPT TO:<spoken@failing.example>")
    converse(host, ("EHLO me", *envelope, "DATA", f"{TEXT}.", "QUIT"), USERS["anna"])
    host.sendmail("-f", "anna", "sent@failing.example", text=TEXT, uid=USERS["anna"])
    _rmail(host, ("-f", "apple!x", "brought@failing.example"), UUCP, {"UU_MACHINE": "apple", "UU_USER": "john"}, TEXT)
    found: list[tuple[str, ...]] = []
    for uid in (USERS["anna"], UUCP):
        listing = host.machine.do(_command(host, "mailq"), "-batch", uid=uid, environment={}).decode()
        for fields in (line.split(";") for line in listing.splitlines() if ";" in line):
            found.append((fields[0], *fields[3:]))
            host.machine.do(_command(host, "cancelmsg"), fields[1], uid=uid, environment={})
    return sorted(found)


def _command(host: MailHost, name: str) -> Path:
    return Path("/usr/bin" if host.sendmail_path == "/usr/sbin/sendmail" else Path(host.sendmail_path).parent, name)


@pytest.mark.parametrize(
    "author",
    ["anna, bob@other.example", "grp: a@b.example;", "", "<>", "A B", "(alone)", '"A, B" <a@b.example>, c', "a@b.c; d"],
)
def test_sendmail_leaves_the_same_author(hosts: Mapping[str, MailHost], author: str) -> None:
    real, ours = (_author(hosts[name], author) for name in ("courier", "ours"))
    assert ours == real


def _author(host: MailHost, author: str) -> list[str]:
    before = len(new(inbox(host, "anna")))
    assert host.sendmail("-f", "anna", "anna", text=f"From: {author}\nTo: anna\n{TEXT}").returncode == 0
    assert eventually(lambda: len(new(inbox(host, "anna"))) > before)
    return [line for line in new(inbox(host, "anna"))[-1].decode().split("\n") if line.startswith("From:")]


def _handed_over(host: MailHost, sender: str, recipients: tuple[str, ...], text: str = TEXT) -> str:
    made = host.machine.path("/tmp/uux")
    made.unlink(missing_ok=True)
    assert host.sendmail("-f", sender, *recipients, text=text).returncode == 0
    assert eventually(made.exists)
    return general(made.read_text())


@pytest.mark.parametrize(
    "lines",
    [
        "From apple!john Mon Nov 23 10:00:00 2026\n",
        "From pear!jane Mon Nov 23 10:00:00 2026 remote from apple\n",
        "From jane Mon Nov 23 10:00:00 2026\n>From pear!x Mon Nov 23 10:00:00 2026 remote from apple\n",
    ],
)
def test_rmail_reads_the_same_in_the_envelope_lines_above_a_message(hosts: Mapping[str, MailHost], lines: str) -> None:
    who = {"UU_MACHINE": "apple", "UU_USER": "john"}
    real, ours = (_brought(hosts[name], ("anna",), UUCP, who, lines + TEXT) for name in ("courier", "ours"))
    assert ours == real


@pytest.mark.parametrize("neighbour", ["apple", "APPLE"])
def test_the_log_names_the_neighbour_that_brought_a_message(hosts: Mapping[str, MailHost], neighbour: str) -> None:
    real, ours = (_announced(hosts[name], neighbour) for name in ("courier", "ours"))
    assert ours == real


def _announced(host: MailHost, neighbour: str) -> list[str]:
    before = len(host.machine.log)
    mail = _brought(host, ("anna",), UUCP, {"UU_MACHINE": neighbour, "UU_USER": "john"})
    return [*mail, *(general(line) for line in host.machine.log[before:] if "newmsg" in line)]


def _brought(
    host: MailHost, words: tuple[str, ...], uid: int, environment: Mapping[str, str], text: str = TEXT
) -> list[str]:
    before = len(new(inbox(host, "anna")))
    done = _rmail(host, words, uid, environment, text)
    if done.returncode == 0:
        assert eventually(lambda: len(new(inbox(host, "anna"))) > before)
    mail = [general(text.decode()) for text in new(inbox(host, "anna"))[before:]]
    return [str(done.returncode), done.stderr.decode(), *mail]


def _rmail(
    host: MailHost, words: tuple[str, ...], uid: int, environment: Mapping[str, str], text: str
) -> subprocess.CompletedProcess[bytes]:
    command = Path(host.sendmail_path).with_name("rmail")
    return host.machine.run(command, *words, uid=uid, environment=environment, stdin=text.encode())


@pytest.mark.parametrize(
    "words",
    [(), ("flush",), ("flush", "0" * 16 + "." + "0" * 16 + "." + "0" * 8), ("show", "all"), ("clear", "all")],
    ids=repr,
)
def test_the_courier_command_answers_alike(hosts: Mapping[str, MailHost], words: tuple[str, ...]) -> None:
    real, ours = (_courier(hosts[name], words) for name in ("courier", "ours"))
    assert ours == real


def _courier(host: MailHost, words: tuple[str, ...]) -> tuple[int, bytes, bytes]:
    command = Path(host.sendmail_path).with_name("courier")
    done = host.machine.run(command, *words, environment={"PATH": "/usr/sbin:/usr/bin:/bin"}, stdin=b"")
    return done.returncode, done.stdout, done.stderr


def converse(host: MailHost, lines: tuple[str, ...], uid: int = 0) -> list[str]:
    """The greeting and the reply to each line; a client that waits for replies, as it must."""
    process = subprocess.Popen(
        host.machine.command(host.sendmail_path, "-bs", uid=uid, environment={}),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    replies = [_reply(process.stdout)]
    with process.stdin, process.stdout:
        for line in lines:
            process.stdin.write(f"{line}\n".encode())
            replies.append(_reply(process.stdout))
    replies.append(f"exit {process.wait(20)}")
    return replies


def _reply(stdout: IO[bytes]) -> str:
    reply = ""
    while True:
        line = stdout.readline().decode()
        reply += line
        if line[3:4] != "-":
            return general(reply)


def general(text: str) -> str:
    """Without what differs from message to message."""
    text = re.sub(r"[0-9A-F]{16}\.[0-9A-F]{16}\.[0-9A-F]{8}", "ID", text)
    text = re.sub(r"\b[0-9A-F]{8,16}\.[0-9A-F]{8,16}\b", "ID", text)
    return re.sub(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} [+-]\d{4}", "DATE", text)
