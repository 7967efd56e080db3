"""What the machine has left for the server: room on the spool's disk, and descriptors.

Whoever watches the server hears of it in three ways: a line in the log when something gets scarce and when it is over,
metrics (those of descriptors are `process_open_fds` and `process_max_fds`), and the health page.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterable
from typing import Final

from courier_runtime.observe.descriptors import LOW_SHARE, SPENT
from courier_runtime.seams import Clock, Log, Metrics
from courier_runtime.snapshot.model import Snapshot

PROGRAM: Final = "courierd"

ROUND: Final = 5.0
"""Seconds between two looks."""
LOW_BYTES: Final = 64 * 1024 * 1024
"""Room below which the log warns. Below 16 MiB deliveries wait, below 1 MiB mail is refused for the time being."""
LOW_FILES: Final = 1000

_OWN: Final = "/dev/fd"


def open_descriptors(others: Iterable[int] = ()) -> tuple[int, int]:
    """How many descriptors the process has open that has most, this one or one of its children; and how many it may."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        return max(len(os.listdir(_OWN)) - 1, *map(_opened, others), 0), most  # noqa: PTH208 - only the number matters
    except OSError as error:
        if error.errno not in SPENT:
            raise
        return most, most


def _opened(process: int) -> int:
    """How many a child has open; 0 if it has ended, or where the system does not tell."""
    try:
        return len(os.listdir(f"/proc/{process}/fd"))  # noqa: PTH208
    except (FileNotFoundError, PermissionError):
        return 0


class Resources:
    """An actor."""

    name = "resources"

    def __init__(
        self,
        *,
        room: Callable[[], tuple[int, int]],
        log: Log,
        metrics: Metrics,
        clock: Clock,
        descriptors: Callable[[], tuple[int, int]] = open_descriptors,
        shortages: Callable[[], float] = lambda: 0,
    ) -> None:
        """`shortages` is how often descriptors were scarce so far, however short a time."""
        self._room = room
        self._descriptors = descriptors
        self._shortages = shortages
        self._known_shortages = shortages()
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._scarce: tuple[str, ...] = ()

    @property
    def trouble(self) -> str:
        """What is scarce; empty while nothing is."""
        return "; ".join(self._scarce)

    async def run(self, ready: Callable[[], None]) -> None:
        """Look around from time to time."""
        ready()
        while True:
            self.look()
            await self._clock.sleep(ROUND)

    async def prepare(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    def adopt(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    def look(self) -> None:
        """Measure, and say what has changed."""
        size, files = self._room()
        used, most = self._descriptors()
        self._metrics.gauge("spool_free_bytes", size)
        self._metrics.gauge("spool_free_inodes", files)
        known, self._known_shortages = self._known_shortages, self._shortages()
        was_short = self._known_shortages > known
        before, self._scarce = self._scarce, tuple(_scarce(size, files, used, most, was_short=was_short))
        kinds = {text.partition(":")[0] for text in before}
        for text in self._scarce:
            if text.partition(":")[0] not in kinds:
                self._log.error(PROGRAM, text)
        if before and not self._scarce:
            self._log.info(PROGRAM, "room and descriptors suffice again")


def _scarce(size: int, files: int, used: int, most: int, *, was_short: bool) -> list[str]:
    found: list[str] = []
    if size < LOW_BYTES:
        found.append(f"low on disk space: {size >> 20} MiB are left for the spool")
    if files < LOW_FILES:
        found.append(f"low on inodes: {files} are left for the spool")
    if most - used < most * LOW_SHARE:
        found.append(f"low on descriptors: {used} of {most} are open, so clients may be turned away")
    elif was_short:
        found.append(f"low on descriptors: of {most} hardly one was left a moment ago, so clients may be turned away")
    return found
