"""pop3d-ssl: the POP3 listener with TLS from the start, and TLS of every POP3 connection."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.derive import Derivation, Intent, pop3d
from courier_compiler.derive._mailbox import limits, tls_file
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.pop3d import Pop3d
from courier_schema.legacy.tables.pop3d_ssl import Pop3dSsl


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about POP3 over TLS."""
    yield from tls_file(Pop3dSsl, resolved, "pop3", "pop3dsslstart", "pop3_starttls", "pop3_tls_required")
    yield from limits(Pop3d, resolved, "pop3", pop3d.derive(resolved))


DERIVATIONS = (Derivation("pop3d-ssl", derive),)
