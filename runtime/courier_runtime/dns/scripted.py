"""A resolver that knows a few names by heart, for tests and for servers without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from courier_runtime.dns.names import NULL_MX, in_order, is_address, plain
from courier_runtime.seams import ABSENT, BadRecords, CircularNames, Exchange, LookupFailed, NoSuchName


@dataclass(frozen=True, slots=True)
class ScriptedResolver:
    """Answers from tables; what is in none of them does not exist."""

    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name to addresses."""
    exchangers: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    """Domain to preferences and hosts; a host `` is a null MX."""
    texts_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    """Address to verified host name."""
    silent: frozenset[str] = frozenset()
    """Names about which nobody answers."""
    broken: frozenset[str] = frozenset()
    """Names whose CNAMEs go round in a circle."""

    async def addresses(self, name: str, *, prefer_ipv6: bool = False) -> tuple[str, ...]:
        """AAAA and A records."""
        if is_address(name):
            return (plain(name.strip("[]").removeprefix("IPv6:")),)
        self._refuse(name)
        if name not in self.hosts:
            raise NoSuchName(name)
        return in_order(self.hosts[name], prefer_ipv6=prefer_ipv6)

    async def exchanges(self, domain: str, *, prefer_ipv6: bool = False) -> tuple[Exchange, ...]:
        """Mail servers by preference."""
        self._refuse(domain)
        named = sorted(self.exchangers.get(domain, ()))
        if not named:
            return (Exchange(-1, domain, await self.addresses(domain, prefer_ipv6=prefer_ipv6)),)
        if named == [(named[0][0], NULL_MX)]:
            return (Exchange(0, NULL_MX),)
        if any(is_address(host) for _, host in named):
            raise BadRecords(domain)
        known = [(preference, host) for preference, host in named if host in self.hosts]
        if not known:
            raise LookupFailed(domain) if any(host in self.silent for _, host in named) else NoSuchName(domain)
        return tuple(
            Exchange(preference, host, in_order(self.hosts[host], prefer_ipv6=prefer_ipv6))
            for preference, host in known
        )

    async def texts(self, name: str) -> tuple[str, ...]:
        """TXT records."""
        self._refuse(name)
        if name not in self.texts_of:
            raise NoSuchName(name) if name in self.hosts or name in self.exchangers else NoSuchName(name, ABSENT)
        return self.texts_of[name]

    async def name_of(self, address: str) -> str | None:
        """The verified host name of an address."""
        if plain(address) in self.silent:
            raise LookupFailed(address)
        return self.names.get(plain(address))

    def _refuse(self, name: str) -> None:
        if name in self.silent:
            raise LookupFailed(name)
        if name in self.broken:
            raise CircularNames(name)
