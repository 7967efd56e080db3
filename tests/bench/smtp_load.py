"""Load: so many messages to one SMTP server of this machine, over so many sessions at a time, each reply awaited.

Prints one line of JSON: how many were accepted and refused, in how many seconds, how long the final replies took, and
what the load itself cost of the processor.

    python tests/bench/smtp_load.py 127.0.0.1:2525 --messages 2000 --to anna@example.com [--to ...] [--keep] [--rate 50]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, cast

import uvloop

LINE: Final = b"The quick brown fox jumps over the lazy dog, and then it does it all again.\r\n"
HEADERS: Final = (
    b"From: bench@example.net\r\nTo: bench@example.net\r\nSubject: bench %d\r\n"
    b"Date: Sat, 22 Nov 2025 08:00:00 +0000\r\nMessage-Id: <%d.%d@example.net>\r\nMime-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
)
LOOPBACK: Final = ("127.", "::1")


@dataclass
class Load:
    """What is to be sent, and how far that has come."""

    host: str
    port: int
    messages: int
    recipients: Sequence[bytes]
    size: int
    keeps: bool
    rate: float
    started: float = field(default_factory=time.perf_counter)
    sent: int = 0
    accepted: int = 0
    refused: list[str] = field(default_factory=list)
    replies: list[float] = field(default_factory=list)
    """Seconds from the last byte of each message to its final reply."""

    def __post_init__(self) -> None:
        self._body = (LINE * (self.size // len(LINE) + 1))[: self.size - 2] + b"\r\n.\r\n"

    def next(self) -> int | None:
        """The number of the next message; None when there is none left."""
        if self.sent >= self.messages:
            return None
        self.sent += 1
        return self.sent

    def wait(self) -> float:
        """Seconds until the next message may begin, when they come at a rate."""
        return self.started + self.sent / self.rate - time.perf_counter() if self.rate else 0.0

    def text(self, number: int) -> bytes:
        return HEADERS % (number, number, time.time_ns()) + self._body


class Session(asyncio.Protocol):
    """One connection: says the next thing at every reply, and tells `over` when it will send no more."""

    def __init__(self, load: Load, over: asyncio.Future[None]) -> None:
        self._load, self._over = load, over
        self._said = b""
        self._script = self._talk()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._said += data
        while not self._over.done() and (end := self._said.find(b"\n") + 1):
            line, self._said = self._said[:end], self._said[end:]
            if line[3:4] != b"-":
                self._answer(line)

    def _answer(self, line: bytes) -> None:
        try:
            say = next(self._script) if line[:1] in b"23" else None
        except StopIteration:
            say = None
        if line[:1] not in b"23":
            self._load.refused.append(line.decode(errors="replace").strip())
        if say is None:
            self._end()
        else:
            self._transport.write(say)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._over.done():
            self._load.refused.append(f"the connection was lost: {error}")
            self._over.set_result(None)

    def _end(self) -> None:
        """Nobody waits for the answer to QUIT, as clients of today do not."""
        self._over.set_result(None)
        self._transport.write(b"QUIT\r\n")
        self._transport.close()

    def _talk(self) -> Iterator[bytes]:
        load = self._load
        yield b"EHLO bench.example.net\r\n"
        while (number := load.next()) is not None:
            yield b"MAIL FROM:<bench@example.net>\r\n"
            for recipient in load.recipients:
                yield b"RCPT TO:<%b>\r\n" % recipient
            yield b"DATA\r\n"
            text, started = load.text(number), time.perf_counter()
            yield text
            load.replies.append(time.perf_counter() - started)
            load.accepted += 1
            if not load.keeps:
                return


async def stream(load: Load) -> None:
    """Session after session, as long as there are messages."""
    loop = asyncio.get_running_loop()
    while load.sent < load.messages:
        if (seconds := load.wait()) > 0:
            await asyncio.sleep(seconds)
            continue
        over = loop.create_future()
        try:
            await loop.create_connection(lambda over=over: Session(load, over), load.host, load.port)  # type: ignore[misc]
        except OSError as error:
            load.refused.append(str(error))
            return
        await over


async def send(load: Load, sessions: int) -> None:
    await asyncio.gather(*(stream(load) for _ in range(sessions)))


@dataclass(frozen=True)
class Result:
    """What a load came to; times of replies in milliseconds."""

    accepted: int
    refused: int
    seconds: float
    p50: float
    p99: float
    longest: float
    own_cpu_ms: float
    why: str = ""
    """The first refusal."""


def result(load: Load, seconds: float) -> Result:
    replies = sorted(load.replies) or [0.0]
    p50, p99 = (replies[min(len(replies) - 1, int(len(replies) * share))] * 1e3 for share in (0.5, 0.99))
    cpu = sum(os.times()[:2]) / max(load.accepted, 1) * 1e3
    first = load.refused[0] if load.refused else ""
    return Result(load.accepted, len(load.refused), seconds, p50, p99, replies[-1] * 1e3, cpu, first)


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("target", help="ADDRESS:PORT, on this machine")
    given.add_argument("--messages", type=int, default=2000)
    given.add_argument("--sessions", type=int, default=10)
    given.add_argument("--size", type=int, default=4096, help="bytes of each body")
    given.add_argument("--to", action="append", required=True)
    given.add_argument("--keep", action="store_true", help="all messages of a session over one connection")
    given.add_argument("--rate", type=float, default=0.0, help="messages a second at most")
    said = given.parse_args()
    host, _, port = said.target.rpartition(":")
    if not host.startswith(LOOPBACK):
        given.error("load is for this machine only")
    recipients = [address.encode() for address in said.to]
    load = Load(host, int(port), said.messages, recipients, said.size, said.keep, said.rate)
    uvloop.run(send(load, said.sessions))
    print(json.dumps(asdict(result(load, time.perf_counter() - load.started))))


if __name__ == "__main__":
    main()
