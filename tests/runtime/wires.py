"""The client's end of a connection, blocking and without manners: it sends what it is told, when it is told."""

from __future__ import annotations

import os
import resource
import socket
import ssl
import struct
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Wire:
    """One connection."""

    def __init__(self, port: int, seconds: float = 10.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self._buffer = b""

    @classmethod
    def greeted(cls, port: int) -> Self:
        """One that has said EHLO."""
        wire = cls(port)
        assert wire.reply().startswith(b"220 ")
        assert wire.say(b"EHLO cli.example").startswith(b"250 ")
        return wire

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> bytes:
        """The last line of the next reply. Raises ConnectionError when the server hangs up instead."""
        while True:
            line, newline, rest = self._buffer.partition(b"\r\n")
            if newline:
                self._buffer = rest
                if line[3:4] != b"-":
                    return line
                continue
            found = self.socket.recv(65536)
            if not found:
                raise ConnectionError("the server has hung up")
            self._buffer += found

    def say(self, line: bytes) -> bytes:
        """Send a line; the reply."""
        self.send(line + b"\r\n")
        return self.reply()

    def mail(self, to: bytes = b"anna@example.com", sender: bytes = b"ann@remote.example") -> None:
        """All of a transaction up to the text."""
        assert self.say(b"MAIL FROM:<%b>" % sender).startswith(b"250 ")
        assert self.say(b"RCPT TO:<%b>" % to).startswith(b"250 ")
        assert self.say(b"DATA").startswith(b"354 ")

    def secure(self) -> None:
        """The handshake after STARTTLS."""
        assert not self._buffer, "there are replies that nobody asked for"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        found = self._buffer
        try:
            while piece := self.socket.recv(65536):
                found += piece
        except ConnectionError:
            return found
        return found

    def vanish(self) -> None:
        """Go without a word: the server gets a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.socket.close()


def raise_limits() -> None:
    """As many descriptors as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptors(pids: Iterable[int]) -> int:
    """How many some processes have open."""
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)  # noqa: PTH208 - a number is wanted, not paths


def memory(pids: Iterable[int]) -> int:
    """Bytes of memory that some processes occupy."""
    return sum(map(_resident, pids))


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no memory")
