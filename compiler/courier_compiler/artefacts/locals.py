"""etc/courier/locals: domains whose addresses are accounts or aliases without a domain.

The server's own name is there unless the site relays it: addresses of whole aliased domains are rewritten to end in
it. Without any local domain the file is there and empty, because without the file that name would be local again.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context
from courier_compiler.domain_lists import local_entries


def build(context: Context) -> Iterator[Artefact]:
    yield context.lines("locals", local_entries(context.names), touches=(Daemon.COURIERD,))


ARTEFACT = ArtefactSpec("locals", build)
