"""The resolver: dnspython, behind its only door, over the servers of resolv.conf, with a cache that honours lifetimes.

Answers that say "no" and answers that do not come are different exceptions: one bounces mail and the other waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.resolver
import dns.reversename

from courier_runtime.dns.names import NULL_MX, in_order, is_address, plain
from courier_runtime.seams import ABSENT, BadRecords, CircularNames, Exchange, LookupFailed, NoSuchName

_CACHED: Final = 10_000
_LIFETIME: Final = 30.0
"""Seconds in which a question must be answered, all servers and repetitions together."""


class DnsResolver:
    """Asks name servers."""

    def __init__(self, servers: Sequence[str] = (), port: int = 53, lifetime: float = _LIFETIME) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        self._resolver.cache = dns.resolver.LRUCache(_CACHED)
        self._resolver.lifetime = lifetime
        if servers:
            self._resolver.port = port
            self._resolver.nameservers = list(servers)

    async def addresses(self, name: str, *, prefer_ipv6: bool = False) -> tuple[str, ...]:
        """AAAA and A records, asked for together."""
        if is_address(name):
            return (plain(name.strip("[]").removeprefix("IPv6:")),)
        six, four = await asyncio.gather(
            self._texts_of(name, "AAAA"), self._texts_of(name, "A"), return_exceptions=True
        )
        found = [address for answer in (six, four) if not isinstance(answer, BaseException) for address in answer]
        if found:
            return in_order(found, prefer_ipv6=prefer_ipv6)
        for answer in (six, four):
            if isinstance(answer, BaseException) and not isinstance(answer, NoSuchName):
                raise answer
        raise NoSuchName(name)

    async def exchanges(self, domain: str, *, prefer_ipv6: bool = False) -> tuple[Exchange, ...]:
        """Mail servers by preference, addresses looked up; the domain itself stands in for missing MX records."""
        try:
            answer = await self._ask(domain, "MX")
        except NoSuchName as error:
            if error.is_absent:
                raise
            return (Exchange(-1, domain, await self.addresses(domain, prefer_ipv6=prefer_ipv6)),)
        named = sorted((record.preference, record.exchange.to_text(omit_final_dot=True)) for record in answer)
        if [host for _, host in named] in ([""], ["."]):
            return (Exchange(0, NULL_MX),)
        if any(is_address(host) for _, host in named):
            raise BadRecords(domain)
        looked_up = await asyncio.gather(
            *(self.addresses(host, prefer_ipv6=prefer_ipv6) for _, host in named), return_exceptions=True
        )
        return _reachable(domain, named, looked_up)

    async def texts(self, name: str) -> tuple[str, ...]:
        """TXT records, each joined."""
        answer = await self._ask(name, "TXT")
        return tuple(b"".join(record.strings).decode(errors="surrogateescape") for record in answer)

    async def name_of(self, address: str) -> str | None:
        """The PTR name of an address, if it has that address."""
        try:
            answer = await self._ask(dns.reversename.from_address(plain(address)).to_text(), "PTR")
            names: list[str] = [record.target.to_text(omit_final_dot=True) for record in answer]
            for name in names:
                if plain(address) in await self.addresses(name):
                    return name
        except (NoSuchName, BadRecords):
            return None
        return None

    async def _texts_of(self, name: str, kind: str) -> list[str]:
        return [record.address for record in await self._ask(name, kind)]

    async def _ask(self, name: str, kind: str) -> Any:  # dnspython types its records by attribute only
        try:
            return await self._resolver.resolve(_ascii(name), kind, search=False)
        except dns.resolver.NXDOMAIN as error:
            raise NoSuchName(name, ABSENT) from error
        except dns.resolver.NoAnswer as error:
            raise NoSuchName(name) from error
        except dns.resolver.YXDOMAIN as error:
            raise CircularNames(name) from error
        except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong, UnicodeError) as error:
            raise NoSuchName(name, ABSENT) from error
        except dns.resolver.NoNameservers as error:
            if any(isinstance(one[3], dns.message.ChainTooLong) for one in error.kwargs.get("errors", ())):
                raise CircularNames(name) from error
            raise LookupFailed(name) from error
        except (dns.exception.DNSException, OSError) as error:
            raise LookupFailed(name) from error


def _ascii(name: str) -> str:
    return name if name.isascii() else name.encode("idna").decode()


def _reachable(
    domain: str, named: Sequence[tuple[int, str]], looked_up: Sequence[tuple[str, ...] | BaseException]
) -> tuple[Exchange, ...]:
    """The exchanges that have addresses. Raises LookupFailed where one might have had some, NoSuchName otherwise."""
    found = tuple(
        Exchange(preference, host, answer)
        for (preference, host), answer in zip(named, looked_up, strict=True)
        if not isinstance(answer, BaseException)
    )
    if found:
        return found
    for answer in looked_up:
        if isinstance(answer, (LookupFailed, BadRecords)):
            raise answer
    raise NoSuchName(domain)
