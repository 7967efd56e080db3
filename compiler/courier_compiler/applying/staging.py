"""Staging: all that a change of a host will move into place, written and synchronised; nothing has changed yet."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from courier_compiler.applying import generations
from courier_compiler.applying.accounts import Accounts
from courier_compiler.applying.durable import Disk, Owner, same_mount
from courier_compiler.applying.generations import KEEP, Generation, InForce, Pending
from courier_compiler.applying.installed import (
    Change,
    DirectoryTree,
    Drift,
    Kind,
    Place,
    ancestors,
    compare,
    entry_of,
    is_foreign,
)
from courier_compiler.applying.journal import Directory, Journal, Move, note_elsewhere, stage_path, sweep
from courier_compiler.applying.reload import after
from courier_compiler.artefact import Artefact
from courier_compiler.planning.comparison import Comparison
from courier_compiler.planning.guards import CUSTOMARY, Limits
from courier_compiler.profile import Permissions, Profile, customised, load_profile
from courier_schema.legacy.manifest import NAME, Manifest
from courier_schema.report import CourierSiteError

_STATE_MODE: Final = 0o750
_MANIFEST_MODE: Final = 0o640  # hashes tell whoever can guess a short secret that he was right


@dataclass(frozen=True, slots=True)
class Options:
    """What an apply may do. `adopt` are paths of files of others that may be replaced."""

    owners: bool = True
    adopt: frozenset[str] = frozenset()
    adopt_all: bool = False
    overwrite_drift: bool = False
    checksum: str | None = None
    keep: int = KEEP
    confirm: float | None = None
    """Seconds within which the new generation has to be confirmed."""
    reload: bool = False
    """Whether daemons are told when an unconfirmed generation is taken back."""
    allowed: frozenset[str] = frozenset()
    """What guards let pass."""
    limits: Limits = CUSTOMARY
    """From which losses on guards speak."""


@dataclass(frozen=True)
class Work:
    """One change of a host: what is wanted, and by which number it is kept where it was in force before."""

    artefacts: tuple[Artefact, ...]
    manifest: Manifest
    place: Place
    options: Options
    disk: Disk
    number: int | None = None

    @property
    def accounts(self) -> Accounts | None:
        """Names of owners, where owners are kept."""
        return Accounts.of(self.place.root) if self.options.owners else None

    @cached_property
    def tree(self) -> DirectoryTree:
        return DirectoryTree(self.place)

    @cached_property
    def record(self) -> Manifest | None:
        """The manifest in force."""
        return self.tree.manifest()

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        return compare(self.artefacts, self.tree, self.options.owners)

    @cached_property
    def comparison(self) -> Comparison:
        return Comparison.of(self.changes, self.artefacts, self.record, target(self.manifest), self.manifest)

    @property
    def overwrites(self) -> bool:
        """Whether something is lost that no kept generation has."""
        return self.record is None or any(isinstance(change, Drift) or is_foreign(change) for change in self.changes)

    def owner(self, user: str, group: str) -> Owner | None:
        return self.accounts.owner(user, group) if self.accounts is not None else None


def make_state(work: Work) -> None:
    """Our directory, which the mail system may enter to see which generation is in force."""
    state, disk = work.place.state, work.disk
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        disk.mkdir(state, _STATE_MODE, work.owner("root", _mail_group(work)))
        generations.make_store(work.place, disk)
        disk.synchronise(state)
        disk.synchronise(state.parent)
    except OSError as error:
        raise CourierSiteError(f"cannot make {state}: {error.strerror}; nothing has changed") from error


def _mail_group(work: Work) -> str:
    """The group of the mail system, where this host has it."""
    group = work.manifest.layout.get("mailgroup", "root")
    return group if work.accounts is None or work.accounts.gid(group) is not None else "root"


def stage(work: Work, current: InForce) -> tuple[Journal, InForce, int]:
    """Write everything that will be moved into place; the journal that moves it, what is in force then, and the
    generation before."""
    place, disk = work.place, work.disk
    sweep(place, disk)
    disk.mkdir(stage_path(place))
    records, number, back_to = _stage_generations(work, current)
    directories, emptied = _directories(work, current)
    files = _stage_files(work)
    options = work.options
    pending = None
    if options.confirm is not None:
        pending = Pending(time.time() + options.confirm, back_to, options.reload, options.owners)
    made = {*current.directories, *(directory.path for directory in directories)} - {*emptied}
    untold = after(current.untold, work.comparison.steps.steps).steps
    installed = InForce(number, tuple(sorted(made)), pending, untold)
    records.append(generations.stage_in_force(place, installed, disk))
    owner = work.owner("root", _mail_group(work))
    disk.write(stage_path(place) / NAME, work.manifest.dump(), _MANIFEST_MODE, owner)
    removals = tuple(change.path for change in work.changes if change.wanted is None)
    journal = Journal(work.manifest.generation, tuple(records), tuple(directories), files, removals, emptied)
    return journal, installed, back_to


def _stage_generations(work: Work, current: InForce) -> tuple[list[Move], int, int]:
    """Keep what will be in force, and what is there now if nothing else remembers it; both numbers."""
    number = generations.next_number(work.place)
    back_to = current.number
    moves: list[Move] = []
    if work.overwrites:
        found = tuple(_found(work))
        record = _manifest_of(work, found)
        moves.append(
            _stage_generation(work, generations.named(work.place, number, record, True), record, found, back_to)
        )
        back_to, number = number, number + 1
    if work.number is not None:
        return moves, work.number, back_to
    generation = generations.named(work.place, number, work.manifest)
    moves.append(_stage_generation(work, generation, work.manifest, work.artefacts, back_to))
    return moves, number, back_to


def _stage_generation(
    work: Work, generation: Generation, manifest: Manifest, artefacts: tuple[Artefact, ...], previous: int
) -> Move:
    return generations.stage_generation(work.place, generation, manifest, artefacts, work.accounts, previous, work.disk)


def _found(work: Work) -> Iterator[Artefact]:
    """What stands now at every path that is ours or will be."""
    wanted = {artefact.path: artefact for artefact in work.artefacts}
    owned = work.record.files if work.record is not None else {}
    for path in sorted(wanted.keys() | owned.keys()):
        state = work.tree.state(path)
        if state is not None and state.kind in (Kind.FILE, Kind.LINK):
            secret = (path in wanted and wanted[path].secret) or (path in owned and owned[path].secret)
            touches = wanted[path].touches if path in wanted else frozenset()
            link = state.kind is Kind.LINK
            yield Artefact(path, state.content, state.mode, state.owner, state.group, secret, link, touches=touches)


def _manifest_of(work: Work, artefacts: Iterable[Artefact]) -> Manifest:
    about = work.record or work.manifest
    files = {artefact.path: entry_of(artefact) for artefact in artefacts}
    return Manifest(about.site, about.host, about.profile, about.layout, files)


def _stage_files(work: Work) -> tuple[Move, ...]:
    """Every file that has to change, complete, with its owner and mode."""
    wanted = [change.wanted for change in work.changes if change.wanted is not None]
    moves = [(artefact, _staged(work, number, artefact.path)) for number, artefact in enumerate(wanted)]
    elsewhere = [path for _, path in moves if not work.place.path(path).is_relative_to(stage_path(work.place))]
    if elsewhere:
        note_elsewhere(work.place, elsewhere, work.disk)
    for artefact, path in moves:
        owner = work.owner(artefact.owner, artefact.group)
        if artefact.link:
            work.disk.symlink(work.place.path(path), artefact.content, owner)
        else:
            work.disk.write(work.place.path(path), artefact.content, artefact.mode, owner)
    for directory in sorted({work.place.path(path).parent for path in elsewhere}):
        work.disk.synchronise(directory)
    return tuple(Move(path, artefact.path) for artefact, path in moves)


def _staged(work: Work, number: int, path: str) -> str:
    """Where a file is staged: with the others, or on the file system that it goes to if that is another one."""
    stage = stage_path(work.place)
    directory = next(parent for parent in work.place.path(path).parents if parent.is_dir())
    if same_mount(stage, directory):
        return work.place.name(stage / f"{number:05d}")
    return work.place.name(directory / f".courier-site-{sha256(path.encode()).hexdigest()[:16]}")


def _directories(work: Work, current: InForce) -> tuple[list[Directory], tuple[str, ...]]:
    """Directories to make, parents first, and those to remove when they are empty, children first."""
    wanted = [change.path for change in work.changes if change.wanted is not None]
    needed = {above for artefact in work.artefacts for above in ancestors(artefact.path)}
    missing = sorted({above for path in wanted for above in ancestors(path) if not work.place.path(above).is_dir()})
    permissions = directory_permissions(work.manifest)
    directories = [_directory(work, path, permissions(path)) for path in missing]
    idle = {path for path in current.directories if path not in needed}
    vacated = {name for path in wanted for name in _inside(work.place, path)}
    return directories, tuple(sorted(idle | vacated, reverse=True))


def _directory(work: Work, path: str, permissions: Permissions) -> Directory:
    owner = work.owner(permissions.owner, permissions.group)
    mode = int(permissions.mode, 8)
    return Directory(path, mode) if owner is None else Directory(path, mode, owner.uid, owner.gid)


def _inside(place: Place, path: str) -> Iterator[str]:
    """The directories that a file will stand in place of."""
    if place.path(path).is_dir() and not place.path(path).is_symlink():
        for directory, _, _ in os.walk(place.path(path)):
            yield place.name(Path(directory))


def directory_permissions(manifest: Manifest) -> Callable[[str], Permissions]:
    """The habits of the target for the directories of a host."""
    profile = target(manifest)
    layout = profile.layout

    def permissions(path: str) -> Permissions:
        for top in (layout.sysconfdir, layout.authdir):
            if f"/{path}".startswith(f"{top}/"):
                return profile.permissions(f"/{path}"[len(top) + 1 :] + "/")
        return Permissions("0755", "root", "root")

    return permissions


def target(manifest: Manifest) -> Profile:
    """The profile that a manifest's host was compiled for. CourierSiteError when this release does not know it."""
    try:
        return customised(load_profile(manifest.profile), manifest.layout)
    except ValueError as error:
        raise CourierSiteError(f"the build is for another release of courier-compile: {error}") from error
