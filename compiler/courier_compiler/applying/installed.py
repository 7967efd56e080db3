"""Installed: what a mail host has on disk, and how that differs from what a build wants there.

The comparison is pure: a tree is asked, nothing is written. A file that the last manifest lists is ours; one that
differs from it was changed by another hand, and one that it does not list is somebody else's.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from courier_compiler.applying.accounts import Accounts
from courier_compiler.artefact import Artefact
from courier_schema.legacy.manifest import NAME, Entry, MalformedManifest, Manifest, load_manifest
from courier_schema.report import CourierSiteError

STATE: Final = ".courier-site"
"""Directory of our records. It lies in the configuration directory: no program of Courier reads names there that it
does not know, and one rename can move a file from it into place."""


@dataclass(frozen=True, slots=True)
class Place:
    """One mail host on this machine: its root, and the configuration directory as the host calls it."""

    root: Path = Path("/")
    sysconfdir: str = "/etc/courier"

    def path(self, name: str) -> Path:
        """Where a path of the host is on this machine."""
        return self.root / name.lstrip("/")

    @property
    def state(self) -> Path:
        """Our records."""
        return self.path(self.sysconfdir) / STATE

    @property
    def manifest(self) -> Path:
        """The commit record."""
        return self.state / NAME

    @property
    def generations(self) -> Path:
        """The trees that were in force, each in a directory whose name ends in the id of its manifest."""
        return self.state / "generations"

    def name(self, path: Path) -> str:
        """What the host calls a path of this machine, as artefacts do."""
        return str(path.relative_to(self.root))


class Kind(StrEnum):
    """What stands at a path. Only files and links can be ours."""

    FILE = "file"
    LINK = "symbolic link"
    DIRECTORY = "directory"
    OTHER = "special file"


@dataclass(frozen=True, slots=True)
class FileState:
    """What stands at a path now: content (of a link: its target), permission bits and owners by name.

    An owner without a name is given by number.
    """

    content: bytes
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    kind: Kind = Kind.FILE

    def agrees(self, entry: Entry, owners: bool = True) -> bool:
        """Whether this is the file that a manifest lists; `owners` tells if those matter."""
        return self.has_content(entry) and self.has_permissions(entry, owners)

    def has_content(self, entry: Entry) -> bool:
        if self.kind is not (Kind.LINK if entry.link else Kind.FILE):
            return False
        return hashlib.sha256(self.content).hexdigest() == entry.sha256

    def has_permissions(self, entry: Entry, owners: bool = True) -> bool:
        if owners and (self.owner, self.group) != (entry.owner, entry.group):
            return False
        return self.kind is Kind.LINK or self.mode == int(entry.mode, 8)


class Tree(Protocol):
    """What is on disk below the root of a mail host. CourierSiteError when it cannot be seen."""

    def manifest(self) -> Manifest | None:
        """The commit record of what was applied last."""
        ...

    def state(self, path: str) -> FileState | None:
        """What stands at a path, None when nothing does."""
        ...

    def below(self, path: str) -> Iterator[str]:
        """Paths of everything but directories below a directory, sorted."""
        ...

    def applied(self, path: str) -> bytes | None:
        """The content of a file, or the target of a link, as the last apply left it; None where nobody kept that."""
        ...


@dataclass(frozen=True, slots=True)
class MemoryTree:
    """A tree that is given."""

    files: Mapping[str, FileState]
    record: Manifest | None = None
    kept: Mapping[str, bytes] = field(default_factory=dict)

    def manifest(self) -> Manifest | None:
        return self.record

    def state(self, path: str) -> FileState | None:
        if path in self.files:
            return self.files[path]
        return FileState(b"", 0o755, kind=Kind.DIRECTORY) if any(self.below(path)) else None

    def below(self, path: str) -> Iterator[str]:
        return (name for name in sorted(self.files) if name.startswith(f"{path}/"))

    def applied(self, path: str) -> bytes | None:
        return self.kept.get(path)


@dataclass(frozen=True, slots=True)
class DirectoryTree:
    """The tree of a mail host on this machine."""

    place: Place

    def manifest(self) -> Manifest | None:
        try:
            return load_manifest(self.place.manifest.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except MalformedManifest as error:
            raise CourierSiteError(f"{self.place.manifest}: {error}") from error
        except OSError as error:
            raise CourierSiteError(f"cannot read {error.filename}: {error.strerror}") from error

    def state(self, path: str) -> FileState | None:
        place = self.place.path(path)
        try:
            status = place.lstat()
            kind = _kind(status.st_mode)
            content = _content(place, kind)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise CourierSiteError(f"cannot read {place}: {error.strerror}") from error
        accounts = Accounts.of(self.place.root)
        mode = 0o777 if kind is Kind.LINK else stat.S_IMODE(status.st_mode)
        return FileState(content, mode, accounts.user(status.st_uid), accounts.group(status.st_gid), kind)

    def below(self, path: str) -> Iterator[str]:
        top = self.place.path(path)
        found = (
            Path(directory, name)
            for directory, directories, names in os.walk(top)
            for name in (*names, *(name for name in directories if Path(directory, name).is_symlink()))
        )
        return iter(sorted(self.place.name(one) for one in found))

    def applied(self, path: str) -> bytes | None:
        record = self.manifest()
        if record is None or path not in record.files:
            return None
        entry = record.files[path]
        for generation in self.place.generations.glob(f"*-{record.generation}"):
            try:
                content = _content(generation / path, Kind.LINK if entry.link else Kind.FILE)
            except OSError:
                continue
            if hashlib.sha256(content).hexdigest() == entry.sha256:
                return content
        return None


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISLNK(mode):
        return Kind.LINK
    return Kind.DIRECTORY if stat.S_ISDIR(mode) else Kind.OTHER


def _content(path: Path, kind: Kind) -> bytes:
    if kind is Kind.FILE:
        return path.read_bytes()
    return os.fsencode(path.readlink()) if kind is Kind.LINK else b""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference at one path: what stands there, and what the build wants there."""

    path: str
    found: FileState | None
    wanted: Artefact | None


@dataclass(frozen=True, slots=True)
class Create(Change):
    """Nothing stands where a file is wanted."""

    found: None
    wanted: Artefact


@dataclass(frozen=True, slots=True)
class Update(Change):
    """Another content is wanted. A `foreign` file is not ours so far."""

    found: FileState
    wanted: Artefact
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Remode(Change):
    """Only mode or owners differ. A `foreign` file is not ours so far."""

    found: FileState
    wanted: Artefact
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Remove(Change):
    """A file of ours is wanted no longer."""

    found: FileState
    wanted: None


@dataclass(frozen=True, slots=True)
class Drift(Change):
    """A file of ours is not as we left it: changed, or gone (`found` is None). `entry` is how we left it.

    Overwritten, it becomes what is wanted, or is removed when nothing is.
    """

    entry: Entry


def is_foreign(change: Change) -> bool:
    """Whether a change is about a file that is not ours so far."""
    return isinstance(change, Update | Remode) and change.foreign


def entry_of(artefact: Artefact) -> Entry:
    """How a manifest lists an artefact."""
    mode = f"{artefact.mode:04o}"
    touches = tuple(sorted(artefact.touches))
    return Entry(artefact.sha256, mode, artefact.owner, artefact.group, artefact.secret, artefact.link, touches)


def compare(artefacts: Iterable[Artefact], tree: Tree, owners: bool = True) -> tuple[Change, ...]:
    """What has to change at which path, sorted by path; `owners` tells if those matter.

    A file that is already as wanted is no change, whoever made it so, and is ours from the next manifest on.
    """
    wanted = {artefact.path: artefact for artefact in artefacts}
    record = tree.manifest()
    owned = record.files if record is not None else {}
    leaving = owned.keys() - wanted.keys()
    changes: list[Change] = []
    for path in sorted(wanted.keys() | owned.keys()):
        found = tree.state(path)
        if found is not None and found.kind is Kind.DIRECTORY and path not in owned and _vacated(path, tree, leaving):
            found = None
        change = _change(path, found, wanted.get(path), owned.get(path), owners)
        if change is not None:
            changes.append(change)
    return tuple(changes)


def _vacated(path: str, tree: Tree, leaving: Iterable[str]) -> bool:
    """Whether a directory holds files, and only such as are about to leave it."""
    inside = set(tree.below(path))
    return bool(inside) and inside <= set(leaving)


def _change(
    path: str, found: FileState | None, wanted: Artefact | None, entry: Entry | None, owners: bool
) -> Change | None:
    if found is None and wanted is None:
        return None
    if found is not None and wanted is not None and found.agrees(entry_of(wanted), owners):
        return None
    if entry is not None and (found is None or not found.agrees(entry, owners)):
        return Drift(path, found, wanted, entry)
    if found is None:
        assert wanted is not None, "nothing found and nothing wanted is no change"
        return Create(path, found, wanted)
    if wanted is None:
        return Remove(path, found, wanted)
    kind = Remode if found.has_content(entry_of(wanted)) else Update
    return kind(path, found, wanted, foreign=entry is None)


def plan_checksum(changes: Iterable[Change]) -> str:
    """A name for exactly these changes: kinds, paths, whose files, hashes, modes and owners before and after."""
    facts = [
        (type(change).__name__, is_foreign(change), change.path, _facts(change.found), _wanted_facts(change.wanted))
        for change in changes
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _facts(state: FileState | None) -> tuple[str, ...]:
    if state is None:
        return ()
    digest = hashlib.sha256(state.content).hexdigest()
    return (state.kind, digest, f"{state.mode:04o}", state.owner, state.group)


def _wanted_facts(artefact: Artefact | None) -> tuple[str, ...]:
    if artefact is None:
        return ()
    kind = Kind.LINK if artefact.link else Kind.FILE
    return (kind, artefact.sha256, f"{artefact.mode:04o}", artefact.owner, artefact.group)


def ancestors(path: str) -> Iterator[str]:
    """Directories of the host that a path lies in, nearest first, without the root."""
    return (str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")
