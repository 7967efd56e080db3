"""Intents of listeners: where they listen, and what one of two listeners with a common file must not inherit."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from courier_compiler.derive import Intent
from courier_schema.legacy.codecs import FlagCodec, WordsCodec
from courier_schema.legacy.table import Row, Table, rows_by_attribute
from courier_schema.report import SitePath
from courier_schema.site.listeners import Listener, MailboxListener, SmtpListener

_EVERYWHERE: Final = "0"
_ALL_IPV4: Final = "0.0.0.0"
_PASSWORDS: Final = ("PLAIN", "LOGIN")
_CERTIFICATE: Final = "tls_certfile"
_KEY: Final = "tls_private_keyfile"


def is_on(listener: Listener | None) -> bool:
    """Whether a service is to be started: the site names it and does not switch it off."""
    return listener is not None and listener.enabled


def with_passwords(methods: Iterable[str]) -> tuple[str, ...]:
    """Login methods for connections under TLS: passwords, and what is offered in clear text as well."""
    return tuple(dict.fromkeys((*_PASSWORDS, *methods)))


def withheld(table: type[Table], listener: SmtpListener | MailboxListener | None, path: SitePath) -> Iterator[Intent]:
    """A word on what SMTP and POP3 cannot do: an empty list for TLS means the list for clear text."""
    if listener is not None and listener.auth and listener.auth_tls == []:
        yield Intent(table(), (*path, "auth_tls"), shortfall="withhold under TLS what is offered in clear text")


def endpoints(
    table: type[Table], listener: Listener | None, path: SitePath, address: str = "address", port: str = "port"
) -> Iterator[Intent]:
    """The rows with the address and the ports of a listener that says where it listens."""
    if listener is not None and listener.on is not None:
        common, ports = address_and_ports(listener.on)
        yield Intent(table(**{address: common, port: ports}), (*path, "on"))


def address_and_ports(on: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Endpoints as couriertcpd takes them: one address for all ports, or 0 and ports that bear their own.

    An IPv6 address stands bare, without brackets, and `::` is the same as 0, which serves IPv4 as well. A second
    socket on a port that a wildcard has would keep the listener from starting, so what a wildcard covers is left out.
    """
    split = [_split(endpoint) for endpoint in on]
    kept = [place for place in dict.fromkeys(split) if not _is_covered(place, split)]
    addresses = {address for address, _ in kept}
    if len(addresses) == 1:
        return addresses.pop(), tuple(port for _, port in kept)
    return _EVERYWHERE, tuple(port if address == _EVERYWHERE else f"{address}.{port}" for address, port in kept)


def _split(endpoint: str) -> tuple[str, str]:
    address, _, port = endpoint.rpartition(":")
    bare = address.strip("[]")
    everywhere = bare in {"", "*"} or re.fullmatch(r"[0:]+", bare) is not None
    return _EVERYWHERE if everywhere else bare, port


def _is_covered(place: tuple[str, str], all_places: Iterable[tuple[str, str]]) -> bool:
    address, port = place
    wider = {_EVERYWHERE} if address == _ALL_IPV4 or ":" in address else {_EVERYWHERE, _ALL_IPV4}
    return address != _EVERYWHERE and any((wild, port) in all_places for wild in wider)


def not_inherited(
    table: type[Table],
    base: Iterable[Intent],
    own: Iterable[Intent],
    shipped: Table,
    where: SitePath,
    sibling: SitePath,
    private: Collection[str],
) -> Iterator[Intent]:
    """What a file says anew because the file before it, which it shares, speaks of a sibling only.

    `base` are the intents of the file before, `shipped` what that has without any. Each row that the sibling's
    section says and this listener's does not goes back to what it would be without the sibling. Rows that are
    `private`, to the sibling's daemon or because this file assigns them anyhow, are of no interest.
    """
    before = shipped
    of_sibling: dict[str, None] = {}
    for intent in base:
        if intent.path[: len(sibling)] == sibling:
            of_sibling |= dict.fromkeys(intent.says.said())
        else:
            before = intent.says.over(before)
    own = list(own)
    mine = {attribute for intent in own for attribute in intent.says.said()}
    rows = rows_by_attribute(type(shipped))
    for attribute in of_sibling:
        if attribute not in mine and attribute not in private:
            value = getattr(before, attribute)
            if value is None and attribute == _KEY:
                value = _certificate(own, before)
            restored = _nothing(rows[attribute]) if value is None else value
            yield Intent(table(**{attribute: restored}), where, f"not inherited from {'.'.join(map(str, sibling))}")


def _certificate(own: Iterable[Intent], before: Table) -> object:
    """The certificate of a file: without a key of its own, that is where its key is read from."""
    said = [getattr(intent.says, _CERTIFICATE) for intent in own if _CERTIFICATE in intent.says.said()]
    return said[-1] if said else getattr(before, _CERTIFICATE)


def _nothing(row: Row) -> object:
    """The value that says as much as no assignment: a later file can only assign."""
    if isinstance(row.codec, FlagCodec):
        return False
    return () if isinstance(row.codec, WordsCodec) else ""
