"""One connection of a script: bytes out, lines in, each line as text that can be read."""

from __future__ import annotations

import re
import socket
import ssl
import time
from typing import Final

from dialogue.steps import Open

PATIENCE: Final = 10.0
"""Seconds that a reply, a message or a line of the log may take."""


class Wire:
    """A connection from a script's source to its target; OSError and TimeoutError are the world's."""

    def __init__(self, opened: Open, port: int) -> None:
        family = socket.AF_INET6 if ":" in opened.target else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.settimeout(PATIENCE)
        self._socket.bind((opened.source, 0))
        self._socket.connect((opened.target, port))
        self._buffer = b""
        self.last = ""
        """The line that came last."""
        if opened.listener == "smtps":
            self.encrypt()

    def encrypt(self) -> None:
        """Begin TLS; any certificate will do."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._socket = context.wrap_socket(self._socket)

    def send(self, data: bytes) -> None:
        """All of the data, as it is."""
        self._socket.settimeout(PATIENCE)
        self._socket.sendall(data)

    def line(self, seconds: float) -> str | None:
        """The next line, without its end; None when the server closed.

        Raises TimeoutError.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = self._socket.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                data = b""
            if not data:
                rest, self._buffer = self._buffer, b""
                return visible(rest) if rest else None
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\n")
        self.last = visible(text.removesuffix(b"\r"))
        return self.last

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def text_lines(data: bytes) -> list[str]:
    """The lines of a stored message."""
    return [visible(line) for line in data.removesuffix(b"\n").split(b"\n")]


def visible(data: bytes) -> str:
    """Text in which control characters, and bytes that are no UTF-8, show as escapes."""
    text = data.decode(errors="backslashreplace")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", lambda found: _ESCAPES.get(found[0], f"\\x{ord(found[0]):02x}"), text)


_ESCAPES: Final = {"\r": "\\r", "\0": "\\0"}
