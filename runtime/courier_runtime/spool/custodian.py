"""The custodian: knows what lies where, makes checkpoints, and deletes and copies so that the log stays short.

A segment goes when it is the oldest, nothing lives in it, and no lease may read from it; a long text goes after its
last message. Both go only after a checkpoint: by then everything that was delivered is on the disk.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from courier_runtime.seams import Log as Lines
from courier_runtime.spool.disk import Disk
from courier_runtime.spool.ledger import Ledger
from courier_runtime.spool.log import Log, Place, path_of
from courier_runtime.spool.records import Kind, Record, dumps, read
from courier_runtime.spool.recovery import StoredEntry, numbered
from courier_runtime.spool.state import unpack
from courier_runtime.spool.states import Stage

CHECKPOINT_AFTER: Final = 30.0
"""Seconds after a delivery until a checkpoint covers it."""
_COPIED_AT_ONCE: Final = 1024 * 1024
"""Bytes that are copied forward in one hop."""
_PROGRAM: Final = "courierd"


class Custodian:
    """Serves one spool. Its methods belong to the event loop, but for those that say that they run in a thread."""

    def __init__(
        self, root: str, disk: Disk, threads: Executor, limit: int, mark: bytes, log: Log, lines: Lines
    ) -> None:
        self._log_path, self._text_path = f"{root}/log", f"{root}/texts"
        self._disk, self._threads, self._limit, self._mark = disk, threads, limit, mark
        self._log, self._lines = log, lines
        self.ledger: Ledger[StoredEntry] = Ledger()
        self._live: dict[int, dict[int, StoredEntry]] = {}
        """By segment: the messages that lie in it."""
        self._readers: dict[int, int] = {}
        """By segment: leases that may read from it."""
        self._sizes: dict[int, int] = {}
        self._texts: dict[str, int] = {}
        """Files of long texts, and how many messages each belongs to."""
        self._dead_texts: list[str] = []
        """Files of long texts that go with the next checkpoint."""
        self._tidying: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        log.on_growth = self._grew

    def take_over(self, entries: Iterable[StoredEntry], sizes: Mapping[int, int], void: Sequence[int]) -> None:
        """Begin with what recovery found, everything being synced, and delete what nobody needs. Raises OSError."""
        self._sizes = dict(sizes)
        for entry in entries:
            self.keep(entry)
        served = self._served(self._log.end.segment)
        self._delete([*void, *served], self._orphans(numbered(self._text_path)))
        for number in served:
            del self._sizes[number]

    async def sweep(self, numbers: range) -> None:
        """Delete the texts with these numbers that belong to no message. Nobody may be writing one, or having it kept.

        A text whose last message is gone is left to the checkpoint. Raises OSError.
        """
        loop = asyncio.get_running_loop()
        there = await loop.run_in_executor(self._threads, numbered, self._text_path)
        orphans = self._orphans(number for number in there if number in numbers)
        await loop.run_in_executor(self._threads, self._delete, (), orphans)

    def _orphans(self, numbers: Iterable[int]) -> list[str]:
        names = (f"{number:016x}" for number in numbers)
        return [name for name in names if name not in self._texts and name not in self._dead_texts]

    # ---- what lies where ------------------------------------------------------------------------------------------

    def keep(self, entry: StoredEntry) -> None:
        """Begin with a message."""
        self.ledger.add(entry)
        self._live.setdefault(entry.segment, {})[entry.id.serial] = entry
        if entry.large:
            self._texts[entry.large] = self._texts.get(entry.large, 0) + 1

    def lose(self, entry: StoredEntry) -> None:
        """End with one."""
        del self._live[entry.segment][entry.id.serial]

    def lose_text(self, entry: StoredEntry) -> None:
        """A removal was written: the long text goes with the next checkpoint, if this was its last message."""
        if entry.large:
            self._texts[entry.large] -= 1
            if not self._texts[entry.large]:
                del self._texts[entry.large]
                self._dead_texts.append(entry.large)

    def reads(self, entry: StoredEntry) -> None:
        """A lease begins, whose holder may read the message where it lies now."""
        entry.reading = entry.segment
        self._readers[entry.segment] = self._readers.get(entry.segment, 0) + 1

    def stops_reading(self, entry: StoredEntry) -> None:
        """A lease ends."""
        self._readers[entry.reading] -= 1
        entry.reading = 0

    # ---- when -----------------------------------------------------------------------------------------------------

    def expect_delivery(self) -> None:
        """Something was recorded that a checkpoint should cover before long."""
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(CHECKPOINT_AFTER, self._tidy_soon)

    async def checkpoint(self) -> None:
        """Tidy up once, from now on."""
        while self._tidying is not None and not self._tidying.done():
            await asyncio.wait({self._tidying})
        self._tidy_soon()
        if self._tidying is not None:
            await asyncio.wait({self._tidying})

    def rest(self) -> None:
        """Begin nothing more."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self._tidying is not None:
            self._tidying.cancel()

    # ---- checkpoints ----------------------------------------------------------------------------------------------

    def _tidy_soon(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._tidying is None or self._tidying.done():
            self._tidying = asyncio.get_running_loop().create_task(self._tidy())

    async def _tidy(self) -> None:
        try:
            await self._checkpoint()
            while await self._copy_forward():
                await self._checkpoint()
        except OSError as error:
            self._lines.error(_PROGRAM, f"the spool could not be tidied: {error.strerror}")
            self.expect_delivery()

    async def _checkpoint(self) -> None:
        """Cover what is written, then delete what nobody needs. Raises OSError."""
        covered = self._log.end
        served = self._served(covered.segment)
        texts = tuple(self._dead_texts)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._disk.synchronise_all)
        await self._log.synced((self._log.frame(Kind.CHECKPOINT, 0, dumps(covered)),))
        await loop.run_in_executor(self._threads, self._delete, served, texts)
        del self._dead_texts[: len(texts)]
        for number in served:
            del self._sizes[number]
            self._live.pop(number, None)
            self._readers.pop(number, None)

    def _served(self, before: int) -> list[int]:
        """The oldest segments, as far as nothing lives in them. Never from the middle: removals lie behind what they
        remove."""
        served = []
        for number in sorted(self._sizes):
            if number >= before or self._live.get(number) or self._readers.get(number):
                break
            served.append(number)
        return served

    def _delete(self, segments: Sequence[int], texts: Sequence[str]) -> None:
        for number in segments:
            self._disk.unlink(path_of(self._log_path, number))
            self._disk.synchronise_names(self._log_path)
        for name in texts:
            self._disk.unlink(f"{self._text_path}/{name}")

    # ---- copying forward ------------------------------------------------------------------------------------------

    def _grew(self) -> None:
        """Told after every batch."""
        end = self._log.end
        if end.segment not in self._sizes:
            self._tidy_soon()
        self._sizes[end.segment] = end.offset

    def _is_overgrown(self) -> bool:
        total = sum(self._sizes.values())
        live = sum(entry.size for entries in self._live.values() for entry in entries.values())
        return len(self._sizes) > 1 and total > max(4 * self._limit, 2 * live + 2 * self._limit)

    async def _copy_forward(self) -> bool:
        """Free the oldest segment of what lives in it, if the log is too long; whether another look is worth it."""
        if not self._is_overgrown():
            return False
        oldest = min(self._sizes)
        for entries in _portions(self._live.get(oldest, {}).values()):
            await self._copy(entries)
        return not self._live.get(oldest) and not self._readers.get(oldest)

    async def _copy(self, entries: Sequence[StoredEntry]) -> None:
        """Write messages again at the log's end, with their state. Raises OSError."""
        loop = asyncio.get_running_loop()
        places = [(one.segment, one.start, one.size) for one in entries]
        contents = await loop.run_in_executor(self._threads, self._records, places)
        copies = []
        for entry, place, content in zip(entries, places, contents, strict=True):
            is_there = self.ledger.find(entry.id) is entry and (entry.segment, entry.start) == place[:2]
            if is_there and entry.stage is not Stage.LEASED:
                if content is None:
                    self._is_damaged(entry)
                else:
                    copies.append(self._copied(entry, *content))
        await asyncio.gather(*copies)

    def _records(self, places: Sequence[tuple[int, int, int]]) -> list[tuple[Record, bytes] | None]:
        """Whole records and their texts; None for one that is damaged."""
        found: list[tuple[Record, bytes] | None] = []
        for segment, start, size in places:
            with Path(path_of(self._log_path, segment)).open("rb") as file:
                content = os.pread(file.fileno(), size, start)
            record = next(read(self._mark, content), None)
            is_whole = isinstance(record, Record) and record.end == size
            found.append((record, content[record.text_start :]) if isinstance(record, Record) and is_whole else None)
        return found

    def _copied(self, entry: StoredEntry, record: Record, text: bytes) -> asyncio.Future[None]:
        """Every later word about the message comes after this in the log, so its state of now is the right one."""
        said = record.said
        piece = said["pieces"][entry.piece]
        piece["state"] = {**unpack(entry.state), "due": entry.due}
        piece["held"], piece["cancelled"] = entry.is_held, entry.cancelled
        head = self._log.frame(Kind.MESSAGE, entry.id.serial, dumps({**said, "pieces": [piece]}), text)
        return self._log.synced((head, text), lambda place: self._moved(entry, place, len(head), len(text)))

    def _moved(self, entry: StoredEntry, place: Place, head: int, text: int) -> None:
        """A message lies elsewhere now, unless it was removed meanwhile."""
        if self.ledger.find(entry.id) is entry:
            del self._live[entry.segment][entry.id.serial]
            entry.segment, entry.start = place
            entry.piece, entry.head, entry.size = 0, head, head + text
            self._live.setdefault(entry.segment, {})[entry.id.serial] = entry

    def _is_damaged(self, entry: StoredEntry) -> None:
        """A message that cannot be copied stays, held, and keeps its segment."""
        if not entry.is_held:
            self._lines.error(_PROGRAM, f"id={entry.id}: the message is damaged on the disk and is held")
            self.ledger.change(entry, None, True, ())


def _portions(entries: Iterable[StoredEntry]) -> Iterator[list[StoredEntry]]:
    """Entries in the order of their places, as many at a time as may be in memory."""
    portion: list[StoredEntry] = []
    size = 0
    for entry in sorted(entries, key=lambda one: one.start):
        portion.append(entry)
        size += entry.size
        if size > _COPIED_AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
