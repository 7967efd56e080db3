"""Sides: the two trees of a plan, decoded where somebody asks; a file that both have in common is decoded once.

Files go by their names in the configuration directory. Whatever a hand edit or a crash has left is taken: what cannot
be decoded is empty, and `trouble` says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

from courier_compiler.artefact import Artefact, Daemon
from courier_compiler.origin import Origin
from courier_compiler.planning.places import place_of
from courier_compiler.planning.spelling import printable
from courier_compiler.planning.timing import When, when
from courier_schema.legacy.formats import berkeley, bofh, gdbm, module_file, one_line, rc, shell
from courier_schema.legacy.formats.aliases.records import stored_list
from courier_schema.legacy.formats.domains import DomainList
from courier_schema.legacy.formats.hosted import CATCH_ALL
from courier_schema.legacy.formats.source import Source
from courier_schema.report import CourierSiteError, SitePath

Value = TypeVar("Value")

_CATCH_ALL_FILE: Final = re.compile(r"aliasdir/\.[^/-]+-default")
_NOTHING: Final[Mapping[bytes, bytes]] = {}


def name_of(path: str, directories: Iterable[str]) -> str:
    """A path of the host as its name in the first of the directories that it lies in."""
    for directory in directories:
        if f"/{path}".startswith(f"{directory}/"):
            return f"/{path}"[len(directory) + 1 :]
    return path


def directories_of(layout: Mapping[str, str]) -> tuple[str, ...]:
    """The directories by which files are named: that of the account library, and the configuration directory."""
    return tuple(layout[field] for field in ("authdir", "sysconfdir") if field in layout)


@dataclass(frozen=True)
class Content:
    """One file's bytes, with what they say; every decoding is made at most once."""

    name: str
    data: bytes

    @property
    def source(self) -> Source:
        return Source(self.name, self.data)

    @cached_property
    def _database(self) -> tuple[Mapping[bytes, bytes], str]:
        try:
            if berkeley.is_database(self.data):
                return berkeley.loads(self.data), ""
            return dict(gdbm.Reader(self.data).items()), ""
        except CourierSiteError as error:
            return _NOTHING, str(error)

    @property
    def records(self) -> Mapping[bytes, bytes]:
        """The records of a database, as they are stored."""
        return self._database[0]

    @property
    def trouble(self) -> str:
        """Why a database cannot be read; empty when it can."""
        return self._database[1]

    @cached_property
    def aliases(self) -> Mapping[bytes, bytes]:
        """Alias to its whole list, one address a line, from the chained records of an alias database."""
        records = self.records
        chained = {key.partition(b"\n")[0] for key in records if b"\n" in key}
        lists = {key: value for key, value in records.items() if b"\n" not in key}
        for name in chained & lists.keys():
            lists[name] = b"".join(address + b"\n" for address in stored_list(name, records.get))
        return lists

    @cached_property
    def shell(self) -> shell.ShellFile:
        return shell.parse(self.source)

    @cached_property
    def rc(self) -> rc.RcFile:
        return rc.parse(self.source)

    @cached_property
    def module(self) -> module_file.ModuleFile:
        return module_file.parse(self.source)

    @cached_property
    def bofh(self) -> bofh.Bofh:
        return bofh.parse(self.source)[0]

    @property
    def value(self) -> str:
        """The value of a control file of one line."""
        return one_line.parse(self.source)

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """The entries of a text list in their order, without comments; blanks are a part of them, as in Courier."""
        text = self.data.partition(b"\0")[0].decode(errors="surrogateescape")
        bare = (line.partition("#")[0] for line in text.replace("\r", "\n").split("\n"))
        return tuple(line for line in bare if line)


@dataclass(frozen=True)
class Side:
    """One tree of files by name. What is not there says nothing."""

    files: Mapping[str, Content]

    def has(self, name: str) -> bool:
        return name in self.files

    def settings(self, *names: str) -> Mapping[str, str]:
        """The assignments of shell files that are read one after the other."""
        found: dict[str, str] = {}
        for name in names:
            if name in self.files:
                found |= self.files[name].shell.assignments
        return found

    def value(self, name: str) -> str | None:
        """The value of a control file of one line; None without the file."""
        return self.files[name].value if name in self.files else None

    def entries(self, name: str) -> tuple[str, ...]:
        """The entries of a text list."""
        return self.files[name].entries if name in self.files else ()

    def records(self, name: str) -> Mapping[bytes, bytes]:
        """The records of a database."""
        return self.files[name].records if name in self.files else _NOTHING

    def aliases(self, name: str = "aliases.dat") -> Mapping[bytes, bytes]:
        """The aliases of a database with their whole lists."""
        return self.files[name].aliases if name in self.files else _NOTHING

    @property
    def bofh(self) -> bofh.Bofh:
        return self.files["bofh"].bofh if "bofh" in self.files else bofh.Bofh()

    @cached_property
    def default_domain(self) -> str:
        """The domain that completes names without one, in lower case."""
        return (self.value("defaultdomain") or self.value("me") or "").lower()

    @cached_property
    def locals(self) -> DomainList:
        """The domains whose accounts have no domain."""
        return DomainList.of(self.entries("locals"), self.value("me") or "")

    def is_local(self, domain: str) -> bool:
        """Whether a domain has the accounts and aliases that have none."""
        return domain == self.default_domain or domain in self.locals

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """The back-ends that know accounts, those left out that have nothing to ask."""
        named = self.settings("authdaemonrc").get("authmodulelist", "").split()
        return tuple(module for module in named if module != "authuserdb" or self.records("userdb.dat"))

    def account(self, address: str) -> str | None:
        """The login of the account that gets mail for an address, where the site lists it; no extensions."""
        accounts = self.records("userdb.dat")
        return next(
            (login for login in self._logins(address) if login.encode(errors="surrogateescape") in accounts), None
        )

    def catches(self, address: str) -> bool:
        """Whether the catch-all of its domain takes mail for an address that nobody has."""
        domain = address.rpartition("@")[2]
        if self.is_local(domain):
            return any(map(_CATCH_ALL_FILE.fullmatch, self.files))
        known_as = self._known_as(domain)
        return f"{CATCH_ALL}@{known_as}".encode(errors="surrogateescape") in self.records("userdb.dat")

    def _known_as(self, domain: str) -> str:
        """The domain under which the accounts of a hosted domain are known."""
        value = self.records("hosteddomains.dat").get(domain.encode(errors="surrogateescape"), b"")
        return value.decode(errors="surrogateescape") if len(value) > 1 else domain

    def _logins(self, address: str) -> Iterator[str]:
        local, at, domain = address.rpartition("@")
        if not at or self.is_local(domain):
            yield local or domain
            return
        yield f"{local}@{self._known_as(domain)}"


@dataclass(frozen=True)
class Sides:
    """Both trees, the names of the files in which they differ, the artefacts that are wanted, by name, and who keeps in
    mind what he read of a file, as far as either tree's record says."""

    before: Side
    after: Side
    changed: frozenset[str]
    wanted: Mapping[str, Artefact]
    touches: Mapping[str, frozenset[Daemon]]

    def origin(self, name: str, key: str = "") -> Origin | None:
        """The reason of an entry that is wanted; None of one that is not."""
        origins: Mapping[str, Origin] = self.wanted[name].origins if name in self.wanted else {}
        return origins.get(key) or origins.get("")

    def path(self, name: str, key: str = "") -> SitePath:
        """Where the site says an entry of a file, or would; nowhere where a rule of the compiler does."""
        origin = self.origin(name, key)
        return place_of(name, printable(key), self.before.default_domain) if origin is None else origin.path

    def when(self, name: str) -> When:
        """When a changed file takes effect."""
        return when(name, self.touches.get(name))

    def named(self, *patterns: str) -> Iterator[str]:
        """The files in which the trees differ, of those names or, with a dot behind them, of a virtual host; sorted."""
        return (
            name
            for name in sorted(self.changed)
            if any(name == pattern or name.startswith(f"{pattern}.") for pattern in patterns)
        )


def changed_keys(before: Mapping[bytes, Value], after: Mapping[bytes, Value]) -> list[bytes]:
    """The keys whose values differ, sorted; nothing is decoded for that."""
    if before is after:
        return []
    gone_or_other = [key for key, value in before.items() if after.get(key) != value]
    return sorted((*gone_or_other, *(after.keys() - before.keys())))


def differing(before: Iterable[str], after: Iterable[str]) -> tuple[list[str], list[str]]:
    """What only the second has, and what only the first has, both sorted."""
    old, new = set(before), set(after)
    return sorted(new - old), sorted(old - new)
