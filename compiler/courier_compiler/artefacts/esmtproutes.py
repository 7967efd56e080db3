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
from courier_schema.site.routing import Route


def build(context: Context) -> Iterator[Artefact]:
    routes = {name: (route, path) for name, route, path in named_routes(context.site)}
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


ARTEFACT = ArtefactSpec("esmtproutes", build)
