"""The reloader: a changed tree becomes the configuration in force, wholly or not at all.

A new snapshot is loaded beside the old one, every actor is asked whether it can live with it, and only then do all go
over to it. Whatever goes wrong leaves the old one in force, with the reason in the log and in the status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from courier_runtime.seams import Clock, Follower, Log, Metrics, Refuses
from courier_runtime.snapshot.certificates import is_replaced
from courier_runtime.snapshot.model import Snapshot
from courier_schema.report import CourierSiteError

PROGRAM: Final = "courierd"

RETRY: Final = 10.0
"""Seconds after which a refused change is looked at again, as what was in its way may have been the machine's; and
certificates, which may lie and be replaced anywhere."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the configuration stands."""

    generation: str
    since: float
    """When it came into force."""
    trouble: str = ""
    """Why the latest change did not; empty if it did."""


class Source(Protocol):
    """What the tree is compiled from."""

    trouble: str
    """Why the tree is not what the source says now; empty if it is."""

    async def renew(self) -> None:
        """Compile it anew."""
        ...


class Reloader:
    """Waits for alarms, and reloads."""

    name = "reloader"

    def __init__(
        self,
        *,
        snapshot: Snapshot,
        load: Callable[[], Snapshot],
        followers: Sequence[Follower],
        log: Log,
        metrics: Metrics,
        clock: Clock,
        on_begin: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
        source: Source | None = None,
    ) -> None:
        """`on_begin` and `on_end` are called around every look at a changed tree."""
        self.current = snapshot
        self._source = source
        self._is_told = False
        self._on_begin, self._on_end = on_begin, on_end
        self._load = load
        self._followers = followers
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._alarm = asyncio.Event()
        self._lock = asyncio.Lock()
        self.standing = Standing(snapshot.generation, clock.now())

    async def run(self, ready: Callable[[], None]) -> None:
        """Reload whenever somebody raises an alarm."""
        self._announce(self.current)
        ready()
        while True:
            try:
                async with asyncio.timeout(RETRY):
                    await self._alarm.wait()
            except TimeoutError:
                if self.standing.trouble or is_replaced(self.current.certificates):
                    await self._look(is_repeated=True)
            else:
                self._alarm.clear()
                is_told, self._is_told = self._is_told, False
                await self._look(is_told=is_told)

    def alarm(self) -> None:
        """Something may have changed."""
        self._alarm.set()

    def tell(self) -> None:
        """Somebody wants a `reload` soon."""
        self._is_told = True
        self._alarm.set()

    async def reload(self) -> Standing:
        """Compile the tree anew where it has a source, and go over to it if it is another one and everybody can."""
        return await self._look(is_told=True)

    async def _look(self, *, is_told: bool = False, is_repeated: bool = False) -> Standing:
        async with self._lock:
            self._on_begin()
            try:
                if is_told and self._source is not None:
                    await self._source.renew()
                new = await asyncio.to_thread(self._load)
                if new.version != self.current.version:
                    await self._go_over(new)
                if self._source is not None and self._source.trouble:
                    is_repeated = not is_told  # a change of the tree says nothing new about its source
                    raise CourierSiteError(self._source.trouble)
                self.standing = Standing(self.current.generation, self.standing.since)
            except (CourierSiteError, Refuses) as error:
                self._refuse(str(error), is_repeated=is_repeated)
            finally:
                self._on_end()
            return self.standing

    async def prepare(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    def adopt(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    async def _go_over(self, new: Snapshot) -> None:
        for one in self._followers:
            await one.prepare(new)
        for one in self._followers:
            one.adopt(new)
        self._metrics.forget("generation", generation=self.current.generation)
        self.current = new
        self.standing = Standing(new.generation, self._clock.now())
        self._metrics.count("reloads", result="adopted")
        self._announce(new)

    def _announce(self, snapshot: Snapshot) -> None:
        self._metrics.gauge("generation", 1, generation=snapshot.generation)
        self._log.info(PROGRAM, f"generation {snapshot.generation} is in force")
        for doubt in snapshot.doubts:
            self._log.error(PROGRAM, doubt)

    def _refuse(self, why: str, *, is_repeated: bool) -> None:
        if is_repeated and why == self.standing.trouble:
            return
        self.standing = Standing(self.current.generation, self.standing.since, why)
        self._metrics.count("reloads", result="refused")
        for line in f"generation {self.current.generation} stays in force: {why}".split("\n"):
            self._log.error(PROGRAM, line)
