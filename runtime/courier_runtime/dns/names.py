"""What answers mean for mail, whichever resolver gave them. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

NULL_MX = ""
"""Host of the exchange of a domain that receives no mail (RFC 7505)."""


def is_address(text: str) -> bool:
    """Whether this is an IP address rather than a name."""
    try:
        ipaddress.ip_address(text.strip("[]").removeprefix("IPv6:"))
    except ValueError:
        return False
    return True


def mapped(address: str) -> str:
    """An address as Courier writes it: IPv4 as `::ffff:a.b.c.d`, IPv6 in its shortest form."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return f"::ffff:{parsed}"
    four = parsed.ipv4_mapped
    return f"::ffff:{four}" if four is not None else str(parsed)


def plain(address: str) -> str:
    """The other direction: an IPv4 address without its prefix."""
    return address.removeprefix("::ffff:") if "." in address else address


def in_order(addresses: Iterable[str], *, prefer_ipv6: bool) -> tuple[str, ...]:
    """Addresses without repetition, those of the preferred family first, otherwise as they came."""
    unique = dict.fromkeys(addresses)
    return tuple(sorted(unique, key=lambda address: (":" in address) != prefer_ipv6))
