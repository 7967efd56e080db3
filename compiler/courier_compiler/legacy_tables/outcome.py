"""What compiling one source amounts to: databases and program files to put in place, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from courier_schema.report import Problem, Severity


@dataclass(frozen=True, slots=True)
class Database:
    """A finished database file."""

    path: Path
    content: bytes = field(repr=False)
    mode: int
    records: int
    """How many records it holds."""
    in_spite: bool = False
    """True when Courier's own tool puts it in place although it fails."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The delivery instructions of one alias database: exactly these files of one directory."""

    directory: Path
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One source, compiled."""

    databases: tuple[Database, ...] = ()
    problems: tuple[Problem, ...] = ()
    programs: Programs | None = None

    @property
    def is_refused(self) -> bool:
        """True when Courier's own tool fails."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    @property
    def left_behind(self) -> tuple[Database, ...]:
        """The databases that Courier's own tool puts in place."""
        return tuple(one for one in self.databases if one.in_spite or not self.is_refused)
