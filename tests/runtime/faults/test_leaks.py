"""Thousands of sessions of all kinds, one after the other, leave descriptors and memory where they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from courier_runtime.control import SUBMIT, Unreachable
from courier_runtime.control.submission import submit
from runtime.running import SITE, Running, eventually, running
from runtime.wires import Wire, descriptors, memory

SESSIONS: Final = (2_000, 20_000)
WARM_UP: Final = 400
GROWTH: Final = 8 << 20
"""Bytes that the allocator may keep for itself."""
TEXT: Final = b"Subject: hi\r\n\r\nHello\r\n."
LONG: Final = b"Subject: long\r\n\r\n" + b"x" * 70 * 10 + (b"\r\n" + b"y" * 70) * 4_000 + b"\r\n."

Session = Callable[[Running, dict[str, int]], None]


def mail(server: Running, ports: dict[str, int]) -> None:
    with Wire.greeted(ports["esmtpd"]) as wire:
        wire.mail()
        assert wire.say(TEXT).startswith(b"250 ")
        assert wire.say(b"QUIT") == b"221 Bye."


def long_mail_to_an_alias(server: Running, ports: dict[str, int]) -> None:
    with Wire.greeted(ports["esmtpd"]) as wire:
        wire.mail(b"sales@example.com")
        assert wire.say(LONG).startswith(b"250 ")


def mail_under_tls(server: Running, ports: dict[str, int]) -> None:
    with Wire.greeted(ports["esmtpd"]) as wire:
        assert wire.say(b"STARTTLS") == b"220 Ok"
        wire.secure()
        assert wire.say(b"EHLO cli.example").startswith(b"250 ")
        wire.mail()
        assert wire.say(TEXT).startswith(b"250 ")


def vanished_under_tls(server: Running, ports: dict[str, int]) -> None:
    wire = Wire.greeted(ports["esmtpd"])
    assert wire.say(b"STARTTLS") == b"220 Ok"
    wire.secure()
    wire.send(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\n" + b"x" * 1000)
    wire.vanish()


def broken_handshake(server: Running, ports: dict[str, int]) -> None:
    with Wire.greeted(ports["esmtpd"]) as wire:
        assert wire.say(b"STARTTLS") == b"220 Ok"
        wire.send(b"\x16\x03\x01\x02\x00nonsense")


def vanished_at_once(server: Running, ports: dict[str, int]) -> None:
    Wire(ports["esmtpd"]).vanish()


def vanished_in_a_long_text(server: Running, ports: dict[str, int]) -> None:
    wire = Wire.greeted(ports["esmtpd"])
    wire.mail()
    wire.send(LONG[:-1])
    wire.vanish()


def refusals(server: Running, ports: dict[str, int]) -> None:
    with Wire.greeted(ports["esmtpd"]) as wire:
        assert wire.say(b"MAIL FROM:<>") == b"250 Ok."
        assert wire.say(b"RCPT TO:<nobody@example.com>")[:1] == b"5"
        assert wire.say(b"x" * 10_000)[:1] == b"5"
        assert wire.say(b"DATA")[:1] == b"5"


def failed_login(server: Running, ports: dict[str, int]) -> None:
    with Wire.greeted(ports["esmtpd-msa"]) as wire:
        assert wire.say(b"AUTH PLAIN AGFubmEAd3Jvbmc=").startswith(b"535 ")


def notice(server: Running, ports: dict[str, int]) -> None:
    said = (("sender", "anna@example.com"), ("recipient", "nobody@example.com"))
    assert submit(f"{server.state}/run/{SUBMIT}", said, b"Subject: back\n\nHello\n").startswith("250 ")


def control(server: Running, ports: dict[str, int]) -> None:
    assert server.ask("status")["queue"]
    with pytest.raises(Unreachable, match="no such command"):
        server.ask("nonsense")


KINDS: Final[tuple[Session, ...]] = (
    *(mail, long_mail_to_an_alias, mail_under_tls, vanished_under_tls, broken_handshake, vanished_at_once),
    *(vanished_in_a_long_text, refusals, failed_login, notice, control),
)


def test_sessions_of_all_kinds_leave_nothing_behind(tmp_path: Path, is_soak: bool) -> None:
    with running(tmp_path, SITE) as server:
        _run(server, WARM_UP)
        descriptors_before, memory_before = descriptors(server.processes), memory(server.processes)
        _run(server, SESSIONS[is_soak])
        eventually(lambda: descriptors(server.processes) <= descriptors_before)
        assert memory(server.processes) - memory_before < GROWTH
        assert "Traceback" not in server.log()


def _run(server: Running, sessions: int) -> None:
    ports = {name: server.port(name) for name in ("esmtpd", "esmtpd-msa")}
    for number in range(sessions):
        KINDS[number % len(KINDS)](server, ports)
    eventually(lambda: server.ask("status")["queue"]["messages"] == 0, within=60)
