"""Sites as short texts, and what is in force for them: the common ground of the tests of derivations."""

from __future__ import annotations

from collections.abc import Mapping

from courier_compiler.build import Build, build
from courier_compiler.origin import Kind
from courier_compiler.resolve import resolve
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.table import rows_by_attribute
from courier_schema.report import Problem
from courier_schema.site.validate import parse_site
from courier_schema.source.document import Document
from courier_schema.source.includes import read_with_includes
from courier_schema.source.secrets import FileSecret, FixedSecrets, SecretRef

UNSET = "(not assigned)"

_HEAD = "site: example.org\n"
_HOST = "host: {name: mx.example.org}\n"


def document(text: str) -> Document:
    """A site's text, which need not repeat what every site has."""
    head = "" if "site:" in text.split() else _HEAD
    whole = head + ("" if text.startswith("host:") or "\nhost:" in text else _HOST) + text
    found = read_with_includes("site.yaml", lambda name: whole, lambda pattern: [])
    assert not found.problems, found.problems
    return found


def understand(text: str) -> tuple[ResolvedSite, list[Problem]]:
    """A site in force, and the problems of resolving it."""
    tree = document(text)
    site, problems = parse_site(tree)
    assert site is not None, list(map(str, problems))
    resolved, problems = resolve(site, tree)
    assert resolved is not None, list(map(str, problems))
    return resolved, problems


def in_force(text: str) -> ResolvedSite:
    """A site in force that has no mistakes in it."""
    resolved, problems = understand(text)
    assert not problems, list(map(str, problems))
    return resolved


def decided(resolved: ResolvedSite, file: str) -> dict[str, str]:
    """What a site decides about a file, in Courier's spelling, by Courier's name."""
    settings = resolved.settings[file]
    known = rows_by_attribute(type(settings.table))
    texts = {name: variable.value for name, variable in settings.variables.items()}
    for attribute, origin in settings.origins.items():
        if origin.kind in {Kind.DERIVED, Kind.SAID}:
            value, row = getattr(settings.table, attribute), known[attribute]
            texts[row.name] = UNSET if value is None else row.codec.encode(value)
    return texts


def said_of(text: str, file: str, *names: str) -> dict[str, str | None]:
    """What a site decides about some settings of a file; None where it decides nothing."""
    found = decided(in_force(text), file)
    return {name: found.get(name) for name in names}


def ids(problems: list[Problem]) -> list[str]:
    """The kinds of problems."""
    return [problem.id for problem in problems]


def built(text: str, secrets: Mapping[str, str] | None = None) -> Build:
    """All files of a site. Secrets are written out in it, or are those of `secrets` by the name of their file."""
    known: dict[SecretRef, str] = {FileSecret(name): value for name, value in (secrets or {}).items()}
    return build(understand(text)[0], FixedSecrets(known), "site.yaml")


def files(text: str, secrets: Mapping[str, str] | None = None) -> dict[str, str]:
    """The text files of a site by their names in the configuration directory."""
    return {
        artefact.path.removeprefix("etc/courier/"): artefact.content.decode()
        for artefact in built(text, secrets).artefacts
        if not artefact.path.endswith(".dat")
    }
