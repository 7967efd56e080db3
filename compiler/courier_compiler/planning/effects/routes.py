"""Routes: where mail leaves to, and how it is protected on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.effects.domains import domain_words
from courier_compiler.planning.sides import Content, Side, Sides
from courier_schema.report import Severity

_SECURITY: Final = re.compile(r"SECURITY=\w+")


def find(sides: Sides) -> Iterator[Finding]:
    for name in sides.named("esmtproutes"):
        yield from _routes(sides, name)
    if "backuprelay" in sides.changed:
        relay = sides.after.value("backuprelay")
        says = f"mail that waits too long goes to {relay}" if relay else "mail that waits too long stays here"
        yield Finding(says, "backuprelay")


def _routes(sides: Sides, name: str) -> Iterator[Finding]:
    before, after = _table(sides.before, name), _table(sides.after, name)
    for destination in sorted(before.keys() | after.keys()):
        old, new = before.get(destination), after.get(destination)
        if old != new:
            yield _told(name, destination, old, new)
    if before == after and list(before) != list(after):
        yield Finding("routes are tried in another order", name, severity=Severity.WARNING)


def _table(side: Side, name: str) -> dict[str, str]:
    """Destination to the relay with its flags, the first line of each destination."""
    found: dict[str, str] = {}
    for entry in side.files.get(name, Content(name, b"")).entries:
        destination, _, relay = entry.partition(":")
        found.setdefault(destination, relay)
    return found


def _told(name: str, destination: str, old: str | None, new: str | None) -> Finding:
    who = f"mail for {domain_words(destination)}" if destination else "all other mail"
    if new is None:
        severity = Severity.WARNING if _SECURITY.search(old or "") else Severity.NOTE
        return Finding(f"{who} goes where DNS says, no longer {_through(old or '')}", name, destination, severity)
    was = f", no longer {_through(old)}" if old is not None else ""
    loses_security = bool(_SECURITY.search(old or "")) and not _SECURITY.search(new)
    severity = Severity.WARNING if loses_security else Severity.NOTE
    return Finding(f"{who} goes {_through(new)}{was}", name, f"{destination}:{new}", severity)


def _through(relay: str) -> str:
    host, _, flags = relay.partition("/")
    way = f"through {host.replace(',', ' port ')}" if host else "where DNS says"
    return f"{way} ({flags})" if flags else way


SUBJECT = Subject(7, "routes", find)
