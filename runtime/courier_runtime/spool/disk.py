"""Disk: the file operations that the spool consists of. OSError when the system does not do what it is told.

Each operation that changes the disk is announced before it happens, so that tests can let every one of them fail.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

OnStep = Callable[[str, str], None]
"""Told of every step before it is taken: its verb and the path that it is about."""

_MOST_PARTS: Final = 1000
"""Pieces that one writev takes (IOV_MAX is 1024)."""


def _unobserved(verb: str, path: str) -> None:
    del verb, path


class Disk:
    """The file system of this machine."""

    def __init__(self, on_step: OnStep = _unobserved) -> None:
        self._on_step = on_step
        self._paths: dict[int, str] = {}

    def create(self, path: str) -> int:
        """A new file for appending, readable by its owner alone."""
        self._on_step("create", path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        self._paths[descriptor] = path
        return descriptor

    def append(self, descriptor: int, parts: Sequence[bytes]) -> None:
        """Write all of the parts, one after the other."""
        self._on_step("append", self._paths[descriptor])
        for at in range(0, len(parts), _MOST_PARTS):
            some = parts[at : at + _MOST_PARTS]
            size = sum(map(len, some))
            written = os.writev(descriptor, some)
            if written < size:
                self._rest(descriptor, b"".join(some)[written:])

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file off."""
        self._on_step("truncate", self._paths[descriptor])
        os.ftruncate(descriptor, size)

    def synchronise(self, descriptor: int) -> None:
        """Wait until a file's contents are on the disk."""
        self._on_step("synchronise", self._paths[descriptor])
        os.fdatasync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a file."""
        del self._paths[descriptor]
        os.close(descriptor)

    def synchronise_names(self, directory: str) -> None:
        """Wait until the names in a directory are on the disk."""
        self._on_step("synchronise names", directory)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def synchronise_all(self) -> None:
        """Wait until everything that was written on this machine is on its disks, mailboxes included."""
        self._on_step("synchronise all", "/")
        os.sync()

    def unlink(self, path: str) -> None:
        """Remove a file that may be gone already."""
        self._on_step("unlink", path)
        Path(path).unlink(missing_ok=True)

    def mkdir(self, path: str) -> None:
        """Make a directory that may exist already."""
        if not Path(path).is_dir():
            self._on_step("mkdir", path)
            Path(path).mkdir(0o700, parents=True, exist_ok=True)

    def rename(self, source: str, target: str) -> None:
        """Give a file its final name."""
        self._on_step("rename", target)
        Path(source).rename(target)

    def _rest(self, descriptor: int, rest: bytes) -> None:
        """After a write that fell short: a full disk says so now."""
        while rest:
            rest = rest[os.write(descriptor, rest) :]
