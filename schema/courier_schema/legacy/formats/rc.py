"""Keyword files of the authentication modules: a name, blanks and the value to the end of the line.

Nothing is quoted. A backslash at the end of a line continues it, the first of two lines of one name counts, and the
modules take a file for incomplete that lacks the group MARKER at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem, Severity

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_LINE: Final = re.compile(r"[ \t]*([^\s#]+)(?:[ \t]+(.*))?", re.DOTALL)
_MARKER_LINE: Final = re.compile(r"^##NAME:[ \t]*MARKER:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RcFile:
    """What a keyword file says, the first line of each name, and whether its end is there."""

    entries: Mapping[str, str]
    marks: Mapping[str, Mark] = field(repr=False)
    """Where each name is said."""
    is_complete: bool
    problems: tuple[Problem, ...]


def entry(name: str, value: str) -> str:
    """One line, without a line end. Raises ValueError for a name or a value that the reader would change."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a keyword")
    if re.search(r"[\n\r\0]", value):
        raise ValueError("a value of a keyword file stays on one line")
    if value != value.strip(" \t") or value.endswith("\\"):
        raise ValueError(f"{value!r} would lose its end: a value neither begins nor ends with a blank or backslash")
    return f"{name}\t{value}" if value else name


def parse(source: Source) -> RcFile:
    """Every keyword with its value; a name said twice is a Problem, because the later line does nothing."""
    text = source.content.decode("utf-8", "surrogateescape")
    entries: dict[str, str] = {}
    marks: dict[str, Mark] = {}
    problems: list[Problem] = []
    for number, line in _logical_lines(text):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        name, value = found[1], (found[2] or "").rstrip(" \t\r")
        mark = Mark(source.name, number)
        if name in entries:
            says = f"{name} was said before, in line {marks[name].line}, and this line does nothing"
            problems.append(Problem("rc-repeated", says, "keep one of the two", mark, severity=Severity.WARNING))
        else:
            entries[name], marks[name] = value, mark
    complete = bool(_MARKER_LINE.search(text))
    return RcFile(MappingProxyType(entries), MappingProxyType(marks), complete, tuple(problems))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations, by the number of the first; comments and blank lines are left out."""
    lines = iter(enumerate(text.split("\n"), start=1))
    for number, line in lines:
        if line.lstrip(" \t").startswith("#") or not line.strip():
            continue
        whole = line
        while whole.endswith("\\"):
            whole = whole[:-1] + " " + next(lines, (0, ""))[1].lstrip(" \t")
        yield number, whole
