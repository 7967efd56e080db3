"""The GDBM writer, reader and traversal order, without the library; tests/real compares them with it."""

from __future__ import annotations

import hashlib
import mmap
import random
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courier_schema.legacy.formats import gdbm
from courier_schema.legacy.formats.gdbm import layout
from courier_schema.report import CourierSiteError

HASHES = [
    (b"", 0x00003039, 0, 61),
    (b"a", 0x094A72E9, 37, 25),
    (b"abc", 0x4225ADF3, 264, 9),
    (b"*", 0x67AF99EC, 414, 142),
    (b"10.1", 0x3B004D48, 236, 98),
    (b":2001:0db8", 0x1EEEB725, 123, 113),
    (b"hosted.org", 0x50E40FDB, 323, 9),
    (b"@virtual.org", 0x7558389B, 469, 87),
    (b"root@example.com", 0x25726DC5, 149, 147),
    (b"everyone@example.com\n1", 0x4CD7FBE0, 307, 72),
    (b"m\xc3\xbcnchen.de", 0x21564F0B, 133, 161),
    (b"\xff\xfe", 0x06F35F58, 27, 110),
    (b"x" * 60, 0x27D096AD, 159, 141),
    (bytes(range(256)), 0x7EDB14BB, 507, 77),
]

block_sizes = st.sampled_from([512, 1024, 2048, 4096, 8192, 16384, 65536])
small_tables = st.dictionaries(st.binary(max_size=40), st.binary(max_size=80), max_size=120)


def numbered(count: int) -> dict[bytes, bytes]:
    return {b"user%d@example.com" % i: b"box%d@example.net\n" % i for i in range(count)}


def scrambled(count: int, seed: int) -> dict[bytes, bytes]:
    """Keys and values of random bytes and lengths, the empty ones among them."""
    chance = random.Random(seed)
    table = {chance.randbytes(chance.randrange(40)): chance.randbytes(chance.randrange(90)) for _ in range(count)}
    return table | {b"": b"the empty key", b"no value": b""}


def colliding(count: int) -> list[bytes]:
    """Keys with one hash: bytes 0 and 24 weigh the same."""
    keys = [bytes([i]) + bytes(23) + bytes([count - i]) for i in range(count)]
    assert len({layout.hash_key(key) for key in keys}) == 1
    return keys


def assert_holds(data: bytes, table: dict[bytes, bytes]) -> None:
    reader = gdbm.Reader(data)
    assert dict(reader.items()) == table
    assert len(reader) == len(table)
    assert all(reader.get(key) == value for key, value in table.items())


class TestHash:
    @pytest.mark.parametrize(("key", "hashed", "index", "slot"), HASHES)
    def test_a_key_has_the_hash_and_the_place_that_libgdbm_gives_it(
        self, key: bytes, hashed: int, index: int, slot: int
    ) -> None:
        assert layout.hash_key(key) == hashed
        assert hashed >> 31 - 9 == index
        assert hashed % layout.Geometry(4096).slots == slot

    def test_the_published_hashes_come_out_in_one_batch_too(self) -> None:
        assert list(layout.hash_keys([key for key, *_ in HASHES])) == [hashed for _, hashed, *_ in HASHES]

    @given(st.lists(st.binary(max_size=300), max_size=40))
    def test_many_keys_hash_like_each_alone(self, keys: list[bytes]) -> None:
        assert list(layout.hash_keys(keys)) == [layout.hash_key(key) for key in keys]

    def test_batches_meet_without_a_gap(self) -> None:
        keys = list(numbered(9000))
        assert list(layout.hash_keys(keys)) == [layout.hash_key(key) for key in keys]


class TestGeometry:
    @pytest.mark.parametrize(
        ("block_size", "slots", "directory_bits", "areas"),
        [(512, 16, 6, 28), (1024, 38, 7, 60), (4096, 166, 9, 252), (65536, 2726, 13, 4092)],
    )
    def test_sizes_follow_from_the_block(self, block_size: int, slots: int, directory_bits: int, areas: int) -> None:
        geometry = layout.Geometry(block_size)
        assert (geometry.slots, geometry.directory_bits, geometry.areas) == (slots, directory_bits, areas)

    @pytest.mark.parametrize("block_size", [-512, 0, 256, 511, 4095, 5000])
    def test_other_block_sizes_are_refused(self, block_size: int) -> None:
        with pytest.raises(ValueError, match=f"power of two from 512 up, not {block_size}"):
            gdbm.dumps({}, block_size)


class TestWriter:
    def test_an_empty_database_is_header_directory_and_one_bucket(self) -> None:
        data = gdbm.dumps({})
        assert len(data) == 3 * 4096
        assert struct.unpack_from("<IiqiiiiqiiQ", data) == (
            0x13579ACF, 4096, 4096, 4096, 9, 4096, 166, 3 * 4096, 252, 0, 0,
        )  # fmt: skip
        assert struct.unpack_from("<512q", data, 4096) == (8192,) * 512
        assert_holds(data, {})

    def test_a_record_lies_behind_the_buckets_and_its_slot_points_there(self) -> None:
        data = gdbm.dumps({b"hosted.org": b"1"})
        slot = 8192 + 112 + 9 * 24
        assert struct.unpack_from("<i4sqii", data, slot) == (0x50E40FDB, b"host", 12288, 10, 1)
        assert data[12288:].rstrip(b"\0") == b"hosted.org1"
        assert len(data) == 4 * 4096

    def test_a_full_bucket_is_not_split_and_one_key_more_splits_it(self) -> None:
        full, split = (gdbm.dumps(numbered(count)) for count in (166, 167))
        assert len(set(struct.unpack_from("<512q", full, 4096))) == 1
        assert len(set(struct.unpack_from("<512q", split, 4096))) == 2

    def test_keys_that_share_a_hash_stand_in_order_of_their_bytes(self) -> None:
        twins = colliding(2)
        one, other = ([(key, b"x") for key in keys] for keys in (twins, twins[::-1]))
        assert gdbm.dumps(one) == gdbm.dumps(other)
        assert_holds(gdbm.dumps(one), dict(one))

    def test_a_key_that_occurs_twice_is_refused_by_name(self) -> None:
        with pytest.raises(ValueError, match=r"the key b'joe' occurs more than once"):
            gdbm.dumps([(b"joe", b"1"), (b"ann", b"2"), (b"joe", b"1")])

    def test_keys_that_no_directory_can_part_are_refused(self) -> None:
        crowd = colliding(17)
        with pytest.raises(ValueError, match="more than 16 keys have hashes that begin with the same 27 bits"):
            gdbm.dumps([(key, b"") for key in crowd], 512)

    @given(small_tables, block_sizes, st.randoms(use_true_random=False))
    def test_the_order_of_the_records_leaves_no_trace(
        self, table: dict[bytes, bytes], block_size: int, chance: random.Random
    ) -> None:
        pairs = list(table.items())
        chance.shuffle(pairs)
        assert gdbm.dumps(pairs, block_size) == gdbm.dumps(table, block_size)

    @given(small_tables, block_sizes)
    def test_what_is_written_is_read_back(self, table: dict[bytes, bytes], block_size: int) -> None:
        data = gdbm.dumps(table, block_size)
        assert len(data) % block_size == 0
        assert_holds(data, table)

    @settings(max_examples=12, deadline=None)
    @given(st.integers(500, 6000), st.integers(), block_sizes)
    def test_thousands_of_records_are_read_back(self, count: int, seed: int, block_size: int) -> None:
        table = scrambled(count, seed)
        assert_holds(gdbm.dumps(table, block_size), table)

    @settings(max_examples=10, deadline=None)
    @given(st.integers(0, 1 << 20), st.integers(0, 1 << 20), st.integers(), block_sizes)
    def test_keys_and_values_may_be_a_mebibyte_long(
        self, key_size: int, value_size: int, seed: int, block_size: int
    ) -> None:
        chance = random.Random(seed)
        table = numbered(3) | {chance.randbytes(key_size): chance.randbytes(value_size)}
        assert_holds(gdbm.dumps(table, block_size), table)

    @pytest.mark.parametrize(
        ("count", "block_size", "digest"),
        [
            (0, 4096, "9d3ac8df355b1e9a"),
            (1, 4096, "df1e8110a43730b7"),
            (166, 4096, "4f88c5c2f8d8eca9"),
            (167, 512, "f3084dd40bf1804f"),
            (5000, 1024, "ba0a61da682ba2c1"),
            (40000, 4096, "cd8476c75f2f0e79"),
        ],
    )
    def test_a_table_has_the_same_bytes_in_every_release(self, count: int, block_size: int, digest: str) -> None:
        assert hashlib.sha256(gdbm.dumps(numbered(count), block_size)).hexdigest().startswith(digest)

    def test_a_hundred_equal_hashes_among_thousands_of_others_are_in_order(self) -> None:
        crowd = dict.fromkeys(colliding(100), b"") | numbered(3000)
        data = gdbm.dumps(crowd)
        assert gdbm.dumps(reversed(crowd.items())) == data
        assert_holds(data, crowd)

    def test_a_hundred_thousand_records_are_read_back(self) -> None:
        table = numbered(100_000)
        shuffled = list(table.items())
        random.Random(7).shuffle(shuffled)
        data = gdbm.dumps(table)
        assert gdbm.dumps(shuffled) == data
        assert_holds(data, table)


class TestReader:
    def test_it_reads_bytes_memory_views_and_memory_maps_alike(self, tmp_path: Path) -> None:
        table = numbered(400)
        data = gdbm.dumps(table)
        path = tmp_path / "aliases.dat"
        path.write_bytes(data)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            for reader in (gdbm.Reader(data), gdbm.Reader(memoryview(data)), gdbm.Reader(mapped)):
                assert dict(reader.items()) == table
                assert reader.get(b"user7@example.com") == b"box7@example.net\n"

    def test_a_missing_key_has_no_value(self) -> None:
        reader = gdbm.Reader(gdbm.dumps(numbered(400)))
        assert reader.get(b"nobody") is None
        assert b"nobody" not in reader
        assert b"user7@example.com" in reader
        assert "user7@example.com" not in reader

    def test_keys_with_one_hash_and_one_beginning_are_told_apart(self) -> None:
        table = {b"same" + key: key for key in colliding(5)}
        assert_holds(gdbm.dumps(table), table)
        assert gdbm.Reader(gdbm.dumps(table)).get(b"same" + colliding(6)[0]) is None

    def test_free_areas_inside_the_file_are_passed_over(self) -> None:
        data = bytearray(gdbm.dumps({b"a": b"hello"}))
        struct.pack_into("<iiiiq", data, 8192, 1, 0, 4000, 0, 12294)
        assert_holds(bytes(data), {b"a": b"hello"})

    def test_a_search_in_a_full_bucket_ends(self) -> None:
        table = numbered(166)
        reader = gdbm.Reader(gdbm.dumps(table))
        assert len(reader) == 166
        assert reader.get(b"nobody") is None

    @given(st.dictionaries(st.binary(max_size=40), st.binary(), max_size=16), block_sizes)
    def test_items_come_in_the_order_of_the_slots_that_the_sorted_keys_took(
        self, table: dict[bytes, bytes], block_size: int
    ) -> None:
        by_hash = sorted(table, key=lambda key: (layout.hash_key(key), key))
        items = gdbm.Reader(gdbm.dumps(table, block_size)).items()
        assert [key for key, _ in items] == gdbm.traversal(by_hash, block_size)

    @given(small_tables)
    def test_items_come_in_the_order_of_the_buckets(self, table: dict[bytes, bytes]) -> None:
        data = gdbm.dumps(table, 512)
        (bits,) = struct.unpack_from("<i", data, 20)
        directory = struct.unpack_from(f"<{1 << bits}q", data, 512)
        buckets = [directory[layout.hash_key(key) >> 31 - bits] for key, _ in gdbm.Reader(data).items()]
        assert buckets == sorted(buckets)

    def test_the_numsync_format_is_read(self) -> None:
        table = numbered(1000)
        assert_holds(as_numsync(gdbm.dumps(table)), table)

    def test_the_old_magic_number_is_read(self) -> None:
        table = numbered(10)
        assert_holds(struct.pack("<I", 0x13579ACE) + gdbm.dumps(table)[4:], table)


def as_numsync(data: bytes) -> bytes:
    """The same database in the numsync format, whose header is 32 bytes longer."""
    head = bytearray(data[:40]) + bytes(32) + struct.pack("<iiq", 250, 0, 0)
    struct.pack_into("<I", head, 0, 0x13579AD1)
    return bytes(head.ljust(4096, b"\0")) + data[4096:]


ONE_RECORD = gdbm.dumps({b"a": b"hello"})
"""Header, directory and bucket in one block each; the record at 12288, its slot at 8192 + 112 + 25 * 24."""

DAMAGE = [
    (0, "<I", 0, "the magic number 0x0 is not that of a GDBM file at offset 0"),
    (0, "<I", 0x13579ACD, "the file was written with 32 bit offsets at offset 0"),
    (0, "<I", 0x13579AD0, "the file was written with 32 bit offsets at offset 0"),
    (0, ">I", 0x13579ACF, "the file was written on a big-endian machine at offset 0"),
    (0, ">I", 0x13579AD0, "the file was written on a big-endian machine at offset 0"),
    (4, "<i", 40, "the header gives a block size of 40 bytes at offset 4"),
    (4, "<i", 1 << 30, "the header gives a block size of 1073741824 bytes at offset 4"),
    (8, "<q", -8, "the directory of 4096 bytes at -8 is not inside the file at offset 8"),
    (8, "<q", 12288, "the directory of 4096 bytes at 12288 is not inside the file at offset 8"),
    (16, "<i", -1, "the directory of -1 bytes at 4096 is not inside the file at offset 8"),
    (16, "<i", 2048, "a directory of 2048 bytes cannot have 9 bits at offset 16"),
    (20, "<i", 10, "a directory of 4096 bytes cannot have 10 bits at offset 16"),
    (20, "<i", -1, "a directory of 4096 bytes cannot have -1 bits at offset 16"),
    (24, "<i", 136, "a bucket of 136 bytes cannot have 166 slots at offset 24"),
    (28, "<i", 165, "a bucket of 4096 bytes cannot have 165 slots at offset 24"),
    (32, "<q", 12288, "the file of 16384 bytes should end at 12288; it was not closed properly at offset 32"),
    (40, "<i", 250, "a list of 250 free areas does not fill its block at offset 40"),
    (44, "<i", 253, "a list of 252 free areas counts 253 at offset 56"),
    (44, "<i", 1, "a free area of 0 bytes at 0 is not inside the file at offset 56"),
    (4392, "<q", 4095, "the directory names a bucket at 4095, which is not inside the file, at offset 4392"),
    (4392, "<q", 12289, "the directory names a bucket at 12289, which is not inside the file, at offset 4392"),
    (8192, "<i", 7, "a list of 6 free areas counts 7 at offset 8200"),
    (8192, "<i", -1, "a list of 6 free areas counts -1 at offset 8200"),
    (8192, "<i", 1, "a free area of 0 bytes at 0 is not inside the file at offset 8200"),
    (8296, "<i", 10, "a bucket cannot have 10 bits and 1 keys at offset 8296"),
    (8300, "<i", 167, "a bucket cannot have 0 bits and 167 keys at offset 8296"),
    (8912, "<q", -1, "a record of 1 and 5 bytes at -1 is not inside the file at offset 8904"),
    (8924, "<i", -1, "a record of 1 and -1 bytes at 12288 is not inside the file at offset 8904"),
    (8924, "<i", 4096, "a record of 1 and 4096 bytes at 12288 is not inside the file at offset 8904"),
]

UNSEEN_BY_A_SEARCH = [
    (8904, "<i", 0x094A72E8, "the bucket holds a key that does not belong there at offset 8192"),
    (12288, "<c", b"b", "the bucket holds a key that does not belong there at offset 8192"),
    (8296, "<i", 4, "the bucket holds a key that does not belong there at offset 8192"),
    (8300, "<i", 2, "the bucket counts 2 keys and has 1 at offset 8192"),
    (8920, "<i", -1, "a record of -1 and 5 bytes at 12288 is not inside the file at offset 8904"),
]


def damaged(offset: int, form: str, value: int | bytes) -> bytes:
    data = bytearray(ONE_RECORD)
    struct.pack_into(form, data, offset, value)
    return bytes(data)


class TestDamage:
    @pytest.mark.parametrize(("offset", "form", "value", "says"), DAMAGE)
    def test_a_search_names_the_fault_and_its_offset(self, offset: int, form: str, value: int, says: str) -> None:
        with pytest.raises(gdbm.MalformedDatabase) as caught:
            gdbm.Reader(damaged(offset, form, value)).get(b"a")
        assert str(caught.value) == f"malformed GDBM database: {says}"
        assert says.endswith(f"offset {caught.value.offset}")

    @pytest.mark.parametrize(("offset", "form", "value", "says"), UNSEEN_BY_A_SEARCH)
    def test_a_walk_sees_more_than_a_search(self, offset: int, form: str, value: int | bytes, says: str) -> None:
        data = damaged(offset, form, value)
        with pytest.raises(gdbm.MalformedDatabase) as caught:
            list(gdbm.Reader(data).items())
        assert str(caught.value) == f"malformed GDBM database: {says}"

    @pytest.mark.parametrize(("size", "says"), [(0, "0 bytes"), (39, "39 bytes"), (3, "3 bytes")])
    def test_a_file_without_a_whole_header_is_refused(self, size: int, says: str) -> None:
        with pytest.raises(gdbm.MalformedDatabase, match=f"the file of {says} ends inside the header at offset 0"):
            gdbm.Reader(ONE_RECORD[:size])

    def test_a_key_whose_beginning_in_the_slot_is_damaged_is_not_found_as_in_the_library(self) -> None:
        assert gdbm.Reader(damaged(8908, "<c", b"b")).get(b"a") is None

    def test_damage_is_trouble_of_the_world_and_a_wrong_value(self) -> None:
        assert issubclass(gdbm.MalformedDatabase, CourierSiteError)
        assert issubclass(gdbm.MalformedDatabase, ValueError)

    @settings(max_examples=400, deadline=None)
    @given(st.data())
    def test_any_damage_is_either_harmless_or_refused(self, data: st.DataObject) -> None:
        original = data.draw(st.sampled_from(VICTIMS))
        victim = bytearray(original)
        for _ in range(data.draw(st.integers(1, 4))):
            end = data.draw(st.sampled_from([104, 4200, 8700, len(original)]))
            place = data.draw(st.integers(0, min(end, len(original)) - 1))
            victim[place] = data.draw(st.integers(0, 255))
        size = data.draw(st.one_of(st.just(len(victim)), st.integers(0, len(victim))))
        with suppress(gdbm.MalformedDatabase):
            reader = gdbm.Reader(bytes(victim[:size]))
            assert len(list(reader.items())) == len(reader)
            assert all(isinstance(reader.get(key), bytes | None) for key in VICTIM_KEYS)


VICTIM_KEYS = [b"", *numbered(50)]
VICTIMS = [
    ONE_RECORD,
    gdbm.dumps({}),
    gdbm.dumps(numbered(300), 512),
    gdbm.dumps(numbered(300)),
    as_numsync(gdbm.dumps(numbered(300))),
]


class TestTraversal:
    def test_keys_of_one_bucket_come_by_slot_and_the_first_comer_keeps_its_place(self) -> None:
        early, late = colliding(2)
        slots = {key: slot for key, _, _, slot in HASHES}
        assert gdbm.traversal([late, *slots, early]) != gdbm.traversal([early, *slots, late])
        assert gdbm.traversal(slots) == sorted(slots, key=slots.__getitem__)

    def test_a_key_that_comes_again_changes_nothing(self) -> None:
        keys = list(numbered(500))
        assert gdbm.traversal(keys + keys[::-1]) == gdbm.traversal(keys)

    def test_the_order_of_insertion_shows_where_slots_collide(self) -> None:
        keys = list(numbered(3000))
        forth, back = gdbm.traversal(keys), gdbm.traversal(reversed(keys))
        assert forth != back
        assert sorted(forth) == sorted(back) == sorted(keys)

    @given(st.sets(st.binary(max_size=30), max_size=300), block_sizes)
    def test_buckets_come_in_the_order_of_their_hashes(self, keys: set[bytes], block_size: int) -> None:
        order = gdbm.traversal(keys, block_size)
        assert sorted(order) == sorted(keys)
        if len(keys) <= layout.Geometry(block_size).slots:
            return
        halves = [layout.hash_key(key) >> 30 for key in order]
        assert halves == sorted(halves)

    def test_keys_that_no_directory_can_part_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("courier_schema.legacy.formats.gdbm.order.MAX_DIRECTORY_BITS", 12)
        with pytest.raises(ValueError, match="hashes that begin with the same 12 bits"):
            gdbm.traversal(colliding(17), 512)
