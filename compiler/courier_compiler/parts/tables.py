"""Tables: a text source for one of the make commands together with the database that it makes of it.

Both come from the same rows, so a host that rebuilds its databases gets the same records. What makedat's reader
finds in the source is reported at the place of the site that the row came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from courier_compiler.artefact import Artefact, Daemon
from courier_compiler.context import Context
from courier_compiler.origin import Origin
from courier_schema.legacy.formats.makedat import DEFAULT_VALUE, Kind, compile_database, dump_table
from courier_schema.legacy.formats.source import Source

Rows = Mapping[bytes, tuple[bytes, Origin]]
"""Key to value and reason."""


def make_table(
    context: Context, kind: Kind, rows: Rows, source: str, touches: tuple[Daemon, ...] = (), database: str = ""
) -> Iterator[Artefact]:
    """The source and the database of some rows, in their order. `database` is the kind with `.dat` by default."""
    content = dump_table(((key, value) for key, (value, _) in rows.items()), netblocks=kind.has_netblocks)
    table = compile_database(kind, [Source(source, content)], context.release)
    origins = {key.decode(errors="surrogateescape"): origin for key, (_, origin) in rows.items()}
    context.adopt(table.problems, {source: list(origins.values())})
    yield context.text(source, content, origins, touches=touches)
    yield context.database(database or f"{kind}.dat", table.records, origins, touches=touches)


def rows_of_keys(keys: Mapping[str, Origin]) -> Rows:
    """Rows of which only the key counts."""
    return {key.encode(): (DEFAULT_VALUE, origin) for key, origin in keys.items()}
