"""STARTTLS on both event loops, as uvloop and asyncio change the transport of a connection in different ways.

The client is a thread with a plain blocking socket, so that it has no part in what is tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from runtime.serving import Server, site
from runtime.wires import Wire

LOOPS = pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
TLS = {"COURIERTLS": "/usr/bin/couriertls", "TLS_CERTFILE": "/etc/courier/esmtpd.pem"}
LONG = b"".join(b"%06d %s\r\n" % (number, b"x" * 60) for number in range(15_000))

Talk = Callable[[int], None]


def serve(make_loop: Callable[[], asyncio.AbstractEventLoop], directory: Path, talk: Talk) -> Server:
    """Let a client talk to a server that has TLS."""
    server = Server(site(directory, **TLS))

    async def whole() -> None:
        async with server.running():
            async with asyncio.timeout(60):
                await asyncio.to_thread(talk, server.listener.addresses[0][1])

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(whole())
    return server


@LOOPS
def test_sessions_under_tls_go_on_to_their_end(
    make_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    def talk(port: int) -> None:
        for _ in range(20):
            wire = Wire.greeted(port)
            assert wire.say(b"STARTTLS") == b"220 Ok"
            wire.secure()
            assert wire.say(b"EHLO cli.example").startswith(b"250 ")
            assert wire.say(b"MAIL FROM:<ann@remote.example>") == b"250 Ok."
            assert wire.say(b"RCPT TO:<alice@example.com>") == b"250 Ok."
            assert wire.say(b"DATA") == b"354 Ok."
            wire.send(b"Subject: long\r\n\r\n" + LONG)
            assert wire.say(b".").startswith(b"250 Ok.")
            assert wire.say(b"QUIT") == b"221 Bye."
            wire.socket.close()

    server = serve(make_loop, tmp_path, talk)
    assert len(server.shelf.stored) == 20
    assert all(one.text.endswith(LONG.replace(b"\r\n", b"\n")) for one in server.shelf.stored)
    assert all(b"TLS1." in one.text for one in server.shelf.stored)


@LOOPS
def test_what_came_in_the_clear_behind_starttls_is_thrown_away(
    make_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    def talk(port: int) -> None:
        for injected in (b"NOOP\r\n", b"EHLO evil.example\r\nMAIL FROM:<evil@evil.example>\r\n", b"RCPT TO:<ali"):
            wire = Wire.greeted(port)
            wire.send(b"STARTTLS\r\n" + injected)
            assert wire.reply() == b"220 Ok"
            wire.secure()
            assert wire.say(b"NOOP") == b"250 Ok", "the only reply is that to the only command"
            assert wire.say(b"RCPT TO:<alice@example.com>").startswith(b"502 "), "no transaction has begun"
            assert wire.say(b"QUIT") == b"221 Bye."
            wire.socket.close()

    assert not serve(make_loop, tmp_path, talk).shelf.stored


@LOOPS
def test_handshakes_that_come_to_nothing_leave_the_server_alive(
    make_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    def talk(port: int) -> None:
        for nonsense in (b"", b"NOOP\r\n", b"\x16\x03\x01\x02\x00\x01", bytes(500)):
            wire = Wire.greeted(port)
            assert wire.say(b"STARTTLS") == b"220 Ok"
            wire.send(nonsense)
            wire.socket.close()
        assert Wire.greeted(port).say(b"NOOP") == b"250 Ok"

    server = serve(make_loop, tmp_path, talk)
    assert not any("Traceback" in line for line in server.log.lines)


@LOOPS
def test_clients_that_vanish_under_tls_leave_nothing(
    make_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    def talk(port: int) -> None:
        for told in (b"", b"EHLO x\r\n", b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\nSubj"):
            wire = Wire.greeted(port)
            assert wire.say(b"STARTTLS") == b"220 Ok"
            wire.secure()
            wire.send(told)
            wire.vanish()
        assert Wire.greeted(port).say(b"QUIT") == b"221 Bye."

    server = serve(make_loop, tmp_path, talk)
    assert not server.shelf.stored
    assert server.gate.active == 0
