"""Routes: where mail leaves to, the smarthost included, and how a relay is spelt in Courier's files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_schema.legacy.formats.domains import normal_form
from courier_schema.report import SitePath
from courier_schema.site.root import Site
from courier_schema.site.routing import Route

EVERYWHERE: Final = "*"
_SMTPS_PORT: Final = 465


def named_routes(site: Site) -> Iterator[tuple[str, Route, SitePath]]:
    """Destination, route and place of every route; the smarthost is the last one, for everything."""
    for name, route in site.routes.items():
        yield normal_form(name), route, ("routes", name)
    host = site.smarthost
    if host is not None:
        route = Route(via=host.host, port=host.port, security=host.security, login=host.login)
        yield EVERYWHERE, route, ("smarthost",)


def relay_text(route: Route) -> str:
    """A relay as esmtproutes and esmtpauthclient spell it, with its port unless that is the usual one.

    TLS from the first byte needs its port spelt out.
    """
    port = route.port or (_SMTPS_PORT if route.security == "smtps" and route.via else None)
    return (route.via or "") + (f",{port}" if port else "")
