"""Plans as Markdown for comments on merge requests: counts and effects in sight, files folded away."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from courier_compiler.planning.effects import Effect
from courier_compiler.planning.plan import KINDS, FileChange, Plan
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
from courier_schema.report import Problem, Severity, SitePath

_SPECIAL: Final = re.compile(r"([\\`*_\[\]#|~])")


def render(printed: Printed) -> str:
    lines = [*_problems("Problems of the site", printed.problems)]
    for plan in printed.plans:
        lines += [*_plan(plan, printed)]
    return "".join(f"{line}\n" for line in lines)


def _plan(plan: Plan, printed: Printed) -> Iterator[str]:
    yield from (f"### {_text(plan.host)}: {counts_in_words(plan)}", "")
    if plan.is_empty:
        return
    yield from (f"| {' | '.join(KINDS)} |", f"|{'---|' * len(KINDS)}")
    yield from (f"| {' | '.join(str(plan.counts.get(kind, 0)) for kind in KINDS)} |", "")
    yield from _problems("Refused", plan.refusals)
    for subject, effects in groupby(plan.effects, lambda effect: effect.subject):
        yield from _subject(plan, subject, [*effects], printed)
    files = [line for change in plan.changes for line in _change(plan, change, printed)]
    yield from _folded(f"{len(plan.changes)} files", files)
    if plan.steps:
        yield from _folded("To take effect", [f"- {_text(line)}" for line in takes_effect(plan)])
    needed = f", apply needs {_code(' '.join(apply_needs(plan)))}" if apply_needs(plan) else ""
    yield from (f"Checksum `{plan.checksum}`{needed}", "")


def _subject(plan: Plan, subject: str, effects: list[Effect], printed: Printed) -> Iterator[str]:
    yield from (f"**{subject}**", "")
    shown = effects if printed.shown is None else effects[: printed.shown]
    for effect in shown:
        sign = "⚠️ " if effect.severity is Severity.WARNING else ""
        yield f"- {sign}{_text(effect.says)} *({_text(str(effect.live))})*{_at(plan, effect.path)}"
    if len(shown) < len(effects):
        yield f"- ... and {len(effects) - len(shown)} more"
    yield ""


def _change(plan: Plan, change: FileChange, printed: Printed) -> Iterator[str]:
    remarks = "; ".join(filter(None, (entries_in_words(change), *about(change))))
    yield f"- {VERBS[change.kind]} {_code('/' + change.path)}{f' ({_text(remarks)})' if remarks else ''}"
    yield from (f"  - by hand: {_code(one.says)}" for one in cut(change.by_hand, printed.shown)[0])
    shown, left = cut([] if change.source_of else change.differences, printed.shown)
    for difference in shown:
        yield f"  - {_code(difference.says)}{_at(plan, difference.path)}"
    if left:
        yield f"  - ... and {left} more"


def _folded(title: str, lines: list[str]) -> Iterator[str]:
    yield from (f"<details><summary>{html.escape(title)}</summary>", "", *lines, "", "</details>", "")


def _problems(title: str, problems: tuple[Problem, ...]) -> Iterator[str]:
    if not problems:
        return
    yield from (f"**{title}**", "")
    for problem in problems:
        where = f" {_code(f'{problem.mark.file}:{problem.mark.line}')}" if problem.mark else ""
        yield f"- {problem.severity}: {_text(problem.says)}; {_text(problem.remedy)} ({_code(problem.id)}){where}"
    yield ""


def _at(plan: Plan, path: SitePath) -> str:
    where = place(plan, path)
    return f" {_code(where)}" if where else ""


def _text(text: str) -> str:
    """Text that means itself, in Markdown and in the HTML that it may become."""
    return _SPECIAL.sub(r"\\\1", html.escape(text, quote=False))


def _code(text: str) -> str:
    """A literal; the fence is longer than any run of backquotes in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"
