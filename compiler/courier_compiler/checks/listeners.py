"""Mistakes about listeners: ports and files that clash, limits that contradict each other, options that kill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding, per_site
from courier_compiler.checks._site import (
    FILES,
    PORTS,
    TLS_FROM_START,
    Socket,
    decided,
    dotted,
    in_force,
    listeners,
    sockets_of,
)
from courier_compiler.host import HostView
from courier_compiler.profile import version
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity, SitePath

_ROOT: Final = (None, "", "root", "0")
"""Values with which the server keeps the rights it was started with."""
_PROFILE: Final = {"mail_user": "mailuser", "mail_group": "mailgroup"}
"""Fields of `profile` to what they are in its layout."""
_IDENT_GONE: Final = version("1.3.9")


@per_site
def _sockets(resolved: ResolvedSite) -> tuple[Socket, ...]:
    """Every address and port that listeners open, as their settings files say."""
    return tuple(socket for name in listeners(resolved) for socket in sockets_of(resolved, name))


def _port_clash(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    by_port: dict[str, list[Socket]] = {}
    for socket in _sockets(resolved):
        others = by_port.setdefault(socket.port, [])
        other = next((other for other in others if socket.clashes(other) and socket.listener != other.listener), None)
        if other is not None:
            yield Finding(
                socket.path,
                f"{socket.listener} and {other.listener} both listen on {socket.shown}",
                f"give one of them another port or address under listeners.{socket.listener}.on, or remove it",
            )
        others.append(socket)


def _pidfile_clash(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in listeners(resolved):
        found = in_force(resolved, FILES[name], "sslpidfile" if name in TLS_FROM_START else "pidfile")
        if found is None or not found[0]:
            continue
        first = seen.setdefault(str(found[0]), name)
        if first != name:
            yield Finding(
                found[1] or ("listeners", name),
                f"{name} and {first} share the process id file {found[0]}",
                f"give each of them a file of its own, or leave the setting of {name} out",
            )


def _limits(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name in listeners(resolved):
        for wider, what in (("maxdaemons", "there are only {} in all"), ("maxperc", "its whole network only {}")):
            inner, outer = _limit(resolved, name, "maxperip"), _limit(resolved, name, wider)
            if inner is None or outer is None or inner[0] <= outer[0] or not (inner[1] or outer[1]):
                continue
            yield Finding(
                inner[1] or outer[1],
                f"{name}: one address may hold {inner[0]} sessions, but {what.format(outer[0])}",
                f"lower {dotted(inner[1])}, or raise the other limit"
                if inner[1]
                else f"raise {dotted(outer[1])}, or set max_per_address of {name} to {outer[0]} at most",
            )


def _limit(resolved: ResolvedSite, name: str, attribute: str) -> tuple[int, SitePath] | None:
    found = in_force(resolved, FILES[name], attribute)
    return (found[0], found[1]) if found is not None and isinstance(found[0], int) else None


def _smtp_as_root(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for file in ("esmtpd", "esmtpd-msa", "esmtpd-ssl"):
        for attribute in ("mailuser", "mailgroup"):
            found = in_force(resolved, file, attribute)
            if found is not None and found[1][:2] == ("settings", file) and found[0] in _ROOT:
                yield Finding(
                    found[1],
                    f"{attribute.upper()} of {file} makes the SMTP server run as root",
                    f"remove it, so that {getattr(resolved.profile.layout, attribute)} is used",
                )
    for field, attribute in _PROFILE.items():
        name = getattr(resolved.profile.layout, attribute)
        if name in _ROOT:
            yield Finding(
                ("profile", field),
                f"profile.{field} is {name}, so the whole mail system and its SMTP server run as root",
                "name the user and group that Courier's package made, or remove the key",
            )


def _fatal_options(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    old = version(resolved.profile.courier) < _IDENT_GONE
    refused, since = ("-haproxy", "not known before") if old else ("-noidentlookup", "no longer known since")
    for name in listeners(resolved):
        found = in_force(resolved, FILES[name], "tcpdopts")
        if found is None or not found[1] or not isinstance(found[0], tuple):
            continue
        if any(str(option).partition("=")[0] == refused for option in found[0]):
            yield Finding(
                found[1],
                f"{name} would not start: its option {refused} is {since} Courier 1.3.9",
                f"remove {refused}",
            )


def _closed_to_servers(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    required, path = decided(resolved, "esmtpd", "auth_required")
    if "smtp" in listeners(resolved) and required:
        yield Finding(
            path,
            "the service smtp takes mail from logged-in clients only, so no other server can deliver mail here",
            "remove require_auth from smtp, and let people send through submission",
        )


def _unused_ports(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    """The usual port of one service given to another."""
    usual = {str(port): name for name, port in PORTS.items()}
    for socket in _sockets(resolved):
        meant = usual.get(socket.port)
        if meant is not None and (meant in TLS_FROM_START) != (socket.listener in TLS_FROM_START):
            yield Finding(
                socket.path,
                f"{socket.listener} listens on port {socket.port}, where clients expect {meant}",
                f"name the listener {meant}, or give it another port",
            )


CHECKS: Final = (
    Check(
        "port-clash",
        "Two listeners on one port",
        "Only one program can listen on a port of an address, and a listener on every address takes the port on each "
        "of them. The second of the two does not start.",
        _port_clash,
    ),
    Check(
        "pidfile-clash",
        "Two listeners with one process id file",
        "The start and stop scripts find a listener by its process id file. With a common file the second listener "
        "does not start, or stopping one of them stops the other.",
        _pidfile_clash,
    ),
    Check(
        "limits-contradict",
        "Limits of connections that contradict each other",
        "Each limit counts the sessions of a larger circle: one address, its network of 256 addresses, and all "
        "clients together. When the inner limit is larger than the outer one it never applies, and a single client "
        "can take every place there is.",
        _limits,
        Severity.WARNING,
    ),
    Check(
        "smtp-as-root",
        "An SMTP server that runs as root",
        "MAILUSER and MAILGROUP say as whom the server talks to strangers. If they are empty, Courier does not "
        "complain: the server simply keeps the rights of root.",
        _smtp_as_root,
    ),
    Check(
        "listener-option-fatal",
        "An option that keeps a listener from starting",
        "couriertcpd refuses to start with an option that it does not know. Its options differ between releases: "
        "-noidentlookup went and -haproxy came with 1.3.9.",
        _fatal_options,
    ),
    Check(
        "smtp-requires-login",
        "A port for other servers that wants a login",
        "Other servers deliver mail without logging in. With require_auth on the service smtp all of them are "
        "refused, and nobody outside can write to this site.",
        _closed_to_servers,
        Severity.WARNING,
    ),
    Check(
        "port-of-another-service",
        "A service on the port of another kind",
        "Clients decide by the port whether a connection begins with TLS. A service that begins in clear text on a "
        "port for TLS, or the other way round, leaves both sides waiting for each other.",
        _unused_ports,
        Severity.WARNING,
    ),
)
