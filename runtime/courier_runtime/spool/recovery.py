"""Recovery: what the log's files say, read from the first to the last; nothing on the disk is changed here.

The last file may end in the middle of a record: what was being written when the process or the machine died was
promised to nobody. Damage anywhere else is reported. After a power failure (the machine's boot is another one) a
delivery into a mailbox counts only if a later checkpoint covers it; the others are undone, for their files may not have
reached the disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final

from courier_runtime.mail.ids import MessageId
from courier_runtime.spool.ledger import Entry
from courier_runtime.spool.log import Place, path_of
from courier_runtime.spool.records import MARK_SIZE, Damage, Kind, Record, first, read
from courier_runtime.spool.state import id_of, mailboxes_said, merged, pack, unpack, without
from courier_runtime.spool.states import Stage

_NUMBERED: Final = re.compile(r"[0-9a-f]{16}")
_BEGINNING: Final = Place(0, 0)


class StoredEntry(Entry):
    """What memory holds of a message in the log: where it lies, and its state."""

    __slots__ = ("head", "large", "piece", "reading", "segment", "size", "start", "state")

    def __init__(self, name: MessageId, due: float, place: Place, piece: int, large: str, stage: Stage) -> None:
        super().__init__(name, due, stage)
        self.segment, self.start = place
        self.piece = piece
        """Its place among the messages of its record."""
        self.large = large
        """Name of the file that holds its text, if the record does not."""
        self.head = 0
        """Bytes of header and head."""
        self.size = 0
        """Bytes of the whole record."""
        self.state = b""
        """Its latest state, packed; outdated while it is leased."""
        self.reading = 0
        """The segment that its lease may read from; 0 for none."""


@dataclass(slots=True)
class Found:
    """What the log says."""

    end: Place = _BEGINNING
    """Where it ends; nothing is ever written there again."""
    sizes: dict[int, int] = field(default_factory=dict)
    """The segments and where each ends."""
    number: int = 0
    """The highest number that a segment bears."""
    void: list[int] = field(default_factory=list)
    """Segments that were begun and never used."""
    entries: dict[int, StoredEntry] = field(default_factory=dict)
    undone: set[int] = field(default_factory=set)
    """Serial numbers of the messages that have recipients whose delivery a power failure may have undone."""
    damaged: list[tuple[int, Damage]] = field(default_factory=list)
    mark: bytes = b""
    """Begins every record of this spool."""
    tail: int = 0
    """Bytes of an unfinished write at the end."""
    next_serial: int = 1
    last_time: int = 0


def recover(directory: str, boot: str) -> Found:
    """Read the log in this directory, on a machine that was booted as `boot`. Raises OSError."""
    replay = _Replay(boot)
    numbers = sorted(numbered(directory))
    headers = {number: _header(path_of(directory, number)) for number in numbers}
    found = replay.found
    found.number = max(numbers, default=0)
    while numbers and headers[numbers[-1]] is None:
        found.void.append(numbers.pop())
    ends = _ends(numbers, headers)
    found.mark = next((bytes.fromhex(one["mark"]) for one in headers.values() if one is not None), b"")
    found.mark = found.mark or os.urandom(MARK_SIZE)
    for number in numbers:
        if ends.get(number, 1) == 0:
            found.void.append(number)
        else:
            replay.segment(directory, number, ends.get(number), number == numbers[-1])
    replay.undo()
    return found


def numbered(directory: str) -> list[int]:
    """The numbers that files of this directory bear for a name; other files are none of ours."""
    return [int(file.name, 16) for file in Path(directory).iterdir() if _NUMBERED.fullmatch(file.name)]


def _header(path: str) -> Mapping[str, Any] | None:
    with Path(path).open("rb") as file:
        record = first(file.read(4096))
    if record is None or record.kind is not Kind.SEGMENT:
        return None
    said: Mapping[str, Any] = record.said
    return said


def _ends(numbers: Sequence[int], headers: Mapping[int, Mapping[str, Any] | None]) -> dict[int, int]:
    """Where each segment but the last ends, as the one after it says: 0 for one that was never used."""
    ends: dict[int, int] = {}
    for number in numbers:
        header = headers[number]
        if header is not None:
            segment, offset = header["before"]
            ends[segment] = offset
            ends.update(dict.fromkeys(range(segment + 1, number), 0))
    return ends


class _Replay:
    """Repeats what happened."""

    def __init__(self, boot: str) -> None:
        self.found = Found()
        self._boot = boot
        self._place = _BEGINNING
        self._is_doubtful = False
        self._doubts: dict[int, dict[int, Place]] = {}
        """By message and recipient: the deliveries that no checkpoint covers so far, and where they are recorded."""
        self._gone: dict[int, StoredEntry] = {}
        """Removed messages that have such recipients."""

    def segment(self, directory: str, number: int, end: int | None, is_last: bool) -> None:
        """Repeat what one file says."""
        found = self.found
        self._is_doubtful = True
        at = 0
        for one in _records(path_of(directory, number), found.mark, end):
            at = one.end
            if isinstance(one, Record):
                self._place = Place(number, one.start)
                self._repeat(one)
            elif is_last and one.is_tail:
                found.tail, at = one.end - one.start, one.start
            else:
                found.damaged.append((number, one))
        found.sizes[number] = at
        found.end = Place(number, at)

    def undo(self) -> None:
        """Make the doubtful deliveries pending again."""
        found = self.found
        for serial, doubts in self._doubts.items():
            entry = found.entries.get(serial) or self._gone.get(serial)
            if entry is not None:
                entry.state = pack(without(unpack(entry.state), doubts))
                entry.due = 0.0
                found.entries[serial] = entry
                found.undone.add(serial)

    def _repeat(self, record: Record) -> None:
        found = self.found
        found.next_serial = max(found.next_serial, record.serial + (record.kind is not Kind.SEGMENT))
        match record.kind:
            case Kind.MESSAGE:
                self._message(record)
            case Kind.SEGMENT:
                self._is_doubtful = not self._boot or record.said["boot"] != self._boot
            case Kind.CHECKPOINT:
                self._checkpoint(Place(*record.said))
            case Kind.FLUSHED:
                for waiting in found.entries.values():
                    waiting.due = min(waiting.due, record.said)
            case _:
                if record.kind is Kind.SETTLED and (revived := self._gone.pop(record.serial, None)) is not None:
                    found.entries[record.serial] = revived  # an earlier recovery undid its removal
                entry = found.entries.get(record.serial)
                if entry is not None:
                    self._happened(entry, record)

    def _message(self, record: Record) -> None:
        said = record.said
        for piece, one in enumerate(said["pieces"]):
            name = id_of(one)
            entry = StoredEntry(name, one["due"], self._place, piece, said.get("large", ""), Stage.WAITING)
            entry.head, entry.size = record.text_start - record.start, record.end - record.start
            if "state" in one:
                entry.due, entry.state = one["state"]["due"], pack(one["state"])
            entry.is_held, entry.cancelled = one.get("held", False), tuple(one.get("cancelled", ()))
            self._gone.pop(name.serial, None)
            self.found.entries[name.serial] = entry
            self.found.next_serial = max(self.found.next_serial, name.serial + 1)
            self.found.last_time = max(self.found.last_time, name.time)

    def _happened(self, entry: StoredEntry, record: Record) -> None:
        match record.kind:
            case Kind.CHANGED:
                _change(entry, record.said)
            case Kind.SETTLED:
                state = record.said
                self._doubt(entry, mailboxes_said(state))
                entry.state = pack(state)
                entry.due = 0.0 if entry.cancelled else state["due"]
            case Kind.OUTCOME:
                state = merged(unpack(entry.state), record.said)
                self._doubt(entry, mailboxes_said(state))
                entry.state = pack(state)
            case _:
                del self.found.entries[record.serial]
                if record.head:
                    self._doubt(entry, mailboxes_said(record.said))
                    entry.state = pack(record.said)
                if self._doubts.get(record.serial):
                    self._gone[record.serial] = entry

    def _doubt(self, entry: StoredEntry, delivered: set[int]) -> None:
        if self._is_doubtful and delivered:
            fresh = delivered - mailboxes_said(unpack(entry.state))
            if fresh:
                self._doubts.setdefault(entry.id.serial, {}).update(dict.fromkeys(fresh, self._place))

    def _checkpoint(self, place: Place) -> None:
        """Deliveries recorded before this place are on the disk."""
        for serial, doubts in tuple(self._doubts.items()):
            for number in [number for number, recorded in doubts.items() if recorded < place]:
                del doubts[number]
            if not doubts:
                del self._doubts[serial]
                self._gone.pop(serial, None)


def _change(entry: StoredEntry, said: Mapping[str, Any]) -> None:
    entry.due = said.get("due", entry.due)
    entry.is_held = said.get("held", entry.is_held)
    entry.cancelled = tuple(said.get("cancelled", entry.cancelled))


def _records(path: str, mark: bytes, end: int | None) -> Iterator[Record | Damage]:
    size = Path(path).stat().st_size
    if size == 0:
        return
    with Path(path).open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        header = first(content)
        if header is not None:
            yield header
        yield from read(mark, content, end, header.end if header is not None else 0)
