"""pop3d: the POP3 listener with STLS, and POP3 on every port."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.derive import Derivation, Intent, copy
from courier_compiler.derive._listeners import with_passwords, withheld
from courier_compiler.derive._mailbox import plain_file, sections
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.pop3d import Pop3d


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about POP3 apart from TLS."""
    yield from plain_file(Pop3d, resolved, "pop3", "pop3dstart", "pop3_proxy")
    yield Intent(Pop3d(pop3auth=()), ("listeners",), "no SASL login in clear text")
    both = sections(resolved, "pop3")
    clear = [method for _, listener in both if listener for method in listener.auth or ()]
    yield Intent(Pop3d(pop3auth_tls=with_passwords(clear)), ("listeners",), "logins under TLS")
    for path, listener in both:
        yield from copy(Pop3d, listener, path, {"auth": "pop3auth", "auth_tls": "pop3auth_tls"})
        yield from withheld(Pop3d, listener, path)


DERIVATIONS = (Derivation("pop3d", derive),)
