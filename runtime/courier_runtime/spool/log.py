"""The log: what happened, appended in order to files of limited size, called segments.

All records that wait are written together and synced once (group commit), in one thread that owns the open segment.
A record that must be synced is safe when its turn comes to be told; the others are then written, which outlives the
process but not the power. After a failed write nothing of it is kept. After a failed sync the segment is trusted no
further than its last good sync: the kernel reports such a loss once and forgets it, so what was not synced by then is
written again to a new segment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from courier_runtime.spool.disk import Disk
from courier_runtime.spool.records import MAGIC, Kind, dumps, frame

SEGMENT_SIZE: Final = 64 * 1024 * 1024
"""Bytes after which a new segment begins."""
_FORMAT: Final = 1
_LOOSE_LIMIT: Final = 1024 * 1024
"""Bytes that may be written and not synced."""
_RETRY: Final = 1.0
"""Seconds until outcomes that the disk did not take are written again."""


class Place(NamedTuple):
    """Where a record begins, or where the log ends."""

    segment: int
    offset: int


class Item:
    """Records that are written in one piece, and who is told."""

    __slots__ = ("done", "is_synced", "parts", "size")

    def __init__(self, parts: tuple[bytes, ...], is_synced: bool, done: Callable[[Place | OSError], None]) -> None:
        self.parts = parts
        self.size = sum(map(len, parts))
        self.is_synced = is_synced
        """Whether it counts only once synced, and may be refused. Other items are kept until the disk takes them."""
        self.done = done


def path_of(directory: str, number: int) -> str:
    """The file of a segment."""
    return f"{directory}/{number:016x}"


class Writer:
    """The open segment. Used by one thread at a time."""

    def __init__(
        self,
        directory: str,
        disk: Disk,
        boot: str,
        mark: bytes,
        before: Place,
        number: int,
        next_serial: Callable[[], int],
        limit: int,
    ) -> None:
        """Go on after `before`; `number` is the highest that any file bears."""
        self._directory, self._disk, self._boot, self._limit = directory, disk, boot, limit
        self._mark = mark
        self._next_serial = next_serial
        self._number = number
        self._descriptor: int | None = None
        self._size = 0
        self._loose: list[bytes] = []
        self._loose_size = 0
        self.end = before
        """Everything before it is written."""

    @property
    def is_homeless(self) -> bool:
        """Whether trouble made us leave a segment, and only a new one can say where it ends and what was loose."""
        return self._descriptor is None

    def write(self, items: Sequence[Item]) -> list[Place | OSError]:
        """Write a batch: for each item where it lies, or why it does not."""
        try:
            return list(self._append(items))
        except OSError as error:
            return self._without_commits(items, error)

    def begin(self) -> None:
        """Start a segment. Raises OSError, and then the old one goes on, if it is open."""
        number = self._number = self._number + 1
        path = path_of(self._directory, number)
        said = {
            "format": _FORMAT,
            "segment": number,
            "boot": self._boot,
            "mark": self._mark.hex(),
            "before": self.end,
        }
        header = frame(MAGIC, Kind.SEGMENT, self._next_serial(), dumps(said))
        if self._descriptor is not None and self._loose:
            self._sync()
        descriptor = self._disk.create(path)
        try:
            self._disk.append(descriptor, [header, *self._loose])
            self._disk.synchronise(descriptor)
            self._disk.synchronise_names(self._directory)
        except OSError:
            self._disk.close(descriptor)
            self._disk.unlink(path)
            raise
        self._leave()
        self._descriptor = descriptor
        self._size = len(header) + self._loose_size
        self._forget_loose()
        self.end = Place(number, self._size)

    def close(self) -> None:
        """Sync and close the open segment. Raises OSError."""
        if self._descriptor is not None:
            if self._loose:
                self._sync()
            self._leave()

    def _append(self, items: Sequence[Item]) -> Sequence[Place]:
        self._open()
        assert self._descriptor is not None
        start, number = self._size, self.end.segment
        try:
            self._disk.append(self._descriptor, [part for item in items for part in item.parts])
        except OSError:
            self._cut(start)
            raise
        places = []
        for item in items:
            places.append(Place(number, self._size))
            self._size += item.size
        if any(item.is_synced for item in items) or self._loose_size > _LOOSE_LIMIT:
            self._sync(start)
        else:
            self._loosen(items)
        self.end = Place(number, self._size)
        return places

    def _open(self) -> None:
        """Have a segment with room. Raises OSError if there is none at all."""
        if self._has_segment() and self._size < self._limit:
            return
        try:
            self.begin()
        except OSError:
            if not self._has_segment():
                raise

    def _has_segment(self) -> bool:
        return self._descriptor is not None

    def _loosen(self, items: Sequence[Item]) -> None:
        for item in items:
            self._loose += item.parts
            self._loose_size += item.size

    def _forget_loose(self) -> None:
        self._loose, self._loose_size = [], 0

    def _sync(self, trusted: int | None = None) -> None:
        """Sync. If that fails, the segment ends where this batch began, and all that is loose goes to the next one."""
        assert self._descriptor is not None
        try:
            self._disk.synchronise(self._descriptor)
        except OSError:
            self._size = self._size if trusted is None else trusted
            self.end = Place(self.end.segment, self._size)
            self._leave()
            raise
        self._forget_loose()

    def _cut(self, size: int) -> None:
        """Take back what a failed write left behind; a segment that cannot be cut is left, and the next says so."""
        assert self._descriptor is not None
        try:
            self._disk.truncate(self._descriptor, size)
        except OSError:
            self._leave()

    def _leave(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._disk.close(descriptor)

    def _without_commits(self, items: Sequence[Item], error: OSError) -> list[Place | OSError]:
        """Refuse what must be synced; give the rest another chance, which may fit or find a better segment."""
        rest = [item for item in items if not item.is_synced]
        places: Sequence[Place | OSError] = [error] * len(rest)
        if rest:
            try:
                places = self._append(rest)
            except OSError as again:
                places = [again] * len(rest)
        found = iter(places)
        return [error if item.is_synced else next(found) for item in items]


class Log:
    """Takes items from the event loop to the writer's thread and back."""

    def __init__(self, writer: Writer, mark: bytes) -> None:
        self._writer = writer
        self._mark = mark
        self._waiting: list[Item] = []
        self._is_busy = False
        self._is_planned = False
        self._thread = ThreadPoolExecutor(1, "spool")
        self._idle: asyncio.Event = asyncio.Event()
        self.end = writer.end
        """Everything that lies before it is written, and those who waited for it were told."""
        self.on_growth: Callable[[], None] = lambda: None
        """Called when that has moved."""

    def frame(self, kind: Kind, serial: int, head: bytes, text: bytes = b"") -> bytes:
        """A record of this log, without its text."""
        return frame(self._mark, kind, serial, head, text)

    def written(self, record: bytes, then: Callable[[], None] | None = None) -> asyncio.Future[None]:
        """Have a record written, however long the disk refuses; then `then` is called, whoever still waits."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell(place: Place | OSError) -> None:
            try:
                if then is not None:
                    then()
            finally:
                _resolve(done, place)

        self.put(Item((record,), False, tell))
        return done

    def synced(self, parts: tuple[bytes, ...], then: Callable[[Place], None] | None = None) -> asyncio.Future[None]:
        """Have a record written and synced, or the future raise OSError. Then `then` is called, whoever waits."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell(place: Place | OSError) -> None:
            _resolve(done, place)  # first, so that who waits goes on before any task that `then` starts
            if not isinstance(place, OSError) and then is not None:
                then(place)

        self.put(Item(parts, True, tell))
        return done

    def put(self, item: Item) -> None:
        """Have an item written, with all others that wait by then."""
        self._waiting.append(item)
        if not self._is_busy and not self._is_planned:
            self._is_planned = True
            asyncio.get_running_loop().call_soon(self._start)

    async def drain(self) -> None:
        """Wait until all is written."""
        while self._waiting or self._is_busy:
            self._idle.clear()
            await self._idle.wait()

    async def close(self) -> None:
        """Close; what still waits is not written. Raises OSError."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.close)
        self._thread.shutdown()

    def _start(self) -> None:
        self._is_planned = False
        if self._is_busy or not self._waiting:
            return
        self._is_busy = True
        batch, self._waiting = self._waiting, []
        loop = asyncio.get_running_loop()
        work = self._thread.submit(self._writer.write, batch)
        work.add_done_callback(lambda done: loop.call_soon_threadsafe(self._finish, batch, done))

    def _finish(self, batch: Sequence[Item], work: Future[list[Place | OSError]]) -> None:
        """Tell everybody, and only then how far the log has grown: by that time it is known what lies in it.

        Each is told in a callback of its own, so a defect in one is nobody else's.
        """
        loop = asyncio.get_running_loop()
        self._is_busy = False
        again: list[Item] = []
        for item, place in zip(batch, work.result(), strict=True):
            if isinstance(place, OSError) and not item.is_synced:
                again.append(item)
            else:
                loop.call_soon(item.done, place)
        loop.call_soon(self._grow, self._writer.end)
        if again:
            self._waiting[:0] = again
            loop.call_later(_RETRY, self._start)
        elif self._waiting or self._writer.is_homeless:
            self._waiting = self._waiting or [Item((), False, lambda place: None)]
            self._is_planned = True
            loop.call_soon(self._start)
        else:
            self._idle.set()

    def _grow(self, end: Place) -> None:
        self.end = end
        self.on_growth()


def _resolve(done: asyncio.Future[None], place: Place | OSError) -> None:
    if done.done():
        return
    if isinstance(place, OSError):
        done.set_exception(place)
    else:
        done.set_result(None)
