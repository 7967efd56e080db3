"""perftest1 of Courier's INSTALL document: one `sendmail` after the other, in an empty environment, each with a message
to five extensions of one user; and what must have become of them.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Final

from real.machine import make_maildir
from real.mail_host import MailHost, home, is_idle, new, put
from real.self_checks import USERS

RECIPIENTS: Final = tuple(f"tester-test-{number}" for number in range(1, 6))
_MAILDIRS: Final = "/srv/mail/example.org/tester"
_LOOP: Final = """
number=0
sendmail=$1 rounds=$2
shift 2
while [ $number -lt "$rounds" ]; do
    env -i "$sendmail" "$@" <<END || exit
From: perftest1@example.org
To: perftest1@example.org
Subject: test
Mime-Version: 1.0
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit

test $number
END
    number=$((number + 1))
done
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run."""

    injecting: float
    """Seconds until the last `sendmail` was done."""
    whole: float
    """Seconds until everything was delivered."""
    arrived: Counter[str]
    """Messages by what their Delivered-To says."""
    bounced: int


def prepare(host: MailHost) -> None:
    """The account as INSTALL wants it: extensions go to one maildir, all else to another."""
    uid = USERS["tester"]
    place = home(host, "tester", uid)
    for maildir in ("test", "bounces"):
        make_maildir(host.machine, f"{_MAILDIRS}/{maildir}", uid)
    put(place / ".courier-test-default", "./test\n", uid)
    put(place / ".courier", "./bounces\n", uid)


def run(host: MailHost, rounds: int, seconds: float) -> Run:
    """Send so many messages, and wait until they are delivered; AssertionError when that takes too long."""
    test, bounces = (host.machine.path(f"{_MAILDIRS}/{maildir}") for maildir in ("test", "bounces"))
    command = host.machine.command(
        "sh", "-c", _LOOP, "sh", host.sendmail_path, str(rounds), *RECIPIENTS, uid=USERS["tester"]
    )
    begun = time.monotonic()
    subprocess.run(command, check=True, timeout=seconds)
    injected = time.monotonic()
    while _count(test) < len(RECIPIENTS) * rounds:
        assert time.monotonic() < begun + seconds, f"{_count(test)} have arrived"
        time.sleep(0.02)
    delivered = time.monotonic()
    assert is_idle(host), host.mailq()
    arrived = Counter(str(message_from_bytes(text)["Delivered-To"]) for text in new(test))
    return Run(injected - begun, delivered - begun, arrived, _count(bounces))


def _count(maildir: Path) -> int:
    return sum(1 for _ in (maildir / "new").iterdir())
