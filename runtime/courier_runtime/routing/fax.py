"""Addresses of faxes: `NUMBER@fax`, with options behind the domain, and whether the rules let them pass."""

from __future__ import annotations

import re
from typing import Final

from courier_runtime.mail.reply import Reply
from courier_runtime.seams import Hop
from courier_runtime.snapshot.model import Snapshot
from courier_schema.legacy.formats.faxrc import dialled

INVALID_FAX: Final = Reply.of(550, "Invalid fax phone number")

_ADDRESS: Final = re.compile(r"([^@]*)@(fax(?:-lowres|-ignore|-cover)*)\.?", re.IGNORECASE)
_DROPPED: Final = re.compile(r"[^0-9A-Da-dWw*#,@]")
_SIGNS: Final = str.maketrans({"-": ",", "+": "@"})
"""A pause, and the wait for another dial tone, as modems spell them."""


def is_fax(address: str) -> bool:
    """Whether an address is one of these; with an unknown option it is an ordinary one."""
    return _ADDRESS.fullmatch(address) is not None


def route_fax(address: str, snapshot: Snapshot, source: str = "") -> Hop | Reply | None:
    """The hop to the number that is dialled, or why there is none; None for other addresses."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return None
    number = dialled(snapshot.fax_rules, _DROPPED.sub("", found[1].translate(_SIGNS)), source)
    return INVALID_FAX if number is None else Hop("fax", found[2].lower(), number)
