"""Where a listener listens: ADDRESS and PORT of its settings."""

from __future__ import annotations

import socket
from typing import Final

from courier_schema.legacy.tables.esmtpd import Esmtpd
from courier_schema.legacy.tables.esmtpd_ssl import EsmtpdSsl

ANY: Final = "0"


def places(settings: Esmtpd) -> tuple[tuple[str, int], ...]:
    """Address and port of each; `0` for every address."""
    if isinstance(settings, EsmtpdSsl):
        return tuple(_place(word, settings.ssladdress) for word in settings.sslport)
    return tuple(_place(word, settings.address or ANY) for word in settings.port)


def mapped(address: str) -> str:
    """An address in IPv6 form: `::ffff:192.0.2.1` for one of IPv4, without the scope of a link."""
    return address.partition("%")[0] if ":" in address else f"::ffff:{address}"


def _place(word: str, default: str) -> tuple[str, int]:
    address, _, port = word.rpartition(".")
    return address or default, int(port) if port.isdecimal() else socket.getservbyname(port, "tcp")
