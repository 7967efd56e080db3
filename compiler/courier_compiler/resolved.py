"""ResolvedSite: what is in force. Wraps the Site, adds indexes and filled tables, restates nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from courier_compiler.origin import Kind, Origin
from courier_compiler.profile import Profile
from courier_schema.legacy.table import Table
from courier_schema.report import Mark, SitePath
from courier_schema.site.accounts import Account
from courier_schema.site.aliases import Alias
from courier_schema.site.base import Secret
from courier_schema.site.domains import MailDomain
from courier_schema.site.root import Site
from courier_schema.source.document import Document


@dataclass(frozen=True, slots=True)
class Concealed:
    """A value that only the build may know: the secret, and the whole value that is made of its text."""

    secret: Secret
    spell: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class Variable:
    """A further assignment of a file, for which its table has no row; `value` is in Courier's spelling."""

    value: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Settings:
    """One settings file in force: every row's value, and the origin of each row that is not the default.

    Rows whose value is concealed hold a mask until the build reveals them.
    """

    table: Table
    origins: Mapping[str, Origin]
    """Attribute to its reason; rows without an entry have Courier's default."""
    overruled: Mapping[str, tuple[object, Origin]] = field(default_factory=dict)
    """Attribute to what an intent would have said, where the author said otherwise under Courier's name."""
    concealed: Mapping[str, Concealed] = field(default_factory=dict)
    """Attribute to its secret."""
    variables: Mapping[str, Variable] = field(default_factory=dict)
    """Name to an assignment that the file has besides its rows."""

    def origin(self, attribute: str) -> Origin:
        return self.origins.get(attribute, Origin(Kind.UPSTREAM))


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One account in force: `login` is the full address in hosted domains, the bare name elsewhere."""

    login: str
    account: Account
    path: SitePath
    user: str
    domain: str | None
    home: str
    uid: int | None
    gid: int | None
    maildir: str | None


class AliasEntry(NamedTuple):
    """One alias in force, with the name and recipients as Courier's alias source spells them.

    There may be a million of them, and a named tuple is made in a third of a frozen dataclass's time.
    """

    name: str
    to: tuple[str, ...]
    path: SitePath
    programs: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()
    include: str | None = None

    @property
    def is_catch_all(self) -> bool:
        """Whether it is the catch-all of a domain, and no alias; an alias may have that name."""
        return self.path[-1] == "catch_all" and len(self.path) == 3 and self.path[0] == "domains"

    @property
    def is_forward(self) -> bool:
        """Whether an account says it of itself."""
        return self.path[-1] == "forward" and "accounts" in (self.path[0], self.path[-3])


@dataclass(frozen=True)
class ResolvedSite:
    """One host's site with everything that follows from it. Immutable; indexes are made when first asked for."""

    site: Site
    document: Document
    profile: Profile
    host: str | None = None
    """Name under `hosts`, where the site describes several."""
    settings: Mapping[str, Settings] = field(default_factory=dict)
    """Settings files that this host has, by name."""

    def mark(self, path: SitePath) -> Mark | None:
        """Where a path of the site stands in its text."""
        return self.document.marks.mark(path)

    @cached_property
    def me(self) -> str:
        """Name of the server in force; the host's of the site where the system's own name is a part of it."""
        said = self._control.get("me")
        return said if isinstance(said, str) and not said.startswith("*") else self.site.host.name

    @cached_property
    def default_domain(self) -> str:
        """Domain in force that completes bare names; the site's is local unless the site gives it another kind."""
        said = self._control.get("defaultdomain", self.site.host.default_domain or self.site.site)
        return said if isinstance(said, str) else self.me

    @property
    def dot_extension(self) -> str:
        """What the names of delivery instruction files end in, after their first dot."""
        return str(self._control.get("dotextension") or "courier")

    @property
    def folds_case(self) -> bool:
        """Whether local parts of local addresses are read in lower case."""
        return bool(self._control.get("locallowercase", self.site.host.fold_case))

    @property
    def _control(self) -> Mapping[str, object]:
        """The control files in force, as soon as it is known what is."""
        control = self.settings.get("control")
        return control.table.said() if control is not None else {}

    @cached_property
    def domains(self) -> Mapping[str, MailDomain]:
        """Every domain in lower case. The site's own is local when it is not listed."""
        listed = {name.lower(): domain for name, domain in self.site.domains.items()}
        return listed if self.site.site.lower() in listed else {self.site.site.lower(): MailDomain.unsaid(), **listed}

    def of_kind(self, kind: str) -> Iterator[tuple[str, MailDomain]]:
        return ((name, domain) for name, domain in self.domains.items() if domain.kind == kind)

    def domain_path(self, name: str) -> SitePath:
        """Where a domain is said; the key `site` for the main domain that is not listed."""
        spelt = next((said for said in self.site.domains if said.lower() == name.lower()), None)
        return ("domains", spelt) if spelt else ("site",)

    @cached_property
    def mailboxes(self) -> tuple[Mailbox, ...]:
        """All accounts: those without a domain first, then domain by domain."""
        return tuple(self._mailboxes())

    def _mailboxes(self) -> Iterator[Mailbox]:
        for user, account in self.site.accounts.items():
            yield self._mailbox(user, user, None, account, ("accounts", user))
        for name, domain in self.site.domains.items():
            for user, account in domain.accounts.items():
                login = f"{user}@{name.lower()}" if domain.kind == "hosted" else user
                yield self._mailbox(login, user, name.lower(), account, ("domains", name, "accounts", user))

    def _mailbox(self, login: str, user: str, domain: str | None, account: Account, path: SitePath) -> Mailbox:
        default = self.site.account_defaults
        address = f"{user}@{domain or self.default_domain}"
        home = account.home or default.home.replace("{user}", user).replace(
            "{domain}", domain or self.default_domain
        ).replace("{address}", address)
        return Mailbox(
            login, account, path, user, domain, home,
            account.uid if account.uid is not None else default.uid,
            account.gid if account.gid is not None else default.gid,
            account.maildir or default.maildir,
        )  # fmt: skip

    @cached_property
    def aliases(self) -> tuple[AliasEntry, ...]:
        """All aliases: the host's own first, then domain by domain, catch-alls and forwards included."""
        return tuple(self._aliases())

    def _aliases(self) -> Iterator[AliasEntry]:
        site = self.site
        if site.host.postmaster is not None and "postmaster" not in site.aliases:
            yield AliasEntry("postmaster", (site.host.postmaster,), ("host", "postmaster"))
        for name, target in site.aliases.items():
            yield alias_entry(name, target, ("aliases", name))
        for mailbox in self.mailboxes:
            if mailbox.account.forward:
                yield AliasEntry(mailbox.login, tuple(mailbox.account.forward), (*mailbox.path, "forward"))
        for domain_name, domain in site.domains.items():
            yield from self._domain_aliases(domain_name, domain)

    def _domain_aliases(self, name: str, domain: MailDomain) -> Iterator[AliasEntry]:
        suffix = f"@{name.lower()}" if domain.kind == "hosted" else ""
        for alias, target in domain.aliases.items():
            yield alias_entry(alias + suffix, target, ("domains", name, "aliases", alias), suffix)
        if domain.catch_all is not None:
            at = suffix or f"@{self.default_domain}"
            yield alias_entry(at, domain.catch_all, ("domains", name, "catch_all"), suffix)


def alias_entry(name: str, target: str | list[str] | Alias, path: SitePath, suffix: str = "") -> AliasEntry:
    """An alias in force; `suffix` is the domain of names on the right side that have none."""
    if not isinstance(target, Alias):
        return AliasEntry(name, _qualified(target, suffix), path)
    return AliasEntry(
        name,
        _qualified(target.to, suffix),
        path,
        _several(target.program),
        _several(target.mailbox),
        target.include,
    )


def _qualified(to: str | list[str], suffix: str) -> tuple[str, ...]:
    if isinstance(to, str):
        return (to if "@" in to or "!" in to else to + suffix,)
    return tuple(name if "@" in name or "!" in name else name + suffix for name in to)


def _several(said: str | list[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)
