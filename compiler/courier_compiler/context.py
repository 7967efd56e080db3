"""Context: the verbs with which artefact modules make files: text, one_line, lines, database, link, and problem.

The modules decide what stands in a file; how its format spells that, who owns it, and where its bytes go is decided
here. Files are read here only where a site carries them as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Final

from courier_compiler.artefact import Artefact, Daemon
from courier_compiler.carried import read_carried, unreadable
from courier_compiler.domain_lists import local_entries
from courier_compiler.names import Names
from courier_compiler.origin import RULE, Kind, Origin
from courier_compiler.profile import Permissions, Profile, version
from courier_compiler.resolved import ResolvedSite
from courier_compiler.secret_uses import secret_places, secret_reference, unavailable
from courier_schema.legacy.formats import berkeley, gdbm
from courier_schema.legacy.formats.domains import Locality
from courier_schema.report import Problem, Severity, SitePath
from courier_schema.site.base import Secret
from courier_schema.site.root import Site
from courier_schema.source.secrets import MASK, SecretSource, SecretUnavailable
from courier_templates import render
from courier_templates.contexts import OneLine, TextList

_BREAK: Final = re.compile(r"[\r\n]")
_CHECKED: Final = frozenset({
    "alias-bad-address", "alias-default-domain-encoded", "alias-empty", "alias-loop", "alias-other-local-domain",
    "alias-program-name", "alias-recipient-lost", "alias-virtual-domain-address", "alias-virtual-domain-catch-all",
    "alias-virtual-domain-elsewhere", "alias-virtual-domain-list", "hosted-short-target",
})  # fmt: skip
"""Mistakes in generated texts that come from mistakes which the checks find."""
HOST_NAME = "*"
"""Stands for the system's own host name, which a compiler cannot know; no domain has this name."""


class Guard(Enum):
    """Who may read a file, where that is not left to the habits of the target."""

    WORLD = "world"
    """Everybody: 0644 root:root."""
    MAIL = "mail"
    """The mail system: 0640 root and the mail group."""
    ROOT = "root"
    """Only root: 0600."""
    MAIL_OWNER = "mail-owner"
    """Only the mail user: 0600."""


@dataclass(frozen=True)
class Context:
    """One host being built."""

    resolved: ResolvedSite
    secrets: SecretSource
    source: str
    """How the site is called in the banners of files."""
    problems: list[Problem] = field(default_factory=list)
    """What only building could find; grows while artefact modules run."""

    @property
    def site(self) -> Site:
        return self.resolved.site

    @property
    def profile(self) -> Profile:
        return self.resolved.profile

    @property
    def release(self) -> tuple[int, ...]:
        """The target's release of Courier."""
        return version(self.profile.courier)

    @property
    def is_debian(self) -> bool:
        """Whether the target is a Debian package, which knows maildrop and PAM as packages of their own."""
        return self.profile.name.startswith("debian-")

    @cached_property
    def names(self) -> Names:
        """The domains of this host."""
        return Names.of(self.resolved)

    @cached_property
    def locality(self) -> Locality:
        """What the control files of this host say about its names, as the programs will read them."""
        control = self.control
        files = {
            name: str(value).encode()
            for name in ("me", "defaultdomain")
            if (value := control.get(name, getattr(self.resolved, _OWN_NAMES[name]))) is not None
        }
        files["locals"] = "\n".join(local_entries(self.names)).encode()
        if self.resolved.folds_case:
            files["locallowercase"] = b""
        return Locality.from_files(files, HOST_NAME)

    @property
    def control(self) -> Mapping[str, object]:
        """The control files of one value that this host has, with their values."""
        settings = self.resolved.settings.get("control")
        return settings.table.said() if settings else {}

    def path(self, name: str) -> str:
        """A file of the configuration directory as an artefact's path; names that start with a slash are whole."""
        return (name if name.startswith("/") else f"{self.profile.layout.sysconfdir}/{name}").lstrip("/")

    def dot_file(self, extension: str) -> str:
        """Name of a file of delivery instructions for an extension of an address."""
        return f".{self.resolved.dot_extension}-{extension}"

    @property
    def dot_origin(self) -> Origin:
        """Why such files are called so."""
        settings = self.resolved.settings.get("control")
        return settings.origin("dotextension") if settings else Origin(Kind.UPSTREAM)

    def auth_name(self, name: str) -> str:
        """The name for a file of the authentication library's directory."""
        layout = self.profile.layout
        return name if layout.authdir == layout.sysconfdir else f"{layout.authdir}/{name}"

    @cached_property
    def _secret_places(self) -> Mapping[int, SitePath]:
        return secret_places(self.resolved)

    def reveal(self, secret: Secret, lines: bool = False) -> str:
        """A secret's text, which may have several lines only where it says so.

        A secret that cannot be had or used is a problem, and a mask stands for it.
        """
        try:
            text = self.secrets.reveal(secret_reference(secret))
        except SecretUnavailable as error:
            self.problems.append(unavailable(self.resolved, self._secret_places.get(id(secret), ()), error))
            return MASK
        if lines or not _BREAK.search(text):
            return text
        self.problem(
            "unusable-secret",
            "the secret has a line break inside, and a password is one line",
            "keep only the password there, without further lines",
            self._secret_places.get(id(secret), ()),
        )
        return MASK

    def carried(self, name: str, path: SitePath) -> bytes:
        """A file that the site carries, by its name relative to the site. What cannot be read is a problem."""
        try:
            return read_carried(self.resolved, name)
        except (OSError, ValueError) as error:
            self.problems.append(unreadable(self.resolved, name, path, error))
            return b""

    def problem(self, kind: str, says: str, remedy: str, path: SitePath, severity: Severity = Severity.ERROR) -> None:
        """Note a mistake at a place of the site."""
        self.problems.append(Problem(kind, says, remedy, self.resolved.mark(path), path, severity))

    def adopt(self, problems: Iterable[Problem], reasons: Mapping[str, Sequence[Origin]]) -> None:
        """Take over problems of generated texts, each at the place of the site that its line came from.

        What the checks find in the site itself, and tell in its words, is left to them.
        `reasons` gives for each text, by the name that the problems cite, the reason of every line.
        """
        for problem in (problem for problem in problems if problem.id not in _CHECKED):
            lines = reasons.get(problem.mark.file, ()) if problem.mark else ()
            path = lines[problem.mark.line - 1].path if problem.mark and lines else ()
            self.problems.append(replace(problem, mark=self.resolved.mark(path) if path else None, path=path))

    def text(
        self,
        name: str,
        content: str | bytes,
        origins: Mapping[str, Origin] | Origin = RULE,
        guard: Guard | None = None,
        touches: Iterable[Daemon] = (),
        secret: bool = False,
    ) -> Artefact:
        """A file of the configuration directory with finished content.

        Without a guard it gets the permissions that the target's package gives to a file of that name.
        """
        allowed = self.permissions(name, guard)
        data = content.encode(errors="surrogateescape") if isinstance(content, str) else content
        reasons = {"": origins} if isinstance(origins, Origin) else origins
        return Artefact(
            self.path(name),
            data,
            int(allowed.mode, 8),
            allowed.owner,
            allowed.group,
            secret,
            origins=reasons,
            touches=frozenset(touches),
        )

    def one_line(self, name: str, value: object, origin: Origin = RULE, touches: Iterable[Daemon] = ()) -> Artefact:
        """A control file of one line."""
        return self.text(name, render(OneLine(str(value))), origin, touches=touches)

    def lines(
        self,
        name: str,
        lines: Mapping[str, Origin],
        guard: Guard | None = None,
        touches: Iterable[Daemon] = (),
        secret: bool = False,
    ) -> Artefact:
        """A list, one entry a line, each with its reason. No comments: several readers take them for entries."""
        return self.text(name, render(TextList(tuple(lines))), lines, guard, touches, secret)

    def database(
        self,
        name: str,
        records: Mapping[bytes, bytes],
        origins: Mapping[str, Origin] | Origin,
        guard: Guard | None = None,
        touches: Iterable[Daemon] = (),
        secret: bool = False,
    ) -> Artefact:
        """A compiled database in the target's format. `origins` goes by the keys of the records."""
        dumps = gdbm.dumps if self.profile.database == "gdbm" else berkeley.dumps
        return self.text(name, dumps(records), origins, guard, touches, secret)

    def link(self, name: str, target: str, origin: Origin, touches: Iterable[Daemon] = ()) -> Artefact:
        """A symbolic link."""
        reasons = {"": origin}
        return Artefact(self.path(name), target.encode(), 0o777, link=True, origins=reasons, touches=frozenset(touches))

    def permissions(self, name: str, guard: Guard | None = None) -> Permissions:
        """Mode and owners of a file: those of the guard, or those customary for a file of that name."""
        layout = self.profile.layout
        match guard:
            case None:
                return self.profile.permissions(name)
            case Guard.WORLD:
                return Permissions("0644", "root", "root")
            case Guard.MAIL:
                return Permissions("0640", "root", layout.mailgroup)
            case Guard.ROOT:
                return Permissions("0600", "root", "root")
            case Guard.MAIL_OWNER:
                return Permissions("0600", layout.mailuser, layout.mailgroup)


def ended(text: str) -> str:
    """A text whose last line is ended, so that no reader loses it."""
    return text if not text or text.endswith("\n") else f"{text}\n"


_OWN_NAMES = {"me": "me", "defaultdomain": "default_domain"}
"""Control files to the names in force that fill them."""
