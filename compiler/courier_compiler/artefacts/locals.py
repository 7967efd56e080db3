"""etc/courier/locals: domains whose addresses are accounts or aliases without a domain.

The order has no meaning, for no entry excludes another. The server's own name is always there: addresses of whole
aliased domains are rewritten to end in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context
from courier_schema.report import Severity


def build(context: Context) -> Iterator[Artefact]:
    entries = {key: entry.origin for key, entry in sorted(context.names.locals.items())}
    _note_encoded(context)
    yield context.lines("locals", entries, touches=(Daemon.COURIERD,))


def _note_encoded(context: Context) -> None:
    """Courier compares domains in Unicode, so the encoded form of one is found in no file of ours."""
    names = context.names
    for name, entry in (*names.local.items(), *names.hosted.items(), *names.relay.items()):
        said = str(entry.path[-1])
        if entry.path[0] == "domains" and said.lower() != name:
            context.problem(
                "domain-encoded",
                f"{said} stands in Courier's files as {name}, the form in which Courier compares domains",
                f"write {name}, or leave it: both mean the same",
                entry.path,
                Severity.NOTE,
            )


ARTEFACT = ArtefactSpec("locals", build)
