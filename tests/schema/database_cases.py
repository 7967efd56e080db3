"""The database cases other than aliases: their sources, what the real tools made of them, and what was looked up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from courier_schema.legacy.formats import dump, makedat, userdb
from courier_schema.legacy.formats.domains import DomainList, Locality
from courier_schema.legacy.formats.makedat import Kind, Table
from courier_schema.legacy.formats.source import Source
from courier_schema.legacy.formats.userdb import SourceFacts, UserdbTables
from courier_schema.report import Problem, Severity

CASES = Path(__file__).parents[1] / "cases" / "databases"
HOST_NAME = "mailhost"

Tables = dict[str, Mapping[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Case:
    """One directory of cases."""

    name: str

    @property
    def directory(self) -> Path:
        return CASES / self.name

    @property
    def told(self) -> Mapping[str, Any]:
        """The description of the case."""
        told: Mapping[str, Any] = json.loads((self.directory / "case.json").read_text())
        return told

    @property
    def etc(self) -> dict[str, bytes]:
        """The files of the configuration directory."""
        root = self.directory / "etc"
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}

    @property
    def fails(self) -> bool:
        """True when the real tool failed."""
        return (self.directory / "expected" / "exit_code").read_text().strip() != "0"

    @property
    def databases(self) -> Tables:
        """What the real tool left, of the databases that exist."""
        files = {name: self.directory / "expected" / f"{name}.txt" for name in self.told["databases"]}
        return {name: dump.parse(path.read_text("ascii")) for name, path in files.items() if path.exists()}

    @property
    def lookups(self) -> Sequence[Mapping[str, Any]]:
        """Queries and the answers of the reading program."""
        lookups: Sequence[Mapping[str, Any]] = json.loads((self.directory / "expected/lookups.json").read_text())
        return lookups

    @property
    def kind(self) -> Kind:
        return Kind(self.told["kind"])

    def __str__(self) -> str:
        return self.name


def named(*families: str) -> list[Case]:
    """The cases of these families, `hosted`, `access`..., by name."""
    names = sorted(path.name for path in CASES.iterdir() if path.is_dir())
    return [Case(name) for name in names if name.partition("-")[0] in families]


def with_lookups(cases: list[Case]) -> list[Case]:
    """Those cases in which something was looked up."""
    return [case for case in cases if "lookups" in case.told]


def makedat_table(case: Case) -> Table:
    """The database of a makedat case, made by us."""
    source = next(part for part in case.told["command"] if part.startswith("-src=")).rpartition("/")[2]
    return makedat.compile_database(case.kind, _sources(case, source))


def userdb_tables(case: Case) -> UserdbTables:
    """The databases of a makeuserdb case, made by us."""
    root = case.directory / "etc" / "userdb"
    facts = SourceFacts(root.is_dir(), int(case.told["modes"]["userdb"], 8))
    if not facts.is_directory:
        return userdb.compile_userdb([Source("userdb", root.read_bytes())], facts=facts)
    paths = userdb.select(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    return userdb.compile_userdb([Source(path, (root / path).read_bytes()) for path in paths], facts=facts)


def locality(case: Case) -> Locality:
    """The names of the server of a case."""
    return Locality.from_files(case.etc, HOST_NAME)


def text_list(case: Case, name: str, default: Sequence[str]) -> DomainList:
    """A text list of a case, or the entries that stand for a missing file."""
    content = case.etc.get(name)
    return DomainList.of(default, HOST_NAME) if content is None else DomainList.parse(content, HOST_NAME)


def errors(problems: Sequence[Problem]) -> list[str]:
    """The ids of the problems that stop a build."""
    return [problem.id for problem in problems if problem.severity is Severity.ERROR]


def places(problems: Sequence[Problem]) -> list[tuple[str, str]]:
    """Id and place of each problem, in the order of places."""
    return sorted((f"{problem.mark.file}:{problem.mark.line}", problem.id) for problem in problems if problem.mark)


def _sources(case: Case, name: str) -> list[Source]:
    root = case.directory / "etc" / name
    if root.is_file():
        return [Source(name, root.read_bytes())]
    names = makedat.select(path.name for path in root.iterdir() if path.is_file()).names
    return [Source(f"{name}/{file}", (root / file).read_bytes()) for file in names]
