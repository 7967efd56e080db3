"""etc/courier/module.NAME: how the queue daemon runs each delivery module. It does not start when one is missing."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context
from courier_compiler.settings_file import compose


def build(context: Context) -> Iterator[Artefact]:
    for file, settings in context.resolved.settings.items():
        if settings.table.format == "module":
            content = compose(file, settings.table, context.profile, context.source)
            origins = {row.name: settings.origin(row.attribute) for row, value in settings.table.items() if value}
            yield context.text(file, content, origins, touches=(Daemon.COURIERD,))


ARTEFACT = ArtefactSpec("modules", build)
