"""What the real server answers after the text when recipients' own filters disagree. Any program may be the filter that
the control file maildropfilter names, so none of the packages is needed.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from dialogue.zone import parse_zone
from real.machine import Exchange
from real.mail_host import KINDS, MailHost, build, home
from real.self_checks import USERS, add_users, site
from real.test_local_smtp import DNS, general

FILTER = "/usr/local/lib/judge"
SITE = f"settings:\n  control: {{maildropfilter: {FILTER}, enablefiltering: [esmtp]}}\n"
JUDGE = """#!/bin/sh
# Wants to see texts for all but tester; then anna takes a message, and probe says in two lines that she does not; but
# with /tmp/alike they both say the same.
case "$4:$HOME" in
rcptfilter*:*/tester) exit 0 ;;
rcptfilter*) exit 99 ;;
esac
test ! -e /tmp/alike || { cat > /dev/null; echo "550 alike"; exit 1; }
case "$HOME" in
*/probe) cat > /dev/null; echo "500 not this"; echo "nor that"; exit 1 ;;
esac
cat > /dev/null
test ! -e /tmp/strict || { echo "says no"; exit 1; }
"""
WAIT = "please try again later."


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailHost]:
    exchange, scratch = Exchange(parse_zone(DNS)), tmp_path_factory.mktemp("divided")
    server = KINDS["courier"]("mx.example.org", "198.18.1.12", build(site("smtp", SITE), scratch), scratch / "courier")
    add_users(server.machine)
    for user, uid in USERS.items():
        home(server, user, uid)
    server.machine.path(FILTER).parent.mkdir(parents=True, exist_ok=True)
    server.machine.path(FILTER).write_text(JUDGE)
    server.machine.path(FILTER).chmod(0o755)
    yield server
    server.stop()
    exchange.close()


@pytest.mark.parametrize(
    ("recipients", "answer"),
    [
        (("anna", "anna"), "250 Ok. ID"),
        (("probe",), "558-500-probe:\n558-500-not this\n558 500 nor that"),
        (("anna", "probe"), "558-250 Ok. ID\n558-500-probe:\n558-500-not this\n558 500 nor that"),
        (("probe", "anna"), "558-500-probe:\n558-500-not this\n558-500 nor that\n558 250 Ok. ID"),
    ],
)
def test_each_recipient_has_an_answer_inside_the_answer(
    host: MailHost, recipients: tuple[str, ...], answer: str
) -> None:
    assert _last_answers(host, recipients)[-1] == answer


def test_a_text_without_a_code_defers(host: MailHost) -> None:
    strict = host.machine.path("/tmp/strict")
    strict.touch()
    try:
        answer = _last_answers(host, ("anna", "probe"))[-1]
    finally:
        strict.unlink()
    assert answer == "558-450-anna:\n558-450 says no\n558-500-probe:\n558-500-not this\n558 500 nor that"


@pytest.mark.parametrize(
    ("recipients", "answer"),
    [
        (("probe",), "558-550-probe:\n558 550 alike"),
        (("PROBE", "anna"), "558-550-probe:\n558-550 alike\n558-550-anna:\n558 550 alike"),
    ],
)
def test_one_reason_for_all_is_said_for_each(host: MailHost, recipients: tuple[str, ...], answer: str) -> None:
    alike = host.machine.path("/tmp/alike")
    alike.touch()
    try:
        assert _last_answers(host, recipients)[-1] == answer
    finally:
        alike.unlink()


@pytest.mark.parametrize(
    ("recipients", "said"),
    [
        (("tester", "probe"), f"412 You are not whitelisted by this recipient, {WAIT}"),
        (("probe", "tester"), f"412 You are whitelisted by this recipient, {WAIT}"),
    ],
)
def test_who_filters_texts_and_who_does_not_are_no_recipients_of_one_message(
    host: MailHost, recipients: tuple[str, ...], said: str
) -> None:
    assert _last_answers(host, recipients)[-2] == said


def _last_answers(host: MailHost, recipients: tuple[str, ...]) -> list[str]:
    """The answers to each RCPT and, last, to the text."""
    with socket.create_connection((host.machine.address, 25)) as client, client.makefile("rb") as replies:

        def reply() -> str:
            lines = [replies.readline().decode()]
            while lines[-1][3:4] == "-":
                lines.append(replies.readline().decode())
            return general("".join(lines)).replace("\r\n", "\n").rstrip("\n")

        def say(line: str) -> str:
            client.sendall(f"{line}\r\n".encode())
            return reply()

        reply()
        say("EHLO me")
        say("MAIL FROM:<x@friend.example>")
        answers = [say(f"RCPT TO:<{name}@example.org>") for name in recipients]
        assert say("DATA").startswith("354")
        return [*answers, say("Subject: x\r\n\r\nhi\r\n.")]
