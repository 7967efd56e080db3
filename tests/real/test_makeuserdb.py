"""The real makeuserdb beside ours: the same two databases, the same refusals."""

from __future__ import annotations

import ast
import random
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from courier_schema.legacy.formats.source import Source
from courier_schema.legacy.formats.userdb import SourceFacts, compile_userdb, format_account, select
from courier_schema.report import Severity

MAKEUSERDB = "/usr/sbin/makeuserdb"
DUMP = "import dbm.gnu, sys; d = dbm.gnu.open(sys.argv[1], 'r'); print({key: d[key] for key in d.keys()})"

Pair = tuple[Mapping[bytes, bytes], Mapping[bytes, bytes]]

FIELDS = [
    *(b"uid=1", b"gid=2", b"home=/x", b"systempw=s", b"pw=q", b"imappw=a=b", b"hmac-md5pw=0", b"xpwd=1", b"gecos=pw=x"),
    *(b"a", b"apw", b"pw=", b"=x", b"mail=\xff", b"v\0w", b"", b"|", b"||", b"\r", b"\t", b"A b"),
]

LINES = [
    *(b"", b"#a\tb", b"# c", b"bare", b"two words", b"a", b".\tuid=3", b".\0\tx", b"\tx", b" \tx", b"1000=\tbob"),
    *(b"a\0b\tuid=1", b"\xe9\tuid=1", b"nul\0", b"cr\r", b"x\t", b"y\t\0"),
]


def real_tables(base: Path) -> Pair | None:
    """What the real makeuserdb stores, None if it fails."""
    if subprocess.run([MAKEUSERDB, "-f", str(base)], capture_output=True, check=False).returncode:
        return None
    return dumped(base.with_name(f"{base.name}.dat")), dumped(base.with_name(f"{base.name}shadow.dat"))


def dumped(database: Path) -> dict[bytes, bytes]:
    done = subprocess.run(["/usr/bin/python3", "-c", DUMP, str(database)], capture_output=True, check=True)
    records: dict[bytes, bytes] = ast.literal_eval(done.stdout.decode())
    return records


def our_tables(base: Path, sources: Sequence[Source], facts: SourceFacts) -> Pair | None:
    tables = compile_userdb(sources, str(base), facts)
    if any(problem.severity is Severity.ERROR for problem in tables.problems):
        return None
    return dict(tables.public), dict(tables.shadow)


def assert_same(base: Path, content: bytes) -> None:
    base.write_bytes(content)
    base.chmod(0o600)
    theirs = real_tables(base)
    assert our_tables(base, [Source("userdb", content)], SourceFacts()) == theirs, content


@pytest.mark.parametrize("line", LINES)
def test_each_line_becomes_the_same_records_or_fails(tmp_path: Path, line: bytes) -> None:
    assert_same(tmp_path / "userdb", line + b"\nlast\tuid=1|imappw=x\n")


@pytest.mark.parametrize("seed", range(30))
def test_random_accounts_are_the_same(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = chance.sample(LINES, chance.choice([0, 0, 3]))
    for number in range(chance.choice([1, 20, 20, 300])):
        fields = b"|".join(chance.choices(FIELDS, k=chance.randrange(7)))
        name = number if chance.random() < 0.999 else 0
        lines.append(b"user%d@example.org\t%b" % (name, fields))
    chance.shuffle(lines)
    assert_same(tmp_path / chance.choice(["u", "userdb"]), b"\n".join(lines) + chance.choice([b"\n", b""]))


@pytest.mark.parametrize(
    "content", [b"", b"a", b".", b"a\n.\nb\tc\n", b"a\n.", b"a\tuid=1\n.\0x", b"a\tb|pw=c\na\n", b"a\na\tpw=b"]
)
def test_each_end_and_collision_is_the_same(tmp_path: Path, content: bytes) -> None:
    assert_same(tmp_path / "userdb", content)


@pytest.mark.parametrize("length", [12, 19, 20, 24, 40])
def test_the_location_of_a_file_is_cut_at_the_same_place(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    root = tmp_path_factory.mktemp("l")
    base = root / "u".ljust(max(length - len(str(root)) - 1, 1), "u")
    assert_same(base, b"a\tuid=1\n")


def test_the_same_files_of_a_tree_are_read_and_located(tmp_path: Path) -> None:
    base = tmp_path / "tree"
    base.mkdir(mode=0o700)
    paths = ["system", "backup~", ".hidden", "virtual/example.com", "virtual/.x", ".git/config", "a/b/c.rpmnew"]
    for number, path in enumerate(paths):
        file = base / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"user%d\tuid=%d|imappw=x" % (number, number))
    sources = [Source(path, (base / path).read_bytes()) for path in select(paths)]
    theirs = real_tables(base)
    assert theirs is not None
    assert len(theirs[0]) == 4
    assert our_tables(base, sources, SourceFacts(is_directory=True, mode=0o700)) == theirs


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700, 0o640, 0o601, 0o604])
def test_the_same_permissions_are_refused(tmp_path: Path, mode: int) -> None:
    base = tmp_path / "userdb"
    base.write_bytes(b"a\tuid=1\n")
    base.chmod(mode)
    theirs = real_tables(base)
    assert our_tables(base, [Source("userdb", b"a\tuid=1\n")], SourceFacts(mode=mode)) == theirs


@pytest.mark.parametrize("name", ["userdb", "userdb.dat", "userdbshadow.dat"])
def test_the_same_links_are_refused(tmp_path: Path, name: str) -> None:
    base = tmp_path / "userdb"
    base.write_bytes(b"a\tuid=1\n")
    base.chmod(0o600)
    link = tmp_path / name
    if link.exists():
        link.rename(tmp_path / "target")
    link.symlink_to("target")
    assert real_tables(base) is None
    assert our_tables(base, [Source("userdb", b"a\tuid=1\n")], SourceFacts(symlinks=(str(link),))) is None


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    assert real_tables(tmp_path / "userdb") is None
    assert our_tables(tmp_path / "userdb", [], SourceFacts(mode=None)) is None


def test_accounts_that_we_write_are_stored_as_they_were(tmp_path: Path) -> None:
    base = tmp_path / "userdb"
    fields = [(b"uid", b"1"), (b"gecos", b"A = \xff pw=x\t"), (b"imappw", b"{SSHA}=="), (b"note", b""), (b"home", b"/")]
    base.write_bytes(format_account(b"a b@\xc3\xa9", fields))
    base.chmod(0o600)
    theirs = real_tables(base)
    assert theirs is not None
    public, shadow = theirs
    assert shadow == {b"a b@\xc3\xa9": b"imappw={SSHA}=="}
    assert public[b"a b@\xc3\xa9"].startswith(b"uid=1|gecos=A = \xff pw=x\t|note=|home=/|_=")
