"""Plan: everything between a build and the tree on disk, as one frozen value that renderers print.

The files are compared by `installed.compare` alone; here its changes are decoded. Everything is sorted once, so that
everybody sees one order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from courier_compiler.applying.installed import (
    Change,
    Create,
    Drift,
    FileState,
    Kind,
    Remode,
    Remove,
    Tree,
    Update,
    compare,
    plan_checksum,
)
from courier_compiler.applying.reload import Step
from courier_compiler.artefact import Artefact
from courier_compiler.planning.comparison import Comparison
from courier_compiler.planning.difference import Difference
from courier_compiler.planning.effects import Effect, effects_of
from courier_compiler.planning.forms import database_of
from courier_compiler.planning.guards import CUSTOMARY, Limits, guarded, refused
from courier_compiler.planning.timing import When
from courier_compiler.resolved import ResolvedSite
from courier_schema.marks import MarkMap
from courier_schema.report import Mark, Problem, SitePath

KINDS: Final = ("create", "update", "remove", "permissions", "drift")
"""What can happen to a file, in the order in which counts are told."""
_KINDS: Final[Mapping[type[Change], str]] = {
    Create: "create", Update: "update", Remove: "remove", Remode: "permissions", Drift: "drift",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that changes: how, from which permissions to which, and entry by entry.

    `drift` is a file of ours that another hand has changed, or removed; `foreign` one that was never ours. `source_of`
    names the database that the file is the source of, where that changes as well and tells the same.
    """

    path: str
    name: str
    kind: str
    noun: str
    plural: str
    differences: tuple[Difference, ...]
    by_hand: tuple[Difference, ...]
    """What another hand has changed since the last apply, where it is remembered what that left."""
    permissions: tuple[str, ...]
    note: str
    live: When
    secret: bool
    foreign: bool
    is_same: bool
    """Whether whoever reads the file is told the same as before."""
    source_of: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an apply would do to one host, and what that means."""

    site: str
    host: str
    against: str
    changes: tuple[FileChange, ...]
    effects: tuple[Effect, ...]
    steps: tuple[Step, ...]
    """The daemons that have to be told before all of that is in force."""
    objections: tuple[Problem, ...]
    """What guards object to, allowed or not."""
    refusals: tuple[Problem, ...]
    """Objections that nobody allowed."""
    checksum: str
    marks: MarkMap = field(repr=False, compare=False)

    @property
    def is_empty(self) -> bool:
        return not self.changes

    @property
    def counts(self) -> Mapping[str, int]:
        """How many files each thing happens to, in the order of KINDS; what happens to none is left out."""
        counted = Counter(change.kind for change in self.changes)
        return {kind: counted[kind] for kind in KINDS if counted[kind]}

    def mark(self, path: SitePath) -> Mark | None:
        """Where a path of the site stands in its text, or where it would."""
        return self.marks.mark(path) if path else None


@dataclass(frozen=True, slots=True)
class Options:
    """How a plan is made: whether owners of files matter, what guards let pass, and from which losses on they speak."""

    owners: bool = True
    allowed: frozenset[str] = frozenset()
    limits: Limits = CUSTOMARY


_CUSTOMARY: Final = Options()


def make_plan(
    resolved: ResolvedSite, artefacts: Collection[Artefact], tree: Tree, against: str, options: Options = _CUSTOMARY
) -> Plan:
    """The plan from the tree to the artefacts. CourierSiteError when the tree cannot be seen."""
    changes = compare(artefacts, tree, options.owners)
    comparison = Comparison.of(changes, artefacts, tree.manifest(), resolved.profile)
    sides = comparison.sides
    objections = guarded(sides, resolved.mark, options.limits) if changes else ()
    return Plan(
        resolved.site.site,
        resolved.me,
        against,
        tuple(_file_change(comparison, change, tree, options.owners) for change in changes),
        effects_of(sides) if changes else (),
        comparison.steps.steps,
        objections,
        refused(objections, options.allowed),
        plan_checksum(changes),
        resolved.document.marks,
    )


def _file_change(comparison: Comparison, change: Change, tree: Tree, owners: bool) -> FileChange:
    name, sides = comparison.name(change), comparison.sides
    compared = comparison.compared(change)
    applied = tree.applied(change.path) if isinstance(change, Drift) else None
    by_hand = comparison.by_hand(change, applied)
    database = database_of(name)
    return FileChange(
        change.path,
        name,
        _KINDS[type(change)],
        compared.noun,
        compared.plural,
        compared.differences,
        by_hand.differences if by_hand is not None else (),
        _permissions(change.found, change.wanted, owners),
        "; ".join(filter(None, (_hand(change), compared.note))),
        sides.when(name),
        comparison.is_secret(change),
        isinstance(change, Update | Remode) and change.foreign,
        compared.is_same,
        database if database in sides.changed else None,
    )


def _hand(change: Change) -> str:
    """What another hand has done."""
    if isinstance(change, Drift):
        if change.found is None:
            return "removed by hand since the last apply"
        return (
            "edited by hand since the last apply"
            if not change.found.has_content(change.entry)
            else ("given other permissions by hand since the last apply")
        )
    if change.found is not None and change.found.kind not in (Kind.FILE, Kind.LINK):
        return f"a {change.found.kind} is in the way"
    return ""


def _permissions(found: FileState | None, wanted: Artefact | None, owners: bool) -> tuple[str, ...]:
    """Mode and owners before and after, where they differ."""
    if found is None or wanted is None or wanted.link:
        return ()
    pairs = (
        ("mode", f"{found.mode:04o}", f"{wanted.mode:04o}"),
        ("owner", found.owner, wanted.owner),
        ("group", found.group, wanted.group),
    )
    return tuple(f"{what} {old} -> {new}" for what, old, new in pairs[: 3 if owners else 1] if old != new)
