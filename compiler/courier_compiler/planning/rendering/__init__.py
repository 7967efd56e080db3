"""Rendering of plans, for people and for programs: text, JSON, Markdown for merge requests, GitHub annotations.

A renderer arranges what a Plan holds and decides nothing. Long lists are cut, except where programs read them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from courier_compiler.planning.difference import Difference
from courier_compiler.planning.plan import FileChange, Plan
from courier_schema.report import Problem, SitePath

FORMATS: Final = ("text", "json", "markdown", "github")
SHOWN: Final = 20
"""Entries of one file, or effects of one subject, that people get to see unless they ask for all."""
VERBS: Final = {"create": "create", "update": "update", "remove": "remove", "permissions": "mode", "drift": "drift"}
"""What is done to a file, as a word that stands in front of its path."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What is printed in one go: the plans of all hosts, and what is wrong with the site."""

    plans: tuple[Plan, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    shown: int | None = SHOWN
    """How many of a kind people get to see; None for all."""
    colour: bool = False


Renderer = Callable[[Printed], str]


def render(printed: Printed, form: str) -> str:
    """Everything in one of FORMATS, ready to print."""
    renderer: Renderer = importlib.import_module(f"{__name__}.{form}_").render
    return renderer(printed)


def place(plan: Plan, path: SitePath) -> str:
    """Where something is said, as `file:line`; empty where no line of the site is to blame."""
    mark = plan.mark(path)
    return f"{mark.file}:{mark.line}" if mark else ""


def entries_in_words(change: FileChange) -> str:
    """How many entries of a file come, go and change."""
    counts = {
        "new": sum(one.before is None and one.after is not None for one in change.differences),
        "gone": sum(one.after is None and one.before is not None for one in change.differences),
    }
    counts["changed"] = len(change.differences) - sum(counts.values())
    total = len(change.differences)
    noun = change.noun if total == 1 else change.plural
    told = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    return f"{told} {noun}" if total else ""


def about(change: FileChange) -> list[str]:
    """What there is to say of a file besides its entries."""
    return [
        *change.permissions,
        *(["not made by courier-compile so far"] if change.foreign else []),
        *([f"the source of {change.source_of}"] if change.source_of else []),
        *([change.note] if change.note else []),
    ]


def takes_effect(plan: Plan) -> list[str]:
    """What has to be told to which daemon, a line each."""
    return [f"{step.action} {step.daemon}" for step in plan.steps]


def apply_needs(plan: Plan) -> list[str]:
    """The words without which an apply refuses this plan."""
    drifted = any(change.kind == "drift" for change in plan.changes)
    foreign = any(change.foreign for change in plan.changes)
    return [*(["--overwrite-drift"] if drifted else []), *(["--adopt-all"] if foreign else [])]


def cut(differences: Sequence[Difference], shown: int | None) -> tuple[Sequence[Difference], int]:
    """The first of many, and how many are left out; a single one is never left out."""
    if shown is None or len(differences) <= shown + 1:
        return differences, 0
    return differences[:shown], len(differences) - shown


def counts_in_words(plan: Plan) -> str:
    """How many files of each kind, in words."""
    words = {
        "create": "to create", "update": "to update", "remove": "to remove",
        "permissions": "with other permissions", "drift": "changed by hand",
    }  # fmt: skip
    return ", ".join(f"{number} {words[kind]}" for kind, number in plan.counts.items()) or "nothing to do"
