"""Intents that the IMAP and POP3 files have in common.

The two listeners of a protocol read the same two files. Only what the start scripts put on a command line can
differ between them; the rest holds for both, whichever of the two sections says it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Intent, copy
from courier_compiler.derive._listeners import endpoints, is_on, not_inherited
from courier_compiler.derive._tls import server_tls
from courier_compiler.profile import in_force
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.table import Table
from courier_schema.report import SitePath
from courier_schema.site.listeners import MailboxListener

Section = tuple[SitePath, MailboxListener | None]
"""A listener with its place in the site."""

_LIMITS: Final = {"max_connections": "maxdaemons", "max_per_address": "maxperip"}
_SHARED: Final = {"default_domain": "defdomain", "proxy_name": "proxy_hostname"}
_OFF: Final = "a listener that is not named is off"


def sections(resolved: ResolvedSite, protocol: str) -> tuple[Section, Section]:
    """The listener with STARTTLS and the one with TLS from the start."""
    listeners = resolved.site.listeners
    plain, tls = ("listeners", protocol), ("listeners", f"{protocol}s")
    return (plain, getattr(listeners, plain[1])), (tls, getattr(listeners, tls[1]))


def plain_file(table: type[Table], resolved: ResolvedSite, protocol: str, start: str, proxy: str) -> Iterator[Intent]:
    """The file of the listener with STARTTLS, with all that both listeners share."""
    both = sections(resolved, protocol)
    path, listener = both[0]
    yield Intent(table(**{start: is_on(listener)}), path, _OFF)
    yield from maildir(table, resolved)
    yield from copy(table, resolved.site.delivery, ("delivery",), {"skeleton": "auth_mkhomedir_skel"})
    yield from endpoints(table, listener, path)
    yield from copy(table, listener, path, {**_LIMITS, "maildir": "maildirpath"})
    for place, section in both:
        yield from copy(table, section, place, {**_SHARED, "proxy": proxy})


def tls_file(
    table: type[Table], resolved: ResolvedSite, protocol: str, start: str, starttls: str, required: str
) -> Iterator[Intent]:
    """The file of the listener with TLS from the start, with TLS for both."""
    plain, tls = sections(resolved, protocol)
    path, listener = tls
    yield Intent(table(**{start: is_on(listener)}), path, _OFF)
    yield from maildir(table, resolved)
    yield from copy(table, listener, path, {"maildir": "maildirpath"})
    yield from endpoints(table, listener, path, "ssladdress", "sslport")
    yield from _without_tls(table, tls)
    yield from _before_login(table, resolved, plain, starttls, required)
    yield from server_tls(table, resolved.site.tls, ("tls",), resolved.profile)
    for place, section in (plain, tls):
        yield from server_tls(table, section.tls if section else None, (*place, "tls"), resolved.profile)


def limits(base: type[Table], resolved: ResolvedSite, protocol: str, before: Iterator[Intent]) -> Iterator[Intent]:
    """Limits of the TLS listener, which has no rows for them: it starts with those of the plain one."""
    path, listener = sections(resolved, protocol)[1]
    own = list(copy(base, listener, path, _LIMITS))
    of_plain = (intent for intent in before if intent.says.said().keys() <= set(_LIMITS.values()))
    stock = in_force(base.file, resolved.profile)
    yield from not_inherited(base, of_plain, own, stock, path, ("listeners", protocol), ())
    yield from own


def maildir(table: type[Table], resolved: ResolvedSite) -> Iterator[Intent]:
    """The maildir of accounts that their back-end describes without one."""
    return copy(table, resolved.site.account_defaults, ("account_defaults",), {"maildir": "maildirpath"})


def _without_tls(table: type[Table], tls: Section) -> Iterator[Intent]:
    """A word on fields that ask a listener which begins with TLS to begin without."""
    path, listener = tls
    if listener is not None and (listener.starttls or listener.require_tls is False):
        field = "starttls" if listener.starttls else "require_tls"
        yield Intent(table(), (*path, field), shortfall="begin without TLS on a port that begins with TLS")


def _before_login(
    table: type[Table], resolved: ResolvedSite, plain: Section, starttls: str, required: str
) -> Iterator[Intent]:
    """What the plain listener does before STARTTLS: with a certificate, it takes no password before it."""
    path, listener = plain
    certificate = resolved.site.tls.certificate or (listener.tls.certificate if listener and listener.tls else None)
    if listener is not None and certificate and not listener.auth and listener.starttls is not False:
        yield Intent(table(**{required: True}), path, "passwords are taken under TLS only")
    yield from copy(table, listener, path, {"starttls": starttls, "require_tls": required})
