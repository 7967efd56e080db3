"""The files module.NAME: one KEY=value a line, and neither blank lines nor comments, which crash the reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem

_ASSIGNMENT: Final = re.compile(r"([A-Z]+)=(.*)")


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """What a module file says: of a key that stands twice, PROG's first value and any other key's last."""

    values: Mapping[str, str]
    problems: tuple[Problem, ...]


def dump(values: Iterable[tuple[str, str]]) -> bytes:
    """The whole file. Raises ValueError for a value that the reader would cut."""
    return "".join(f"{_line(key, value)}\n" for key, value in values).encode()


def _line(key: str, value: str) -> str:
    line = f"{key}={value}"
    if not _ASSIGNMENT.fullmatch(line) or "#" in value or not value or (key != "PROG" and re.search(r"\s", value)):
        raise ValueError(f"{line!r} cannot stand in a module file")
    return line


def parse(source: Source) -> ModuleFile:
    """Every key; a line that the reader cannot bear is a Problem."""
    values: dict[str, str] = {}
    problems: list[Problem] = []
    lines = source.content.decode("utf-8", "surrogateescape").split("\n")
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, start=1):
        said = line.partition("#")[0]
        found = _ASSIGNMENT.fullmatch(said.strip())
        if found is None:
            says = "a line without KEY=value may crash the queue daemon when it starts"
            problems.append(Problem("module-line", says, "remove the line", Mark(source.name, number)))
        elif found[1] == "PROG":
            values.setdefault("PROG", found[2])
        else:
            values[found[1]] = found[2].split(maxsplit=1)[0] if found[2].strip() else ""
    return ModuleFile(MappingProxyType(values), tuple(problems))
