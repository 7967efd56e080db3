"""Outcome: what became of one test of a site. Immutable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from courier_compiler.tracing.values import Why
from courier_schema.report import Mark, Problem, SitePath


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One expectation that does not hold: what was expected, what is, and the lines that decided."""

    expected: str
    found: str
    reasons: tuple[Why, ...] = ()
    assumed: tuple[str, ...] = ()
    """What was taken for granted on the way."""

    @property
    def says(self) -> str:
        by = f"; decided by {' and '.join(map(_shown, self.reasons))}" if self.reasons else ""
        return f"expected {self.expected}, but {self.found}{by}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test with what does not hold in it; nothing, when it passes."""

    group: str
    """The part of the section that it stands in: mail, clients..."""
    name: str
    path: SitePath
    mark: Mark | None
    mismatches: tuple[Mismatch, ...] = ()
    host: str = ""
    """Name of the host that was tested."""

    @property
    def passed(self) -> bool:
        return not self.mismatches

    @property
    def title(self) -> str:
        return f"{self.group} {self.name}"

    def problems(self) -> Iterable[Problem]:
        """A Problem for each mismatch, at the place of the test."""
        remedy = "correct what decides, or the test if it expects the wrong thing"
        for mismatch in self.mismatches:
            yield Problem("test-failed", f"{self.title}: {mismatch.says}", remedy, self.mark, self.path)


def _shown(why: Why) -> str:
    return f"{why.says} ({why.mark})" if why.mark else why.says


def compare(expected: object, found: object, what: str, *reasons: Why | None) -> Iterable[Mismatch]:
    """A mismatch where something was expected and is not found; `what` names it in the sentence."""
    if expected is not None and expected != found:
        known = tuple(reason for reason in reasons if reason is not None)
        yield Mismatch(f"{what} {spelt(expected)}", f"it is {spelt(found)}", known)


def spelt(value: object) -> str:
    """A value as a site spells it."""
    if value is None or value is False:
        return "none" if value is None else "false"
    return str(value).lower() if value is True else str(value)
