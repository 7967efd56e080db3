"""Clients that send rubbish, dawdle, vanish, or come by the thousand: the server goes on serving everybody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from random import Random
from typing import Final

import pytest

from runtime.running import Running, eventually, running
from runtime.wires import Wire, descriptors, memory, raise_limits

SITE: Final = """\
site: example.com
host: {name: mx.example.com, postmaster: anna}
listeners: {smtp: {max_per_address: 20000, max_connections: 20000, max_per_network: 20000}}
account_defaults: {home: "/home/{user}", uid: 5000, gid: 5000}
accounts: {anna: {}, boris: {}}
queue: {timeouts: {command: PATIENCE, data: PATIENCE}}
settings:
  esmtpd: {BOFHCHECKDNS: false, TARPIT: false, TCPDOPTS: [-nodnslookup]}
"""
MANY: Final = 2_000
VERY_MANY: Final = 10_000
IDLE: Final = 25 * 1024
"""Bytes that an idle connection may take."""
TEXT: Final = b"Subject: hi\r\n\r\nHello\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    raise_limits()
    with running(tmp_path_factory.mktemp("server"), SITE.replace("PATIENCE", "2s")) as made:
        yield made


@pytest.fixture
def port(server: Running) -> Iterator[int]:
    """Where it listens. Afterwards it must still serve, with no word of a defect in its log."""
    yield server.port()
    with Wire.greeted(server.port()) as wire:
        wire.mail(b"boris@example.com")
        assert wire.say(TEXT + b".").startswith(b"250 ")
    log = server.log()
    assert "Traceback" not in log
    assert "exception" not in log.lower()


def arrived(server: Running, what: bytes) -> list[bytes]:
    """The messages to anna that hold this."""
    texts = (path.read_bytes() for path in server.inbox("anna"))
    return [text for text in texts if what in text]


# ---- rubbish --------------------------------------------------------------------------------------------------------


def test_a_line_of_a_mebibyte_is_one_command_and_gets_one_reply(port: int) -> None:
    with Wire.greeted(port) as wire:
        for line in (b"x" * (1 << 20), b"MAIL FROM:<" + b"a" * (1 << 20), b" " * (1 << 20), b"\r" * (1 << 20)):
            assert wire.say(line)[:1] == b"5"
        assert wire.say(b"NOOP " + b"x" * (1 << 20)) == b"250 Ok"
        assert wire.say(b"QUIT") == b"221 Bye."
        assert wire.rest() == b""


def test_lines_with_nul_bytes_are_commands_as_others_are(port: int) -> None:
    with Wire.greeted(port) as wire:
        assert wire.say(b"NOOP\0 and so on") == b"250 Ok"
        assert wire.say(b"\0")[:1] == b"5"
        assert wire.say(b"MAIL FROM:<\0>")[:1] == b"5"
        assert wire.say(b"QUIT") == b"221 Bye."


def test_binary_rubbish_is_refused_line_by_line(port: int) -> None:
    for seed in range(20):
        rubbish = Random(seed).randbytes(50_000).replace(b"\r\n", b"")
        with Wire.greeted(port) as wire:
            assert wire.say(rubbish)[:1] == b"5"
            assert wire.say(b"NOOP") == b"250 Ok"


def test_a_text_of_rubbish_arrives_byte_for_byte(server: Running, port: int) -> None:
    rubbish = Random(1).randbytes(300_000).replace(b"\r\n", b"").replace(b"\n", b"") + b"end-of-rubbish"
    lines = b"\r\n".join(rubbish[at : at + 4000] for at in range(0, len(rubbish), 4000))
    with Wire.greeted(port) as wire:
        wire.mail()
        wire.send(b"Subject: rubbish\r\n\r\n" + lines.replace(b"\r\n.", b"\r\n.."))
        assert wire.say(b"\r\n.").startswith(b"250 ")
    eventually(lambda: arrived(server, b"end-of-rubbish"))
    [text] = arrived(server, b"end-of-rubbish")
    assert text.partition(b"\n\n")[2] == lines.replace(b"\r\n", b"\n") + b"\n"


def test_a_tls_handshake_on_a_plain_port_is_no_conversation(port: int) -> None:
    with Wire(port) as wire:
        wire.reply()
        wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + Random(2).randbytes(500).replace(b"\r\n", b""))
        assert wire.say(b"")[:1] == b"5"


@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\0\r\n.\0\r\n"])
def test_only_one_end_of_a_text_is_an_end(server: Running, port: int, end: bytes) -> None:
    """Smuggling: what another server may take for the end of a message, and what follows for a second one."""
    mark = b"mark-%s" % end.hex().encode()
    inner = b"MAIL FROM:<evil@evil.example>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\nSubject: two\r\n\r\n%b two" % mark
    with Wire.greeted(port) as wire:
        wire.mail()
        wire.send(b"Subject: one\r\n\r\n%b one" % mark + end + inner + b"\r\n.\r\n")
        assert wire.reply().startswith(b"250 Ok.")
        assert wire.say(b"NOOP") == b"250 Ok", "one message, one reply"
    eventually(lambda: arrived(server, mark))
    time.sleep(0.1)
    [text] = arrived(server, mark)
    assert message_from_bytes(text)["Subject"] == "one"
    assert mark + b" two" in text


# ---- vanishing ------------------------------------------------------------------------------------------------------

STAGES: Final = (
    b"",
    b"EHLO cli.example",
    b"\r\n",
    b"MAIL FROM:<ann@remote.example>\r\n",
    b"RCPT TO:<anna@example.com>\r\n",
    b"DATA\r\n",
    b"Subject: vanished\r\n",
    b"\r\nvanished " + b"x" * 100_000,
    b"\r\n",
    b".",
    b"\r",
)


@pytest.mark.parametrize("is_rude", [True, False], ids=["reset", "closed"])
def test_clients_may_vanish_at_every_stage(server: Running, port: int, is_rude: bool) -> None:
    eventually(lambda: server.ask("status")["queue"]["messages"] == 0)
    before = descriptors(server.processes)
    for stage in range(len(STAGES)):
        for _ in range(5):
            wire = Wire(port)
            wire.send(b"".join(STAGES[: stage + 1]))
            if is_rude:
                wire.vanish()
            else:
                wire.socket.close()
    eventually(lambda: descriptors(server.processes) <= before)
    assert not arrived(server, b"vanished"), "a text without its end is no message"
    assert server.ask("status")["queue"]["messages"] == 0


def test_a_message_counts_even_if_the_client_does_not_wait_for_the_reply(server: Running, port: int) -> None:
    wire = Wire.greeted(port)
    wire.mail()
    wire.send(b"Subject: x\r\n\r\nnot-waited-for\r\n.\r\n")
    wire.socket.close()
    eventually(lambda: len(arrived(server, b"not-waited-for")) == 1)


def test_a_client_that_never_reads_its_replies_is_given_up(server: Running, port: int) -> None:
    wire = Wire.greeted(port)
    wire.socket.settimeout(1.0)
    before = memory(server.processes)
    assert _babbles(wire) < 2000, "the server reads on and on"
    assert memory(server.processes) - before < 8 << 20
    time.sleep(3)
    assert _babbles(wire) == 0, "it is still there"


def _babbles(wire: Wire) -> int:
    """Ask and ask, until nothing more goes out; how often that went well."""
    for count in range(2000):
        try:
            wire.send(b"EHLO cli.example\r\n" * 2000)
        except (TimeoutError, ConnectionError):
            return count
    return 2000


# ---- dawdling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning", [b"", b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\n"], ids=["command", "text"]
)
def test_a_byte_now_and_then_does_not_keep_a_connection_for_ever(port: int, beginning: bytes) -> None:
    wires = [Wire(port) for _ in range(20)]
    for wire in wires:
        wire.send(beginning)
    started = time.monotonic()
    waiting = list(wires)
    while waiting:
        assert time.monotonic() - started < 8, "they are still there"
        time.sleep(0.25)
        waiting = [wire for wire in waiting if _drips(wire)]
        with Wire.greeted(port) as other:
            assert other.say(b"NOOP") == b"250 Ok", "others are served meanwhile"
    assert time.monotonic() - started > 1.5, "a slow client has its time all the same"


def _drips(wire: Wire) -> bool:
    """Send a byte; whether the connection still stands."""
    try:
        wire.send(b"x")
        wire.socket.setblocking(False)
        while wire.socket.recv(4096):
            continue
    except BlockingIOError:
        wire.socket.setblocking(True)
        return True
    except OSError:
        pass
    wire.socket.close()
    return False


def test_a_slow_text_that_comes_on_is_waited_for(server: Running, port: int) -> None:
    with Wire.greeted(port) as wire:
        wire.mail()
        wire.send(b"Subject: slow\r\n\r\n")
        for number in range(5):
            time.sleep(0.8)
            wire.send(b"slow-but-steady %d %b\r\n" % (number, b"x" * 1500))
        assert wire.say(b".").startswith(b"250 ")
    eventually(lambda: len(arrived(server, b"slow-but-steady 4")) == 1)


# ---- crowds ---------------------------------------------------------------------------------------------------------


def test_thousands_of_connections_at_once_are_all_served(tmp_path: Path, is_soak: bool) -> None:
    raise_limits()
    crowd = VERY_MANY if is_soak else MANY
    with running(tmp_path, SITE.replace("PATIENCE", "5m")) as server:
        server.send("anna@example.com")
        eventually(lambda: server.inbox("anna"))
        descriptors_before = descriptors(server.processes)
        grown = asyncio.run(_crowd(server, server.port(), crowd))
        assert grown < crowd * IDLE
        eventually(lambda: descriptors(server.processes) <= descriptors_before, within=60)
        eventually(lambda: len(server.inbox("boris")) == crowd // 10, within=60)
        assert "Traceback" not in server.log()


async def _crowd(server: Running, port: int, crowd: int) -> int:
    """Come all together, stay while every tenth sends a message, and go; by how much the server grew with them."""
    before = memory(server.processes)
    door = asyncio.Semaphore(200)
    guests = await asyncio.gather(*(_enter(port, door) for _ in range(crowd)))
    assert descriptors(server.processes) >= crowd
    grown = memory(server.processes) - before
    await asyncio.gather(*(_send(*guest) for guest in guests[::10]))
    for _, writer in guests:
        writer.close()
    return grown


async def _enter(port: int, door: asyncio.Semaphore) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with door:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await reader.readline()).startswith(b"220 ")
    return reader, writer


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HELO x\r\nMAIL FROM:<ann@remote.example>\r\nRCPT TO:<boris@example.com>\r\nDATA\r\n" + TEXT + b".\r\n"
    )
    replies = [(await reader.readline())[:3] for _ in range(5)]
    assert replies == [b"250", b"250", b"250", b"354", b"250"]
