"""The spool on a file system: a log of what happened, and files for long texts.

A commit returns after the message is synced; an outcome after it is written, which no crash of the process undoes. What
a power failure may undo, deliveries into mailboxes of the last moments, is covered by a checkpoint from time to time:
everything on the machine is synced, the log says so, and only then do texts of served messages go. sync(2) is used for
that, and not fsync of every mailbox: one call for thousands of deliveries, whose file systems need not be known.

Memory holds a few words for each message; envelope and text are read again when it is leased. Messages that stay long
are copied forward when the log has grown to twice what lives in it, so old segments can go: mail that is deferred costs
neither memory nor a file of its own, and is read back at start as fast as the disk gives it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.outcome import Delivered
from courier_runtime.seams import Clock, Queued, SpoolFull, Text
from courier_runtime.seams import Log as Lines
from courier_runtime.spool.composition import Composed
from courier_runtime.spool.custodian import Custodian
from courier_runtime.spool.disk import Disk
from courier_runtime.spool.drafting import Drafting
from courier_runtime.spool.lock import Lock
from courier_runtime.spool.log import SEGMENT_SIZE, Item, Log, Place, Writer, path_of
from courier_runtime.spool.names import Names
from courier_runtime.spool.reading import Answer, Reading, Seen, Where
from courier_runtime.spool.records import Damage, Kind, dumps, frame
from courier_runtime.spool.recovery import Found, StoredEntry, numbered, recover
from courier_runtime.spool.state import (
    message_of,
    pack,
    some_said,
    state_said,
    unpack,
)
from courier_runtime.spool.states import Stage, Verb
from courier_runtime.spool.texts import HeldText, StoredText
from courier_schema.report import CourierSiteError

_PATIENCE: Final = 10.0
"""Seconds that closing may take while the disk takes nothing."""
_AGAIN: Final = 300.0
"""Seconds until a message that the system did not let us read is tried again."""
_PROGRAM: Final = "courierd"


def boot_id() -> str:
    """What changes when the machine starts, and with it whether unsynced writes may be lost."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""  # unknown: every start is taken for one after a power failure


class FilesystemSpool(Drafting):
    """Owns a directory. Use it from one event loop; open it before, or there."""

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock,
        log: Lines,
        disk: Disk | None = None,
        boot: str | None = None,
        segment_size: int = SEGMENT_SIZE,
        pid: int | None = None,
    ) -> None:
        """Open, and recover what is there. Raises SpoolBusy, or CourierSiteError if the directory cannot be used."""
        super().__init__(directory, clock, disk or Disk())
        self._lines, self._limit = log, segment_size
        self._root, self._log_path = str(directory), f"{directory}/log"
        self._taker: Callable[[Queued], bool] | None = None
        try:
            for path in (self._root, self._log_path, self._text_path):
                self.disk.mkdir(path)
        except OSError as error:
            raise CourierSiteError(f"the spool {directory} cannot be used: {error.strerror}") from error
        self._lock = Lock(f"{directory}/lock")
        try:
            self._open(boot_id() if boot is None else boot, os.getpid() if pid is None else pid)
        except OSError as error:
            self._lock.release()
            raise CourierSiteError(f"the spool {directory} cannot be used: {error.strerror}") from error
        except BaseException:
            self._lock.release()
            raise

    # ---- the seam -------------------------------------------------------------------------------------------------

    def attend(self, taker: Callable[[Queued], bool] | None) -> None:
        self._taker = taker

    async def lease(self, limit: int, now: float) -> Sequence[Queued]:
        leased = self._ledger.lease(limit, now)
        if not leased:
            return ()
        for entry in leased:
            self._custodian.reads(entry)
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(
                self.threads, Reading(self._root, self._mark).checked, [_where(one) for one in leased]
            )
        except asyncio.CancelledError:
            for entry in leased:
                self._give_back(entry, Verb.RELEASE, entry.due)
            raise
        pairs = zip(leased, answers, strict=True)
        return [message for entry, answer in pairs if (message := self._leased(entry, answer))]

    async def record(self, message: Queued, numbers: Sequence[int]) -> None:
        entry = self._ledger.held_by(message)
        entry.move(Verb.RECORD)
        entry.message = message
        await self._written(Kind.OUTCOME, entry, dumps(some_said(message, numbers)))

    def release(self, message: Queued) -> None:
        entry = self._ledger.held_by(message)
        if entry.message is not None:
            entry.state = _state(entry.message)
        self._give_back(entry, Verb.RELEASE, entry.due)

    async def settle(self, message: Queued) -> None:
        entry = self._ledger.held_by(message)
        said = state_said(message)
        entry.state = pack(said)
        entry.message = message
        try:
            await self._written(Kind.SETTLED, entry, dumps(said))
        finally:
            self._give_back(entry, Verb.SETTLE, message.due)

    async def remove(self, message: Queued) -> None:
        entry = self._ledger.held_by(message)
        head = b""
        for one in message.progress:
            if type(one.last) is Delivered:
                head = dumps(state_said(message))
                break
        done = self._written(Kind.REMOVED, entry, head, lambda: self._custodian.lose_text(entry))
        self._custodian.stops_reading(entry)
        self._ledger.remove(entry)
        self._custodian.lose(entry)
        await done

    async def change(
        self, name: MessageId, *, due: float | None = None, held: bool | None = None, cancelled: tuple[str, ...] = ()
    ) -> bool:
        entry = self._ledger.find(name)
        if entry is None:
            return False
        self._ledger.change(entry, due, held, cancelled)
        said = {"due": entry.due, "held": entry.is_held, "cancelled": entry.cancelled}
        await self._written(Kind.CHANGED, entry, dumps(said))
        return True

    async def flush(self, due: float) -> None:
        self._ledger.flush(due)
        await self._log.written(self._log.frame(Kind.FLUSHED, 0, dumps(due)))

    def scan(self) -> Iterator[Queued]:
        for entry in self._ledger:
            message = self._seen(entry)
            if message is not None:
                yield message

    def find(self, name: MessageId) -> Queued | None:
        entry = self._ledger.find(name)
        return None if entry is None else self._seen(entry)

    def next_due(self) -> float | None:
        return self._ledger.next_due()

    def __len__(self) -> int:
        return len(self._ledger)

    async def checkpoint(self) -> None:
        """Cover all deliveries up to now, delete what nobody needs, and copy forward if the log is too long."""
        await self._custodian.checkpoint()

    async def close(self) -> None:
        """Write what waits, cover all deliveries by a checkpoint, and let others have the directory."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._log.drain()
                await self.checkpoint()
            await self._log.close()
        except TimeoutError:
            self._lines.error(_PROGRAM, "the spool is closed although the disk does not take what is to say")
        except OSError as error:
            self._lines.error(_PROGRAM, f"the spool could not be closed in order: {error.strerror}")
        finally:
            self._custodian.rest()
            self.threads.shutdown()
            self._lock.release()

    # ---- acceptance -----------------------------------------------------------------------------------------------

    async def keep(self, composed: Composed, content: bytes) -> None:
        """Make messages safe that were composed here, or by a process that `reserve` gave their numbers.

        `content` is their text, unless that lies in a file. Raises SpoolFull.
        """
        messages = composed.messages
        head = self._log.frame(Kind.MESSAGE, messages[0].id.serial, composed.head, content)
        try:
            await self._log.synced(
                (head, content), lambda place: self._accepted(messages, place, len(head), content, composed.large)
            )
        except OSError as error:
            raise SpoolFull(f"the spool does not take the message: {error.strerror}") from error

    def reserve(self, count: int) -> int:
        """Leave so many numbers of messages to another process; the first of them."""
        return self._names.reserve(count)

    async def sweep(self, numbers: range) -> None:
        """Delete the texts that a process with these numbers has left behind, now that nothing of it is being kept.

        What cannot be deleted is left to the next start.
        """
        try:
            await self._custodian.sweep(numbers)
        except OSError as error:
            self._lines.error(_PROGRAM, f"texts of a process that has ended are left behind: {error.strerror}")

    def _accepted(self, messages: Sequence[Queued], place: Place, head: int, content: bytes, large: str) -> None:
        """Take messages that are safe into the ledger, leased, and show them to the taker."""
        text = self._text(place.segment, place.offset + head, messages[0].size, large, content)
        for piece, message in enumerate(messages):
            object.__setattr__(message, "text", text)  # it is nobody else's before it is shown
            entry = StoredEntry(message.id, message.due, place, piece, large, Stage.WRITTEN)
            entry.head, entry.size = head, head + len(content)
            entry.move(Verb.COMMIT)
            entry.message = message
            self._custodian.keep(entry)
            self._custodian.reads(entry)
            if self._taker is None or not self._taker(message):
                self._give_back(entry, Verb.RELEASE, message.due)

    def _text(self, segment: int, start: int, size: int, large: str, content: bytes | None = None) -> Text:
        if large:
            return StoredText(f"{self._text_path}/{large}", 0, size)
        place = path_of(self._log_path, segment), start
        return StoredText(*place, size) if content is None else HeldText(content, place)

    # ---- leases ---------------------------------------------------------------------------------------------------

    def _leased(self, entry: StoredEntry, found: Answer) -> Queued | None:
        """The message of a fresh lease. One that is damaged is held, so that somebody looks."""
        if found is None:
            self._give_back(entry, Verb.RELEASE, entry.due)
            return None
        if isinstance(found, OSError):
            self._lines.error(_PROGRAM, f"id={entry.id}: the message cannot be read now: {found.strerror}")
            self._give_back(entry, Verb.RELEASE, self._clock.now() + _AGAIN)
            return None
        if isinstance(found, ValueError):
            self._lines.error(_PROGRAM, f"id={entry.id}: the message cannot be read and is held: {found}")
            entry.is_held = True
            self._give_back(entry, Verb.RELEASE, entry.due)
            return None
        entry.message = self._message(entry, found)
        return entry.message

    def _seen(self, entry: StoredEntry) -> Queued | None:
        """A message for looking at; None if it cannot be read."""
        if entry.message is not None:
            return entry.message
        [found] = Reading(self._root, self._mark).heads([_where(entry)])
        return self._message(entry, found) if isinstance(found, Seen) else None

    def _message(self, entry: StoredEntry, found: Seen) -> Queued:
        said: Mapping[str, Any] = found.record.said["pieces"][entry.piece]
        text = self._text(entry.segment, entry.start + entry.head, said["size"], entry.large, found.text)
        return message_of(said, unpack(entry.state), entry.due, entry.is_held, entry.cancelled, text)

    def _give_back(self, entry: StoredEntry, verb: Verb, due: float) -> None:
        self._custodian.stops_reading(entry)
        self._ledger.give_back(entry, verb, due)

    def _written(
        self, kind: Kind, entry: StoredEntry, head: bytes, then: Callable[[], None] | None = None
    ) -> asyncio.Future[None]:
        """Have something recorded about a message."""
        self._custodian.expect_delivery()
        return self._log.written(self._log.frame(kind, entry.id.serial, head), then)

    # ---- recovery -------------------------------------------------------------------------------------------------

    def _open(self, boot: str, pid: int) -> None:
        """Read the log, sync what earlier processes wrote, and begin a segment that says what was found."""
        found = recover(self._log_path, boot)
        self._report(found)
        self._names = Names(pid, self._first_serial(found), found.last_time)
        self.disk.synchronise_all()
        self._mark = found.mark
        writer = Writer(
            self._log_path, self.disk, boot, found.mark, found.end, found.number, self._names.peek, self._limit
        )
        writer.begin()
        undone = [found.entries[serial] for serial in sorted(found.undone)]
        self._settle_undone(writer, undone)
        self._log = Log(writer, found.mark)
        self._custodian = Custodian(
            self._root, self.disk, self.threads, self._limit, found.mark, self._log, self._lines
        )
        self._ledger = self._custodian.ledger
        for entry in found.entries.values():
            if entry.is_held:
                entry.move(Verb.HOLD)
        sizes = {**found.sizes, writer.end.segment: writer.end.offset}
        self._custodian.take_over(found.entries.values(), sizes, found.void)

    def _settle_undone(self, writer: Writer, undone: Sequence[StoredEntry]) -> None:
        """Say what became of doubtful deliveries before a checkpoint covers their records. Raises OSError."""
        covered = writer.end
        states = [(one.id.serial, dumps({**unpack(one.state), "due": one.due})) for one in undone]
        parts = [frame(self._mark, Kind.SETTLED, serial, state) for serial, state in states]
        for some in (parts, [frame(self._mark, Kind.CHECKPOINT, 0, dumps(covered))]):
            if some:
                [place] = writer.write([Item(tuple(some), True, lambda place: None)])
                if isinstance(place, OSError):
                    raise place

    def _first_serial(self, found: Found) -> int:
        """Above every number that was ever used, by texts that were never committed, too."""
        return max(found.next_serial, 1 + max(numbered(self._text_path), default=0))

    def _report(self, found: Found) -> None:
        if found.tail:
            self._lines.info(
                _PROGRAM, f"the spool ends in {found.tail} bytes of an unfinished write, which nobody was promised"
            )
        if found.undone:
            count = len(found.undone)
            self._lines.info(_PROGRAM, f"after a power failure {count} messages are delivered again to be sure")
        for number, damage in found.damaged:
            self._keep_damaged(number, damage)

    def _keep_damaged(self, number: int, damage: Damage) -> None:
        """Put damaged bytes aside, once, and say so. Raises OSError."""
        directory = f"{self._root}/damaged"
        path = f"{directory}/{number:016x}-{damage.start}"
        if Path(path).exists():
            return
        self.disk.mkdir(directory)
        with Path(path_of(self._log_path, number)).open("rb") as file:
            content = os.pread(file.fileno(), damage.end - damage.start, damage.start)
        self.disk.unlink(f"{path}.part")
        descriptor = self.disk.create(f"{path}.part")
        try:
            self.disk.append(descriptor, [content])
            self.disk.synchronise(descriptor)
        finally:
            self.disk.close(descriptor)
        self.disk.rename(f"{path}.part", path)
        self._lines.error(_PROGRAM, f"the spool is damaged: {len(content)} bytes are no record, kept in {path}")


def _where(entry: StoredEntry) -> Where:
    return Where(entry.segment, entry.start, entry.head, entry.size, entry.large)


def _state(message: Queued) -> bytes:
    return pack(state_said(message))
