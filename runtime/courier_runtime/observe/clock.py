"""The real clock, and one that tests wind by hand."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """The machine's time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let others work meanwhile."""
        await asyncio.sleep(seconds)


class FrozenClock:
    """Time that passes only when somebody sleeps or says so; everything else happens at once."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.at

    def monotonic(self) -> float:
        """The same, which never jumps either."""
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Move time on."""
        self.at += seconds
        await asyncio.sleep(0)
