"""Names: the domains of one host by what it does with them, spelt as Courier compares them: lower case, UTF-8.

A domain is local (its name is dropped before an account is looked up), hosted (accounts are known under a domain),
or relayed. A wildcard takes what no other entry names more exactly, and what it does not exclude. The server's own name
and its default domain are local unless the site gives them another kind, because addresses that are completed or
rewritten here end in one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from courier_compiler.origin import Origin, derived
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.formats.domains import itself_and_ends, normal_form
from courier_schema.report import SitePath
from courier_schema.site.domains import MailDomain


@dataclass(frozen=True, slots=True)
class Named:
    """One domain, or with a leading dot the sub-domains of one, that the host answers for."""

    name: str
    path: SitePath
    domain: MailDomain
    known_as: str
    """The domain of its accounts: its own name, or the end of its chain of `alias_of`."""

    @property
    def origin(self) -> Origin:
        return derived(*self.path)

    @property
    def keys(self) -> tuple[str, ...]:
        """What is listed for it: itself, and its sub-domains where the site treats them alike."""
        wild = self.domain.subdomains and not self.name.startswith(".")
        return (self.name, f".{self.name}") if wild else (self.name,)

    @property
    def exclusions(self) -> Mapping[str, Origin]:
        """The sub-domains that it does not mean, each with its reason."""
        return {
            normal_form(said): derived(*self.path, "excluding", position)
            for position, said in enumerate(self.domain.excluding)
        }


@dataclass(frozen=True, slots=True)
class Names:
    """Every domain of a host by kind, in the order of the site."""

    local: Mapping[str, Named]
    hosted: Mapping[str, Named]
    relay: Mapping[str, Named]
    default: str
    """The domain that completes names without one, and that stands for all local domains in the alias tables."""
    loops: frozenset[str] = field(default=frozenset())
    """Hosted domains whose `alias_of` leads back to themselves."""

    @classmethod
    def of(cls, resolved: ResolvedSite) -> Names:
        """The names of a site in force."""
        listed = {normal_form(name): (name, domain) for name, domain in resolved.site.domains.items()}
        aliases = {name: normal_form(domain.alias_of) for name, (_, domain) in listed.items() if domain.alias_of}
        chains = {name: _end(name, aliases) for name in listed}
        named = {
            name: Named(name, ("domains", said), domain, chains[name] or name)
            for name, (said, domain) in listed.items()
        }
        for name, path in _implied(resolved):
            named.setdefault(name, Named(name, path, MailDomain(), name))
        kinds: dict[str, dict[str, Named]] = {"local": {}, "hosted": {}, "relay": {}}
        for name, entry in named.items():
            kinds[entry.domain.kind][name] = entry
        loops = frozenset(name for name, end in chains.items() if end is None)
        return cls(**kinds, default=normal_form(resolved.default_domain), loops=loops)

    @property
    def completes_elsewhere(self) -> bool:
        """Whether names without a domain are somebody else's, as on a host that only sends: their domain is relayed."""
        return self.default in self.relay

    @property
    def followers(self) -> Mapping[str, tuple[str, ...]]:
        """Hosted domain to the other domains whose accounts are known under it, sub-domain wildcards left out."""
        found: dict[str, tuple[str, ...]] = {}
        for entry in self.hosted.values():
            if entry.known_as != entry.name and not entry.name.startswith("."):
                found[entry.known_as] = (*found.get(entry.known_as, ()), entry.name)
        return found


def table(kind: Mapping[str, Named]) -> dict[str, Named | None]:
    """What domains of one kind are looked up in: whose a domain or wildcard is, None for what is excluded."""
    known: dict[str, Named | None] = {key: entry for entry in kind.values() for key in entry.keys}
    return {key: None for entry in kind.values() for key in entry.exclusions} | known


def owner(form: str, known: Mapping[str, Named | None]) -> Named | None:
    """Who has a domain in normal form: the most exact entry of a table decides."""
    return next((known[key] for key in itself_and_ends(form) if key in known), None)


def _implied(resolved: ResolvedSite) -> Iterator[tuple[str, SitePath]]:
    yield normal_form(resolved.site.site), ("site",)
    if resolved.site.host.default_domain is not None:
        yield normal_form(resolved.site.host.default_domain), ("host", "default_domain")
    yield normal_form(resolved.site.host.name), ("host", "name")


def _end(name: str, aliases: Mapping[str, str]) -> str | None:
    """Where a chain of aliases ends, None for one that never does."""
    seen = {name}
    while name in aliases:
        name = aliases[name]
        if name in seen:
            return None
        seen.add(name)
    return name
