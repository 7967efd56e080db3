"""CompiledHost: the files that a site compiles to, as Courier's programs read them, each entry with its reason.

Everything is read from the finished bytes of the build, never from the site: a trace proves what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

from courier_compiler.artefact import Artefact
from courier_compiler.build import build
from courier_compiler.context import HOST_NAME, Context
from courier_compiler.origin import Kind, Origin
from courier_compiler.profile import version
from courier_compiler.resolved import AliasEntry, ResolvedSite
from courier_compiler.tracing.values import Service, Why
from courier_schema.legacy.formats import berkeley, bofh, gdbm, routes, shell
from courier_schema.legacy.formats.domains import DomainList, Locality, first_line
from courier_schema.legacy.formats.hosted import HostedAnswer, lookup_hosted
from courier_schema.legacy.formats.source import Source
from courier_schema.legacy.formats.userdb import Account, lookup_userdb
from courier_schema.report import Problem, SitePath
from courier_schema.source.secrets import MaskedSecrets

Get = Callable[[bytes], bytes | None]

SERVICES: Final[Mapping[Service, tuple[str, ...]]] = {
    "smtp": ("esmtpd",),
    "submission": ("esmtpd", "esmtpd-msa"),
    "smtps": ("esmtpd", "esmtpd-ssl"),
}
"""The settings files of each SMTP service, in the order in which its script reads them."""
STARTS: Final[Mapping[Service, str]] = {
    "smtp": "ESMTPDSTART",
    "submission": "ESMTPDSTART",
    "smtps": "ESMTPDSSLSTART",
}
"""The variable of its last file that switches a service on."""


_USERDB: Final = "authuserdb"
_SEPARATORS_SINCE: Final = (2,)
"""First release with the file defaultsep."""


@dataclass(frozen=True, slots=True)
class Value:
    """A variable of a session, and what set it."""

    text: str
    why: Why | None = None


Variables = Mapping[str, Value]


@dataclass(frozen=True)
class CompiledHost:
    """One host's files by their names in the configuration directory."""

    resolved: ResolvedSite
    files: Mapping[str, Artefact]
    problems: tuple[Problem, ...] = ()
    """What building found; with an error among them the files are not those of any host."""
    _readers: dict[str, Get] = field(default_factory=dict)
    _assigned: dict[str, Variables] = field(default_factory=dict)
    """Databases and settings files that were asked before: tests ask the same ones again and again."""

    @classmethod
    def of(cls, resolved: ResolvedSite) -> CompiledHost:
        """Build a host in memory. Secrets are masked: no lookup needs them."""
        layout = resolved.profile.layout
        roots = [f"{root}/".lstrip("/") for root in (layout.authdir, layout.sysconfdir)]
        files: dict[str, Artefact] = {}
        built = build(resolved, MaskedSecrets(), "site")
        for artefact in built.artefacts:
            root = next((root for root in roots if artefact.path.startswith(root)), "")
            files[artefact.path.removeprefix(root)] = artefact
        return cls(resolved, files, built.problems)

    @cached_property
    def locality(self) -> Locality:
        """The names of the server."""
        return Context(self.resolved, MaskedSecrets(), "").locality

    @property
    def release(self) -> tuple[int, ...]:
        """The target's release of Courier."""
        return version(self.resolved.profile.courier)

    @cached_property
    def bofh(self) -> bofh.Bofh:
        """What the file bofh says."""
        return bofh.parse(Source("bofh", self.content("bofh")))[0]

    @cached_property
    def alias_entries(self) -> Mapping[SitePath, AliasEntry]:
        """The aliases as the site has them, by their places: the tables hold nested ones resolved."""
        return {entry.path: entry for entry in self.resolved.aliases}

    @cached_property
    def routes(self) -> tuple[routes.Route, ...]:
        """The routes of esmtproutes."""
        return routes.parse_routes(self.content("esmtproutes"))

    @cached_property
    def logins(self) -> Mapping[str, str]:
        """Relay, as esmtpauthclient spells it, to the name that this server has there."""
        return {found.relay: found.user for found in routes.parse_credentials(self.content("esmtpauthclient"))}

    @cached_property
    def separators(self) -> str:
        """The characters behind which an address extension begins."""
        if self.release < _SEPARATORS_SINCE:
            return "-"
        return "-" + (first_line(self.content("defaultsep")) if "defaultsep" in self.files else "+")

    @cached_property
    def backends(self) -> tuple[str, ...]:
        """The account back-ends other than userdb, whose accounts are not in the tree."""
        return tuple(module for module in self._modules if module != _USERDB)

    def account(self, login: str, service: str) -> Account | None:
        """The account that authuserdb finds for a service, if it is asked at all."""
        if _USERDB not in self._modules:
            return None
        return lookup_userdb(login, service, self.get("userdb.dat"), self.get("userdbshadow.dat"))

    @cached_property
    def _modules(self) -> tuple[str, ...]:
        """The account back-ends in the order in which they are asked."""
        return tuple(self.settings("authdaemonrc").get("authmodulelist", Value("")).text.split())

    def content(self, name: str) -> bytes:
        """The bytes of a file; none without it."""
        found = self.files.get(name)
        return found.content if found else b""

    def behind_links(self, name: str) -> str:
        """The name of a file with the link to its directory, if that is one, followed."""
        above, slash, last = name.rpartition("/")
        found = self.files.get(above)
        if not slash or found is None or not found.link:
            return name
        root = PurePosixPath(self.resolved.profile.layout.sysconfdir)
        target = (root / above).parent / found.content.decode() / last
        return str(target.relative_to(root)) if target.is_relative_to(root) else name

    def get(self, name: str) -> Get:
        """Reads a database; one that does not exist holds nothing."""
        if name not in self._readers:
            self._readers[name] = self._open(name)
        return self._readers[name]

    def _open(self, name: str) -> Get:
        content = self.content(name)
        if not content:
            return lambda key: None
        return gdbm.Reader(content).get if self._is_gdbm else self.records(name).get

    def records(self, name: str) -> Mapping[bytes, bytes]:
        """All records of a database."""
        content = self.content(name)
        if not content:
            return {}
        return dict(gdbm.Reader(content).items()) if self._is_gdbm else berkeley.loads(content)

    @property
    def _is_gdbm(self) -> bool:
        return self.resolved.profile.database == "gdbm"

    def domains(self, name: str, default: tuple[str, ...] = ()) -> DomainList:
        """A text list."""
        if name not in self.files:
            return DomainList.of(default, HOST_NAME)
        return DomainList.parse(self.content(name), HOST_NAME)

    def settings(self, *names: str) -> dict[str, Value]:
        """The assignments of settings files that are read one after the other."""
        found: dict[str, Value] = {}
        for name in names:
            if name not in self._assigned:
                assigned = shell.parse(Source(name, self.content(name))).assignments
                self._assigned[name] = {key: Value(text, self.why(name, key)) for key, text in assigned.items()}
            found |= self._assigned[name]
        return found

    def access_table(self, service: Service) -> str:
        """The database of clients that a service asks."""
        configured = self.settings(*SERVICES[service]).get("ACCESSFILE", Value("smtpaccess")).text
        return f"{PurePosixPath(configured).name}.dat"

    def place(self, domain: str) -> HostedAnswer:
        """Whether a domain is local, hosted or remote."""
        return lookup_hosted(domain, self.get("hosteddomains.dat"), HOST_NAME, self.locality.locals)

    def why(self, name: str, key: str = "") -> Why | None:
        """What an entry of a file comes from; None where the file or the entry does not exist."""
        found = self.files.get(name)
        origin = (found.origins.get(key) or found.origins.get("")) if found else None
        return self.reason(origin) if origin else None

    def reason(self, origin: Origin) -> Why:
        """An origin in words, with its place in the site."""
        if origin.path:
            return Why(".".join(map(str, origin.path)), origin.path, self.resolved.mark(origin.path))
        match origin.kind:
            case Kind.STOCK:
                return Why(f"shipped with {self.resolved.profile.name}")
            case Kind.UPSTREAM:
                return Why("Courier's default")
            case Kind.SAID | Kind.DERIVED:
                return Why(origin.rule or "a rule of the compiler")
