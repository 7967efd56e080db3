"""Sites for tests: from YAML text to a built tree in memory, with its problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from courier_compiler import checks
from courier_compiler.artefact import Artefact
from courier_compiler.build import build
from courier_compiler.host import NoHost
from courier_compiler.resolve import resolve
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.formats import gdbm
from courier_schema.report import Problem
from courier_schema.site.validate import parse_site
from courier_schema.source.includes import read_with_includes
from courier_schema.source.secrets import FileSecret, FixedSecrets

_NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
HEAD = "site: example.org\nhost: {name: mx.example.org, postmaster: anna}\n"
"""The least that a site has to say; its postmaster has no account unless the test gives her one."""
OWNED = "account_defaults: {uid: 5000, gid: 5000}\n"


@dataclass(frozen=True)
class BuiltSite:
    """The files of a site below the configuration directory, by name."""

    resolved: ResolvedSite
    files: Mapping[str, Artefact]
    problems: tuple[Problem, ...]

    def finds(self, name: str) -> list[Problem]:
        """What the checks find of one kind, of which building says nothing."""
        assert self.problems == ()
        return [problem for problem in checks.run(self.resolved, NoHost(_NOW)) if problem.id == name]

    def text(self, name: str) -> str:
        """The content of a text file."""
        return self.files[f"etc/courier/{name}"].content.decode()

    def lines(self, name: str) -> list[str]:
        """The lines of a text file."""
        return self.text(name).splitlines()

    def records(self, name: str) -> dict[str, str]:
        """The records of a database."""
        reader = gdbm.Reader(self.files[f"etc/courier/{name}"].content)
        return {key.decode(): value.decode() for key, value in reader.items()}

    def has(self, name: str) -> bool:
        """Whether the tree has a file of that name."""
        return f"etc/courier/{name}" in self.files

    @property
    def ids(self) -> list[str]:
        """The ids of the problems that building found."""
        return [problem.id for problem in self.problems]


def resolved_site(text: str) -> ResolvedSite:
    """A site in force; the text must be free of mistakes so far."""
    document = read_with_includes("site.yaml", lambda name: text, lambda pattern: [])
    assert document.problems == ()
    site, problems = parse_site(document)
    assert site is not None, problems
    resolved, problems = resolve(site, document)
    assert resolved is not None, problems
    return resolved


def built_site(text: str, secrets: Mapping[str, str] | None = None) -> BuiltSite:
    """A built site. `secrets` gives the content of the files that it names as secrets."""
    revealed = FixedSecrets({FileSecret(path): value for path, value in (secrets or {}).items()})
    resolved = resolved_site(text)
    built = build(resolved, revealed, "site.yaml")
    return BuiltSite(resolved, {artefact.path: artefact for artefact in built.artefacts}, built.problems)
