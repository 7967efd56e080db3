"""Routes: where mail leaves to, and how it is protected on the way.

The first line that matches counts, so what becomes of a destination is looked up on both sides: one that loses its own
route may come under a broader one, and one whose route stays may have come behind it.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.effects.domains import domain_words
from courier_compiler.planning.sides import Side, Sides
from courier_schema.legacy.formats.routes import SMTP_PORT, Route, lookup_route, parse_routes
from courier_schema.report import Severity


def find(sides: Sides) -> Iterator[Finding]:
    for name in sides.named("esmtproutes"):
        yield from _routes(sides, name)
    if "backuprelay" in sides.changed:
        relay = sides.after.value("backuprelay")
        says = f"mail that waits too long goes to {relay}" if relay else "mail that waits too long stays here"
        yield Finding(says, "backuprelay")


def _routes(sides: Sides, name: str) -> Iterator[Finding]:
    before, after = (parse_routes(_text(side, name)) for side in (sides.before, sides.after))
    for destination in sorted({route.domain for route in (*before, *after)}):
        old, new = lookup_route(destination, before), lookup_route(destination, after)
        if _way(old) != _way(new):
            yield _told(sides, name, destination, old, new)


def _text(side: Side, name: str) -> bytes:
    return side.files[name].data if side.has(name) else b""


def _way(route: Route | None) -> tuple[str, int, frozenset[str]]:
    """What a route comes to, whatever its spelling; mail without one goes where DNS says, as by a route to nowhere."""
    return (route.relay.lower(), route.port or SMTP_PORT, route.flags) if route else ("", SMTP_PORT, frozenset())


def _told(sides: Sides, name: str, destination: str, old: Route | None, new: Route | None) -> Finding:
    who = f"mail for {domain_words(destination)}" if destination else "all other mail"
    was = f", no longer {_through(old)}" if old else ""
    key = _text(sides.after, name).decode(errors="surrogateescape").split("\n")[new.line - 1] if new else destination
    severity = Severity.WARNING if _is_secured(old) and not _is_secured(new) else Severity.NOTE
    return Finding(f"{who} goes {_through(new)}{was}", name, key, severity)


def _is_secured(route: Route | None) -> bool:
    return any(flag.startswith("SECURITY=") for flag in route.flags) if route else False


def _through(route: Route | None) -> str:
    relay = f"through {route.relay}{f' port {route.port}' if route.port else ''}" if route and route.relay else ""
    flags = f" ({', '.join(sorted(route.flags))})" if route and route.flags else ""
    return f"{relay or 'where DNS says'}{flags}"


SUBJECT = Subject(7, "routes", find)
