"""faxnotifyrc: how received faxes are mailed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.fax import Faxnotifyrc

_FIELDS: Final = {
    "recipient": "rcptto",
    "sender": "mailfrom",
    "from_header": "fromhdr",
    "to_header": "tohdr",
    "subject": "subjecthdr",
    "delete": "dodelete",
}


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about received faxes."""
    fax = resolved.site.fax
    return copy(Faxnotifyrc, fax.notify if fax else None, ("fax", "notify"), _FIELDS)


def _is_wanted(resolved: ResolvedSite) -> bool:
    fax = resolved.site.fax
    return fax is not None and fax.notify is not None


DERIVATIONS = (Derivation("faxnotifyrc", derive, _is_wanted),)
