"""Routes: fixed relays and logins at other servers, as the client of an installation takes them.

The first line that matches counts, so a line behind a broader one is dead and left out. A login is found by the
relay's spelling in its route; before Courier 0.55 it was the name of the server that the relay resolved to.
"""

from __future__ import annotations

from typing import Any, Final

from courier_compiler.importing.draft import Draft, fits, printable
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.tables import commented_lists, read_database
from courier_compiler.parts.routes import takes_families
from courier_compiler.profile import Profile, version
from courier_schema.legacy.formats.routes import SMTP_PORT, Credentials, Route, parse_credentials, parse_routes
from courier_schema.report import Mark, SitePath
from courier_schema.words import HostName, Port, Relay, RouteDomain, Word

_SECURITIES: Final = {f"SECURITY={word.upper()}": word for word in ("starttls", "required", "smtps")}
_FAMILIES: Final = {"IPV4ONLY": "ipv4", "IPV6ONLY": "ipv6"}


def read_routes(installation: Installation) -> tuple[list[Route], list[Route]]:
    """The lines that count, in their order, and those that never do."""
    alive: list[Route] = []
    dead: list[Route] = []
    for route in parse_routes(_text(installation)):
        is_dead = any(earlier.covers(route.domain) for earlier in alive)
        (dead if is_dead else alive).append(route)
    return alive, dead


def _text(installation: Installation) -> bytes:
    """The routes as text. Where there is none, a database answers, for single domains in lower case only."""
    content = installation.content("esmtproutes")
    records = read_database(installation, "esmtproutes.dat") if content is None else None
    answering = sorted(key for key in records or () if key == key.lower() and not key.startswith((b".", b"#")))
    return b"".join(b"%s:%s\n" % (key, records[key]) for key in answering if key) if records else content or b""


def read_logins(installation: Installation) -> tuple[Credentials, ...]:
    """The lines of esmtpauthclient that can be used; the first for each relay."""
    return parse_credentials(installation.content("esmtpauthclient") or b"")


def answer(route: Route, profile: Profile) -> str:
    """What a route does for a target, in one line."""
    server = f"{route.relay or 'DNS'} port {route.port or SMTP_PORT}"
    return " ".join(filter(None, (server, security(route), family(route, profile))))


def security(route: Route) -> str:
    """How a site says the encryption that a route demands; nothing where it demands none."""
    return next((word for flag, word in _SECURITIES.items() if flag in route.flags), "")


def family(route: Route, profile: Profile) -> str:
    """How a site says the kind of addresses that a route is limited to; nothing where the target ignores that."""
    said = next((word for flag, word in _FAMILIES.items() if flag in route.flags), "")
    return said if takes_families(version(profile.courier)) else ""


def is_findable(route: Route) -> bool:
    """Whether the domain of any mail is the one of a route: an asterisk is no domain, and stands for none."""
    return route.domain != "*" and fits(RouteDomain, route.domain or "*")


def take_routes(draft: Draft, installation: Installation) -> None:
    """Say every relay, and every login where it is used."""
    draft.taken |= {"esmtproutes", "esmtpauthclient"} & installation.files.keys()
    alive, dead = read_routes(installation)
    for route in dead:
        what = printable(route.domain) or "everything"
        draft.note(f"the route for {what} is behind a broader one and never counts", _mark(installation, route))
    unused = {login.relay: login for login in read_logins(installation)}
    logins = {route: unused.get(route.spelling) for route in alive}
    remarks = dict(commented_lists(installation, "esmtproutes"))
    for route in alive:
        path = _say_route(draft, route, logins[route], _mark(installation, route))
        if path:
            for entry, lines in remarks.items():
                if entry.partition(":")[0].strip().lower() == route.domain:
                    draft.remark(path, lines)
    for login in logins.values():
        if login:
            unused.pop(login.relay, None)
    _take_unused(draft, alive, logins, unused)


def _mark(installation: Installation, route: Route) -> Mark:
    return Mark(installation.where("esmtproutes"), route.line)


def _say_route(draft: Draft, route: Route, login: Credentials | None, mark: Mark) -> SitePath:
    said: dict[str, Any] = {}
    if route.port is not None and fits(Port, route.port):
        said["port"] = route.port
    elif security(route) == "smtps" and route.relay:
        said["port"] = SMTP_PORT
    if security(route):
        said["security"] = security(route)
    limit = family(route, draft.profile)
    if limit:
        said["family"] = limit
    elif not route.flags.isdisjoint(_FAMILIES):
        courier = draft.profile.courier
        draft.note(f"Courier {courier} ignores the address family of a route, so it is left out", mark)
    if login is not None and fits(Word, login.user):
        said["login"] = {"user": login.user, "password": draft.secret(f"login-{route.relay}", login.password)}
    if (route.relay and not fits(Relay, route.relay)) or not is_findable(route):
        what = draft.quoted(printable(route.domain), mark.file) if route.domain else "everything"
        draft.note(f"the route for {what} names no host or domain and never counts", mark)
        return ()
    if not route.domain and route.relay and not limit:
        draft.say(("smarthost",), {"host": route.relay, **said} if said else route.relay)
        return ("smarthost",)
    path = ("routes", route.domain or "*")
    via = {"via": route.relay} if route.relay else {}
    draft.say(path, {**via, **said} if said or not via else route.relay)
    return path


def _take_unused(
    draft: Draft, alive: list[Route], logins: dict[Route, Credentials | None], unused: dict[str, Credentials]
) -> None:
    """Logins under names that no route spells: of mail exchangers, or of servers as before Courier 0.55."""
    lacking = [route for route in alive if route.relay and logins[route] is None]
    for login in unused.values():
        if not fits(HostName, login.relay) or not fits(Word, login.user):
            draft.note("a login of esmtpauthclient is never used, because no route is spelt like its relay")
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


def _lend(draft: Draft, route: Route, login: Credentials, secret: dict[str, str]) -> None:
    path: SitePath = ("smarthost",) if not route.domain else ("routes", route.domain)
    said = draft.said(path)
    entry = dict(said) if isinstance(said, dict) else {"host" if path == ("smarthost",) else "via": said}
    draft.say(path, {**entry, "login": {"user": login.user, "password": secret}})
    draft.note(
        f"before Courier 0.55 logins stood under the server's own name: {login.relay} is taken for {route.relay}"
    )
