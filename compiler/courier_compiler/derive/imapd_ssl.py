"""imapd-ssl: the IMAP listener with TLS from the start, and TLS of every IMAP connection."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.derive import Derivation, Intent, imapd
from courier_compiler.derive._mailbox import limits, tls_file
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.imapd import Imapd
from courier_schema.legacy.tables.imapd_ssl import ImapdSsl


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about IMAP over TLS."""
    yield from tls_file(ImapdSsl, resolved, "imap", "imapdsslstart", "imapdstarttls", "imap_tls_required")
    yield from limits(Imapd, resolved, "imap", imapd.derive(resolved))


DERIVATIONS = (Derivation("imapd-ssl", derive),)
