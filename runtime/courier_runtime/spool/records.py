"""Records: how the log spells what happened, and how damage in it is found. Pure: bytes to values and back.

A record is a header (mark, kind, lengths, serial number, checksums), a head of JSON, and the text of a message where
there is one. Head and text have checksums of their own. After damage, reading goes on at the next header that is sound.
The mark is a secret of the spool: without it, a message whose text looks like a record would be taken for one there.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from mmap import mmap
from struct import Struct
from typing import Any, Final

MAGIC: Final = b"\xc5spool\r\n"
"""Begins a file, in the place of the mark."""
MARK_SIZE: Final = 8
_HEADER: Final = Struct("<8sBIIQII")
HEADER_SIZE: Final = _HEADER.size
_CHECKED: Final = HEADER_SIZE - 4
"""Bytes of the header that its own checksum covers, together with the head."""
_MAX_HEAD: Final = 64 * 1024 * 1024

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_decode: Final = json.JSONDecoder().decode


class Kind(IntEnum):
    """What a record says."""

    SEGMENT = 1
    """Opens a file: its number, the boot that it belongs to, where the file before it ends."""
    MESSAGE = 2
    """Accepts messages that share a text, or repeats them when an old file is given up."""
    OUTCOME = 3
    """What became of some recipients while others were still being served."""
    SETTLED = 4
    """A message as it stood after an attempt."""
    REMOVED = 5
    """The message is served; the head says how, if a mailbox on this machine was among its recipients."""
    CHANGED = 6
    """Somebody flushed, held, freed or cancelled it."""
    CHECKPOINT = 7
    """All that is recorded before a place is on the disk, deliveries included."""
    FLUSHED = 8
    """No message that was accepted before this waits for longer than until a time."""


@dataclass(frozen=True, slots=True)
class Record:
    """A sound record, and where it lies in its file."""

    kind: Kind
    serial: int
    head: bytes
    start: int
    text_start: int
    end: int
    """Where the next record begins."""

    @property
    def said(self) -> Any:
        """What the head says."""
        return loads(self.head)


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no sound record."""

    start: int
    end: int
    is_tail: bool
    """Nothing sound follows."""


def dumps(value: object) -> bytes:
    """A value as JSON in ASCII; undecodable bytes that were read as surrogates survive."""
    return _encode(value).encode()


def loads(text: bytes) -> Any:
    """The reverse. Raises ValueError."""
    return _decode(text.decode())


def frame(mark: bytes, kind: Kind, serial: int, head: bytes, text: bytes = b"") -> bytes:
    """A record without its text, which is to follow it at once."""
    checked = _HEADER.pack(mark, kind, len(head), len(text), serial, zlib.crc32(text), 0)[:_CHECKED]
    return b"".join((checked, zlib.crc32(head, zlib.crc32(checked)).to_bytes(4, "little"), head))


def head_of(mark: bytes, header_and_head: bytes) -> Record:
    """The record that these bytes begin with, its text not looked at. Raises ValueError if they are damaged."""
    found = _header(mark, header_and_head, 0, 1 << 62)
    if found is None:
        raise ValueError("no sound record is here")
    return found[0]


def whole_of(mark: bytes, content: bytes) -> Record:
    """The record that these bytes are, its text looked at. Raises ValueError if they are damaged."""
    found = _sound(mark, content, 0, len(content))
    if found is None or found.end != len(content):
        raise ValueError("no sound record is here")
    return found


def first(content: bytes | mmap) -> Record | None:
    """The record that opens a file, if it is sound."""
    return _sound(MAGIC, content, 0, len(content))


def read(mark: bytes, content: bytes | mmap, end: int | None = None, at: int = 0) -> Iterator[Record | Damage]:
    """All records from `at` up to `end`, in order, and what lies between them that is none."""
    stop = len(content) if end is None else min(end, len(content))
    while at < stop:
        record = _sound(mark, content, at, stop)
        if record is None:
            after = _next_sound(mark, content, at + 1, stop)
            yield Damage(at, after, after == stop)
            at = after
        else:
            yield record
            at = record.end


def _header(mark: bytes, content: bytes | mmap, at: int, stop: int) -> tuple[Record, int] | None:
    """The record that begins here, if its head is sound, and the checksum that its text should have."""
    if content[at : at + MARK_SIZE] != mark or at + HEADER_SIZE > min(stop, len(content)):
        return None
    _, kind, head_size, text_size, serial, text_sum, own_sum = _HEADER.unpack_from(content, at)
    start, end = at + HEADER_SIZE, at + HEADER_SIZE + head_size + text_size
    if head_size > _MAX_HEAD or end > stop or kind not in _KINDS:
        return None
    head = content[start : start + head_size]
    if zlib.crc32(head, zlib.crc32(content[at : at + _CHECKED])) != own_sum:
        return None
    return Record(_KINDS[kind], serial, head, at, start + head_size, end), text_sum


def _sound(mark: bytes, content: bytes | mmap, at: int, stop: int) -> Record | None:
    found = _header(mark, content, at, stop)
    if found is None:
        return None
    record, text_sum = found
    if record.end > record.text_start and zlib.crc32(content[record.text_start : record.end]) != text_sum:
        return None
    return record


def _next_sound(mark: bytes, content: bytes | mmap, at: int, stop: int) -> int:
    """Where the first sound record from here on begins; `stop` if there is none."""
    while (at := content.find(mark, at, stop)) >= 0:
        if _sound(mark, content, at, stop) is not None:
            return at
        at += 1
    return stop


_KINDS: Final = {kind.value: kind for kind in Kind}
