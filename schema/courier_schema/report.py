"""Problems: what is wrong with a user's input, collected and sorted, never raised one by one.

A Problem names its place, what is wrong and what to do about it; it is the only form in which this product
speaks about a user's mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

SitePath = tuple[str | int, ...]
"""Where a value stands in a site: keys and list positions from the root, `("domains", "example.org")`."""


class Severity(StrEnum):
    """How bad a problem is: only errors stop a build."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a text: file name as the user gave it, line and column counted from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, with its place, cause and remedy.

    `id` is kebab-case and has a page in the manual. `says` states the fact in one sentence without a final
    full stop; `remedy` is an instruction in the imperative. `mark` is None only where no text is to blame.
    """

    id: str
    says: str
    remedy: str
    mark: Mark | None = None
    path: SitePath = ()
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.mark}: " if self.mark else ""
        return f"{place}{self.severity}: {self.says} [{self.id}]; {self.remedy}"


def _place(problem: Problem) -> tuple[str, int, int, str]:
    mark = problem.mark or Mark("", 0, 0)
    return (mark.file, mark.line, mark.column, problem.id)


@dataclass(slots=True)
class Report:
    """Problems in the order of their places. Grows while checks run; never shrinks."""

    _problems: list[Problem] = field(default_factory=list)

    def add(self, *problems: Problem) -> None:
        self._problems.extend(problems)

    def extend(self, problems: Iterable[Problem]) -> Self:
        self._problems.extend(problems)
        return self

    @property
    def is_fatal(self) -> bool:
        """True when at least one error stops the build."""
        return any(problem.severity is Severity.ERROR for problem in self._problems)

    def without_repeats(self) -> Report:
        """The same problems, each once: hosts of one site share most of theirs."""
        return Report(list(dict.fromkeys(self._problems)))

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._problems, key=_place))

    def __len__(self) -> int:
        return len(self._problems)


class CourierSiteError(Exception):
    """Trouble of the world (a full disk, a missing permission): one line for the user, no traceback."""
