"""Listeners: which services are open, where, and how users can log in to them."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.effects._services import Service, changed_services, is_set
from courier_compiler.planning.sides import Side, Sides, differing
from courier_schema.report import Severity


def find(sides: Sides) -> Iterator[Finding]:
    for service in changed_services(sides):
        yield from _service(sides, service)


def _service(sides: Sides, service: Service) -> Iterator[Finding]:
    was, is_open = service.is_open(sides.before), service.is_open(sides.after)
    if is_open and not was:
        yield Finding(f"{service.name} opens on port {_ports(sides.after, service)}", service.own, service.start)
    elif was and not is_open:
        says = f"{service.name} closes; it was on port {_ports(sides.before, service)}"
        yield Finding(says, service.own, service.start, Severity.WARNING)
    elif is_open:
        yield from _places(sides, service)
        yield from _logins(sides, service)


def _ports(side: Side, service: Service) -> str:
    settings = service.settings(side)
    common = settings.get(service.address, "0")
    named = (entry.rpartition(".") for entry in settings.get(service.port, "").split(","))
    return ", ".join(_port(address or common, port) for address, _, port in named)


def _port(address: str, port: str) -> str:
    return port if address in {"", "0"} else f"{port} of {address}"


def _places(sides: Sides, service: Service) -> Iterator[Finding]:
    before, after = _ports(sides.before, service), _ports(sides.after, service)
    if before != after:
        says = f"{service.name} listens on port {after}, no longer on {before}"
        yield Finding(says, service.file(sides, service.port), service.port, Severity.WARNING)


def _logins(sides: Sides, service: Service) -> Iterator[Finding]:
    for under_tls in (False, True):
        if service.is_implicit_tls and not under_tls:
            continue
        how = "under TLS" if under_tls else "in clear text"
        gained, lost = differing(methods(sides.before, service, under_tls), methods(sides.after, service, under_tls))
        setting = service.auth_tls if under_tls else service.auth
        file = service.file(sides, setting)
        if gained:
            severity = Severity.NOTE if under_tls else Severity.WARNING
            yield Finding(f"{service.name} offers login {how} by {', '.join(gained)}", file, setting, severity)
        if lost:
            yield Finding(
                f"{service.name} no longer offers login {how} by {', '.join(lost)}", file, setting, Severity.WARNING
            )
    yield from _required(sides, service)


def methods(side: Side, service: Service, under_tls: bool) -> tuple[str, ...]:
    """The login methods that a service takes; the list for clear text counts under TLS where there is no other.

    Where TLS is required, those for clear text may be listed, but each is refused.
    """
    settings = service.settings(side)
    if not under_tls and is_set(settings, service.tls_required):
        return ()
    words = settings.get(service.auth, "")
    if under_tls and settings.get(service.auth_tls):
        words = settings[service.auth_tls]
    return tuple(word.removeprefix(service.marker) for word in words.split() if word.startswith(service.marker))


def _required(sides: Sides, service: Service) -> Iterator[Finding]:
    if not service.start.startswith("ESMTPD"):
        return
    was, required = (is_set(service.settings(side), "AUTH_REQUIRED") for side in (sides.before, sides.after))
    if was != required:
        says = f"{service.name} takes mail from {'users' if required else 'everybody'} only"
        told = says if required else f"{service.name} takes mail without a login"
        severity = Severity.NOTE if required else Severity.WARNING
        yield Finding(told, service.file(sides, "AUTH_REQUIRED"), "AUTH_REQUIRED", severity)


SUBJECT = Subject(5, "listeners", find)
