"""GDBM files read in place: nothing is copied but the records that are returned.

The reader sees a buffer, most often a memory map that the caller opened, and trusts none of it. What
libgdbm refuses, when opening a file or when using a bucket, is refused here with a MalformedDatabase that
names the fault and its offset; no other exception comes out of a damaged file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from struct import Struct
from typing import Any, NoReturn, cast

from courier_schema.legacy.formats.gdbm.layout import (
    ADDRESS,
    AREA,
    AVAIL,
    BUCKET_AREAS,
    BUCKET_AVAIL,
    BUCKET_HEAD,
    BUCKET_HEAD_OFFSET,
    FREE,
    HASH_BITS,
    HEADER,
    MAGIC,
    MAGIC_NUMSYNC,
    MAGIC_OLD,
    MAGICS_32_BIT,
    MAX_DIRECTORY_BITS,
    NUMSYNC_SIZE,
    SLOT,
    SLOTS_OFFSET,
    areas_of,
    hash_key,
    hash_keys,
    slots_of,
)
from courier_schema.report import CourierSiteError

Buffer = bytes | mmap | memoryview


class MalformedDatabase(CourierSiteError, ValueError):
    """A file is not a GDBM database, or a damaged one; `offset` counts bytes from its start."""

    def __init__(self, says: str, offset: int) -> None:
        super().__init__(f"malformed GDBM database: {says} at offset {offset}")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class _Header:
    """A header that has passed every check of libgdbm."""

    directory: int
    directory_bits: int
    bucket_size: int
    slots: int
    block_size: int
    next_block: int


@dataclass(frozen=True, slots=True)
class _Bucket:
    offset: int
    bits: int
    count: int


class Reader:
    """One database. Raises MalformedDatabase here or later, as soon as damage is seen.

    The buffer must stay open and unchanged for as long as the reader is used. A memoryview must be one
    of single bytes.
    """

    __slots__ = ("_buffer", "_header", "_size")

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._size = len(buffer)
        self._header = self._read_header()

    def get(self, key: bytes) -> bytes | None:
        """The value of this key, None when there is none."""
        hashed = hash_key(key)
        bucket = self._bucket(hashed >> HASH_BITS - self._header.directory_bits)
        for slot in self._probes(bucket, hashed):
            slot_hash, start, address, key_size, value_size = SLOT.unpack_from(self._buffer, slot)
            if slot_hash == FREE:
                return None
            if slot_hash == hashed and key_size == len(key) and start[:key_size] == key[:4]:
                self._check_record(slot, address, key_size, value_size)
                if self._buffer[address : address + key_size] == key:
                    return self._record(address, key_size, value_size)[1]
        return None

    def _probes(self, bucket: _Bucket, hashed: int) -> Iterator[int]:
        """The offsets of all slots of a bucket, from the home of a hash on."""
        slots = self._header.slots
        for step in range(slots):
            yield bucket.offset + SLOTS_OFFSET + (hashed + step) % slots * SLOT.size

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self.get(key) is not None

    def __len__(self) -> int:
        """The number of records, which walks all buckets."""
        return sum(bucket.count for _, bucket in self._buckets())

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All records in the order of `gdbm_firstkey` and `gdbm_nextkey`."""
        for index, bucket in self._buckets():
            yield from self._items(index, bucket)

    # -- the header --------------------------------------------------------------------------------------

    def _read_header(self) -> _Header:
        magic, block, directory, directory_size, bits, bucket_size, slots, next_block = self._unpack(
            HEADER, 0, "the header"
        )
        _check_magic(magic)
        avail_offset = HEADER.size + NUMSYNC_SIZE * (magic == MAGIC_NUMSYNC)
        if not avail_offset + AVAIL.size < block <= self._size:
            _refuse(f"the header gives a block size of {block} bytes", 4)
        if not 0 < directory < directory + directory_size < self._size:
            _refuse(f"the directory of {directory_size} bytes at {directory} is not inside the file", 8)
        if not 3 <= bits <= MAX_DIRECTORY_BITS or not block <= directory_size == ADDRESS.size << bits:
            _refuse(f"a directory of {directory_size} bytes cannot have {bits} bits", 16)
        if bucket_size <= SLOTS_OFFSET + SLOT.size or slots != slots_of(bucket_size):
            _refuse(f"a bucket of {bucket_size} bytes cannot have {slots} slots", 24)
        if next_block < self._size:
            _refuse(f"the file of {self._size} bytes should end at {next_block}; it was not closed properly", 32)
        self._check_free_list(avail_offset, block, bucket_size, next_block)
        return _Header(directory, bits, bucket_size, slots, block, next_block)

    def _check_free_list(self, offset: int, block: int, lowest: int, highest: int) -> None:
        capacity, count, _ = self._unpack(AVAIL, offset, "the list of free areas")
        if capacity != areas_of(block, offset):
            _refuse(f"a list of {capacity} free areas does not fill its block", offset)
        self._check_areas(offset + AVAIL.size, count, capacity, lowest, highest)

    def _check_areas(self, offset: int, count: int, capacity: int, lowest: int, highest: int) -> None:
        if not 0 <= count <= capacity:
            _refuse(f"a list of {capacity} free areas counts {count}", offset)
        for place in range(offset, offset + count * AREA.size, AREA.size):
            size, address = self._unpack(AREA, place, "a free area")
            if size < 0 or address < lowest or address + size > highest:
                _refuse(f"a free area of {size} bytes at {address} is not inside the file", place)

    # -- buckets and records -----------------------------------------------------------------------------

    def _bucket(self, index: int) -> _Bucket:
        return self._bucket_at(self._address(index), index)

    def _address(self, index: int) -> int:
        """What the directory says at this index, unchecked."""
        (address,) = self._unpack(ADDRESS, self._header.directory + index * ADDRESS.size, "the directory")
        return cast(int, address)

    def _bucket_at(self, offset: int, index: int) -> _Bucket:
        header = self._header
        if not header.block_size <= offset <= self._size - header.bucket_size:
            place = header.directory + index * ADDRESS.size
            _refuse(f"the directory names a bucket at {offset}, which is not inside the file,", place)
        bits, count = self._unpack(BUCKET_HEAD, offset + BUCKET_HEAD_OFFSET, "the bucket")
        if not 0 <= bits <= header.directory_bits or not 0 <= count <= header.slots:
            _refuse(f"a bucket cannot have {bits} bits and {count} keys", offset + BUCKET_HEAD_OFFSET)
        (areas,) = self._unpack(BUCKET_AVAIL, offset, "the bucket")
        first_area = offset + BUCKET_AVAIL.size
        self._check_areas(first_area, areas, BUCKET_AREAS, header.bucket_size, header.next_block)
        return _Bucket(offset, bits, count)

    def _buckets(self) -> Iterator[tuple[int, _Bucket]]:
        """Each bucket once, with the first of the neighbouring directory indices that name it."""
        before = None
        for index in range(1 << self._header.directory_bits):
            offset = self._address(index)
            if offset != before:
                yield index, self._bucket_at(offset, index)
            before = offset

    def _items(self, index: int, bucket: _Bucket) -> list[tuple[bytes, bytes]]:
        """The records of a bucket in the order of its slots, their hashes computed anew."""
        first = bucket.offset + SLOTS_OFFSET
        table = self._buffer[first : first + self._header.slots * SLOT.size]
        hashes: list[int] = []
        items: list[tuple[bytes, bytes]] = []
        for slot, (hashed, _, address, key_size, value_size) in enumerate(SLOT.iter_unpack(table)):
            if hashed != FREE:
                hashes.append(hashed)
                self._check_record(first + slot * SLOT.size, address, key_size, value_size)
                items.append(self._record(address, key_size, value_size))
        self._check_keys(index, bucket, hashes, [key for key, _ in items])
        return items

    def _check_keys(self, index: int, bucket: _Bucket, hashes: list[int], keys: list[bytes]) -> None:
        prefix = index >> self._header.directory_bits - bucket.bits
        belongs = all(hashed >> HASH_BITS - bucket.bits == prefix for hashed in hashes)
        if not belongs or hashes != list(hash_keys(keys)):
            _refuse("the bucket holds a key that does not belong there", bucket.offset)
        if len(keys) != bucket.count:
            _refuse(f"the bucket counts {bucket.count} keys and has {len(keys)}", bucket.offset)

    def _check_record(self, slot: int, address: int, key_size: int, value_size: int) -> None:
        if address < 0 or key_size < 0 or value_size < 0 or address + key_size + value_size > self._size:
            _refuse(f"a record of {key_size} and {value_size} bytes at {address} is not inside the file", slot)

    def _record(self, address: int, key_size: int, value_size: int) -> tuple[bytes, bytes]:
        middle = address + key_size
        return bytes(self._buffer[address:middle]), bytes(self._buffer[middle : middle + value_size])

    def _unpack(self, structure: Struct, offset: int, what: str) -> tuple[Any, ...]:
        if offset + structure.size > self._size:
            _refuse(f"the file of {self._size} bytes ends inside {what}", offset)
        return structure.unpack_from(self._buffer, offset)


def _check_magic(magic: int) -> None:
    swapped = int.from_bytes(magic.to_bytes(4, "little", signed=True), "big")
    if magic in MAGICS_32_BIT:
        _refuse("the file was written with 32 bit offsets", 0)
    if swapped in MAGICS_32_BIT | {MAGIC, MAGIC_OLD, MAGIC_NUMSYNC}:
        _refuse("the file was written on a big-endian machine", 0)
    if magic not in (MAGIC, MAGIC_OLD, MAGIC_NUMSYNC):
        _refuse(f"the magic number {magic & 0xFFFFFFFF:#x} is not that of a GDBM file", 0)


def _refuse(says: str, offset: int) -> NoReturn:
    raise MalformedDatabase(says, offset)
