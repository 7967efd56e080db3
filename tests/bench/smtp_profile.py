"""What taking a message in costs besides disk and cryptography: connections, commands, checks, headers, envelope.

Serves the tests' small site from a spool that keeps nothing, and sends it messages over loopback from another process.

    python tests/bench/smtp_profile.py [--messages 3000] [--recipients 1] [--loop uvloop|asyncio] [--keep] [--profile]
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import multiprocessing
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.terms import Terms
from runtime.serving import Server, Sheet, Shelf, site

LINE = b"The quick brown fox jumps over the lazy dog, and then it does it all again.\r\n"
TEXT = (
    b"From: Ann Example <ann@remote.example>\r\nTo: alice@example.com\r\nSubject: bench\r\n"
    b"Date: Sat, 22 Nov 2025 08:00:00 +0000\r\nMessage-Id: <bench@remote.example>\r\nMime-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=us-ascii\r\n\r\n" + LINE * (4096 // len(LINE))
)
STREAMS = 10


class Nowhere(Shelf):
    """A spool that counts."""

    count = 0

    def begin(self) -> Sheet:
        self.serial += 1
        return Dropped(self, MessageId(self.serial, 1, 1))


class Dropped(Sheet):
    """A draft that is forgotten."""

    async def commit(self, envelopes: Sequence[Envelope], terms: Terms) -> tuple[MessageId, ...]:
        return (self.id,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--recipients", type=int, default=1)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--keep", action="store_true", help="all messages of a stream over one connection")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    said = parser.parse_args()
    runner = uvloop.run if said.loop == "uvloop" else asyncio.run
    profile = cProfile.Profile() if said.profile else None
    if profile:
        profile.enable()
    runner(measure(said.messages, said.recipients, said.keep))
    if profile:
        profile.disable()
        profile.print_stats("tottime")


async def measure(messages: int, recipients: int, keep: bool) -> None:
    """Serve a load and print what it cost this process."""
    with tempfile.TemporaryDirectory() as directory:
        server = Server(site(Path(directory)))
        shelf = Nowhere()
        object.__setattr__(server.desk, "spool", shelf)
        server.log.info = server.log.error = lambda program, text: None  # type: ignore[method-assign]
        async with server.running():
            load = multiprocessing.Process(
                target=send, args=(server.listener.addresses[0], messages, recipients, keep), daemon=True
            )
            load.start()
            while not shelf.serial:
                await asyncio.sleep(0.01)
            begun, used = time.monotonic(), _cpu()
            while shelf.serial < messages:
                await asyncio.sleep(0.02)
            seconds, cpu = time.monotonic() - begun, _cpu() - used
            load.join()
    print(
        f"{messages / seconds:.0f} messages/s, {cpu / messages * 1e6:.0f} us CPU a message, {recipients} recipients, "
        f"{'one connection for all' if keep else 'a connection each'}"
    )


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def send(address: tuple[str, int], messages: int, recipients: int, keep: bool) -> None:
    """The other process: as many messages as asked for, over so many streams."""
    uvloop.run(_send(address, messages, recipients, keep))


async def _send(address: tuple[str, int], messages: int, recipients: int, keep: bool) -> None:
    left = [messages]
    await asyncio.gather(*(_stream(address, left, recipients, keep) for _ in range(STREAMS)))


async def _stream(address: tuple[str, int], left: list[int], recipients: int, keep: bool) -> None:
    reader: asyncio.StreamReader | None = None
    names = ("alice", "bob", "carol@shop.example", "alice-x", "info")
    commands = [f"RCPT TO:<{names[n % 2]}{'@example.com'}>\r\n".encode() for n in range(recipients)]
    while left[0] > 0:
        left[0] -= 1
        if reader is None:
            reader, writer = await asyncio.open_connection(*address)
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await reader.readline()
            writer.write(b"EHLO bench.example\r\n")
            await reader.readuntil(b"DSN\r\n")
        for command in (b"MAIL FROM:<ann@remote.example>\r\n", *commands, b"DATA\r\n", TEXT + b".\r\n"):
            writer.write(command)
            line = await reader.readline()
            assert line[:1] in b"23", line
        if not keep:
            writer.write(b"QUIT\r\n")
            writer.close()
            reader = None


if __name__ == "__main__":
    main()
