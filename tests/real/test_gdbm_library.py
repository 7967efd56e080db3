"""Our GDBM files in the hands of libgdbm, and the library's files in ours.

The library is reached through the system's Python (dbm.gnu of python3-gdbm) and through gdbmtool.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courier_schema.legacy.formats import gdbm

PEER = """
import dbm.gnu, json, sys
path, flags = sys.argv[1:]
database = dbm.gnu.open(path, flags, 0o644)
for key, value in json.load(sys.stdin):
    if value is None:
        del database[bytes.fromhex(key)]
    else:
        database[bytes.fromhex(key)] = bytes.fromhex(value)
items, key = [], database.firstkey()
while key is not None:
    items.append((key.hex(), database[key].hex()))
    key = database.nextkey(key)
assert len(items) == len(database)
json.dump(items, sys.stdout)
"""

OPENER = """
import dbm.gnu, json, sys
def opens(path):
    try:
        dbm.gnu.open(path, "r").close()
    except (dbm.gnu.error, OSError):
        return False
    return True
json.dump({path: opens(path) for path in sys.argv[1:]}, sys.stdout)
"""

Change = tuple[bytes, bytes | None]


def library(path: Path, flags: str, changes: Iterable[Change] = ()) -> list[tuple[bytes, bytes]]:
    """What libgdbm lists after these stores and, with None for a value, deletions."""
    told = json.dumps([(key.hex(), None if value is None else value.hex()) for key, value in changes])
    command = ["/usr/bin/python3", "-c", PEER, str(path), flags]
    answer = subprocess.run(command, input=told, check=True, capture_output=True, text=True).stdout
    return [(bytes.fromhex(key), bytes.fromhex(value)) for key, value in json.loads(answer)]


def gdbmtool(*arguments: str | Path) -> str:
    command = ["gdbmtool", "--norc", "--quiet", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def scrambled(count: int, seed: int) -> dict[bytes, bytes]:
    """Records of random bytes and lengths, with an empty key, an empty value and long ones."""
    chance = random.Random(seed)
    table = {chance.randbytes(chance.randrange(40)): chance.randbytes(chance.randrange(90)) for _ in range(count)}
    special = {b"": b"the empty key", b"no value": b"", b"long": chance.randbytes(100_000), b"k" * 10_000: b"long key"}
    return table | special


def numbered(count: int) -> dict[bytes, bytes]:
    return {b"user%d@example.com" % i: b"box%d@example.net\n" % i for i in range(count)}


def changes_to(table: dict[bytes, bytes], seed: int) -> list[Change]:
    """Thousands of new records, a third of the old replaced, another third deleted, all mixed."""
    chance = random.Random(seed)
    old = chance.sample(sorted(table), len(table))
    third = len(old) // 3
    changes: list[Change] = [(b"new%d" % i, chance.randbytes(chance.randrange(200))) for i in range(4000)]
    changes += [(key, chance.randbytes(chance.randrange(200))) for key in old[:third]]
    changes += [(key, None) for key in old[third : 2 * third]]
    chance.shuffle(changes)
    return changes


def applied(table: dict[bytes, bytes], changes: Iterable[Change]) -> dict[bytes, bytes]:
    after = table | {key: value for key, value in changes if value is not None}
    for key, value in changes:
        if value is None:
            del after[key]
    return after


TABLES = [
    pytest.param(dict, id="empty"),
    pytest.param(lambda: {b"hosted.org": b"1"}, id="one"),
    pytest.param(lambda: numbered(166), id="a full bucket"),
    pytest.param(lambda: numbered(5000), id="thousands"),
    pytest.param(lambda: numbered(100_000), id="a hundred thousand"),
    pytest.param(lambda: scrambled(6000, 1), id="random bytes"),
]


@pytest.mark.parametrize("make", TABLES)
def test_the_library_reads_every_record_in_the_order_of_our_reader(
    make: Callable[[], dict[bytes, bytes]], tmp_path: Path
) -> None:
    table, path = make(), tmp_path / "ours.dat"
    path.write_bytes(gdbm.dumps(table))
    listed = library(path, "r")
    assert listed == list(gdbm.Reader(path.read_bytes()).items())
    assert dict(listed) == table


@pytest.mark.parametrize("block_size", [512, 1024, 2048, 8192, 16384, 65536, 131072])
def test_the_library_takes_every_block_size(block_size: int, tmp_path: Path) -> None:
    table, path = scrambled(3000, block_size), tmp_path / "ours.dat"
    path.write_bytes(gdbm.dumps(table, block_size))
    assert dict(library(path, "r")) == table


@pytest.mark.parametrize("block_size", [512, 4096, 65536])
def test_the_library_adds_replaces_and_deletes_in_our_file(block_size: int, tmp_path: Path) -> None:
    table, path = scrambled(6000, 2), tmp_path / "ours.dat"
    path.write_bytes(gdbm.dumps(table, block_size))
    changes = changes_to(table, 3)
    listed = library(path, "w", changes)
    assert dict(listed) == applied(table, changes)
    assert list(gdbm.Reader(path.read_bytes()).items()) == listed


def test_gdbmtool_finds_nothing_to_repair(tmp_path: Path) -> None:
    table, path = numbered(5000), tmp_path / "ours.dat"
    data = gdbm.dumps(table)
    path.write_bytes(data)
    assert "There are 5000 items" in gdbmtool("-r", path, "count")
    assert "count = 0" in gdbmtool("-r", path, "avail")
    assert gdbmtool("-r", path, "fetch", "user7@example.com").strip() == r"box7@example.net\n"
    assert "Buckets recovered: 0, failed: 0" in gdbmtool(path, "recover", "summary")
    assert path.read_bytes() == data


def test_gdbmtool_turns_our_file_into_the_numsync_format_and_back(tmp_path: Path) -> None:
    table, path = numbered(5000), tmp_path / "ours.dat"
    path.write_bytes(gdbm.dumps(table))
    gdbmtool(path, "upgrade")
    assert "type            = GDBM (numsync)" in gdbmtool("-r", path, "header")
    assert dict(gdbm.Reader(path.read_bytes()).items()) == table
    gdbmtool(path, "downgrade")
    assert dict(gdbm.Reader(path.read_bytes()).items()) == table


def test_a_numsync_file_of_the_library_is_read_after_its_changes(tmp_path: Path) -> None:
    table, path = scrambled(6000, 4), tmp_path / "theirs.dat"
    gdbmtool("--newdb", "-x", path, "count")
    listed = library(path, "w", [*table.items(), *changes_to(table, 5)])
    data = path.read_bytes()
    assert data[:4] == bytes.fromhex("d19a5713")
    assert list(gdbm.Reader(data).items()) == listed


@pytest.mark.parametrize("seed", range(4))
def test_a_file_of_the_library_is_read_after_additions_replacements_and_deletions(seed: int, tmp_path: Path) -> None:
    table, path = scrambled(4000, seed), tmp_path / "theirs.dat"
    changes = changes_to(table, seed + 100)
    listed = library(path, "n", [*table.items(), *changes])
    reader = gdbm.Reader(path.read_bytes())
    assert list(reader.items()) == listed
    assert len(reader) == len(listed)
    after = applied(table, changes)
    assert all(reader.get(key) == after.get(key) for key in [*table, *after, b"nobody"])


def test_a_damaged_header_that_the_library_refuses_is_refused(tmp_path: Path) -> None:
    chance = random.Random(9)
    healthy = gdbm.dumps(numbered(400))
    for number in range(400):
        data = bytearray(healthy)
        data[chance.randrange(72)] = chance.choice([0, 1, 2, 127, 255, chance.randrange(256)])
        (tmp_path / f"{number}.dat").write_bytes(data)
    command = ["/usr/bin/python3", "-c", OPENER, *map(str, tmp_path.iterdir())]
    opens: dict[str, bool] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    refused = [path for path, is_open in opens.items() if not is_open]
    assert 50 < len(refused) < 350
    for path in refused:
        with pytest.raises(gdbm.MalformedDatabase):
            gdbm.Reader(Path(path).read_bytes())


@pytest.mark.parametrize("count", [0, 1, 166, 167, 3000, 20_000])
def test_the_traversal_of_stored_keys_is_foreseen(count: int, tmp_path: Path) -> None:
    keys = [key for key, _ in zip(scrambled(2 * count, count), range(count), strict=False)]
    random.Random(count).shuffle(keys)
    listed = library(tmp_path / "theirs.dat", "n", [(key, b"") for key in [*keys, *keys[::7]]])
    assert [key for key, _ in listed] == gdbm.traversal(keys)


def test_the_traversal_of_crowded_neighbours_is_foreseen(tmp_path: Path) -> None:
    """Keys whose hashes begin alike force deep splits and make the directory double."""
    crowd = [bytes([i]) + bytes(23) + bytes([100 - i]) for i in range(90)]
    keys = [key + tail for key in crowd for tail in (b"", b"a", b"b", b"\xff")]
    listed = library(tmp_path / "theirs.dat", "n", [(key, key) for key in keys])
    assert [key for key, _ in listed] == gdbm.traversal(keys)


@pytest.mark.parametrize("block_size", [512, 1024, 16384])
def test_the_traversal_follows_the_block_size(block_size: int, tmp_path: Path) -> None:
    path = tmp_path / "theirs.dat"
    gdbmtool("--newdb", f"--block-size={block_size}", path, "count")
    keys = list(numbered(5000))
    random.Random(block_size).shuffle(keys)
    listed = library(path, "w", [(key, b"1") for key in keys])
    assert [key for key, _ in listed] == gdbm.traversal(keys, block_size)


def drawn(count: int, longest: int, seed: int) -> dict[bytes, bytes]:
    """Records of random bytes; keys that come twice make them fewer."""
    chance = random.Random(seed)
    return {chance.randbytes(chance.randrange(longest)): chance.randbytes(chance.randrange(90)) for _ in range(count)}


tables = st.dictionaries(st.binary(max_size=60), st.binary(max_size=200), max_size=50) | st.builds(
    drawn, st.sampled_from([0, 1, 2, 167, 1000, 8000, 30_000]), st.integers(1, 300), st.integers(0, 1 << 30)
)


@given(table=tables)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_library_reads_any_table_of_ours(table: dict[bytes, bytes], tmp_path: Path) -> None:
    (tmp_path / "ours.dat").write_bytes(gdbm.dumps(table))
    assert dict(library(tmp_path / "ours.dat", "r")) == table


def test_the_library_reads_a_hundred_thousand_records_of_random_lengths(tmp_path: Path) -> None:
    table, path = drawn(100_000, 120, 1), tmp_path / "ours.dat"
    path.write_bytes(gdbm.dumps(table))
    assert dict(library(path, "r")) == table
    assert str(len(table)) in gdbmtool("-r", path, "count").split()


def test_the_library_reads_a_key_and_a_value_of_a_mebibyte(tmp_path: Path) -> None:
    chance = random.Random(2)
    long_key, long_value = chance.randbytes(1 << 20), chance.randbytes(1 << 20)
    table = {**numbered(300), long_key: b"of the long key", b"long value": long_value, long_value: long_key}
    path = tmp_path / "ours.dat"
    path.write_bytes(gdbm.dumps(table))
    assert dict(library(path, "r")) == table
    changed = library(path, "w", [(long_key, None), (b"after", b"1"), (b"long value", long_key)])
    assert dict(changed) == applied(table, [(long_key, None), (b"after", b"1"), (b"long value", long_key)])
