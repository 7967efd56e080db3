"""The watcher: raises an alarm when something below a directory changes. The only door to watchfiles here.

Directories are watched, not files, for files are replaced rather than written.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from watchfiles import awatch

from courier_runtime.snapshot.load import RECORDS
from courier_runtime.snapshot.model import Snapshot

_QUIET: Final = 50
"""Milliseconds without a change that end one edit."""
_PATIENCE: Final = 500
"""Milliseconds that one edit may take."""
_LOOK: Final = 1000
"""Milliseconds without a change after which the directories themselves are looked at."""


class Watcher:
    """An actor."""

    name = "watcher"

    def __init__(self, directories: Sequence[Path], alarm: Callable[[], None]) -> None:
        self._directories = directories
        self._alarm = alarm

    async def run(self, ready: Callable[[], None]) -> None:
        """Watch. Two alarms at the beginning cover what changed before, and while the watch was set up."""
        ready()
        while True:
            places = readable(self._directories)
            watched = {path for path, _ in places}
            self._alarm()
            is_watching = False
            # A directory that goes before it can be watched is seen to be gone in the next round.
            with contextlib.suppress(FileNotFoundError):
                async for changes in awatch(
                    *watched,
                    debounce=_PATIENCE,
                    step=_QUIET,
                    watch_filter=None,
                    recursive=False,
                    rust_timeout=_LOOK,
                    yield_on_timeout=True,
                ):
                    if changes or not is_watching:
                        self._alarm()
                    is_watching = True
                    # The heir of a directory may have been given its inode, so what is told of one counts as well.
                    if readable(self._directories) != places or any(path in watched for _, path in changes):
                        break

    async def prepare(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    def adopt(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""


def readable(directories: Sequence[Path]) -> tuple[tuple[str, int], ...]:
    """These directories and all below them that this process may read, with the inode that tells one from its heir.

    Directories of others must not cost the watch of the rest. Those below a tree's records are no part of it: old
    generations, and what an apply is about to put in place.
    """
    return tuple(sorted(found for directory in directories for found in _below(directory)))


def _below(directory: Path) -> Iterator[tuple[str, int]]:
    for place, names, _ in os.walk(directory):
        path = Path(place)
        if path.name == RECORDS:
            names.clear()
        with contextlib.suppress(FileNotFoundError):
            if os.access(path, os.R_OK | os.X_OK):
                yield place, path.stat().st_ino
