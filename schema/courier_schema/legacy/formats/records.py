"""Records as every database format takes them: a mapping, or pairs of key and value with each key once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

Records = Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]]


def unique(records: Records) -> Mapping[bytes, bytes]:
    """The records as a mapping. Raises ValueError when a key occurs more than once."""
    if isinstance(records, Mapping):
        return cast(Mapping[bytes, bytes], records)
    table: dict[bytes, bytes] = {}
    for key, value in records:
        if key in table:
            raise ValueError(f"the key {key!r} occurs more than once")
        table[key] = value
    return table
