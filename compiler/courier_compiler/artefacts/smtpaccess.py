"""etc/courier/smtpaccess and its database: what SMTP clients may do by their address.

The submission service reads the same table unless the site gives it one of its own (`smtpaccess-msa`). This machine
itself may relay unless the site says something about its loopback addresses.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context
from courier_compiler.parts.access_table import client_rows
from courier_compiler.parts.tables import make_table
from courier_schema.legacy.formats.makedat import Kind


def build(context: Context) -> Iterator[Artefact]:
    submission = context.site.submission_access
    shared = (Daemon.ESMTPD, Daemon.ESMTPD_SSL)
    rows = client_rows(context.site.access, "access", loopback_relays=True)
    touches = shared if submission is not None else (*shared, Daemon.ESMTPD_MSA)
    yield from make_table(context, Kind.SMTPACCESS, rows, "smtpaccess/default", touches)
    if submission is not None:
        rows = client_rows(submission, "submission_access", loopback_relays=True)
        yield from make_table(
            context, Kind.SMTPACCESS, rows, "smtpaccess-msa/default", (Daemon.ESMTPD_MSA,), "smtpaccess-msa.dat"
        )


ARTEFACT = ArtefactSpec("smtpaccess", build)
