"""Aliases: what stands in the place of an address. Nested aliases were resolved when the table was made."""

from __future__ import annotations

from courier_runtime.snapshot.model import Snapshot
from courier_schema.legacy.formats.aliases.lookup import as_submitted, lookup_alias


def expand(address: str, module: str, snapshot: Snapshot) -> tuple[str, ...] | None:
    """The targets of an alias, for mail that arrives through a module; None if the address is none.

    An alias without targets does not exist.
    """
    own = snapshot.aliases_of_module.get(module)
    names = snapshot.locality
    found = lookup_alias(as_submitted(address, names), snapshot.aliases, names, protocol_get=own)
    return found.recipients or None
