"""The order in which libgdbm lists the keys of a file that it has filled key by key.

makealiases lets a scratch database decide the order of its work, so the recipients of nested aliases come
out in this order. Only hashes and slots decide it; no record is stored here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Final, NoReturn

from courier_schema.legacy.formats.gdbm.layout import (
    DEFAULT_BLOCK_SIZE,
    HASH_BITS,
    MAX_DIRECTORY_BITS,
    Geometry,
    hash_keys,
)

_Row = tuple[int, bytes]


def traversal(keys: Iterable[bytes], block_size: int = DEFAULT_BLOCK_SIZE) -> list[bytes]:
    """The keys as `gdbm_firstkey` and `gdbm_nextkey` return them after storing them in this order.

    A key that comes again changes nothing. Raises ValueError for a block size that is not a power of two
    from 512 up and for more keys with one hash than the format can part.
    """
    geometry = Geometry(block_size)
    distinct = list(dict.fromkeys(keys))
    directory = _Directory.new(geometry)
    for row in zip(hash_keys(distinct), distinct, strict=True):
        directory.insert(row)
    return list(directory)


def traversal_within(
    groups: Mapping[bytes, object], keys: Iterable[bytes], block_size: int = DEFAULT_BLOCK_SIZE
) -> list[bytes]:
    """The keys of `groups`, all of them among `keys`, in an order that agrees with `traversal(keys)` in each group.

    Where groups are small this is much faster than the whole traversal: few buckets hold two keys of one group, and
    only these have to be filled. Raises ValueError as `traversal` does.
    """
    slots = Geometry(block_size).slots
    distinct = list(dict.fromkeys(keys))
    hashes = list(hash_keys(distinct))
    ordered = sorted(hashes)
    wanted = list(groups)
    found: list[bytes] = []
    filled = 0
    for leaf, rows in groupby(sorted(zip(hash_keys(wanted), wanted, strict=True)), _Leaves(ordered, slots).holding):
        here = [key for _, key in rows]
        if len({groups[key] for key in here}) < len(here):
            filled += 1
            if filled > _WORTH_FILLING:
                return [key for key in traversal(distinct, block_size) if key in groups]
            bucket = _filled(leaf, zip(hashes, distinct, strict=True), slots)
            here = [key for _, key in bucket.in_order() if key in groups]
        found += here
    return found


_WORTH_FILLING: Final = 16
"""So many buckets are filled one by one before filling all of them is faster."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """The bucket in which keys of a hash prefix end up: `prefix` has `bits` bits."""

    prefix: int
    bits: int
    end: int
    """The first hash behind it."""


@dataclass(slots=True)
class _Leaves:
    """The buckets that remain when all keys are stored, as they are asked for in the order of hashes."""

    ordered: Sequence[int]
    """The hashes of all keys."""
    slots: int
    _last: _Leaf = _Leaf(0, 0, 0)

    def holding(self, row: _Row) -> _Leaf:
        """The bucket of a key: the widest one that does not overflow."""
        if row[0] >= self._last.end:
            bits = 0
            while self._count(row[0], bits) > self.slots:
                bits += 1
                if bits > MAX_DIRECTORY_BITS:
                    _refuse_depth(MAX_DIRECTORY_BITS)
            prefix = row[0] >> HASH_BITS - bits
            self._last = _Leaf(prefix, bits, (prefix + 1) << HASH_BITS - bits)
        return self._last

    def _count(self, hashed: int, bits: int) -> int:
        """How many keys share the first bits of this hash."""
        first = hashed >> HASH_BITS - bits << HASH_BITS - bits
        return bisect_left(self.ordered, first + (1 << HASH_BITS - bits)) - bisect_left(self.ordered, first)


def _filled(leaf: _Leaf, rows: Iterable[_Row], slots: int) -> _Bucket:
    """One bucket after all keys were stored in this order: it and its forebears see only the keys that lead there."""
    bucket = _Bucket.empty(0, slots)
    shift, prefix = HASH_BITS, 0
    for row in rows:
        if row[0] >> shift != prefix:
            continue
        while bucket.is_full:
            shift -= 1
            prefix = leaf.prefix >> leaf.bits - HASH_BITS + shift
            bucket = bucket.halves()[prefix & 1]
        if row[0] >> shift == prefix:
            bucket.put(row)
    return bucket


@dataclass(slots=True, eq=False)
class _Bucket:
    """Keys that share a hash prefix of `bits` bits, each in its slot."""

    bits: int
    size: int
    taken: bytearray
    """1 for each slot that is taken: searched in one step, however many are."""
    rows: dict[int, _Row] = field(default_factory=dict)
    """Slot -> hash and key."""

    @classmethod
    def empty(cls, bits: int, size: int) -> _Bucket:
        return cls(bits, size, bytearray(size))

    @property
    def is_full(self) -> bool:
        return len(self.rows) == self.size

    def put(self, row: _Row) -> None:
        taken = self.taken
        slot = taken.find(0, row[0] % self.size)
        if slot < 0:
            slot = taken.find(0)
        taken[slot] = 1
        self.rows[slot] = row

    def in_order(self) -> Iterator[_Row]:
        """The rows by their slots."""
        return (self.rows[slot] for slot in sorted(self.rows))

    def halves(self) -> tuple[_Bucket, _Bucket]:
        """Two buckets of one bit more, filled in the order of the old slots."""
        bits = self.bits + 1
        left, right = _Bucket.empty(bits, self.size), _Bucket.empty(bits, self.size)
        bit = 1 << HASH_BITS - bits
        for row in self.in_order():
            (right if row[0] & bit else left).put(row)
        return left, right


@dataclass(slots=True)
class _Directory:
    """Buckets by the top `bits` bits of a hash; neighbouring places may share a bucket."""

    bits: int
    places: list[_Bucket]

    @classmethod
    def new(cls, geometry: Geometry) -> _Directory:
        only = _Bucket.empty(0, geometry.slots)
        return cls(geometry.directory_bits, [only] * (1 << geometry.directory_bits))

    def insert(self, row: _Row) -> None:
        while (bucket := self.places[row[0] >> HASH_BITS - self.bits]).is_full:
            self._split(bucket, row[0])
        bucket.put(row)

    def _split(self, bucket: _Bucket, hashed: int) -> None:
        if bucket.bits == self.bits:
            self._double()
        left, right = bucket.halves()
        half = 1 << self.bits - left.bits
        first = (hashed >> HASH_BITS - bucket.bits) * 2 * half
        self.places[first : first + 2 * half] = [left] * half + [right] * half

    def _double(self) -> None:
        if self.bits == MAX_DIRECTORY_BITS:
            _refuse_depth(self.bits)
        self.places = list(chain.from_iterable((bucket, bucket) for bucket in self.places))
        self.bits += 1

    def __iter__(self) -> Iterator[bytes]:
        for bucket, _ in groupby(self.places):
            for _, key in bucket.in_order():
                yield key


def _refuse_depth(bits: int) -> NoReturn:
    raise ValueError(f"more keys than a bucket holds have hashes that begin with the same {bits} bits")
