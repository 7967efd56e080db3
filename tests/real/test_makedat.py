"""The real makedat and couriertcpd beside ours: the same records, the same failures, the same variables for clients."""

from __future__ import annotations

import ast
import os
import random
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from courier_schema.legacy.formats.access import Allow, format_value, lookup_access, parse_value
from courier_schema.legacy.formats.makedat import compile_table, dump_table, select
from courier_schema.legacy.formats.source import Source
from real.courier_host import eventually

MAKEDAT = "/usr/lib/courier/makedat"
COURIERTCPD = "/usr/sbin/couriertcpd"
PORT = 2599

DUMP = "import dbm.gnu, sys; d = dbm.gnu.open(sys.argv[1], 'r'); print({key: d[key] for key in d.keys()})"
SHOW_ENVIRONMENT = "import os, sys; sys.stdout.write(repr(dict(os.environb)))"

BLOCKS = [
    *("0/0", "10/8", "10./8", "./8", ".10/8", "10..1/16", "172.16/12", "10.0.0.0/08", "10.0.0.0/33", "010.0.0.0/8"),
    *("10.0.0.0/255.0.0.0", "10.0.0.0/8:", "192.168.001.0/24", "192.168.001.0/23", "300.1.1.1/8", "1.2.3.4/31"),
    *("1.2.3.4.5/40", "1.2.3.4.5/33", "10-11", "10.0-11.255", "1-2-3", "dead-beef", "10.01.0.0-10.01.02.255"),
    *("10.00.0.0-10.02.3.4", "10.0.0.011-10.0.0.013", "10.0.0.250-10.0.2.3", "10.0.0.2-10.0.0.1", "1.2.3.4-1.2.3"),
    *("0.0.0.0-255.255.255.255", "10.0.0.1-::1", "::", "::/0", "::/8", "2001::/20", "2001:db8/28", "2001:db8:/127"),
    *("2001:dB8::/31", ":2001:0db8/32", "1:::2/128", "1::2::3/128", "1:2:3:4:5:6:7:8::/64", "1:2:3:4:5:6:7:8:9/144"),
    *("12345::/16", "00001::/16", "::a.b/128", "::1.2.3.4/128", "::1.2.3/128", "::1.2.300.4/128", "::/129", "::/x"),
    *("::ffff:10.0.0.0/104", "::ffff:1.2.3.4-::ffff:1.2.3.6", "::1-::1", "::2-::1", "1:2:3:4:5:6:7:8:9-::1"),
    *("2001:db8::fffe-2001:db8::1:1", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
]

LINES = [
    *(
        b"",
        b"# c",
        b"#",
        b"\t",
        b"\ta",
        b" ",
        b".x",
        b". ",
        b".\t1",
        b".\0x",
        b"a",
        b"a\tb",
        b"a\tb\tc ",
        b"a b\tc",
        b" a",
    ),
    *(b"a\0b\tc", b"\0", b"a\t\0", b"a\r", b"a\tb\r", b"\xff\xfe\t\xe9", b"k\t#x", b"k#x", b"10.0.0.1\tallow"),
    *(b"10.0.0.0/31\tdeny", b"10.0.0.0/31 \t deny ", b"10/8", b"10/8\r", b"11/8 # c", b" 12/8\tx", b"13/8#x\ty"),
    *(b"14 - 15\tx", b"10/8\0", b"10/\x008", b"16/8 \0x", b"17/8\v\f\tx"),
]

VALUES = [
    *(b"allow", b"allow,", b"allow,,A=1", b"A=1,", b'A=1,""', b"A=1, ", b"allowX=1", b"allow X", b'" A=1"', b'A=" x "'),
    *(b"A= x ", b'"A=1"', b'A"B"C=1', b"A='x\"y'\"z'w\"", b'A="x', b"A ,B", b"A=1,A=2", b"A =1", b"A=b=c", b"a\\,b=1"),
    *(b'"A,B"', b'"A,B"=1', b"deny", b"denyx", b"deny,A=1", b"denied", b"Deny", b"=1", b"allow,=", b"A=1,,B=2", b"''"),
    *(b'A=1,B="', b"1", b'A= "x"', b'A=""', b'",",A=1', b" allow,A=1", b" deny", b"A=1,=2", b'allow,A=1,"', b'"",A=1'),
    *(b'""allow,B=1', b'"deny"', b"allow;A=1", b"deny\r", b"allow\r", b"A=1\r", b"allow,\t", b"A=x\ty", b"A=\xe9"),
]


def real_records(directory: Path, source: Path, *options: str) -> dict[bytes, bytes] | None:
    """What the real makedat stores, None if it fails."""
    database = directory / "made.dat"
    database.unlink(missing_ok=True)
    command = [MAKEDAT, f"-src={source}", f"-file={database}", f"-tmp={directory}/made.tmp", *options]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        assert not database.exists()
        return None
    dumped = subprocess.run(["/usr/bin/python3", "-c", DUMP, str(database)], capture_output=True, check=True)
    records: dict[bytes, bytes] = ast.literal_eval(dumped.stdout.decode())
    return records


def our_records(sources: Sequence[Source], netblocks: bool) -> dict[bytes, bytes] | None:
    table = compile_table(sources, netblocks=netblocks)
    return None if table.is_refused else dict(table.records)


def assert_same(directory: Path, content: bytes, netblocks: bool) -> None:
    source = directory / "source"
    source.write_bytes(content)
    theirs = real_records(directory, source, *(["-cidr"] if netblocks else []))
    assert our_records([Source("source", content)], netblocks) == theirs, content


@pytest.mark.parametrize("block", BLOCKS)
def test_each_block_becomes_the_same_keys_or_fails(tmp_path: Path, block: str) -> None:
    assert_same(tmp_path, f"{block}\tdeny\n".encode(), netblocks=True)


@pytest.mark.parametrize("netblocks", [False, True])
@pytest.mark.parametrize("line", LINES)
def test_each_line_becomes_the_same_record_or_fails(tmp_path: Path, line: bytes, netblocks: bool) -> None:
    assert_same(tmp_path, line + b"\nlast\tline\n", netblocks)


@pytest.mark.parametrize("seed", range(12))
def test_random_tables_are_the_same(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = [*LINES, *(f"{block}\tallow".encode() for block in BLOCKS)]
    chosen = chance.sample(lines, chance.choice([2, 3, 5, 20]))
    numbered = [b"key%d\tvalue %d" % (number, chance.randrange(99)) for number in range(chance.choice([1, 500]))]
    mixed = chance.sample(chosen + numbered, len(chosen) + len(numbered))
    assert_same(tmp_path, b"\n".join(mixed) + chance.choice([b"\n", b"\n", b""]), netblocks=chance.random() < 0.5)


@pytest.mark.parametrize("content", [b"", b"a", b"a\n.", b"a\n.\nb", b".\n", b"a\n.\0x", b"a\na\n", b"#c", b"10/8 x"])
def test_each_end_of_input_is_the_same(tmp_path: Path, content: bytes) -> None:
    assert_same(tmp_path, content, netblocks=True)


def ipv4_block(chance: random.Random, first: int) -> str:
    """A block of any length or a range, all of it under one first octet."""
    octets = bytes([first, *chance.choices([0, 1, 7, 64, 128, 254, 255], k=3)])
    address = ".".join(map(str, octets))
    if chance.random() < 0.6:
        return f"{address}/{chance.randrange(9, 33)}"
    return f"{address}-{first}.{octets[1]}.{chance.randrange(octets[2], 256)}.255"


def ipv6_block(chance: random.Random, first: int) -> str:
    """A block or a range of at most some hundred keys, all of it under one first group."""
    if chance.random() < 0.6:
        return f"{first:x}:db8::{chance.randrange(99):x}/{16 * chance.randrange(2, 9) - chance.randrange(8)}"
    low = chance.randrange(0xFF00)
    return f"{first:x}::{low:x}-{first:x}::{low + chance.randrange(200):x}"


@pytest.mark.parametrize("seed", range(6))
def test_random_blocks_are_the_same_together(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    blocks = [
        block for number in range(1, 60) for block in (ipv4_block(chance, number), ipv6_block(chance, 0x2000 + number))
    ]
    assert_same(tmp_path, "".join(f"{block} \tdeny\n" for block in blocks).encode(), netblocks=True)


def test_the_same_files_of_a_directory_are_read(tmp_path: Path) -> None:
    directory = tmp_path / "source"
    (directory / "sub").mkdir(parents=True)
    names = ["b", "a", ".hidden", "c~", "d.dpkg-dist", "e.rpmnew", "f.dpkg-", "g.dpkg-Old", "h.dist", "i.dpkg-a~b"]
    for name in [*names, "sub/x"]:
        (directory / name).write_text(f"{name}\n")
    (tmp_path / "target").write_text("target\n")
    (directory / "link").symlink_to(tmp_path / "target")
    (directory / "dangling").symlink_to("nowhere")
    chosen = select([*names, "link"]).names
    ours = our_records([Source(name, (directory / name).read_bytes()) for name in chosen], netblocks=False)
    assert ours == real_records(tmp_path, directory)


def test_what_we_write_is_stored_as_it_was(tmp_path: Path) -> None:
    rows = {b"a b": b" c\td ", b"10": b"1", b".": b"1", b"m\xc3\xbcnchen.de": b"\xff\r", b" x": b"#", b"\r": b"\r"}
    source = tmp_path / "source"
    source.write_bytes(dump_table(rows.items(), netblocks=True))
    assert real_records(tmp_path, source, "-cidr") == rows


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[dict[bytes, bytes]]:
    """couriertcpd with each value under an address of its own; gives what it looks up in."""
    values = [*VALUES, format_value(Allow(((b"A", b"""don't, "x" '"y"'"""), (b"B", b" z"), (b"C", b""))))]
    records = {b"127.0.1.%d" % number: value for number, value in enumerate(values, start=1)}
    source = tmp_path / "access"
    source.write_bytes(dump_table(records.items()))
    assert real_records(tmp_path, source) == records
    command = [COURIERTCPD, "-address=127.0.0.1", f"-access={tmp_path}/made.dat", "-nodnslookup", "-noidentlookup"]
    limits = ["-maxperip=100", "-maxperc=100", "-maxprocs=100"]
    program = ["/usr/bin/python3", "-c", SHOW_ENVIRONMENT]
    server = subprocess.Popen([*command, *limits, str(PORT), *program], env={"LC_ALL": "C"}, start_new_session=True)
    try:
        assert eventually(lambda: environment_of("127.0.1.250") is not None)
        yield records
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def environment_of(address: str) -> dict[bytes, bytes] | None:
    """The environment that couriertcpd gives the program for a client; None if it closes the connection."""
    received = b""
    with socket.socket() as client:
        client.bind((address, 0))
        client.settimeout(10)
        try:
            client.connect(("127.0.0.1", PORT))
            while chunk := client.recv(65536):
                received += chunk
        except ConnectionError:
            return None
    return ast.literal_eval(received.decode()) if received else None


def test_clients_get_the_same_variables_from_couriertcpd(listener: dict[bytes, bytes]) -> None:
    for address, value in listener.items():
        theirs = environment_of(address.decode())
        ours = lookup_access(listener.get, address.decode())
        assert ours.action == parse_value(value)
        assert ours.is_denied is (theirs is None), value
        if theirs is not None:
            set_for_all = re.compile(rb"TCP(?:LOCAL|REMOTE)[A-Z]+|LC_[A-Z]+|PATH|PWD")
            assert {
                name: text for name, text in theirs.items() if not set_for_all.fullmatch(name)
            } == ours.environment, value
