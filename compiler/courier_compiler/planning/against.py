"""Against: the tree on disk that a plan starts from, below the root of a host or in a directory that `build` made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from courier_compiler.applying.installed import DirectoryTree, FileState, Place, Tree
from courier_schema.legacy.manifest import NAME, MalformedManifest, Manifest, load_manifest
from courier_schema.report import CourierSiteError


@dataclass(frozen=True, slots=True)
class BuildTree:
    """A build, taken for what a host has. Its owners are those that its manifest lists: a build cannot give files
    away."""

    files: DirectoryTree
    record: Manifest

    def manifest(self) -> Manifest | None:
        return self.record

    def state(self, path: str) -> FileState | None:
        found, entry = self.files.state(path), self.record.files.get(path)
        return found if found is None or entry is None else replace(found, owner=entry.owner, group=entry.group)

    def below(self, path: str) -> Iterator[str]:
        return self.files.below(path)


def tree_at(directory: Path, sysconfdir: str) -> Tree:
    """The tree below a directory. CourierSiteError when there is no such directory, or no reading it."""
    if not directory.is_dir():
        raise CourierSiteError(f"{directory} is not a directory: name the root of a host, or a build")
    files = DirectoryTree(Place(directory, sysconfdir))
    if not (directory / NAME).is_file():
        return files
    try:
        return BuildTree(files, load_manifest((directory / NAME).read_bytes()))
    except OSError as error:
        raise CourierSiteError(f"cannot read {error.filename}: {error.strerror}") from error
    except MalformedManifest as error:
        raise CourierSiteError(f"{directory / NAME}: {error}") from error
