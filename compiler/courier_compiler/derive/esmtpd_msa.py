"""esmtpd-msa: the submission listener, where it differs from esmtpd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, esmtpd
from courier_compiler.derive._listeners import endpoints, is_on
from courier_compiler.derive._smtp import own_session, submission
from courier_compiler.derive._tls import server_tls
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.esmtpd_msa import EsmtpdMsa
from courier_schema.report import SitePath

_SUBMISSION: Final[SitePath] = ("listeners", "submission")


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about port 587."""
    own = list(_own(resolved))
    yield from own_session(EsmtpdMsa, resolved, own, _SUBMISSION, esmtpd.derive(resolved))


def _own(resolved: ResolvedSite) -> Iterator[Intent]:
    listener = resolved.site.listeners.submission
    yield Intent(EsmtpdMsa(esmtpdstart=is_on(listener)), _SUBMISSION, "a listener that is not named is off")
    yield Intent(EsmtpdMsa(address="0", port=("587",)), _SUBMISSION, "the service's usual port")
    yield from submission(EsmtpdMsa, listener, _SUBMISSION)
    yield from endpoints(EsmtpdMsa, listener, _SUBMISSION)
    yield from server_tls(EsmtpdMsa, listener.tls if listener else None, (*_SUBMISSION, "tls"), resolved.profile)
    if resolved.site.submission_access is not None:
        table = f"{resolved.profile.layout.sysconfdir}/smtpaccess-msa"
        yield Intent(EsmtpdMsa(accessfile=table), ("submission_access",), "the table of its own")


DERIVATIONS = (Derivation("esmtpd-msa", derive),)
