"""Listening addresses, bound by whoever may: the server itself on high ports, the helper on those of root."""

from __future__ import annotations

import socket
from typing import Final

ANY: Final = "0"
"""Courier's word for every address."""

_BACKLOG: Final = 1024


def bind(address: str, port: int) -> socket.socket:
    """A listening socket; one for every address takes IPv4 and IPv6, where the host has both. Raises OSError."""
    if address not in (ANY, "*", ""):
        return _bound(socket.AF_INET6 if ":" in address else socket.AF_INET, address, port)
    try:
        return _bound(socket.AF_INET6, "::", port)
    except OSError:
        return _bound(socket.AF_INET, "0.0.0.0", port)


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address != "::"))
        one.bind((address, port))
        one.listen(_BACKLOG)
    except OSError:
        one.close()
        raise
    return one
