"""Settings files, decoded into the tables of the catalogue; what a file does not assign reads as None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from courier_runtime.snapshot.tree import Tree
from courier_schema.legacy.formats import module_file, one_line, shell
from courier_schema.legacy.formats.source import Source
from courier_schema.legacy.table import Row, Table, rows
from courier_schema.report import CourierSiteError, Problem

T = TypeVar("T", bound=Table)


def environment(tree: Tree, *names: str) -> Mapping[str, str]:
    """What a shell would have in its variables after reading these files in turn; a missing file assigns nothing.

    Raises CourierSiteError for text that only a shell could evaluate, with its place.
    """
    assigned: dict[str, str] = {}
    for name in names:
        found = shell.parse(tree.source(name))
        _refuse(found.problems)
        assigned.update(found.assignments)
    return assigned


def settings(table: type[T], assigned: Mapping[str, str], file: str) -> T:
    """The typed settings in an environment. Raises CourierSiteError for a value of the wrong form."""
    said: dict[str, object] = {}
    for row in rows(table):
        if row.name in assigned:
            said[row.attribute] = _decode(row, assigned[row.name], file)
        elif row.optional:
            said[row.attribute] = None
    return table(**said)


def one_value_files(table: type[T], tree: Tree) -> T:
    """A table whose rows are files. A missing file leaves the default, which is what the programs assume."""
    said: dict[str, object] = {}
    for row in rows(table):
        content = tree.read(row.name)
        if content is not None:
            lines = row.codec.kind in {"lines", "presence", "pairs"}
            text = content.decode(errors="surrogateescape").rstrip("\n") if lines else _first_line(row.name, content)
            said[row.attribute] = _decode(row, text, row.name)
    return table(**said)


def module_values(tree: Tree, name: str) -> Mapping[str, str] | None:
    """The keys of a file `module.NAME`; None if there is none."""
    if tree.read(f"module.{name}") is None:
        return None
    found = module_file.parse(tree.source(f"module.{name}"))
    _refuse(found.problems)
    return found.values


def _first_line(name: str, content: bytes) -> str:
    return one_line.parse(Source(name, content))


def _decode(row: Row, text: str, file: str) -> object:
    try:
        value: object = row.codec.decode(text)
    except ValueError as error:
        raise CourierSiteError(f"{file}: {row.name}: {error}") from error
    return value


def _refuse(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        place = f"{problem.mark.file}:{problem.mark.line}: " if problem.mark else ""
        raise CourierSiteError(f"{place}{problem.says}; {problem.remedy}")
