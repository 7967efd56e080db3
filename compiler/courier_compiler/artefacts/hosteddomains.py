"""etc/courier/hosteddomains and its database: domains whose accounts are full addresses.

Courier follows one step from a domain to the one under which its accounts are known, so chains of `alias_of` are
followed to their end here. A domain with `subdomains` is the target of its wildcard: mail for every sub-domain
reaches the accounts of the domain itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context
from courier_compiler.parts.tables import make_table
from courier_schema.legacy.formats.makedat import DEFAULT_VALUE, Kind


def build(context: Context) -> Iterator[Artefact]:
    hosted = sorted(context.names.hosted.items())
    rows = {
        key.encode(): (DEFAULT_VALUE if key == entry.known_as else entry.known_as.encode(), entry.origin)
        for _, entry in hosted
        for key in entry.keys
    }
    yield from make_table(context, Kind.HOSTEDDOMAINS, rows, "hosteddomains/site", (Daemon.COURIERD,))


ARTEFACT = ArtefactSpec("hosteddomains", build)
