"""SMTP between standard input and output and the server: what `sendmail -bs` does. On the way in LF becomes CRLF."""

from __future__ import annotations

import os
import select
import socket
import sys

OK, LATER = 0, 75

_CHUNK = 65536


def converse(path: str, source: int = 0, sink: int = 1) -> int:
    """Carry bytes to and fro until the server hangs up; the exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        try:
            server.connect(path)
        except OSError as error:
            print(f"sendmail: no server answers at {path}: {error.strerror}", file=sys.stderr)
            return LATER
        try:
            _carry(server, source, sink)
        except OSError as error:
            print(f"sendmail: {error.strerror}", file=sys.stderr)
            return LATER
    return OK


def _carry(server: socket.socket, source: int, sink: int) -> None:
    waiting = [server.fileno(), source]
    ends_in_cr = False
    while True:
        for ready in select.select(waiting, (), ())[0]:
            data = os.read(ready, _CHUNK)
            if ready == source:
                if data:
                    server.sendall(with_crlf(data, ends_in_cr))
                    ends_in_cr = data.endswith(b"\r")
                else:
                    waiting.remove(source)
                    server.shutdown(socket.SHUT_WR)
            elif data:
                os.write(sink, data)
            else:
                return


def with_crlf(data: bytes, follows_cr: bool) -> bytes:
    """The same bytes with every LF preceded by a CR; `follows_cr` says whether the piece before ended in one."""
    first, rest = (data[:1], data[1:]) if follows_cr and data.startswith(b"\n") else (b"", data)
    return first + rest.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
