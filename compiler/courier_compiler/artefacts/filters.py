"""etc/courier/filters/active: links to the filter programs that courierfilter starts."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context
from courier_compiler.origin import derived


def build(context: Context) -> Iterator[Artefact]:
    filters = context.site.filters
    if filters is None:
        return
    for name, program in sorted(filters.active.items()):
        origin = derived("filters", "active", name)
        yield context.link(f"filters/active/{name}", program, origin, (Daemon.COURIERFILTER,))


ARTEFACT = ArtefactSpec("filters/active", build)
