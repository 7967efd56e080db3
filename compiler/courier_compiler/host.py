"""What can be seen of the mail host while checking: its files and the time, or nothing at all.

A site is often checked where it is not run. Checks that look at certificates or programs ask this seam and stay
silent where it knows nothing.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

MAX_BYTES: Final = 1 << 20
"""How much of a file is looked at, in bytes: certificates are kilobytes, and a wrong path may name a disk."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One existing file. `source` is its content, the path to read that from, or None when it may not be read."""

    mode: int
    owner: int
    is_directory: bool
    source: bytes | Path | None
    is_regular: bool = True
    """False for directories, pipes and devices."""

    @property
    def content(self) -> bytes | None:
        """The first MAX_BYTES of a regular file; None for anything else and when it may not be read."""
        return _beginning(self.source) if isinstance(self.source, Path) else self.source


def _beginning(path: Path) -> bytes | None:
    try:
        # a pipe without a writer would wait for one
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(MAX_BYTES) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError:
        return None


class HostView(Protocol):
    """The mail host as far as it can be seen."""

    @property
    def strict(self) -> bool:
        """True when this is the host itself, so that a missing file is a mistake."""
        ...

    def file(self, path: str) -> FileFacts | None:
        """Facts about an absolute path, None when it does not exist or cannot be seen."""
        ...

    def now(self) -> datetime:
        """The present moment."""
        ...


@dataclass(frozen=True, slots=True)
class LocalHost:
    """The file system below `root`, taken for the mail host's."""

    root: Path = Path("/")
    strict: bool = False

    def file(self, path: str) -> FileFacts | None:
        place = self.root / path.lstrip("/")
        try:
            status = place.stat()
        except (OSError, ValueError):  # ValueError: a name with NUL
            return None
        regular = stat.S_ISREG(status.st_mode)
        source = place if regular else None
        return FileFacts(stat.S_IMODE(status.st_mode), status.st_uid, stat.S_ISDIR(status.st_mode), source, regular)

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class NoHost:
    """Nothing is known of the host; the time is given, for tests and reproducible reports."""

    moment: datetime
    strict: bool = False

    def file(self, path: str) -> FileFacts | None:
        return None

    def now(self) -> datetime:
        return self.moment
