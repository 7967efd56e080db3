"""Routes: fixed relays and logins at other servers, as the client of an installation takes them.

The first line that matches counts, so a line behind a broader one is dead and left out. A login is found by the
relay's spelling in its route; before Courier 0.55 it was the name of the server that the relay resolved to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from courier_compiler.importing.draft import Draft, fits
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.tables import list_comments
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.report import Mark, SitePath
from courier_schema.words import HostName, Port, Relay, RouteDomain, Word

_LINE: Final = re.compile(r"([^:]*):([^,/]*)(?:,([0-9]+))?\s*(?:/(?:.*/)?([^/]*))?")
_SECURITIES: Final = {"STARTTLS": "starttls", "REQUIRED": "required", "SMTPS": "smtps"}
_SMTPS_PORT: Final = 465


@dataclass(frozen=True, slots=True)
class OldRoute:
    """One line of esmtproutes. `domain` is empty for everything."""

    domain: str
    relay: str
    port: int | None
    security: str
    family: str
    mark: Mark

    @property
    def spelling(self) -> str:
        """The relay as a login is looked up for it."""
        return f"{self.relay},{self.port}".lower() if self.port else self.relay.lower()

    @property
    def answer(self) -> str:
        """What it does, in one line."""
        port = self.port or 25
        flags = " ".join(filter(None, (self.security, self.family)))
        return f"{self.relay or 'DNS'} port {port} {flags}".rstrip()


@dataclass(frozen=True, slots=True)
class OldLogin:
    """One line of esmtpauthclient. It has no mark, because whoever shows its line shows the password."""

    relay: str
    user: str
    password: str = field(repr=False)


def read_routes(installation: Installation) -> tuple[list[OldRoute], list[OldRoute]]:
    """The lines that count, in their order, and those that never do."""
    alive: list[OldRoute] = []
    dead: list[OldRoute] = []
    for route in _lines(installation):
        (dead if any(_covers(earlier.domain, route.domain) for earlier in alive) else alive).append(route)
    return alive, dead


def _lines(installation: Installation) -> Iterator[OldRoute]:
    content = installation.content("esmtproutes") or b""
    for number, line in enumerate(content.decode(errors="replace").split("\n"), start=1):
        found = _LINE.fullmatch(line.partition("#")[0].rstrip("\r \t"))
        if found is None:
            continue
        domain, relay, port, flags = found.groups()
        words = {word.upper() for word in re.split(r"[,\s]+", flags or "") if word}
        security = next((value for name, value in _SECURITIES.items() if f"SECURITY={name}" in words), "")
        family = "ipv4" if "IPV4ONLY" in words else "ipv6" if "IPV6ONLY" in words else ""
        mark = Mark(installation.where("esmtproutes"), number)
        yield OldRoute(normal_form(domain), relay.strip(), int(port) if port else None, security, family, mark)


def _covers(earlier: str, later: str) -> bool:
    """Whether everything that a line is about was taken by an earlier one."""
    return not earlier or earlier == later or (earlier.startswith(".") and later.endswith(earlier))


def read_logins(installation: Installation) -> list[OldLogin]:
    """The lines of esmtpauthclient that can be used; the first for each relay."""
    content = installation.content("esmtpauthclient") or b""
    found: dict[str, OldLogin] = {}
    for line in content.decode(errors="surrogateescape").split("\n"):
        words = line[:254].split()
        if len(words) >= 3 and not words[0].startswith("#"):
            found.setdefault(words[0].lower(), OldLogin(words[0].lower(), words[1], words[2]))
    return list(found.values())


def take_routes(draft: Draft, installation: Installation) -> None:
    """Say every relay, and every login where it is used."""
    draft.taken |= {"esmtproutes", "esmtpauthclient"} & installation.files.keys()
    if "esmtproutes" not in installation.files and "esmtproutes.dat" in installation.files:
        draft.note("esmtproutes.dat has no source; its routes are not in the site", is_open=True)
    alive, dead = read_routes(installation)
    for route in dead:
        draft.note(f"the route for {route.domain or 'everything'} is behind a broader one and never counts", route.mark)
    unused = {login.relay: login for login in read_logins(installation)}
    logins = {route: unused.get(route.spelling) for route in alive}
    remarks = list_comments(installation.content("esmtproutes") or b"")
    for route in alive:
        path = _say_route(draft, route, logins[route])
        if path:
            for entry, lines in remarks.items():
                if entry.partition(":")[0].strip().lower() == route.domain:
                    draft.remark(path, lines)
    for login in logins.values():
        if login:
            unused.pop(login.relay, None)
    _take_unused(draft, alive, logins, unused)


def _say_route(draft: Draft, route: OldRoute, login: OldLogin | None) -> SitePath:
    said: dict[str, Any] = {}
    if route.port is not None and fits(Port, route.port):
        said["port"] = route.port
    elif route.security == "smtps" and route.relay:
        said["port"] = 25
    if route.security:
        said["security"] = route.security
    if route.family:
        said["family"] = route.family
    if login is not None and fits(Word, login.user):
        said["login"] = {"user": login.user, "password": draft.secret(f"login-{route.relay}", login.password)}
    if (route.relay and not fits(Relay, route.relay)) or not fits(RouteDomain, route.domain or "*"):
        draft.note(f"the route for {route.domain or 'everything'} names no host or domain and never counts", route.mark)
        return ()
    if not route.domain and route.relay and not route.family:
        draft.say(("smarthost",), {"host": route.relay, **said} if said else route.relay)
        return ("smarthost",)
    path = ("routes", route.domain or "*")
    via = {"via": route.relay} if route.relay else {}
    draft.say(path, {**via, **said} if said or not via else route.relay)
    return path


def _take_unused(
    draft: Draft, alive: list[OldRoute], logins: dict[OldRoute, OldLogin | None], unused: dict[str, OldLogin]
) -> None:
    """Logins under names that no route spells: of mail exchangers, or of servers as before Courier 0.55."""
    lacking = [route for route in alive if route.relay and logins[route] is None]
    for login in unused.values():
        if not fits(HostName, login.relay) or not fits(Word, login.user):
            draft.note(f"the login for {login.relay} is never used, because no route is spelt like that")
            continue
        secret = draft.secret(f"login-{login.relay}", login.password)
        draft.say(("credentials", login.relay), {"user": login.user, "password": secret})
        related = [route for route in lacking if _related(route.relay, login.relay)]
        if len(related) == 1 and related[0].relay.lower() != login.relay:
            _lend(draft, related[0], login, secret)
        elif lacking and not related:
            draft.note(
                f"the login for {login.relay} belongs to no route; if it is the server behind one (as Courier before"
                " 0.55 wanted it), give that route the login"
            )


def _related(relay: str, host: str) -> bool:
    return relay.lower().split(".")[-2:] == host.split(".")[-2:]


def _lend(draft: Draft, route: OldRoute, login: OldLogin, secret: dict[str, str]) -> None:
    path: SitePath = ("smarthost",) if not route.domain else ("routes", route.domain)
    said = draft.said(path)
    entry = dict(said) if isinstance(said, dict) else {"host" if path == ("smarthost",) else "via": said}
    draft.say(path, {**entry, "login": {"user": login.user, "password": secret}})
    draft.note(
        f"before Courier 0.55 logins stood under the server's own name: {login.relay} is taken for {route.relay}"
    )
