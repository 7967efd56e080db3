"""The addresses of this machine's interfaces, by which a server recognises itself among mail exchangers."""

from __future__ import annotations

import ipaddress

import ifaddr


def own_addresses() -> frozenset[str]:
    """Every address of every interface, in its shortest form."""
    found: set[str] = set()
    for adapter in ifaddr.get_adapters():
        for one in adapter.ips:
            text = one.ip if isinstance(one.ip, str) else one.ip[0]
            found.add(str(ipaddress.ip_address(text.partition("%")[0])))
    return frozenset(found)
