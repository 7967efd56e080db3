"""A lifeline: an actor that ends the server when something has ended without which it cannot work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from courier_runtime.snapshot.model import Snapshot
from courier_runtime.supervise.supervisor import GaveUp


class Lifeline:
    """Waits for the end of what the server hangs on."""

    name = "lifeline"

    def __init__(self, ended: asyncio.Event, what: str) -> None:
        self._ended = ended
        self._what = what

    async def run(self, ready: Callable[[], None]) -> None:
        """Wait. Raises GaveUp, so that a service manager starts all of it anew."""
        ready()
        await self._ended.wait()
        raise GaveUp(f"{self._what} has ended")

    async def prepare(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    def adopt(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""
