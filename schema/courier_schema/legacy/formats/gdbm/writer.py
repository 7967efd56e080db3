"""Whole GDBM files from whole tables: the same bytes for the same records, whatever their order.

The file is packed: header, directory, buckets in the order of hashes, records in the order of their
slots' filling, zeros to the end of the last block. There are no free areas, no time stamps, no leftovers.
libgdbm reads and updates it like a file of its own. Memory: less than twice the size of the result.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate, chain, count
from typing import NamedTuple

from courier_schema.legacy.formats.gdbm.layout import (
    ADDRESS,
    AVAIL,
    BUCKET_HEAD,
    BUCKET_HEAD_OFFSET,
    DEFAULT_BLOCK_SIZE,
    FREE,
    HASH_BITS,
    HEADER,
    MAGIC,
    MAX_DIRECTORY_BITS,
    SLOT,
    SLOTS_OFFSET,
    Geometry,
    hash_keys,
)
from courier_schema.legacy.formats.records import Records, unique

_Row = tuple[int, bytes, bytes]
"""Hash, key and value."""
_HEAP = 128
"""Rows that are dealt together, at most on average."""


def dumps(records: Records, block_size: int = DEFAULT_BLOCK_SIZE) -> bytes:
    """The database file that holds these records.

    `block_size` in bytes is a power of two from 512 up. Raises ValueError for another one, for a key that
    occurs twice, and for more keys with one hash than the format can part.
    """
    geometry = Geometry(block_size)
    heaps = _Heaps.of(unique(records))
    spans = list(_spans(heaps, geometry.slots))
    depth = max(geometry.directory_bits, *(span.bits for span in spans))

    first_bucket = block_size + (ADDRESS.size << depth)
    address = first_bucket + block_size * len(spans)
    blank = _blank_bucket(geometry)
    file = BytesIO()
    for place, span, rows in zip(count(first_bucket, block_size), spans, heaps.cut(spans), strict=False):
        bucket, end = _bucket(blank, geometry.slots, span.bits, rows, address)
        _put(file, place, (bucket,))
        _put(file, address, [key + value for _, key, value in rows])
        address = end

    padding = -address % block_size
    _put(file, address, (bytes(padding),))
    directory = _directory(spans, depth, first_bucket, block_size)
    _put(file, 0, chain((_header(geometry, depth, address + padding),), directory))
    return file.getvalue()


def _put(file: BytesIO, address: int, parts: Iterable[bytes | bytearray]) -> None:
    file.seek(address)
    file.write(b"".join(parts))


class _Heap(NamedTuple):
    """Rows as they came, in parts that lie together in memory."""

    hashes: array[int]
    pairs: list[bytes]
    """Key, value, key, value and so on."""

    def in_order(self) -> list[_Row]:
        """The rows by hash and, where hashes are equal, by key."""
        return sorted(zip(self.hashes, self.pairs[::2], self.pairs[1::2], strict=True))


@dataclass(frozen=True, slots=True)
class _Heaps:
    """Rows dealt out by the first `bits` bits of their hashes, the heaps in order and each as yet unsorted.

    A heap fits the processor's cache, rows included, which are made when it is sorted: rows that were made as they came
    would lie all over the memory, and waiting for them is what takes the time.
    """

    bits: int
    heaps: list[_Heap]
    ends: Sequence[int]
    """How many rows there are before each heap, and in all."""

    @classmethod
    def of(cls, table: Mapping[bytes, bytes]) -> _Heaps:
        bits = min((len(table) // _HEAP).bit_length(), HASH_BITS)
        heaps = [_Heap(array("i"), []) for _ in range(1 << bits)]
        shift = HASH_BITS - bits
        for hashed, pair in zip(hash_keys(table), table.items(), strict=True):
            hashes, pairs = heaps[hashed >> shift]
            hashes.append(hashed)
            pairs += pair
        return cls(bits, heaps, list(accumulate((len(heap.hashes) for heap in heaps), initial=0)))

    def count_before(self, prefix: int, bits: int) -> int:
        """How many rows have hashes that come before all that begin with these bits."""
        if bits <= self.bits:
            return self.ends[prefix << self.bits - bits]
        number = prefix >> bits - self.bits
        first = prefix << HASH_BITS - bits
        return self.ends[number] + sum(map(first.__gt__, self.heaps[number].hashes))

    def cut(self, spans: Iterable[_Span]) -> Iterator[list[_Row]]:
        """The sorted rows of each span, all spans in their order. They are in no heap any more."""
        self.heaps.reverse()
        rows: list[_Row] = []
        for span in spans:
            size = span.last - span.first
            while len(rows) < size:
                rows += self.heaps.pop().in_order()
            yield rows[:size]
            del rows[:size]


@dataclass(frozen=True, slots=True)
class _Span:
    """The run of sorted keys that share a hash prefix of so many bits: one bucket, when it is short enough."""

    first: int
    last: int
    bits: int
    prefix: int

    def halves(self, heaps: _Heaps) -> tuple[_Span, _Span]:
        bits, left, right = self.bits + 1, 2 * self.prefix, 2 * self.prefix + 1
        middle = heaps.count_before(right, bits)
        return _Span(self.first, middle, bits, left), _Span(middle, self.last, bits, right)


def _spans(heaps: _Heaps, slots: int) -> Iterator[_Span]:
    """Halve the rows, bit by bit, until each part fits a bucket."""
    pending = [_Span(0, heaps.ends[-1], 0, 0)]
    while pending:
        span = pending.pop()
        if span.last - span.first <= slots:
            yield span
        elif span.bits == MAX_DIRECTORY_BITS:
            raise ValueError(f"more than {slots} keys have hashes that begin with the same {span.bits} bits")
        else:
            pending += reversed(span.halves(heaps))


def _blank_bucket(geometry: Geometry) -> bytes:
    slots = SLOT.pack(FREE, b"", 0, 0, 0) * geometry.slots
    return (bytes(SLOTS_OFFSET) + slots).ljust(geometry.block_size, b"\0")


def _bucket(blank: bytes, slots: int, bits: int, rows: Sequence[_Row], address: int) -> tuple[bytearray, int]:
    """The bucket of these (hash, key, value) rows, their records from `address` on, and where they end."""
    bucket = bytearray(blank)
    BUCKET_HEAD.pack_into(bucket, BUCKET_HEAD_OFFSET, bits, len(rows))
    put, size = SLOT.pack_into, SLOT.size
    taken = bytearray(slots)
    for hashed, key, value in rows:
        slot = hashed % slots
        if taken[slot]:
            slot = taken.find(0, slot)
            if slot < 0:
                slot = taken.find(0)
        taken[slot] = 1
        key_size, value_size = len(key), len(value)
        put(bucket, SLOTS_OFFSET + slot * size, hashed, key, address, key_size, value_size)
        address += key_size + value_size
    return bucket, address


def _directory(spans: Iterable[_Span], depth: int, first_bucket: int, block_size: int) -> Iterator[bytes]:
    for number, span in enumerate(spans):
        yield ADDRESS.pack(first_bucket + number * block_size) * (1 << depth - span.bits)


def _header(geometry: Geometry, depth: int, size: int) -> bytes:
    block = geometry.block_size
    head = HEADER.pack(MAGIC, block, block, ADDRESS.size << depth, depth, block, geometry.slots, size)
    return (head + AVAIL.pack(geometry.areas, 0, 0)).ljust(block, b"\0")
