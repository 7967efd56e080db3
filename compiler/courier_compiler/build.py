"""Build: from a ResolvedSite to finished files, every one claimed by exactly one artefact module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from courier_compiler.artefact import Artefact, ArtefactSpec, discover
from courier_compiler.context import Context
from courier_compiler.origin import RULE
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.manifest import Entry, Manifest
from courier_schema.report import Problem, SitePath
from courier_schema.source.secrets import MaskedSecrets, SecretSource

NAMED_BY_SITE: Final = frozenset({"files", "vhosts", "aliasdir", "lists", "maildroprc"})
"""Artefact modules that make files under names of the site's choice."""

_NAME_BYTES: Final = 255  # NAME_MAX of Linux, in limits.h
_NAME_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Build:
    """All files of one host, sorted by path, and the problems that only building could find."""

    artefacts: tuple[Artefact, ...]
    problems: tuple[Problem, ...]


def build(resolved: ResolvedSite, secrets: SecretSource, source: str) -> Build:
    """Make every file. Secrets that cannot be had are problems."""
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
    _refuse_names(context, made)
    return Build(tuple(made[path][0] for path in sorted(made)), tuple(context.problems))


def _refuse_names(context: Context, made: Mapping[str, tuple[Artefact, str]]) -> None:
    """Names that no file system can hold: below a file, or too long."""
    for path, (artefact, spec) in made.items():
        if any(len(part.encode(errors="surrogateescape")) > _NAME_BYTES for part in path.split("/")):
            says = f"/{path[:_NAME_SHOWN]}... has a part of more than {_NAME_BYTES} bytes, which no file can be called"
            context.problem("file-name-long", says, "choose a shorter name", _named_at(artefact))
        parents = map(str, PurePosixPath(path).parents)
        above = next((parent for parent in parents if parent in made), None)
        if above is not None:
            named = artefact if spec in NAMED_BY_SITE else made[above][0]
            says = f"/{path} would lie below /{above}, which is a file itself"
            context.problem("file-below-file", says, "rename one of the two", _named_at(named))


def _named_at(artefact: Artefact) -> SitePath:
    """Where the site names a file, or else where the first of its lines comes from."""
    reason = artefact.origins.get("") or next(iter(artefact.origins.values()), RULE)
    return reason.path


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
