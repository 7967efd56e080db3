"""Addresses of a site as Courier compares them, and where each leads: made once for all checks that ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from courier_compiler.checks import per_site
from courier_compiler.checks._site import knows_all_accounts
from courier_compiler.names import Named, owner, table
from courier_compiler.names import Names as HostNames
from courier_compiler.resolved import AliasEntry, ResolvedSite, alias_entry
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.report import SitePath
from courier_schema.site.domains import MailDomain
from courier_schema.site.files import VirtualHost

LOCAL: Final = ""
"""What stands for all local domains, whose addresses are the same."""
ROOT: Final = "root@"
"""Whom Courier delivers nothing to."""
_STANDARD: Final = ("root", "mailer-daemon", "MAILER-DAEMON", "uucp", "abuse")
"""Names that lead to postmaster unless the site says something else."""
_POSTMASTER: Final = "postmaster@"


class _Owners(dict[str, str | None]):
    """Domain to the one under which its accounts are kept. Fills itself: most addresses share a few domains."""

    def __init__(self, local: Mapping[str, Named | None], hosted: Mapping[str, Named | None]) -> None:
        self._local, self._hosted = local, hosted

    def __missing__(self, domain: str) -> str | None:
        found = self[domain] = self._owner(normal_form(domain))
        return found

    def _owner(self, form: str) -> str | None:
        if owner(form, self._local) is not None:
            return LOCAL
        found = owner(form, self._hosted)
        return found.known_as if found is not None else None


@dataclass(slots=True)
class Domains:
    """Which domains are this server's, wildcards included. Remembers the domains it was asked for."""

    local: Mapping[str, Named | None]
    hosted: Mapping[str, Named | None]
    fold: bool
    _owners: _Owners = field(init=False)

    def __post_init__(self) -> None:
        self._owners = _Owners(self.local, self.hosted)

    def owner(self, domain: str) -> str | None:
        """The domain under which a domain's accounts are kept, `LOCAL`, or None for one of somebody else."""
        return self._owners[domain]

    def canonical(self, address: str) -> str | None:
        """An address as Courier compares it, `anna@` in local domains; None where it is not this server's."""
        user, at, domain = address.rpartition("@")
        if not at:
            return f"{address.lower()}@" if self.fold else f"{address}@"
        owner = self._owners[domain]
        if owner is None:
            return None
        return f"{user.lower()}@{owner}" if self.fold else f"{user}@{owner}"


@dataclass(frozen=True, slots=True)
class Names:
    """All names that mail can be sent to."""

    domains: Domains
    accounts: Mapping[str, SitePath]
    """Canonical address of each account to its place."""
    lists: frozenset[str]
    """Canonical addresses of mailing lists."""
    entries: Mapping[str, AliasEntry]
    """Canonical name to the first alias of that name; names that are not this server's are as they were said."""
    further: Mapping[str, list[AliasEntry]]
    """Canonical name to the other aliases of that name."""
    targets: Sequence[str | None]
    """Canonical addresses of all recipients in the order of the aliases; None for those of others."""
    catching: frozenset[str]
    """Domains, `LOCAL` among them, with an alias, an account or a catch-all that takes every name.

    Where all accounts are known, catch-alls that lead to nobody are not among them.
    """
    dotfiles: frozenset[str]
    """Names of local delivery instructions."""
    standard: frozenset[str]
    """Canonical names that lead to postmaster unless the site says something else."""

    def aliases(self, name: str) -> tuple[AliasEntry, ...]:
        """All aliases of a canonical name."""
        return (self.entries[name], *self.further.get(name, ()))

    def routes(self, aliases: Iterable[AliasEntry]) -> Iterator[tuple[AliasEntry, Sequence[str | None]]]:
        """Each of the aliases that these names are made of with the canonical addresses of its recipients.

        None for those of others.
        """
        at = 0
        for entry in aliases:
            end = at + len(entry.to)
            yield entry, self.targets[at:end]
            at = end

    def canonical(self, address: str) -> str:
        return self.domains.canonical(address) or address

    def is_known(self, canonical: str) -> bool:
        """Whether mail to an address of this server is taken: by an alias, or by somebody's mailbox."""
        return canonical in self.entries or canonical in self.standard or self.has_mailbox(canonical)

    def has_mailbox(self, canonical: str, apart_from: str | None = None) -> bool:
        """Whether mail that no alias leads elsewhere ends at an account, a list or instructions.

        The catch-all of the domain `apart_from` does not count: that is how it is asked where itself leads.
        """
        if canonical in self.accounts or canonical in self.lists:
            return canonical != ROOT
        if canonical == ROOT or (canonical in self.standard and canonical not in self.entries):
            return False
        user, _, owner = canonical.rpartition("@")
        if owner in self.catching and owner != apart_from:
            return True
        return self._extends(user, owner) or (owner == LOCAL and self._has_dotfile(user))

    def reaches(self, canonical: str | None, apart_from: str | None = None) -> bool:
        """Whether mail to a recipient finally comes to somebody, aliases followed; None is somebody elsewhere."""
        seen: set[str] = set()
        waiting = [canonical]
        while waiting:
            name = waiting.pop()
            if name is None or "!" in name or "%" in name:
                return True
            if name in seen:
                continue
            seen.add(name)
            if name not in self.entries:
                if self.has_mailbox(name, apart_from):
                    return True
                waiting.extend({_POSTMASTER} if name in self.standard else ())
                continue
            for entry in self.aliases(name):
                targets = [self.domains.canonical(recipient) for recipient in entry.to]
                if entry.programs or entry.mailboxes or entry.include:
                    return True
                if name in targets and self.has_mailbox(name, apart_from):
                    return True
                waiting.extend(targets)
        return False

    def caught_by(self, entry: AliasEntry) -> tuple[str, Sequence[str | None]]:
        """The domain of a catch-all, and the canonical addresses to which it leads."""
        owner = self.domains.owner(entry.name[1:])
        return entry.name[1:] if owner is None else owner, tuple(map(self.domains.canonical, entry.to))

    def _extends(self, user: str, owner: str) -> bool:
        """Whether a name is an account with an extension, `anna-lists`."""
        while (cut := user.rfind("-")) > 0:
            user = user[:cut]
            if f"{user}@{owner}" in self.accounts or f"{user}@{owner}" in self.lists:
                return True
        return False

    def _has_dotfile(self, user: str) -> bool:
        if user in self.dotfiles or "default" in self.dotfiles:
            return True
        while (cut := user.rfind("-")) > 0:
            user = user[:cut]
            if f"{user}-default" in self.dotfiles:
                return True
        return False


@per_site
def host_names(resolved: ResolvedSite) -> HostNames:
    """The domains of a site by what the host does with them."""
    return HostNames.of(resolved)


@per_site
def names(resolved: ResolvedSite) -> Names:
    """The names of a site."""
    hosts = host_names(resolved)
    domains = Domains(table(hosts.local), table(hosts.hosted), resolved.folds_case)
    entries: dict[str, AliasEntry] = {}
    further: dict[str, list[AliasEntry]] = {}
    catch_alls: list[AliasEntry] = []
    canonical = domains.canonical
    targets = [canonical(name) for entry in resolved.aliases for name in entry.to]
    for entry in resolved.aliases:
        name = entry.name
        if entry.is_catch_all:
            catch_alls.append(entry)
            continue
        key = _whole_domain(domains, name) if name[0] == "@" else canonical(name) or name
        if entries.setdefault(key, entry) is not entry:
            further.setdefault(key, []).append(entry)
    accounts = {canonical(mailbox.login) or mailbox.login: mailbox.path for mailbox in resolved.mailboxes}
    catching = {name[1:] for name in entries if name[0] == "@"}
    catching |= {login.removeprefix("alias@") for login in accounts if login.startswith("alias@")} - {LOCAL}
    dotfiles = frozenset(resolved.site.delivery.dotfiles)
    lists = resolved.site.mailing_lists
    addresses = [listed.address for listed in lists.lists.values()] if lists is not None else []
    known = frozenset(canonical(name) or name for name in addresses)
    owners = {LOCAL, domains.owner(resolved.default_domain) or LOCAL}
    customary = () if hosts.completes_elsewhere else _STANDARD
    standard = frozenset(f"{name}@{owner}" for name in customary for owner in owners)
    made = Names(domains, accounts, known, entries, further, targets, frozenset(catching), dotfiles, standard)
    return _catching(made, catch_alls, everybody=not knows_all_accounts(resolved))


@per_site
def protocol_names(resolved: ResolvedSite) -> Mapping[str, tuple[Sequence[AliasEntry], Names]]:
    """The aliases of each protocol's table with the names that these can lead to.

    Courier looks an address up in the table of its protocol and then in that of all mail; what one of them says is not
    looked up in the other.
    """
    made: dict[str, tuple[Sequence[AliasEntry], Names]] = {}
    for protocol, said in resolved.site.protocol_aliases.items():
        aliases = [alias_entry(name, to, ("protocol_aliases", protocol, name)) for name, to in said.items()]
        made[protocol] = aliases, _names_within(names(resolved), aliases)
    return made


def _names_within(known: Names, aliases: Sequence[AliasEntry]) -> Names:
    """The names of a host with the aliases of one table only."""
    entries: dict[str, AliasEntry] = {}
    further: dict[str, list[AliasEntry]] = {}
    for entry in aliases:
        name = entry.name
        key = _whole_domain(known.domains, name) if name[0] == "@" else known.canonical(name)
        if entries.setdefault(key, entry) is not entry:
            further.setdefault(key, []).append(entry)
    targets = [known.domains.canonical(name) for entry in aliases for name in entry.to]
    catching = known.catching | {name[1:] for name in entries if name[0] == "@"}
    return replace(
        known, entries=entries, further=further, targets=targets, catching=catching, standard=frozenset[str]()
    )


def domains_of(resolved: ResolvedSite, virtual: VirtualHost) -> Domains:
    """Which domains are this server's for a virtual host."""
    known = names(resolved).domains
    if virtual.local_domains is None:
        return known
    local = {
        normal_form(said): Named(normal_form(said), (), MailDomain.unsaid(), said) for said in virtual.local_domains
    }
    return Domains(local, known.hosted, known.fold)


def is_relayed(resolved: ResolvedSite, domain: str) -> bool:
    """Whether the site means a domain's mail to be passed on."""
    return owner(normal_form(domain), table(host_names(resolved).relay)) is not None


def _catching(known: Names, catch_alls: Sequence[AliasEntry], everybody: bool) -> Names:
    """The names with the catch-alls that lead to somebody, be it by way of each other."""
    waiting = list(catch_alls)
    while waiting:
        found = {id(entry): known.caught_by(entry)[0] for entry in waiting if everybody or _leads(known, entry)}
        if not found:
            break
        known = replace(known, catching=known.catching | set(found.values()))
        waiting = [entry for entry in waiting if id(entry) not in found]
    return known


def _leads(known: Names, entry: AliasEntry) -> bool:
    owner, targets = known.caught_by(entry)
    return bool(entry.programs or entry.mailboxes) or any(known.reaches(target, owner) for target in targets)


def _whole_domain(domains: Domains, name: str) -> str:
    owner = domains.owner(name[1:])
    return name.lower() if owner is None else f"@{owner}"
