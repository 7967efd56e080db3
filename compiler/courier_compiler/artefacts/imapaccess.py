"""etc/courier/imapaccess and its database: what IMAP clients may do by their address.

The IMAP start scripts look for the table even where it says nothing, so every host that serves IMAP has one.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context
from courier_compiler.parts.access_table import client_rows
from courier_compiler.parts.tables import make_table
from courier_schema.legacy.formats.makedat import Kind


def build(context: Context) -> Iterator[Artefact]:
    site = context.site
    if not (site.mailbox_access or site.listeners.imap or site.listeners.imaps):
        return
    rows = client_rows(site.mailbox_access, "mailbox_access", mailbox=True)
    yield from make_table(context, Kind.IMAPACCESS, rows, "imapaccess/default", (Daemon.IMAPD, Daemon.IMAPD_SSL))


ARTEFACT = ArtefactSpec("imapaccess", build)
