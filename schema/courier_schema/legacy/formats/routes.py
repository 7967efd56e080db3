"""The files esmtproutes and esmtpauthclient: which relay takes the mail of a domain, and how to log in there.

A route is `DOMAIN:RELAY[,PORT][/FLAG...]`; the first that matches counts. Credentials are kept under the relay exactly
as the route spells it, port included, or under the domain itself where there is no route. Total over bytes: a line
that Courier would pass over is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from courier_schema.legacy.formats.domains import normal_form

SMTP_PORT: Final = 25
"""Port of a route that names none, even one with SECURITY=SMTPS."""

_LINE: Final = re.compile(r"([^:]*):([^,/]*)(?:,([0-9]+))?\s*(?:/(?:.*/)?([^/]*))?")
_LINE_LIMIT: Final = 254
"""Bytes of a line of esmtpauthclient that count."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where the mail of a domain goes instead of to its own mail servers."""

    domain: str
    """In normal form; `.domain` is for what lies below it, empty for everything."""
    relay: str
    """Host name, `[address]`, or empty for the domain's own mail servers."""
    port: int | None = None
    flags: frozenset[str] = frozenset()
    """SECURITY=STARTTLS, SECURITY=REQUIRED, SECURITY=SMTPS, IPV4ONLY, IPV6ONLY, upper case."""
    line: int = 0

    @property
    def spelling(self) -> str:
        """The name under which credentials for this relay are kept."""
        relay = self.relay.lower()
        return f"{relay},{self.port}" if self.port else relay

    def covers(self, domain: str) -> bool:
        """Whether this is a route for a domain in normal form."""
        if self.domain.startswith("."):
            return domain.endswith(self.domain)
        return self.domain in ("", domain)


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in at a relay."""

    relay: str
    """Lower case, as `Route.spelling` says it, or a domain."""
    user: str
    password: str = field(repr=False)


def parse_routes(text: bytes) -> tuple[Route, ...]:
    """Every route of the text file, in order."""
    lines = enumerate(text.decode(errors="surrogateescape").split("\n"), start=1)
    found = (_route(line.partition("#")[0].rstrip("\r \t"), number) for number, line in lines)
    return tuple(route for route in found if route is not None)


def lookup_route(
    domain: str, routes: Iterable[Route], get: Callable[[bytes], bytes | None] | None = None
) -> Route | None:
    """The first route for a domain, or its record in esmtproutes.dat, which is asked where there is no text file."""
    form = normal_form(domain)
    found = next((route for route in routes if route.covers(form)), None)
    if found is None and get is not None:
        record = get(form.encode(errors="surrogateescape"))
        return None if record is None else _route(f"{form}:{record.decode(errors='surrogateescape')}", 0)
    return found


def parse_credentials(text: bytes) -> tuple[Credentials, ...]:
    """The lines that can be used; the first for each relay."""
    found: dict[str, Credentials] = {}
    for line in text.decode(errors="surrogateescape").split("\n"):
        words = line[:_LINE_LIMIT].split()
        if len(words) >= 3 and not words[0].startswith("#"):
            relay = words[0].lower()
            found.setdefault(relay, Credentials(relay, words[1], words[2]))
    return tuple(found.values())


def _route(line: str, number: int) -> Route | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    domain, relay, port, flags = found.groups()
    words = frozenset(word.upper() for word in re.split(r"[,\s]+", flags or "") if word)
    return Route(normal_form(domain), relay.strip(), int(port) if port else None, words, number)
