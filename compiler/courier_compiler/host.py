"""What can be seen of the mail host while checking: its files and the time, or nothing at all.

A site is often checked where it is not run. Checks that look at certificates or programs ask this seam and stay
silent where it knows nothing.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One existing file. `content` is None when it may not be read."""

    mode: int
    owner: int
    is_directory: bool
    content: bytes | None


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
        except OSError:
            return None
        directory = stat.S_ISDIR(status.st_mode)
        try:
            content = None if directory else place.read_bytes()
        except OSError:
            content = None
        return FileFacts(stat.S_IMODE(status.st_mode), status.st_uid, directory, content)

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
