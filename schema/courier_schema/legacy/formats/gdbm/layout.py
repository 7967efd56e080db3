"""The GDBM file on disk: its numbers, its structures and the hash that places a key.

Everything here describes the 64 bit little-endian format of libgdbm 1.23 as built on x86-64: a header
block, a directory of 2^d bucket addresses indexed by the top d bits of a key's hash, and buckets whose
slots point to records (the key's bytes followed by the value's). Reader, writer and traversal share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from operator import mul
from struct import Struct, pack, unpack

MAGIC = 0x13579ACF
MAGIC_OLD = 0x13579ACE
MAGIC_NUMSYNC = 0x13579AD1
MAGICS_32_BIT = frozenset({0x13579ACD, 0x13579AD0})

HEADER = Struct("<iiqiiiiq")
"""magic, block size, directory address, directory bytes, directory bits, bucket bytes, slots, next block."""

NUMSYNC_SIZE = 32
"""Bytes that the numsync format inserts between the header and its free list."""

AVAIL = Struct("<iiq")
"""Free list: capacity, used entries, address of the next list."""

AREA = Struct("<i4xq")
"""One free area: size, address."""

BUCKET_AVAIL = Struct("<i4x")
BUCKET_AREAS = 6
BUCKET_HEAD = Struct("<ii")
"""Bits of hash prefix that all keys of the bucket share, used slots."""
BUCKET_HEAD_OFFSET = BUCKET_AVAIL.size + BUCKET_AREAS * AREA.size
SLOTS_OFFSET = BUCKET_HEAD_OFFSET + BUCKET_HEAD.size

SLOT = Struct("<i4sqii")
"""Hash, first bytes of the key, address of the record, key size, value size."""
FREE = -1
"""Hash of a slot that holds nothing."""

ADDRESS = Struct("<q")

HASH_BITS = 31
MAX_DIRECTORY_BITS = 27
"""A directory of one bit more has a size that no longer fits its header field."""

DEFAULT_BLOCK_SIZE = 4096


@dataclass(frozen=True, slots=True)
class Geometry:
    """The sizes that follow from a block size in bytes, a power of two not below 512.

    Raises ValueError for another block size.
    """

    block_size: int = DEFAULT_BLOCK_SIZE

    def __post_init__(self) -> None:
        if self.block_size < 512 or self.block_size.bit_count() != 1:
            raise ValueError(f"a GDBM block size is a power of two from 512 up, not {self.block_size}")

    @property
    def directory_bits(self) -> int:
        """The depth of a new directory, which fills one block."""
        return (self.block_size // ADDRESS.size).bit_length() - 1

    @property
    def slots(self) -> int:
        return slots_of(self.block_size)

    @property
    def areas(self) -> int:
        return areas_of(self.block_size, HEADER.size)


def slots_of(bucket_size: int) -> int:
    """How many keys a bucket of this many bytes holds."""
    return (bucket_size - SLOTS_OFFSET - SLOT.size) // SLOT.size + 1


def areas_of(block_size: int, avail_offset: int) -> int:
    """How many free areas the header block lists when its free list begins at `avail_offset`."""
    return (block_size - avail_offset - AVAIL.size) // AREA.size


# -- the hash --------------------------------------------------------------------------------------------

_MASK = (1 << HASH_BITS) - 1
_LENGTH_WEIGHT = 0x238F13AF
_FACTOR = 1103515243
_SUMMAND = 12345
_PERIOD = 24
_WEIGHTS = tuple(1 << 5 * i % _PERIOD for i in range(_PERIOD))


def hash_key(key: bytes) -> int:
    """The 31 bit hash of a key, its bytes taken as signed."""
    mixed: int = _LENGTH_WEIGHT * len(key) + sum(map(mul, memoryview(key).cast("b"), cycle(_WEIGHTS)))
    return _FACTOR * mixed + _SUMMAND & _MASK


_BATCH = 4096
_WIDEST = 256
_LANE = 8
_FLIP_SIGN = bytes(byte ^ 0x80 for byte in range(256))


def hash_keys(keys: Iterable[bytes]) -> Iterator[int]:
    """The hashes of many keys in their order, five times as fast as one by one."""
    left = iter(keys)
    while batch := list(islice(left, _BATCH)):
        lengths = [*map(len, batch)]
        yield from map(hash_key, batch) if max(lengths) > _WIDEST else _hash_lanes(batch, lengths)


def _hash_lanes(keys: Sequence[bytes], lengths: Sequence[int]) -> tuple[int, ...]:
    """Hash all keys at once in one long integer, which gives each key a lane of 64 bits.

    A signed byte is the byte with its sign bit flipped, less 128. So the padding of short keys counts
    as 0, as it must, and what was counted too much is the same for every key.
    """
    count, width = len(keys), max(lengths)
    every_lane = _integer(pack("<Q", 1) * count)
    columns = pack(f"{width}s" * count, *keys).translate(_FLIP_SIGN)
    weighed = sum(lanes << shift for shift, lanes in _lanes(columns, width, count))
    excess = 128 * sum(_WEIGHTS[i % _PERIOD] for i in range(width))
    long = _integer(pack(f"<{count}Q", *lengths))
    mixed = weighed + long * _LENGTH_WEIGHT + every_lane * (-excess & _MASK)
    hashes = (mixed & every_lane * _MASK) * _FACTOR + every_lane * _SUMMAND
    return unpack(f"<{count}Q", (hashes & every_lane * _MASK).to_bytes(count * _LANE, "little"))


def _lanes(columns: bytes, width: int, count: int) -> Iterator[tuple[int, int]]:
    """The bytes of all keys as lanes, each with the left shift that is still due.

    Byte i weighs 2^(5i mod 24). Three bytes of a period have weights that differ by whole bytes, 2^s,
    2^(s+8) and 2^(s+16), so they stand side by side in one lane and need a single shift by s. As 5 is its
    own inverse modulo 24, the byte with weight 2^w is byte 5w mod 24 of its period.
    """
    for period in range(0, width, _PERIOD):
        for shift in range(8):
            lanes = bytearray(count * _LANE)
            for place in range(3):
                column = period + 5 * (shift + 8 * place) % _PERIOD
                if column < width:
                    lanes[place::_LANE] = columns[column::width]
            yield shift, _integer(lanes)


def _integer(lanes: bytes | bytearray) -> int:
    return int.from_bytes(lanes, "little")
