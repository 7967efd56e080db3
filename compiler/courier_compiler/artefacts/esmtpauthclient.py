"""etc/courier/esmtpauthclient: logins at other servers.

Courier compares the first word of a line with the relay exactly as esmtproutes spells it, port included, and with
the recipient's domain where there is no route. So the login of a route stands under the text of that route, and one
of `credentials` under its own name and under every route to that host which has no login.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.origin import Origin, derived
from courier_compiler.parts.routes import login_line, relay_logins
from courier_schema.report import SitePath
from courier_schema.site.routing import Login
from courier_schema.source.secrets import MASK


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
    """Relay as it is looked up to its login and the place of that."""
    found: dict[str, tuple[Login, SitePath]] = {}
    for relay, login, path in relay_logins(context.site):
        found.setdefault(relay, (login, path))
    return found


def _line(context: Context, relay: str, login: Login, path: SitePath) -> str:
    """The line of one login; empty, with a problem, where its password cannot stand in one."""
    password = context.reveal(login.password)
    if password == MASK:
        return f"{relay} {login.user} {MASK}"
    if password.split() != [password]:
        context.problem(
            "login-password",
            f"the password for {relay} is empty or contains a blank, and Courier cannot read such a line",
            "have the password changed to one word",
            (*path, "password"),
        )
        return ""
    try:
        return login_line(relay, login.user, password)
    except ValueError as error:
        context.problem("login-too-long", str(error), "have the password changed to a shorter one", path)
        return ""


ARTEFACT = ArtefactSpec("esmtpauthclient", build)
