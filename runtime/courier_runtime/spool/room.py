"""Room: how much is left for mail where the spool lies."""

from __future__ import annotations

import os
from typing import Final

from courier_runtime.seams import Clock

_LOOKS_EVERY: Final = 1.0
"""Seconds for which it is remembered."""
_ENDLESS: Final = 1 << 30
"""Inodes of a file system that does not count them."""


class Room:
    """Of the file system of a directory. Asked at every RCPT, so the system is asked once a second at most."""

    def __init__(self, directory: str, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._looked_at = float("-inf")
        self._free = (0, 0)

    @property
    def free(self) -> tuple[int, int]:
        """Bytes and inodes."""
        now = self._clock.monotonic()
        if now - self._looked_at >= _LOOKS_EVERY:
            self._looked_at = now
            found = os.statvfs(self._directory)
            self._free = found.f_bavail * found.f_frsize, found.f_favail if found.f_files else _ENDLESS
        return self._free
