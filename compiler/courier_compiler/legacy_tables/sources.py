"""The text sources of a configuration directory, each with the way from its text to its databases.

They are compiled as Courier's make commands compile them: where a command fails there is an error, and then only
what the command itself would leave behind may be put in place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from courier_compiler.legacy_tables.directory import Directory, files_below, is_berkeley, mode_of, read, regular_files
from courier_compiler.legacy_tables.outcome import Database, Outcome, Programs
from courier_schema.legacy.formats import berkeley, gdbm, makedat, userdb
from courier_schema.legacy.formats.aliases import compile as aliases
from courier_schema.legacy.formats.makedat import Kind, Release
from courier_schema.legacy.formats.source import Source
from courier_schema.legacy.formats.userdb import SourceFacts, UserdbTables
from courier_schema.report import Mark, Problem, Severity

PROTOCOLS: Final = ("esmtp", "local", "uucp", "fax", "dsn")
"""Transports that can have aliases of their own."""

_ALIASES_MODE: Final = 0o664
_TABLE_MODE: Final = 0o644
_SHADOW_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Places:
    """Where sources of one kind should be, whether they exist or not."""

    paths: tuple[Path, ...]
    problems: tuple[Problem, ...] = ()
    """Why the settings do not tell."""


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One make command: where its sources are, and what it makes of one."""

    places: Callable[[Directory], Places]
    compile: Callable[[Directory, Path, Release], Outcome]

    def is_in(self, directory: Directory) -> bool:
        """True when there is something to compile, or to complain about."""
        places = self.places(directory)
        return bool(places.problems) or any(path.exists() for path in places.paths)

    def outcomes(self, directory: Directory, release: Release) -> list[Outcome]:
        """Compile every source. CourierSiteError when a file cannot be read."""
        places = self.places(directory)
        if places.problems or not places.paths:
            return [Outcome(problems=places.problems or (_NOT_SET,))]
        return [
            self.compile(directory, path, release) if path.exists() else Outcome(problems=(_missing(path),))
            for path in places.paths
        ]


def _aliases(directory: Directory, path: Path, release: Release, protocol: str | None = None) -> Outcome:
    del release  # all read aliases alike
    texts, problems = _texts(path, aliases.select)
    table = aliases.compile_aliases(
        texts, directory.locality(), protocol=protocol, include=lambda name: directory.place(name).read_bytes()
    )
    problems += table.problems
    shelf = directory.path / "aliasdir"
    files = {os.fsdecode(name): text for name, text in table.programs.items()}
    name = f":xalias-{protocol}" if protocol else ":xalias"
    programs = Programs(shelf / f".courier-{name}", files)
    ending = directory.one_line("dotextension") or "courier"
    looked_for = shelf / f".{ending}-{name}"
    if files and looked_for.resolve() != programs.directory.resolve():
        problems += (_looked_for_elsewhere(directory, ending, looked_for, programs.directory.name),)
    if shelf.is_dir():
        return Outcome((_database(path, table.records, _ALIASES_MODE),), problems, programs)
    # makealiases misses the directory when it puts program files there, by then the database has been replaced;
    # only where there are such files it misses it at once
    replaced = not files and not Outcome(problems=problems).is_refused
    database = _database(path, table.records, _ALIASES_MODE, replaced)
    return Outcome((database,), (*problems, _no_shelf(shelf)))


def _table(directory: Directory, path: Path, release: Release, kind: Kind) -> Outcome:
    texts, problems = _texts(path, partial(makedat.select, release=release))
    table = makedat.compile_database(kind, texts, release)
    stem = path if kind.has_netblocks else directory.path / kind
    return Outcome((_database(stem, table.records, _TABLE_MODE),), (*problems, *table.problems))


def _userdb(directory: Directory, path: Path, release: Release) -> Outcome:
    del release  # all read it alike
    shadow = path.with_name("userdbshadow")
    facts = _userdb_facts(path)
    refused = userdb.compile_userdb([], str(path), facts)
    if refused.public_is_refused:
        return Outcome(problems=refused.problems)
    tables = userdb.compile_userdb(_userdb_texts(path), f"{directory.sysconfdir}/userdb", facts)
    return Outcome(
        tuple(_userdb_halves(tables, path, shadow)),
        _moved(tables.problems, path) if facts.is_directory else tables.problems,
    )


def is_refused_userdb(path: Path) -> bool:
    """Whether makeuserdb turns away before it takes its lock: for permissions, links, or because nothing is there."""
    return userdb.compile_userdb([], str(path), _userdb_facts(path)).public_is_refused


def _userdb_facts(path: Path) -> SourceFacts:
    places = (path, _dat(path), _dat(path.with_name("userdbshadow")))
    return SourceFacts(path.is_dir(), mode_of(path), tuple(str(place) for place in places if place.is_symlink()))


def _userdb_halves(tables: UserdbTables, path: Path, shadow: Path) -> Iterable[Database]:
    if not tables.public_is_refused:
        yield _database(path, tables.public, _TABLE_MODE, tables.shadow_is_refused)
    if not tables.shadow_is_refused:
        yield _database(shadow, tables.shadow, _SHADOW_MODE, tables.public_is_refused)


def _userdb_texts(path: Path) -> list[Source]:
    if path.is_dir():
        return [Source(name, read(path / name)) for name in userdb.select(files_below(path))]
    return [Source(str(path), read(path))]


class _Selection(Protocol):
    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def problems(self) -> tuple[Problem, ...]: ...


def _texts(path: Path, select: Callable[[Iterable[str]], _Selection]) -> tuple[list[Source], tuple[Problem, ...]]:
    """The texts of a source that is a file, or a directory whose files are selected."""
    if not path.is_dir():
        return [Source(str(path), read(path))], ()
    chosen = select(regular_files(path))
    return [Source(f"{path}/{name}", read(path / name)) for name in chosen.names], _moved(chosen.problems, path)


def _moved(problems: Iterable[Problem], below: Path) -> tuple[Problem, ...]:
    """Problems that name files from a directory on, with whole paths."""
    return tuple(
        replace(problem, mark=replace(problem.mark, file=f"{below}/{problem.mark.file}")) if problem.mark else problem
        for problem in problems
    )


def _database(source: Path, records: Mapping[bytes, bytes], mode: int, in_spite: bool = False) -> Database:
    """A database beside its source, in the format of the one that it replaces."""
    dumps = berkeley.dumps if is_berkeley(_dat(source)) else gdbm.dumps
    return Database(_dat(source), dumps(records), mode, len(records), in_spite)


def _dat(source: Path) -> Path:
    return source.with_name(f"{source.name}.dat")


def _at(name: str) -> Callable[[Directory], Places]:
    return lambda directory: Places((directory.path / name,))


def _named_by(setting: str, default: str, *chains: Sequence[str]) -> Callable[[Directory], Places]:
    """The places that a setting names after the files of each chain were sourced."""
    return lambda directory: _settings_places(directory, setting, default, chains)


def _settings_places(directory: Directory, setting: str, default: str, chains: Iterable[Sequence[str]]) -> Places:
    paths: dict[Path, None] = {}
    for files in chains:
        if not any((directory.path / file).is_file() for file in files):
            paths[directory.path / default] = None
            continue
        found = directory.setting(files, setting)
        if found.problems:
            return Places((), found.problems)
        if found.value:
            paths[directory.place(found.value)] = None
    return Places(tuple(paths))


_NOT_SET: Final = Problem(
    "access-file-not-set", "no setting says where the access source is", "set ACCESSFILE or IMAPACCESSFILE"
)


def _missing(path: Path) -> Problem:
    return Problem("table-source-missing", f"`{path}` does not exist", "create it, or do not name it")


def _looked_for_elsewhere(directory: Directory, ending: str, looked_for: Path, kept: str) -> Problem:
    return Problem(
        "alias-programs-elsewhere",
        f"`dotextension` is {ending}, so Courier looks for the programs of aliases in `{looked_for}`",
        f"make that a symbolic link to {kept}, where makealiases keeps them",
        Mark(str(directory.file("dotextension")), 1),
        severity=Severity.WARNING,
    )


def _no_shelf(shelf: Path) -> Problem:
    return Problem(
        "aliasdir-missing",
        f"`{shelf}` does not exist, and makealiases fails without it",
        "create the directory, even if no alias needs it",
    )


KINDS: Final[Mapping[str, SourceKind]] = MappingProxyType(
    {
        "aliases": SourceKind(_at("aliases"), _aliases),
        **{
            f"aliases-{name}": SourceKind(_at(f"aliases-{name}"), partial(_aliases, protocol=name))
            for name in PROTOCOLS
        },
        "smtpaccess": SourceKind(
            _named_by("ACCESSFILE", "smtpaccess", ("esmtpd",), ("esmtpd", "esmtpd-msa")),
            partial(_table, kind=Kind.SMTPACCESS),
        ),
        "imapaccess": SourceKind(
            _named_by("IMAPACCESSFILE", "imapaccess", ("imapd", "imapd-ssl")), partial(_table, kind=Kind.IMAPACCESS)
        ),
        "hosteddomains": SourceKind(_at("hosteddomains"), partial(_table, kind=Kind.HOSTEDDOMAINS)),
        "esmtpacceptmailfor": SourceKind(_at("esmtpacceptmailfor.dir"), partial(_table, kind=Kind.ESMTPACCEPTMAILFOR)),
        "esmtppercentrelay": SourceKind(_at("esmtppercentrelay.dir"), partial(_table, kind=Kind.ESMTPPERCENTRELAY)),
        "uucpneighbors": SourceKind(_at("uucpneighbors"), partial(_table, kind=Kind.UUCPNEIGHBORS)),
        "userdb": SourceKind(_at("userdb"), _userdb),
    }
)
"""Every kind of source by the name of its database."""


def existing(directory: Directory) -> list[str]:
    """The names of all kinds that have a source here."""
    return [name for name, kind in KINDS.items() if kind.is_in(directory)]
