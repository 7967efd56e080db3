"""The servers of the dialogue tests, each alone in a private corner that the caller has entered: same tree, same names,
same accounts.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final

from dialogue.servers import Server
from dialogue.steps import Listener
from dialogue.zone import Zone
from real import namespace
from real.courier_host import ETC, HOMES, STATE, CourierHost, Syslog
from real.name_server import RESOLVER

PORTS: Final[Mapping[Listener, int]] = MappingProxyType({"smtp": 25, "submission": 587, "smtps": 465})
_STARTERS: Final[Mapping[Listener, tuple[str, str]]] = MappingProxyType(
    {
        "smtp": ("esmtpd", "ESMTPDSTART"),
        "submission": ("esmtpd-msa", "ESMTPDSTART"),
        "smtps": ("esmtpd-ssl", "ESMTPDSSLSTART"),
    }
)
"""The control script of each listener, and the setting in its file that says whether it is to run."""


_STAMP: Final = re.compile(r"<[0-9]+>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} ")
"""What a program puts before its line for the system log."""


class WholeLines(Syslog):
    """The system log, with each line as it was said."""

    def _listen(self) -> None:
        while data := self._socket.recv(65536):
            self.lines.append(_STAMP.sub("", data.decode(errors="replace")))


class Names:
    """A name server on 127.0.0.1:53, and a resolver that asks it; both last as long as the corner."""

    def __init__(self, zone: Zone, scratch: Path) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, args=(zone.answer,), daemon=True).start()
        (scratch / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        namespace.bind(scratch / "resolv.conf", RESOLVER)

    def _serve(self, answer: Callable[[bytes], bytes]) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            self._socket.sendto(answer(query), client)


class Accounts:
    """The accounts of a compiled tree with a home below /srv, and mailboxes as an administrator would make them."""

    def __init__(self, host: CourierHost) -> None:
        namespace.empty(HOMES)
        self._inboxes = {}
        for line in (host.tree / "etc/courier/userdb").read_text().splitlines():
            login, _, said = line.partition("\t")
            fields = dict(part.partition("=")[::2] for part in said.split("|"))
            home = Path(fields["home"])
            if home.is_relative_to(HOMES):
                maildir = fields.get("mail", "Maildir")
                self._inboxes[login] = host.make_mailbox(home, int(fields["uid"]), int(fields["gid"]), maildir)

    def messages(self, account: str) -> dict[str, bytes]:
        """What is new in an inbox, oldest first."""
        paths = [*(self._inboxes[account] / "new").iterdir()]
        return {path.name: path.read_bytes() for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns)}


class _InCorner:
    """What both servers share: the tree at /etc/courier, names, accounts, the system log."""

    def _install(self, tree: Path, zone: Zone) -> CourierHost:
        self._scratch = Path(tempfile.mkdtemp(prefix="dialogue-"))
        Names(zone, self._scratch)
        self._host = CourierHost(tree, WholeLines())
        self._host.install(self._scratch)
        self._accounts = Accounts(self._host)
        return self._host

    def mailbox(self, account: str) -> Mapping[str, bytes]:
        return self._accounts.messages(account)

    def log(self) -> Sequence[str]:
        return list(self._host.log.lines)


class RealCourier(_InCorner):
    """Courier 1.0.16, started by its own control scripts."""

    def start(self, tree: Path, zone: Zone) -> Mapping[Listener, int]:
        host = self._install(tree, zone)
        listeners = started(tree)
        host.start("authdaemond", "courier", *(_STARTERS[listener][0] for listener in listeners))
        ports = {listener: PORTS[listener] for listener in listeners}
        host.wait_for(*ports.values())
        return ports

    def stop(self) -> None:
        self._host.stop()


class OurRuntime(_InCorner):
    """The runtime: one process that serves the tree."""

    def start(self, tree: Path, zone: Zone) -> Mapping[Listener, int]:
        self._install(tree, zone)
        self._said: list[str] = []
        self._process = subprocess.Popen(
            [str(Path(sys.executable).with_name("courier-run")), str(ETC), "--state", str(STATE / "run")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True).start()
        assert self._process.stdout.readline() == "ready\n", self._said
        return {listener: PORTS[listener] for listener in started(tree)}

    def _listen(self, stderr: IO[str]) -> None:
        for line in stderr:
            self._said.append(line.rstrip("\n"))

    def log(self) -> Sequence[str]:
        return list(self._said)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)


def started(tree: Path) -> tuple[Listener, ...]:
    """The SMTP listeners that a compiled tree wants to run."""
    return tuple(
        listener for listener, (name, setting) in _STARTERS.items() if _says_yes(tree / "etc/courier" / name, setting)
    )


def _says_yes(file: Path, setting: str) -> bool:
    return file.exists() and re.search(rf"^{setting}=['\"]?YES", file.read_text(), re.MULTILINE) is not None


MAKERS: Final[Mapping[str, Callable[[], Server]]] = MappingProxyType({"courier": RealCourier, "ours": OurRuntime})
"""Every server by its name in `dialogue.servers`."""
