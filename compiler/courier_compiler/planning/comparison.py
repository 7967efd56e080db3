"""Comparison: the changes of a host, decoded, and the daemons that have to hear of them.

What plans show and what applies tell daemons follows from here, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from courier_compiler.applying.installed import Change, Kind
from courier_compiler.applying.reload import ReloadPlan, plan_reload, starting
from courier_compiler.artefact import Artefact, Daemon, daemons_named
from courier_compiler.planning.difference import Compared, compare_contents
from courier_compiler.planning.effects._services import changed_services
from courier_compiler.planning.sides import Content, Side, Sides, directories_of, name_of
from courier_compiler.profile import Profile
from courier_schema.legacy.manifest import Manifest


@dataclass(frozen=True, slots=True)
class _Names:
    """Paths by their names in the configuration directory, which may lie elsewhere than it did."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    def of(self, change: Change) -> str:
        return name_of(change.path, self.after if change.wanted is not None else self.before)


@dataclass(frozen=True)
class Comparison:
    """Every change of a host, with both trees. `record` is the manifest of what was applied last."""

    changes: tuple[Change, ...]
    sides: Sides
    record: Manifest | None
    _names: _Names
    _compared: dict[str, Compared] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        changes: tuple[Change, ...],
        artefacts: Collection[Artefact],
        record: Manifest | None,
        profile: Profile,
        manifest: Manifest | None = None,
    ) -> Comparison:
        """The comparison for a target. What the artefacts touch is in their manifest, where they come from one."""
        after = directories_of(profile.layout.values())
        names = _Names(after if record is None else directories_of(record.layout), after)
        touches = {name_of(path, names.before): daemons for path, daemons in _recorded(record).items()}
        known = {one.path: one.touches for one in artefacts} if manifest is None else _recorded(manifest)
        for path, daemons in known.items():
            name = name_of(path, names.after)
            touches[name] = touches.get(name, frozenset()) | daemons
        return cls(changes, _sides(artefacts, changes, names, touches), record, names)

    def name(self, change: Change) -> str:
        """The name of a changed file in the configuration directory."""
        return self._names.of(change)

    def is_secret(self, change: Change) -> bool:
        """Whether a file holds secrets, as we want it or as we left it."""
        entry = self.record.files.get(change.path) if self.record is not None else None
        return bool(change.wanted and change.wanted.secret) or bool(entry and entry.secret)

    def compared(self, change: Change) -> Compared:
        """What a file says after a change that it did not say before."""
        if change.path not in self._compared:
            self._compared[change.path] = self._compare(change)
        return self._compared[change.path]

    def _compare(self, change: Change) -> Compared:
        if not has_other_content(change):
            return Compared("entry", "entries", is_same=True)
        name = self.name(change)
        before = self.sides.before.files.get(name) if change.found is not None else None
        after = self.sides.after.files.get(name) if change.wanted is not None else None
        if before is None and after is None:
            return Compared("entry", "entries")
        return compare_contents(self.sides, before, after, self.is_secret(change), _is_link(change))

    def by_hand(self, change: Change, applied: bytes | None) -> Compared | None:
        """What another hand has made of a file since the last apply; None where that is not known."""
        name = self.name(change)
        if applied is None or (change.found is not None and change.found.kind not in (Kind.FILE, Kind.LINK)):
            return None
        found = None if change.found is None else Content(name, change.found.content)
        if found is not None and found.data == applied:
            return None
        is_link = change.found is not None and change.found.kind is Kind.LINK
        return compare_contents(self.sides, Content(name, applied), found, self.is_secret(change), is_link)

    @property
    def steps(self) -> ReloadPlan:
        """The daemons that have to hear of the changes: of files that mean something else than before."""
        reasons: dict[Daemon, list[str]] = {}
        stopped: set[Daemon] = set()
        for change in self.changes:
            name = self.name(change)
            daemons = self.sides.when(name).daemons
            if daemons and not self.compared(change).is_same:
                stopped |= starting(name)
                for daemon in daemons:
                    reasons.setdefault(daemon, []).append(change.path)
        opened, closed = self._switched()
        return plan_reload(reasons, stopped, opened, closed)

    def _switched(self) -> tuple[set[Daemon], set[Daemon]]:
        """The listeners that are newly wanted, and those that are wanted no longer."""
        opened, closed = set[Daemon](), set[Daemon]()
        for service in changed_services(self.sides):
            was, will_be = service.is_open(self.sides.before), service.is_open(self.sides.after)
            if was is not will_be:
                (opened if will_be else closed).add(service.daemon)
        return opened, closed


def has_other_content(change: Change) -> bool:
    """Whether more than mode and owners of a file changes."""
    if change.found is None or change.wanted is None:
        return True
    return change.found.content != change.wanted.content or (change.found.kind is Kind.LINK) != change.wanted.link


def _recorded(manifest: Manifest | None) -> Mapping[str, frozenset[Daemon]]:
    """Path to the daemons that keep what they read of it, where the manifest says."""
    files = manifest.files if manifest is not None else {}
    return {path: daemons_named(entry.touches) for path, entry in files.items() if entry.touches is not None}


def _sides(
    artefacts: Iterable[Artefact],
    changes: Iterable[Change],
    names: _Names,
    touches: Mapping[str, frozenset[Daemon]],
) -> Sides:
    """Both trees. A file that does not change is the same object on both, and is decoded once at most."""
    wanted = {name_of(artefact.path, names.after): artefact for artefact in artefacts}
    after = {name: Content(name, artefact.content) for name, artefact in wanted.items()}
    before = dict(after)
    changed = [change for change in changes if has_other_content(change)]
    for change in sorted(changed, key=lambda change: change.wanted is None):
        name = names.of(change)
        if change.found is not None and change.found.kind in (Kind.FILE, Kind.LINK):
            before[name] = Content(name, change.found.content)
        else:
            before.pop(name, None)
    return Sides(Side(before), Side(after), frozenset(map(names.of, changed)), wanted, touches)


def _is_link(change: Change) -> bool:
    return bool(change.wanted and change.wanted.link) or bool(change.found and change.found.kind is Kind.LINK)
