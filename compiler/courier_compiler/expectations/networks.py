"""Networks: what the tests of a site mean by a client. Imports nothing that only a test needs: checks ask it, too."""

from __future__ import annotations

import ipaddress
from typing import Final

from courier_compiler.tracing.strangers import STRANGER, STRANGER_IPV6

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_EVERYBODY_ELSE: Final = "*"


def networks(text: str) -> tuple[Network, ...]:
    """The networks that a text means: an address, a network, a range, or whom nobody knows. Raises ValueError."""
    if text == _EVERYBODY_ELSE:
        return tuple(map(ipaddress.ip_network, (STRANGER, STRANGER_IPV6)))
    first, dash, last = text.partition("-")
    if not dash:
        return (ipaddress.ip_network(text, strict=False),)
    if ":" in text:
        return tuple(ipaddress.summarize_address_range(ipaddress.IPv6Address(first), ipaddress.IPv6Address(last)))
    return tuple(ipaddress.summarize_address_range(ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)))
