"""Plan: everything between a build and the tree on disk, as one frozen value that renderers print.

The files are compared by `installed.compare` alone; here its changes are decoded. Everything is sorted once, so that
everybody sees one order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
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
from courier_compiler.applying.reload import Step, plan_reload
from courier_compiler.artefact import Artefact
from courier_compiler.planning.difference import Compared, Difference, compare_contents
from courier_compiler.planning.effects import Effect, effects_of
from courier_compiler.planning.forms import database_of
from courier_compiler.planning.guards import CUSTOMARY, Limits, guarded, refused
from courier_compiler.planning.sides import Content, Side, Sides, directories_of, name_of
from courier_compiler.planning.timing import When
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.manifest import Manifest
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
    record = tree.manifest()
    names = _names(resolved, record)
    sides = _sides(artefacts, changes, names)
    files = tuple(_file_change(sides, change, names.of(change), record, options.owners) for change in changes)
    objections = guarded(sides, resolved.mark, options.limits) if changes else ()
    return Plan(
        resolved.site.site,
        resolved.me,
        against,
        files,
        effects_of(sides) if changes else (),
        _steps(changes, files, resolved),
        objections,
        refused(objections, options.allowed),
        plan_checksum(changes),
        resolved.document.marks,
    )


def _steps(changes: Iterable[Change], files: Iterable[FileChange], resolved: ResolvedSite) -> tuple[Step, ...]:
    """Whom to tell of the files that mean something else than before."""
    daemons = {file.path: frozenset(file.live.daemons) for file in files if not file.is_same}
    return plan_reload((change for change in changes if change.path in daemons), daemons, resolved.profile).steps


@dataclass(frozen=True, slots=True)
class _Names:
    """Paths by their names in the configuration directory, which may lie elsewhere than it did."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    def of(self, change: Change) -> str:
        return name_of(change.path, self.after if change.wanted is not None else self.before)


def _names(resolved: ResolvedSite, record: Manifest | None) -> _Names:
    after = directories_of(resolved.profile.layout.values())
    return _Names(after if record is None else directories_of(record.layout), after)


def _sides(artefacts: Iterable[Artefact], changes: Iterable[Change], names: _Names) -> Sides:
    """Both trees. A file that does not change is the same object on both, and is decoded once at most."""
    wanted = {name_of(artefact.path, names.after): artefact for artefact in artefacts}
    after = {name: Content(name, artefact.content) for name, artefact in wanted.items()}
    before = dict(after)
    changed = [change for change in changes if _has_other_content(change)]
    for change in sorted(changed, key=lambda change: change.wanted is None):
        name = names.of(change)
        if change.found is not None and change.found.kind in (Kind.FILE, Kind.LINK):
            before[name] = Content(name, change.found.content)
        else:
            before.pop(name, None)
    return Sides(Side(before), Side(after), frozenset(map(names.of, changed)), wanted)


def _has_other_content(change: Change) -> bool:
    if change.found is None or change.wanted is None:
        return True
    return change.found.content != change.wanted.content or (change.found.kind is Kind.LINK) != change.wanted.link


def _file_change(sides: Sides, change: Change, name: str, record: Manifest | None, owners: bool) -> FileChange:
    secret = _is_secret(change, record)
    compared = _compared(sides, change, name, secret)
    database = database_of(name)
    return FileChange(
        change.path,
        name,
        _KINDS[type(change)],
        compared.noun,
        compared.plural,
        compared.differences,
        _permissions(change.found, change.wanted, owners),
        "; ".join(filter(None, (_hand(change), compared.note))),
        sides.when(name),
        secret,
        isinstance(change, Update | Remode) and change.foreign,
        compared.is_same,
        database if database in sides.changed else None,
    )


def _is_secret(change: Change, record: Manifest | None) -> bool:
    """Whether a file holds secrets, as we want it or as we left it."""
    entry = record.files.get(change.path) if record is not None else None
    return bool(change.wanted and change.wanted.secret) or bool(entry and entry.secret)


def _compared(sides: Sides, change: Change, name: str, secret: bool) -> Compared:
    if not _has_other_content(change):
        return Compared("entry", "entries", is_same=True)
    before = sides.before.files.get(name) if change.found is not None else None
    after = sides.after.files.get(name) if change.wanted is not None else None
    if before is None and after is None:
        return Compared("entry", "entries")
    return compare_contents(sides, before, after, secret, _is_link(change))


def _is_link(change: Change) -> bool:
    return bool(change.wanted and change.wanted.link) or bool(change.found and change.found.kind is Kind.LINK)


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
