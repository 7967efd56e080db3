"""Reading: what the log says of messages, in a thread. What is leased is checked to the last byte of its text first.

So a text that the disk has damaged is never delivered. A long text is read once for all pieces that are leased
together, and the system still has it at hand when it is delivered; a short one goes from here, read once for all
recipients. Fresh messages go from memory, unread.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from courier_runtime.spool.log import path_of
from courier_runtime.spool.records import Record, head_of, whole_of

_AT_ONCE: Final = 64 * 1024 * 1024
"""Bytes of long texts after which a lease takes no further one: all that is leased would wait for it."""
_PIECE: Final = 1024 * 1024


class Where(NamedTuple):
    """Where a message lies."""

    segment: int
    start: int
    head: int
    """Bytes of header and head."""
    size: int
    """Bytes of the whole record."""
    large: str
    """Name of the file of a long text; empty if the record holds it."""


class Seen(NamedTuple):
    """What the log says of a message."""

    record: Record
    text: bytes | None = None
    """The text, if that was looked at and lies in the record."""


Answer = Seen | ValueError | OSError | None
"""ValueError for damage, OSError where the system does not let us look, None for one that is left."""


class Reading:
    """One look at some messages."""

    def __init__(self, root: str, mark: bytes) -> None:
        self._log_path, self._text_path, self._mark = f"{root}/log", f"{root}/texts", mark
        self._descriptors: dict[int, int] = {}
        self._sums: dict[str, int] = {}
        self._total = 0

    def heads(self, wanted: Sequence[Where]) -> list[Answer]:
        """What the log says of messages; their texts are not looked at."""
        return self._all(wanted, is_checked=False)

    def checked(self, wanted: Sequence[Where]) -> list[Answer]:
        """The same of messages whose texts are sound."""
        return self._all(wanted, is_checked=True)

    def _all(self, wanted: Sequence[Where], is_checked: bool) -> list[Answer]:
        try:
            return [self._answer(one, is_checked) for one in wanted]
        finally:
            for descriptor in self._descriptors.values():
                os.close(descriptor)

    def _answer(self, one: Where, is_checked: bool) -> Answer:
        try:
            if not is_checked:
                return Seen(head_of(self._mark, self._bytes(one, one.head)))
            content = self._bytes(one, one.size)
            record = whole_of(self._mark, content)
            return self._with_text(one, record) if one.large else Seen(record, content[one.head :])
        except (OSError, ValueError) as error:
            return error

    def _bytes(self, one: Where, size: int) -> bytes:
        descriptor = self._descriptors.get(one.segment)
        if descriptor is None:
            descriptor = os.open(path_of(self._log_path, one.segment), os.O_RDONLY | os.O_CLOEXEC)
            self._descriptors[one.segment] = descriptor
        return os.pread(descriptor, size, one.start)

    def _with_text(self, one: Where, record: Record) -> Seen | None:
        """The record if the file of its text is sound; spools of earlier versions recorded no checksum."""
        expected = record.said.get("sum")
        if expected is None:
            return Seen(record)
        if one.large not in self._sums:
            if self._total >= _AT_ONCE:
                return None
            self._sums[one.large] = self._sum(one.large)
        if self._sums[one.large] != expected:
            raise ValueError(f"its text {self._text_path}/{one.large} is damaged")
        return Seen(record)

    def _sum(self, name: str) -> int:
        found = 0
        try:
            with Path(self._text_path, name).open("rb", buffering=0) as file:
                while piece := file.read(_PIECE):
                    found = zlib.crc32(piece, found)
                    self._total += len(piece)
        except FileNotFoundError:
            raise ValueError(f"its text {self._text_path}/{name} is gone") from None
        return found
