"""A directory in place of /etc/courier for one command, seen by nobody else.

The programs of Courier have the path compiled in. A private mount namespace binds the directory over it, and a
private UTS namespace gives the host its name; both end with the command, and the machine's own configuration
is never touched. Needs util-linux's `unshare`, and root or user namespaces.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

COURIER_DIRECTORY: Final = "/etc/courier"
_ENTER: Final = 'mount --bind "$1" "$2" && hostname "$3" && shift 3 && exec "$@"'


@dataclass(frozen=True, slots=True)
class CourierRoot:
    """A configuration directory and the host name under which commands see it."""

    directory: Path
    host_name: str = "mailhost"
    _as_user: bool = field(default_factory=lambda: os.geteuid() != 0)

    @classmethod
    def create(cls, directory: Path, files: dict[str, bytes], host_name: str = "mailhost") -> Self:
        """Make the directory, with these files and an empty `aliasdir`."""
        (directory / "aliasdir").mkdir(parents=True)
        root = cls(directory, host_name)
        for name, content in files.items():
            root.write(name, content)
        return root

    def write(self, name: str, content: bytes) -> None:
        """Write a file below the directory, making the directories above it."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def run(self, *command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end; its exit code is the caller's to judge."""
        namespaces = ["--mount", "--uts", *(["--map-root-user"] if self._as_user else [])]
        entered = ["sh", "-c", _ENTER, "sh", str(self.directory), COURIER_DIRECTORY, self.host_name, *command]
        return subprocess.run(["unshare", *namespaces, *entered], input=stdin, capture_output=True, check=False)
