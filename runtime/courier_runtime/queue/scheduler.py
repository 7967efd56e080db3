"""The queue: an actor that keeps the worker supplied, and the handle by which people see and change the queue.

Fresh messages go from the spool to the worker at once. Others are leased when they are due, oldest first, never more
than `queuehi` at a time. When it stops, deliveries under way may finish, and every lease goes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from courier_runtime.mail.ids import MessageId
from courier_runtime.queue.journal import Journal
from courier_runtime.queue.timetable import Levels
from courier_runtime.queue.worker import Route, Worker
from courier_runtime.seams import Clock, Log, Metrics, Notifier, Queued, Spool, Suppression, Transport
from courier_runtime.snapshot.model import Snapshot

GRACE: Final = 15.0
"""Seconds that deliveries under way get when the server stops: Courier's own patience."""
_LOW_BYTES: Final = 16 * 1024 * 1024
_LOW_INODES: Final = 200
_LOW_DELAY: Final = 300.0
"""Seconds by which deliveries are put off when the disk is nearly full."""
_ROUND: Final = 60.0
"""Seconds after which the queue looks around in any case."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The queue in numbers."""

    messages: int
    in_hand: int
    """Messages that an attempt is being made at, or that wait for their turn."""
    running: int
    """Deliveries under way."""


def is_low(free: tuple[int, int]) -> bool:
    """Whether so many bytes and inodes are too few to take in or deliver mail."""
    return free[0] < _LOW_BYTES or free[1] < _LOW_INODES


class Queue:
    """One per spool."""

    name = "queue"

    def __init__(
        self,
        *,
        spool: Spool,
        route: Route,
        transports: Mapping[str, Transport],
        notifier: Notifier,
        suppression: Suppression,
        snapshot: Snapshot,
        log: Log,
        metrics: Metrics,
        clock: Clock,
        grace: float = GRACE,
    ) -> None:
        self._spool, self._clock, self._metrics, self._grace = spool, clock, metrics, grace
        self._journal = Journal(log)
        self._snapshot = snapshot
        self._levels = _levels(snapshot)
        self._wake = asyncio.Event()
        self._alarm = 0.0
        """Until when the actor sleeps if nobody wakes it."""
        self._is_line_planned = False
        self._looked_at = float("-inf")
        self._is_low = False
        self._refilled = 0.0
        self._make_worker: Callable[[], Worker] = lambda: Worker(
            spool=spool,
            route=route,
            transports=transports,
            notifier=notifier,
            suppression=suppression,
            snapshot=self._snapshot,
            journal=self._journal,
            metrics=metrics,
            clock=clock,
            on_change=self._changed,
        )
        self._worker: Worker | None = None

    # ---- the actor ------------------------------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None]) -> None:
        worker = self._worker = self._make_worker()
        self._refilled = self._clock.monotonic()
        self._spool.attend(self._take)
        try:
            ready()
            while True:
                self._wake.clear()
                await self._fill(worker)
                worker.watch()
                self._changed()
                await self._sleep()
        finally:
            self._spool.attend(None)
            self._worker = None
            await worker.stop(self._grace)

    def wake(self) -> None:
        """Look around now."""
        self._wake.set()

    async def prepare(self, new: Snapshot) -> None:
        _levels(new)

    def adopt(self, new: Snapshot) -> None:
        self._snapshot = new
        self._levels = _levels(new)
        if self._worker is not None:
            self._worker.adopt(new)

    def _take(self, message: Queued) -> bool:
        """Take a fresh message if there is room and nothing older waits."""
        self._journal.arrived(message.id, message.envelope)
        worker = self._worker
        now = self._clock.now()
        if worker is None or message.due > now or self._is_disk_low():
            self._rouse(message.due)
            return False
        if len(worker) >= self._levels.low:
            first = self._spool.next_due()
            if len(worker) >= self._levels.high or (first is not None and first <= now):
                return False
        worker.begin(message)
        return True

    async def _fill(self, worker: Worker) -> None:
        """Take what is due."""
        monotonic = self._clock.monotonic()
        refill = self._levels.refill
        if len(worker) >= self._levels.low and not (refill and monotonic - self._refilled >= refill):
            return
        self._refilled = monotonic
        now = self._clock.now()
        first = self._spool.next_due()
        if first is None or first > now:
            return
        leased = await self._spool.lease(self._levels.high - len(worker), now)
        if self._is_disk_low():
            self._journal.note("Low on disk space.")
            await asyncio.gather(*(self._spool.settle(replace(one, due=now + _LOW_DELAY)) for one in leased))
            return
        for message in leased:
            worker.begin(message)

    def _is_disk_low(self) -> bool:
        """Look once a second at most."""
        now = self._clock.monotonic()
        if now - self._looked_at >= 1.0:
            self._looked_at = now
            self._is_low = is_low(self._spool.free)
        return self._is_low

    async def _sleep(self) -> None:
        """Until something is due, or somebody wakes the queue."""
        now = self._clock.now()
        self._alarm = now + _ROUND
        worker = self._worker
        due = self._spool.next_due() if worker is not None and len(worker) < self._levels.low else None
        if due is not None:
            self._alarm = min(self._alarm, due)
        try:
            async with asyncio.timeout(max(self._alarm - now, 0.0)):
                await self._wake.wait()
        except TimeoutError:
            return

    def _changed(self) -> None:
        """Something began or ended: there may be room for more, and there is something to say."""
        worker = self._worker
        if worker is None:
            return
        if not self._is_line_planned:
            self._is_line_planned = True
            asyncio.get_running_loop().call_soon(self._say)
        if len(worker) < self._levels.low and not self._wake.is_set():
            due = self._spool.next_due()
            if due is not None:
                self._rouse(due)

    def _rouse(self, due: float) -> None:
        """Wake the actor if it would sleep past this time."""
        if due < self._alarm:
            self._wake.set()

    def _say(self) -> None:
        self._is_line_planned = False
        worker = self._worker
        if worker is not None:
            self._journal.waiting(self._spool.next_due(), len(worker), worker.running)
            self._metrics.gauge("queue_messages", float(len(self._spool)))
            self._metrics.gauge("queue_deliveries", float(worker.running))

    # ---- the handle -----------------------------------------------------------------------------------------------

    def list(self) -> Iterator[Queued]:
        """Every message, for `mailq`; reads the disk as it goes."""
        return iter(self._spool.scan())

    def find(self, name: MessageId) -> Queued | None:
        """The message of this name."""
        return self._spool.find(name)

    def counts(self) -> Counts:
        """The queue in numbers."""
        worker = self._worker
        return Counts(len(self._spool), len(worker or ()), worker.running if worker else 0)

    async def flush(self, name: MessageId | None = None) -> bool:
        """Make one message due now, or all; those that are held stay so. False if there is none of this name."""
        now = self._clock.now()
        if name is not None:
            found = await self._spool.change(name, due=now)
        else:
            found = True
            await self._spool.flush(now)
        self.wake()
        return found

    async def hold(self, name: MessageId) -> bool:
        """Do not try a message until it is released; an attempt under way goes on. False if there is none."""
        return await self._spool.change(name, held=True)

    async def release(self, name: MessageId) -> bool:
        """Try a held message again when it is due."""
        found = await self._spool.change(name, held=False)
        self.wake()
        return found

    async def cancel(self, name: MessageId, reasons: tuple[str, ...] = ("Message cancelled.",)) -> bool:
        """Fail whoever is still pending, for these reasons; False if there is no such message.

        Deliveries under way are let finish. The sender gets an ordinary failure notice.
        """
        found = await self._spool.change(name, cancelled=reasons)
        if self._worker is not None:
            self._worker.cancel(name, reasons)
        self.wake()
        return found


def _levels(snapshot: Snapshot) -> Levels:
    return Levels.of(snapshot.control, sum(one.max_deliveries for one in snapshot.modules.values()))
