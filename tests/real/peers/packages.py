"""Debian's packages of the peers, which exclude each other and Courier: fetched, not installed, kept for the next run.

cd tests && python -m real.peers.packages
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from real.machine import Machine

PACKAGES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"postfix": ("postfix",), "exim": ("exim4-daemon-light", "exim4-base"), "opensmtpd": ("opensmtpd",)}
)
_CACHE: Final = Path(tempfile.gettempdir()) / "courier-compile-peers"


def fetch(peer: str) -> None:
    """Have the packages of a peer and those that they need and this machine lacks. Asks Debian's archive once."""
    place = _CACHE / peer
    if (place / "complete").exists():
        return
    (place / "partial").mkdir(parents=True, exist_ok=True)
    settings = (f"Dir::Cache::archives={place}", "APT::Sandbox::User=root", "Debug::NoLocking=1")
    options = [word for setting in settings for word in ("-o", setting)]
    only = ["--download-only", "--no-install-recommends", "--yes", "-qq"]
    subprocess.run(["apt-get", *options, "install", *only, *PACKAGES[peer]], check=True, stdout=subprocess.DEVNULL)
    (place / "complete").touch()


def unpack(peer: str, machine: Machine) -> None:
    """Lay the files of a peer's packages over those of a machine; their scripts do not run.

    AssertionError when nobody has fetched them.
    """
    archives = _archives(peer)
    assert archives, f"fetch the packages first: python -m real.peers.packages (nothing in {_CACHE / peer})"
    root = machine.path("/")
    for archive in archives:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as files:
            command = ["tar", "-x", "--keep-directory-symlink", "-C", str(root)]
            subprocess.run(command, stdin=files.stdout, check=True)
    machine.do("ldconfig")


def _archives(peer: str) -> Sequence[Path]:
    return sorted((_CACHE / peer).glob("*.deb"))


if __name__ == "__main__":
    for name in PACKAGES:
        fetch(name)
