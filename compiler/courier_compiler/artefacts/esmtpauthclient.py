"""etc/courier/esmtpauthclient: logins at other servers.

Courier compares the first word of a line with the relay exactly as esmtproutes spells it, port included, and with
the recipient's domain where there is no route. So the login of a route stands under the text of that route, and one
of `credentials` under its own name and under every route to that host which has no login.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.origin import Origin, derived
from courier_compiler.parts.routes import named_routes, relay_text
from courier_schema.report import SitePath
from courier_schema.site.routing import Login

_LINE: Final = 254
"""Bytes of a line that count, its end left out."""


def build(context: Context) -> Iterator[Artefact]:
    lines: list[str] = []
    origins: dict[str, Origin] = {}
    for relay, (login, path) in sorted(_logins(context).items()):
        if line := _line(context, relay, login, path):
            lines.append(f"{line}\n")
            origins[relay] = derived(*path)
    if not lines:
        origins[""] = derived(rule="no logins at other servers")
    yield context.text("esmtpauthclient", "".join(lines), origins, secret=bool(lines))


def _logins(context: Context) -> dict[str, tuple[Login, SitePath]]:
    """Relay as it is looked up, in lower case, to its login and the place of that."""
    found: dict[str, tuple[Login, SitePath]] = {}
    routes = [(route, path) for _, route, path in named_routes(context.site) if route.via]
    for route, path in routes:
        if route.login is None:
            continue
        login, place = found.setdefault(relay_text(route).lower(), (route.login, (*path, "login")))
        if login != route.login:
            context.problem(
                "login-twice",
                f"two routes lead to {relay_text(route)} with different logins, and Courier knows only one for both",
                f"give both the login of {'.'.join(map(str, place[:-1]))}",
                (*path, "login"),
            )
    for host, login in context.site.credentials.items():
        spelt = (relay_text(route) for route, _ in routes if route.via and route.via.lower() == host.lower())
        for relay in (host, *spelt):
            found.setdefault(relay.lower(), (login, ("credentials", host)))
    return found


def _line(context: Context, relay: str, login: Login, path: SitePath) -> str:
    """The line of one login; empty, with a problem, where it cannot be written."""
    password = context.reveal(login.password)
    line = f"{relay} {login.user} {password}"
    if password.split() != [password]:
        context.problem(
            "login-password",
            f"the password for {relay} is empty or contains a blank, and Courier cannot read such a line",
            "have the password changed to one word",
            (*path, "password"),
        )
        return ""
    if len(line.encode()) > _LINE:
        context.problem(
            "login-too-long",
            f"relay, user and password for {relay} have more than {_LINE - 2} bytes together",
            "have the password changed to a shorter one",
            path,
        )
        return ""
    return line


ARTEFACT = ArtefactSpec("esmtpauthclient", build)
