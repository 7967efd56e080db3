"""etc/courier/socksrc: SOCKS 5 proxies for outgoing connections, and statements of the bundled server.

Any program may have to read it, but one that holds passwords is shown to the mail system only.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context, Guard
from courier_compiler.origin import Origin, derived
from courier_compiler.parts.gateways import socks_networks
from courier_schema.report import SitePath
from courier_schema.site.gateways import SocksProxy


def build(context: Context) -> Iterator[Artefact]:
    socks = context.site.socks
    if socks is None:
        return
    lines: list[str] = []
    origins: dict[str, Origin] = {}
    for line, key, origin in _statements(context):
        lines.append(line)
        origins[key] = origin
    secret = any(proxy.password is not None for proxy in socks.proxies.values())
    yield context.text(
        "socksrc",
        "".join(f"{line}\n" for line in lines),
        origins,
        Guard.MAIL if secret else Guard.WORLD,
        (Daemon.SOCKD,) if socks.server else (),
        secret,
    )


def _statements(context: Context) -> Iterator[tuple[str, str, Origin]]:
    """Lines, each with the part of it that names it and its reason."""
    socks = context.site.socks
    assert socks is not None
    for said, proxy in sorted(socks.proxies.items()):
        path = ("socks", "proxies", said)
        for network in socks_networks(said):
            key = f"proxy {network}"
            yield f"{key} {','.join(proxy.servers)}{_login(context, proxy, path)}", key, derived(*path)
    for position, said in enumerate(socks.direct):
        for network in socks_networks(said):
            yield f"noproxy {network}", f"noproxy {network}", derived("socks", "direct", position)
    if socks.from_environment:
        yield "allowenv", "allowenv", derived("socks", "from_environment")
    for position, statement in enumerate(socks.server):
        yield statement, statement, derived("socks", "server", position)


def _login(context: Context, proxy: SocksProxy, path: SitePath) -> str:
    if proxy.user is None or proxy.password is None:
        return ""
    password = context.reveal(proxy.password)
    if not password or any(character.isspace() or character == "#" for character in password):
        context.problem(
            "socks-password",
            "the password of a proxy is empty or contains a blank or number sign, which ends it",
            "use a password of one word",
            (*path, "password"),
        )
    return f" {proxy.user} {password}"


ARTEFACT = ArtefactSpec("socksrc", build)
