"""Build: from a ResolvedSite to finished files, every one claimed by exactly one artefact module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from courier_compiler.artefact import Artefact, discover
from courier_compiler.context import Context
from courier_compiler.origin import RULE
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.manifest import Entry, Manifest
from courier_schema.report import Problem, SitePath
from courier_schema.source.secrets import MaskedSecrets, SecretSource

NAMED_BY_SITE: Final = frozenset({"files", "vhosts", "aliasdir", "lists", "maildroprc", "filters/active"})
"""Artefact modules that make files under names of the site's choice."""


@dataclass(frozen=True, slots=True)
class Build:
    """All files of one host, sorted by path, and the problems that only building could find: those of secrets."""

    artefacts: tuple[Artefact, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one file is to stand, the module that makes it, and the place in the site that names it."""

    path: str
    module: str
    named_at: SitePath

    @property
    def is_named_by_site(self) -> bool:
        return self.module in NAMED_BY_SITE


def build(resolved: ResolvedSite, secrets: SecretSource, source: str) -> Build:
    """Make every file. Secrets that cannot be had are problems; what the checks refuse is left out."""
    context = Context(resolved, secrets, source)
    made: dict[str, tuple[Artefact, str]] = {}
    for spec in discover():
        for artefact in spec.build(context):
            if artefact.path not in made:
                made[artefact.path] = (artefact, spec.name)
            elif NAMED_BY_SITE.isdisjoint(both := (made[artefact.path][1], spec.name)):
                raise AssertionError(f"the artefact modules {' and '.join(both)} both make {artefact.path}")
    return Build(tuple(made[path][0] for path in sorted(made)), tuple(context.problems))


def places(resolved: ResolvedSite) -> Iterator[Place]:
    """Where the files of a site that names some would stand, two of one path included. Nothing is read or revealed.

    Sites that carry no files as they are can only get their own names into each other's way.
    """
    context = Context(resolved, MaskedSecrets(), "")
    yield from (Place(context.path(name), "files", ("files", name)) for name in sorted(resolved.site.files))
    for spec in discover():
        if spec.name != "files" and (resolved.site.files or spec.name in NAMED_BY_SITE):
            yield from (Place(made.path, spec.name, _named_at(made)) for made in spec.build(context))


def _named_at(artefact: Artefact) -> SitePath:
    """Where the site names a file, or else where the first of its lines comes from."""
    reason = artefact.origins.get("") or next(iter(artefact.origins.values()), RULE)
    return reason.path


def manifest(resolved: ResolvedSite, artefacts: tuple[Artefact, ...]) -> Manifest:
    """The commit record of a build."""
    entries = {
        artefact.path: Entry(
            artefact.sha256,
            f"{artefact.mode:04o}",
            artefact.owner,
            artefact.group,
            artefact.secret,
            artefact.link,
            tuple(sorted(artefact.touches)),
        )
        for artefact in artefacts
    }
    profile = resolved.profile
    return Manifest(resolved.site.site, resolved.me, profile.name, profile.layout.values(), entries)
