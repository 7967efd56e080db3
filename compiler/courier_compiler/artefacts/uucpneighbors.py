"""etc/courier/uucpneighbors and its database: nodes through which UUCP mail may go."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Final

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context
from courier_compiler.origin import derived
from courier_compiler.parts.tables import make_table
from courier_schema.legacy.formats.makedat import Kind
from courier_schema.legacy.formats.uucp import Rights, format_value

_RIGHTS: Final = {"forward": Rights.FORWARD, "gateway": Rights.GATEWAY, "rmail": Rights.RMAIL}


def build(context: Context) -> Iterator[Artefact]:
    uucp = context.site.uucp
    if uucp is None:
        return
    rows = {
        node.encode(): (
            format_value(reduce(or_, (_RIGHTS[flag] for flag in neighbour.flags), Rights.NONE)),
            derived("uucp", "neighbours", node),
        )
        for node, neighbour in sorted(uucp.neighbours.items())
    }
    yield from make_table(context, Kind.UUCPNEIGHBORS, rows, "uucpneighbors", (Daemon.COURIERD,))


ARTEFACT = ArtefactSpec("uucpneighbors", build)
