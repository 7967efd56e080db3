"""Tables: the records of an installation's databases, from their sources, or decoded where there are none.

A source that the make command would refuse leaves the database as it is, so that one counts then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from courier_compiler.importing.installation import Installation
from courier_compiler.importing.remarks import Remark
from courier_compiler.legacy_tables.sources import PROTOCOLS
from courier_schema.legacy.formats import berkeley, gdbm, makedat
from courier_schema.legacy.formats.aliases import compile as aliases
from courier_schema.legacy.formats.makedat import Kind
from courier_schema.legacy.formats.source import Source
from courier_schema.report import CourierSiteError, Problem, Severity

_LEFT_OVER: Final = re.compile(r".*(~|\.bak|\.dist|\.new|\.orig|\.rej|\.rpmnew|\.rpmsave|\.rpmorig|\.dpkg-[a-z]+)|#.*")


@dataclass(frozen=True, slots=True)
class Found:
    """A table of an installation. `rows` are as written, with netblocks whole; `records` as stored."""

    records: Mapping[bytes, bytes]
    rows: Mapping[bytes, bytes]
    sources: tuple[Source, ...] = ()
    is_from_database: bool = False
    problem: Problem | None = None
    """Why the database counts although there is a source."""

    def comments(self) -> dict[bytes, tuple[Remark, ...]]:
        """Comment lines before each row, by its key."""
        found: dict[bytes, tuple[Remark, ...]] = {}
        for source in self.sources:
            for key, remarks in _row_comments(source):
                found[key] = (*found.get(key, ()), *remarks)
        return found


def is_left_over(name: str) -> bool:
    """Whether a file is a copy that an editor, package manager or upgrade has left."""
    return _LEFT_OVER.fullmatch(name.rpartition("/")[2]) is not None


def read_table(installation: Installation, name: str, kind: Kind, database: str = "") -> Found | None:
    """The table whose source has a name, a file or a directory; None where there is neither source nor database."""
    sources = source_texts(installation, name, makedat.select(installation.directly_in(name)).names)
    stored = read_database(installation, database or f"{name.removesuffix('.dir')}.dat")
    if sources:
        made = makedat.compile_table(sources, netblocks=kind.has_netblocks)
        if not made.is_refused or stored is None:
            return Found(made.records, made.rows, sources)
        why = next(problem for problem in made.problems if problem.severity is Severity.ERROR)
        return Found(stored, stored, sources, True, why)
    return None if stored is None else Found(stored, stored, is_from_database=True)


def source_texts(installation: Installation, name: str, chosen: Iterable[str]) -> tuple[Source, ...]:
    """The texts of a source that is a file, or of the chosen files of a directory."""
    if name in installation.files:
        return (installation.source(name),)
    return tuple(installation.source(f"{name}/{file}") for file in chosen)


def alias_sources(installation: Installation, name: str) -> tuple[Source, ...]:
    """Alias sources in the order in which they are read."""
    return source_texts(installation, name, aliases.select(installation.directly_in(name)).names)


def read_database(installation: Installation, name: str) -> dict[bytes, bytes] | None:
    """The records of a database, of whichever format; None where there is none, or it cannot be read."""
    content = installation.content(name)
    if not content:
        return None
    try:
        return berkeley.loads(content) if berkeley.is_database(content) else dict(gdbm.Reader(content).items())
    except (gdbm.MalformedDatabase, CourierSiteError):
        return None


def unreadable_databases(installation: Installation) -> Iterator[str]:
    """Databases that nothing but themselves says, and that cannot be read."""
    for name in sorted(installation.files):
        source = name.removesuffix(".dat")
        is_database = source != name and "/" not in name and installation.content(name)
        sources = (source, f"{source}.dir", source.removesuffix("shadow"))
        has_source = any(one in installation.files or installation.below(one) for one in sources)
        alien = source.startswith("aliases-") and source.removeprefix("aliases-") not in PROTOCOLS
        if is_database and not alien and not has_source and read_database(installation, name) is None:
            yield name


def _row_comments(source: Source) -> Iterator[tuple[bytes, tuple[Remark, ...]]]:
    """Keys of a makedat source with the comment lines before them."""
    waiting: list[Remark] = []
    for line in source.content.split(b"\n"):
        if line.startswith(b"#"):
            waiting.append(Remark(source.name, line.decode(errors="surrogateescape")))
        elif line.strip():
            if waiting:
                yield line.partition(b"\t")[0], tuple(waiting)
            waiting = []


def _list_comments(source: Source) -> dict[str, tuple[Remark, ...]]:
    """Entries of a text list with the comments before them and behind them on their line."""
    found: dict[str, tuple[Remark, ...]] = {}
    waiting: list[Remark] = []
    for line in source.content.decode(errors="surrogateescape").split("\n"):
        said, sign, comment = line.partition("#")
        if sign:
            waiting.append(Remark(source.name, comment))
        if entry := said.strip():
            found[entry] = (*found.get(entry, ()), *waiting)
            waiting = []
    return found


def commented_lists(installation: Installation, *names: str) -> Iterator[tuple[str, tuple[Remark, ...]]]:
    """Entries of those text lists that are there, with their comments."""
    for name in names:
        if name in installation.files:
            yield from _list_comments(installation.source(name)).items()
