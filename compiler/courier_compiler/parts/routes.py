"""Routes: where mail leaves to, the smarthost included, and how a relay is spelt in Courier's files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_schema.legacy.formats.domains import itself_and_ends, normal_form
from courier_schema.report import SitePath
from courier_schema.site.root import Site
from courier_schema.site.routing import Login, Route

EVERYWHERE: Final = "*"
_SMTPS_PORT: Final = 465
_LOGIN: Final = 254
"""Bytes of a line of esmtpauthclient that count, its end left out."""


def named_routes(site: Site) -> Iterator[tuple[str, Route, SitePath]]:
    """Destination, route and place of every route; the smarthost is the last one, for everything."""
    for name, route in site.routes.items():
        yield normal_form(name), route, ("routes", name)
    host = site.smarthost
    if host is not None:
        route = Route(via=host.host, port=host.port, security=host.security, login=host.login)
        yield EVERYWHERE, route, ("smarthost",)


def leads_elsewhere(site: Site, form: str) -> bool:
    """Whether a relay is named for a domain in normal form, so that its mail need not be looked up in DNS."""
    routes = {name: route for name, route, _ in named_routes(site)}
    found = next((routes[name] for name in (*itself_and_ends(form), EVERYWHERE) if name in routes), None)
    return found is not None and found.via is not None


def relay_text(route: Route) -> str:
    """A relay as esmtproutes and esmtpauthclient spell it, with its port unless that is the usual one.

    TLS from the first byte needs its port spelt out.
    """
    port = route.port or (_SMTPS_PORT if route.security == "smtps" and route.via else None)
    return (route.via or "") + (f",{port}" if port else "")


def relay_logins(site: Site) -> Iterator[tuple[str, Login, SitePath]]:
    """Every login with its place and the relay under which it is looked up; of several for one relay the first counts.

    Logins of routes come first. One of `credentials` stands under its own name and under every route to that host.
    """
    routes = [(route, path) for _, route, path in named_routes(site) if route.via]
    for route, path in routes:
        if route.login is not None:
            yield relay_text(route).lower(), route.login, (*path, "login")
    for host, login in site.credentials.items():
        spelt = (relay_text(route) for route, _ in routes if route.via and route.via.lower() == host.lower())
        for relay in (host, *spelt):
            yield relay.lower(), login, ("credentials", host)


def login_line(relay: str, user: str, password: str) -> str:
    """One line of esmtpauthclient. ValueError where Courier would not read all of it."""
    line = f"{relay} {user} {password}"
    if len(line.encode()) > _LOGIN:
        raise ValueError(f"relay, user and password for {relay} have more than {_LOGIN - 2} bytes together")
    return line


def takes_families(release: tuple[int, ...]) -> bool:
    """Whether a release of Courier knows the address family of a route."""
    return release >= (1, 4, 0)
