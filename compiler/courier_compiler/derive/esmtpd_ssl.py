"""esmtpd-ssl: the listener for mail over TLS from the first byte, where it differs from esmtpd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, esmtpd
from courier_compiler.derive._listeners import endpoints, is_on
from courier_compiler.derive._smtp import own_session, submission
from courier_compiler.derive._tls import server_tls
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.esmtpd_ssl import EsmtpdSsl
from courier_schema.report import SitePath

_SMTPS: Final[SitePath] = ("listeners", "smtps")


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about port 465."""
    own = list(_own(resolved))
    yield from own_session(EsmtpdSsl, resolved, own, _SMTPS, esmtpd.derive(resolved))


def _own(resolved: ResolvedSite) -> Iterator[Intent]:
    site = resolved.site
    listener = site.listeners.smtps
    yield Intent(EsmtpdSsl(esmtpdsslstart=is_on(listener)), _SMTPS, "a listener that is not named is off")
    yield from submission(EsmtpdSsl, listener, _SMTPS)
    yield from endpoints(EsmtpdSsl, listener, _SMTPS, "ssladdress", "sslport")
    yield from server_tls(EsmtpdSsl, site.tls, ("tls",), resolved.profile)
    yield from server_tls(EsmtpdSsl, listener.tls if listener else None, (*_SMTPS, "tls"), resolved.profile)


DERIVATIONS = (Derivation("esmtpd-ssl", derive),)
