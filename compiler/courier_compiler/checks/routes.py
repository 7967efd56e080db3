"""Mistakes about how mail leaves: routes that loop or wait in vain, logins in clear text or never used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import host_names, names
from courier_compiler.checks._site import decided, in_force, shown
from courier_compiler.host import HostView
from courier_compiler.parts.routes import (
    EVERYWHERE,
    login_line,
    named_routes,
    relay_logins,
    takes_families,
)
from courier_compiler.profile import version
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.report import Severity, SitePath
from courier_schema.site.routing import Login

_STARTTLS_PORTS: Final = (25, 587)
_SMTPS_PORT: Final = 465


def _credentials_unused(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    relays = {route.via.lower() for _, route, _ in named_routes(resolved.site) if route.via}
    for relay in resolved.site.credentials:
        if relay.lower() not in relays:
            yield Finding(
                ("credentials", relay),
                f"no route leads to {relay}, so the login is used only for mail to addresses at {relay}",
                "write the name that the route has under via; the name that DNS leads to does not count",
            )


def _login_in_clear(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for _, route, path in named_routes(resolved.site):
        if route.login is not None and route.security is None:
            yield Finding(
                (*path, "login"),
                f"the password for {route.via} is sent in clear text whenever the relay does not offer TLS",
                "add security: required, or security: smtps for port 465",
            )


def _wrong_port(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for _, route, path in named_routes(resolved.site):
        if route.security == "smtps" and route.port in _STARTTLS_PORTS:
            yield Finding(
                (*path, "port"),
                f"{route.via} is to speak TLS from the first byte, but port {route.port} begins in clear text",
                "leave port out for 465, or write security: required for STARTTLS",
            )
        elif route.security != "smtps" and route.port == _SMTPS_PORT:
            yield Finding(
                (*path, "port"),
                f"port {_SMTPS_PORT} of {route.via} expects TLS from the first byte, and nothing says so",
                "add security: smtps",
            )


def _twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: dict[str, SitePath] = {}
    for name, _, path in named_routes(resolved.site):
        first = seen.setdefault(name, path)
        if first != path:
            what = "everything" if name == EVERYWHERE else name
            yield Finding(
                path,
                f"there are two routes for {what}, here and at {'.'.join(map(str, first))}",
                "keep one of them",
            )


def _smtps_without_relay(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for _, route, path in named_routes(resolved.site):
        if route.security == "smtps" and route.via is None:
            yield Finding(
                (*path, "security"),
                "TLS from the first byte is spoken on port 465, where the servers that DNS names do not listen",
                "name the relay with via, or use security: required",
            )


def _family_unknown(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    courier = resolved.profile.courier
    for _, route, path in () if takes_families(version(courier)) else named_routes(resolved.site):
        if route.family:
            yield Finding(
                (*path, "family"),
                f"Courier {courier} ignores the address family of a route, which came with 1.4.0",
                "remove family",
            )


def _ipv6_literal(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for _, route, path in named_routes(resolved.site):
        if route.via is not None and ":" in route.via:
            yield Finding(
                path,
                f"Courier's client does not take {route.via} for an address in a route",
                "give the relay a host name",
            )


def _logins_twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    first: dict[str, tuple[Login, SitePath]] = {}
    for relay, login, path in relay_logins(resolved.site):
        known, place = first.setdefault(relay, (login, path))
        if known != login and path[0] != "credentials":
            yield Finding(
                path,
                f"two routes lead to {relay} with different logins, and Courier knows only one for both",
                f"give both the login of {'.'.join(map(str, place[:-1]))}",
            )


def _login_too_long(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    """Lines that are too long even with the shortest password, or with one that stands in the site."""
    seen: set[SitePath] = set()
    for relay, login, path in relay_logins(resolved.site):
        try:
            login_line(relay, login.user, login.password.value or "-")
        except ValueError as error:
            if path not in seen:
                seen.add(path)
                yield Finding(path, str(error), "have the user or the password changed to a shorter one")


def _own_domain(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = host_names(resolved)
    for name, _, path in named_routes(resolved.site):
        if name in known.local or name in known.hosted:
            yield Finding(
                path,
                f"the route for {name} is never taken: its mail stays on this server",
                f"remove the route, or write kind: relay for {name} under domains",
            )


def _to_itself(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = host_names(resolved)
    places: list[tuple[SitePath, str]] = [
        ((*path, "host" if path == ("smarthost",) else "via"), route.via)
        for _, route, path in named_routes(resolved.site)
        if route.via
    ]
    backup, said = decided(resolved, "control", "backuprelay")
    if backup:
        places.append((said if said[0] == "settings" else ("backup_relay", "host"), str(backup).partition(" ")[0]))
    for path, relay in places:
        if normal_form(relay) == normal_form(resolved.me) or normal_form(relay) in known.local:
            yield Finding(
                path,
                f"mail would be sent to {relay}, which is this server",
                "name the server that is to take it, or leave the mail to DNS",
            )


def _security_without_trust(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if decided(resolved, "courierd", "tls_trustsecuritycerts")[0]:
        return
    for name, route, path in named_routes(resolved.site):
        if route.security == "starttls":
            what = "all mail" if name == EVERYWHERE else f"mail for {name}"
            yield Finding(
                (*path, "security"),
                f"{what} would bounce: starttls asks for a private authority, and none is named",
                "write security: required for ordinary TLS, or name the authority as sending_tls.security_trust",
            )


def _required_without_tls(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    enabled, off = in_force(resolved, "courierd", "esmtp_use_starttls") or (True, ())
    if enabled or not off:
        return
    switch = "sending_tls.enabled: false" if off[0] == "sending_tls" else shown(off)
    for _, route, path in named_routes(resolved.site):
        if route.security in ("required", "starttls"):
            yield Finding(
                (*path, "security"),
                f"the route requires STARTTLS, which {switch} switches off",
                "remove enabled: false from sending_tls" if off[0] == "sending_tls" else f"remove {switch}",
            )


def _kept_here(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    own = names(resolved).domains
    for name, entry in host_names(resolved).relay.items():
        kept = own.owner(name)
        if kept is not None:
            yield Finding(
                entry.path,
                f"{name} is to be relayed, but a wildcard of this site makes it {'hosted' if kept else 'local'}",
                "narrow the wildcard to the domains that are kept here"
                if kept
                else f"add excluding: [{name}] to the wildcard",
            )


CHECKS: Final = (
    Check(
        "credentials-unused",
        "A login for a relay that no route names",
        "A login is found by the name that the route gives to the relay. Since release 0.55 the name of the server "
        "that DNS leads to does not count any more. Without a route the login serves only mail that is addressed to "
        "that very name.",
        _credentials_unused,
        Severity.WARNING,
    ),
    Check(
        "route-login-in-clear",
        "A login that may be sent in clear text",
        "Without security the route uses TLS only if the relay offers it. Whoever stands between the two can take "
        "that offer away, and then reads the password.",
        _login_in_clear,
        Severity.WARNING,
    ),
    Check(
        "route-wrong-port",
        "A port that does not go with the kind of TLS",
        "On port 465 a connection begins with TLS, on ports 25 and 587 it begins in clear text and turns to TLS by "
        "STARTTLS. Where the two sides disagree both wait for the other to speak, and the mail stays in the queue.",
        _wrong_port,
    ),
    Check(
        "route-twice",
        "Two routes for one destination",
        "Courier takes the first route that matches, so the second is never used. A smarthost is the route for "
        "everything, and destinations are compared in lower case and in their Unicode spelling.",
        _twice,
    ),
    Check(
        "route-own-domain",
        "A route for a domain that is kept here",
        "Mail for local and hosted domains never leaves the server, so no route is looked up for it. A domain that is "
        "to be accepted and passed on is one of kind relay.",
        _own_domain,
        Severity.WARNING,
    ),
    Check(
        "route-to-itself",
        "A route that leads back to this server",
        "A route switches off the check whether the next server is this one. Mail then goes round in a circle until "
        "it has collected a hundred Received headers, and bounces.",
        _to_itself,
    ),
    Check(
        "route-security-without-trust",
        "SECURITY=STARTTLS without a private authority",
        "security: starttls is not ordinary STARTTLS: it is for a closed group of servers whose certificates come "
        "from an authority of their own. Unless that authority is named, every message for such a route bounces at "
        "once.",
        _security_without_trust,
    ),
    Check(
        "route-requires-tls",
        "A route that requires what is switched off",
        "With sending_tls.enabled off Courier never uses STARTTLS, and a route that requires it can deliver nothing. "
        "Its mail fails.",
        _required_without_tls,
    ),
    Check(
        "relay-domain-local",
        "A relayed domain that a wildcard keeps here",
        "Whether mail stays on the server is decided before it is routed. A wildcard of a local or hosted domain also "
        "covers domains of kind relay below it, and their mail is refused as unknown instead of being passed on.",
        _kept_here,
    ),
    Check(
        "route-smtps-without-relay",
        "TLS from the first byte without a relay",
        "Servers that the DNS names for a domain listen on port 25, where a connection begins in clear text. "
        "smtps needs a relay of which you know that it does otherwise.",
        _smtps_without_relay,
    ),
    Check(
        "route-family-unknown",
        "A kind of address that the target ignores",
        "Routes know IPv4 and IPv6 since release 1.4.0. Before, the word is ignored and both are used.",
        _family_unknown,
    ),
    Check(
        "route-ipv6-literal",
        "An IPv6 address as a relay",
        "Colons separate the parts of a route, and the SMTP client does not read an IPv6 address out of one. Mail for "
        "the route would wait for a host of that name until it expires.",
        _ipv6_literal,
    ),
    Check(
        "login-twice",
        "Two logins at one relay",
        "Courier finds a login by the name and port of the relay, and so uses the first one for both routes. The "
        "second route would send with somebody else's name, or be refused.",
        _logins_twice,
    ),
    Check(
        "login-too-long",
        "A login that is longer than Courier reads",
        "Of a line with relay, user and password Courier reads 255 bytes. A longer one would end within the password. "
        "Passwords that do not stand in the site are measured when it is built.",
        _login_too_long,
    ),
)
