"""The way out: routes, credentials and encryption towards other servers; UUCP paths and faxes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from courier_compiler.tracing.host import CompiledHost, Value
from courier_compiler.tracing.values import Delivery, Hop, Kind, Reply, Stage, Why
from courier_compiler.tracing.walk import Walk, flag
from courier_schema.legacy.formats.domains import first_line
from courier_schema.legacy.formats.hosted import Place
from courier_schema.legacy.formats.routes import SMTP_PORT, lookup_route
from courier_schema.legacy.formats.uucp import lookup_path, uucp_name

_STAGE = Stage.ROUTE
_FAX: Final = re.compile(r"[^@]*@fax(?:-[^@.]*)?", re.IGNORECASE)
_SECURITY: Final = "SECURITY="


@dataclass(frozen=True, slots=True)
class Path:
    """What became of a bang path."""

    refusal: Reply | None


def hop(host: CompiledHost, domain: str) -> Hop:
    """How mail leaves for a domain: the first route that matches, with the credentials under its spelling."""
    found = lookup_route(domain, host.routes)
    if found is None:
        return Hop(domain, "", login=host.logins.get(domain, ""))
    lines = host.content("esmtproutes").decode(errors="surrogateescape").split("\n")
    security = next((word.removeprefix(_SECURITY) for word in found.flags if word.startswith(_SECURITY)), "")
    login = host.logins.get(found.spelling if found.relay else domain, "")
    why = host.why("esmtproutes", lines[found.line - 1])
    return Hop(domain, found.relay, found.port or SMTP_PORT, security.lower(), login, why)


def leave(walk: Walk, address: str) -> None:
    """Deliver to another server."""
    found = hop(walk.host, address.rpartition("@")[2])
    if found.relay:
        encrypted = f", security {found.security}" if found.security else ""
        walk.note(_STAGE, f"{found.domain} leaves via {found.relay}, port {found.port}{encrypted}", found.why)
    else:
        walk.assume(_STAGE, f"would look up the mail servers of {found.domain}", found.why)
        if found.security:
            walk.note(_STAGE, f"{found.domain} is reached with security {found.security} only", found.why)
    if found.login:
        key = f"{found.relay},{found.port}".lower() if found.port != SMTP_PORT else found.relay.lower()
        walk.note(_STAGE, f"logs in there as {found.login}", walk.host.why("esmtpauthclient", key or found.domain))
    _encryption(walk)
    walk.deliver(Delivery(Kind.RELAY, address, found, found.why))


def _encryption(walk: Walk) -> None:
    """What the SMTP client does about TLS wherever it connects."""
    settings = walk.host.settings("courierd")
    starttls = settings.get("ESMTP_USE_STARTTLS", Value(""))
    verified = flag(settings, "ESMTP_TLS_VERIFY_DOMAIN")
    if not flag(settings, "ESMTP_USE_STARTTLS"):
        walk.note(_STAGE, "TLS is not used", starttls.why)
        return
    walk.note(_STAGE, "TLS is used where it is offered", starttls.why)
    if verified:
        why = settings["ESMTP_TLS_VERIFY_DOMAIN"].why
        walk.note(_STAGE, "over TLS the certificate has to match the server's name", why)


def uucp(walk: Walk, address: str) -> Path | None:
    """Hand a bang path of a local domain to the neighbour that it begins with; None for one of another domain."""
    path, _, domain = address.rpartition("@") if "@" in address else (address, "", "")
    if domain and walk.host.place(domain).place is not Place.LOCAL:
        return None
    own = first_line(walk.host.content("uucpme")) or uucp_name(walk.host.locality.me)
    answer = lookup_path(path.encode(errors="surrogateescape"), walk.host.get("uucpneighbors.dat"), own.encode())
    why = _neighbour(walk, answer.tried[-1]) if answer.tried else None
    if not answer.is_accepted:
        walk.note(_STAGE, f"no neighbour on the way takes {path}", why)
        return Path(Reply("RCPT", 550, "Unknown UUCP bang path."))
    walk.note(_STAGE, f"{path} goes to the neighbour {path.removeprefix(f'{own}!').partition('!')[0]}", why)
    walk.deliver(Delivery(Kind.UUCP, path, why=why))
    return Path(None)


def _neighbour(walk: Walk, key: bytes) -> Why | None:
    return walk.host.why("uucpneighbors.dat", key.decode(errors="surrogateescape"))


def fax(walk: Walk, address: str) -> bool:
    """Hand a number to the fax gateway; False for an address that is none."""
    if not _FAX.fullmatch(address):
        return False
    walk.assume(_STAGE, f"would apply the rules of faxrc to {address}", walk.host.why("faxrc"))
    walk.deliver(Delivery(Kind.FAX, address))
    return True
