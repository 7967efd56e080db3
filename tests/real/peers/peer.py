"""What the tests ask of a mail server of others, and what all those servers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final, Protocol

from real.machine import HERE, Machine, make_maildir
from real.mail_host import wait_for
from real.peers.packages import unpack

USER: Final = "paul"
_UID: Final = 5001
CERTIFICATE: Final = "/etc/ssl/peer.pem"
"""Certificate and key."""


class Peer(Protocol):
    """A mail server with one user, whose extensions `paul+...` are his, and that relays for the tests."""

    domain: str
    machine: Machine

    @property
    def address(self) -> str:
        """The user's."""

    @property
    def inbox(self) -> Path:
        """His maildir."""

    def extended(self, extension: str) -> str:
        """Another address of his."""

    def stop(self) -> None:
        """End the server and its machine."""


class Packaged(ABC):
    """A peer from Debian's packages: subclasses configure and start it."""

    name: str
    system_users: tuple[str, ...]

    def __init__(self, address: str, scratch: Path) -> None:
        self.domain = f"{self.name}.example"
        self.host = f"mx.{self.domain}"
        self.machine = Machine(self.host, address, scratch / self.name)
        try:
            self._install()
            self.configure()
            wait_for(address, 25, self.machine)
        except BaseException:
            self.machine.close()
            raise

    def _install(self) -> None:
        unpack(self.name, self.machine)
        for user in self.system_users:
            self.machine.do(
                "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", user
            )
        self.machine.do("useradd", "--uid", str(_UID), "--user-group", "--no-create-home", "--shell", "/bin/sh", USER)
        self.inbox = make_maildir(self.machine, f"/home/{USER}/Maildir", _UID)
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self.machine.do(*make, "-subj", f"/CN={self.host}", "-keyout", CERTIFICATE, "-out", "/tmp/certificate")
        self.machine.do("sh", "-ec", f"cat /tmp/certificate >>{CERTIFICATE}; chmod 600 {CERTIFICATE}")

    @abstractmethod
    def configure(self) -> None:
        """Write the configuration, and start."""

    @property
    def address(self) -> str:
        return f"{USER}@{self.domain}"

    def extended(self, extension: str) -> str:
        return f"{USER}+{extension}@{self.domain}"

    def write(self, path: str, text: str) -> None:
        """A file of its machine."""
        place = self.machine.path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def stop(self) -> None:
        self.machine.close()


TRUSTED: Final = HERE
"""Who may relay through a peer."""
