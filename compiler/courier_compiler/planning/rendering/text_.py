"""Plans for people at a terminal: what changes for mail, then file by file, then what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Final

from courier_compiler.planning.effects import Effect
from courier_compiler.planning.plan import FileChange, Plan
from courier_compiler.planning.rendering import (
    VERBS,
    Printed,
    about,
    apply_needs,
    counts_in_words,
    cut,
    entries_in_words,
    place,
    takes_effect,
)
from courier_compiler.render import render as render_problems
from courier_schema.report import Severity, SitePath

_Painter = Callable[[str, str], str]
_FEW: Final = 5
"""Entries of a file that comes or goes that are told one by one; of more the number says enough."""
_COLOURS: Final = {"create": "32", "update": "33", "remove": "31", "permissions": "36", "drift": "1;31"}


def render(printed: Printed) -> str:
    problems = render_problems(printed.problems, "text", printed.colour)
    return problems + "\n".join("".join(f"{line}\n" for line in _plan(plan, printed)) for plan in printed.plans)


def _plan(plan: Plan, printed: Printed) -> Iterator[str]:
    paint = _painter(printed.colour)
    yield f"{paint('1', plan.host)} against {plan.against}: {counts_in_words(plan)}"
    if plan.is_empty:
        return
    if plan.effects:
        yield from ("", paint("1", "What changes for mail"))
        for _, effects in groupby(plan.effects, lambda effect: effect.subject):
            yield from _effects(plan, [*effects], printed)
    yield from ("", paint("1", "Files"))
    for change in plan.changes:
        yield from _change(plan, change, printed)
    if plan.steps:
        yield from ("", paint("1", "To take effect"), *(f"  {line}" for line in takes_effect(plan)))
    if plan.refusals:
        yield ""
        yield render_problems(plan.refusals, "text", printed.colour).rstrip("\n")
    yield ""
    if needed := apply_needs(plan):
        yield f"apply needs {' '.join(needed)}"
    yield f"checksum {plan.checksum}"


def _effects(plan: Plan, effects: list[Effect], printed: Printed) -> Iterator[str]:
    paint = _painter(printed.colour)
    shown = effects if printed.shown is None or len(effects) <= printed.shown + 1 else effects[: printed.shown]
    for effect in shown:
        sign = paint("31", "!") if effect.severity is Severity.WARNING else " "
        yield f"  {sign} {effect.says}{_at(plan, effect.path, paint)} {paint('2', f'[{effect.live}]')}"
    if len(shown) < len(effects):
        yield f"    ... and {len(effects) - len(shown)} more about {effects[0].subject}"


def _change(plan: Plan, change: FileChange, printed: Printed) -> Iterator[str]:
    paint = _painter(printed.colour)
    remarks = about(change)
    counted = entries_in_words(change)
    lists = [] if change.source_of else [*change.differences]
    if change.kind in {"create", "remove"} and printed.shown is not None and len(lists) > _FEW:
        lists = []
    tail = "; ".join(filter(None, (counted if counted and len(lists) != 1 else "", *remarks)))
    head = f"{VERBS[change.kind]:6} /{change.path}"
    yield f"  {paint(_COLOURS[change.kind], head)}{f'  ({tail})' if tail else ''}"
    yield from (f"      by hand: {one.says}" for one in cut(change.by_hand, printed.shown)[0])
    shown, left = cut(lists, printed.shown)
    for difference in shown:
        yield f"      {change.name}: {difference.says}{_at(plan, difference.path, paint, difference.rule)}"
    if left:
        yield f"      ... and {left} more"


def _at(plan: Plan, path: SitePath, paint: _Painter, rule: str = "") -> str:
    where = place(plan, path) or rule
    return f" {paint('2', f'({where})')}" if where else ""


def _painter(colour: bool) -> _Painter:
    return (lambda code, text: f"\033[{code}m{text}\033[0m") if colour else (lambda code, text: text)
