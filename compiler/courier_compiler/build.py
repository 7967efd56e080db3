"""Build: from a ResolvedSite to finished files, every one claimed by exactly one artefact module."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from courier_compiler.artefact import Artefact, ArtefactSpec, discover
from courier_compiler.context import Context
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.manifest import Entry, Manifest
from courier_schema.report import Problem
from courier_schema.source.secrets import MaskedSecrets, SecretSource

NAMED_BY_SITE: Final = frozenset({"files", "vhosts", "aliasdir", "lists", "maildroprc"})
"""Artefact modules that make files under names of the site's choice."""


@dataclass(frozen=True, slots=True)
class Build:
    """All files of one host, sorted by path, and the problems that only building could find."""

    artefacts: tuple[Artefact, ...]
    problems: tuple[Problem, ...]


def build(resolved: ResolvedSite, secrets: SecretSource, source: str) -> Build:
    """Make every file. SecretUnavailable when a secret's source does not give it."""
    return _make(Context(resolved, secrets, source), discover())


def findings(resolved: ResolvedSite) -> tuple[Problem, ...]:
    """What building would find, without secrets and without the files whose making the checks foresee."""
    specs = [spec for spec in discover() if not spec.foreseen]
    return _make(Context(resolved, MaskedSecrets(), ""), specs).problems


def _make(context: Context, specs: Iterable[ArtefactSpec]) -> Build:
    made: dict[str, tuple[Artefact, str]] = {}
    for spec in specs:
        for artefact in spec.build(context):
            if artefact.path in made:
                _note_second(context, artefact, made[artefact.path][0], (made[artefact.path][1], spec.name))
            else:
                made[artefact.path] = (artefact, spec.name)
    return Build(tuple(made[path][0] for path in sorted(made)), tuple(context.problems))


def _note_second(context: Context, second: Artefact, first: Artefact, specs: tuple[str, str]) -> None:
    """Two files of one name: the site's mistake where it names files itself, and otherwise ours."""
    pairs = ((second, specs[1]), (first, specs[0]))
    named = next((artefact for artefact, spec in pairs if spec in NAMED_BY_SITE), None)
    if named is None:
        raise AssertionError(f"the artefact modules {' and '.join(specs)} both make {first.path}")
    context.problem(
        "file-twice",
        f"/{first.path} is made by another part of the site, too",
        "remove one of the two",
        named.origins[""].path,
    )


def manifest(resolved: ResolvedSite, artefacts: tuple[Artefact, ...]) -> Manifest:
    """The commit record of a build."""
    entries = {
        artefact.path: Entry(
            artefact.sha256, f"{artefact.mode:04o}", artefact.owner, artefact.group, artefact.secret, artefact.link
        )
        for artefact in artefacts
    }
    profile = resolved.profile
    return Manifest(resolved.site.site, resolved.me, profile.name, profile.layout.values(), entries)
