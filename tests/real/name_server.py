"""A name server for the private corner: the made-up domains of the examples exist, nothing else does."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

from real import namespace

RESOLVER = Path("/etc/resolv.conf")
KNOWN = ("example.net", "example.org", "shop.example")

_A = 1
_NOERROR, _NXDOMAIN = 0, 3
_RESPONSE = 0x8580  # a response, authoritative, recursion asked for and available


class NameServer:
    """Answers A questions on 127.0.0.1:53; UDP is enough for answers of one record."""

    def __init__(self, scratch: Path) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._socket.settimeout(0.1)  # a close frees the port only when nobody waits for a question any more
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()
        (scratch / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        namespace.bind(scratch / "resolv.conf", RESOLVER)

    def _serve(self) -> None:
        while True:
            try:
                question, client = self._socket.recvfrom(512)
            except TimeoutError:
                continue
            except OSError:
                return
            self._socket.sendto(_answer(question), client)

    def close(self) -> None:
        self._socket.close()
        self._server.join()
        namespace.release(RESOLVER)


def _answer(message: bytes) -> bytes:
    end, labels = 12, []
    while message[end]:
        labels.append(message[end + 1 : end + 1 + message[end]].decode().lower())
        end += 1 + message[end]
    (kind,) = struct.unpack_from(">H", message, end + 1)
    name = ".".join(labels)
    known = any(name == domain or name.endswith(f".{domain}") for domain in KNOWN) and not name[:1].isdigit()
    records = known and kind == _A
    code = _NOERROR if known else _NXDOMAIN
    head = struct.pack(">2sHHHHH", message[:2], _RESPONSE | code, 1, int(records), 0, 0)
    record = struct.pack(">HHHIH4s", 0xC00C, _A, 1, 60, 4, socket.inet_aton("192.0.2.25")) if records else b""
    return head + message[12 : end + 5] + record
