"""The remote mail server of the dialogue tests: takes everything, remembers it, and refuses the recipients whose names
ask for it: `refused…` for good, `later…` for the time being.
"""

from __future__ import annotations

import ctypes
import os
import socket
import socketserver
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Final

_CLONE_NEWNET: Final = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

PLAIN: Final = "198.18.0.98"
"""Where it speaks ESMTP without extensions."""
CAPABLE: Final = "198.18.0.99"
"""Where it offers DSN, 8BITMIME, SIZE and XVERP."""

_NEAR: Final = "198.18.0.1"
_EXTENSIONS: Final = ("DSN", "8BITMIME", "SIZE", "XVERP=Courier")


class Sink:
    """Listens on both addresses, on a network of its own at the end of a wire, as long as the process lives."""

    def __init__(self) -> None:
        self._taken: dict[str, Sequence[str]] = {}
        opening = threading.Thread(target=self._open)
        opening.start()
        opening.join()

    def _open(self) -> None:
        """Run in a thread that leaves for another network: the sockets it makes there serve all threads."""
        lay, addressed = _commands(threading.get_native_id())
        _leave_network()
        subprocess.run(["nsenter", f"--net=/proc/{os.getpid()}/ns/net", "sh", "-ec", lay], check=True)
        subprocess.run(["sh", "-ec", addressed], check=True)
        for address in (PLAIN, CAPABLE):
            server = _Listener((address, 25), _Session, self)
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def transactions(self) -> Mapping[str, Sequence[str]]:
        """Commands and text of each message that was taken, oldest first."""
        return dict(self._taken)

    def take(self, lines: Sequence[str]) -> None:
        """Remember one message."""
        self._taken[str(len(self._taken))] = lines


def _leave_network() -> None:
    """Give the calling thread, and it alone, an empty network."""
    if _libc.unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def _commands(thread: int) -> tuple[str, str]:
    """Shell commands that lay the wire to a thread's network, and that give its far end both addresses."""
    near, far = "ip link set near up", "ip link set far up"
    lay = f"ip link add near type veth peer name far netns {thread}; ip address add {_NEAR}/24 dev near; {near}"
    return lay, f"{far}; ip address add {PLAIN}/24 dev far; ip address add {CAPABLE}/24 dev far"


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], session: type[socketserver.BaseRequestHandler], sink: Sink) -> None:
        super().__init__(address, session)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sink = sink


class _Session(socketserver.StreamRequestHandler):
    """One client's conversation."""

    server: _Listener

    def handle(self) -> None:
        self._transaction: list[str] = []
        self._say("220 remote.example ESMTP")
        for raw in self.rfile:
            line = raw.decode(errors="replace").rstrip("\r\n")
            verb = line[:4].upper()
            if verb == "QUIT":
                self._say("221 Bye.")
                return
            self._answer(verb, line)

    def _answer(self, verb: str, line: str) -> None:
        if verb == "EHLO":
            self._greet()
        elif verb == "MAIL":
            self._transaction = [line]
            self._say("250 Sender taken.")
        elif verb == "RCPT":
            self._recipient(line)
        elif verb == "DATA":
            self._data()
        else:
            self._say("250 Done.")

    def _greet(self) -> None:
        self._say("250-remote.example")
        offered = _EXTENSIONS if self.server.server_address[0] == CAPABLE else ()
        for extension in offered:
            self._say(f"250-{extension}")
        self._say("250 HELP")

    def _recipient(self, line: str) -> None:
        if ":<refused" in line:
            self._say("550-No such person here,\r\n550 and never was.")
        elif ":<later" in line:
            self._say("450 Come again.")
        else:
            self._transaction.append(line)
            self._say("250 Recipient taken.")

    def _data(self) -> None:
        self._say("354 Go ahead.")
        lines = []
        for raw in self.rfile:
            line = raw.decode(errors="backslashreplace").rstrip("\r\n")
            if line == ".":
                break
            lines.append(line)
        self.server.sink.take([*self._transaction, "DATA", *lines])
        self._say("250 Message taken.")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
