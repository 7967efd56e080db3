"""Plans as workflow commands: one annotation a line of the site, and what is refused as errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.planning.plan import Plan
from courier_compiler.planning.rendering import Printed, counts_in_words
from courier_compiler.render import render as render_problems
from courier_schema.report import Mark, Problem, Severity

_SHOWN: Final = 10
"""Sentences of one annotation."""


def render(printed: Printed) -> str:
    found = [*printed.problems, *(one for plan in printed.plans for one in (*plan.refusals, *_annotations(plan)))]
    return render_problems(found, "github")


def _annotations(plan: Plan) -> Iterator[Problem]:
    """What a plan says at each line of the site, effects first; a summary without a line."""
    yield _annotation("plan", f"{plan.host}: {counts_in_words(plan)}", f"checksum {plan.checksum}", None)
    by_place: dict[Mark | None, list[str]] = {}
    severities: dict[Mark | None, Severity] = {}
    for effect in plan.effects:
        mark = plan.mark(effect.path)
        by_place.setdefault(mark, []).append(f"{effect.says} [{effect.live}]")
        if effect.severity is Severity.WARNING or mark not in severities:
            severities[mark] = effect.severity
    for change in plan.changes:
        for difference in () if change.source_of else change.differences:
            by_place.setdefault(plan.mark(difference.path), []).append(f"{change.name}: {difference.says}")
    for mark, said in by_place.items():
        severity = severities.get(mark, Severity.NOTE)
        if mark is not None:
            yield _annotation("plan", "\n".join(_cut(said)), f"checksum {plan.checksum}", mark, severity)


def _cut(said: list[str]) -> list[str]:
    return said if len(said) <= _SHOWN else [*said[:_SHOWN], f"{len(said) - _SHOWN} more at this line"]


def _annotation(title: str, says: str, remedy: str, mark: Mark | None, severity: Severity = Severity.NOTE) -> Problem:
    return Problem(title, says, remedy, mark, severity=severity)
