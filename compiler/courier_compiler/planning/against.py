"""Against: the tree that a plan starts from: below the root of a host, in a directory that `build` made, or what
another version of the site makes, compiled here and now without secrets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from courier_compiler import pipeline
from courier_compiler.applying.installed import DirectoryTree, FileState, Kind, MemoryTree, Place, Tree
from courier_compiler.artefact import Artefact
from courier_compiler.build import build, manifest
from courier_compiler.host import HostView
from courier_schema.legacy.manifest import NAME, MalformedManifest, Manifest, load_manifest
from courier_schema.report import CourierSiteError
from courier_schema.source.loader import SITE_FILE
from courier_schema.source.secrets import MaskedSecrets


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

    def applied(self, path: str) -> bytes | None:
        return self.files.applied(path)


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


def is_site(path: Path) -> bool:
    """Whether this is a site, not a tree of files."""
    return path.is_file() or ((path / SITE_FILE).is_file() and not (path / NAME).exists())


def tree_of(site: Path, host: str | None, source: str, view: HostView) -> Tree:
    """What another version of a site makes of a host, nothing where it has no such host. Its secrets are masked.

    `source` is what the files are to call the site, `view` what its checks see of the mail host. CourierSiteError when
    that version has errors.
    """
    reading = next((one for one in pipeline.read(site) if host is None or one.host in (host, None)), None)
    if reading is None:
        return MemoryTree({})
    if pipeline.check(reading, view).is_fatal or reading.resolved is None:
        raise CourierSiteError(f"{site} has errors: run courier-compile check {site}")
    artefacts = build(reading.resolved, MaskedSecrets(), source).artefacts
    return MemoryTree({one.path: _state(one) for one in artefacts}, manifest(reading.resolved, artefacts))


def _state(artefact: Artefact) -> FileState:
    kind = Kind.LINK if artefact.link else Kind.FILE
    return FileState(artefact.content, artefact.mode, artefact.owner, artefact.group, kind)
