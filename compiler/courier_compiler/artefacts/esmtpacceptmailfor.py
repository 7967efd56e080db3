"""etc/courier/esmtpacceptmailfor and its database: domains for which SMTP accepts mail from everybody.

Courier accepts nothing implicitly, so local, hosted and relayed domains are all listed unless they say
`accept: false`.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.domain_lists import accepted_entries
from courier_compiler.parts.tables import make_table, rows_of_keys
from courier_schema.legacy.formats.makedat import Kind


def build(context: Context) -> Iterator[Artefact]:
    listed, rest = accepted_entries(context.names)
    yield context.lines("esmtpacceptmailfor", listed)
    yield from make_table(context, Kind.ESMTPACCEPTMAILFOR, rows_of_keys(rest), "esmtpacceptmailfor.dir/site")


ARTEFACT = ArtefactSpec("esmtpacceptmailfor", build)
