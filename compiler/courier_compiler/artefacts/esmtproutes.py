"""etc/courier/esmtproutes: fixed relays by destination.

Courier takes the first line that matches, so exact names come first, then the wildcards from the longest to the
shortest, and at last the line for everything. A smarthost is that last line.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.origin import derived
from courier_compiler.parts.routes import EVERYWHERE, named_routes, relay_text
from courier_schema.report import SitePath
from courier_schema.site.routing import Route

_FAMILIES_SINCE = (1, 4, 0)


def build(context: Context) -> Iterator[Artefact]:
    routes: dict[str, tuple[Route, SitePath]] = {}
    for name, route, path in named_routes(context.site):
        if name in routes:
            context.problem(
                "route-twice",
                f"there are two routes for {'everything' if name == EVERYWHERE else name}",
                "keep one of them",
                path,
            )
        routes[name] = (route, path)
        _check(context, route, path)
    if routes:
        ranked = sorted(routes.items(), key=lambda item: _rank(item[0]))
        yield context.lines("esmtproutes", {_line(name, route): derived(*path) for name, (route, path) in ranked})


def _rank(name: str) -> tuple[int, int, str]:
    """Exact names, then wildcards with the most labels first, then everything."""
    if name == EVERYWHERE:
        return (2, 0, name)
    return (1, -name.count("."), name) if name.startswith(".") else (0, 0, name)


def _line(name: str, route: Route) -> str:
    flags = [f"SECURITY={route.security.upper()}"] if route.security else []
    flags += [f"{route.family.upper()}ONLY"] if route.family else []
    destination = "" if name == EVERYWHERE else name
    return f"{destination}:{relay_text(route)}" + (f"/{','.join(flags)}" if flags else "")


def _check(context: Context, route: Route, path: SitePath) -> None:
    if route.security == "smtps" and route.via is None:
        context.problem(
            "route-smtps-without-relay",
            "TLS from the first byte is spoken on port 465, where the servers that DNS names do not listen",
            "name the relay with via, or use security: required",
            (*path, "security"),
        )
    if route.family and context.release < _FAMILIES_SINCE:
        context.problem(
            "route-family-unknown",
            f"Courier {context.profile.courier} ignores the address family of a route, which came with 1.4.0",
            "remove family",
            (*path, "family"),
        )
    if route.via is not None and ":" in route.via:
        context.problem(
            "route-ipv6-literal",
            f"Courier's client does not take {route.via} for an address in a route",
            "give the relay a host name",
            path,
        )


ARTEFACT = ArtefactSpec("esmtproutes", build)
