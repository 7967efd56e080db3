"""Alias names as Courier looks them up: which domain is left out, what is in lower case, what completes a name."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from courier_schema.legacy.formats.domains import DomainList, Locality, lower, normal_form

POSTMASTER: Final = "postmaster"
"""The one local part that is compared without regard to case (RFC 5321, 4.5.1)."""


class _OtherLocals(dict[str, bool]):
    """Whether a domain is local and not the default one. Fills itself: most aliases share a few domains."""

    def __init__(self, local: DomainList, default: str) -> None:
        self._local, self._default = local, default

    def __missing__(self, domain: str) -> bool:
        form = normal_form(domain)
        found = self[domain] = form != self._default and form in self._local
        return found


class _Suffixes(dict[str, str]):
    """What stands for a domain behind a name that is looked up. Fills itself."""

    def __init__(self, local: DomainList, default: str) -> None:
        self._local, self._default = local, default

    def __missing__(self, domain: str) -> str:
        form = normal_form(domain)
        found = self[domain] = "" if form == self._default or form in self._local else f"@{form}"
        return found


class AliasNames:
    """Spells the names of one host's aliases. Remembers the domains that it has seen."""

    def __init__(self, locality: Locality) -> None:
        self._domains: dict[str, str] = {}
        self._fold = locality.lowercase
        self._default = normal_form(locality.default_domain)
        self._default_is_local = self._default in locality.locals
        self._suffixes = _Suffixes(locality.locals, self._default)
        self.other_locals = _OtherLocals(locality.locals, self._default)

    def domain(self, said: str) -> str:
        """A domain in the form that is compared."""
        if said not in self._domains:
            self._domains[said] = normal_form(said)
        return self._domains[said]

    def name(self, said: str) -> str:
        """A name in the form that is looked up, without a domain where that is the default one."""
        local, at, domain = said.rpartition("@")
        if not at:
            return self._folded(said)
        suffix = self._suffixes[domain]
        return self._folded(local) + suffix if local else suffix or f"@{self._default}"

    def key(self, name: str) -> str:
        """The key of the database for a name as `name` spells it."""
        return name if "@" in name or "!" in name else f"{name}@{self._default}"

    def recipient(self, said: str, aliases: Container[str]) -> str:
        """A recipient as it finds the alias that it names: without a local domain that is not the default one.

        Where the default domain is not local itself, only names of `aliases` may go without their domain.
        """
        local, at, domain = said.rpartition("@")
        if not at or not self.other_locals[domain]:
            return said
        return local if self._default_is_local or self._folded(local) in aliases else said

    def _folded(self, local: str) -> str:
        small = local.lower() if local.isascii() else lower(local)
        return small if self._fold or small == POSTMASTER else local
