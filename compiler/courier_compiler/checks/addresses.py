"""Mistakes in names and addresses of the network: texts that look like an address and are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import address, decided, dotted, greetings, listeners, said_at
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity, SitePath

_LAST_PORT: Final = 65535
_FAMILIES: Final = {"source_ipv4": 4, "source_ipv6": 6, "ipout": 4, "ip6out": 6}
_ANY: Final = "0"


def _not_addresses(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, text in _addresses(resolved):
        if address(text) is None:
            yield Finding(path, f"{dotted(path)}: {text} is not an IP address", "write 192.0.2.1 or 2001:db8::1")


def _addresses(resolved: ResolvedSite) -> Iterator[tuple[SitePath, str]]:
    """Every address of the site but networks and endpoints."""
    site = resolved.site
    yield from _sources(resolved)
    yield from ((("policy", "deny_mx", at), text) for at, text in enumerate(site.policy.deny_mx))
    for at, entry in enumerate(site.dns_lists.lists):
        if entry.answer is not None:
            yield ("dns_lists", "lists", at, "answer"), entry.answer
    allowed, path = decided(resolved, "control", "webadmin_unsecureok")
    is_list = isinstance(said_at(resolved, path), list)
    yield from (((*path, at) if is_list else path, str(text)) for at, text in enumerate(allowed or ()))
    for name in site.virtual_hosts:
        if name.replace(".", "").isdecimal() or ":" in name:
            yield ("virtual_hosts", name), name
    yield from _relays(resolved)


def _sources(resolved: ResolvedSite) -> Iterator[tuple[SitePath, str]]:
    """Addresses that outgoing connections come from; those under Courier's names may be 0 for any."""
    for attribute in ("ipout", "ip6out"):
        text, path = decided(resolved, "control", attribute)
        if text and text != _ANY:
            yield path, str(text)
    for name, virtual in resolved.site.virtual_hosts.items():
        for field in ("source_ipv4", "source_ipv6"):
            if (said := getattr(virtual, field)) is not None:
                yield ("virtual_hosts", name, field), said


def _relays(resolved: ResolvedSite) -> Iterator[tuple[SitePath, str]]:
    site = resolved.site
    relays: list[tuple[SitePath, str | None]] = [(("routes", name, "via"), to.via) for name, to in site.routes.items()]
    if site.smarthost is not None:
        relays.append((("smarthost", "host"), site.smarthost.host))
    for path, relay in relays:
        if relay is not None and relay.startswith("["):
            yield path, relay.strip("[]")


def _wrong_family(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, text in _sources(resolved):
        found, family = address(text), _FAMILIES[str(path[-1])]
        if found is not None and found.version != family:
            yield Finding(
                path,
                f"{dotted(path)} is {text}, an IPv{found.version} address",
                f"write an IPv{family} address, or move it to source_ipv{found.version}",
            )


def _endpoints(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, listener in listeners(resolved).items():
        for position, endpoint in enumerate(listener.on or ()):
            at, colon, port = endpoint.rpartition(":")
            sound = 1 <= int(port) <= _LAST_PORT and (not colon or at == "*" or address(at.strip("[]")) is not None)
            if not sound:
                yield Finding(
                    ("listeners", name, "on", position),
                    f"{name} cannot listen on {endpoint}: that is no address with a port",
                    "write '*:25', '192.0.2.1:25' or '[2001:db8::1]:25', with a port up to 65535",
                )


def _unqualified(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if "." not in resolved.me.strip("."):
        yield Finding(
            ("host", "name"),
            f"the server's name {resolved.me} has no domain",
            f"write the full name, such as {resolved.me}.{resolved.site.site}",
        )


def _greeting(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, text in greetings(resolved):
        first = text.split(maxsplit=1)[0] if text and text.strip() else ""
        if text is not None and "." not in first.strip("."):
            yield Finding(
                path,
                f"{dotted(path)} does not begin with a host name",
                f"write it as {resolved.me} ESMTP ..., or leave it out",
            )


CHECKS: Final = (
    Check(
        "ip-address",
        "A text that is no IP address",
        "It has the shape of an address, but a number in it is too large, or there are too many or too few. Courier "
        "does not check these: a wrong source address makes every outgoing connection of its kind fail, and a wrong "
        "address in a list is never matched.",
        _not_addresses,
    ),
    Check(
        "address-family",
        "An address of the other family",
        "Outgoing IPv4 and IPv6 connections have source addresses of their own. With an address of the other family "
        "every connection of this one fails, and mail waits until it expires.",
        _wrong_family,
    ),
    Check(
        "endpoint",
        "A place to listen that does not exist",
        "A listener starts only if it can open all its ports. One address that is none, or one port outside 1 to "
        "65535, and the whole service stays down.",
        _endpoints,
    ),
    Check(
        "host-name-unqualified",
        "A server name without a domain",
        "The name is announced to other servers, ends Message-ID headers and names the sender of notices. Many "
        "servers refuse a client whose name has no domain (RFC 5321, section 2.3.5, asks for a full one).",
        _unqualified,
        Severity.WARNING,
    ),
    Check(
        "greeting-without-host",
        "A banner that does not begin with a host name",
        "The banner's first word is the name of the server (RFC 5321, section 4.2). Clients that look at it, such "
        "as other servers that check for loops, misread anything else.",
        _greeting,
        Severity.WARNING,
    ),
)
