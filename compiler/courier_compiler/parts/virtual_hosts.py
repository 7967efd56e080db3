"""Virtual hosts: the end of a file's name by which Courier finds the one for a connection or a domain."""

from __future__ import annotations

import ipaddress

from courier_schema.legacy.formats.domains import normal_form


def suffix(name: str) -> str:
    """The name as Courier spells it: it writes the address of a connection in its one canonical form.

    An IPv4 connection to an IPv6 socket counts as one to the IPv4 address.
    """
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return normal_form(name)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
