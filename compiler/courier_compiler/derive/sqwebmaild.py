"""sqwebmaild: the webmail daemon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy, said
from courier_compiler.derive._mailbox import maildir
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.sqwebmail import Sqwebmaild
from courier_schema.words import octets

_PATH: Final = ("webmail",)
_VARIABLES: Final = {
    "idle_timeout": "SQWEBMAIL_TIMEOUTSOFT",
    "session_timeout": "SQWEBMAIL_TIMEOUTHARD",
    "max_message_size": "SQWEBMAIL_MAXMSGSIZE",
    "max_attachment_size": "SQWEBMAIL_MAXATTSIZE",
    "banner_program": "SQWEBMAIL_BANNERPROG",
}


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about webmail, apart from its files of one line."""
    site = resolved.site
    yield from maildir(Sqwebmaild, resolved)
    yield from copy(Sqwebmaild, site.delivery, ("delivery",), {"skeleton": "auth_mkhomedir_skel"})
    yield from copy(Sqwebmaild, site.webmail, _PATH, {"processes": "sqwebmail_prefork"})
    for field, value in said(site.webmail, _VARIABLES):
        assert isinstance(value, (int, str))
        text = str(octets(value)) if field.endswith("_size") else str(value)
        yield Intent(Sqwebmaild(), (*_PATH, field), variables={_VARIABLES[field]: text})
    if site.delivery.shared_index is not None:
        index = {"SQWEBMAIL_SHAREDINDEXFILE": f"{resolved.profile.layout.sysconfdir}/shared/index"}
        yield Intent(Sqwebmaild(), ("delivery", "shared_index"), "for webmail as well", variables=index)


def _is_served(resolved: ResolvedSite) -> bool:
    webmail = resolved.site.webmail
    return webmail is not None and webmail.enabled


DERIVATIONS = (Derivation("sqwebmaild", derive, _is_served),)
