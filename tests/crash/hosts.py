"""A host on which every kind of change happens at once, disks that fail, and readers that trust only hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compiler.applied_hosts import FREE, everything, file, link, manifest
from courier_compiler.applying.apply import Outcome, apply
from courier_compiler.applying.durable import Disk
from courier_compiler.applying.installed import Place
from courier_compiler.artefact import Artefact
from courier_schema.legacy.manifest import Manifest, load_manifest

OLD = (
    file("me", "old.example.org\n"),
    file("stays", "the same\n"),
    file("gone", "g"),
    file("mode", "m"),
    file("text", "old"),
    file("userdb/a", "1", 0o600),
    file("userdb/deep/b", "2"),
    file("hosteddomains", "a file"),
    link("filters/active/x", "/usr/bin/old"),
    file("shared/index", "leaves an empty directory"),
)
NEW = (
    file("me", "new.example.org\n"),
    file("stays", "the same\n"),
    file("mode", "m", 0o600),
    file("text", "new"),
    file("userdb", "a file in place of a directory", 0o600),
    file("hosteddomains/site", "a directory in place of a file"),
    link("filters/active/x", "/usr/bin/new"),
    file("added", "a"),
    file("aliases/new/deep", "in new directories"),
)


@dataclass(frozen=True)
class Host:
    """One host, and the trees that its two builds make of it."""

    place: Place
    trees: Mapping[str, object]

    def put(self, build: tuple[Artefact, ...], disk: Disk | None = None) -> Outcome:
        return apply(build, manifest(*build), self.place, FREE, disk)

    @property
    def now(self) -> str | None:
        """Which of the builds the tree is, byte for byte; None when it is neither."""
        found = everything(self.place)
        return next((name for name, tree in self.trees.items() if tree == found), None)

    @property
    def seen(self) -> str | None:
        """Which of the builds a reader loads who checks every hash of the manifest; None when he refuses."""
        return seen(self.place)


def host_with_both(path: Path) -> Host:
    """A host on which OLD is in force, knowing how NEW would look."""
    other = Place(path / "other")
    apply(OLD, manifest(*OLD), other, FREE)
    old = everything(other)
    apply(NEW, manifest(*NEW), other, FREE)
    host = Host(Place(path / "host"), {"old": old, "new": everything(other)})
    host.put(OLD)
    assert host.now == "old"
    return host


def seen(place: Place) -> str | None:
    """What a careful reader loads."""
    text = place.manifest.read_bytes()
    record = load_manifest(text)
    contents = {path: _read(place.path(path)) for path in record.files}
    whole = all(_hash(contents[path]) == entry.sha256 for path, entry in record.files.items())
    if not whole or place.manifest.read_bytes() != text:
        return None
    return _name(record, contents)


def _name(record: Manifest, contents: Mapping[str, bytes | None]) -> str:
    """The build of a whole tree. AssertionError for a mixture."""
    for name, build in (("old", OLD), ("new", NEW)):
        if contents == {artefact.path: artefact.content for artefact in build}:
            assert record == manifest(*build)
            return name
    raise AssertionError(f"a reader loaded a mixture: {contents}")


def _read(path: Path) -> bytes | None:
    try:
        return os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    except OSError:
        return None


def _hash(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


class Killed(BaseException):
    """The process ends here."""


class KilledAt(Disk):
    """A disk at one of whose steps the process is killed; `steps` counts them."""

    def __init__(self, step: int | None = None) -> None:
        super().__init__(self._count)
        self.steps = 0
        self.fatal = step

    def _count(self, verb: str, path: Path) -> None:
        if self.steps == self.fatal:
            raise Killed(f"{verb} {path}")
        self.steps += 1


class FailsAt(Disk):
    """A disk one of whose steps the system refuses, and every later one, too, if the trouble `lasts`."""

    def __init__(self, step: int, code: int, lasts: bool = False) -> None:
        super().__init__(self._count)
        self.steps = 0
        self._step, self._code, self._lasts = step, code, lasts

    def _count(self, verb: str, path: Path) -> None:
        self.steps += 1
        if self.steps - 1 == self._step or (self._lasts and self.steps > self._step):
            raise OSError(self._code, os.strerror(self._code), str(path))
