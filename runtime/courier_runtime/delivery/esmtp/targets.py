"""Where the mail of a domain goes: its route or its mail exchangers, as a list of addresses to try in order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from courier_runtime.dns.names import NULL_MX, is_address, plain
from courier_runtime.mail.outcome import Deferred, Dialogue, Failed, Outcome
from courier_runtime.seams import BadRecords, Exchange, LookupFailed, NoSuchName, Resolver
from courier_schema.legacy.formats.routes import SMTP_PORT, Route


@dataclass(frozen=True, slots=True)
class Target:
    """One address of a mail server."""

    host: str
    """Its name, or the address in brackets where nobody gave one."""
    address: str
    port: int = SMTP_PORT

    @property
    def peer(self) -> str:
        """How logs and notices name it."""
        return f"{self.host} [{self.address}]"


class Nowhere(Exception):
    """There is nowhere to send the mail of a domain; `outcome` is what becomes of all its recipients."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(*outcome.said.replies)
        self.outcome = outcome


def _failed(text: str) -> Nowhere:
    return Nowhere(Failed(Dialogue(replies=(text,))))


_NO_DOMAIN: Final = "No such domain."
_NO_MAIL: Final = "Domain does not receive mail."
_BAD_DNS: Final = "This domain's DNS violates RFC 1035."
_LOOP: Final = "configuration error: mail loops back to myself (MX problem)."
_NO_ANSWER: Final = "DNS lookup failed."
_NO_FAMILY: Final = "Did not find a suitable MX for a connection"


async def find_targets(
    domain: str, route: Route | None, resolver: Resolver, is_own: Callable[[str], bool], *, prefer_ipv6: bool
) -> tuple[Target, ...]:
    """The addresses to try, best first. Raises Nowhere.

    `is_own` knows names and addresses of this server. A route takes its relay at its word; without one, this server
    must not be among the exchangers that are better than those that it connects to, or mail would go round in circles.
    """
    relay = route.relay if route is not None and route.relay else ""
    name = relay or domain
    try:
        if is_address(name):
            exchanges: tuple[Exchange, ...] = (Exchange(-1, f"[{plain(name.strip('[]'))}]", (_literal(name),)),)
        else:
            exchanges = await resolver.exchanges(name, prefer_ipv6=prefer_ipv6)
    except NoSuchName:
        raise _failed(_NO_DOMAIN) from None
    except BadRecords:
        raise _failed(_BAD_DNS) from None
    except LookupFailed:
        raise Nowhere(Deferred(Dialogue(replies=(_NO_ANSWER,)))) from None
    if [exchange.host for exchange in exchanges] == [NULL_MX]:
        raise _failed(_NO_MAIL)
    if not relay:
        exchanges = _before_us(exchanges, is_own)
    port = (route.port if route is not None else None) or SMTP_PORT
    found = tuple(_in_turn(exchanges, port, _families(route)))
    if not found:
        raise _failed(_NO_FAMILY)
    return found


def _literal(name: str) -> str:
    return plain(name.strip("[]").removeprefix("IPv6:"))


def _before_us(exchanges: tuple[Exchange, ...], is_own: Callable[[str], bool]) -> tuple[Exchange, ...]:
    """The exchangers that are better than this server, where it is one of them, by its name or by an address."""
    found = (one.preference for one in exchanges if any(map(is_own, (one.host, *one.addresses))))
    ours = min(found, default=None)
    if ours is None:
        return exchanges
    better = tuple(exchange for exchange in exchanges if exchange.preference < ours)
    if not better:
        raise _failed(_LOOP)
    return better


def _families(route: Route | None) -> tuple[bool, bool]:
    flags = route.flags if route is not None else frozenset()
    return "IPV6ONLY" not in flags, "IPV4ONLY" not in flags


def _in_turn(exchanges: Iterable[Exchange], port: int, families: tuple[bool, bool]) -> Iterable[Target]:
    """Every address of every exchanger, equals in random order."""
    four, six = families
    for _, equals in groupby(exchanges, key=lambda exchange: exchange.preference):
        shuffled = list(equals)
        random.shuffle(shuffled)
        for exchange in shuffled:
            for address in exchange.addresses:
                if six if ":" in address else four:
                    yield Target(exchange.host, address, port)
