"""Expectations of the door: what clients may do by their network, and what the services ask of everybody."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from courier_compiler.expectations.mail import SOMEBODY
from courier_compiler.expectations.networks import Network, networks
from courier_compiler.expectations.values import Mismatch, compare, spelt
from courier_compiler.tracing import connection
from courier_compiler.tracing.host import SERVICES, STARTS, CompiledHost, Value, Variables
from courier_compiler.tracing.trace import trace
from courier_compiler.tracing.values import Envelope, Reply, Service, Why
from courier_compiler.tracing.walk import Walk, flag
from courier_schema.legacy.formats.access import EVERYBODY
from courier_schema.site.tests import ClientTest, ListenerTest

_MAILBOXES: Final = {
    "imap": (("imapd", "imapd-ssl"), "IMAPDSTART", "IMAP_TLS_REQUIRED"),
    "imaps": (("imapd", "imapd-ssl"), "IMAPDSSLSTART", ""),
    "pop3": (("pop3d", "pop3d-ssl"), "POP3DSTART", "POP3_TLS_REQUIRED"),
    "pop3s": (("pop3d", "pop3d-ssl"), "POP3DSSLSTART", ""),
}
"""Mailbox service to its settings files, the variable that starts it, and the one that asks for encryption; none where
it begins with that."""
_TLS_FROM_START: Final = "smtps"


def client(host: CompiledHost, name: str, test: ClientTest) -> Iterator[Mismatch]:
    """What does not hold of the clients of a network; the first of its addresses where it does not."""
    for address in probes(host, networks(test.network or name), test.listener):
        found = list(_at(host, address, test))
        if found:
            yield from found
            return


def probes(host: CompiledHost, wanted: tuple[Network, ...], service: Service) -> Iterator[str]:
    """Addresses that stand for the networks: their ends, and where the access table has a row within them."""
    found: dict[str, None] = {}
    for network in wanted:
        found |= dict.fromkeys((str(network[0]), str(network[-1])))
    if any(network.num_addresses > 1 for network in wanted):
        starts = _starts(host, host.access_table(service))
        found |= dict.fromkeys(str(start) for start in starts if any(start in network for network in wanted))
    return iter(found)


def _starts(host: CompiledHost, table: str) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The first address of each row of an access table."""
    for key in host.records(table):
        if key != EVERYBODY:
            yield ipaddress.ip_address(_padded(key.decode()))


def _padded(key: str) -> str:
    if key.startswith(":"):
        groups = key[1:].split(":")
        return ":".join((*groups, *(["0"] * (8 - len(groups)))))
    octets = key.split(".")
    return ".".join((*octets, *(["0"] * (4 - len(octets)))))


def _at(host: CompiledHost, address: str, test: ClientTest) -> Iterator[Mismatch]:
    envelope = Envelope(SOMEBODY, SOMEBODY, address, None, True, test.listener)
    walk = Walk(host, envelope)
    variables = connection.admit(walk)
    reasons = tuple(step.why for step in walk.steps[:1] if step.why)
    denied = isinstance(variables, Reply)
    if test.denied is not None and test.denied is not denied:
        became = f"{address} is turned away" if denied else f"{address} may connect"
        yield Mismatch("denial" if test.denied else "a session", became, reasons)
    relayed = trace(host, envelope)
    if test.relays is not None and test.relays is not relayed.is_accepted:
        became = f"{address} may relay" if relayed.is_accepted else f"{address} may not: {relayed.reply}"
        granted = None if isinstance(variables, Reply) else variables.get("RELAYCLIENT")
        by = granted.why if granted else relayed.decided_by
        yield Mismatch("relaying" if test.relays else "no relaying", became, (by,) if by else reasons)
    for variable, wanted in test.set.items():
        yield from _set(address, variable, wanted, {} if isinstance(variables, Reply) else variables)


def _set(address: str, name: str, wanted: object, variables: Variables) -> Iterator[Mismatch]:
    value = variables.get(name)
    text = None if wanted is None else {True: "1", False: "0"}[wanted] if isinstance(wanted, bool) else str(wanted)
    if (value.text if value else None) != text:
        became = f"for {address} it is {spelt(value.text)!s}" if value else f"for {address} it is not set"
        yield Mismatch(f"{name} to be {spelt(text)}", became, (value.why,) if value and value.why else ())


def listener(host: CompiledHost, name: str, test: ListenerTest) -> Iterator[Mismatch]:
    """What does not hold of a service."""
    asked = _mailbox_service(host, name) if name in _MAILBOXES else _smtp_service(host, cast(Service, name))
    for field, found in asked.items():
        yield from compare(getattr(test, field), found.holds, f"{field}:", found.why)


@dataclass(frozen=True, slots=True)
class _Fact:
    """Whether something holds of a service, and what decided it."""

    holds: bool
    why: Why | None


def _smtp_service(host: CompiledHost, name: Service) -> dict[str, _Fact]:
    files = SERVICES[name]
    settings = host.settings(*files)
    started = host.settings(files[-1]).get(STARTS[name], Value("NO"))
    login, offered = settings.get("AUTH_REQUIRED", Value("")), settings.get("ESMTPAUTH", Value(""))
    tls = _encrypted(settings, "" if name == _TLS_FROM_START else "ESMTP_TLS_REQUIRED")
    return {
        "enabled": _Fact(started.text.upper() == "YES", started.why),
        "needs_tls": tls,
        "needs_login": _Fact(flag(settings, "AUTH_REQUIRED"), login.why),
        "clear_login": _Fact(bool(offered.text) and not tls.holds, tls.why if tls.holds else offered.why),
    }


def _mailbox_service(host: CompiledHost, name: str) -> dict[str, _Fact]:
    files, start, required = _MAILBOXES[name]
    settings = host.settings(*files)
    started = settings.get(start, Value("NO"))
    tls = _encrypted(settings, required)
    return {
        "enabled": _Fact(started.text.upper() == "YES", started.why),
        "needs_tls": tls,
        "needs_login": _Fact(True, None),
        "clear_login": _Fact(not tls.holds, tls.why),
    }


def _encrypted(settings: Variables, required: str) -> _Fact:
    """Whether a service refuses clear text: one that begins with TLS needs no variable for that."""
    asked = settings.get(required, Value(""))
    return _Fact(not required or flag(settings, required), asked.why)
