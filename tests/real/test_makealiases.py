"""The real makealiases beside ours: the same records byte for byte, the same failures, listings and answers."""

from __future__ import annotations

import ast
import os
import random
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from courier_schema.legacy.formats.address import Module
from courier_schema.legacy.formats.aliases.compile import AliasTable, compile_aliases, listing, select
from courier_schema.legacy.formats.aliases.lookup import lookup_alias
from courier_schema.legacy.formats.aliases.records import unpack
from courier_schema.legacy.formats.aliases.write import dump_aliases
from courier_schema.legacy.formats.domains import DomainList, Locality
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Severity
from real.courier_root import COURIER_DIRECTORY, CourierRoot

DUMP = "import dbm.gnu, sys; d = dbm.gnu.open(sys.argv[1], 'r'); print({key: d[key] for key in d.keys()})"
DOMAINS = [
    "",
    "",
    "",
    "@example.com",
    "@example.net",
    "@Example.Org",
    "@xn--mnchen-3ya.de",
    "@münchen.de",
    "@LOCALHOST",
]
FORMS = ["<%s>", "Foo Bar <%s>", "%s (note)", '"q.r"', "grp: %s;", "a!b!c", "@virt.org", "user%%host@x.org", "<>"]
NAMES = ["@virt.org", "@Other.ORG", '"q.r"', "hub!leaf", "two words", "z@y.de", "@example.com", ""]
FAILURES = [
    "no colon\n",
    "x: y@\n",
    "x: :include:/nowhere\n",
    "x: :include:rel\n",
    "x..y: z\n",
    ": |x\n",
    'a: "|x y"\n',
]


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes random alias sources; `crowd` names make circles rare or common."""

    dice: random.Random
    crowd: int

    def address(self) -> str:
        names = ["a", "b", "staff", "Ops", "postMaster", "x.y", *(f"n{number}" for number in range(self.crowd))]
        return self.dice.choice(names) + self.dice.choice(DOMAINS)

    def recipient(self) -> str:
        if self.dice.random() < 0.8:
            return self.address()
        return self.dice.choice(FORMS).replace("%s", self.address()).replace("%%", "%")

    def name(self) -> str:
        return self.address() if self.dice.random() < 0.85 else self.dice.choice(NAMES)

    def definition(self) -> str:
        gap, comma = self.dice.choice([":", ": ", ":\t", " : "]), self.dice.choice([", ", ",", "; ", ", \n\t", ",\n  "])
        end = self.dice.choice(["\n", "\n", "\n", " # note\n", " \n", "\r\n"])
        recipients = [self.recipient() for _ in range(self.dice.choice([1, 1, 1, 2, 3, 6]))]
        return self.name() + gap + comma.join(recipients) + end

    def long_list(self) -> str:
        size = self.dice.choice([20, 90, 101, 150, 320])
        people = [f"m{self.dice.randrange(400):03}@lists.example.org" for _ in range(size)]
        return f"{self.name()}: {', '.join(people)}\n"

    def line(self) -> str:
        kind = self.dice.random()
        if kind < 0.08:
            return self.dice.choice(["# comment\n", "\n"])
        if kind < 0.12 and (name := self.name()):
            return f"{name}: {self.dice.choice(['|/bin/x', '|/bin/y z', '/var/x', '/var/y,z'])}\n"
        if kind < 0.14:
            return f"{self.name()}: :include:{COURIER_DIRECTORY}/list{self.dice.randrange(3)}\n"
        if kind < 0.16:
            return f"{self.name()}:\n"
        return self.long_list() if kind < 0.2 else self.definition()

    def source(self) -> bytes:
        text = "".join(self.line() for _ in range(self.dice.choice([1, 5, 20, 80])))
        return (text[:-1] if self.dice.random() < 0.1 else text).encode()

    def included(self) -> bytes:
        lists = [[self.recipient() for _ in range(self.dice.randrange(3))] for _ in range(4)]
        return ("".join(", ".join(one) + self.dice.choice(["\n", " # x\n"]) for one in lists) + "lost").encode()

    def files(self) -> dict[str, bytes]:
        """A configuration directory: identity, lists to include, and one to three sources."""
        files = {"me": b"mx.example.net\n"}
        if self.dice.random() < 0.8:
            files["defaultdomain"] = self.dice.choice([b"example.com\n", b"Example.COM\n", b"example.com", b""])
        if self.dice.random() < 0.8:
            files["locals"] = b"example.com\nexample.net\nlocalhost\n.sub.org\n"
        if self.dice.random() < 0.4:
            files["locallowercase"] = b""
        files |= {f"list{number}": self.included() for number in range(3)}
        names = self.dice.sample(["10", "9", "a", "B", "sys~", "two words"], self.dice.choice([1, 2, 3]))
        return files | {f"aliases/{name}": self.source() for name in names}


def ours(files: Mapping[str, bytes], module: Module = "local", protocol: str | None = None) -> AliasTable:
    directory = f"aliases-{protocol}" if protocol else "aliases"
    names = [path.removeprefix(f"{directory}/") for path in files if path.startswith(f"{directory}/")]
    sources = [Source(name, files[f"{directory}/{name}"]) for name in select(names).names]

    def include(path: str) -> bytes:
        found = files.get(path.removeprefix(f"{COURIER_DIRECTORY}/"))
        return Path(path).read_bytes() if found is None else found

    locality = Locality.from_files(files, "mailhost")
    return compile_aliases(sources, locality, protocol=protocol, module=module, include=include)


def fails(table: AliasTable) -> bool:
    return any(found.severity is Severity.ERROR for found in table.problems)


def database(path: Path) -> dict[bytes, bytes]:
    printed = subprocess.run(["/usr/bin/python3", "-c", DUMP, str(path)], capture_output=True, check=True).stdout
    return cast(dict[bytes, bytes], ast.literal_eval(printed.decode()))


def programs(directory: Path) -> dict[bytes, bytes]:
    return {os.fsencode(file.name): file.read_bytes() for file in directory.iterdir()} if directory.is_dir() else {}


def the_same(root: CourierRoot, files: Mapping[str, bytes], module: Module = "local") -> None:
    run = root.run("makealiases", module)
    table = ours(files, module)
    assert fails(table) is (run.returncode != 0), (run.stderr, [str(found) for found in table.problems])
    if not fails(table):
        assert database(root.directory / "aliases.dat") == table.records
        assert programs(root.directory / "aliasdir" / ".courier-:xalias") == table.programs


@pytest.mark.parametrize("seed", range(24))
def test_random_sources_become_the_same_records(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    module = cast(Module, dice.choice(["local", "local", "esmtp", "uucp"]))
    files = Scribe(dice, dice.choice([60, 300])).files()
    the_same(CourierRoot.create(tmp_path / "etc", files), files, module)


@pytest.mark.parametrize("failure", FAILURES)
def test_what_stops_the_real_tool_stops_ours(tmp_path: Path, failure: str) -> None:
    files = {"me": b"mx.example.net\n", "aliases/system": f"good: alice\n{failure}".encode()}
    root = CourierRoot.create(tmp_path / "etc", files)
    the_same(root, files)
    assert not (root.directory / "aliases.dat").exists()


@pytest.mark.parametrize(
    "text",
    [
        "a: b\nb: a\nok: x\n",
        "a: a, b\nb: c\n",
        "a: b, x\nb: c, y\nc: a, z\n",
        "a: b, c\nb: a, c, x\nc: a, b, y\nd: a\n",
        "all: " + ", ".join(f"p{number}@x.org" for number in range(350)) + "\nsome: all, p3@x.org\n",
        "one: " + "a" * 600 + "@x.org, b, c\n",
        "a: b\n" * 250 + "c: a, d\n",
        "a: b, <>, c\nd: a, e\n",
        "c: d, <>\nc: a, o, b\nd: c, p, b, q, r\na: d\n",
        'prog: |/bin/x\nprog: alice\nlist: prog, "q.r"@y.org\n',
        'A.b-c+"d"/e: |x\nü@ü.de: |x\n@v.org: |x\n',
        "g: friends: a, b;, c\nd: Dave (the) Example <dave>, =?utf-8?q?x?= <e>\n",
        "a: b\0c\nd: e\n",
    ],
)
def test_these_sources_become_the_same_records(tmp_path: Path, text: str) -> None:
    files = {"me": b"mx.example.net\n", "aliases/system": text.encode()}
    the_same(CourierRoot.create(tmp_path / "etc", files), files)


@pytest.mark.parametrize("seed", range(4))
def test_a_listing_is_what_dump_prints(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    names = dice.sample(range(1000), 60)

    def recipients() -> Iterator[str]:
        for _ in range(dice.choice([1, 1, 60, 98, 99, 100, 230])):
            nested = dice.random() < 0.003
            yield f"n{dice.choice(names)}" if nested else "u" * dice.randrange(1, 40) + f"{dice.randrange(999)}@x.org"

    text = "".join(f"n{name}: {', '.join(recipients())}\n" for name in names)
    files = {"me": b"example.com\n", "aliases/system": text.encode()}
    root = CourierRoot.create(tmp_path / "etc", files)
    assert root.run("makealiases", "-dump").stdout == listing(ours(files))


def test_the_aliases_of_a_protocol_are_the_same(tmp_path: Path) -> None:
    files = {"me": b"mx.example.net\n", "aliases-esmtp/system": b"a: |prog\nb: a, c\n"}
    root = CourierRoot.create(tmp_path / "etc", files)
    assert root.run("makealiases", "-protocol=esmtp").returncode == 0
    table = ours(files, protocol="esmtp")
    assert database(root.directory / "aliases-esmtp.dat") == table.records
    assert programs(root.directory / "aliasdir" / ".courier-:xalias-esmtp") == table.programs


def test_a_written_source_is_read_by_the_real_tool_as_it_was_meant(tmp_path: Path) -> None:
    people = tuple(f"person{number}@x.org" for number in range(40))
    definitions: list[tuple[str, Sequence[str]]] = [("all@y", people), ("@v.org", ["jack"]), ("p", ["|prog -x, y"])]
    files = {"me": b"mx.example.net\n", "aliases/system": dump_aliases(definitions)}
    root = CourierRoot.create(tmp_path / "etc", files)
    the_same(root, files)
    stored = dict(unpack(database(root.directory / "aliases.dat")))
    assert (stored["all@y"], stored["@v.org"]) == (people, ("jack",))


def test_an_address_leads_where_the_real_lookup_leads(tmp_path: Path) -> None:
    text = b"@virt.org: jack, hub!\nhub!leaf: u1, u2\na!b@example.com: u3, u4\nx@y@z.org: u5, u6\nn: a, <>, b\n"
    files = {
        "me": b"mx.example.net\n",
        "defaultdomain": b"example.com\n",
        "locals": b"example.com\nexample.net\n",
        "aliases/system": text + b"@example.com: c, d\nq%w@virt.org: z, zz\n",
    }
    root = CourierRoot.create(tmp_path / "etc", files)
    root.run("makealiases")
    records, locality = ours(files).records, Locality.from_files(files, "mailhost")
    for address in (
        "hub!leaf",
        "a!b",
        "x@y@z.org",
        "n",
        "foo",
        "foo@example.net",
        "q%r@virt.org",
        "q%w@virt.org",
        "a@virt.org",
    ):
        real = root.run("aliaslookup", address).stdout.decode().split()
        assert real == list(lookup_alias(address, records.get, locality).recipients), address


@pytest.mark.parametrize(
    "entries",
    [
        "*\n",
        "!mailhost\n*\n",
        "!*\nmailhost\n",
        "!.lan\n*.lan\n",
        "*.lan\n!.lan\n",
        "!.b.c\n.c\nc\n",
        "!b.c\n.c\n",
        "c\0\nb.c\n",
    ],
)
def test_the_same_domains_are_local(tmp_path: Path, entries: str) -> None:
    domains = ["mailhost", "mailhost.lan", "a.b.c", "b.c", "c"]
    source = f"x@x.org: {', '.join(f'POSTMASTER@{domain}' for domain in domains)}\n"
    files = {"me": b"mx\n", "locals": entries.encode(), "aliases/system": source.encode()}
    root = CourierRoot.create(tmp_path / "etc", files)
    root.run("makealiases")
    stored = database(root.directory / "aliases.dat")[b"x@x.org"].decode().split()
    found = [domain for domain in domains if f"postmaster@{domain}" in stored]
    assert found == [domain for domain in domains if domain in DomainList.parse(entries.encode(), "mailhost")]


@pytest.mark.parametrize(
    "name", [b"a..b\n", b"a@b\n", b"a b\n", b"x.org \n", b"", b"*.lan\n", b"XN--MNCHEN-3YA.de\n", b"\xff\n"]
)
def test_any_default_domain_has_the_same_effect(tmp_path: Path, name: bytes) -> None:
    files = {"me": b"mx.example.net\n", "defaultdomain": name, "aliases/system": b"a: b, c@d\nProg: |x\n"}
    the_same(CourierRoot.create(tmp_path / "etc", files), files)


def test_the_machine_keeps_its_own_configuration(tmp_path: Path) -> None:
    before = sorted(Path(COURIER_DIRECTORY).iterdir())
    root = CourierRoot.create(tmp_path / "etc", {"me": b"elsewhere\n"}, host_name="somewhere")
    assert root.run("cat", f"{COURIER_DIRECTORY}/me").stdout == b"elsewhere\n"
    assert root.run("hostname").stdout == b"somewhere\n"
    assert sorted(Path(COURIER_DIRECTORY).iterdir()) == before
