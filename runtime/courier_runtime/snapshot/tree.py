"""The files of a configuration directory as a snapshot needs them: read once, each by its virtual name first.

Reading is all that happens here. A missing file is None, a missing database holds nothing; one that cannot be read is a
CourierSiteError, for a server that goes on without its access table serves the wrong people.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from courier_runtime.snapshot.model import Get, nothing
from courier_schema.legacy.formats.gdbm import MalformedDatabase, Reader
from courier_schema.legacy.formats.source import Source
from courier_schema.report import CourierSiteError

_READ_WHOLE: Final = 4 * 1024 * 1024
"""Databases up to this size become a dict: a look-up then costs a tenth, and there are a dozen for every recipient."""


Opener = Callable[[Path], int]
"""Opens a file for reading, as `os.open` does, for whoever may. Raises OSError."""


def open_for_reading(path: Path) -> int:
    """With this process's own rights."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


@dataclass(slots=True)
class Tree:
    """One configuration directory, seen by one virtual host or by none."""

    directory: Path
    suffix: str = ""
    opener: Opener = open_for_reading
    hashes: dict[str, str] = field(default_factory=dict)
    """SHA-256 of every file that was read, by its path below the directory: what this snapshot is made of."""
    contents: dict[str, bytes | None] = field(default_factory=dict)
    """Files that were read, None for missing ones: who asks twice hears the same, whoever writes meanwhile."""

    def virtual(self, suffix: str) -> Tree:
        """The same directory for a virtual host; what both read is remembered together."""
        return Tree(self.directory, suffix, self.opener, self.hashes, self.contents)

    def read(self, name: str) -> bytes | None:
        """The contents of a file, that of the virtual host where it has its own."""
        for candidate in self._names(name):
            if candidate not in self.contents:
                self.contents[candidate] = self._read(candidate)
            if (content := self.contents[candidate]) is not None:
                return content
        return None

    def _read(self, name: str) -> bytes | None:
        try:
            with os.fdopen(self.opener(self.directory / name), "rb") as file:
                content = file.read()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except OSError as error:
            raise CourierSiteError(f"{self.directory / name} cannot be read: {error.strerror}") from error
        self.hashes[name] = hashlib.sha256(content).hexdigest()
        return content

    def source(self, name: str) -> Source:
        """The same for a parser; a missing file is empty."""
        return Source(str(self.directory / name), self.read(name) or b"")

    def table(self, name: str) -> Get:
        """A database."""
        for candidate in self._names(name):
            path = self.directory / candidate
            try:
                with os.fdopen(self.opener(path), "rb") as file:
                    size = os.fstat(file.fileno()).st_size
                    content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
            except FileNotFoundError:
                continue
            except OSError as error:
                raise CourierSiteError(f"{path} cannot be read: {error.strerror}") from error
            self.hashes[candidate] = hashlib.sha256(content).hexdigest()
            return _reader(path, content, size)
        return nothing

    def names(self, prefix: str) -> tuple[str, ...]:
        """What follows a prefix in the names of the directory's files, sorted."""
        return tuple(
            sorted(name[len(prefix) :] for entry in self.directory.iterdir() if (name := entry.name).startswith(prefix))
        )

    def _names(self, name: str) -> tuple[str, ...]:
        return (f"{name}.{self.suffix}", name) if self.suffix else (name,)


def _reader(path: Path, content: bytes | mmap.mmap, size: int) -> Get:
    try:
        reader = Reader(content)
        found: Callable[[bytes], bytes | None] = dict(reader.items()).get if size <= _READ_WHOLE else reader.get
    except MalformedDatabase as error:
        raise CourierSiteError(f"{path}: {error}") from error
    return found
